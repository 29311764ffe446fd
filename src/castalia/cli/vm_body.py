"""What `vm create` tells cloud-init."""

from pathlib import Path
from typing import Any

import typer

from castalia.cli.failures import CommandFailed, Exit


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
        "ssh_keys": [_key(one) for one in ssh_keys],
        "user_data": _text(user_data) if user_data else "",
        "network_config": _text(network_config) if network_config else "",
    }


def _key(text: str) -> str:
    return text if text.startswith(("ssh-", "ecdsa-", "sk-")) else _text(Path(text)).strip()


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
