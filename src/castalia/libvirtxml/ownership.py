"""Castalia's note in a domain's metadata: what the VM was made of, and its tags.

<castalia:vm xmlns:castalia="urn:castalia:vm:1" template="micro" size="small">
  <castalia:tag>web</castalia:tag>
</castalia:vm>
"""

from castalia.libvirtxml import document
from castalia.libvirtxml.document import Element
from castalia.libvirtxml.domain_tree import DomainTree
from castalia.model.vm import Ownership

METADATA_URI = "urn:castalia:vm:1"
"""The name space of the note; libvirt finds it by this."""
METADATA_KEY = "castalia"
"""The prefix that libvirt writes before the note's names."""

_ATTRIBUTES = {"template": "template", "size": "size", "created": "created_at", "job": "job_id"}


def ownership_of(domain: DomainTree) -> Ownership | None:
    """The note in a domain; None for a VM that Castalia did not make."""
    note = domain.element.find(f"metadata/{{{METADATA_URI}}}vm")
    return None if note is None else _read(note, "{" + METADATA_URI + "}")


def ownership(text: str) -> Ownership | None:
    """The note in a domain's XML; None for a VM that Castalia did not make."""
    return ownership_of(DomainTree(text))


def ownership_from_metadata(text: str) -> Ownership:
    """The note as libvirt's `metadata()` gives it, which is without its name space."""
    note = document.parse(text)
    return _read(note, "{" + METADATA_URI + "}" if str(note.tag).startswith("{") else "")


def ownership_xml(note: Ownership) -> str:
    """The note as libvirt's `setMetadata` takes it with METADATA_KEY and METADATA_URI: without a
    name space, which libvirt adds itself."""
    return document.to_text(_note(note, ""))


def set_ownership(domain: DomainTree, note: Ownership | None) -> None:
    """Writes the note into a definition, or takes it out; other metadata stays."""
    if ownership_of(domain) == note:
        return
    present = domain.element.find(f"metadata/{{{METADATA_URI}}}vm")
    if note is None:
        _take_out(domain)
    elif present is not None:
        document.replace(present, _note(note, "{" + METADATA_URI + "}"))
    else:
        document.insert(_metadata(domain), _note(note, "{" + METADATA_URI + "}"))


def _take_out(domain: DomainTree) -> None:
    domain.drop(f"metadata/{{{METADATA_URI}}}vm")
    metadata = domain.element.find("metadata")
    if metadata is not None and not len(metadata):
        document.remove(metadata)


def _metadata(domain: DomainTree) -> Element:
    metadata = domain.element.find("metadata")
    if metadata is None:
        metadata = document.element("metadata")
        document.insert(domain.element, metadata, order=DomainTree.ORDER["domain"])
    return metadata


def _read(note: Element, prefix: str) -> Ownership:
    values = {name: note.get(attribute, "") for attribute, name in _ATTRIBUTES.items()}
    tags = tuple(tag.text.strip() for tag in note.findall(prefix + "tag") if tag.text)
    return Ownership(tags=tags, **values)


def _note(note: Ownership, prefix: str) -> Element:
    tags = [document.element(prefix + "tag", text=tag) for tag in note.tags]
    attributes = {attribute: getattr(note, name) for attribute, name in _ATTRIBUTES.items()}
    names = {METADATA_KEY: METADATA_URI} if prefix else None
    return document.element(prefix + "vm", attributes, *tags, names=names)
