"""Makes an independent copy of a stopped VM."""

from typing import Any

from castalia.jobs.context import JobContext
from castalia.libvirtxml.clone import cloned
from castalia.model.vm import Vm
from castalia.workflows import volumes
from castalia.workflows.parts import Parts
from castalia.workflows.vm_before import driver_of, look


def vm_clone(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Copies the VM `args["vm"]` as `args["name"]` with the identity `args["uuid"]` and
    `args["macs"]`.

    `args["disks"]` lists [path, repository, volume, new volume] of every disk that is copied; other
    media are
    shared.
    """
    args = context.args
    before = look(context, parts)
    vm = before.vm
    paths = {}
    for number, (path, repository, volume, target) in enumerate(args["disks"]):
        context.check()
        context.progress(90 * number // len(args["disks"]), f"Copying {volume}")
        paths[path] = _copy_disk(context, parts, vm, repository, volume, target)
    context.step(
        "define",
        lambda: driver_of(parts, vm).define(
            cloned(
                before.xml,
                name=args["name"],
                uuid=args["uuid"],
                macs=args["macs"],
                paths=paths,
            )
        ),
        undo=lambda _: driver_of(parts, vm).undefine(args["uuid"]),
    )
    if args.get("start"):
        context.step(
            "start",
            lambda: driver_of(parts, vm).start(args["uuid"]),
            undo=lambda _: driver_of(parts, vm).stop(args["uuid"]),
        )
    context.step("refresh", lambda: parts.links.refresh_vm(vm.host_id, args["uuid"]))
    parts.record(
        "vm.cloned",
        f"{vm.name} was cloned as {args['name']}.",
        subject=f"vm:{args['uuid']}",
        subject_name=args["name"],
        host_id=vm.host_id,
        job_id=context.job_id,
        user_name=args.get("user", ""),
    )
    return {"vm": args["uuid"], "name": args["name"]}


def _copy_disk(
    context: JobContext, parts: Parts, vm: Vm, repository: str, volume: str, target: str
) -> str:
    def copy() -> str:
        facts = parts.links.storage(vm.host_id).clone_volume(repository, volume, target=target)
        return volumes.noted(parts, facts, host_id=vm.host_id, repository=repository)

    return context.step(
        f"copy {repository}/{volume}",
        copy,
        undo=lambda _: volumes.delete(
            parts, host_id=vm.host_id, repository=repository, name=target
        ),
    )
