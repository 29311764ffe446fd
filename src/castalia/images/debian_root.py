"""Installs a Debian system into a directory with mmdebstrap, and makes it a template's contents."""

import io
import re
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from castalia.images.command import Check, run
from castalia.images.guest_content import guest_files

SUITE = "bookworm"
_PACKAGES = (
    *("linux-image-amd64", "initramfs-tools", "zstd", "systemd-sysv", "udev", "dbus", "kmod"),
    *("libpam-systemd", "systemd-resolved", "cloud-init", "cloud-guest-utils", "fdisk"),
    *("openssh-server", "qemu-guest-agent", "sudo", "e2fsprogs", "iproute2", "iputils-ping"),
    *("procps", "ca-certificates", "netbase", "less", "nano", "curl"),
)
_WITHOUT = (
    *("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*"),
    *(f"/lib/modules/*/kernel/drivers/gpu/drm/{name}/*" for name in ("amd", "i915", "nouveau")),
    *(f"/lib/modules/*/kernel/drivers/{name}/*" for name in ("media", "infiniband", "isdn")),
    *("/lib/modules/*/kernel/drivers/gpu/drm/radeon/*", "/lib/modules/*/kernel/sound/*"),
    *("/lib/modules/*/kernel/drivers/net/wireless/*", "/lib/modules/*/kernel/drivers/staging/*"),
)
"""Documentation, and drivers of hardware that no VM has."""
_MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service"),
    *("dpkg-db-backup.timer", "systemd-pstore.service", "systemd-rfkill.service"),
    *("systemd-rfkill.socket", "cloud-init-hotplugd.socket", "systemd-firstboot.service"),
)
_ENABLED = {
    "multi-user.target.wants/systemd-networkd.service": "systemd-networkd.service",
    "sockets.target.wants/systemd-networkd.socket": "systemd-networkd.socket",
    "network-online.target.wants/systemd-networkd-wait-online.service": (
        "systemd-networkd-wait-online.service"
    ),
}
_REMOVED = (
    *("etc/apt/apt.conf.d/99mmdebstrap", "etc/dpkg/dpkg.cfg.d/99mmdebstrap"),
    *("etc/ssh/ssh_host_*", "var/lib/dbus/machine-id", "var/log/*.log", "var/cache/apt/*.bin"),
)
_REMEDY = "Check that this machine's apt sources can be reached (`apt-get update`), then try again."
_REMEDY_WITHOUT_ROOT = (
    "Without root, this needs the packages uidmap and fakeroot, and a range for this user in "
    "/etc/subuid and /etc/subgid. Or build it as root."
)
_PROXY = re.compile(r'Acquire::\S*Proxy\S* ".+";')
_APT_SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d")


@dataclass(frozen=True, kw_only=True)
class DebianRoot:
    """An unpacked system; `as_root` goes before commands that must see its true owners."""

    path: Path
    as_root: tuple[str, ...]
    packages: dict[str, str]


def install(scratch: Path, *, cache: Path, check: Check, root_user: bool) -> DebianRoot:
    """Makes a Debian system below `scratch`, with downloads kept in `cache`. Raises ImageError."""
    archive = scratch / "root.tar"
    remedy = _REMEDY if root_user else _REMEDY_WITHOUT_ROOT
    _mmdebstrap(archive, scratch, cache, check, remedy)
    return _unpack(archive, scratch, check, root_user=root_user)


def clean(root: Path) -> None:
    """Takes out what must differ between VMs, and what the installation left."""
    for pattern in _REMOVED:
        for path in root.glob(pattern):
            path.unlink()
    # Empty, not "uninitialized": the latter would have systemd ask for a key on the console.
    (root / "etc/machine-id").write_text("")


