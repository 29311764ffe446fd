"""Screens, keys and serial consoles."""

import contextlib
import os
from collections.abc import Iterator

import libvirt

from castalia.errors import Conflict, HypervisorError, InvalidRequest, Unsupported
from castalia.hypervisor.driver_libvirt_base import LibvirtPart
from castalia.hypervisor.serial_libvirt import LibvirtSerial
from castalia.libvirtxml.domain import Domain

_MAX_KEYS = 16
_MAX_PICTURE_BYTES = 64 * 1024 * 1024
_PICTURE_BLOCK = 256 * 1024


class Console(LibvirtPart):
    """What a person at the VM's screen and keyboard would see and do."""

    def send_keys(self, uuid: str, keycodes: list[int], *, hold_ms: int = 50) -> None:
        """Presses the keys (Linux input codes) together."""
        if not 1 <= len(keycodes) <= _MAX_KEYS:
            raise InvalidRequest(f"Press 1 to {_MAX_KEYS} keys at a time.", field="keys")
        with self._vm(uuid, "sending keys to {}") as domain:
            domain.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, hold_ms, keycodes, len(keycodes), 0)

    def screenshot(self, uuid: str) -> tuple[bytes, str]:
        """A picture of the VM's screen and its MIME type."""
        with self._vm(uuid, "taking a picture of {}") as domain:
            _must_run(domain)
            stream = domain.connect().newStream(0)
            mime = domain.screenshot(stream, 0, 0)
            picture = _received(stream)
            stream.finish()
        return picture, str(mime)

    @contextlib.contextmanager
    def open_graphics(self, uuid: str) -> Iterator[int]:
        """A connected VNC socket's file descriptor, without any TCP port having been opened."""
        if not self.connection.local:
            raise Unsupported(
                f"A screen on {self.connection.endpoint.host} cannot be reached from here.",
                code="console.remote",
                remedy="libvirt hands a console's socket over on its own machine only.",
            )
        with self._vm(uuid, "opening the screen of {}") as domain:
            _must_run(domain)
            index = _vnc_index(domain)
            descriptor = domain.openGraphicsFD(index, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def open_serial(self, uuid: str, *, force: bool = False) -> LibvirtSerial:
        """The serial console. Raises Conflict if somebody else has it, unless `force`."""
        with self._vm(uuid, "opening the serial console of {}") as domain:
            _must_run(domain)
            stream = domain.connect().newStream(libvirt.VIR_STREAM_NONBLOCK)
            flags = libvirt.VIR_DOMAIN_CONSOLE_SAFE
            flags |= libvirt.VIR_DOMAIN_CONSOLE_FORCE if force else 0
            domain.openConsole(None, stream, flags)
            return LibvirtSerial(stream)


def _must_run(domain: libvirt.virDomain) -> None:
    if not domain.isActive():
        raise Conflict(
            f"{domain.name()} is not running.", remedy="Start it first.", code="vm.not-running"
        )


def _vnc_index(domain: libvirt.virDomain) -> int:
    kinds = [graphics.type for graphics in Domain(domain.XMLDesc(0)).graphics]
    if "vnc" not in kinds:
        raise Unsupported(
            f"{domain.name()} has no VNC console.",
            code="console.no-vnc",
            remedy="Add a VNC console to its definition and restart it, or use the serial one.",
        )
    return kinds.index("vnc")


def _received(stream: libvirt.virStream) -> bytes:
    picture = bytearray()
    while block := stream.recv(_PICTURE_BLOCK):
        picture += block
        if len(picture) > _MAX_PICTURE_BYTES:
            stream.abort()
            raise HypervisorError("The picture of the screen is larger than 64 MiB.")
    return bytes(picture)
