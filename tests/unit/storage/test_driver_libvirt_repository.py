"""What libvirt's refusals mean for repositories."""

import libvirt
import pytest

from castalia.errors import HypervisorError
from castalia.hypervisor.connection import LibvirtConnection
from castalia.storage.driver_libvirt_repository import refresh


class Pool:
    """A pool that cannot be refreshed."""

    def __init__(self, words: str) -> None:
        self.words = words

    def name(self) -> str:
        return "images"

    def refresh(self, _flags: int) -> None:
        libvirt.virResetLastError()  # the constructor prefers the words of the last real error
        raise libvirt.libvirtError(self.words)


@pytest.fixture
def connection():
    opened = LibvirtConnection("test:///default")
    opened.connect()
    yield opened
    opened.close()


def test_a_pool_that_is_written_to_is_read_as_it_is(connection):
    refresh(connection, Pool("internal error: pool 'images' has asynchronous jobs running."))


def test_another_refusal_is_told(connection):
    with pytest.raises(HypervisorError):
        refresh(connection, Pool("internal error: something"))
