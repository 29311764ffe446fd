"""The driver for hosts that run libvirt, put together from its parts, one for each concern."""

from collections.abc import Callable

from castalia.hypervisor.driver import HostSignal
from castalia.hypervisor.driver_libvirt_console import Console
from castalia.hypervisor.driver_libvirt_devices import Devices, Sizing
from castalia.hypervisor.driver_libvirt_guest import Guest
from castalia.hypervisor.driver_libvirt_host import Host
from castalia.hypervisor.driver_libvirt_life import Definitions, Life
from castalia.hypervisor.driver_libvirt_networks import Networks
from castalia.hypervisor.driver_libvirt_stats import Statistics


class LibvirtDriver(Host, Guest, Definitions, Life, Devices, Sizing, Console, Networks, Statistics):
    """One host. Any thread may use it; what is watched stays watched over reconnections."""

    def connect(self) -> None:
        """Makes the connection; raises HostUnreachable with the reason and the remedy."""
        self.connection.connect()

    def close(self) -> None:
        """Ends the connection and every stream on it."""
        self.connection.close()

    @property
    def connected(self) -> bool:
        """Whether the connection is up as far as is known; never blocks."""
        return self.connection.connected

    def watch(self, callback: Callable[[HostSignal], None]) -> None:
        """Has `callback` called, on a thread of its own kind, for every signal from now on."""
        self._relay.watch(callback)
