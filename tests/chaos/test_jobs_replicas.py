"""Managers under load: killed, and stopped past their leases."""

import os
import signal
from collections import Counter

from tests.chaos.job_worker import STEPS

from castalia.model.job import JobState


def hold(managers, step):
    """Makes whoever comes to this step wait in it."""
    (managers.directory / f"hold-{step}").touch()


def let_go(managers, step):
    """Lets them go on."""
    (managers.directory / f"hold-{step}").unlink()


def test_stopped_past_its_lease_a_manager_touches_nothing_more(replicas):
    hold(replicas, "three")
    stopped = replicas.start()
    job_id = replicas.put()
    replicas.until(lambda: replicas.done("do", job_id)[-1:] == ["three"])
    os.kill(stopped.pid, signal.SIGSTOP)
    other = replicas.start()
    replicas.until(lambda: replicas.done("do", job_id).count("three") == 2)
    let_go(replicas, "three")
    job = replicas.end(job_id)
    os.kill(stopped.pid, signal.SIGCONT)
    later = [replicas.put() for _ in range(40)]
    pids = {replicas.end(each).result["pid"] for each in later}
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"pid": other.pid})
    assert replicas.done("do", job_id) == ["one", "two", "three", "three", "four", "five"]
    # the one that was stopped is a manager like any other again
    assert stopped.pid in pids


def test_limit_holds_and_no_journaled_step_repeats_while_managers_die(replicas):
    # a lease long enough that a slow machine does not look like a dead manager
    alive = [replicas.start(lease_ttl_s=5.0) for _ in range(3)]
    run_400_jobs(replicas, victims=alive[:2])


def test_limit_holds_and_no_journaled_step_repeats_while_the_one_manager_dies(sqlite_managers):
    run_400_jobs(sqlite_managers, victims=[sqlite_managers.start()])


def run_400_jobs(managers, *, victims):
    """Five steps each on ten hosts with four places; each victim dies on the way."""
    ids = managers.put_all([{"host": f"h{number % 10}"} for number in range(400)])
    for victim in victims:
        already = len(managers.effects())
        managers.until(lambda already=already: len(managers.effects()) > already + 200)
        victim.kill()
        victim.wait()
        managers.start(lease_ttl_s=5.0)
    states = Counter(managers.end(each).state for each in ids)
    assert states == {JobState.SUCCEEDED: 400}
    check_limit(managers.effects(), limit=4)
    check_effects(managers.effects(), ids, killed={str(each.pid) for each in victims})


def check_limit(effects, *, limit):
    """A job holds its place from its first claim to its end, over every crash in between."""
    inside: dict[str, set[str]] = {}
    for line in effects:
        if line[0] == "enter":
            inside.setdefault(line[2], set()).add(line[1])
            assert len(inside[line[2]]) <= limit
        elif line[0] == "leave":
            inside[line[2]].discard(line[1])
    assert len(inside) == 10


def check_effects(effects, ids, *, killed):
    """Each step has had its effect once; twice only if its manager died in it."""
    done: dict[tuple[str, str], list[str]] = {}
    for line in effects:
        if line[0] == "do":
            done.setdefault((line[1], line[2]), []).append(line[3])
    assert set(done) == {(each, step) for each in ids for step in STEPS}
    for pids in done.values():
        assert len(pids) == 1 or (len(pids) == 2 and pids[0] in killed)
