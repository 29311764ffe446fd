import fcntl
import io
import os

import pytest

from castalia.errors import Busy, Conflict, InvalidRequest, StorageError
from castalia.images.append import append, length


def test_pieces_make_a_file(tmp_path):
    path = tmp_path / "u"
    assert length(path) == 0
    assert append(path, 0, io.BytesIO(b"one"), max_bytes=6) == 3
    assert append(path, 3, io.BytesIO(b"two"), max_bytes=6) == 6
    assert (path.read_bytes(), length(path)) == (b"onetwo", 6)


@pytest.mark.parametrize("offset", [0, 2, 4])
def test_a_piece_in_the_wrong_place_is_refused(tmp_path, offset):
    path = tmp_path / "u"
    append(path, 0, io.BytesIO(b"one"), max_bytes=10)
    with pytest.raises(Conflict) as caught:
        append(path, offset, io.BytesIO(b"x"), max_bytes=10)
    assert "offset 3" in caught.value.remedy
    assert path.read_bytes() == b"one"


def test_too_long_a_piece_is_taken_back(tmp_path):
    path = tmp_path / "u"
    append(path, 0, io.BytesIO(b"one"), max_bytes=5)
    with pytest.raises(InvalidRequest):
        append(path, 3, io.BytesIO(b"three"), max_bytes=5)
    assert path.read_bytes() == b"one"


def test_two_at_once_are_one_too_many(tmp_path):
    path = tmp_path / "u"
    with path.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Busy):
            append(path, 0, io.BytesIO(b"x"), max_bytes=5)


class Cut(io.BytesIO):
    def read(self, size=-1):
        if self.tell():
            raise ConnectionResetError
        return super().read(4)


def test_what_came_before_the_cut_stays(tmp_path):
    path = tmp_path / "u"
    with pytest.raises(ConnectionResetError):
        append(path, 0, Cut(b"12345678"), max_bytes=8)
    assert length(path) == 4
    assert append(path, 4, io.BytesIO(b"5678"), max_bytes=8) == 8


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "victim").write_bytes(b"")
    (tmp_path / "u").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError):
        append(tmp_path / "u", 0, io.BytesIO(b"x"), max_bytes=5)


def test_a_full_disk_takes_the_piece_back(tmp_path, monkeypatch):
    path = tmp_path / "u"
    append(path, 0, io.BytesIO(b"one"), max_bytes=20)
    real = os.write

    def full(descriptor, data):
        if os.lseek(descriptor, 0, os.SEEK_CUR) >= 5:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:2])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="no space"):
        append(path, 3, io.BytesIO(b"second piece"), max_bytes=20)
    assert path.read_bytes() == b"one"
