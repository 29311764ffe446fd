"""Networks of hosts."""

from typing import ClassVar

from tests.workflows.every_step import EveryStep
from tests.workflows.slate import Slate
from tests.workflows.world import World

from castalia.model.access import SYSTEM
from castalia.model.job import Job, JobState
from castalia.model.network import NetworkKind, NetworkSpec
from castalia.model.plan import Verdict

LAB = NetworkSpec(name="lab", kind=NetworkKind.ISOLATED, cidr="10.77.5.1/24")


class TestAdd(EveryStep):
    """An isolated network."""

    steps: ClassVar = ("look", "define")

    def begin(self, world: World) -> Job:
        return world.services.networks.add("h1", LAB, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        found = {network.name: network.cidr for network in world.driver().networks()}
        assert found["lab"] == "10.77.5.1/24"


class TestRemove(EveryStep):
    """That is the job's only step, and not undone: nothing is plugged in, and a network of the same
    values can be added again."""

    steps: ClassVar = ("remove",)

    def prepare(self, world: World) -> None:
        world.done(world.services.networks.add("h1", LAB, principal=SYSTEM))

    def begin(self, world: World) -> Job:
        return world.services.networks.remove("lab", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert [network.name for network in world.driver().networks()] == ["default"]

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        if len(world.driver().networks()) == 2:
            super().check_failed(world, before, step)


def test_somebody_was_quicker(world: World) -> None:
    """A network of the name, which the manager does not know of yet, stays as it is."""
    driver = world.driver()
    theirs = NetworkSpec(name="lab", kind=NetworkKind.NAT, cidr="10.99.0.1/24")
    driver.faults.interject("networks", lambda: driver._networks.define(theirs))
    job = world.ended(world.services.networks.add("h1", LAB, principal=SYSTEM))
    assert (job.state, job.error_code) == (JobState.FAILED, "network.name-taken")
    assert {network.cidr for network in driver.networks()} == {"192.168.122.1/24", "10.99.0.1/24"}


def test_a_bridge_that_is_not_there_is_said(world: World) -> None:
    spec = NetworkSpec(name="office", kind=NetworkKind.BRIDGE, bridge="br9")
    plan = world.services.networks.plan_add("h1", spec, principal=SYSTEM)
    warned = {check.name: check.code for check in plan.checks if check.verdict is Verdict.WARNING}
    assert warned == {"bridge": "network.bridge-missing"}
