"""What differs between two XML documents, item by item.

An item is an attribute, a text, an element's being there, a comment or an instruction, named by
its path. Disks are told apart by target and cards by MAC, other elements by their number.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from castalia.libvirtxml.document import Element


@dataclass(frozen=True)
class Item:
    """One thing that a document says."""

    path: str
    value: str


def items(root: Element) -> list[Item]:
    """Everything that a document says, in its order."""
    before = [Item(f"{_kind(node)}", node.text or "") for node in root.itersiblings(preceding=True)]
    after = [Item(f"{_kind(node)}", node.text or "") for node in root.itersiblings()]
    return before + list(_items(root, str(root.tag))) + after


def difference(before: Element, after: Element) -> set[str]:
    """The paths at which the documents differ; also where what both say changed its order."""
    old, new = items(before), items(after)
    removed, added = Counter(old) - Counter(new), Counter(new) - Counter(old)
    changed = {item.path for item in [*removed, *added]}
    kept_old = [item for item in old if item.path not in changed]
    kept_new = [item for item in new if item.path not in changed]
    moved = {a.path for a, b in zip(kept_old, kept_new, strict=True) if a != b}
    return changed | moved


def _kind(node: Element) -> str:
    return "comment()" if node.tag is etree.Comment else "instruction()"


def _items(node: Element, path: str) -> Iterator[Item]:
    yield Item(path, "")
    for name, value in node.attrib.items():
        yield Item(f"{path}/@{name}", value)
    if (node.text or "").strip():
        yield Item(f"{path}/text()", node.text or "")
    counts: Counter[str] = Counter()
    for child in node:
        if not isinstance(child.tag, str):
            yield Item(f"{path}/{_kind(child)}", child.text or "")
        else:
            counts[child.tag] += 1
            yield from _items(child, f"{path}/{child.tag}{_key(child, counts)}")
        if (child.tail or "").strip():
            yield Item(f"{path}/tail()", child.tail or "")


def _key(node: Element, counts: Counter[str]) -> str:
    names = {"disk": "target/@dev", "interface": "mac/@address"}
    found = node.xpath(names[str(node.tag)]) if node.tag in names else []
    number = counts[str(node.tag)]
    return f"[{found[0]}]" if found else f"[{number}]" if number > 1 else ""
