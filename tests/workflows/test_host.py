"""Adding hosts, measuring them, and forgetting them."""

from typing import ClassVar

import pytest
from tests.contract.hypervisor.conftest import vm_xml
from tests.workflows.every_step import EveryStep
from tests.workflows.faults import Moment
from tests.workflows.slate import Slate, differences, slate
from tests.workflows.world import World

from castalia.errors import HypervisorError
from castalia.hypervisor.driver_memory import MemoryDriver
from castalia.model.access import SYSTEM
from castalia.model.host import HostChange, HostState
from castalia.model.job import Job, JobState

FOUND = vm_xml("found")


class TestAdd(EveryStep):
    """A bare host: a repository and a network are made on it."""

    steps: ClassVar = ("look", "register", "adopt", "look for storage", "repository", "network")

    def prepare(self, world: World) -> None:
        world.driver("h2").connect()
        world.driver("h2").remove_network("default")
        world.driver("h2").define(FOUND)

    def begin(self, world: World) -> Job:
        change = HostChange(name="h2", uri="test:///h2")
        return world.services.hosts.add(change, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        world.wait_up("h2")
        assert world.vm("found").host_name == "h2"
        assert [one.name for one in world.storage("h2").repositories()] == ["default"]
        assert [one.name for one in world.driver("h2").networks()] == ["default"]


class TestAddFurnished(TestAdd):
    """A host with a repository and a network of its own: both stay, whatever happens."""

    def prepare(self, world: World) -> None:
        world.driver("h2").connect()
        world.driver("h2").define(FOUND)
        world.storage("h2").ensure_repository("own", "/srv/images")

    def check(self, world: World, job: Job) -> None:
        world.wait_up("h2")
        assert world.vm("found").host_name == "h2"
        assert [one.name for one in world.storage("h2").repositories()] == ["own"]
        assert [one.name for one in world.driver("h2").networks()] == ["default"]


class TestProbe(EveryStep):
    """Measuring changes nothing but what is known of the host."""

    steps: ClassVar = ("measure",)

    def begin(self, world: World) -> Job:
        return world.services.hosts.probe("h1", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert world.host().state is HostState.UP


class TestRemove(EveryStep):
    """Its VM, volumes and networks stay as they are."""

    steps: ClassVar = ("disconnect", "forget")

    def prepare(self, world: World) -> None:
        world.make_vm()
        world.start_vm()

    def begin(self, world: World) -> Job:
        return world.services.hosts.remove("h1", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert world.hosts_known() == []
        assert [vm.active for vm in world.driver().vms.values()] == [True]
        assert len(world.storage().repository("default").volumes) == 1

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        """Forgetting is the last thing: once done, it is not undone, and adding the host again
        brings all back."""
        if world.hosts_known():
            super().check_failed(world, before, step)
            return
        assert step == "forget"
        after = slate(world)
        assert not [line for line in differences(before, after) if line.startswith("on ")]
        world.add_host()


def test_a_host_that_is_away_can_be_removed(world: World) -> None:
    world.driver().lose()
    world.until(lambda: world.host().state is HostState.UNREACHABLE, "the loss")
    world.done(world.services.hosts.remove("h1", principal=SYSTEM))
    assert world.hosts_known() == []


def test_removal_of_a_host_that_is_away_can_fail_and_the_host_comes_back(world: World) -> None:
    world.driver().lose()
    world.until(lambda: world.host().state is HostState.UNREACHABLE, "the loss")
    world.faults.fail("forget", Moment.BEFORE)
    job = world.ended(world.services.hosts.remove("h1", principal=SYSTEM))
    assert job.state is JobState.FAILED
    world.driver().return_()
    world.services.hosts.reconnect("h1", principal=SYSTEM)
    world.wait_up()


@pytest.mark.parametrize("subnets", [1, 4])
def test_a_subnet_in_use_is_passed_over(world: World, subnets: int) -> None:
    driver = world.driver("h2")
    driver.connect()
    driver.remove_network("default")
    in_use = HypervisorError("The addresses are in use.")
    driver.faults.fail("define_network", in_use, times=subnets)
    world.add_host("h2")
    names = [one.cidr for one in driver.networks()]
    assert names == (["192.168.123.1/24"] if subnets == 1 else [])


def test_an_address_where_nobody_answers_is_refused_at_once(world: World) -> None:
    """Somebody waits for the answer, and a wrong address or key stays wrong."""
    driver = world.open_host("test:///far").hypervisor
    assert isinstance(driver, MemoryDriver)
    driver.faults.unreachable = "no route"
    change = HostChange(name="far", uri="test:///far")
    job = world.ended(world.services.hosts.add(change, principal=SYSTEM))
    assert (job.state, job.error_code) == (JobState.FAILED, "host-unreachable")
    assert driver.faults.calls.count("connect") == 1
