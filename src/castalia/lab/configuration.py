"""The files that a lab host's libvirt reads."""

from pathlib import Path

from castalia.lab.wiring import PKI, Wiring

_LIBVIRTD = """\
host_uuid = "{uuid}"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""

_QEMU = """\
security_driver = "none"
namespaces = []
"""

_VIRTLOGD = """\
log_outputs = "3:file:/var/log/libvirt/virtlogd.log"
"""

_VIRTLOCKD = """\
log_outputs = "3:file:/var/log/libvirt/virtlockd.log"
"""

_LIBVIRTD_WIRED = """\
listen_tls = 1
listen_tcp = 0
listen_addr = "{address}"
auth_tls = "none"
ca_file = "{pki}/cacert.pem"
cert_file = "{pki}/servercert.pem"
key_file = "{pki}/serverkey.pem"
"""

_QEMU_WIRED = """\
migration_address = "{address}"
migration_host = "{address}"
migrate_tls_x509_cert_dir = "{pki}/qemu"
migrate_tls_x509_verify = 1
"""

_QEMU_LEASES = """\
lock_manager = "lockd"
"""

_QEMU_LOCKD = """\
auto_disk_leases = 1
require_lease_for_disks = 1
file_lockspace_dir = "{leases}"
"""

_DEFAULT_NETWORK = """\
<network>
  <name>default</name>
  <uuid>{uuid}</uuid>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='off' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>
"""


def write(
    directory: Path, *, uuid: str, default_network: bool, wiring: Wiring | None = None
) -> None:
    """Fills `directory`, which the host will see as /etc/libvirt. What is there already stays."""
    files = {
        "libvirtd.conf": _LIBVIRTD.format(uuid=uuid),
        "qemu.conf": _QEMU,
        "virtlogd.conf": _VIRTLOGD,
    }
    if wiring:
        files = _wired(files, wiring)
    for name, text in files.items():
        _write_new(directory / name, text)
    if default_network:
        _write_network(directory / "qemu" / "networks", uuid)


def write_names(directory: Path, hosts: str) -> None:
    """Fills the directory that a `Wiring` calls `names`."""
    _write_new(directory / "hosts", hosts)
    # Hosts reach no name server, and must not wait for any.
    _write_new(directory / "resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")


def _wired(files: dict[str, str], wiring: Wiring) -> dict[str, str]:
    words = {"address": wiring.address.ip, "pki": PKI, "leases": wiring.leases}
    files = {
        **files,
        "libvirtd.conf": files["libvirtd.conf"] + _LIBVIRTD_WIRED.format_map(words),
        "qemu.conf": files["qemu.conf"] + _QEMU_WIRED.format_map(words),
    }
    if wiring.leases:
        files["qemu.conf"] += _QEMU_LEASES
        files["qemu-lockd.conf"] = _QEMU_LOCKD.format_map(words)
        files["virtlockd.conf"] = _VIRTLOCKD
    return files


def _write_network(directory: Path, uuid: str) -> None:
    _write_new(directory / "default.xml", _DEFAULT_NETWORK.format(uuid=uuid))
    link = directory / "autostart" / "default.xml"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to("/etc/libvirt/qemu/networks/default.xml")


def _write_new(file: Path, text: str) -> None:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
