import struct
from pathlib import Path

import pytest

from castalia.errors import ImageError, NotFound
from castalia.images import boot_disk, debian_packages
from castalia.images.builder import builder, builders
from castalia.images.command import ignore_progress
from castalia.images.debian_packages import Package, PackageSource
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
    import subprocess

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
SHOW = "Package: {0}\nVersion: 1:{0}\nArchitecture: amd64\nSHA256: 00\nDescription: x\n y: z\n"


@pytest.fixture
def fake_apt(monkeypatch, tmp_path):
    calls: list[list[str]] = []

    def run(argv, **options):
        calls.append(argv)
        if "depends" in argv:
            return APT_DEPENDS.encode()
        if "show" in argv:
            names = argv[argv.index("--no-all-versions") + 1 :]
            return "\n".join(SHOW.format(name) for name in names).encode()
        return b""

    monkeypatch.setattr(debian_packages, "run", run)
    return calls


def test_dependencies_are_followed_only_where_wanted(fake_apt, tmp_path):
    source = PackageSource(tmp_path)
    found = source.resolve(["micro-agent"], follow=lambda name: name.startswith("lib"))
    assert [one.name for one in found] == ["micro-agent", "libone", "libtwo", "libthree"]
    assert found[0].file_name == "micro-agent_1%3amicro-agent_amd64.deb"


def test_stale_lists_are_refreshed_in_a_place_of_our_own(monkeypatch, tmp_path):
    calls: list[list[str]] = []

    def run(argv, **options):
        calls.append([str(word) for word in argv])
        if "update" not in argv and not any("Dir::State=" in str(word) for word in argv):
            raise ImageError("not found")
        return APT_DEPENDS.encode() if "depends" in argv else SHOW.format("micro-agent").encode()

    monkeypatch.setattr(debian_packages, "run", run)
    found = PackageSource(tmp_path).resolve(["micro-agent"], follow=lambda name: False)
    assert [one.name for one in found] == ["micro-agent"]
    (update,) = [call for call in calls if "update" in call]
    assert any(str(tmp_path) in word for word in update)


def test_a_damaged_file_in_the_cache_is_fetched_again(monkeypatch, tmp_path):
    package = Package(name="a", version="1", architecture="all", sha256="0" * 64)
    (tmp_path / package.file_name).write_bytes(b"damaged")

    def run(argv, *, cwd, **options):
        (Path(cwd) / package.file_name).write_bytes(b"fresh")
        return b""

    monkeypatch.setattr(debian_packages, "run", run)
    (path,) = PackageSource(tmp_path).fetch([package])
    assert path.read_bytes() == b"fresh"
    assert [entry.name for entry in tmp_path.iterdir()] == [package.file_name]


def test_the_boot_sector_has_one_partition_to_the_end():
    sector = boot_disk._boot_sector(10_000)
    assert (len(sector), sector[510:]) == (512, b"\x55\xaa")
    assert sector[0x66:0x68] == b"\x90\x90"
    flag, kind, start, count = struct.unpack_from("<B3xB3xII", sector, 446)
    assert (flag, kind, start, start + count) == (0x80, 0x83, 2048, 10_000)
    assert sector[462:510] == bytes(48)
