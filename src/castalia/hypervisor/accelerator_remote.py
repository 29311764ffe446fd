"""Measures KVM on a host where no QEMU can be run beside libvirt: by throw-away VMs.

The probe firmware is uploaded into the directory that libvirt keeps for boot files; two transient
VMs, one emulated, one with KVM, run it and end. File and pool are removed after it; libvirt itself
ends the VMs if the connection breaks.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import libvirt

from castalia.hypervisor.accelerator import ProbeRun, judge
from castalia.hypervisor.events import EventRelay
from castalia.hypervisor.expectation import Expectation
from castalia.hypervisor.probe_firmware import EXIT_PORT, probe_firmware
from castalia.libvirtxml.document import element, to_text
from castalia.model.capabilities import Accelerator, AcceleratorFinding
from castalia.model.ids import new_id, new_uuid
from castalia.settings import AcceleratorSettings

BOOT_DIRECTORY = "/var/lib/libvirt/boot"
"""Where libvirt's packages have a directory for uploaded kernels and firmware."""
_QEMU_XML = "http://libvirt.org/schemas/domain/qemu/1.0"
_EMULATION_LIMIT_S = 10.0
_START = libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY


@dataclass(frozen=True, kw_only=True)
class RemoteProbe:
    """The probe on one host. `domain_types` are those to compare: emulation and the accelerator."""

    relay: EventRelay
    emulator: str
    settings: AcceleratorSettings
    domain_types: tuple[str, str] = ("qemu", "kvm")

    def find(self, handle: libvirt.virConnect) -> AcceleratorFinding:
        """What was measured, or that and why it could not be."""
        try:
            with _firmware_on(handle) as path:
                emulation = self._run(
                    handle, path, self.domain_types[0], limit_s=_EMULATION_LIMIT_S
                )
                kvm = self._run(
                    handle, path, self.domain_types[1], limit_s=self.settings.probe_limit_s
                )
        except libvirt.libvirtError:
            return AcceleratorFinding(
                accelerator=Accelerator.EMULATED,
                reason="not measured: the host let no probe be run; the settings can say kvm",
            )
        return judge(kvm=kvm, emulation=emulation, settings=self.settings)

    def _run(
        self, handle: libvirt.virConnect, path: str, domain_type: str, *, limit_s: float
    ) -> ProbeRun:
        uuid = new_uuid()
        self.relay.hide(uuid)
        xml = _probe_vm(uuid, domain_type=domain_type, emulator=self.emulator, firmware=path)
        try:
            domain = handle.createXML(xml, _START)
        except libvirt.libvirtError:
            if domain_type == self.domain_types[0]:
                raise
            return ProbeRun(ms=None, failure="QEMU could not run the probe with kvm")
        try:
            return self._timed(domain, limit_s=limit_s)
        finally:
            with contextlib.suppress(libvirt.libvirtError):  # it ended by itself
                domain.destroy()

    def _timed(self, domain: libvirt.virDomain, *, limit_s: float) -> ProbeRun:
        uuid = domain.UUIDString()
        with Expectation(
            self.relay, lambda signal: signal.uuid == uuid and signal.detail == "stopped"
        ) as ended:
            started = time.monotonic()
            domain.resume()
            if ended.wait(timeout_s=limit_s) is None:
                return ProbeRun(ms=None, failure=f"did not finish the probe within {limit_s:g} s")
            return ProbeRun(ms=round((time.monotonic() - started) * 1000, 1))


def _probe_vm(uuid: str, *, domain_type: str, emulator: str, firmware: str) -> str:
    exit_device = f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=0x04"
    arguments = [
        element(f"{{{_QEMU_XML}}}arg", {"value": value}) for value in ("-device", exit_device)
    ]
    return to_text(
        element(
            "domain",
            {"type": domain_type},
            element("name", text=f"castalia-probe-{new_id()}"),
            element("uuid", text=uuid),
            element("memory", {"unit": "MiB"}, text=16),
            element(
                "os",
                None,
                element("type", {"arch": "x86_64", "machine": "pc"}, text="hvm"),
                element("loader", {"type": "rom", "readonly": "yes"}, text=firmware),
            ),
            element(
                "devices",
                None,
                element("emulator", text=emulator),
                element("controller", {"type": "usb", "model": "none"}),
                element("memballoon", {"model": "none"}),
            ),
            element(f"{{{_QEMU_XML}}}commandline", None, *arguments),
            names={"qemu": _QEMU_XML},
        )
    )


@contextlib.contextmanager
def _firmware_on(handle: libvirt.virConnect) -> Iterator[str]:
    """The firmware's path on the host, for the time of a block."""
    with _boot_pool(handle) as pool:
        image = probe_firmware()
        volume = pool.createXML(_volume_xml(f"castalia-probe-{new_id()}.bin", len(image)), 0)
        try:
            stream = handle.newStream(0)
            volume.upload(stream, 0, len(image), 0)
            stream.send(image)
            stream.finish()
            yield str(volume.path())
        finally:
            volume.delete(0)


@contextlib.contextmanager
def _boot_pool(handle: libvirt.virConnect) -> Iterator[libvirt.virStoragePool]:
    """A pool on the boot directory: one that is there, or a transient one."""
    if (there := _pool_there(handle)) is not None:
        yield there
        return
    pool = handle.storagePoolCreateXML(_pool_xml(f"castalia-probe-{new_id()}"), 0)
    try:
        yield pool
    finally:
        pool.destroy()


def _pool_there(handle: libvirt.virConnect) -> libvirt.virStoragePool | None:
    try:
        return handle.storagePoolLookupByTargetPath(BOOT_DIRECTORY)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_POOL:
            raise
        return None


def _pool_xml(name: str) -> str:
    target = element("target", None, element("path", text=BOOT_DIRECTORY))
    return to_text(element("pool", {"type": "dir"}, element("name", text=name), target))


def _volume_xml(name: str, size_bytes: int) -> str:
    permissions = element("permissions", None, element("mode", text="0644"))
    return to_text(
        element(
            "volume",
            None,
            element("name", text=name),
            element("capacity", text=size_bytes),
            element("target", None, element("format", {"type": "raw"}), permissions),
        )
    )
