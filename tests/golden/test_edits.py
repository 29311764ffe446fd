"""Edits of definitions that others wrote change what was asked for and nothing else."""

import difflib
import re

import pytest
from lxml import etree
from tests.golden.conftest import HERE, Golden, Valid
from tests.golden.edits import EDITS, Edit
from tests.golden.xml_difference import difference

from castalia.errors import InvalidRequest
from castalia.libvirtxml.domain import Domain
from castalia.libvirtxml.domain_read import definition

ADOPTED = sorted(path.stem for path in (HERE / "adopted").glob("*.xml"))


def _text(name: str) -> str:
    return (HERE / "adopted" / f"{name}.xml").read_text()


def _edited(text: str, edit: Edit) -> Domain | None:
    """The definition after the edit; None where it is refused because there is no drive."""
    domain = Domain(text)
    if edit.name in {"insert a medium", "eject"} and not any(d.removable for d in domain.disks):
        with pytest.raises(InvalidRequest):
            edit.apply(domain)
        return None
    edit.apply(domain)
    return domain


@pytest.mark.parametrize("name", ADOPTED)
def test_adopted_definitions_are_realistic(name: str, valid: Valid) -> None:
    valid("domain", _text(name))


@pytest.mark.parametrize("name", ADOPTED)
def test_reading_changes_nothing(name: str) -> None:
    domain = Domain(_text(name))
    definition(_text(name))
    original = etree.fromstring(_text(name)).getroottree()
    assert etree.tostring(domain.element.getroottree(), method="c14n") == etree.tostring(
        original, method="c14n"
    )


@pytest.mark.parametrize("name", ADOPTED)
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_edit_touches_only_what_was_asked(name: str, edit: Edit, valid: Valid) -> None:
    before = Domain(_text(name))
    domain = _edited(_text(name), edit)
    if domain is None:
        return
    allowed = re.compile(edit.touches(before))
    touched = difference(before.element, Domain(domain.text()).element)
    assert {path for path in touched if not allowed.fullmatch(path)} == set()
    valid("domain", domain.text())


@pytest.mark.parametrize("name", ADOPTED)
def test_edit_again_changes_nothing(name: str) -> None:
    for edit in EDITS:
        if edit.name.startswith(("add", "remove", "more", "less", "clone", "boot from")):
            continue
        domain = _edited(_text(name), edit)
        if domain is not None:
            once = domain.text()
            edit.apply(domain)
            assert domain.text() == once, edit.name


@pytest.mark.parametrize("name", ADOPTED)
def test_edits_look_as_before(name: str, golden: Golden) -> None:
    before = Domain(_text(name)).text().splitlines()
    sections = []
    for edit in EDITS:
        domain = _edited(_text(name), edit)
        after = domain.text().splitlines() if domain else before
        lines = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
        sections.append("\n".join([f"=== {edit.name}", *(lines or ["nothing"])]))
    golden(f"edits/{name}.diff", "\n".join(sections))


@pytest.mark.parametrize("name", ADOPTED)
def test_definition_is_read(name: str, golden: Golden) -> None:
    found = definition(_text(name))
    lines = [f"{field} = {getattr(found, field)!r}" for field in found.__dataclass_fields__]
    golden(f"definitions/{name}.txt", "\n".join(lines))
