"""Signals reach their receivers in order, whatever a receiver does."""

import threading

from castalia.hypervisor.mailbox import Mailbox

LIMIT_S = 30


def test_the_order_is_kept() -> None:
    seen: list[int] = []
    done = threading.Event()

    def receive(item: int) -> None:
        seen.append(item)
        if item == 999:
            done.set()

    mailbox = Mailbox(receive)
    for number in range(1000):
        mailbox.put(number)
    assert done.wait(LIMIT_S)
    assert seen == list(range(1000))


def test_a_repetition_that_waits_is_dropped() -> None:
    seen: list[str] = []
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def receive(item: str) -> None:
        begun.set()
        assert go_on.wait(LIMIT_S)
        seen.append(item)
        if item == "end":
            done.set()

    mailbox = Mailbox(receive)
    mailbox.put("first")
    assert begun.wait(LIMIT_S)
    for item in ("a", "a", "b", "a", "end"):
        mailbox.put(item)
    go_on.set()
    assert done.wait(LIMIT_S)
    assert seen == ["first", "a", "b", "a", "end"]


def test_a_receiver_that_fails_gets_the_next_one() -> None:
    done = threading.Event()

    def receive(item: str) -> None:
        if item == "bad":
            raise ValueError(item)
        done.set()

    mailbox = Mailbox(receive)
    mailbox.put("bad")
    mailbox.put("good")
    assert done.wait(LIMIT_S)


def test_a_slow_receiver_holds_nobody_else_up() -> None:
    go_on, quick = threading.Event(), threading.Event()
    Mailbox(lambda _item: go_on.wait(LIMIT_S)).put("slow")
    Mailbox(lambda _item: quick.set()).put("quick")
    assert quick.wait(LIMIT_S)
    go_on.set()
