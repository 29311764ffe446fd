"""A VM's definition with everything that can be done to it.

    domain = Domain(text)
    domain.set_vcpus(4)
    domain.description = "the web server"
    text = domain.text()

What an edit does not name stays as it was, known or unknown, down to comments and their places.
"""

from castalia.libvirtxml import device_build, domain_disks, domain_nics, domain_sizing
from castalia.libvirtxml.domain_boot import set_boot
from castalia.libvirtxml.domain_devices import DiskDevice, NicDevice
from castalia.libvirtxml.domain_plan import DiskPlan, NicPlan
from castalia.libvirtxml.domain_tree import DomainTree
from castalia.libvirtxml.ownership import ownership_of, ownership_xml, set_ownership
from castalia.model.vm import DeviceKind, Ownership


class Domain(DomainTree):
    """A VM's definition. `Domain(text)` parses it; `text()` gives it back with the edits made."""

    def set_vcpus(self, vcpus: int, *, max_vcpus: int | None = None) -> None:
        """Plugs in `vcpus`; the maximum grows when it is too small, or becomes `max_vcpus`.

        Raises InvalidRequest for a number that does not fit the VM's topology or NUMA nodes.
        """
        domain_sizing.set_vcpus(self, vcpus, max_vcpus=max_vcpus)

    def set_memory(self, memory_mib: int, *, max_memory_mib: int | None = None) -> None:
        """Gives the guest `memory_mib`; the maximum grows when it is too small, or becomes
        `max_memory_mib`, and NUMA nodes with it.

        Raises InvalidRequest for an amount that does not fit the VM's huge pages.
        """
        domain_sizing.set_memory(self, memory_mib, max_memory_mib=max_memory_mib)

    def set_boot_order(self, order: tuple[str, ...]) -> None:
        """Sets what the VM boots from: libvirt's words (hd, cdrom, network, fd), disk targets,
        MACs. Raises InvalidRequest for what the VM does not have."""
        set_boot(self, order)

    # --- disks ---
    def free_target(self, bus: str) -> str:
        """The first name that a further disk on `bus` can have."""
        return domain_disks.next_target(self, bus)

    def new_disk_text(
        self,
        *,
        path: str,
        target: str = "",
        format: str = "qcow2",
        bus: str = "virtio",
        device: DeviceKind = DeviceKind.DISK,
    ) -> str:
        """A disk for attaching to this VM; without `target` it gets the next free name. Raises
        InvalidRequest, and Conflict if the target is taken."""
        plan = DiskPlan(path=path, target=target, format=format, bus=bus, device=device)
        return device_build.disk_xml(domain_disks.placed(self, plan))

    def disk_text(self, target: str) -> str:
        """The disk `target` for detaching or updating. Raises NotFound."""
        return self.disk(target).text()

    def add_disk(self, plan: DiskPlan) -> DiskDevice:
        """Adds a disk; bus and target are chosen if the plan does not. Raises InvalidRequest, and
        Conflict if the target is taken."""
        return domain_disks.add_disk(self, plan)

    def remove_disk(self, target: str) -> None:
        """Takes the disk `target` out. Raises NotFound."""
        self.disks.remove(self.disk(target))

    def set_medium(self, target: str, *, path: str, format: str = "raw") -> None:
        """Puts the image at `path` into the drive `target`, or nothing when it is empty. Raises
        NotFound, and InvalidRequest for a disk that is no drive."""
        domain_disks.set_medium(self.disk(target), path=path, format=format)

    # --- network cards ---
    def new_nic_text(
        self, *, mac: str, kind: str = "network", source: str = "", model: str = "virtio"
    ) -> str:
        """A network card for attaching to this VM. Raises InvalidRequest, and Conflict if the MAC
        is taken."""
        plan = NicPlan(mac=mac, kind=kind, source=source, model=model)
        domain_nics.require_free_mac(self, plan.mac)
        return device_build.nic_xml(plan)

    def nic_text(self, mac: str) -> str:
        """The network card for detaching or updating. Raises NotFound."""
        return self.nic(mac).text()

    def add_nic(self, plan: NicPlan) -> NicDevice:
        """Adds a network card. Raises InvalidRequest, and Conflict if the MAC is taken."""
        return domain_nics.add_nic(self, plan)

    def remove_nic(self, mac: str) -> None:
        """Takes the network card out. Raises NotFound."""
        self.nics.remove(self.nic(mac))

    def set_link(self, mac: str, *, up: bool) -> None:
        """Plugs the card's cable in or pulls it. Raises NotFound."""
        domain_nics.set_link(self.nic(mac), up=up)

    # --- Castalia's note ---
    @property
    def ownership(self) -> Ownership | None:
        """The note in the metadata; None for a VM that Castalia did not make."""
        return ownership_of(self)

    def set_ownership(self, note: Ownership | None) -> None:
        """Writes the note, or takes it out."""
        set_ownership(self, note)

    @property
    def ownership_text(self) -> str:
        """The note as the driver's `set_metadata` takes it; empty where there is none."""
        note = self.ownership
        return ownership_xml(note) if note else ""
