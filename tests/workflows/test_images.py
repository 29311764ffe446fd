"""Images that come from a file of the manager's machine, and templates that go."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.workflows.every_step import EveryStep
from tests.workflows.slate import Slate, slate
from tests.workflows.world import DISK_BYTES, World

from castalia.db import templates as template_store
from castalia.errors import HostUnreachable
from castalia.model.access import SYSTEM
from castalia.model.image import ImageSource
from castalia.model.job import Job, JobState
from castalia.model.plan import Plan
from castalia.model.template import TemplateState
from castalia.model.vm import VmCreation, VmSpec
from castalia.services.templates import TemplateService
from castalia.services.vm_planner import MAX_COUNT, planned_creation
from castalia.workflows import image_import, vm_create


class TestImportTemplate(EveryStep):
    """A template of a disk image."""

    steps: ClassVar = ("fetch", "inspect and convert", "tidy up", "register")

    def begin(self, world: World) -> Job:
        source = ImageSource(path=str(world.template_disk))
        return world.services.templates.import_image("tiny", source, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        template = world.services.templates.get("tiny", principal=SYSTEM)
        assert (template.disk_bytes, template.state) == (DISK_BYTES, TemplateState.READY)
        library = world.state_dir / "templates"
        assert [one.name for one in library.iterdir()] == [template.volume]
        assert _staged(world) == []


class TestImportVolume(EveryStep):
    """A volume of a disk image."""

    steps: ClassVar = ("fetch", "inspect and convert", "tidy up", "look", "store", "clear")

    def begin(self, world: World) -> Job:
        source = ImageSource(path=str(world.template_disk))
        return world.services.volume_import.start("default", "data.qcow2", source, principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        assert world.storage().volume("default", "data.qcow2").capacity_bytes == DISK_BYTES
        assert _staged(world) == []


class TestRemoveTemplate(EveryStep):
    """A template with a copy on the host. The copy is a copy: once deleted, the next VM brings it
    back. The record goes before the disk, and is not undone: what may stay behind is a file that
    nobody uses; running the removal to its end is left to the retry of the job."""

    steps: ClassVar = ("look", "delete copy on *", "forget", "delete disk")

    def prepare(self, world: World) -> None:
        world.make_template()
        world.make_vm(template="tiny")
        world.done(world.services.vm_delete.delete("web", principal=SYSTEM))

    def begin(self, world: World) -> Job:
        return world.services.templates.remove("tiny", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        now = slate(world)
        assert now["templates"] == now["template_copies"] == now["volumes"] == []
        assert now["files"] == []

    def check_failed(self, world: World, before: Slate, step: str) -> None:
        if slate(world)["templates"]:
            world.make_vm("next", template="tiny")
            return
        assert step in ("forget", "delete disk")


class TestSomebodyWasQuicker:
    """A volume that the manager does not know of yet."""

    def test_it_is_not_overwritten(self, world: World) -> None:
        theirs = world.storage().create_volume("default", "data.qcow2", size_bytes=2 * DISK_BYTES)
        ended = world.ended(TestImportVolume().begin(world))
        assert (ended.state, ended.error_code) == (JobState.FAILED, "volume.name-taken")
        assert world.storage().repository("default").volumes == (theirs,)
        assert _staged(world) == []


def test_a_host_that_goes_while_a_volume_is_stored_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prepared image is still there when the job goes on."""
    store, failures = image_import._store, [HostUnreachable("The host is away.")]

    def stored(*args: Any) -> str:
        if failures:
            raise failures.pop()
        return store(*args)

    monkeypatch.setattr(image_import, "_store", stored)
    monkeypatch.setattr("castalia.jobs.run.RETRY_BACKOFF_S", 0.001)
    job = world.done(TestImportVolume().begin(world))
    assert not failures
    TestImportVolume().check(world, job)


def test_a_template_is_not_removed_while_a_vm_is_made_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The removal waits for the VM, and then finds it."""
    world.make_template()
    ensure_copy, removals = vm_create.ensure_copy, list[Job]()

    def copied(*args: Any, **options: Any) -> str:
        removals.append(world.services.templates.remove("tiny", principal=SYSTEM))
        return ensure_copy(*args, **options)

    # Whoever asks for the removal has read the template before the VM was recorded.
    monkeypatch.setattr(TemplateService, "_plan_remove", lambda *_: Plan(title="Remove tiny"))
    monkeypatch.setattr(vm_create, "ensure_copy", copied)
    assert world.make_vm(template="tiny").template == "tiny"
    ended = world.ended(removals[0])
    assert (ended.state, ended.error_code) == (JobState.FAILED, "template.in-use")
    assert slate(world)["templates"]
    assert slate(world)["template_copies"]


def test_several_jobs_use_one_template(world: World) -> None:
    template = world.make_template()
    vm_create_service = world.services.vm_create
    with world.manager.database.read() as connection:
        spec = VmSpec(name="web", memory_mib=64, template="tiny")
        planned = planned_creation(connection, VmCreation(spec=spec))
    request = vm_create_service._request(planned, SYSTEM)
    (shared,) = [one for one in request.resources if one.name == f"template:{template.id}"]
    assert shared.limit > MAX_COUNT


def test_a_vm_whose_template_went_meanwhile_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = world.make_template()
    record = vm_create._record

    def recorded(*args: Any) -> None:
        record(*args)
        with world.manager.database.write() as connection:
            template_store.delete(connection, template.id)

    monkeypatch.setattr(vm_create, "_record", recorded)
    spec = VmSpec(name="web", memory_mib=64, template="tiny", start=False)
    job = world.services.vm_create.create(VmCreation(spec=spec), principal=SYSTEM)
    ended = world.ended(job)
    assert (ended.state, ended.error_code) == (JobState.FAILED, "template.not-found")
    assert "'tiny'" in ended.error
    assert slate(world)["volumes"] == []


def _staged(world: World) -> list[Path]:
    staging = world.state_dir / "staging"
    return list(staging.iterdir()) if staging.is_dir() else []
