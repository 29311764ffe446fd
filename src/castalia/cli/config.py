"""Which manager the commands talk to: named contexts in a file of the user's."""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from castalia.cli.failures import CommandFailed, Exit


@dataclass(frozen=True, kw_only=True)
class Context:
    """A manager and how to log in there."""

    url: str = "http://127.0.0.1:8006"
    token: str = ""
    ca_file: str = ""


@dataclass(frozen=True, kw_only=True)
class Config:
    """All contexts, and the one in use."""

    current: str = "local"
    contexts: dict[str, Context] = field(default_factory=dict)


def config_path() -> Path:
    """The file; `CASTALIA_CLI_CONFIG` names another one."""
    if named := os.environ.get("CASTALIA_CLI_CONFIG"):
        return Path(named)
    base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    return base / "castalia" / "cli.toml"


def load() -> Config:
    """Reads the file; one that is not there holds nothing. Raises CommandFailed if it is broken."""
    path = config_path()
    try:
        data = tomllib.loads(path.read_text())
        contexts = {name: Context(**values) for name, values in data.get("contexts", {}).items()}
        return Config(current=data.get("current", "local"), contexts=contexts)
    except FileNotFoundError:
        return Config()
    except (OSError, tomllib.TOMLDecodeError, TypeError) as error:
        raise CommandFailed(
            f"{path} cannot be read: {error}", remedy="Mend it or delete it.", code=Exit.USAGE
        ) from error


def save(config: Config) -> None:
    """Writes the file, readable for its owner only: it holds tokens."""
    import tempfile

    import tomli_w

    path = config_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    contexts = {
        name: {"url": context.url, "token": context.token}
        | ({"ca_file": context.ca_file} if context.ca_file else {})
        for name, context in config.contexts.items()
    }
    text = tomli_w.dumps({"current": config.current, "contexts": contexts})
    # mkstemp makes a file for its owner only, whatever lies about from earlier
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(scratch).replace(path)


def chosen(name: str = "") -> Context:
    """The context called `name`, or the current one; environment variables beat both.

    Raises CommandFailed for an unknown name.
    """
    config = load()
    wanted = name or os.environ.get("CASTALIA_CONTEXT", "") or config.current
    if wanted not in config.contexts and (name or "CASTALIA_CONTEXT" in os.environ):
        known = ", ".join(config.contexts) or "none"
        raise CommandFailed(
            f"There is no context {wanted!r}.", remedy=f"Known: {known}.", code=Exit.USAGE
        )
    context = config.contexts.get(wanted, Context())
    return Context(
        url=os.environ.get("CASTALIA_URL", context.url),
        token=os.environ.get("CASTALIA_TOKEN", context.token),
        ca_file=os.environ.get("CASTALIA_CA_FILE", context.ca_file),
    )
