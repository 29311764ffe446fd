"""Repositories and blank volumes."""

from typing import ClassVar

from tests.workflows.every_step import EveryStep
from tests.workflows.faults import Moment
from tests.workflows.slate import Slate, differences, slate
from tests.workflows.world import DISK_BYTES, World

from castalia.model.access import SYSTEM
from castalia.model.job import Job, JobState


class TestAddRepository(EveryStep):
    """A directory becomes a repository."""

    steps: ClassVar = ("look", "add")

    def begin(self, world: World) -> Job:
        return world.services.storage.add_repository("h1", "fast", "/srv/fast", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert world.storage().repository("fast").path == "/srv/fast"
        assert world.services.storage.repository("fast", principal=SYSTEM).name == "fast"


class TestRemoveRepository(EveryStep):
    """The host forgets it. That is the job's only step and not undone: no file is deleted, and the
    same directory can be added again."""

    steps: ClassVar = ("forget",)

    def prepare(self, world: World) -> None:
        world.storage().ensure_repository("fast", "/srv/fast")
        world.services.storage.refresh("default", principal=SYSTEM)
        world.manager.inventory.refresh_storage(world.host().id)

    def begin(self, world: World) -> Job:
        return world.services.storage.remove_repository("fast", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert [one.name for one in world.storage().repositories()] == ["default"]

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        if len(world.storage().repositories()) == 2:
            super().check_failed(world, before, step)


class TestCreateVolume(EveryStep):
    """A blank volume."""

    steps: ClassVar = ("look", "create", "reread")

    def begin(self, world: World) -> Job:
        return world.services.storage.create_volume(
            "default", "data.qcow2", size_bytes=DISK_BYTES, principal=SYSTEM
        )

    def check(self, world: World, job: Job) -> None:
        assert world.storage().volume("default", "data.qcow2").capacity_bytes == DISK_BYTES


class _OnVolume(EveryStep):
    def prepare(self, world: World) -> None:
        world.done(
            world.services.storage.create_volume(
                "default", "data.qcow2", size_bytes=DISK_BYTES, principal=SYSTEM
            )
        )


class TestResizeVolume(_OnVolume):
    """A volume grows. What has grown stays so: the space may be in use by then, and a volume cannot
    shrink. The job can be run again."""

    steps: ClassVar = ("grow", "reread")

    def begin(self, world: World) -> Job:
        return world.services.storage.resize_volume(
            "default", "data.qcow2", 2 * DISK_BYTES, principal=SYSTEM
        )

    def check(self, world: World, job: Job) -> None:
        assert world.storage().volume("default", "data.qcow2").capacity_bytes == 2 * DISK_BYTES

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        if world.storage().volume("default", "data.qcow2").capacity_bytes == DISK_BYTES:
            super().check_failed(world, before, step)


class TestDeleteVolume(_OnVolume):
    """A deleted volume's content cannot come back."""

    steps: ClassVar = ("delete", "reread")

    def begin(self, world: World) -> Job:
        return world.services.storage.delete_volume("default", "data.qcow2", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert world.storage().repository("default").volumes == ()

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        if world.storage().repository("default").volumes:
            super().check_failed(world, before, step)


class TestSomebodyWasQuicker:
    """Something of the name has come that the manager does not know of yet: it stays."""

    def test_volume(self, world: World) -> None:
        theirs = world.storage().create_volume("default", "data.qcow2", size_bytes=DISK_BYTES)
        job = TestCreateVolume().begin(world)
        self._refused(world, job, "volume.name-taken")
        assert world.storage().repository("default").volumes == (theirs,)

    def test_repository(self, world: World) -> None:
        theirs = world.storage().ensure_repository("fast", "/srv/theirs")
        job = TestAddRepository().begin(world)
        self._refused(world, job, "repository.name-taken")
        assert world.storage().repository("fast") == theirs

    def _refused(self, world: World, job: Job, code: str) -> None:
        ended = world.ended(job)
        assert (ended.state, ended.error_code) == (JobState.FAILED, code)


def test_what_cannot_be_undone_happens_only_in_its_own_step(world: World) -> None:
    """A deletion that fails before its work has not deleted."""
    volume = TestDeleteVolume()
    volume.prepare(world)
    before = slate(world)
    world.faults.fail("delete", Moment.BEFORE)
    assert world.ended(volume.begin(world)).state is JobState.FAILED
    assert not differences(before, slate(world))
