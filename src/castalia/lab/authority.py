"""A lab's own certificate authority: who may speak TLS in the lab, and to whom.

Each lab has its own, so that no certificate opens the door of another lab, let alone of a real
host. Certificates name the host and its address, since libvirt asks for the one and QEMU, while a
VM moves, for the other.
"""

import os
import pwd
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The beginning lies back for machines whose clock was set while the lab was up.
_BEFORE, _AFTER = timedelta(days=1), timedelta(days=3650)
_QEMU_USERS = ("libvirt-qemu", "qemu")


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Issues certificates. Its own certificate can be shown to anybody, its key to nobody."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def write_host(self, directory: Path, name: str, address: IPv4Address) -> None:
        """Issues what a host needs, into `directory` as the host's libvirt reads it and into the
        `qemu` below it as its QEMU does. What is there already stays."""
        qemu = directory / "qemu"
        self._write(directory, "cacert.pem", "server{}.pem", _server(name, address))
        self._write(directory, "cacert.pem", "client{}.pem", _client(name))
        self._write(qemu, "ca-cert.pem", "server-{}.pem", _server(name, address))
        self._write(qemu, "ca-cert.pem", "client-{}.pem", _client(name))
        _give_to_qemu(qemu)

    def write_client(self, directory: Path, name: str) -> None:
        """Issues what a client needs, as `?pkipath=` of a libvirt address reads it."""
        self._write(directory, "cacert.pem", "client{}.pem", _client(name))

    def _write(self, directory: Path, ca: str, files: str, wish: "_Wish") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if (directory / files.format("cert")).exists():
            return
        key = _new_key()
        certificate = _certificate(wish, key=key, issuer=self.certificate.subject, signer=self.key)
        (directory / ca).write_bytes(_pem(self.certificate))
        _write_key(directory / files.format("key"), key)
        # Last, as it is what shows that all are there.
        (directory / files.format("cert")).write_bytes(_pem(certificate))


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What a certificate shall say."""

    name: str
    extensions: tuple[x509.ExtensionType, ...]
    authority: bool = False


def authority(directory: Path, lab: str) -> Authority:
    """The authority of the lab of that name, whose files are in `directory`; made if there is none
    yet."""
    key_file, certificate_file = directory / "cakey.pem", directory / "cacert.pem"
    if not certificate_file.exists():
        directory.mkdir(parents=True, exist_ok=True)
        made = _new_authority(lab)
        _write_key(key_file, made.key)
        certificate_file.write_bytes(_pem(made.certificate))
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{key_file} holds no key of an elliptic curve")
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    return Authority(key=key, certificate=certificate)


def _new_authority(lab: str) -> Authority:
    key = _new_key()
    wish = _Wish(name=f"Authority of lab {lab}"[:64], extensions=(), authority=True)
    return Authority(
        key=key, certificate=_certificate(wish, key=key, issuer=_name(wish), signer=key)
    )


def _server(name: str, address: IPv4Address) -> _Wish:
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(address)])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return _Wish(name=name, extensions=(names, usage))


def _client(name: str) -> _Wish:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return _Wish(name=name, extensions=(usage,))


def _certificate(
    wish: _Wish,
    *,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(issuer, _name(wish), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + _AFTER)
        .add_extension(x509.BasicConstraints(ca=wish.authority, path_length=None), critical=True)
        .add_extension(_usage(authority=wish.authority), critical=True)
    )
    for extension in wish.extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _name(wish: _Wish) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wish.name[:64])])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        # Means nothing for elliptic curves, but libvirt before 9.4 refuses certificates without it.
        key_encipherment=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.unlink(missing_ok=True)
    # Nobody else may read it, not even in the moment before a chmod.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(text)


def _give_to_qemu(directory: Path) -> None:
    """QEMU reads its certificates itself, as the user that libvirt makes it."""
    for name in _QEMU_USERS:
        with suppress(KeyError, PermissionError):  # no such user, or this is not root: a test
            user = pwd.getpwnam(name).pw_uid
            for file in directory.glob("*-key.pem"):
                os.chown(file, user, -1)
            return
