"""Events, the audit, stored answers and SSH keys."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.services.conftest import ADMIN, Access, Clock

from castalia.db import events as event_store
from castalia.db.database import Database
from castalia.errors import Busy, Conflict, Forbidden, InvalidRequest, NotFound
from castalia.model.access import SYSTEM, Principal, Role
from castalia.model.event import Change, Severity
from castalia.model.page import PageRequest
from castalia.services.events import EventBus
from castalia.services.idempotency import IdempotencyService, StoredAnswer
from castalia.services.ssh_keys import SshKeyService

CHANGE = Change(noun="vm", id="1", verb="updated")
VIEWER = Principal(user_id="v", user_name="v", role=Role.VIEWER)


def test_every_listener_hears_of_a_change_until_it_ends(sqlite_database: Database) -> None:
    bus, one, two = EventBus(sqlite_database), [], []  # type: ignore[var-annotated]  # lists of changes
    end = bus.subscribe(one.append)
    bus.subscribe(two.append)
    bus.publish([CHANGE])
    end()
    bus.publish([CHANGE])
    assert (one, two) == ([CHANGE], [CHANGE, CHANGE])


def test_a_listener_that_fails_harms_nobody(sqlite_database: Database) -> None:
    bus, heard = EventBus(sqlite_database), []  # type: ignore[var-annotated]  # a list of changes
    bus.subscribe(lambda change: 1 / 0)  # type: ignore[arg-type,return-value]  # it never returns
    bus.subscribe(heard.append)
    bus.publish([CHANGE])
    assert heard == [CHANGE]


def test_an_event_is_kept_and_told(sqlite_database: Database) -> None:
    bus, heard = EventBus(sqlite_database), []  # type: ignore[var-annotated]  # a list of changes
    bus.subscribe(heard.append)
    bus.record("vm.started", "VM a runs.", subject="vm:1", subject_name="a")
    bus.record("host.away", "Gone.", subject="host:9", subject_name="h1", severity=Severity.ERROR)
    assert [(c.noun, c.data["kind"]) for c in heard] == [
        ("event", "vm.started"),
        ("event", "host.away"),
    ]
    for written, kinds in {
        "subject:vm:1": ["vm.started"],
        "vm:a": ["vm.started"],
        "host:h1": ["host.away"],
        "severity:error": ["host.away"],
        "kind:vm.*": ["vm.started"],
        "runs": ["vm.started"],
    }.items():
        page = bus.list(PageRequest(sort="-at", filter=written), principal=VIEWER)
        assert [event.kind for event in page.items] == kinds, written


def test_events_are_bounded(sqlite_database: Database) -> None:
    bus = EventBus(sqlite_database)
    for number in range(10):
        bus.record("a.b", f"text {number}")
    with sqlite_database.write() as connection:
        assert event_store.prune(connection, keep=4) == 6
        assert event_store.prune(connection, keep=4) == 0
    page = bus.list(PageRequest(sort="-at"), principal=VIEWER)
    assert [event.text for event in page.items] == [f"text {n}" for n in (9, 8, 7, 6)]


def test_the_audit_holds_done_and_refused(access: Access) -> None:
    with access.audit.change(ADMIN, action="x", target="good"):
        pass
    with pytest.raises(Conflict), access.audit.change(ADMIN, action="x", target="bad"):
        raise Conflict("no", code="some.code")
    assert access.audited()[-2:] == [
        ("root", "x", "good", "done"),
        ("root", "x", "bad", "refused"),
    ]
    with pytest.raises(Forbidden):
        access.audit.list(PageRequest(sort="-at"), principal=VIEWER)


def test_an_entry_is_one_harmless_line(access: Access) -> None:
    access.audit.record(ADMIN, action="x", target="a\nb\x1b[2J\0", outcome="done")
    target = access.audited()[-1][2]
    assert target.isprintable()
    assert target.startswith("a\N{REPLACEMENT CHARACTER}b")


def test_the_audit_forgets_after_a_year(access: Access, clock: Clock) -> None:
    clock.move(366 * 86_400)
    access.audit.record(ADMIN, action="new", target="", outcome="done")
    access.audit.prune()
    assert [entry[1] for entry in access.audited()] == ["new"]


ANSWER = StoredAnswer(status=202, headers={"location": "/j/1"}, body="{}")


def test_the_same_request_gets_the_same_answer(sqlite_database: Database, clock: Clock) -> None:
    kept = IdempotencyService(sqlite_database)
    assert kept.begin("k", fingerprint="f", principal=ADMIN) is None
    with pytest.raises(Busy):
        kept.begin("k", fingerprint="f", principal=ADMIN)
    kept.finish("k", ANSWER, principal=ADMIN)
    assert kept.begin("k", fingerprint="f", principal=ADMIN) == ANSWER
    with pytest.raises(Conflict) as refused:
        kept.begin("k", fingerprint="other", principal=ADMIN)
    assert refused.value.code == "idempotency.reused"
    assert kept.begin("k", fingerprint="other", principal=VIEWER) is None
    clock.move(86_401)
    assert kept.begin("k", fingerprint="other", principal=ADMIN) is None


def test_a_key_is_free_after_a_refusal_or_a_crash(sqlite_database: Database, clock: Clock) -> None:
    kept = IdempotencyService(sqlite_database)
    kept.begin("k", fingerprint="f", principal=ADMIN)
    kept.abandon("k", principal=ADMIN)
    assert kept.begin("k", fingerprint="g", principal=ADMIN) is None
    clock.move(601)
    assert kept.begin("k", fingerprint="g", principal=ADMIN) is None


def public_key() -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " me@laptop"


def test_ssh_keys(access: Access) -> None:
    keys = SshKeyService(access.database, audit=access.audit)
    text = public_key()
    assert keys.add("laptop", f"  {text}\n", principal=SYSTEM).public_key == text
    with pytest.raises(Conflict):
        keys.add("laptop", text, principal=SYSTEM)
    with pytest.raises(Forbidden):
        keys.remove("laptop", principal=VIEWER)
    assert [key.name for key in keys.list(principal=VIEWER)] == ["laptop"]
    keys.remove("laptop", principal=SYSTEM)
    with pytest.raises(NotFound):
        keys.remove("laptop", principal=SYSTEM)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 ü",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        public_key() + "\n" + public_key(),
        "ssh-rsa " + "A" * 9000,
    ],
)
def test_what_is_no_public_key_is_refused(access: Access, text: str) -> None:
    keys = SshKeyService(access.database, audit=access.audit)
    with pytest.raises(InvalidRequest) as refused:
        keys.add("laptop", text, principal=SYSTEM)
    assert refused.value.field == "public_key"
