"""A lab host: a libvirtd with its own network, mounts, processes and cgroups on this machine.

To a client it is a host like any other, reached at `uri`: by a socket on this machine, so that it
counts as local, or, if it is wired to others (see `lab`), over TLS. Its `/tmp` is this machine's,
its `/run`, `/etc/libvirt` and libvirt's directories in `/var` are its own.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from castalia.errors import Conflict, HypervisorError, NotFound
from castalia.lab import (
    capabilities_cache,
    cgroups,
    configuration,
    kvm_device,
    namespace,
    record,
    requirements,
    wires,
)
from castalia.lab.wiring import PKI, Wiring
from castalia.model.names import checked_name

STATE_DIR = Path("/var/lib/castalia/lab")
"""Where lab hosts keep their files unless told otherwise."""
CACHE_DIR = Path("/var/cache/castalia/lab/capabilities")
"""Where QEMU's capabilities are kept from one host to the next."""

_OWN = {
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
    "run": "/run",  # last: with a state directory in /run it hides the others' sources
}
_DAEMON_LIMIT_S = 60
_SOCKET_PATH_LIMIT = 107  # sizeof(sockaddr_un.sun_path) - 1, unix(7)


class LabHost:
    """A host by name, running or not; what it is made of is on disk, so any process can take it
    up."""

    def __init__(
        self,
        name: str,
        *,
        state_dir: Path = STATE_DIR,
        cache_dir: Path = CACHE_DIR,
        owner: str = "",
        default_network: bool = True,
        wiring: Wiring | None = None,
    ) -> None:
        """Nothing is made yet. With `owner` (`record.this_process()`), `sweep` clears the host away
        once that process is gone. With a `wiring` it is one of several and also answers to others.

        Raises InvalidRequest for a name that cannot be used, Conflict for directories that cannot.
        """
        self.name = checked_name(name)
        self.directory = state_dir / name
        self._cache_dir = cache_dir
        self._owner = owner
        self._default_network = default_network
        self._wiring = wiring
        self._libvirtd_wanted = True
        if len(str(self._socket)) > _SOCKET_PATH_LIMIT:
            remedy = "Choose a shorter state directory or name."
            raise Conflict(f"The socket's path {self._socket} is too long.", remedy=remedy)
        for directory in wiring.shared if wiring else ():
            self._check_shared(directory)

    @property
    def uri(self) -> str:
        """The address for libvirt, which other hosts can use too if this one is wired."""
        return self._wiring.uri if self._wiring else self.local_uri

    @property
    def local_uri(self) -> str:
        """The address for libvirt on this machine, which works without any network."""
        return f"qemu+unix:///system?socket={self._socket}"

    @property
    def _socket(self) -> Path:
        return self.directory / "run" / "libvirt" / "libvirt-sock"

    @property
    def pid(self) -> int | None:
        """The host's first process as this machine counts, or None when the host is down. What
        `nsenter --target` takes."""
        return namespace.find(self.directory)

    # --- life ---
    def start(self) -> None:
        """Boots the host and returns once its libvirt answers; one that runs already is no error.

        Disks and definitions of an earlier life are there again. Raises Unsupported (not root, not
        Linux, something not installed) and HypervisorError; then nothing is left of a new host.
        """
        requirements.check()
        if self.pid is not None:
            return
        new = not record.file_of(self.directory).exists()
        try:
            self._boot()
        except BaseException:
            self.stop() if new else self.crash()
            raise
        capabilities_cache.keep(self._capabilities, self._cache_dir)

    def stop(self) -> None:
        """Cuts the host's power and removes all that was its: processes, cgroups, disks. One that
        is gone is no error."""
        try:
            groups = self._record.groups
        except NotFound:
            return
        self.crash()
        for pid in cgroups.processes(groups):
            namespace.kill(pid)
        cgroups.remove(groups)
        shutil.rmtree(self.directory, ignore_errors=True)
        record.file_of(self.directory).unlink(missing_ok=True)

    def crash(self) -> None:
        """Cuts the host's power: every process dies at once, disks stay; `start` boots it again."""
        if (pid := self.pid) is not None:
            namespace.kill(pid)

    # --- its libvirt ---
    def kill_libvirtd(self) -> None:
        """Kills libvirtd with SIGKILL; its VMs and networks run on."""
        self._libvirtd_wanted = False
        for pid in namespace.processes(self._running_pid(), name="libvirtd"):
            namespace.kill(pid)

    def restart_libvirtd(self) -> None:
        """Has a new libvirtd in place of the old one, and returns once it answers."""
        self.kill_libvirtd()
        self._start_daemon("libvirtd")
        self._wait_until_it_answers()
        self._libvirtd_wanted = True

    def revive_libvirtd(self) -> bool:
        """Starts libvirtd again if it has died by itself, as a host's init system does; whether it
        had."""
        pid = self.pid
        if pid is None or not self._libvirtd_wanted or namespace.processes(pid, name="libvirtd"):
            return False
        self._start_daemon("libvirtd")
        return True

    # --- inside ---
    def exec(
        self, argv: list[str], *, stdin: bytes = b"", timeout_s: float = 30
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a program in the host, as root, and returns its output and exit code.

        Raises Conflict when the host is down, subprocess.TimeoutExpired past the time.
        """
        return subprocess.run(
            self.command(argv),
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            env=_environment(),
            check=False,
        )

    def command(self, argv: list[str]) -> list[str]:
        """The arguments that run `argv` in the host, for those who start processes themselves.
        Raises Conflict when the host is down."""
        return namespace.command(self._running_pid(), self._record.groups, argv)

    def processes(self, *, name: str = "") -> list[int]:
        """The ids, as this machine counts, of the host's processes, or of those called `name`."""
        pid = self.pid
        return namespace.processes(pid, name=name) if pid is not None else []

    def outside(self, path: str) -> Path:
        """Where this machine sees what is `path` in the host."""
        for own, inside in _OWN.items():
            if Path(path).is_relative_to(inside):
                return self.directory / own / Path(path).relative_to(inside)
        return Path(path)

    # --- how ---
    @property
    def _record(self) -> record.Record:
        return record.load(self.directory)

    @property
    def _capabilities(self) -> Path:
        return self.directory / "cache" / "qemu" / "capabilities"

    def _running_pid(self) -> int:
        if (pid := self.pid) is None:
            remedy = "Start it first."
            raise Conflict(f"Lab host {self.name!r} is down.", remedy=remedy)
        return pid

    def _boot(self) -> None:
        hierarchies = cgroups.hierarchies()
        own = self._record_for(hierarchies)
        cgroups.create(own.groups, hierarchies)
        self._prepare_directories(own.uuid)
        binds = [namespace.bind(self.directory / part, there) for part, there in _OWN.items()]
        binds += kvm_device.binds(self.directory / "kvm")
        if self._wiring:
            binds += _wired_binds(self._wiring)
        pid = namespace.launch(
            self.directory,
            hostname=self.name,
            binds=binds,
            groups=own.groups,
            hierarchies=hierarchies,
        )
        if self._wiring:
            wires.plug(pid, self._wiring)
        self._start_daemons()
        self._wait_until_it_answers()

    def _record_for(self, hierarchies: list[cgroups.Hierarchy]) -> record.Record:
        """The host's record, with its cgroups where this process, not an earlier one, has to put
        them."""
        groups = cgroups.places(f"castalia-lab-{self.name}", hierarchies)
        own = record.new(self.name, owner=self._owner, groups=groups)
        with contextlib.suppress(NotFound):
            old = self._record
            cgroups.remove(old.groups)
            own = record.new(self.name, owner=self._owner, groups=groups, uuid=old.uuid)
        record.save(own, self.directory)
        return own

    def _prepare_directories(self, uuid: str) -> None:
        shutil.rmtree(self.directory / "run", ignore_errors=True)
        for part in _OWN:
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        (self.directory / "run" / "lock").mkdir()  # libvirt keeps the locks of consoles there
        self.directory.chmod(0o700)  # the socket in it asks nobody for a password
        (self.directory / "lib" / "images").mkdir(mode=0o711, exist_ok=True)
        configuration.write(
            self.directory / "etc",
            uuid=uuid,
            default_network=self._default_network,
            wiring=self._wiring,
        )
        capabilities_cache.seed(self._capabilities, self._cache_dir)

    def _start_daemons(self) -> None:
        # libvirtd last: it asks the others for consoles and leases.
        leases = ["virtlockd"] if self._wiring and self._wiring.leases else []
        for daemon in ("virtlogd", *leases, "libvirtd"):
            self._start_daemon(daemon)

    def _start_daemon(self, name: str) -> None:
        argv = [requirements.program(name), "--daemon"]
        if self._wiring and name == "libvirtd":
            argv.append("--listen")
        done = self.exec(argv, timeout_s=_DAEMON_LIMIT_S)
        if done.returncode != 0:
            raise self._daemon_error(name, done.stderr)

    def _wait_until_it_answers(self) -> None:
        done = subprocess.run(
            [requirements.program("virsh"), "--quiet", "--connect", self.local_uri, "capabilities"],
            capture_output=True,
            timeout=_DAEMON_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            raise self._daemon_error("libvirtd", done.stderr)

    def _check_shared(self, directory: Path) -> None:
        hidden = [inside for inside in _OWN.values() if directory.is_relative_to(inside)]
        if hidden:
            remedy = "Choose a directory elsewhere, such as in /srv or /var/lib/castalia."
            raise Conflict(f"Hosts have a {hidden[0]} of their own: {directory}.", remedy=remedy)

    def _daemon_error(self, name: str, words: bytes) -> HypervisorError:
        log = self.directory / "log" / f"{name}.log"
        with contextlib.suppress(OSError):
            words += log.read_bytes()[-2000:]
        remedy = "Its log holds the reason."
        text = words.decode(errors="replace")
        return HypervisorError(f"{name} of {self.name!r} failed.", remedy=remedy, detail=text)


def _wired_binds(wiring: Wiring) -> list[namespace.Mount]:
    binds = [namespace.bind(wiring.certificates, str(PKI))]
    for file in sorted(wiring.names.iterdir()):
        there = Path("/etc") / file.name
        # A link leads into this machine's /run, which a host does not see: nothing to cover.
        if there.is_file() and not there.is_symlink():
            binds.append(namespace.bind(file, str(there)))
    return binds


def _environment() -> dict[str, str]:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return {"PATH": path, "LANG": "C.UTF-8"}
