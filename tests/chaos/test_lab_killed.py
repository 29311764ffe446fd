"""A process that makes a lab is killed in the middle: whoever comes next finishes or removes it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from tests import leaks
from tests.lab_fixture import STATE_DIR, new_lab

from castalia.lab import addressing, dhcp, wires
from castalia.lab.lab import Lab

pytestmark = pytest.mark.real

_UP = """
import sys
from pathlib import Path
from castalia.lab.lab import Lab
Lab(sys.argv[1], state_dir=Path(sys.argv[2])).up(2)
"""
_MOMENTS: dict[str, Callable[[Lab], object]] = {
    "recorded": lambda lab: lab.exists,
    "bridged": lambda lab: wires.exists(lab.status().bridge),
    "serving": lambda lab: dhcp.pid(lab.directory / "dhcp"),
    "booting": lambda lab: lab.host("h2").pid,
    "plugged": lambda lab: wires.exists(f"{lab.status().bridge}-2"),
}


@pytest.fixture
def killed(lab: None, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab whose maker was killed as soon as it had come that far."""
    made = new_lab("half")
    argv = [sys.executable, "-c", _UP, made.name, str(STATE_DIR)]
    with subprocess.Popen(argv) as maker:
        while not (made.exists and reached(request.param, made)) and maker.poll() is None:
            time.sleep(0.001)
        maker.kill()
    yield made
    made.down()


def reached(moment: str, lab: Lab) -> bool:
    hosts_known = bool(lab.status().hosts)
    return (hosts_known or moment in ("recorded", "bridged")) and bool(_MOMENTS[moment](lab))


@pytest.mark.parametrize("killed", list(_MOMENTS), indirect=True)
def test_it_is_finished_by_the_next(killed: Lab) -> None:
    status = killed.up(2)
    assert [host.running for host in status.hosts] == [True, True]
    assert killed.host("h2").exec(["true"]).returncode == 0


@pytest.mark.parametrize("killed", list(_MOMENTS), indirect=True)
def test_it_is_removed_by_the_next(killed: Lab) -> None:
    killed.down()
    words = (killed.name, addressing.tag_for(killed.name, killed.directory))
    seen = [item for items in leaks.seen().values() for item in items]
    assert [item for item in seen if any(word in item for word in words)] == []
