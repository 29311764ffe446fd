"""The lab from outside: as a program, and under a fence agent."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.lab_fixture import STATE_DIR, new_lab

from castalia.lab.lab import Lab

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def small_lab(lab: None) -> Iterator[Lab]:
    made = new_lab("small")
    made.up(1)
    yield made
    made.down()


def run(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "castalia.lab.program"]
    argv += ["--lab", lab.name, "--state-dir", str(STATE_DIR), *words]
    return subprocess.run(argv, capture_output=True, text=True)


def answer(lab: Lab, *words: str) -> Any:
    done = run(lab, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def fence(lab: Lab, action: str, plug: str = "h1") -> int:
    lines = [f"action={action}", f"plug={plug}", f"lab={lab.name}", f"state_dir={STATE_DIR}"]
    argv = [sys.executable, "-m", "castalia.lab.fence"]
    return subprocess.run(argv, input="\n".join(lines), text=True).returncode


def test_verbs_answer_with_the_lab(small_lab: Lab) -> None:
    seen = {words: answer(small_lab, *words.split())["hosts"][0] for words in _VERBS}
    assert [(host["running"], host["cut"]) for host in seen.values()] == list(_VERBS.values())


_VERBS = {
    "up --hosts 1": (True, False),
    "cut h1": (True, True),
    "status": (True, True),
    "heal h1": (True, False),
    "crash h1": (False, False),
    "start h1": (True, False),
}


def test_what_does_not_work_is_said_with_a_remedy(small_lab: Lab) -> None:
    done = run(small_lab, "crash", "h7")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1] == "  → It has h1."


def test_a_new_lab_is_made_and_removed(lab: None) -> None:
    other = new_lab("made")
    try:
        status = answer(other, "up", "--hosts", "1", "--no-leases")
        assert [host["name"] for host in status["hosts"]] == ["h1"]
        assert not list((other.directory / "leases").iterdir())
    finally:
        assert answer(other, "down") == {"name": other.name, "hosts": []}
    assert not other.exists


def test_a_host_is_fenced_and_comes_back(small_lab: Lab) -> None:
    assert fence(small_lab, "on") == 0
    assert fence(small_lab, "status") == 0
    assert fence(small_lab, "monitor") == 0
    first = small_lab.host("h1").pid
    assert fence(small_lab, "off") == 0
    assert small_lab.host("h1").pid is None
    assert fence(small_lab, "status") == 2
    assert fence(small_lab, "off") == 0
    assert fence(small_lab, "reboot") == 0
    assert small_lab.host("h1").pid not in (None, first)


def test_a_cut_host_can_be_fenced(small_lab: Lab) -> None:
    small_lab.up(1)
    small_lab.cut("h1")
    assert fence(small_lab, "status") == 0
    assert fence(small_lab, "off") == 0
    assert fence(small_lab, "status") == 2


def test_another_host_is_no_success(small_lab: Lab) -> None:
    assert fence(small_lab, "off", plug="h7") == 1
    assert fence(small_lab, "status", plug="h7") == 1


def test_a_host_that_is_just_booting_is_off_when_off_says_so(
    small_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_lab.crash("h1")
    booting, go_on = threading.Event(), threading.Event()
    prepare = Lab._prepare

    def slowly(lab: Lab, *arguments: Any) -> None:
        booting.set()  # it holds the lab now, and has no process yet
        assert go_on.wait(30)
        prepare(lab, *arguments)

    monkeypatch.setattr(Lab, "_prepare", slowly)
    starting = threading.Thread(target=small_lab.start, args=["h1"])
    starting.start()
    assert booting.wait(30)
    fencing = threading.Thread(target=small_lab.crash, args=["h1"])
    fencing.start()
    fencing.join(0.5)
    assert fencing.is_alive()
    go_on.set()
    fencing.join()
    starting.join()
    assert small_lab.host("h1").pid is None
