"""Uploads: in pieces, resumed, never larger than announced, by name and never by path."""

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from castalia.errors import Conflict, InvalidRequest, NotFound, StorageError
from castalia.model.access import SYSTEM
from castalia.services.uploads import UploadService
from castalia.workflows.parts import Locks


@pytest.fixture
def uploads(tmp_path: Path) -> UploadService:
    return UploadService(directory=tmp_path / "uploads", limit_bytes=1000, locks=Locks())


def append(uploads: UploadService, upload_id: str, offset: int, *chunks: bytes) -> int:
    return uploads.append(upload_id, offset=offset, chunks=chunks, principal=SYSTEM).offset


def test_a_file_arrives_in_pieces(uploads: UploadService) -> None:
    upload = uploads.begin("disk.raw", size_bytes=6, principal=SYSTEM)
    assert (upload.offset, upload.complete) == (0, False)
    assert append(uploads, upload.id, 0, b"ab", b"c") == 3
    with pytest.raises(Conflict) as caught:
        uploads.content(upload.id)
    assert (caught.value.code, "byte 3" in caught.value.remedy) == ("upload.incomplete", True)
    assert append(uploads, upload.id, 3, b"def") == 6
    assert uploads.content(upload.id).read_bytes() == b"abcdef"
    assert uploads.get(upload.id, principal=SYSTEM).complete


def test_what_arrived_before_an_interruption_stays(uploads: UploadService) -> None:
    upload = uploads.begin("disk.raw", size_bytes=6, principal=SYSTEM)

    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        uploads.append(upload.id, offset=0, chunks=broken(), principal=SYSTEM)
    with pytest.raises(Conflict, match="at byte 3, not 0") as caught:
        append(uploads, upload.id, 0, b"abc")
    assert (caught.value.code, caught.value.remedy) == ("upload.offset", "Go on from byte 3.")
    assert append(uploads, upload.id, 3, b"def") == 6
    assert uploads.content(upload.id).read_bytes() == b"abcdef"


def test_more_than_was_announced_is_refused(uploads: UploadService) -> None:
    upload = uploads.begin("disk.raw", size_bytes=4, principal=SYSTEM)
    with pytest.raises(InvalidRequest):
        append(uploads, upload.id, 0, b"abc", b"def")
    assert uploads.get(upload.id, principal=SYSTEM).offset == 3


@pytest.mark.parametrize("size_bytes", [0, -1, 1001])
def test_a_size_that_cannot_be(uploads: UploadService, size_bytes: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        uploads.begin("disk.raw", size_bytes=size_bytes, principal=SYSTEM)
    assert caught.value.field == "size_bytes"


def test_a_full_disk_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    uploads = UploadService(directory=tmp_path, limit_bytes=1 << 62, locks=Locks())
    with pytest.raises(StorageError) as caught:
        uploads.begin("disk.raw", size_bytes=1 << 61, principal=SYSTEM)
    assert caught.value.code == "storage.full"
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../etc/passwd", "a/b", "", ".hidden"])
def test_a_name_is_no_path(uploads: UploadService, name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        uploads.begin(name, size_bytes=1, principal=SYSTEM)
    assert caught.value.field == "filename"
    with pytest.raises(NotFound):
        uploads.get(name, principal=SYSTEM)


def test_pieces_that_come_at_once_do_not_mix(uploads: UploadService) -> None:
    upload = uploads.begin("disk.raw", size_bytes=6, principal=SYSTEM)
    inside, go_on = threading.Event(), threading.Event()
    outcomes: list[object] = []

    def slow() -> Iterator[bytes]:
        yield b"abc"
        inside.set()
        go_on.wait(20)
        yield b"def"

    def first() -> None:
        outcomes.append(uploads.append(upload.id, offset=0, chunks=slow(), principal=SYSTEM).offset)

    def second() -> None:
        try:
            outcomes.append(append(uploads, upload.id, 0, b"XXXXXX"))
        except Conflict as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(20)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert set(outcomes) == {6, "upload.offset"}
    assert uploads.content(upload.id).read_bytes() == b"abcdef"


def test_an_aborted_upload_is_gone(uploads: UploadService) -> None:
    upload = uploads.begin("disk.raw", size_bytes=1, principal=SYSTEM)
    uploads.abort(upload.id, principal=SYSTEM)
    assert list(uploads.directory.iterdir()) == []
    with pytest.raises(NotFound) as caught:
        uploads.abort(upload.id, principal=SYSTEM)
    assert caught.value.code == "upload.not-found"


def test_only_old_uploads_are_pruned(uploads: UploadService) -> None:
    old, young = (uploads.begin("disk.raw", size_bytes=1, principal=SYSTEM) for _ in range(2))
    two_days_ago = (uploads.directory / f"{young.id}.part").stat().st_mtime - 2 * 86400
    os.utime(uploads.directory / f"{old.id}.part", (two_days_ago, two_days_ago))
    uploads.prune(older_than=timedelta(days=1))
    assert uploads.get(young.id, principal=SYSTEM) == young
    with pytest.raises(NotFound):
        uploads.get(old.id, principal=SYSTEM)
