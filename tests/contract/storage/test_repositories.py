"""Repositories, as every storage driver keeps them."""

import pytest

from castalia.errors import Conflict, InvalidRequest, NotFound


def test_a_new_repository_is_there_active_and_empty(storage, place):
    made = storage.ensure_repository("images", str(place / "images"))
    assert (made.name, made.path, made.kind) == ("images", str(place / "images"), "dir")
    assert made.active
    assert made.volumes == ()
    assert made.capacity_bytes >= made.available_bytes > 0
    assert storage.repositories() == [made]


def test_adding_it_again_is_no_error(storage, place):
    first = storage.ensure_repository("images", str(place / "images"))
    assert storage.ensure_repository("images", f"{place}/images/") == first


def test_a_name_stands_for_one_directory(storage, place):
    storage.ensure_repository("images", str(place / "images"))
    with pytest.raises(Conflict) as caught:
        storage.ensure_repository("images", str(place / "other"))
    assert caught.value.code == "repository.name-taken"
    assert storage.repository("images").path == str(place / "images")


def test_a_directory_is_one_repository(storage, place):
    storage.ensure_repository("images", str(place / "images"))
    with pytest.raises(Conflict) as caught:
        storage.ensure_repository("other", str(place / "images"))
    assert caught.value.code == "repository.path-taken"
    assert [found.name for found in storage.repositories()] == ["images"]


@pytest.mark.parametrize(
    "path", ["images", "/", "/etc", "/etc/x", "/proc/1", "//etc", "/srv/../etc"]
)
def test_directories_of_the_system_are_refused(storage, path):
    with pytest.raises(InvalidRequest) as caught:
        storage.ensure_repository("images", path)
    assert caught.value.field == "path"
    assert storage.repositories() == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "x\n"])
def test_names_that_are_none_are_refused(storage, place, name):
    with pytest.raises(InvalidRequest):
        storage.ensure_repository(name, str(place / "images"))


def test_forgetting_twice_is_no_error(storage, images):
    storage.forget_repository(images)
    storage.forget_repository(images)
    assert storage.repositories() == []
    with pytest.raises(NotFound) as caught:
        storage.repository(images)
    assert caught.value.code == "repository.not-found"


def test_volumes_need_a_repository(storage):
    with pytest.raises(NotFound):
        storage.volume("nowhere", "x")
    with pytest.raises(NotFound):
        storage.create_volume("nowhere", "x", size_bytes=1)
