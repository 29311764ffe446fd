"""libvirt's events as host signals.

Every new connection is subscribed anew. Two kinds of receivers: `listen` is for this package and
runs on libvirt's event thread, where libvirt must not be called; `watch` is for everybody else and
runs on a thread of its own kind, in order.

The signals' `detail`, by kind:
- `vm`: defined, started, paused, resumed, stopped, shutting-down, crashed, guest-asleep, rebooted,
  memory, metadata, device-added:ALIAS, device-removed:ALIAS, device-kept:ALIAS (the guest did not
  let go), medium:ALIAS, io-error:REASON, block-job:TARGET:STATUS;
- `vm-gone`: empty; the VM is neither defined nor running any more;
- `agent`: connected, disconnected;
- `network`, `pool`: NAME (with `uuid` its UUID);
- `closed`: the reason in words.
"""

import contextlib
from collections.abc import Callable

import libvirt

from castalia.errors import CastaliaError
from castalia.hypervisor.connection import Cleanup, LibvirtConnection
from castalia.hypervisor.driver import HostSignal
from castalia.hypervisor.mailbox import Mailbox

Receiver = Callable[[HostSignal], None]

_LIFECYCLE = {
    libvirt.VIR_DOMAIN_EVENT_DEFINED: "defined",
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: "undefined",
    libvirt.VIR_DOMAIN_EVENT_STARTED: "started",
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: "paused",
    libvirt.VIR_DOMAIN_EVENT_RESUMED: "resumed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED: "stopped",
    libvirt.VIR_DOMAIN_EVENT_SHUTDOWN: "shutting-down",
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: "guest-asleep",
    libvirt.VIR_DOMAIN_EVENT_CRASHED: "crashed",
}
_MAYBE_GONE = frozenset({"undefined", "stopped"})
_BLOCK_JOB = {
    libvirt.VIR_DOMAIN_BLOCK_JOB_COMPLETED: "completed",
    libvirt.VIR_DOMAIN_BLOCK_JOB_FAILED: "failed",
    libvirt.VIR_DOMAIN_BLOCK_JOB_CANCELED: "cancelled",
    libvirt.VIR_DOMAIN_BLOCK_JOB_READY: "ready",
}


