"""The scheduler: what is due is done once, on time, and never takes the others with it."""

import queue
import threading
from collections.abc import Iterator

import pytest

from castalia.services.scheduler import Scheduler

LIMIT_S = 20.0
LATER_S = 3600.0


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler(workers=2)
    scheduler.start()
    yield scheduler
    scheduler.stop()


@pytest.fixture
def done() -> "queue.Queue[str]":
    """What was done, in order."""
    return queue.Queue()


def test_work_is_done_in_the_order_of_its_time(done: "queue.Queue[str]") -> None:
    scheduler = Scheduler(workers=1)
    for delay_s, name in ((0.03, "third"), (0.01, "first"), (0.02, "second")):
        scheduler.after(delay_s, lambda name=name: done.put(name), key=name)
    scheduler.start()
    assert [done.get(timeout=LIMIT_S) for _ in range(3)] == ["first", "second", "third"]
    scheduler.stop()


def test_the_same_work_is_due_once(scheduler: Scheduler, done: "queue.Queue[str]") -> None:
    with held(scheduler):
        for _ in range(3):
            scheduler.after(0, lambda: done.put("same"), key="same")
    scheduler.after(0.05, lambda: done.put("end"), key="end")
    assert [done.get(timeout=LIMIT_S) for _ in range(2)] == ["same", "end"]


def test_work_that_is_wanted_earlier_is_done_earlier_and_once(
    scheduler: Scheduler, done: "queue.Queue[str]"
) -> None:
    scheduler.after(LATER_S, lambda: done.put("late"), key="same")
    scheduler.after(0, lambda: done.put("early"), key="same")
    assert done.get(timeout=LIMIT_S) == "early"
    assert not scheduler._due


def test_work_that_is_wanted_later_stays_where_it_is(
    scheduler: Scheduler, done: "queue.Queue[str]"
) -> None:
    with held(scheduler):
        scheduler.after(0, lambda: done.put("early"), key="same")
        scheduler.after(LATER_S, lambda: done.put("late"), key="same")
    assert done.get(timeout=LIMIT_S) == "early"
    assert not scheduler._due


def test_work_can_ask_for_itself_again(scheduler: Scheduler, done: "queue.Queue[str]") -> None:
    def again() -> None:
        done.put("again")
        scheduler.after(0, again, key="again")

    scheduler.after(0, again, key="again")
    assert [done.get(timeout=LIMIT_S) for _ in range(3)] == ["again"] * 3


def test_dropped_work_is_not_done(scheduler: Scheduler, done: "queue.Queue[str]") -> None:
    with held(scheduler):
        scheduler.after(0, lambda: done.put("dropped"), key="dropped")
        scheduler.drop("dropped")
        scheduler.drop("never asked for")
    scheduler.after(0.05, lambda: done.put("end"), key="end")
    assert done.get(timeout=LIMIT_S) == "end"


def test_work_that_fails_harms_nobody(scheduler: Scheduler, done: "queue.Queue[str]") -> None:
    def fail() -> None:
        raise RuntimeError("on purpose")

    for number in range(4):  # more than there are threads
        scheduler.after(0, fail, key=f"fail {number}")
    scheduler.after(0, lambda: done.put("well"), key="well")
    assert done.get(timeout=LIMIT_S) == "well"


def test_regular_work_goes_on_after_a_failure(
    scheduler: Scheduler, done: "queue.Queue[str]"
) -> None:
    def fail() -> None:
        done.put("tried")
        raise RuntimeError("on purpose")

    scheduler.every(0.01, fail, key="regular")
    assert [done.get(timeout=LIMIT_S) for _ in range(3)] == ["tried"] * 3


def test_stopping_waits_for_what_runs_and_forgets_the_rest(done: "queue.Queue[str]") -> None:
    scheduler = Scheduler(workers=1)
    scheduler.start()
    begun, may_end = threading.Event(), threading.Event()

    def long() -> None:
        begun.set()
        may_end.wait(LIMIT_S)
        done.put("long")

    scheduler.after(0, long, key="long")
    assert begun.wait(LIMIT_S)
    scheduler.after(LATER_S, lambda: done.put("late"), key="late")
    stopping = threading.Thread(target=scheduler.stop)
    stopping.start()
    may_end.set()
    stopping.join(LIMIT_S)
    assert not stopping.is_alive()
    assert list(done.queue) == ["long"]
    scheduler.after(0, lambda: done.put("too late"), key="too late")
    assert list(done.queue) == ["long"]


def held(scheduler: Scheduler) -> threading.Condition:
    """While it is held, nothing becomes due."""
    return scheduler._changed