def _mmdebstrap(archive: Path, scratch: Path, cache: Path, check: Check, remedy: str) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    overlay, debs = scratch / "overlay.tar", scratch / "debs.tar"
    _write_overlay(overlay)
    _write_cached(debs, cache)
    hooks = [
        f"--setup-hook=tar-in {_quoted(debs)} /",
        f"--essential-hook=tar-in {_quoted(overlay)} /",
        f"--customize-hook=sync-out /var/cache/apt/archives {_quoted(cache)}",
    ]
    options = [f"--include={','.join(_PACKAGES)}", "--dpkgopt=force-confold", *_proxies()]
    options += [f"--dpkgopt=path-exclude={pattern}" for pattern in _WITHOUT]
    skipped = ["--skip=download/empty", "--skip=essential/unlink", "--skip=cleanup/reproducible"]
    run(
        ["mmdebstrap", "--variant=apt", *skipped, *options, *hooks, SUITE, archive, *_sources()],
        failure="Debian could not be installed into the template.",
        remedy=remedy,
        check=check,
        env={"TMPDIR": str(scratch)},
    )


def _quoted(path: Path) -> str:
    """mmdebstrap splits its hooks at blanks, as a shell would."""
    return '"' + str(path.absolute()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _sources() -> list[str | Path]:
    """This machine's apt sources when it runs the same Debian, else mmdebstrap's own choice."""
    if f"VERSION_CODENAME={SUITE}\n" not in Path("/etc/os-release").read_text():
        return []
    single, directory = map(Path, _APT_SOURCES)
    files = [single, *sorted(directory.glob("*.list")), *sorted(directory.glob("*.sources"))]
    return [file for file in files if file.is_file() and SUITE in file.read_text()]


def _proxies() -> list[str]:
    dump = run(["apt-config", "dump"], failure="apt's configuration cannot be read.").decode()
    return [f"--aptopt={line}" for line in dump.splitlines() if _PROXY.fullmatch(line)]


def _write_overlay(target: Path) -> None:
    with tarfile.open(target, "w") as tar:
        for name, content in sorted(guest_files("debian").items()):
            _add_file(tar, name, content)
        for unit in _MASKED:
            _add_link(tar, f"etc/systemd/system/{unit}", "/dev/null")
        for name, unit in _ENABLED.items():
            _add_link(tar, f"etc/systemd/system/{name}", f"/lib/systemd/system/{unit}")


def _write_cached(target: Path, cache: Path) -> None:
    with tarfile.open(target, "w") as tar:
        _add_directories(tar, "var/cache/apt/archives/partial/x")
        for deb in sorted(cache.glob("*.deb")):
            tar.add(deb, f"./var/cache/apt/archives/{deb.name}", filter=_as_root)


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    _add_directories(tar, name)
    member = tarfile.TarInfo(f"./{name}")
    member.size = len(content)
    member.mode = 0o755 if content.startswith(b"#!") else 0o644
    tar.addfile(member, io.BytesIO(content))


def _add_link(tar: tarfile.TarFile, name: str, to: str) -> None:
    _add_directories(tar, name)
    member = tarfile.TarInfo(f"./{name}")
    member.type, member.linkname = tarfile.SYMTYPE, to
    tar.addfile(member)


def _add_directories(tar: tarfile.TarFile, name: str) -> None:
    present = set(tar.getnames())
    for parent in reversed(Path(name).parents[:-1]):
        if f"./{parent}" not in present:
            member = tarfile.TarInfo(f"./{parent}")
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)


def _unpack(archive: Path, scratch: Path, check: Check, *, root_user: bool) -> DebianRoot:
    """Only root can give files away; for others fakeroot keeps a list of who owns what."""
    root, owners = scratch / "root", scratch / "owners"
    root.mkdir()
    save, load = (("fakeroot", way, str(owners), "--") for way in ("-s", "-i"))
    prefix: Sequence[str] = () if root_user else save
    run(
        [*prefix, "tar", "-xf", archive, "-C", root, "--numeric-owner", "--exclude=./dev/*"],
        failure="The installed Debian could not be unpacked.",
        remedy="See whether the disk that holds the work directory is full.",
        check=check,
    )
    archive.unlink()
    packages = dict(_versions((root / "var/lib/dpkg/status").read_text()))
    return DebianRoot(path=root, as_root=() if root_user else load, packages=packages)


def _versions(status: str) -> Iterable[tuple[str, str]]:
    for stanza in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line)
        if "Package" in fields and "Version" in fields:
            yield fields["Package"], fields["Version"]
