"""The registry of template builders."""

from castalia.errors import NotFound
from castalia.images.builder import TemplateBuilder
from castalia.images.builder_micro import MicroBuilder


def builders() -> dict[str, TemplateBuilder]:
    """All builders by name."""
    every: list[TemplateBuilder] = [MicroBuilder()]
    return {one.name: one for one in every}


def builder(name: str) -> TemplateBuilder:
    """The builder of that name; raises NotFound."""
    known = builders()
    if name not in known:
        remedy = f"Choose one of: {', '.join(sorted(known))}."
        raise NotFound(f"There is no template builder {name!r}.", remedy=remedy)
    return known[name]
