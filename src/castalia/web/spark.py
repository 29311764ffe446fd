"""Small line drawings of recent values, as the points of an SVG polyline."""

from collections.abc import Sequence

WIDTH, HEIGHT = 60, 18


def points(values: Sequence[float | None], *, top: float = 1.0) -> list[str]:
    """Polylines for `values` between 0 and `top`, oldest first; a missing value breaks the line."""
    step = WIDTH / max(len(values) - 1, 1)
    lines: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            lines.append([])
            continue
        height = HEIGHT - 1 - min(max(value / top, 0.0), 1.0) * (HEIGHT - 2)
        lines[-1].append(f"{index * step:.1f},{height:.1f}")
    return [" ".join(line) for line in lines if line]
