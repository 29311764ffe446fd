"""The micro template: busybox, dropbear, the guest agent and Debian's cloud kernel, in seconds.

For tests, labs and classrooms: it boots in 128 MiB, understands our seeds, and answers through the
guest agent. No package of it is installed by its own scripts, so nothing runs that needs root.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from castalia.images.boot_disk import DiskPlan, write_boot_disk
from castalia.images.built_image import BuiltImage
from castalia.images.command import Check, Progress
from castalia.images.debian_packages import PackageSource, unpack
from castalia.images.guest_content import content_hash
from castalia.images.micro_root import lay_out
from castalia.images.room import room

_PROGRAM_PACKAGES = (
    *("busybox-static", "dropbear-bin", "e2fsprogs", "qemu-guest-agent", "sudo"),
    "libpam-modules",
)
_KERNEL_PACKAGES = ("linux-image-cloud-amd64", "linux-image-virtual")
"""Debian's and Ubuntu's kernel for virtual machines."""
_FOLLOWED = ("lib", "zlib", "linux-image-", "linux-modules-")
_NOT_FOLLOWED = frozenset({"libpam-modules-bin", "libdb5.3", "libdb5.3t64", "libss2"})
"""Libraries that only parts of packages need which are not taken."""
_DISK_MIB = 512
_GRUB_CFG = """\
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=0
linux /boot/vmlinuz root=UUID={uuid} ro quiet console=tty0 console=ttyS0,115200 {arguments}
initrd /boot/initrd
boot
"""
_KERNEL_ARGUMENTS = "memhp_default_state=online random.trust_cpu=on"
_MODULES = ("builder_micro.py", "micro_root.py", "boot_disk.py", "debian_packages.py")


@dataclass(frozen=True, kw_only=True)
class MicroBuilder:
    """Builds the template `micro`."""

    name: str = "micro"
    title: str = "Micro (busybox)"
    os: str = "linux"
    default_user: str = "admin"
    min_memory_mib: int = 96

    def fingerprint(self) -> str:
        """Changes whenever another disk would come out of the same packages."""
        ours = content_hash(_MODULES, guest="micro")
        return f"{ours}-{content_hash((), guest='micro_initramfs')}"

    def build(
        self, destination: Path, *, work_dir: Path, progress: Progress, check: Check
    ) -> BuiltImage:
        """Makes the disk at `destination`; see `TemplateBuilder.build`."""
        work_dir.mkdir(parents=True, exist_ok=True)
        destination.parent.mkdir(parents=True, exist_ok=True)
        with room(), tempfile.TemporaryDirectory(dir=work_dir, prefix="micro-") as scratch:
            return _build(destination, Path(scratch), work_dir / "cache", progress, check)


def _build(
    destination: Path, scratch: Path, cache: Path, progress: Progress, check: Check
) -> BuiltImage:
    source = PackageSource(cache, check=check)
    progress(0, "Fetching packages")
    packages = source.collect(_PROGRAM_PACKAGES, one_of=_KERNEL_PACKAGES, follow=_follow)
    progress(40, "Unpacking packages")
    unpack(packages.values(), scratch / "packages", check=check)
    progress(65, "Laying out the guest")
    root = scratch / "root"
    lay_out(scratch / "packages", root, scratch=scratch, check=check)
    plan = DiskPlan.of(_DISK_MIB, journal_mib=4)
    grub = _GRUB_CFG.format(uuid=plan.root_uuid, arguments=_KERNEL_ARGUMENTS)
    (root / "boot/grub/grub.cfg").write_text(grub)
    progress(80, "Writing the disk")
    versions = {package.name: package.version for package in packages}
    image = write_boot_disk(
        root, destination, plan=plan, scratch=scratch, check=check, packages=versions
    )
    progress(100, "Done")
    return image


def _follow(name: str) -> bool:
    return name.startswith(_FOLLOWED) and name not in _NOT_FOLLOWED
