"""libvirt's XML of storage pools and volumes, as far as repositories need it.

Source: https://libvirt.org/formatstorage.html.
"""

from castalia.libvirtxml.document import element, to_text
from castalia.libvirtxml.xmlnode import Integer, Node, Text
from castalia.model.storage import VolumeFacts, VolumeFormat
from castalia.storage.rules import shown_format

_DIRECTORY_MODE = "0711"
"""QEMU's user must be able to go through, and nobody needs to list."""
COPYING = ".copying"
"""A file of that suffix stands beside a copy until the copy is complete; never shown."""


class Pool(Node):
    """A `<pool>`."""

    TAG = "pool"
    kind = Text("@type")
    name = Text("name")
    path = Text("target/path")


class Volume(Node):
    """A `<volume>`. Sizes are in bytes: libvirt always reports them so."""

    TAG = "volume"
    name = Text("name")
    capacity_bytes = Integer("capacity")
    allocation_bytes = Integer("allocation")
    path = Text("target/path")
    format = Text("target/format/@type")
    changed_at = Text("target/timestamps/ctime")
    backing_path = Text("backingStore/path")

    def facts(self) -> VolumeFacts:
        """The same in the words of the model."""
        return VolumeFacts(
            name=self.name,
            path=self.path,
            format=shown_format(_format(self.format), self.name),
            capacity_bytes=self.capacity_bytes,
            allocation_bytes=self.allocation_bytes,
            backing_path=self.backing_path,
        )


def _format(word: str) -> VolumeFormat:
    return VolumeFormat(word) if word in set(VolumeFormat) else VolumeFormat.OTHER


def directory_pool(name: str, path: str) -> str:
    """The definition of a directory repository."""
    permissions = element("permissions", None, element("mode", text=_DIRECTORY_MODE))
    target = element("target", None, element("path", text=path), permissions)
    return to_text(element("pool", {"type": "dir"}, element("name", text=name), target))


def new_volume(
    name: str,
    *,
    size_bytes: int,
    format: VolumeFormat,
    backing_path: str = "",
    backing_format: VolumeFormat = VolumeFormat.QCOW2,
) -> str:
    """The definition of a volume that takes no more room than it has to."""
    written = VolumeFormat.RAW if format is VolumeFormat.ISO else format
    linked_to = element(
        "backingStore",
        None,
        element("path", text=backing_path),
        element("format", {"type": backing_format.value}),
    )
    return to_text(
        element(
            "volume",
            None,
            element("name", text=name),
            element("capacity", {"unit": "bytes"}, text=size_bytes),
            element("allocation", {"unit": "bytes"}, text="0"),
            element("target", None, element("format", {"type": written.value})),
            linked_to if backing_path else None,
        )
    )
