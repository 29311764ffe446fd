"""What happened, for people, and what changes, for whoever shows live state."""

import threading
from collections.abc import Callable, Iterable

import structlog

from castalia.db import events as store
from castalia.db.database import Database
from castalia.model.access import Principal, Role
from castalia.model.clock import now
from castalia.model.event import Change, Event, Severity
from castalia.model.ids import new_id
from castalia.model.page import Page, PageRequest

_log = structlog.get_logger()
_PRUNE_EVERY = 500
Listener = Callable[[Change], None]


class EventBus:
    """Hands changes to all listeners of this process, and keeps events in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: tuple[Listener, ...] = ()
        self._guard = threading.Lock()
        self._recorded = 0

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Has `listener` called for every change from now on, on the thread that publishes it; so
        it must neither block nor call back. Returns what ends it."""
        with self._guard:
            self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self._guard:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return end

    def publish(self, changes: Iterable[Change]) -> None:
        """Tells all listeners. Call after the transaction was committed: who hears of a change
        looks it up at once."""
        for change in changes:
            for listener in self._listeners:
                try:
                    listener(change)
                except Exception:
                    _log.exception("a listener failed", noun=change.noun, id=change.id)

    def record(
        self,
        kind: str,
        text: str,
        *,
        subject: str = "",
        subject_name: str = "",
        severity: Severity = Severity.INFO,
        host_id: str = "",
        job_id: str = "",
        user_name: str = "",
    ) -> None:
        """Keeps an event and tells listeners. `kind` is dotted (`vm.started`), `subject` is
        `noun:id`."""
        event = Event(
            id=new_id(),
            at=now(),
            kind=kind,
            severity=severity,
            subject=subject,
            subject_name=subject_name,
            text=text,
            host_id=host_id,
            job_id=job_id,
            user_name=user_name,
        )
        with self._database.write() as connection:
            store.insert(connection, event)
            if self._pruning_is_due():
                store.prune(connection)
        self.publish([_change(event)])

    def list(self, page: PageRequest, *, principal: Principal) -> Page[Event]:
        """A page of events."""
        principal.require(Role.VIEWER)
        with self._database.read() as connection:
            return store.page(connection, page)

    def _pruning_is_due(self) -> bool:
        with self._guard:
            self._recorded += 1
            return self._recorded % _PRUNE_EVERY == 1


def _change(event: Event) -> Change:
    data = {
        "kind": event.kind,
        "severity": event.severity.value,
        "subject": event.subject,
        "text": event.text,
    }
    return Change(noun="event", id=event.id, verb="created", data=data)
