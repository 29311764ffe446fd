"""Clears away lab hosts whose owning process has died without doing it."""

import contextlib
from pathlib import Path

from castalia.errors import NotFound
from castalia.lab import record
from castalia.lab.host import STATE_DIR, LabHost


def sweep(prefix: str = "", *, state_dir: Path = STATE_DIR) -> list[str]:
    """Removes every host in `state_dir` that has an owner which is gone and whose name begins with
    `prefix`.

    Returns their names. Hosts without an owner are meant to stay and are left alone.
    """
    removed = []
    for file in sorted(state_dir.glob(f"{prefix}*.json")):
        directory = file.with_suffix("")
        with contextlib.suppress(NotFound):  # another sweep was quicker
            if record.load(directory).orphaned:
                LabHost(directory.name, state_dir=state_dir).stop()
                removed.append(directory.name)
    return removed
