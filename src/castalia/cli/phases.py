"""Phases of a long command: a line for each, with its result and its time."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def phase(title: str) -> Iterator[Callable[[str], None]]:
    """Shows that `title` is going on; what the body is told to say stands behind it at the end."""
    begun = time.monotonic()
    said: list[str] = []
    live = sys.stdout.isatty()
    if live:
        sys.stdout.write(f"  … {title}")
        sys.stdout.flush()
    try:
        yield said.append
    except BaseException:
        sys.stdout.write(f"{chr(13) if live else ''}  ✗ {title}\n")
        raise
    took = time.monotonic() - begun
    mark = chr(13) if live else ""
    sys.stdout.write(f"{mark}  ✓ {title:<16} {' '.join(said)} ({took:.1f} s)\n")
    sys.stdout.flush()
