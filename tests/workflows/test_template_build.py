"""Building templates. The builder makes a tiny disk; the real ones have tests of their own."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from tests.workflows.every_step import EveryStep
from tests.workflows.world import DISK_BYTES, World

from castalia.errors import ImageError
from castalia.images.built_image import BuiltImage
from castalia.model.access import SYSTEM
from castalia.model.job import Job, JobState
from castalia.model.template import TemplateState


class TinyBuilder:
    """A template builder that copies a disk."""

    name, title, os, default_user, min_memory_mib = "micro", "Micro", "linux", "root", 128

    def __init__(self, disk: Path) -> None:
        self.disk = disk

    def fingerprint(self) -> str:
        return "f1"

    def build(
        self,
        destination: Path,
        *,
        work_dir: Path,
        progress: Callable[[int, str], None],
        check: Callable[[], None],
    ) -> BuiltImage:
        check()
        progress(50, "Copying")
        shutil.copy(self.disk, destination)
        return BuiltImage(
            path=destination,
            virtual_bytes=DISK_BYTES,
            size_bytes=destination.stat().st_size,
            sha256="0" * 64,
            packages={"busybox": "1.0"},
        )


@pytest.fixture(autouse=True)
def tiny_builder(monkeypatch: pytest.MonkeyPatch, template_disk: Path) -> TinyBuilder:
    """Stands in the place of the builder `micro` while jobs run."""
    maker = TinyBuilder(template_disk)
    monkeypatch.setattr("castalia.workflows.template_build.builder", lambda name: maker)
    return maker


class TestBuild(EveryStep):
    steps: ClassVar = ("build", "register")

    def begin(self, world: World) -> Job:
        return world.services.templates.build("micro", name="mine", principal=SYSTEM)

    def check(self, world: World, job: Job) -> None:
        template = world.services.templates.get("mine", principal=SYSTEM)
        assert job.result == {"template": template.id, "name": "mine"}
        assert (template.state, template.default_size) == (TemplateState.READY, "micro")
        assert template.notes == {"fingerprint": "f1", "busybox": "1.0"}
        disk = world.state_dir / "templates" / template.volume
        assert disk.stat().st_size == template.size_bytes


def test_a_build_that_fails_says_why(
    world: World, tiny_builder: TinyBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> BuiltImage:
        raise ImageError("A package is missing.", code="image.package", remedy="Look for it.")

    monkeypatch.setattr(tiny_builder, "build", fail)
    job = world.ended(world.services.templates.build("micro", principal=SYSTEM))
    assert (job.state, job.error_code, job.remedy) == (
        JobState.FAILED,
        "image.package",
        "Look for it.",
    )
    assert not list((world.state_dir / "templates").iterdir())
