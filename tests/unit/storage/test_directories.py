"""Which directories may be repositories."""

import pytest

from castalia.errors import Conflict, InvalidRequest
from castalia.storage.directories import check_place, checked_directory


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/srv/images", "/srv/images"),
        ("/srv//images/", "/srv/images"),
        ("//srv/./images", "/srv/images"),
        ("/var/lib/libvirt/images", "/var/lib/libvirt/images"),
        ("/tmp/x", "/tmp/x"),
        ("/etcetera", "/etcetera"),
        ("/srv/with blank", "/srv/with blank"),
    ],
)
def test_a_directory_of_its_own_is_accepted(path, kept):
    assert checked_directory(path) == kept


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "srv/images", "~/images", "/", "//", "/srv", "/var/lib/", "/etc"),
        *("/etc/libvirt", "/proc/self/root", "/dev/shm", "/usr/lib/x", "/srv/../etc"),
        *("/srv/a\nb", "/boot//x"),
    ],
)
def test_all_others_are_refused_with_a_remedy(path):
    with pytest.raises(InvalidRequest) as caught:
        checked_directory(path)
    assert caught.value.field == "path"
    assert caught.value.remedy


def test_a_name_and_a_directory_belong_together():
    check_place("a", "/srv/a", other="a", other_path="/srv/a")
    check_place("a", "/srv/a", other="b", other_path="/srv/b")
    with pytest.raises(Conflict):
        check_place("a", "/srv/a", other="a", other_path="/srv/b")
    with pytest.raises(Conflict):
        check_place("a", "/srv/a", other="b", other_path="/srv/a")
