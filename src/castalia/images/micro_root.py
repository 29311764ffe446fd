"""Lays out the micro guest's root directory: chosen files of Debian packages, busybox's commands,
our own scripts, and the small initramfs that mounts it all.
"""

import gzip
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from castalia.errors import ImageError
from castalia.images.command import Check, run
from castalia.images.guest_content import guest_files

_EARLY_MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "ata_piix", "xen_blkfront")
_MODULES = (
    *_EARLY_MODULES,
    *("virtio_net", "virtio_console", "virtio_balloon", "virtio_rng", "virtio_mem"),
    *("sr_mod", "isofs", "vfat", "nls_cp437", "nls_ascii", "nls_utf8"),
    *("button", "evdev", "xen_netfront", "overlay", "softdog"),
)
_PROGRAMS = ("qemu-ga", "dropbear", "dropbearkey", "resize2fs", "sudo", "busybox")
_EXTRA_LIBRARIES = ("security/pam_deny.so", "security/pam_permit.so")
_INITRAMFS_FAILURE = "The template's start file system could not be made."
_NOT_LINKED = frozenset({"busybox", "dpkg", "dpkg-deb", "rpm", "rpm2cpio", "linuxrc"})
_DIRECTORIES = ("boot/grub", "dev", "proc", "sys", "run", "tmp", "root", "home", "etc/sudoers.d")
_MERGED = ("bin", "sbin", "lib", "lib64")
_MODES = {"etc/shadow": 0o600, "etc/sudoers": 0o440, "usr/bin/sudo": 0o4755, "root": 0o700}
_SHARED_OBJECT = re.compile(r".+\.so(\.[0-9.]+)?")


def lay_out(packages: Path, root: Path, *, scratch: Path, check: Check) -> str:
    """Fills `root` from unpacked `packages` and returns the kernel's release. Raises ImageError."""
    _make_skeleton(root)
    _copy_programs(packages, root)
    _copy_libraries(packages, root)
    _link_commands(root, check)
    _copy_guest_files(root)
    release = _copy_kernel(packages, root)
    index = _module_index(packages, release, busybox=root / "usr/bin/busybox", check=check)
    _copy_modules(_with_needs(_MODULES, index), packages, root)
    _depmod(root, root, release, check)
    _write_initramfs(root, release, scratch / "initramfs", index, check)
    _set_modes(root)
    return release


def _make_skeleton(root: Path) -> None:
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in _DIRECTORIES:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "var/lib/castalia").mkdir(parents=True)
    (root / "var/log").mkdir()
    (root / "var/run").symlink_to("../run")
    (root / "etc/mtab").symlink_to("/proc/self/mounts")


def _copy_programs(packages: Path, root: Path) -> None:
    for name in _PROGRAMS:
        found = [packages / place / name for place in ("usr/sbin", "usr/bin", "sbin", "bin")]
        source = next((path for path in found if path.is_file()), None)
        if source is None:
            message = f"The packages hold no program {name!r}."
            raise ImageError(message, code="image.package-changed")
        place = "bin" if source.parent.name == "bin" else "sbin"
        shutil.copy(source, root / "usr" / place / name)


def _copy_libraries(packages: Path, root: Path) -> None:
    """Only what the linker loads by itself: gconv, locales and debug data would triple the size."""
    for directory in _library_directories(packages):
        target = root / "usr" / _below_usr(directory.relative_to(packages))
        for source in sorted(directory.iterdir()):
            if _SHARED_OBJECT.fullmatch(source.name):
                _copy_entry(source, target / source.name)
        for name in _EXTRA_LIBRARIES:
            if (directory / name).is_file():
                _copy_entry(directory / name, target / name)
    for plugins in ("usr/libexec/sudo", "usr/lib/sudo"):
        for source in sorted((packages / plugins).glob("*.so*")):
            _copy_entry(source, root / plugins / source.name)


def _library_directories(packages: Path) -> Iterable[Path]:
    for prefix in ("lib", "usr/lib"):
        yield from sorted((packages / prefix).glob("*-linux-gnu*"))
    yield from (packages / name for name in ("lib64", "usr/lib64") if (packages / name).is_dir())


def _below_usr(relative: Path) -> Path:
    """`lib/x` and `usr/lib/x` are one directory in the guest."""
    return relative.relative_to("usr") if relative.parts[0] == "usr" else relative