class EventRelay:
    """Passes a connection's events on, for as long as the process lives."""

    def __init__(self, connection: LibvirtConnection) -> None:
        self._connection = connection
        self._listeners: list[Receiver] = []
        self._watchers: list[Receiver] = []
        self._hidden: set[str] = set()
        self._outbox: Mailbox[HostSignal] = Mailbox(self._deliver)
        connection.on_open(self._subscribe)
        connection.on_close(lambda reason: self._emit(HostSignal(kind="closed", detail=reason)))

    def listen(self, receiver: Receiver) -> None:
        """Has `receiver` called on the event thread itself: be quick there, never use libvirt."""
        self._listeners.append(receiver)

    def unlisten(self, receiver: Receiver) -> None:
        """Ends `listen`."""
        with contextlib.suppress(ValueError):
            self._listeners.remove(receiver)

    def watch(self, receiver: Receiver) -> None:
        """Has `receiver` called for every signal from now on, in order; it may use the driver."""
        self._watchers.append(receiver)

    def hide(self, uuid: str) -> None:
        """Keeps a VM of the driver's own from watchers."""
        self._hidden.add(uuid)

    def is_hidden(self, uuid: str) -> bool:
        """Whether a VM is one of the driver's own."""
        return uuid in self._hidden

    # --- from libvirt ---

    def _subscribe(self, handle: libvirt.virConnect) -> Cleanup:
        """Registers for all events that this host's libvirt knows; returns how to undo it."""
        undo: list[Cleanup] = []
        for register, deregister, callbacks in (
            (handle.domainEventRegisterAny, handle.domainEventDeregisterAny, self._vm_events()),
            (handle.networkEventRegisterAny, handle.networkEventDeregisterAny, _of(self._network)),
            (
                handle.storagePoolEventRegisterAny,
                handle.storagePoolEventDeregisterAny,
                _of(self._pool),
            ),
        ):
            for event_id, callback in callbacks.items():
                with contextlib.suppress(libvirt.libvirtError):  # a driver may lack some of them
                    token = register(None, event_id, callback, None)
                    undo.append(_later(deregister, token))
        return lambda: _run_all(undo)

    def _vm_events(self) -> dict[int, Callable[..., None]]:
        return {
            libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE: self._lifecycle,
            libvirt.VIR_DOMAIN_EVENT_ID_REBOOT: self._plain("rebooted"),
            libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE: self._plain("memory"),
            libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE: self._plain("metadata"),
            libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED: self._device("device-added"),
            libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: self._device("device-removed"),
            libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED: self._device("device-kept"),
            libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE: self._device("medium"),
            libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON: self._io_error,
            libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2: self._block_job,
            libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE: self._agent,
        }

    def _lifecycle(
        self, _conn: object, domain: libvirt.virDomain, event: int, _detail: int, _opaque: object
    ) -> None:
        self._vm(domain, _LIFECYCLE.get(event, "changed"))

    def _plain(self, detail: str) -> Callable[..., None]:
        return lambda _conn, domain, *_: self._vm(domain, detail)

    def _device(self, detail: str) -> Callable[..., None]:
        return lambda _conn, domain, alias, *_: self._vm(domain, f"{detail}:{alias}")

    def _io_error(self, _conn: object, domain: libvirt.virDomain, *rest: object) -> None:
        _source, _alias, _action, reason, _opaque = rest
        self._vm(domain, f"io-error:{reason}")

    def _block_job(self, _conn: object, domain: libvirt.virDomain, *rest: int) -> None:
        target, _type, status, _opaque = rest
        self._vm(domain, f"block-job:{target}:{_BLOCK_JOB.get(status, 'changed')}")

    def _agent(self, _conn: object, domain: libvirt.virDomain, state: int, *_: object) -> None:
        up = state == libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED
        detail = "connected" if up else "disconnected"
        self._emit(HostSignal(kind="agent", uuid=domain.UUIDString(), detail=detail))

    def _network(self, _conn: object, network: libvirt.virNetwork, *_: object) -> None:
        self._emit(HostSignal(kind="network", uuid=network.UUIDString(), detail=network.name()))

    def _pool(self, _conn: object, pool: libvirt.virStoragePool, *_: object) -> None:
        self._emit(HostSignal(kind="pool", uuid=pool.UUIDString(), detail=pool.name()))

    # --- to the receivers ---

    def _vm(self, domain: libvirt.virDomain, detail: str) -> None:
        self._emit(HostSignal(kind="vm", uuid=domain.UUIDString(), detail=detail))

    def _emit(self, signal: HostSignal) -> None:
        for listener in tuple(self._listeners):
            listener(signal)
        if signal.uuid not in self._hidden:
            self._outbox.put(signal)

    def _deliver(self, signal: HostSignal) -> None:
        if signal.kind == "vm" and signal.detail in _MAYBE_GONE:
            signal = self._settled(signal)
        for watcher in tuple(self._watchers):
            watcher(signal)

    def _settled(self, signal: HostSignal) -> HostSignal:
        """Whether an undefined or stopped VM is really gone: undefining a running one, or renaming,
        leaves it there, while stopping a transient one does not."""
        try:
            with self._connection.calling("looking for a VM") as handle:
                handle.lookupByUUIDString(signal.uuid)
        except CastaliaError as error:
            gone = error.code == "vm.not-found"
            return HostSignal(kind="vm-gone", uuid=signal.uuid) if gone else signal
        return signal


def _of(callback: Callable[..., None]) -> dict[int, Callable[..., None]]:
    """Networks and pools number their lifecycle event alike; pools add a refresh."""
    return {libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE: callback}


def _later(call: Callable[[int], object], token: int) -> Cleanup:
    return lambda: _quietly(call, token)


def _quietly(call: Callable[[int], object], token: int) -> None:
    with contextlib.suppress(libvirt.libvirtError):  # the connection may be dead
        call(token)


def _run_all(cleanups: list[Cleanup]) -> None:
    for cleanup in cleanups:
        cleanup()
