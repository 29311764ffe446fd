"""A lab's certificates: who signed them, for what, for whom, and who may read the keys."""

import ssl
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from castalia.lab.authority import Authority, authority

_ADDRESS = IPv4Address("10.76.0.11")


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    return authority(tmp_path / "authority", "lab")


@pytest.fixture
def host(issuer: Authority, tmp_path: Path) -> Path:
    issuer.write_host(tmp_path / "h1", "lab-h1", _ADDRESS)
    return tmp_path / "h1"


def certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


@pytest.mark.parametrize("name", ["servercert.pem", "qemu/server-cert.pem"])
def test_a_server_is_known_by_name_and_address(host: Path, name: str) -> None:
    found = certificate(host / name).extensions
    names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["lab-h1"]
    assert names.get_values_for_type(x509.IPAddress) == [_ADDRESS]
    usage = found.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize("name", ["clientcert.pem", "qemu/client-cert.pem"])
def test_a_client_cannot_pose_as_a_server(host: Path, name: str) -> None:
    usage = certificate(host / name).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_all_are_signed_by_the_lab_and_none_by_another(host: Path, tmp_path: Path) -> None:
    own = certificate(host / "cacert.pem")
    other = authority(tmp_path / "other", "lab").certificate
    for file in host.glob("**/*cert.pem"):
        certificate(file).verify_directly_issued_by(own)
        with pytest.raises(InvalidSignature):
            certificate(file).verify_directly_issued_by(other)


def test_no_host_can_sign(host: Path) -> None:
    basic = certificate(host / "servercert.pem").extensions
    assert not basic.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not basic.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_keys_are_for_their_owner_only(host: Path, issuer: Authority, tmp_path: Path) -> None:
    issuer.write_client(tmp_path / "client", "castalia")
    keys = list(tmp_path.glob("**/*key.pem"))
    assert len(keys) == 6  # the authority's, the client's, and four of the host's
    assert {file.stat().st_mode & 0o777 for file in keys} == {0o600}


def test_what_is_there_stays(host: Path, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in tmp_path.glob("**/*.pem")}
    again = authority(tmp_path / "authority", "lab")
    again.write_host(host, "lab-h1", _ADDRESS)
    assert {file: file.read_bytes() for file in tmp_path.glob("**/*.pem")} == before


def test_openssl_takes_key_and_certificate_together(host: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(host / "servercert.pem", host / "serverkey.pem")
    context.load_verify_locations(host / "cacert.pem")
