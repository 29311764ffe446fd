"""The same storage twice: in memory, and libvirt's on a lab host."""

import tempfile
from pathlib import Path

import pytest

from castalia.hypervisor.connection import LibvirtConnection
from castalia.storage.driver_libvirt import LibvirtStorage
from castalia.storage.driver_memory import MemoryStorage

MIB = 1024**2
SMALL_MIB = 2
"""Room in the repository `small`."""


@pytest.fixture(params=["memory", pytest.param("libvirt", marks=pytest.mark.real)])
def driver_kind(request):
    return request.param


@pytest.fixture
def place(driver_kind, request):
    """A directory for repositories, the same on the host and here."""
    if driver_kind == "memory":
        return Path("/srv/castalia")
    return request.getfixturevalue("qemu_dir")


@pytest.fixture(scope="session")
def lab_connection(lab_host):
    connection = LibvirtConnection(lab_host.uri)
    connection.connect()
    yield connection
    connection.close()


@pytest.fixture
def storage(driver_kind, request):
    if driver_kind == "memory":
        yield MemoryStorage()
        return
    driver = LibvirtStorage(request.getfixturevalue("lab_connection"))
    yield driver
    for repository in driver.repositories():
        driver.forget_repository(repository.name)


@pytest.fixture
def images(storage, place):
    """The name of an empty repository."""
    return storage.ensure_repository("images", str(place / "images")).name


@pytest.fixture
def small(driver_kind, request):
    """A storage whose repository `small` has room for 2 MiB, and its content's size in bytes."""
    if driver_kind == "memory":
        storage = MemoryStorage(capacity_bytes=SMALL_MIB * MIB)
        storage.ensure_repository("small", "/srv/small")
        yield storage
        return
    host = request.getfixturevalue("lab_host")
    storage = request.getfixturevalue("storage")
    with tempfile.TemporaryDirectory(prefix="castalia-", dir="/tmp") as directory:
        size = f"size={SMALL_MIB}m"
        assert not host.exec(["mount", "-t", "tmpfs", "-o", size, "tmpfs", directory]).returncode
        try:
            storage.ensure_repository("small", directory)
            yield storage
        finally:
            storage.forget_repository("small")
            host.exec(["umount", directory])
