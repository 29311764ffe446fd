"""Makes connections and drivers for addresses, from the settings. Nothing is opened here."""

from castalia.hypervisor.connection import LibvirtConnection
from castalia.hypervisor.driver_libvirt import LibvirtDriver
from castalia.settings import Settings

_ACCELERATOR_FILE = "accelerator.json"


def open_connection(uri: str, *, settings: Settings) -> LibvirtConnection:
    """The connection to the host at a libvirt address, to be shared by all that talk to it.

    Raises InvalidRequest naming the field `uri` for what is no such address.
    """
    return LibvirtConnection(uri, settings=settings.hosts)


def open_driver(connection: LibvirtConnection, *, settings: Settings) -> LibvirtDriver:
    """The driver of that host; `connect()` makes the connection."""
    return LibvirtDriver(
        connection,
        accelerator=settings.accelerator,
        accelerator_file=settings.state_dir / _ACCELERATOR_FILE,
    )
