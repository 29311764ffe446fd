"""XML text to an lxml tree and back; elements go in and out without disturbing the indentation.

Never expands an entity, never loads a DTD, never touches the network.
"""

import copy
import re
from collections.abc import Mapping

from lxml import etree

from castalia.errors import InvalidRequest

Element = etree._Element

MAX_BYTES = 4 * 1024 * 1024
"""As long as libvirt's longest remote string; a definition is a few KiB."""

# A document type can only stand before the root, after white space, instructions and comments. The
# possessive quantifiers keep the search linear however the text is made.
_DOCTYPE = re.compile(r"\ufeff?(?:\s++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_STEP = "  "


def parse(text: str, *, field: str = "xml") -> Element:
    """The root element of an XML document.

    Raises InvalidRequest naming `field` for text that is not well-formed, is too long, or has a
    document type (and with it could have entities).
    """
    try:
        data = text.encode()
        if len(data) > MAX_BYTES:
            raise _refused("The XML is too long.", f"{len(data)} bytes", field)
        if _DOCTYPE.match(text):
            raise _refused("XML with a document type is not accepted.", "DOCTYPE", field)
        root = etree.fromstring(data, _parser())
    except UnicodeEncodeError as error:
        raise _refused("The XML is not Unicode text.", str(error), field) from error
    except etree.XMLSyntaxError as error:
        message, remedy = "The XML is not well-formed.", f"Mend it: {error.msg}."
        raise InvalidRequest(message, remedy=remedy, field=field, detail=str(error)) from error
    docinfo = root.getroottree().docinfo
    if docinfo is not None and docinfo.internalDTD is not None:
        raise _refused("XML with a document type is not accepted.", "DOCTYPE", field)
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        strip_cdata=False,
    )


def _refused(message: str, detail: str, field: str) -> InvalidRequest:
    remedy = "Send a plain libvirt definition, without DOCTYPE and entities, of at most 4 MiB."
    return InvalidRequest(message, remedy=remedy, field=field, detail=detail)


def to_text(element: Element) -> str:
    """The element as XML; a root with the comments before and after it."""
    if element.getparent() is None:
        return etree.tostring(element.getroottree(), encoding="unicode")
    return etree.tostring(detached_copy(element), encoding="unicode")


def detached_copy(element: Element) -> Element:
    """A copy that belongs to no document, without name spaces that it does not use."""
    twin = copy.deepcopy(element)
    twin.tail = None
    etree.cleanup_namespaces(twin)
    return twin


def element(
    tag: str,
    attributes: Mapping[str, str | int | None] | None = None,
    *children: Element | None,
    text: str | int | None = None,
    names: Mapping[str, str] | None = None,
) -> Element:
    """A new element; attributes that are None or empty and children that are None are left out.
    `names` declares prefixes for name spaces.

    Raises InvalidRequest for text that XML cannot hold, such as control characters.
    """
    made = etree.Element(tag, nsmap=dict(names) if names else None)
    for name, value in (attributes or {}).items():
        if value not in (None, ""):
            set_attribute(made, name, str(value))
    if text not in (None, ""):
        set_content(made, str(text))
    made.extend([child for child in children if child is not None])
    return made


def set_attribute(target: Element, name: str, value: str) -> None:
    """Sets an attribute; raises InvalidRequest for text that XML cannot hold."""
    try:
        target.set(name, value)
    except ValueError as error:
        raise _unwritable(name, error) from error


def set_content(target: Element, value: str) -> None:
    """Sets an element's text; raises InvalidRequest for text that XML cannot hold."""
    try:
        target.text = value
    except ValueError as error:
        raise _unwritable(target.tag, error) from error


def _unwritable(name: str, error: ValueError) -> InvalidRequest:
    remedy = "Take control characters out of it."
    return InvalidRequest(
        "A text has characters that XML cannot hold.", field=name, remedy=remedy, detail=str(error)
    )


def indented(root: Element) -> Element:
    """The same new element with its children on lines of their own."""
    etree.indent(root, space=_STEP)
    return root


def insert(parent: Element, child: Element, *, order: tuple[str, ...] = ()) -> None:
    """Puts `child` after the last of its siblings that `order` places before it or alike, else at
    the end, on a line of its own where the document has lines."""
    indent = _child_indent(parent)
    index = _position(parent, str(child.tag), order)
    last = index == len(parent)
    closing = _closing(parent, indent) if last else indent
    if indent is not None:
        _indent_inside(child, indent)
        _set_text_before(parent, index, indent)
    parent.insert(index, child)
    child.tail = closing


def _position(parent: Element, tag: str, order: tuple[str, ...]) -> int:
    if tag not in order:
        return len(parent)
    before = set(order[: order.index(tag) + 1])
    places = [index for index, child in enumerate(parent) if child.tag in before]
    return places[-1] + 1 if places else 0


def _child_indent(parent: Element) -> str | None:
    """The line break and blanks before each child of `parent`; None in a document without
    lines."""
    if len(parent):
        text = parent.text or ""
        return "\n" + text.rpartition("\n")[2] if "\n" in text and not text.strip() else None
    above = parent.getparent()
    if above is None:
        return "\n" + _STEP
    own = _child_indent(above)
    return None if own is None else own + ("\t" if "\t" in own else _STEP)


def _closing(parent: Element, indent: str | None) -> str | None:
    """What stands between the last child and the end of `parent`."""
    if len(parent):
        return parent[-1].tail
    return None if indent is None else indent.removesuffix("\t").removesuffix(_STEP)


def _set_text_before(parent: Element, index: int, text: str) -> None:
    if index == 0:
        parent.text = text
    else:
        parent[index - 1].tail = text


def _indent_inside(child: Element, indent: str) -> None:
    etree.indent(child, space="\t" if "\t" in indent else _STEP)
    for node in child.iter():
        if len(node) and node.text and not node.text.strip():
            node.text = node.text.replace("\n", indent)
        if node is not child and node.tail:
            node.tail = node.tail.replace("\n", indent)


def replace(old: Element, new: Element) -> None:
    """Puts `new` where `old` stands."""
    parent = old.getparent()
    if parent is None:
        raise ValueError("a root cannot be replaced")
    indent = _child_indent(parent)
    if indent is not None:
        _indent_inside(new, indent)
    new.tail = old.tail
    parent.replace(old, new)


def remove(child: Element) -> None:
    """Takes an element out of its parent together with its line; other text stays."""
    parent = child.getparent()
    if parent is None:
        raise ValueError("a root cannot be removed")
    tail, previous = child.tail or "", child.getprevious()
    last = child.getnext() is None
    parent.remove(child)
    if tail.strip():
        _append_text(parent, previous, tail)
    elif last and previous is not None:
        previous.tail = tail
    elif last:
        parent.text = None if not (parent.text or "").strip() else parent.text


def _append_text(parent: Element, previous: Element | None, text: str) -> None:
    if previous is None:
        parent.text = (parent.text or "") + text
    else:
        previous.tail = (previous.tail or "") + text
