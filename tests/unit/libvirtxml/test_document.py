"""Hostile and broken text is refused; elements go in and out without disturbing the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castalia.errors import InvalidRequest
from castalia.libvirtxml import document
from castalia.libvirtxml.domain import Domain

_LAUGHS = "".join(
    f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" if n else "<!ENTITY l0 'ha'>" for n in range(10)
)
HOSTILE = {
    "billion laughs": f"<!DOCTYPE d [{_LAUGHS}]><domain><name>&l9;</name></domain>",
    "laughs in an attribute": f"<!DOCTYPE d [{_LAUGHS}]><domain type='&l9;'/>",
    "external entity": "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain>&x;</domain>",
    "parameter entity": "<!DOCTYPE d [<!ENTITY % x SYSTEM 'http://[::1]/x'> %x;]><domain/>",
    "external DTD": "<!DOCTYPE domain SYSTEM 'http://127.0.0.1/x.dtd'><domain/>",
    "bare document type": "<!DOCTYPE domain><domain/>",
    "behind comments": "\n<?x y?><!-- a --> <!-- b -->\n<!DOCTYPE domain><domain/>",
    "behind a declaration": "<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE domain><domain/>",
    "undeclared entity": "<domain><name>&x;</name></domain>",
    "deep": "<domain>" + "<a>" * 1000 + "</a>" * 1000 + "</domain>",
    "long": "<domain><name>" + "x" * document.MAX_BYTES + "</name></domain>",
    "truncated": "<domain><name>web1</name>",
    "empty": "",
    "no XML": "name: web1",
    "NUL": "<domain/>\0<!DOCTYPE",
    "lone surrogate": "<domain>\ud800</domain>",
    "another root": "<network/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        Domain(HOSTILE[name])
    assert raised.value.remedy
    assert "passwd" not in raised.value.message


def test_a_document_type_in_a_comment_is_only_a_comment() -> None:
    assert Domain("<!-- <!DOCTYPE x> --><domain/>").text().startswith("<!-- <!DOCTYPE x> -->")


def test_a_declaration_of_another_encoding_does_not_matter() -> None:
    text = "<?xml version='1.0' encoding='latin-1'?><domain><name>ü</name></domain>"
    assert Domain(text).name == "ü"


@given(st.text(max_size=40))
def test_any_text_is_kept_or_refused(text: str) -> None:
    domain = Domain("<domain/>")
    try:
        domain.description = text
    except InvalidRequest:
        assert any(ord(sign) < 32 or sign in "\ufffe\uffff" for sign in text)
    else:
        assert Domain(domain.text()).description == text


LINES = "<a>\n  <b/>\n  <!-- of c -->\n  <c/>\n</a>"


@pytest.mark.parametrize(
    ("tag", "order", "expected"),
    [
        ("d", (), "<a>\n  <b/>\n  <!-- of c -->\n  <c/>\n  <d/>\n</a>"),
        ("d", ("d", "b"), "<a>\n  <d/>\n  <b/>\n  <!-- of c -->\n  <c/>\n</a>"),
        ("d", ("b", "d", "c"), "<a>\n  <b/>\n  <d/>\n  <!-- of c -->\n  <c/>\n</a>"),
        ("c", ("b", "c"), "<a>\n  <b/>\n  <!-- of c -->\n  <c/>\n  <c/>\n</a>"),
    ],
)
def test_insert(tag: str, order: tuple[str, ...], expected: str) -> None:
    root = document.parse(LINES)
    document.insert(root, document.element(tag), order=order)
    assert document.to_text(root) == expected


def test_insert_into_an_empty_element_and_without_lines() -> None:
    root = document.parse("<a>\n\t<b/>\n</a>")
    document.insert(root[0], document.element("c", None, document.element("d")))
    assert document.to_text(root) == "<a>\n\t<b>\n\t\t<c>\n\t\t\t<d/>\n\t\t</c>\n\t</b>\n</a>"
    flat = document.parse("<a><b/></a>")
    document.insert(flat, document.element("c", None, document.element("d")))
    assert document.to_text(flat) == "<a><b/><c><d/></c></a>"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("b", "<a>\n  <!-- of c -->\n  <c/>\n</a>"),
        ("c", "<a>\n  <b/>\n  <!-- of c -->\n</a>"),
    ],
)
def test_remove(path: str, expected: str) -> None:
    root = document.parse(LINES)
    document.remove(root.findall(path)[0])
    assert document.to_text(root) == expected


def test_remove_the_only_child_and_keep_text_beside() -> None:
    root = document.parse("<a>\n  <b/>\n</a>")
    document.remove(root[0])
    assert document.to_text(root) == "<a/>"
    mixed = document.parse("<a>one<b/>two<c/>three</a>")
    document.remove(mixed[1])
    document.remove(mixed[0])
    assert document.to_text(mixed) == "<a>onetwothree</a>"


def test_a_copy_carries_no_names_that_it_does_not_use() -> None:
    domain = Domain("<domain xmlns:q='urn:q'><devices><disk>\n</disk></devices></domain>")
    assert domain.disks[0].text() == "<disk>\n</disk>"
    copy = domain.disks[0].copy()
    copy.bus = "sata"
    assert domain.disks[0].bus == ""
