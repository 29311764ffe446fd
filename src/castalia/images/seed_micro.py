"""Translates a seed into the words that the micro guest understands.

A busybox guest has no YAML parser worth trusting, so the parsing happens here, and the seed carries
a shell script of `seed_...` calls, defined in the guest. cloud-init never looks at that file.
"""

import base64
import shlex
from collections.abc import Iterable, Iterator
from typing import Any

from castalia.errors import InvalidRequest
from castalia.images.seed_network import SeedNic, parse_network
from castalia.images.user_data import parse_cloud_config, parts_of
from castalia.model.vm import GuestSeed

_DEFAULT_USER = "admin"
_DONE_HERE = frozenset(
    {"hostname", "fqdn", "preserve_hostname", "ssh_pwauth", "users", "disable_root"}
    | {"ssh_authorized_keys", "password", "chpasswd", "write_files", "runcmd", "bootcmd"}
)


def micro_script(seed: GuestSeed, *, fields: dict[str, Any]) -> str:
    """The script for a seed whose fields alone would be the cloud-config `fields`."""
    parts = parts_of(seed.user_data) if seed.user_data else []
    config = dict(fields)
    for kind, text in parts:
        if kind == "cloud-config":
            config |= parse_cloud_config(text)
    lines = [*_identity(config), *_users(config), *_files(config), *_networks(seed)]
    lines += [*_commands(config)]
    lines += [_piped("seed_script", text) for kind, text in parts if kind == "script"]
    lines += [
        _note(f"user-data of this kind: {text[:20]}") for kind, text in parts if kind == "other"
    ]
    lines += [_note(str(key)) for key in config if key not in _DONE_HERE]
    return "\n".join(lines) + "\n"


def _note(what: str) -> str:
    return _word("echo", f"not understood by the micro guest: {' '.join(what.split())}")


def _word(*words: object) -> str:
    return shlex.join(str(word) for word in words)


def _piped(word: str, content: str | bytes, *arguments: object) -> str:
    raw = content.encode() if isinstance(content, str) else content
    encoded = base64.b64encode(raw).decode()
    decode = "" if word == "seed_file" else "base64 -d | "
    return f"echo {encoded} | {decode}{_word(word, *arguments)}"


def _identity(config: dict[str, Any]) -> Iterator[str]:
    if name := config.get("fqdn") or config.get("hostname"):
        yield _word("seed_hostname", name)
    if config.get("ssh_pwauth") is False:
        yield _word("seed_ssh", "-s")


def _users(config: dict[str, Any]) -> Iterator[str]:
    users = config.get("users")
    listed = [_as_mapping(user) for user in users] if isinstance(users, list) else []
    for user in listed:
        yield from _user(user)
    yield from _default_user(config, listed)
    yield from _passwords(config)


def _as_mapping(user: Any) -> dict[str, Any]:
    if isinstance(user, dict):
        return user
    return {"name": _DEFAULT_USER if user == "default" else str(user)}


def _default_user(config: dict[str, Any], listed: list[dict[str, Any]]) -> Iterator[str]:
    """Keys and a password at the top level are the default user's, or the first one's if there is
    no default."""
    names = [user.get("name", _DEFAULT_USER) for user in listed]
    name = names[0] if names and _DEFAULT_USER not in names else _DEFAULT_USER
    keys, password = _strings(config.get("ssh_authorized_keys")), config.get("password")
    if (keys or password) and name not in names:
        yield from _user({"name": name})
    yield from (_word("seed_key", name, key) for key in keys)
    if password:
        yield _word("seed_plain", name, password)


def _user(user: dict[str, Any]) -> Iterator[str]:
    name = user.get("name", _DEFAULT_USER)
    sudo = user.get("sudo", "ALL=(ALL) NOPASSWD:ALL" if name == _DEFAULT_USER else "")
    rules = sudo if isinstance(sudo, str) else "\n".join(_strings(sudo))
    yield _word("seed_user", name, "/bin/sh", rules)
    for key in ("passwd", "hashed_passwd"):
        if user.get(key):
            yield _word("seed_password", name, user[key])
    if user.get("plain_text_passwd"):
        yield _word("seed_plain", name, user["plain_text_passwd"])
    for key in _strings(user.get("ssh_authorized_keys")):
        yield _word("seed_key", name, key)


def _passwords(config: dict[str, Any]) -> Iterator[str]:
    setting = config.get("chpasswd")
    users = setting.get("users") if isinstance(setting, dict) else None
    for user in users if isinstance(users, list) else ():
        if isinstance(user, dict) and {"name", "password"} <= set(user):
            word = "seed_password" if user.get("type", "hash") == "hash" else "seed_plain"
            yield _word(word, user["name"], user["password"])


def _files(config: dict[str, Any]) -> Iterator[str]:
    entries = config.get("write_files")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or "path" not in entry:
            continue
        mode, owner = entry.get("permissions", "0644"), entry.get("owner", "root:root")
        yield _piped("seed_file", _file_content(entry), entry["path"], mode, owner)


def _file_content(entry: dict[str, Any]) -> bytes:
    content = str(entry.get("content", "")).encode()
    if str(entry.get("encoding", "")).lower() not in {"b64", "base64"}:
        return content
    try:
        return base64.b64decode(content)
    except ValueError as exc:
        raise InvalidRequest(
            f"write_files: the content of {entry['path']!r} is not base64.",
            field="user_data",
            remedy="Encode it with `base64`, or leave the encoding out.",
        ) from exc


def _commands(config: dict[str, Any]) -> Iterator[str]:
    for key in ("bootcmd", "runcmd"):
        entries = config.get(key)
        if isinstance(entries, list) and entries:
            lines = [_word(*one) if isinstance(one, list) else str(one) for one in entries]
            yield _piped("seed_script", "\n".join(["#!/bin/sh", *lines, ""]))


def _networks(seed: GuestSeed) -> Iterable[str]:
    yield "seed_network"
    cards = parse_network(seed.network_config) if seed.network_config else []
    yield from (_card(number, card) for number, card in enumerate(cards))


def _card(number: int, card: SeedNic) -> str:
    """Cards are eth0, eth1, … in this guest; another kernel's name stands for its place."""
    name = card.name if card.name.startswith("eth") else f"eth{number}"
    return _word(
        "seed_nic",
        card.mac or name,
        int(card.dhcp),
        " ".join(card.addresses),
        " ".join(card.gateways),
        " ".join(card.servers),
        " ".join(card.search),
        card.mtu or "",
        " ".join(f"{to}>{via}" for to, via in card.routes),
    )


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(one) for one in value] if isinstance(value, list) else []
