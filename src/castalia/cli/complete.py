"""Real names for shell completion, asked of the manager within a second."""

from collections.abc import Callable

_PATIENCE_S = 1.0


def names(noun: str) -> Callable[[str], list[str]]:
    """A completer for the names of a noun's objects (`vms`); silent when the manager is away."""

    def complete(incomplete: str) -> list[str]:
        from castalia.cli import config
        from castalia.cli.client import Client
        from castalia.cli.failures import CommandFailed

        try:
            client = Client(config.chosen(), timeout_s=_PATIENCE_S)
            items = client.pages(f"/{noun}", limit=200)
            found = [_name(item) for item in items]
        except CommandFailed:
            return []
        return [name for name in found if name.startswith(incomplete)]

    return complete


def _name(item: dict[str, object]) -> str:
    facts = item.get("facts")
    if isinstance(facts, dict) and "name" in facts:
        return str(facts["name"])
    return str(item.get("name") or item["id"])
