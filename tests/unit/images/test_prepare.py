import gzip
import hashlib
import subprocess

import pytest

from castalia.errors import ImageError
from castalia.images.command import ignore_progress, keep_going
from castalia.images.convert import convert_to_qcow2
from castalia.images.inspect import inspect_image
from castalia.images.prepare import prepare
from castalia.images.seed import seed_iso
from castalia.model.storage import VolumeFormat
from castalia.model.vm import GuestSeed


def as_raw(path) -> str:
    raw = path.with_suffix(".as-raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(path), str(raw)], check=True)
    return hashlib.sha256(raw.read_bytes()).hexdigest()


def prepared(source, tmp_path, filename):
    target = tmp_path / "library/new.qcow2"
    return prepare(source, target, filename=filename, progress=ignore_progress, check=keep_going)


def test_a_disk_is_written_anew_with_the_same_content(filled, tmp_path):
    done = prepared(filled, tmp_path, "x.qcow2")
    assert done.info.format is VolumeFormat.QCOW2
    assert as_raw(done.path) == as_raw(filled)
    assert [path.name for path in done.path.parent.iterdir() if path.suffix != ".as-raw"] == [
        "new.qcow2"
    ]


def test_a_compressed_raw_disk_becomes_sparse_qcow2(tmp_path):
    source = tmp_path / "x.raw.gz"
    source.write_bytes(gzip.compress(b"\0" * 2**24 + b"x" * 65536))
    done = prepared(source, tmp_path, "x.raw.gz")
    assert done.info.virtual_bytes == 2**24 + 65536
    assert done.info.actual_bytes < 2**20


def test_an_iso_stays_an_iso(tmp_path):
    source = tmp_path / "x.iso"
    source.write_bytes(seed_iso(GuestSeed(), instance_id="i", name="n"))
    done = prepared(source, tmp_path, "x.iso")
    assert done.info.format is VolumeFormat.ISO
    assert done.path.read_bytes() == source.read_bytes()


def test_a_hostile_image_leaves_nothing(patched, tmp_path):
    with pytest.raises(ImageError):
        prepared(patched(8, "Q", 0x200), tmp_path, "x.qcow2")
    assert list((tmp_path / "library").iterdir()) == []


def test_conversion_tells_its_progress(filled, tmp_path):
    seen: list[int] = []
    convert_to_qcow2(
        filled,
        tmp_path / "out.qcow2",
        format=VolumeFormat.QCOW2,
        progress=lambda percent, message: seen.append(percent),
    )
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert inspect_image(tmp_path / "out.qcow2").virtual_bytes == 2**24


class Stop(Exception):
    pass


def test_conversion_can_be_cancelled(filled, tmp_path):
    def stop():
        if list(tmp_path.glob(".*.partial")):
            raise Stop

    with pytest.raises(Stop):
        convert_to_qcow2(filled, tmp_path / "o", format=VolumeFormat.QCOW2, check=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["filled.qcow2"]


def test_a_full_disk_stops_the_conversion(filled, tmp_path, monkeypatch):
    from castalia.errors import StorageError

    monkeypatch.setattr("castalia.images.convert._KEEP_FREE_BYTES", 1 << 62)
    with pytest.raises(StorageError, match="no space"):
        convert_to_qcow2(filled, tmp_path / "o", format=VolumeFormat.QCOW2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["filled.qcow2"]
