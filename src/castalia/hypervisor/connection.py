"""A host's libvirt connection: opened in bounded time, known to be dead at once, opened again.

One connection is shared by everything that talks to a host. Once it broke, every use raises
HostUnreachable without touching the network until `connect()` succeeded again.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import libvirt

from castalia.errors import HostUnreachable
from castalia.hypervisor.endpoint import Endpoint, parse_endpoint, probe
from castalia.hypervisor.event_loop import EVENT_LOOP
from castalia.hypervisor.libvirt_errors import translated
from castalia.hypervisor.opening import Opening
from castalia.settings import HostSettings

_log = logging.getLogger(__name__)

_KEEPALIVE_MISSES = 2
"""libvirt gives up after one interval more than this: 12 s at the default interval of 4 s."""
_DISPOSAL_S = 2.0
_CLOSE_REASONS = {
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "libvirtd ended",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "the host stopped answering",
    libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT: "closed by the manager",
}

Cleanup = Callable[[], None]
OpenHook = Callable[[libvirt.virConnect], Cleanup]
CloseHook = Callable[[str], None]


@dataclass(eq=False)
class _Link:
    """One open connection, from its opening to its end."""

    handle: libvirt.virConnect
    alive: bool = True
    cleanups: list[Cleanup] = field(default_factory=list)

    def dispose(self) -> None:
        """Gives everything back. May block on a host that hangs."""
        for cleanup in self.cleanups:
            with contextlib.suppress(libvirt.libvirtError):
                cleanup()
        with contextlib.suppress(libvirt.libvirtError):
            self.handle.unregisterCloseCallback()
        with contextlib.suppress(libvirt.libvirtError):
            self.handle.close()


class LibvirtConnection:
    """The way to one host's libvirt. Any thread may use it."""

    def __init__(self, uri: str, *, settings: HostSettings | None = None) -> None:
        self.endpoint: Endpoint = parse_endpoint(uri)
        self._settings = settings or HostSettings()
        self._lock = threading.RLock()
        self._link: _Link | None = None
        self._opening: Opening | None = None
        self._reason = "not connected yet"
        self._open_hooks: list[OpenHook] = []
        self._close_hooks: list[CloseHook] = []

    @property
    def uri(self) -> str:
        """The libvirt address as it was given."""
        return self.endpoint.uri

    @property
    def local(self) -> bool:
        """Whether the host is this machine."""
        return self.endpoint.local

    @property
    def connected(self) -> bool:
        """Whether the connection is up as far as is known; never blocks."""
        link = self._link
        return link is not None and link.alive

    def on_open(self, hook: OpenHook) -> None:
        """Has `hook` called with every new connection before anybody else may use it; what it
        returns is called when that connection is given up."""
        self._open_hooks.append(hook)

    def on_close(self, hook: CloseHook) -> None:
        """Has `hook` called with the reason when the connection breaks. It may run on libvirt's
        event thread, so it must not use the connection."""
        self._close_hooks.append(hook)

    def connect(self) -> None:
        """Opens the connection unless it is up; raises HostUnreachable with reason and remedy."""
        with self._lock:
            if self.connected:
                return
            EVENT_LOOP.ensure_running()
            self._give_up_link()
            try:
                link = self._open()
            except HostUnreachable as error:
                self._reason = error.message
                raise
            self._link = link

    def close(self) -> None:
        """Ends the connection; twice does no harm."""
        with self._lock:
            self._reason = "closed by the manager"
            self._give_up_link()

    def handle(self) -> libvirt.virConnect:
        """libvirt's connection object; raises HostUnreachable at once when it is down."""
        link = self._link
        if link is None or not link.alive:
            raise HostUnreachable(
                f"There is no connection to {self.endpoint.place}: {self._reason.rstrip('.')}.",
                remedy="The manager tries again by itself; check the host if it lasts.",
            )
        return link.handle

    @contextlib.contextmanager
    def calling(self, doing: str) -> Iterator[libvirt.virConnect]:
        """The connection for a block of calls; libvirt's errors leave it as ours, and a broken
        connection is known to be down from then on. `doing` says what is tried ("starting web1").
        """
        handle, link = self.handle(), self._link
        with translated(doing, lost=lambda _words: self._broke(link, "the connection broke")):
            yield handle

    # --- inside ---

    def _open(self) -> _Link:
        probe(self.endpoint, timeout_s=self._settings.probe_timeout_s)
        link = _Link(handle=self._opened_handle())
        with contextlib.suppress(libvirt.libvirtError):  # the test driver has neither of them
            link.handle.registerCloseCallback(self._on_libvirt_close, link)
            link.handle.setKeepAlive(self._settings.keepalive_s, _KEEPALIVE_MISSES)
        try:
            with translated("connecting"):
                for hook in self._open_hooks:
                    link.cleanups.append(hook(link.handle))
        except BaseException:
            link.dispose()
            raise
        return link

    def _opened_handle(self) -> libvirt.virConnect:
        """A fresh connection; while an earlier attempt still hangs, that one is waited for."""
        if self._opening is None or not self._opening.pending:
            self._opening = Opening(self.endpoint).start()
        return self._opening.wait(timeout_s=self._settings.open_timeout_s)

    def _on_libvirt_close(self, _handle: libvirt.virConnect, reason: int, link: _Link) -> None:
        self._broke(link, _CLOSE_REASONS.get(reason, "the connection broke"))

    def _broke(self, link: _Link | None, reason: str) -> None:
        if link is None or not link.alive:
            return
        link.alive = False
        if link is not self._link:
            return
        self._reason = reason
        for hook in self._close_hooks:
            hook(reason)

    def _give_up_link(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        link.alive = False
        # Saying goodbye to a host that hangs would block for as long as it hangs.
        farewell = threading.Thread(target=link.dispose, name="libvirt-close", daemon=True)
        farewell.start()
        farewell.join(timeout=_DISPOSAL_S)
