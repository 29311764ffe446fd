"""What `vm create` tells cloud-init."""

from pathlib import Path
from typing import Any

import typer

from castalia.cli.failures import CommandFailed, Exit
from castalia.cli.state import STATE


def seed_of(
    *,
    user: str,
    ask_password: bool,
    ssh_keys: list[str],
    user_data: Path | None,
    network_config: Path | None,
) -> dict[str, Any]:
    """The seed; keys may be given as text or as files, a password is asked for and hashed here."""
    return {
        "user": user,
        "password_hash": _asked_password() if ask_password else "",
        "ssh_keys": [key_text(one) for one in ssh_keys],
        "user_data": _text(user_data) if user_data else "",
        "network_config": _text(network_config) if network_config else "",
    }


def key_text(text: str) -> str:
    """The public key itself: given as text, as `@name` of one that the manager keeps, or as a
    file."""
    if text.startswith("@"):
        return _kept_key(text[1:])
    return text if text.startswith(("ssh-", "ecdsa-", "sk-")) else _text(Path(text)).strip()


def _kept_key(name: str) -> str:
    known = {key["name"]: str(key["public_key"]) for key in STATE.client.get("/ssh-keys")}
    if name not in known:
        raise CommandFailed(
            f"The manager keeps no SSH key {name!r}.",
            remedy=f"Known: {', '.join(known) or 'none; add one: castalia ssh-key add NAME FILE'}",
            code=Exit.NOT_FOUND,
        )
    return known[name]


def _text(path: Path) -> str:
    try:
        return path.expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise CommandFailed(
            f"{path} cannot be read: {reason}.", remedy="Name another file.", code=Exit.USAGE
        ) from error


def _asked_password() -> str:
    from castalia.cli.passwords import hashed

    return hashed(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
