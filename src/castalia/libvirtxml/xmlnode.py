"""Typed properties over an XML element, declared once per class.

    class DiskDevice(Node):
        TAG = "disk"
        bus = Text("target/@bus")
        boot_order = Integer("boot/@order")

Reading looks in the tree, writing changes only the named element or attribute and makes what is
missing on the way; everything else in the tree stays as it is. Setting a property to its default
takes it out.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from castalia.errors import InvalidRequest
from castalia.libvirtxml import document, scaled
from castalia.libvirtxml.document import Element
from castalia.model.amount import MIB

T = TypeVar("T")
N = TypeVar("N", bound="Node")


class Node:
    """An element of a definition. Made from text, from an element of a tree, or empty."""

    TAG: ClassVar[str] = ""
    ORDER: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By parent's tag, where its children stand."""

    def __init__(self, source: str | Element | None = None) -> None:
        if source is None:
            source = document.element(self.TAG)
        self.element = document.parse(source) if isinstance(source, str) else source
        if self.element.tag != self.TAG:
            remedy = f"Give a <{self.TAG}> element."
            raise InvalidRequest(f"<{self.element.tag}> is not expected here.", remedy=remedy)

    def text(self) -> str:
        """The element as XML text that stands on its own."""
        return document.to_text(self.element)

    def copy(self) -> Self:
        """A copy that can be changed without changing this one."""
        return type(self)(document.detached_copy(self.element))

    def has(self, path: str) -> bool:
        """Whether there is an element at `path`."""
        return self.element.find(path) is not None

    def drop(self, path: str) -> None:
        """Takes out every element at `path`, if any."""
        for found in self.element.findall(path):
            document.remove(found)


class Property(ABC, Generic[T]):
    """One value at `path`: child elements separated by `/`, at the end perhaps `@attribute`."""

    def __init__(self, path: str, *, default: T) -> None:
        elements, at, attribute = path.partition("@")
        self.path = path
        self.steps = tuple(filter(None, elements.split("/")))
        self.steps_path = "/".join(self.steps)
        self.attribute = attribute if at else ""
        self.default = default

    @overload
    def __get__(self, node: None, owner: type[Node]) -> Self: ...
    @overload
    def __get__(self, node: Node, owner: type[Node]) -> T: ...
    def __get__(self, node: Node | None, owner: type[Node]) -> T | Self:
        if node is None:
            return self
        holder = self._holder(node)
        return self.default if holder is None else self.read(holder)

    def __set__(self, node: Node, value: T) -> None:
        if value == self.__get__(node, type(node)):
            return  # the spelling that is there stays
        if not self.clears(value):
            self.write(_made(node, self.steps), value)
            return
        holder = self._holder(node)
        if holder is not None:
            self.clear(holder)
            _prune(holder, node.element)

    def clears(self, value: T) -> bool:
        """Whether writing this value means to take the property out."""
        return value == self.default

    @abstractmethod
    def read(self, holder: Element) -> T:
        """The value that `holder` has, or the default."""

    @abstractmethod
    def write(self, holder: Element, value: T) -> None:
        """Puts the value into `holder`."""

    def clear(self, holder: Element) -> None:
        """Takes the value out of `holder`, which goes too when nothing else is in it."""
        if self.attribute:
            holder.attrib.pop(self.attribute, "")
        else:
            holder.text = None

    def _raw(self, holder: Element) -> str | None:
        return holder.get(self.attribute) if self.attribute else holder.text

    def _write_raw(self, holder: Element, raw: str) -> None:
        if self.attribute:
            document.set_attribute(holder, self.attribute, raw)
        else:
            document.set_content(holder, raw)

    def _holder(self, node: Node) -> Element | None:
        return node.element.find(self.steps_path) if self.steps else node.element


def _made(node: Node, steps: Sequence[str]) -> Element:
    """The element at the end of `steps`; what is missing on the way is made."""
    holder = node.element
    for step in steps:
        child = holder.find(step)
        if child is None:
            child = document.element(step)
            document.insert(holder, child, order=node.ORDER.get(str(holder.tag), ()))
        holder = child
    return holder


def _prune(element: Element, top: Element) -> None:
    """Takes out elements that say nothing any more, from `element` up to below `top`."""
    while element is not top and not (len(element) or element.attrib or element.text):
        parent = element.getparent()
        if parent is None:
            return
        document.remove(element)
        element = parent


class Text(Property[str]):
    """A text; empty, or the default, where there is none. The empty text takes it out."""

    def __init__(self, path: str, *, default: str = "") -> None:
        super().__init__(path, default=default)

    def read(self, holder: Element) -> str:
        raw = self._raw(holder)
        return self.default if raw is None else raw.strip()

    def clears(self, value: str) -> bool:
        return not value

    def write(self, holder: Element, value: str) -> None:
        self._write_raw(holder, value)


class Prose(Text):
    """A text whose white space matters: a title or a description."""

    def read(self, holder: Element) -> str:
        return self._raw(holder) or self.default


