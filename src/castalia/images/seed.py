"""Makes NoCloud seeds: the small ISO that tells a guest at its first boot who it is.

Format: https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
The same seed serves cloud-init and our micro guest, which reads `castalia.sh` on it.
"""

import io
import re
from typing import Any

import pycdlib
import yaml

from castalia.errors import InvalidRequest
from castalia.images.passwords import checked_password_hash
from castalia.images.seed_micro import micro_script
from castalia.images.seed_network import parse_network
from castalia.images.ssh_keys import checked_ssh_key
from castalia.images.user_data import checked_user_data
from castalia.model.names import hostname_from
from castalia.model.vm import GuestSeed

LABEL = "cidata"
_LABEL_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_MAX_KEYS = 100
_MAX_NETWORK_BYTES = 64 * 1024


def checked_seed(seed: GuestSeed) -> GuestSeed:
    """Returns `seed` with its keys trimmed.

    Raises InvalidRequest whose field is the seed's own: `hostname`, `user`, `password_hash`,
    `ssh_keys`, `network_config` or `user_data`.
    """
    if seed.hostname:
        _check_hostname(seed.hostname)
    if seed.user and not _USER.fullmatch(seed.user):
        remedy = "Use lower-case letters, digits, - and _, at most 32, beginning with a letter."
        raise InvalidRequest(f"{seed.user!r} cannot be a user.", field="user", remedy=remedy)
    if seed.password_hash:
        checked_password_hash(seed.password_hash)
    if len(seed.ssh_keys) > _MAX_KEYS:
        remedy = f"Give at most {_MAX_KEYS}."
        raise InvalidRequest("Too many SSH keys.", field="ssh_keys", remedy=remedy)
    keys = tuple(checked_ssh_key(key) for key in seed.ssh_keys if key.strip())
    _check_network(seed.network_config)
    if seed.user_data:
        checked_user_data(seed.user_data)
    return GuestSeed(**{**vars(seed), "ssh_keys": keys})


def seed_iso(seed: GuestSeed, *, instance_id: str, name: str) -> bytes:
    """The bytes of a NoCloud ISO; attach it read-only, as a disk or as a CD.

    `instance_id` decides whether a guest takes it for new; `name` stands in for a missing host
    name. With `user_data` that text is passed on verbatim, and what the other fields say becomes
    vendor-data, which cloud-init applies where the user-data is silent. Raises InvalidRequest.
    """
    seed = checked_seed(seed)
    hostname = seed.hostname or hostname_from(name)
    fields = _cloud_config(seed, hostname)
    files = {
        "meta-data": _dump({"instance-id": instance_id, "local-hostname": hostname}),
        "user-data": seed.user_data or _with_header(fields),
        "castalia.sh": micro_script(seed, fields=fields),
    }
    if seed.user_data:
        files["vendor-data"] = _with_header(fields)
    if seed.network_config:
        files["network-config"] = seed.network_config
    return _iso(files)


def _check_hostname(hostname: str) -> None:
    fine = len(hostname) <= 253 and all(map(_LABEL_NAME.fullmatch, hostname.split(".")))
    if not fine:
        remedy = "Use letters, digits and dashes, at most 63 between two dots."
        raise InvalidRequest(f"{hostname!r} is no host name.", field="hostname", remedy=remedy)


def _check_network(text: str) -> None:
    if len(text.encode()) > _MAX_NETWORK_BYTES:
        message = "The network configuration is too large."
        remedy = f"At most {_MAX_NETWORK_BYTES // 1024} KiB."
        raise InvalidRequest(message, field="network_config", remedy=remedy)
    if text:
        parse_network(text)


def _cloud_config(seed: GuestSeed, hostname: str) -> dict[str, Any]:
    config: dict[str, Any] = {"hostname": hostname.partition(".")[0], "preserve_hostname": False}
    if "." in hostname:
        config["fqdn"] = hostname
    config["ssh_pwauth"] = bool(seed.password_hash)
    if seed.user:
        config["users"] = [_user(seed)]
        config["disable_root"] = seed.user != "root"
    elif seed.ssh_keys:
        config["ssh_authorized_keys"] = list(seed.ssh_keys)
    return config


def _user(seed: GuestSeed) -> dict[str, Any]:
    user: dict[str, Any] = {"name": seed.user, "lock_passwd": not seed.password_hash}
    if seed.user != "root":
        user |= {"groups": ["sudo"], "sudo": "ALL=(ALL) NOPASSWD:ALL", "shell": "/bin/bash"}
    if seed.password_hash:
        # `passwd` reaches new accounts only, `hashed_passwd` also those that the image has.
        user["hashed_passwd"] = seed.password_hash
    if seed.ssh_keys:
        user["ssh_authorized_keys"] = list(seed.ssh_keys)
    return user


def _with_header(config: dict[str, Any]) -> str:
    return "#cloud-config\n" + _dump(config)


def _dump(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)


def _iso(files: dict[str, str]) -> bytes:
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
    for number, (name, text) in enumerate(files.items()):
        content = text.encode()
        iso.add_fp(
            io.BytesIO(content),
            len(content),
            f"/F{number}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
        )
    output = io.BytesIO()
    iso.write_fp(output)
    iso.close()
    return output.getvalue()
