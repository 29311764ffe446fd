import hashlib

import pytest

from castalia.errors import ImageError, InvalidRequest
from castalia.images.checksum import Checksum


@pytest.mark.parametrize("name", ["sha256", "sha512"])
def test_a_file_matches_its_checksum_and_no_other(tmp_path, name):
    path = tmp_path / "a"
    path.write_bytes(b"content")
    digest = hashlib.new(name, b"content").hexdigest()
    for text in (digest, digest.upper(), f" {name}:{digest}\n"):
        Checksum.parse(text).verify(path)
    path.write_bytes(b"other")
    with pytest.raises(ImageError) as caught:
        Checksum.parse(digest).verify(path)
    assert caught.value.code == "image.checksum"


@pytest.mark.parametrize("text", ["", "abc", "md5:" + "a" * 32, "sha512:" + "a" * 64, "g" * 64])
def test_other_texts_are_no_checksums(text):
    with pytest.raises(InvalidRequest) as caught:
        Checksum.parse(text)
    assert caught.value.field == "checksum"
