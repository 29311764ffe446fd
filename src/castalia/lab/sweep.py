"""Clears away labs and lab hosts whose owning process has died without doing it."""

import contextlib
from pathlib import Path

from castalia.errors import NotFound
from castalia.lab import lab_record, record
from castalia.lab.host import STATE_DIR, LabHost
from castalia.lab.lab import Lab


def sweep(prefix: str = "", *, state_dir: Path = STATE_DIR) -> list[str]:
    """Removes every host and every lab in `state_dir` that has an owner which is gone and whose
    name begins with `prefix`.

    Returns their names. Those without an owner are meant to stay and are left alone.
    """
    hosts = [file.with_suffix("") for file in sorted(state_dir.glob(f"{prefix}*.json"))]
    labs = [file.parent for file in sorted(state_dir.glob(f"{prefix}*/lab.json"))]
    return [each.name for each in hosts if _swept_host(each)] + [
        each.name for each in labs if _swept_lab(each)
    ]


def _swept_host(directory: Path) -> bool:
    with contextlib.suppress(NotFound):  # another sweep was quicker
        if record.load(directory).orphaned:
            LabHost(directory.name, state_dir=directory.parent).stop()
            return True
    return False


def _swept_lab(directory: Path) -> bool:
    with contextlib.suppress(NotFound):
        if lab_record.load(directory).orphaned:
            Lab(directory.name, state_dir=directory.parent).down()
            return True
    return False
