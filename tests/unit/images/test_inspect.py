import os
import struct
import subprocess

import pytest
from tests.unit.images.conftest import patch

from castalia.errors import ImageError
from castalia.images.inspect import ImageInfo, inspect_image, limited, source_option
from castalia.images.seed import seed_iso
from castalia.model.storage import VolumeFormat
from castalia.model.vm import GuestSeed

MIB = 1024**2


def refusal(path, **options) -> str:
    with pytest.raises(ImageError) as caught:
        inspect_image(path, **options)
    assert caught.value.remedy
    assert str(path) not in caught.value.message
    return caught.value.code


@pytest.mark.parametrize("options", ["compat=0.10", "compat=1.1", "extended_l2=on", ""])
def test_a_sound_qcow2_is_accepted(make_image, options):
    info = inspect_image(make_image("a.qcow2", "10G", options=options))
    assert (info.format, info.virtual_bytes) == (VolumeFormat.QCOW2, 10 * 1024**3)
    assert info.actual_bytes < 10 * MIB


def test_a_filled_and_a_compressed_qcow2_are_accepted(filled, tmp_path):
    assert inspect_image(filled).file_bytes > 8 * MIB
    packed = tmp_path / "packed.qcow2"
    argv = ["qemu-img", "convert", "-c", "-O", "qcow2", str(filled), str(packed)]
    subprocess.run(argv, check=True)
    assert inspect_image(packed).file_bytes < MIB


def test_raw_and_iso_are_accepted(make_image, tmp_path):
    assert inspect_image(make_image("a.raw", "3M", format="raw")).virtual_bytes == 3 * MIB
    iso = tmp_path / "seed.iso"
    iso.write_bytes(seed_iso(GuestSeed(), instance_id="i", name="n"))
    size = iso.stat().st_size
    info = inspect_image(iso)
    assert isinstance(info, ImageInfo)
    assert (info.format, info.virtual_bytes) == (VolumeFormat.ISO, size)


def test_a_backing_file_is_refused(tmp_path, make_image, no_qemu_after):
    base = make_image("base.qcow2")
    path = tmp_path / "a.qcow2"
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(base), str(path)]
    subprocess.run(argv, check=True)
    no_qemu_after()
    assert refusal(path) == "image.backing-file"


@pytest.fixture
def no_qemu_after(request):
    """Forbids programs from the call on."""
    return lambda: request.getfixturevalue("no_qemu")


def test_an_external_data_file_is_refused(make_image, tmp_path, no_qemu_after):
    data = tmp_path / "data"
    path = make_image("a.qcow2", options=f"data_file={data}")
    no_qemu_after()
    assert refusal(path) == "image.external-data"


def test_internal_snapshots_are_refused(make_image):
    path = make_image("a.qcow2")
    subprocess.run(["qemu-img", "snapshot", "-c", "one", str(path)], check=True)
    assert refusal(path) == "image.snapshots"


@pytest.mark.parametrize(
    ("offset", "layout", "value", "code"),
    [
        (4, "I", 1, "image.broken"),
        (4, "I", 4, "image.broken"),
        (8, "Q", 0x200, "image.backing-file"),
        (20, "I", 8, "image.broken"),
        (20, "I", 63, "image.broken"),
        (24, "Q", 1 << 60, "image.broken"),
        (24, "Q", 0, "image.empty"),
        (32, "I", 2, "image.encrypted"),
        (36, "I", 0xFFFFFFFF, "image.broken"),
        (40, "Q", 1 << 40, "image.truncated"),
        (40, "Q", 3, "image.broken"),
        (48, "Q", 0, "image.broken"),
        (56, "I", 0xFFFFFF, "image.broken"),
        (60, "I", 1, "image.snapshots"),
        (72, "Q", 1 << 0, "image.dirty"),
        (72, "Q", 1 << 1, "image.dirty"),
        (72, "Q", 1 << 2, "image.external-data"),
        (72, "Q", 1 << 40, "image.unknown-feature"),
        (96, "I", 7, "image.broken"),
        (100, "I", 1 << 30, "image.broken"),
    ],
)
def test_a_hostile_header_never_reaches_qemu(patched, no_qemu_after, offset, layout, value, code):
    path = patched(offset, layout, value)
    no_qemu_after()
    assert refusal(path) == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (0xE2792ACA, "image.backing-file"),
        (0x44415441, "image.external-data"),
        (0x0537BE77, "image.encrypted"),
    ],
)
def test_a_header_extension_alone_is_enough(patched, no_qemu_after, kind, code):
    path = patched(104 + 8, "II", kind, 0)
    patch(path, 100, "I", 112)
    no_qemu_after()
    assert refusal(path) == code


def test_too_large_a_disk_is_refused(make_image, no_qemu_after):
    path = make_image("a.qcow2", "2G")
    no_qemu_after()
    assert refusal(path, max_virtual_bytes=1024**3) == "image.too-large"


def test_an_exabyte_is_refused(make_image, no_qemu_after):
    path = make_image("a.qcow2", "1E", options="cluster_size=2M")
    no_qemu_after()
    assert refusal(path) in {"image.too-large", "image.broken"}


@pytest.mark.parametrize("kept", [20, 80, 4096, 3 * 65536, 5 * MIB])
def test_a_truncated_qcow2_is_refused(filled, kept):
    os.truncate(filled, kept)
    assert refusal(filled) in {"image.truncated", "image.broken", "image.corrupt"}


