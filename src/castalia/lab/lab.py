"""A lab: several hosts on this machine, wired to one network, with a directory that all share.

To a manager they are hosts like any others, reached over TLS. What can happen to real ones can be
done to these: their power fails, their cable is cut, it is slow.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from castalia.errors import Conflict, InvalidRequest, NotFound
from castalia.lab import (
    addressing,
    configuration,
    dhcp,
    firewall,
    lab_record,
    requirements,
    wires,
)
from castalia.lab.addressing import Addressing
from castalia.lab.authority import authority
from castalia.lab.host import CACHE_DIR, STATE_DIR, LabHost
from castalia.lab.lab_record import LabRecord
from castalia.lab.wiring import Wiring
from castalia.model.names import checked_name, hostname_from

_LONGEST_NAME = 32
_LONGEST_DELAY_MS = 60_000
_CLIENT = "castalia"


@dataclass(frozen=True, kw_only=True)
class HostStatus:
    """A host of a lab, as it is now. `cut` says that no packet gets through to it, `delay_ms` how
    long each waits."""

    name: str
    uri: str
    address: str
    running: bool
    cut: bool
    delay_ms: int


@dataclass(frozen=True, kw_only=True)
class LabStatus:
    """A lab, as it is now. `shared` is the directory with the same path on each host, `client`
    what `?pkipath=` names; `guests` maps hardware addresses to those that guests were given."""

    name: str
    subnet: str
    gateway: str
    bridge: str
    guest_bridge: str
    shared: str
    client: str
    hosts: tuple[HostStatus, ...]
    guests: dict[str, str]


class Lab:
    """A lab by name, up or not; what it is made of is on disk, so any process can take it up.

    Hosts are called `h1`, `h2` and so on. What runs on cut or slow hosts runs on.
    """

    def __init__(
        self,
        name: str,
        *,
        state_dir: Path = STATE_DIR,
        cache_dir: Path = CACHE_DIR,
        owner: str = "",
        leases: bool = True,
    ) -> None:
        """Nothing is made yet. `owner` is as for a `LabHost`. With `leases`, hosts lease the disks
        of running VMs, so that none can be written by two; a lab that exists keeps what it has.

        Raises InvalidRequest for a name that cannot be used.
        """
        if hostname_from(checked_name(name)) != name or len(name) > _LONGEST_NAME:
            remedy = f"Use at most {_LONGEST_NAME} lower-case letters, digits and dashes."
            raise InvalidRequest(f"A lab cannot be called {name!r}.", field="name", remedy=remedy)
        self.name = name
        self.directory = state_dir / name
        self._cache_dir = cache_dir
        self._owner = owner
        self._leases = leases

    # --- life ---
    def up(self, hosts: int = 3) -> LabStatus:
        """Sees to it that the lab exists with at least that many hosts, and that all are running.

        Those that failed are booted, none is removed. Raises Unsupported where no lab can be, and
        HypervisorError; then nothing is left of what this call has made.
        """
        wanted = addressing.names(hosts)
        requirements.check()
        with self._alone():
            new = not self.exists
            try:
                own = self._record_or_new()
                self._boot(own, own.with_hosts(wanted).hosts)
            except BaseException:
                if new:
                    self._remove()
                raise
            return self.status()

    def down(self) -> None:
        """Removes the lab with all that is in it: hosts, VMs, wires, shared files. One that is gone
        is no error."""
        if self.exists:
            with self._alone():
                self._remove()

    @property
    def exists(self) -> bool:
        """Whether there is anything of it."""
        return lab_record.file_of(self.directory).exists()

    def status(self) -> LabStatus:
        """The lab as it is at this moment. Raises NotFound."""
        own = self._record
        plan = self._addressing(own)
        return LabStatus(
            name=self.name,
            subnet=own.subnet,
            gateway=str(plan.gateway.ip),
            bridge=plan.bridge,
            guest_bridge=wires.GUEST_BRIDGE,
            shared=str(self.shared),
            client=str(self.client),
            hosts=tuple(self._status(own, host) for host in own.hosts),
            guests=dhcp.leases(self._dhcp),
        )

    # --- what can happen to a host ---
    def crash(self, host: str) -> None:
        """Cuts a host's power: all that runs on it dies at once, disks stay. One that is down is no
        error. Raises NotFound."""
        self.host(host).crash()
        # Again when nobody is booting it: else it could be up a moment after it was fenced.
        with self._alone():
            own = self._record
            self._host(own, host).crash()
            # The kernel takes its time with a dead host's cable; nobody shall meet it meanwhile.
            wires.remove(self._addressing(own).port(host))

    def start(self, host: str) -> None:
        """Boots a host again and returns once it answers; one that runs is no error. Its cable is
        whole again. Raises NotFound, HypervisorError."""
        self.host(host)
        with self._alone():
            self._boot(self._record_or_new(), (host,))

    def cut(self, host: str) -> None:
        """Cuts a host's cable: neither it nor its VMs reach anybody, and all run on. Raises
        NotFound, Conflict when it is down."""
        wires.cut(self._port(host))

    def heal(self, host: str) -> None:
        """Undoes `cut` and `slow`. Raises NotFound, Conflict when the host is down."""
        wires.heal(self._port(host))

    def slow(self, host: str, ms: int) -> None:
        """Has whatever goes to a host take `ms` longer. Raises NotFound, Conflict when it is down,
        Unsupported where the kernel cannot."""
        if not 0 < ms <= _LONGEST_DELAY_MS:
            remedy = f"Choose 1 to {_LONGEST_DELAY_MS}."
            raise InvalidRequest(f"No packet can wait for {ms} ms.", field="ms", remedy=remedy)
        wires.delay(self._port(host), ms)

    # --- its parts ---
    @property
    def shared(self) -> Path:
        """A directory with the same path on this machine and on each host."""
        return self.directory / "shared"

    @property
    def client(self) -> Path:
        """The certificates with which this machine speaks to the hosts, and they to each other."""
        return self.directory / "client"

    def host(self, host: str) -> LabHost:
        """One of the hosts. Raises NotFound."""
        return self._host(self._record, host)

    # --- how ---
    @property
    def _dhcp(self) -> Path:
        return self.directory / "dhcp"

    @property
    def _record(self) -> LabRecord:
        return lab_record.load(self.directory)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Of those who boot and remove, one at a time. The directory itself is locked, so that what
        is removed last is the lock."""
        descriptor = self._locked()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # there is a lab in it, as there should be
                self.directory.rmdir()
            os.close(descriptor)

    def _locked(self) -> int:
        while True:
            self.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), self.directory.stat()):
                    return descriptor
            os.close(descriptor)  # whoever had it has removed it: what was locked is nowhere

    def _addressing(self, own: LabRecord) -> Addressing:
        tag = addressing.tag_for(self.name, self.directory)
        return Addressing(lab=self.name, tag=tag, subnet=own.network)

    def _host(self, own: LabRecord, host: str) -> LabHost:
        if host not in own.hosts:
            remedy = f"It has {', '.join(own.hosts) or 'none'}."
            raise NotFound(f"Lab {self.name!r} has no host {host!r}.", remedy=remedy)
        return LabHost(
            self._addressing(own).name(host),
            state_dir=self.directory / "hosts",
            cache_dir=self._cache_dir,
            default_network=False,
            wiring=self._wiring(own, host),
        )

    def _wiring(self, own: LabRecord, host: str) -> Wiring:
        plan, leases = self._addressing(own), self.directory / "leases"
        return Wiring(
            address=plan.host(host),
            mac=plan.mac(host),
            gateway=plan.gateway.ip,
            bridge=plan.bridge,
            port=plan.port(host),
            certificates=self.directory / "certificates" / host,
            client=self.client,
            names=self.directory / "names",
            shared=(self.shared, leases),
            leases=leases if own.leases else None,
        )

    def _status(self, own: LabRecord, host: str) -> HostStatus:
        wiring, running = self._wiring(own, host), self._host(own, host).pid is not None
        return HostStatus(
            name=host,
            uri=wiring.uri,
            address=str(wiring.address.ip),
            running=running,
            cut=running and wires.is_cut(wiring.port),
            delay_ms=wires.delay_ms(wiring.port) if running else 0,
        )

    def _port(self, host: str) -> str:
        own = self._record
        if self._host(own, host).pid is None:
            remedy = f"Start it first: castalia lab start {host}"
            raise Conflict(f"Host {host!r} of lab {self.name!r} is down.", remedy=remedy)
        return self._addressing(own).port(host)

    def _record_or_new(self) -> LabRecord:
        """The record, with the network that it names laid."""
        with wires.choosing():
            if self.exists:
                own = self._record
            else:
                subnet = str(addressing.free_subnet(wires.taken()))
                own = LabRecord(
                    name=self.name, owner=self._owner, subnet=subnet, leases=self._leases
                )
                lab_record.save(own, self.directory)
            wires.lay_bridge(self._addressing(own))
        return own

    def _boot(self, own: LabRecord, hosts: tuple[str, ...]) -> None:
        """Boots these hosts; none that is new stays if one fails."""
        grown = own.with_hosts(hosts)
        lab_record.save(grown, self.directory)
        try:
            self._prepare(grown, hosts)
            _each(LabHost.start, [self._host(grown, host) for host in hosts])
        except BaseException:
            self._remove_hosts(grown, [host for host in grown.hosts if host not in own.hosts])
            lab_record.save(own, self.directory)
            raise

    def _remove(self) -> None:
        with contextlib.suppress(NotFound):
            own = self._record
            self._remove_hosts(own, own.hosts)
            dhcp.stop(self._dhcp)
            firewall.forget(self._addressing(own))
            wires.remove(self._addressing(own).bridge)
            shutil.rmtree(self.directory)

    def _prepare(self, own: LabRecord, hosts: Iterable[str]) -> None:
        """What hosts need before they boot; whatever is there already stays."""
        plan = self._addressing(own)
        firewall.let_through(plan)
        dhcp.start(self._dhcp, plan)
        configuration.write_names(self.directory / "names", plan.hosts_file())
        issuer = authority(self.directory / "authority", self.name)
        issuer.write_client(self.client, _CLIENT)
        for host in hosts:
            wiring = self._wiring(own, host)
            issuer.write_host(wiring.certificates, plan.name(host), wiring.address.ip)
            for directory in wiring.shared:
                directory.mkdir(exist_ok=True)

    def _remove_hosts(self, own: LabRecord, hosts: Iterable[str]) -> None:
        _each(LabHost.stop, [self._host(own, host) for host in hosts])
        for host in hosts:
            wires.remove(self._wiring(own, host).port)
            shutil.rmtree(self._wiring(own, host).certificates, ignore_errors=True)


def _each(work: Callable[[LabHost], None], hosts: list[LabHost]) -> None:
    """Does it to all at once; the first error is raised when all have ended."""
    if hosts:
        with ThreadPoolExecutor(len(hosts)) as pool:
            list(pool.map(work, hosts))
