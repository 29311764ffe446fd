"""Which directories of a host may be repositories."""

from pathlib import Path, PurePosixPath

from castalia.errors import Conflict, InvalidRequest

_SHARED = """
/ /home /media /mnt /opt /root /run /srv /tmp /usr /usr/local /var /var/lib /var/lib/libvirt
/var/tmp
"""
"""Directories that hold other things too, though a directory in them may be a repository."""
_SYSTEM = """
/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /lost+found /proc /sbin /sys /usr/bin /usr/include
/usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/sbin /usr/share /usr/src /var/cache /var/lib/apt
/var/lib/dpkg /var/lib/rpm /var/log /var/run /var/spool
"""
"""Directories where with all below nothing may be a repository."""


def checked_directory(path: str) -> str:
    """Returns the directory, without needless slashes, if a repository may be there.

    Raises InvalidRequest for a relative path, one with `..`, and for directories of the system.
    """
    pure = PurePosixPath(path)
    if not path.startswith("/") or ".." in pure.parts or not path.isprintable():
        remedy = "Write the full path, for example /srv/images, without `..`."
        raise InvalidRequest(f"{path!r} is not a full path.", field="path", remedy=remedy)
    pure = PurePosixPath("/", *pure.parts[1:])  # POSIX keeps two slashes at the beginning
    if str(pure) in _SHARED.split() or any(map(pure.is_relative_to, _SYSTEM.split())):
        remedy = "Choose a directory of its own, for example /srv/images."
        message = f"{pure} belongs to the system and cannot be a repository."
        raise InvalidRequest(message, field="path", remedy=remedy)
    return str(pure)


def check_apart(path: str, own: Path) -> None:
    """Raises InvalidRequest if a repository at `path` would hold, or lie in, the manager's own
    directory `own` on this machine. Its `images` may be one: hosts of an unprivileged user get it.
    """
    wanted, kept = Path(path).resolve(), own.resolve()
    if wanted == kept / "images":
        return
    if wanted.is_relative_to(kept) or kept.is_relative_to(wanted):
        remedy = "Choose a directory of its own, for example /srv/images."
        message = f"{path} holds or belongs to the manager's own data, in {own}."
        raise InvalidRequest(message, field="path", remedy=remedy)


def check_place(name: str, path: str, *, other: str, other_path: str) -> None:
    """Raises Conflict if the repository `other`, which is there, and a wanted one get in each
    other's way."""
    if name == other and path != other_path:
        remedy = "Choose another name for the new one."
        message = f"Repository {name!r} is already there, in {other_path}."
        raise Conflict(message, code="repository.name-taken", field="name", remedy=remedy)
    if name != other and path == other_path:
        remedy = f"Use {other!r}, or choose another directory."
        message = f"{path} is repository {other!r} already."
        raise Conflict(message, code="repository.path-taken", field="path", remedy=remedy)
