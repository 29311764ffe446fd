"""The template debian-12: a small Debian with systemd, cloud-init, the guest agent and sshd.

It has Debian's general kernel, because the one for clouds lacks what emulated hardware needs: SATA,
common network cards, a frame buffer for graphical consoles.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from castalia.images.boot_disk import DiskPlan, write_boot_disk
from castalia.images.built_image import BuiltImage
from castalia.images.command import Check, Progress
from castalia.images.debian_root import clean, install
from castalia.images.guest_content import content_hash
from castalia.images.room import room

_DISK_MIB = 2048
_GRUB_CFG = """\
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=0
linux /vmlinuz root=UUID={uuid} ro quiet console=tty0 console=ttyS0,115200 {arguments}
initrd /initrd.img
boot
"""
_KERNEL_ARGUMENTS = "net.ifnames=0 memhp_default_state=online random.trust_cpu=on"
"""Cards are eth0, eth1, … as in the micro guest, whatever slot a hypervisor puts them in."""
_FSTAB = "UUID={uuid} / ext4 noatime,errors=remount-ro 0 1\n"
_MODULES = ("builder_debian.py", "debian_root.py", "boot_disk.py")


@dataclass(frozen=True, kw_only=True)
class DebianBuilder:
    """Builds the template `debian-12`."""

    name: str = "debian-12"
    title: str = "Debian 12 (bookworm)"
    os: str = "debian"
    default_user: str = "debian"
    min_memory_mib: int = 256

    def fingerprint(self) -> str:
        """Changes whenever another disk would come out of the same packages."""
        return content_hash(_MODULES, guest="debian")

    def build(
        self, destination: Path, *, work_dir: Path, progress: Progress, check: Check
    ) -> BuiltImage:
        """Makes the disk at `destination`; see `TemplateBuilder.build`."""
        work_dir.mkdir(parents=True, exist_ok=True)
        destination.parent.mkdir(parents=True, exist_ok=True)
        with room(), tempfile.TemporaryDirectory(dir=work_dir, prefix="debian-") as scratch:
            cache = work_dir / "cache/debian-12"
            return _build(destination, Path(scratch), cache, progress, check)


def _build(
    destination: Path, scratch: Path, cache: Path, progress: Progress, check: Check
) -> BuiltImage:
    # mmdebstrap drops root's privileges for downloads, and must still reach its files.
    scratch.chmod(0o755)
    progress(0, "Installing Debian (this takes about two minutes)")
    system = install(scratch, cache=cache, check=check, root_user=os.geteuid() == 0)
    progress(80, "Writing the disk")
    clean(system.path)
    plan = DiskPlan.of(_DISK_MIB)
    boot = system.path / "boot/grub"
    boot.mkdir(parents=True, exist_ok=True)
    grub = _GRUB_CFG.format(uuid=plan.root_uuid, arguments=_KERNEL_ARGUMENTS)
    (boot / "grub.cfg").write_text(grub)
    (system.path / "etc/fstab").write_text(_FSTAB.format(uuid=plan.root_uuid))
    image = write_boot_disk(
        system.path,
        destination,
        plan=plan,
        scratch=scratch,
        check=check,
        packages=system.packages,
        as_root=system.as_root,
    )
    progress(100, "Done")
    return image
