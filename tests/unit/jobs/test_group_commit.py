"""Writes that share a transaction, and do not share each other's failures."""

import threading

import pytest
from sqlalchemy import select

from castalia.jobs.group_commit import GroupCommit
from castalia.jobs.signals import LeaseLost
from castalia.jobs.tables import schedules


class Counted:
    """A database that counts its write transactions."""

    def __init__(self, database):
        self.sqlite = database.sqlite
        self.read = database.read
        self._write = database.write
        self.writes = 0

    def write(self):
        self.writes += 1
        return self._write()


def adding(name):
    def work(connection):
        connection.execute(schedules.insert().values(name=name, cron="* * * * *", next_at=0.0))

    return work


def together(commits, works):
    """Hands all of these in while another commit is under way; what each raised."""
    first_runs, go_on = threading.Event(), threading.Event()
    raised = {}

    def hold(_connection):
        first_runs.set()
        assert go_on.wait(20)

    def hand_in(key, work):
        try:
            commits.write(work)
        except BaseException as error:
            raised[key] = type(error)

    threads = [threading.Thread(target=hand_in, args=("hold", hold))]
    threads[0].start()
    assert first_runs.wait(20)
    threads += [threading.Thread(target=hand_in, args=pair) for pair in works.items()]
    for thread in threads[1:]:
        thread.start()
    while len(commits._gathered) < len(works):
        threading.Event().wait(0.001)
    go_on.set()
    for thread in threads:
        thread.join(20)
    return raised


def names(database):
    with database.read() as connection:
        return set(connection.execute(select(schedules.c.name)).scalars())


def test_what_gathers_during_a_commit_is_committed_at_once(database):
    counted = Counted(database)
    works = {f"s{n}": adding(f"s{n}") for n in range(10)}
    assert together(GroupCommit(counted), works) == {}
    assert names(database) == set(works)
    assert counted.writes == 2


def test_one_failure_does_not_harm_the_others(database):
    def fail(_connection):
        raise ZeroDivisionError

    def lose(_connection):
        raise LeaseLost

    works = {"a": adding("a"), "fail": fail, "b": adding("b"), "lose": lose, "a again": adding("a")}
    raised = together(GroupCommit(database), works)
    assert names(database) == {"a", "b"}
    assert raised.pop("fail") is ZeroDivisionError
    assert raised.pop("lose") is LeaseLost
    assert [error.__name__ for error in raised.values()] == ["IntegrityError"]


def test_a_lost_lease_costs_the_others_no_second_try(database):
    def lose(_connection):
        raise LeaseLost

    counted = Counted(database)
    raised = together(GroupCommit(counted), {"a": adding("a"), "lose": lose})
    assert (raised, names(database), counted.writes) == ({"lose": LeaseLost}, {"a"}, 2)


def test_error_reaches_who_asked(sqlite_database):
    commits = GroupCommit(sqlite_database)
    commits.write(adding("a"))
    with pytest.raises(ZeroDivisionError):
        commits.write(lambda _: 1 / 0)
    commits.write(adding("b"))
    assert names(sqlite_database) == {"a", "b"}