class Integer(Property[int]):
    """A whole number; 0 where there is none."""

    def __init__(self, path: str, *, default: int = 0) -> None:
        super().__init__(path, default=default)

    def read(self, holder: Element) -> int:
        raw = self._raw(holder)
        return scaled.whole(raw, field=self.path) if raw else self.default

    def write(self, holder: Element, value: int) -> None:
        self._write_raw(holder, str(value))


class Switch(Property[bool]):
    """One of two words; `yes` and `on` count as true in every spelling."""

    def __init__(self, path: str, *, on: str = "yes", off: str = "no", default: bool = False):
        super().__init__(path, default=default)
        self.words = {True: on, False: off}

    def read(self, holder: Element) -> bool:
        raw = self._raw(holder)
        return self.default if raw is None else raw.strip() in {self.words[True], "yes", "on"}

    def write(self, holder: Element, value: bool) -> None:  # noqa: FBT001 - a property's value
        self._write_raw(holder, self.words[value])


class Flag(Property[bool]):
    """True when the element is there, whatever is in it."""

    def __init__(self, path: str) -> None:
        super().__init__(path, default=False)

    def read(self, holder: Element) -> bool:
        return holder is not None

    def write(self, holder: Element, value: bool) -> None:  # noqa: FBT001 - a property's value
        """Nothing to write: the element's being there says it."""

    def clear(self, holder: Element) -> None:
        for child in list(holder):
            holder.remove(child)
        holder.attrib.clear()
        holder.text = None


class MemoryMib(Property[int]):
    """An amount of memory in MiB, whatever unit the XML uses; 0 where there is none.

    Writing keeps the unit that is there when the amount is a whole number of it.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, default=0)

    def read(self, holder: Element) -> int:
        raw = self._raw(holder)
        return scaled.to_mib(raw, holder.get("unit", "")) if raw and raw.strip() else 0

    def write(self, holder: Element, value: int) -> None:
        unit = holder.get("unit", "" if self._raw(holder) else "MiB")
        size = scaled.unit_bytes(unit)
        if value * MIB % size:
            unit, size = "MiB", MIB
        self._write_raw(holder, str(value * MIB // size))
        if unit:
            holder.set("unit", unit)

    def clear(self, holder: Element) -> None:
        super().clear(holder)
        holder.attrib.pop("unit", "")


class Words(Property[tuple[str, ...]]):
    """The same attribute of several elements in order, as in `<boot dev='hd'/><boot dev='cdrom'/>`.

    Writing uses the elements that are there and then adds or removes some; `order` places new ones
    among their siblings.
    """

    def __init__(self, path: str, *, order: tuple[str, ...]) -> None:
        super().__init__(path, default=())
        *parents, self.item = self.steps
        self.steps, self.steps_path, self.order = tuple(parents), "/".join(parents), order

    def read(self, holder: Element) -> tuple[str, ...]:
        return tuple(found.get(self.attribute, "") for found in holder.findall(self.item))

    def write(self, holder: Element, value: tuple[str, ...]) -> None:
        present = holder.findall(self.item)
        for found in present[len(value) :]:
            document.remove(found)
        for found, word in zip(present, value, strict=False):
            document.set_attribute(found, self.attribute, word)
        for word in value[len(present) :]:
            child = document.element(self.item, {self.attribute: word})
            document.insert(holder, child, order=self.order)

    def clear(self, holder: Element) -> None:
        for found in holder.findall(self.item):
            document.remove(found)


class NodeList(Sequence[N]):
    """The elements of one kind below a node, in document order."""

    def __init__(self, owner: Node, path: str, kind: type[N]) -> None:
        self._owner, self._path, self._kind = owner, path, kind

    def _nodes(self) -> list[N]:
        found = self._owner.element.findall("/".join(filter(None, (self._path, self._kind.TAG))))
        return [self._kind(element) for element in found]

    @overload
    def __getitem__(self, index: int) -> N: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[N]: ...
    def __getitem__(self, index: int | slice) -> N | Sequence[N]:
        return self._nodes()[index]

    def __len__(self) -> int:
        return len(self._nodes())

    def __iter__(self) -> Iterator[N]:
        return iter(self._nodes())

    def add(self, node: N) -> N:
        """Puts the node after the last of its kind and returns it."""
        holder = _made(self._owner, list(filter(None, self._path.split("/"))))
        order = self._owner.ORDER.get(str(holder.tag), (self._kind.TAG,))
        document.insert(holder, node.element, order=order)
        return node

    def remove(self, node: N) -> None:
        """Takes the node out."""
        document.remove(node.element)


class Children(Generic[N]):
    """Declares a list of sub-objects below `path`."""

    def __init__(self, path: str, kind: type[N]) -> None:
        self.path, self.kind = path, kind

    @overload
    def __get__(self, node: None, owner: type[Node]) -> Self: ...
    @overload
    def __get__(self, node: Node, owner: type[Node]) -> NodeList[N]: ...
    def __get__(self, node: Node | None, owner: type[Node]) -> NodeList[N] | Self:
        if node is None:
            return self
        return NodeList(node, self.path, self.kind)


def properties_of(kind: type[Node]) -> dict[str, Property[Any]]:
    """Every property that a class declares, by name."""
    return {
        name: value
        for base in reversed(kind.__mro__)
        for name, value in vars(base).items()
        if isinstance(value, Property)
    }
