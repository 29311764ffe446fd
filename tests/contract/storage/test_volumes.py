"""Volumes, as every storage driver keeps them."""

import pytest

from castalia.errors import Conflict, InvalidRequest, NotFound, StorageError
from castalia.model.amount import GIB, MIB, TIB
from castalia.model.storage import VolumeFormat


@pytest.mark.parametrize("format", [VolumeFormat.QCOW2, VolumeFormat.RAW])
def test_a_new_volume_takes_no_room(storage, images, place, format):
    made = storage.create_volume(images, "disk", size_bytes=GIB, format=format)
    assert (made.name, made.path) == ("disk", str(place / "images" / "disk"))
    assert (made.format, made.capacity_bytes) == (format, GIB)
    assert made.allocation_bytes < MIB
    assert storage.volume(images, "disk") == made
    assert storage.repository(images).volumes == (made,)


def test_creating_it_again_returns_it(storage, images):
    first = storage.create_volume(images, "disk", size_bytes=GIB)
    assert storage.create_volume(images, "disk", size_bytes=GIB) == first
    assert storage.create_volume(images, "disk", size_bytes=MIB) == first


@pytest.mark.parametrize(
    "other",
    [
        {"size_bytes": 2 * GIB},
        {"size_bytes": GIB, "format": VolumeFormat.RAW},
        {"size_bytes": GIB, "backing_path": "base"},
    ],
)
def test_another_volume_of_that_name_is_not_taken_for_it(storage, images, other):
    base = storage.create_volume(images, "base", size_bytes=MIB)
    first = storage.create_volume(images, "disk", size_bytes=GIB)
    if "backing_path" in other:
        other["backing_path"] = base.path
    with pytest.raises(Conflict) as caught:
        storage.create_volume(images, "disk", **other)
    assert caught.value.code == "volume.name-taken"
    assert storage.volume(images, "disk") == first


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/x", "-rf", "a\nb", "x" * 300])
def test_names_with_a_path_or_worse_are_refused(storage, images, name):
    calls = (
        lambda: storage.create_volume(images, name, size_bytes=MIB),
        lambda: storage.delete_volume(images, name),
        lambda: storage.volume(images, name),
        lambda: storage.local_path(images, name),
    )
    for call in calls:
        with pytest.raises(InvalidRequest):
            call()
    assert storage.repository(images, refresh=True).volumes == ()


@pytest.mark.parametrize("size_bytes", [0, -1, 65 * TIB, 2**60])
def test_sizes_that_make_no_sense_are_refused(storage, images, size_bytes):
    with pytest.raises(InvalidRequest) as caught:
        storage.create_volume(images, "disk", size_bytes=size_bytes)
    assert caught.value.field == "size"
    assert storage.repository(images).volumes == ()


def test_a_blank_iso_makes_no_sense(storage, images):
    with pytest.raises(InvalidRequest):
        storage.create_volume(images, "disk", size_bytes=MIB, format=VolumeFormat.ISO)


# --- linked volumes ---
def test_a_linked_volume_knows_what_it_is_linked_to(storage, images):
    base = storage.create_volume(images, "base", size_bytes=GIB)
    linked = storage.create_volume(images, "disk", size_bytes=2 * GIB, backing_path=base.path)
    assert linked.backing_path == base.path
    assert linked.capacity_bytes == 2 * GIB
    again = storage.create_volume(images, "disk", size_bytes=2 * GIB, backing_path=base.path)
    assert again == linked


def test_a_linked_volume_covers_what_it_is_linked_to(storage, images):
    base = storage.create_volume(images, "base", size_bytes=GIB)
    with pytest.raises(InvalidRequest) as caught:
        storage.create_volume(images, "disk", size_bytes=MIB, backing_path=base.path)
    assert caught.value.field == "size"
    assert [volume.name for volume in storage.repository(images).volumes] == ["base"]


def test_without_its_base_no_linked_volume_is_made(storage, images, place):
    with pytest.raises(StorageError) as caught:
        storage.create_volume(images, "disk", size_bytes=GIB, backing_path=f"{place}/none")
    assert caught.value.code == "volume.missing"
    assert storage.repository(images, refresh=True).volumes == ()


def test_a_raw_volume_cannot_be_linked(storage, images):
    base = storage.create_volume(images, "base", size_bytes=GIB)
    with pytest.raises(InvalidRequest):
        storage.create_volume(
            images, "disk", size_bytes=GIB, format=VolumeFormat.RAW, backing_path=base.path
        )


# --- deleting, growing, copying ---
def test_deleting_twice_is_no_error(storage, images):
    storage.create_volume(images, "disk", size_bytes=GIB)
    storage.delete_volume(images, "disk")
    storage.delete_volume(images, "disk")
    with pytest.raises(NotFound) as caught:
        storage.volume(images, "disk")
    assert caught.value.code == "volume.not-found"


@pytest.mark.parametrize("format", [VolumeFormat.QCOW2, VolumeFormat.RAW])
def test_a_volume_grows(storage, images, format):
    storage.create_volume(images, "disk", size_bytes=GIB, format=format)
    assert storage.resize_volume(images, "disk", 2 * GIB).capacity_bytes == 2 * GIB
    assert storage.resize_volume(images, "disk", 2 * GIB).capacity_bytes == 2 * GIB
    assert storage.volume(images, "disk").capacity_bytes == 2 * GIB


def test_a_volume_does_not_shrink(storage, images):
    storage.create_volume(images, "disk", size_bytes=2 * GIB)
    with pytest.raises(InvalidRequest):
        storage.resize_volume(images, "disk", GIB)
    assert storage.volume(images, "disk").capacity_bytes == 2 * GIB


def test_a_copy_is_independent(storage, images):
    base = storage.create_volume(images, "base", size_bytes=GIB)
    storage.create_volume(images, "disk", size_bytes=GIB, backing_path=base.path)
    copy = storage.clone_volume(images, "disk", target="copy")
    assert (copy.name, copy.backing_path) == ("copy", "")
    assert (copy.format, copy.capacity_bytes) == (VolumeFormat.QCOW2, GIB)
    names = [volume.name for volume in storage.repository(images, refresh=True).volumes]
    assert names == ["base", "copy", "disk"]


def test_a_complete_copy_is_returned(storage, images):
    storage.create_volume(images, "disk", size_bytes=GIB)
    first = storage.clone_volume(images, "disk", target="copy")
    assert storage.clone_volume(images, "disk", target="copy").path == first.path


def test_a_copy_never_replaces_another_volume(storage, images):
    storage.create_volume(images, "disk", size_bytes=GIB)
    other = storage.create_volume(images, "other", size_bytes=MIB)
    with pytest.raises(Conflict):
        storage.clone_volume(images, "disk", target="other")
    assert storage.volume(images, "other") == other


def test_nothing_is_copied_from_nothing(storage, images):
    with pytest.raises(NotFound):
        storage.clone_volume(images, "disk", target="copy")
    assert storage.repository(images, refresh=True).volumes == ()
