"""Forgets a host. Its VMs, volumes and networks stay as they are."""

import contextlib
from typing import Any

from castalia.db import hosts as host_store
from castalia.errors import HostUnreachable
from castalia.jobs.context import JobContext
from castalia.model.event import Change
from castalia.workflows.parts import Parts


def host_remove(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Stops watching the host `args["host"]` and deletes its records, nothing else."""
    host_id, name = context.args["host"], context.args["name"]
    context.step(
        "disconnect",
        lambda: parts.links.detach(host_id),
        undo=lambda _: _watch_again(parts, host_id),
    )
    context.step("forget", lambda: _forget(parts, host_id, name))
    parts.record(
        "host.removed",
        f"Host {name} was removed; its VMs run on.",
        subject=f"host:{host_id}",
        subject_name=name,
        job_id=context.job_id,
        user_name=context.args.get("user", ""),
    )
    return {"host": host_id, "name": name}


def _watch_again(parts: Parts, host_id: str) -> None:
    with parts.database.read() as connection:
        hosts = host_store.many(connection, [host_id])
    for host in hosts:
        # One that is away is tried again every few seconds, as before.
        with contextlib.suppress(HostUnreachable):
            parts.links.attach(host)


def _forget(parts: Parts, host_id: str, name: str) -> None:
    with parts.database.write() as connection:
        host_store.delete(connection, host_id)
    parts.publish([Change(noun="host", id=host_id, verb="deleted", data={"name": name})])


def host_probe(context: JobContext, parts: Parts) -> dict[str, Any]:
    """Measures the accelerator of the host `args["host"]` again."""
    context.step("measure", lambda: parts.links.refresh_facts(context.args["host"]))
    return {"host": context.args["host"]}