def _copy_entry(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_symlink():
        shutil.copy(source, target, follow_symlinks=False)


def _link_commands(root: Path, check: Check) -> None:
    busybox = root / "usr/bin/busybox"
    if not busybox.exists():
        shutil.move(root / "usr/sbin/busybox", busybox)
    failure = "The busybox package does not run."
    listing = run([busybox, "--list-full"], failure=failure, check=check)
    for line in listing.decode().split():
        path = root / "usr" / _below_usr(Path(line))
        if path.name not in _NOT_LINKED and not path.exists():
            path.symlink_to("/usr/bin/busybox")


def _copy_guest_files(root: Path) -> None:
    for name, content in guest_files("micro").items():
        _write(root / name, content)


def _write(target: Path, content: bytes) -> None:
    """Our scripts begin with `#!`; everything else is not to be run."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_bytes(content)
    target.chmod(0o755 if content.startswith(b"#!") else 0o644)


def _copy_kernel(packages: Path, root: Path) -> str:
    kernels = sorted((packages / "boot").glob("vmlinuz-*"))
    if not kernels:
        raise ImageError("The kernel package holds no kernel.", code="image.package-changed")
    shutil.copy(kernels[-1], root / "boot/vmlinuz")
    return kernels[-1].name.removeprefix("vmlinuz-")


def _module_tree(packages: Path, release: str) -> Path:
    places = (packages / "lib/modules" / release, packages / "usr/lib/modules" / release)
    return next((place for place in places if place.is_dir()), places[0])


def _module_index(
    packages: Path, release: str, *, busybox: Path, check: Check
) -> dict[str, tuple[Path, list[str]]]:
    """Every module's file and the modules it needs, by the module's name."""
    tree = _module_tree(packages, release)
    base = tree.parents[2]
    run([busybox, "depmod", "-b", base, release], failure=_INITRAMFS_FAILURE, check=check)
    index = {}
    for line in (tree / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        index[_module_name(path)] = (tree / path, [_module_name(need) for need in needs.split()])
    return index


def _module_name(path: str) -> str:
    return Path(path).name.split(".ko")[0].replace("-", "_")


def _with_needs(names: Iterable[str], index: dict[str, tuple[Path, list[str]]]) -> list[Path]:
    """The files of `names` and of all they need; what a kernel has built in is not in `index`."""
    chosen: dict[str, Path] = {}
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in index and name not in chosen:
            path, needs = index[name]
            chosen[name] = path
            queue.extend(needs)
    return list(chosen.values())


def _copy_modules(modules: Iterable[Path], packages: Path, root: Path) -> None:
    for source in modules:
        target = root / "usr" / _below_usr(source.relative_to(packages))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _depmod(root: Path, base: Path, release: str, check: Check) -> None:
    busybox = root / "usr/bin/busybox"
    run([busybox, "depmod", "-b", base, release], failure=_INITRAMFS_FAILURE, check=check)


def _write_initramfs(
    root: Path,
    release: str,
    start: Path,
    index: dict[str, tuple[Path, list[str]]],
    check: Check,
) -> None:
    (start / "bin").mkdir(parents=True)
    shutil.copy(root / "usr/bin/busybox", start / "bin/busybox")
    (start / "bin/sh").symlink_to("busybox")
    for name, content in guest_files("micro_initramfs").items():
        _write(start / name, content)
    tree = start / "lib/modules" / release
    tree.mkdir(parents=True)
    for source in _with_needs(_EARLY_MODULES, index):
        shutil.copy(source, tree / source.name)
    _depmod(root, start, release, check)
    archive = _cpio(start, root / "usr/bin/busybox", check)
    (root / "boot/initrd").write_bytes(gzip.compress(archive, 6, mtime=0))


def _cpio(start: Path, busybox: Path, check: Check) -> bytes:
    names = sorted(str(path.relative_to(start)) for path in start.rglob("*"))
    argv = [str(busybox.absolute()), "cpio", "-o", "-H", "newc", "-R", "0:0"]
    listing = "".join(f"{name}\n" for name in names).encode()
    return run(argv, failure=_INITRAMFS_FAILURE, check=check, cwd=start, stdin=listing)


def _set_modes(root: Path) -> None:
    for directory, _, _ in os.walk(root):
        Path(directory).chmod(0o755)
    for name, mode in _MODES.items():
        (root / name).chmod(mode)
    (root / "tmp").chmod(0o1777)
