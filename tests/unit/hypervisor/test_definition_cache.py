"""Definitions are read once, and again when they may have changed."""

from castalia.hypervisor.definition_cache import DefinitionCache, KnownDefinition, known_from
from castalia.hypervisor.driver import HostSignal

XML = "<domain type='qemu'><name>web1</name><uuid>u1</uuid>{}</domain>"
KNOWN = known_from(XML.format(""), active=False, next_xml=None)
RUNNING = known_from(XML.format(""), active=True, next_xml=XML.format(""))


class Reader:
    """Counts how often it is asked."""

    def __init__(self, known: KnownDefinition = KNOWN) -> None:
        self.known = known
        self.count = 0

    def __call__(self) -> KnownDefinition:
        self.count += 1
        return self.known


def test_what_is_known_is_not_read_again() -> None:
    cache, read = DefinitionCache(), Reader()
    for _ in range(3):
        assert cache.get("u1", active=False, read=read) is KNOWN
    assert read.count == 1


def test_another_power_state_has_another_definition() -> None:
    cache, running = DefinitionCache(), Reader(RUNNING)
    cache.get("u1", active=False, read=Reader())
    assert cache.get("u1", active=True, read=running) is RUNNING
    assert running.count == 1


def test_a_signal_of_a_change_makes_it_doubtful() -> None:
    for kind, detail, reads in (
        ("vm", "defined", 2),
        ("vm", "device-added:net0", 2),
        ("agent", "connected", 2),
        ("vm", "paused", 1),
        ("vm", "shutting-down", 1),
        ("pool", "", 2),
    ):
        cache, read = DefinitionCache(), Reader()
        cache.get("u1", active=False, read=read)
        cache.on_signal(HostSignal(kind=kind, uuid="u1", detail=detail))
        cache.get("u1", active=False, read=read)
        assert read.count == reads, (kind, detail)


def test_a_change_while_reading_is_not_overwritten() -> None:
    cache, read = DefinitionCache(), Reader()

    def slow() -> KnownDefinition:
        cache.forget("u1")  # the event comes before the old text is stored
        return KNOWN

    cache.get("u1", active=False, read=slow)
    cache.get("u1", active=False, read=read)
    assert read.count == 1


def test_a_reconnection_while_reading_is_not_overwritten() -> None:
    cache, read = DefinitionCache(), Reader()

    def slow() -> KnownDefinition:
        cache.clear()
        return KNOWN

    cache.get("u1", active=False, read=slow)
    cache.get("u1", active=False, read=read)
    assert read.count == 1


def test_vms_that_are_gone_leave_nothing() -> None:
    cache, read = DefinitionCache(), Reader()
    cache.get("u1", active=False, read=read)
    cache.keep_only(set())
    cache.get("u1", active=False, read=read)
    assert read.count == 2


def test_what_a_host_adds_at_the_start_is_no_difference() -> None:
    devices = "<devices><interface type='network'><mac address='m'/>{}</interface>{}</devices>"
    known = known_from(
        XML.format(devices.format("<target dev='vnet0'/>", "<graphics type='vnc' port='5900'/>")),
        active=True,
        next_xml=XML.format(devices.format("", "<graphics type='vnc' port='-1'/>")),
    )
    assert known.next_definition is None


def test_the_agents_state_is_in_a_running_vms_channel() -> None:
    channel = (
        "<devices><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'"
        " state='{}'/></channel></devices>"
    )
    for state, connected in (("connected", True), ("disconnected", False)):
        xml = XML.format(channel.format(state))
        assert known_from(xml, active=True, next_xml=xml).agent_connected is connected
