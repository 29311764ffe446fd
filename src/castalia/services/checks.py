"""Checks that plans are made of."""

from castalia.model.host import Host, HostState
from castalia.model.plan import Check, Verdict


def ok(name: str, reason: str) -> Check:
    """Nothing stands in the way."""
    return Check(name=name, verdict=Verdict.OK, reason=reason)


def warning(name: str, reason: str, *, remedy: str = "", code: str = "") -> Check:
    """It can be done, but somebody should know."""
    return Check(name=name, verdict=Verdict.WARNING, reason=reason, remedy=remedy, code=code)


def blocked(name: str, reason: str, *, remedy: str, code: str, field: str = "") -> Check:
    """It cannot be done. The part of `code` before the dot says which kind of error it becomes."""
    return Check(
        name=name, verdict=Verdict.BLOCKED, reason=reason, remedy=remedy, code=code, field=field
    )


def host_up(host: Host) -> Check:
    """Whether the host can be asked now."""
    if host.state is HostState.UP:
        return ok("host", f"Host {host.name} is reachable.")
    return blocked(
        "host",
        f"Host {host.name} is not reachable: {host.state_reason or 'still connecting'}",
        remedy="It is tried again every few seconds; look at the host's page.",
        code="unreachable.host",
    )


def overcommit_checks(host: Host, vcpus: int) -> list[Check]:
    """A note if one VM gets more vCPUs than its host has CPUs: it works, but never well."""
    cpus = host.facts.cpus if host.facts else 0
    if not cpus or vcpus <= cpus:
        return []
    return [
        warning(
            "cpus",
            f"{vcpus} vCPUs share the {cpus} CPUs of {host.name}; the guest will stall.",
            remedy=f"Give it at most {cpus}.",
            code="vm.cpu-overcommitted",
        )
    ]
