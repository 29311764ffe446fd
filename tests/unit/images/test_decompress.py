import gzip
import lzma
import subprocess

import pytest

from castalia.errors import ImageError
from castalia.images import decompress as module
from castalia.images.decompress import compression, decompress, inner_name

MIB = 1024**2
GIB = 1024**3
CONTENT = b"".join(i.to_bytes(4, "big") for i in range(400_000)) + b"\0" * (3 * MIB) + b"end"


def packed(path, kind: str, content: bytes = CONTENT):
    if kind == "gzip":
        path.write_bytes(gzip.compress(content))
    elif kind == "xz":
        path.write_bytes(lzma.compress(content, preset=0))
    else:
        argv = ["zstd", "-q", "-c", "-"]
        path.write_bytes(subprocess.run(argv, input=content, capture_output=True).stdout)
    return path


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd"])
def test_the_content_comes_out_and_zeros_become_holes(tmp_path, kind):
    source = packed(tmp_path / "a", kind)
    assert compression(source) == kind
    seen: list[int] = []
    out = decompress(
        source,
        tmp_path / "out",
        max_bytes=GIB,
        progress=lambda percent, message: seen.append(percent),
    )
    assert out.read_bytes() == CONTENT
    assert out.stat().st_blocks * 512 < len(CONTENT) - MIB
    assert seen[-1] == 100


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd"])
def test_zeros_at_the_end_count(tmp_path, kind):
    source = packed(tmp_path / "a", kind, b"start" + b"\0" * (3 * MIB))
    out = decompress(source, tmp_path / "out", max_bytes=GIB)
    assert out.stat().st_size == 5 + 3 * MIB


def test_streams_that_follow_each_other_are_one_file(tmp_path):
    source = tmp_path / "a.xz"
    source.write_bytes(lzma.compress(b"one") + b"\0" * 8 + lzma.compress(b"two"))
    assert decompress(source, tmp_path / "out", max_bytes=GIB).read_bytes() == b"onetwo"


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd"])
def test_a_bomb_stops_at_the_ratio(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(module, "_FREE_BYTES", MIB)
    source = packed(tmp_path / "bomb", kind, b"\0" * (64 * MIB))
    with pytest.raises(ImageError) as caught:
        decompress(source, tmp_path / "out", max_bytes=GIB)
    assert caught.value.code == "image.bomb"
    assert [path.name for path in tmp_path.iterdir()] == ["bomb"]


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd"])
def test_more_than_allowed_is_refused(tmp_path, kind):
    source = packed(tmp_path / "a", kind)
    with pytest.raises(ImageError, match="larger than"):
        decompress(source, tmp_path / "out", max_bytes=MIB)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd"])
def test_a_cut_off_archive_is_refused(tmp_path, kind):
    source = packed(tmp_path / "a", kind)
    source.write_bytes(source.read_bytes()[:-1000])
    with pytest.raises(ImageError, match="damaged"):
        decompress(source, tmp_path / "out", max_bytes=GIB)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_not_compressed_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"plain")
    with pytest.raises(ImageError):
        decompress(tmp_path / "a", tmp_path / "out", max_bytes=GIB)


class Stop(Exception):
    pass


def test_it_can_be_cancelled(tmp_path):
    def stop():
        raise Stop

    with pytest.raises(Stop):
        decompress(packed(tmp_path / "a", "gzip"), tmp_path / "o", max_bytes=GIB, check=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_name_inside():
    assert inner_name("disk.qcow2.xz") == "disk.qcow2"
    assert inner_name("disk.raw.GZ") == "disk.raw"
    assert inner_name("disk.qcow2") == "disk.qcow2"