def test_damaged_tables_are_refused(filled):
    with filled.open("r+b") as file:
        file.seek(40)
        (l1_offset,) = struct.unpack(">Q", file.read(8))
        file.seek(l1_offset)
        file.write(struct.pack(">Q", (1 << 63) | 0x7777_0000_0000))
    assert refusal(filled) in {"image.corrupt", "image"}


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (b"KDMV\1\0\0\0", "image.foreign"),
        (b'# Disk DescriptorFile\nRW 1 FLAT "/etc/shadow" 0\n', "image.foreign"),
        (b"vhdxfile", "image.foreign"),
        (b"conectix", "image.foreign"),
        (b"\0" * 0x40 + b"\x7f\x10\xda\xbe", "image.foreign"),
        (b"PK\x03\x04", "image.foreign"),
        (b"\x1f\x8b\x08", "image.compressed"),
        (b"\xfd7zXZ\0", "image.compressed"),
        (b"<!DOCTYPE html><html>" + b" " * 600, "image.text"),
        (b"LUKS\xba\xbe\0\1", "image.encrypted"),
    ],
)
def test_what_is_no_disk_is_refused(tmp_path, no_qemu, start, code):
    path = tmp_path / "a.img"
    padding = b" " if code == "image.text" else b"\0"
    path.write_bytes(start.ljust(65536, padding))
    assert refusal(path) == code


def test_a_footer_gives_a_fixed_vhd_away(tmp_path, no_qemu):
    path = tmp_path / "a.img"
    path.write_bytes(b"\0" * 65536 + b"conectix".ljust(512, b"\0"))
    assert refusal(path) == "image.foreign"


def test_a_name_that_lies_is_refused(make_image, no_qemu_after):
    qcow2, raw = make_image("a.qcow2"), make_image("a.raw", format="raw")
    no_qemu_after()
    assert refusal(qcow2, filename="disk.raw") == "image.wrong-name"
    assert refusal(qcow2, filename="disk.ISO") == "image.wrong-name"
    assert refusal(raw, filename="disk.qcow2") == "image.wrong-name"


def test_img_may_be_either(make_image):
    assert inspect_image(make_image("a.img")).format is VolumeFormat.QCOW2
    assert inspect_image(make_image("b.img", format="raw")).format is VolumeFormat.RAW


def mbr(kind: int, start: int, count: int) -> bytes:
    entry = struct.pack("<B3xB3xII", 0, kind, start, count)
    return b"\0" * 446 + entry + b"\0" * 48 + b"\x55\xaa"


def test_a_raw_disk_shorter_than_its_partitions_is_refused(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(mbr(0x83, 8, 2040).ljust(MIB, b"\0"))
    assert inspect_image(path).virtual_bytes == MIB
    path.write_bytes(mbr(0x83, 8, 2041).ljust(MIB, b"\0"))
    assert refusal(path) == "image.truncated"


def test_a_gpt_disk_cut_off_is_refused(tmp_path):
    path = tmp_path / "a.raw"
    header = b"EFI PART".ljust(48, b"\0") + struct.pack("<Q", 2014)
    path.write_bytes((mbr(0xEE, 1, 0xFFFFFFFF) + header).ljust(MIB, b"\0"))
    assert inspect_image(path).virtual_bytes == MIB
    os.truncate(path, MIB // 2)
    assert refusal(path) == "image.truncated"


def test_a_raw_file_of_odd_size_is_refused(tmp_path, no_qemu):
    path = tmp_path / "a.raw"
    path.write_bytes(b"\0" * 1000)
    assert refusal(path) == "image.broken"


def test_a_short_iso_is_refused(tmp_path, no_qemu):
    iso = seed_iso_file(tmp_path)
    os.truncate(iso, iso.stat().st_size - 4096)
    assert refusal(iso) == "image.truncated"
    os.truncate(iso, 0x8000 + 100)
    assert refusal(iso) == "image.truncated"


def seed_iso_file(directory):
    iso = directory / "a.iso"
    iso.write_bytes(seed_iso(GuestSeed(), instance_id="i", name="n"))
    return iso


def test_an_empty_file_is_refused(tmp_path, no_qemu):
    path = tmp_path / "a.img"
    path.touch()
    assert refusal(path) == "image.empty"


def test_links_pipes_and_directories_are_refused(tmp_path, make_image, no_qemu_after):
    link, pipe = tmp_path / "link.qcow2", tmp_path / "pipe"
    link.symlink_to(make_image("a.qcow2"))
    os.mkfifo(pipe)
    no_qemu_after()
    for path in (link, pipe, tmp_path, tmp_path / "absent"):
        assert refusal(path) == "image.unreadable"


def test_a_path_is_only_a_path(tmp_path):
    path = tmp_path / "json:{,driver=nbd}.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", f"file:{path}", "1M"], check=True)
    assert inspect_image(path).virtual_bytes == MIB
    assert ",,driver=nbd" in source_option(path, VolumeFormat.QCOW2)


def test_qemu_works_under_limits(tmp_path):
    words = limited("info", tmp_path / "a", VolumeFormat.ISO)
    assert words[0] == "prlimit"
    assert any(word.startswith("--as=") for word in words)
    assert any(word.startswith("--cpu=") for word in words)
    assert "driver=raw" in words[-1]


def test_an_image_that_qemu_sees_otherwise_is_refused(make_image, monkeypatch):
    answer = b'{"virtual-size": 16777216, "full-backing-filename": "/etc/shadow"}'
    monkeypatch.setattr("castalia.images.inspect.run", lambda *a, **k: answer)
    assert refusal(make_image("a.qcow2")) == "image.contradiction"
