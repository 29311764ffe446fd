"""The routes under /api/v1: a module per noun."""

from castalia.api.v1 import (
    events,
    hosts,
    jobs,
    networks,
    overview,
    repositories,
    session,
    ssh_keys,
    templates,
    tokens,
    uploads,
    users,
    vm_devices,
    vm_guest,
    vm_power,
    vms,
    volumes,
)

ROUTERS = tuple(
    module.router
    for module in (
        overview, vm_power, vms, vm_devices, vm_guest, hosts, templates, repositories, volumes,
        networks, uploads, jobs, events, session, users, tokens, ssh_keys,
    )
)  # fmt: skip
"""In the order of the documentation."""
