"""Uploads, as every storage driver takes them."""

import io
import struct
from dataclasses import dataclass

import pytest

from castalia.errors import ImageError, InvalidRequest, NotFound, StorageError
from castalia.model.amount import GIB, MIB
from castalia.model.storage import VolumeFormat

_RAW, _QCOW2, _ISO = VolumeFormat.RAW, VolumeFormat.QCOW2, VolumeFormat.ISO


def upload(storage, repository, content, *, name="disk", format=_RAW, **more):
    size_bytes = more.pop("size_bytes", len(content))
    source = io.BytesIO(content)
    return storage.upload_volume(
        repository, name, source, size_bytes=size_bytes, format=format, **more
    )


def qcow2(*, backing_at: int = 0, features: int = 0) -> bytes:
    """An empty image of 1 GiB: a header, then tables of zeros (see QEMU's qcow2.txt)."""
    cluster, bits = 65536, 16
    start = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, backing_at, 8 * bool(backing_at), bits, GIB)
    tables = struct.pack(">IIQQIIQ", 0, 2, 3 * cluster, cluster, 1, 0, 0)
    head = start + tables + struct.pack(">QQQII", features, 0, 0, 4, 104)
    blocks = head.ljust(cluster, b"\0"), struct.pack(">Q", 2 * cluster).ljust(cluster, b"\0")
    counts = struct.pack(">4H", 1, 1, 1, 1).ljust(cluster, b"\0")
    return b"".join((*blocks, counts, bytes(cluster)))


def iso() -> bytes:
    return bytes(32769) + b"CD001" + bytes(MIB - 32774)


def test_an_upload_becomes_a_volume(storage, images):
    done = upload(storage, images, b"x" * MIB)
    assert (done.format, done.capacity_bytes) == (_RAW, MIB)
    assert storage.volume(images, "disk").capacity_bytes == MIB


def test_an_image_tells_its_own_size(storage, images):
    done = upload(storage, images, qcow2(), format=_QCOW2)
    assert (done.format, done.capacity_bytes, done.backing_path) == (_QCOW2, GIB, "")
    assert storage.repository(images, refresh=True).volumes[0].capacity_bytes == GIB


def test_a_linked_volume_can_stand_on_an_upload(storage, images):
    base = upload(storage, images, qcow2(), format=_QCOW2, name="base")
    linked = storage.create_volume(images, "disk", size_bytes=GIB, backing_path=base.path)
    assert linked.backing_path == base.path


def test_an_iso_is_known_for_one(storage, images):
    assert upload(storage, images, iso(), format=_ISO).format is _ISO
    assert storage.repository(images, refresh=True).volumes[0].format is _ISO


def test_an_older_one_is_replaced(storage, images):
    upload(storage, images, b"x" * MIB)
    assert upload(storage, images, b"y" * 4096).capacity_bytes == 4096
    assert len(storage.repository(images, refresh=True).volumes) == 1


def test_progress_is_told_to_the_end(storage, images):
    told: list[int] = []
    upload(storage, images, b"x" * (9 * MIB), progress=told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 9 * MIB


def test_no_more_is_read_than_was_announced(storage, images):
    source = io.BytesIO(b"x" * 5000)
    storage.upload_volume(images, "disk", source, size_bytes=4096, format=_RAW)
    assert source.read() == b"x" * 904


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"x" * (3 * MIB)])
def test_an_upload_that_ends_early_leaves_nothing(storage, images, content):
    with pytest.raises(InvalidRequest) as caught:
        upload(storage, images, content, size_bytes=4 * MIB)
    assert caught.value.code == "upload.incomplete"
    assert storage.repository(images, refresh=True).volumes == ()


def test_a_cancelled_upload_leaves_nothing(storage, images):
    def cancel(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upload(storage, images, b"x" * (9 * MIB), progress=cancel)
    assert storage.repository(images, refresh=True).volumes == ()


def test_a_broken_source_leaves_nothing(storage, images):
    @dataclass
    class Broken(io.RawIOBase):
        calls: int = 0

        def read(self, size: int = -1) -> bytes:
            self.calls += 1
            if self.calls > 3:
                raise ConnectionResetError
            return bytes(size)

    with pytest.raises(ConnectionResetError):
        storage.upload_volume(images, "disk", Broken(), size_bytes=9 * MIB, format=_RAW)
    assert storage.repository(images, refresh=True).volumes == ()


@pytest.mark.parametrize(
    ("content", "format"),
    [
        (qcow2(), _RAW),
        (qcow2(), _ISO),
        (b"x" * MIB, _QCOW2),
        (qcow2(backing_at=512), _QCOW2),
        (qcow2(features=1 << 2), _QCOW2),
    ],
    ids=["qcow2 as raw", "qcow2 as iso", "raw as qcow2", "with backing file", "with data file"],
)
def test_an_image_that_is_not_what_it_says_is_refused(storage, images, content, format):
    old = storage.create_volume(images, "disk", size_bytes=MIB)
    with pytest.raises(ImageError):
        upload(storage, images, content, format=format)
    assert storage.repository(images, refresh=True).volumes == (old,)


@pytest.mark.parametrize(("name", "size_bytes"), [("../x", MIB), ("disk", 0), ("disk", 2**60)])
def test_nonsense_is_refused(storage, images, name, size_bytes):
    with pytest.raises(InvalidRequest):
        upload(storage, images, b"x" * MIB, name=name, size_bytes=size_bytes)
    assert storage.repository(images, refresh=True).volumes == ()


def test_it_needs_a_repository(storage):
    with pytest.raises(NotFound):
        upload(storage, "nowhere", b"x")


# --- no room ---
def test_an_upload_without_room_leaves_nothing(small):
    with pytest.raises(StorageError) as caught:
        upload(small, "small", b"x" * (8 * MIB))
    assert (caught.value.code, bool(caught.value.remedy)) == ("storage.full", True)
    assert small.repository("small", refresh=True).volumes == ()
    assert upload(small, "small", b"x" * MIB).capacity_bytes == MIB


def test_a_copy_without_room_leaves_nothing(small):
    upload(small, "small", b"x" * (MIB * 3 // 2))
    with pytest.raises(StorageError) as caught:
        small.clone_volume("small", "disk", target="copy")
    assert caught.value.code == "storage.full"
    names = [volume.name for volume in small.repository("small", refresh=True).volumes]
    assert names == ["disk"]
