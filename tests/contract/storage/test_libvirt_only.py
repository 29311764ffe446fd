"""What only a real host's storage can do: files that others touch, permissions, locks."""

import io
import random
import subprocess

import pytest

from castalia.errors import Conflict, InvalidRequest, StorageError
from castalia.hypervisor.connection import LibvirtConnection
from castalia.model.amount import GIB, MIB
from castalia.model.storage import VolumeFormat
from castalia.storage.driver_libvirt import LibvirtStorage

pytestmark = pytest.mark.real


@pytest.fixture
def driver_kind():
    return "libvirt"


@pytest.fixture
def pool(lab_connection, images):
    return lab_connection.handle().storagePoolLookupByName(images)


def qemu_img(*words) -> str:
    done = subprocess.run(["qemu-img", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(place) -> list[str]:
    return sorted(file.name for file in (place / "images").iterdir())


def upload(storage, repository, content, *, name="disk", format=VolumeFormat.RAW):
    return storage.upload_volume(
        repository, name, io.BytesIO(content), size_bytes=len(content), format=format
    )


# --- directories ---
def test_a_new_directory_lets_qemu_through_and_nobody_look(storage, images, place):
    assert (place / "images").stat().st_mode & 0o777 == 0o711


def test_a_directory_that_is_there_keeps_its_permissions(storage, place):
    (place / "old").mkdir()
    (place / "old").chmod(0o755)
    storage.ensure_repository("old", str(place / "old"))
    assert (place / "old").stat().st_mode & 0o777 == 0o755


def test_it_starts_with_its_host(images, pool):
    assert pool.autostart()


def test_a_stopped_repository_says_so_and_is_started_by_adding_it(storage, images, pool, place):
    pool.destroy()
    stopped = storage.repository(images)
    assert (stopped.active, stopped.volumes) == (False, ())
    with pytest.raises(Conflict) as caught:
        storage.create_volume(images, "disk", size_bytes=MIB)
    assert caught.value.code == "repository.inactive"
    assert storage.ensure_repository(images, str(place / "images")).active


def test_a_link_to_a_directory_is_refused(storage, place):
    (place / "link").symlink_to("/etc")
    for path in (place / "link", place / "link" / "below"):
        with pytest.raises(InvalidRequest) as caught:
            storage.ensure_repository("images", str(path))
        assert caught.value.field == "path"
    assert storage.repositories() == []


def test_a_file_is_no_directory(storage, place):
    (place / "file").touch()
    with pytest.raises(StorageError) as caught:
        storage.ensure_repository("images", str(place / "file"))
    assert caught.value.code == "repository.unusable"
    assert storage.repositories() == []


def test_forgetting_deletes_no_file(storage, images, place):
    storage.create_volume(images, "disk", size_bytes=MIB)
    storage.forget_repository(images)
    assert (place / "images" / "disk").exists()


# --- files that others put there or take away ---
def test_a_file_that_was_put_there_is_found(storage, images, place):
    qemu_img("create", "-q", "-f", "qcow2", place / "images" / "new.qcow2", "1G")
    assert storage.repository(images).volumes == ()
    assert storage.volume(images, "new.qcow2").capacity_bytes == GIB
    assert [v.name for v in storage.repository(images, refresh=True).volumes] == ["new.qcow2"]


def test_a_file_that_was_put_there_is_never_overwritten(storage, images, place):
    file = place / "images" / "disk"
    file.write_bytes(b"precious" * 1024)
    with pytest.raises(Conflict):
        storage.create_volume(images, "disk", size_bytes=GIB)
    assert file.read_bytes() == b"precious" * 1024


def test_a_file_that_was_put_there_is_deleted_when_asked(storage, images, place):
    (place / "images" / "disk").write_bytes(b"x")
    storage.delete_volume(images, "disk")
    assert not (place / "images" / "disk").exists()


@pytest.mark.parametrize("way", ["as it is", "with dots", "through a link", "as a pool's volume"])
def test_what_a_vm_uses_is_not_deleted(storage, images, place, lab_connection, way):
    """However its definition names the file."""
    storage.create_volume(images, "disk", size_bytes=MIB)
    (place / "link").symlink_to(place / "images")
    sources = {
        "as it is": ("file", f"file='{place}/images/disk'"),
        "with dots": ("file", f"file='{place}/images/../images/disk'"),
        "through a link": ("file", f"file='{place}/link/disk'"),
        "as a pool's volume": ("volume", f"pool='{images}' volume='disk'"),
    }
    kind, source = sources[way]
    vm = lab_connection.handle().defineXML(
        "<domain type='qemu'><name>user</name><memory>65536</memory><os><type>hvm</type></os>"
        f"<devices><disk type='{kind}'><source {source}/><target dev='vda' bus='virtio'/></disk>"
        "</devices></domain>"
    )
    try:
        with pytest.raises(Conflict, match="VM user uses") as refused:
            storage.delete_volume(images, "disk")
        assert refused.value.code == "volume.in-use"
        assert (place / "images" / "disk").exists()
    finally:
        vm.undefine()
    storage.delete_volume(images, "disk")


def test_a_file_that_was_taken_away_can_be_made_again(storage, images, place):
    storage.create_volume(images, "disk", size_bytes=MIB)
    (place / "images" / "disk").unlink()
    assert storage.repository(images).volumes == ()
    assert storage.create_volume(images, "disk", size_bytes=GIB).capacity_bytes == GIB


def test_a_volume_of_an_adopted_chain_shows_its_base(storage, images, place):
    base, top = place / "images" / "base", place / "images" / "top"
    qemu_img("create", "-q", "-f", "qcow2", base, "1G")
    qemu_img("create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", top)
    storage.repository(images, refresh=True)
    assert storage.volume(images, "top").backing_path == str(base)


# --- contents ---
def test_every_byte_arrives_and_holes_stay_holes(storage, images, place):
    # Pieces of an odd length, so that no boundary of a message or a page is met.
    noise = random.Random(1).randbytes(777_777)
    content = noise + bytes(9 * MIB) + noise + bytes(5 * MIB)
    done = upload(storage, images, content)
    assert (place / "images" / "disk").read_bytes() == content
    assert done.capacity_bytes == len(content)
    assert (place / "images" / "disk").stat().st_blocks * 512 < 3 * MIB


def test_a_copy_holds_what_its_original_shows(storage, images, place):
    file = place / "base.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", file, "64M")
    subprocess.run(
        ["qemu-io", "-c", "write -P 7 1M 3M", file], check=True, stdout=subprocess.DEVNULL
    )
    base = upload(storage, images, file.read_bytes(), name="base", format=VolumeFormat.QCOW2)
    storage.create_volume(images, "disk", size_bytes=64 * MIB, backing_path=base.path)
    copy = storage.clone_volume(images, "disk", target="copy")
    qemu_img("compare", file, copy.path)
    storage.delete_volume(images, "disk")
    storage.delete_volume(images, "base")
    qemu_img("compare", file, copy.path)


def test_an_incomplete_copy_is_made_anew(storage, images, place):
    upload(storage, images, b"x" * MIB)
    copy = storage.create_volume(images, "copy", size_bytes=MIB, format=VolumeFormat.RAW)
    storage.create_volume(images, "copy.copying", size_bytes=1, format=VolumeFormat.RAW)
    assert [v.name for v in storage.repository(images).volumes] == ["copy", "disk"]
    storage.clone_volume(images, "disk", target="copy")
    assert (place / "images" / "copy").read_bytes() == b"x" * MIB
    assert files(place) == ["copy", "disk"]
    assert storage.clone_volume(images, "disk", target="copy").path == copy.path


def test_deleting_an_incomplete_copy_leaves_no_marker(storage, images, place):
    for name in ("copy", "copy.copying"):
        storage.create_volume(images, name, size_bytes=MIB, format=VolumeFormat.RAW)
    storage.delete_volume(images, "copy")
    assert files(place) == []


def test_an_image_that_another_process_has_open_is_not_copied(storage, images):
    made = storage.create_volume(images, "disk", size_bytes=MIB)
    with subprocess.Popen(
        ["qemu-io", made.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdin.write(b"write 0 4k\n")
        holder.stdin.flush()
        assert holder.stdout.readline()
        with pytest.raises(Conflict) as caught:
            storage.resize_volume(images, "disk", GIB)
        with pytest.raises(Conflict):
            storage.clone_volume(images, "disk", target="copy")
        holder.stdin.close()
    assert caught.value.code == "volume.in-use"
    assert [v.name for v in storage.repository(images, refresh=True).volumes] == ["disk"]


def test_an_empty_volume_without_room_leaves_nothing(small):
    small.upload_volume(
        "small", "fill", io.BytesIO(b"x" * (2 * MIB)), size_bytes=2 * MIB, format=VolumeFormat.RAW
    )
    with pytest.raises(StorageError) as caught:
        small.create_volume("small", "disk", size_bytes=GIB)
    assert caught.value.code == "storage.full"
    assert [v.name for v in small.repository("small", refresh=True).volumes] == ["fill"]


# --- where it is ---
def test_a_file_of_this_machine_has_a_local_path(storage, images, place):
    storage.create_volume(images, "disk", size_bytes=MIB)
    assert storage.local_path(images, "disk") == place / "images" / "disk"


def test_a_file_of_the_host_alone_has_none(storage, lab_host):
    storage.ensure_repository("own", "/var/lib/libvirt/images")
    made = storage.create_volume("own", "disk", size_bytes=MIB)
    assert lab_host.outside(made.path).exists()
    assert storage.local_path("own", "disk") is None
    storage.delete_volume("own", "disk")


def test_the_test_driver_has_storage_too():
    connection = LibvirtConnection("test:///default")
    connection.connect()
    storage = LibvirtStorage(connection)
    assert [found.kind for found in storage.repositories()] == ["dir"]
    made = storage.create_volume("default-pool", "disk", size_bytes=MIB, format=VolumeFormat.RAW)
    assert storage.repository("default-pool").volumes == (made,)
    assert storage.local_path("default-pool", "disk") is None
    connection.close()


def test_a_volume_that_vanishes_while_listing_hides_no_other(storage, images, pool, place):
    for name in ("a", "b"):
        storage.create_volume(images, name, size_bytes=MIB)
    (place / "images" / "a").unlink()
    assert len(pool.listAllVolumes(0)) == 2
    assert [v.name for v in storage.repository(images).volumes] == ["b"]
