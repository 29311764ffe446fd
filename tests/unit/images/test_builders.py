import hashlib
import struct
import subprocess

import pytest

from castalia.errors import ImageError, NotFound
from castalia.images import boot_disk, debian_packages
from castalia.images.builder import builder, builders
from castalia.images.command import ignore_progress
from castalia.images.debian_packages import PackageSource
from castalia.images.guest_content import guest_files


def test_builders_are_found_by_name():
    assert set(builders()) == {"micro", "debian-12"}
    assert builder("micro").min_memory_mib <= 128
    with pytest.raises(NotFound) as caught:
        builder("windows")
    assert "micro" in caught.value.remedy


def test_a_fingerprint_changes_with_what_goes_into_the_guest(monkeypatch):
    before = {name: one.fingerprint() for name, one in builders().items()}
    assert before == {name: one.fingerprint() for name, one in builders().items()}
    real = guest_files

    def changed(guest):
        return {**real(guest), "etc/new": b"x"}

    monkeypatch.setattr("castalia.images.guest_content.guest_files", changed)
    after = {name: one.fingerprint() for name, one in builders().items()}
    assert all(before[name] != after[name] for name in before)


def test_every_script_of_the_guests_parses():
    for guest in ("micro", "micro_initramfs", "debian"):
        for name, content in guest_files(guest).items():
            if content.startswith(b"#!") or name.endswith("seed-words"):
                done = subprocess.run(["sh", "-n"], input=content, capture_output=True)
                assert done.returncode == 0, (name, done.stderr)


class Stop(Exception):
    pass


@pytest.mark.parametrize("name", ["micro", "debian-12"])
def test_a_cancelled_build_leaves_only_the_cache(tmp_path, name):
    def stop():
        raise Stop

    target, work = tmp_path / "out/x.qcow2", tmp_path / "work"
    with pytest.raises(Stop):
        builder(name).build(target, work_dir=work, progress=ignore_progress, check=stop)
    assert list(target.parent.iterdir()) == []
    assert [path.name for path in work.iterdir()] in ([], ["cache"])


APT_DEPENDS = """\
micro-agent
  Depends: libone
 |Depends: libtwo
  Depends: <virtual>
  PreDepends: init-things
libone
  Depends: libthree
libtwo
libthree
  Depends: libone
  Depends: libforeign:i386
init-things
  Depends: libunwanted
"""
SHOW = "Package: {0}\nVersion: 1:2\nArchitecture: all\nSHA256: {1}\nDescription: x\n y: z\n"


class FakeApt:
    """Knows every package but `unknown`; `stale` lists do not suffice for a download."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.unknown: set[str] = set()
        self.stale = False

    def __call__(self, argv, *, cwd=None, **options):
        words = [str(word) for word in argv]
        self.calls.append(words)
        self.stale = self.stale and "update" not in words
        if "depends" in words:
            return APT_DEPENDS.encode()
        if "show" in words:
            names = words[words.index("--no-all-versions") + 1 :]
            return "\n".join(self.show(name) for name in names).encode()
        return self.download(words, cwd) if "download" in words else b""

    def show(self, name):
        digest = hashlib.sha256(name.encode()).hexdigest()
        return "" if name in self.unknown else SHOW.format(name, digest)

    def download(self, words, cwd):
        if self.stale:
            raise ImageError("404")
        for pinned in words[words.index("download") + 1 :]:
            name = pinned.partition("=")[0]
            (cwd / f"{name}_1%3a2_all.deb").write_bytes(name.encode())
        return b""


@pytest.fixture
def fake_apt(monkeypatch):
    apt = FakeApt()
    monkeypatch.setattr(debian_packages, "run", apt)
    return apt


def collected(directory, *, follow=lambda name: name.startswith("lib")):
    return PackageSource(directory).collect(["micro-agent"], one_of=["kernel"], follow=follow)


def test_dependencies_are_followed_only_where_wanted(fake_apt, tmp_path):
    found = [one.name for one in collected(tmp_path)]
    assert found == ["micro-agent", "kernel", "libone", "libtwo", "libthree"]


def test_the_first_kernel_that_there_is_is_taken(fake_apt, tmp_path):
    fake_apt.unknown = {"cloud"}
    found = PackageSource(tmp_path).collect(
        ["micro-agent"], one_of=["cloud", "virtual"], follow=lambda name: False
    )
    assert [one.name for one in found] == ["micro-agent", "virtual"]


def test_an_unknown_package_is_named(fake_apt, tmp_path):
    fake_apt.unknown = {"micro-agent"}
    with pytest.raises(ImageError, match="micro-agent"):
        collected(tmp_path)


def test_stale_lists_are_refreshed_in_a_place_of_our_own(fake_apt, tmp_path):
    fake_apt.stale = True
    assert collected(tmp_path)
    (update,) = [call for call in fake_apt.calls if "update" in call]
    assert any(str(tmp_path) in word for word in update)


def test_what_is_in_the_cache_is_not_fetched_again(fake_apt, tmp_path):
    collected(tmp_path)
    fake_apt.calls.clear()
    collected(tmp_path)
    assert not [call for call in fake_apt.calls if "download" in call]


def test_a_damaged_file_in_the_cache_is_fetched_again(fake_apt, tmp_path):
    first = next(iter(collected(tmp_path).values()))
    content = first.read_bytes()
    first.write_bytes(b"damaged")
    collected(tmp_path)
    assert first.read_bytes() == content
    assert all(path.suffix == ".deb" for path in tmp_path.iterdir())


def test_the_boot_sector_has_one_partition_to_the_end():
    sector = boot_disk._boot_sector(10_000)
    assert (len(sector), sector[510:]) == (512, b"\x55\xaa")
    assert sector[0x66:0x68] == b"\x90\x90"
    flag, kind, start, count = struct.unpack_from("<B3xB3xII", sector, 446)
    assert (flag, kind, start, start + count) == (0x80, 0x83, 2048, 10_000)
    assert sector[462:510] == bytes(48)
