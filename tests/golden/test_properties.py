"""Every declared property can be written, is read back as written, and leaves nothing behind when
it is taken out. A property that is declared and not in the golden file fails here."""

import importlib
import pkgutil
from typing import Any

import pytest
from tests.golden.conftest import Golden

import castalia.libvirtxml as package
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_tree import DomainTree
from castalia.libvirtxml.xmlnode import (
    Children,
    Flag,
    Integer,
    MemoryMib,
    Node,
    Property,
    Switch,
    Text,
    Words,
    properties_of,
)


def _kinds() -> list[type[Node]]:
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    pending, found = [Node], []
    while pending:
        pending = [kind for parent in pending for kind in parent.__subclasses__()]
        found += [kind for kind in pending if kind.__module__.startswith(package.__name__)]
    return [kind for kind in found if kind is not Domain]


def _value(property_: Property[Any], number: int) -> Any:
    if isinstance(property_, (Flag, Switch)):
        return not property_.default
    if isinstance(property_, Words):
        return ("hd", "cdrom")
    if isinstance(property_, (Integer, MemoryMib)):
        return 100 + number
    assert isinstance(property_, Text)
    return f"value-{number}"


def _filled(kind: type[Node]) -> tuple[Node, dict[str, Any]]:
    node, values = kind(), {}
    for number, (name, property_) in enumerate(properties_of(kind).items()):
        values[name] = _value(property_, number)
        setattr(node, name, values[name])
    return node, values


KINDS = _kinds()


def test_there_are_kinds() -> None:
    assert DomainTree in KINDS
    assert len(KINDS) > 20


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_property(kind: type[Node], golden: Golden) -> None:
    node, values = _filled(kind)
    golden(f"properties/{kind.__name__}.xml", node.text())
    again = kind(node.text())
    assert {name: getattr(again, name) for name in values} == values


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_taken_out_nothing_is_left(kind: type[Node]) -> None:
    node, values = _filled(kind)
    for name in reversed(values):
        property_ = properties_of(kind)[name]
        setattr(node, name, "" if isinstance(property_, Text) else property_.default)
    assert node.text() == f"<{kind.TAG}/>"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_empty_element_has_the_defaults(kind: type[Node]) -> None:
    for name, property_ in properties_of(kind).items():
        assert getattr(kind(), name) == property_.default, name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_list(kind: type[Node]) -> None:
    for name, children in vars(kind).items():
        if isinstance(children, Children):
            node = kind()
            listed = getattr(node, name)
            first, second = listed.add(children.kind()), listed.add(children.kind())
            assert [child.element for child in listed] == [first.element, second.element]
            listed.remove(first)
            assert [child.element for child in listed] == [second.element]
