"""All tables of this package, whichever file describes them."""

from castalia.db.columns import metadata
from castalia.db.tables_access import (
    api_tokens,
    audit,
    console_tickets,
    login_failures,
    sessions,
    ssh_keys,
    users,
)
from castalia.db.tables_inventory import (
    hosts,
    networks,
    repositories,
    template_copies,
    templates,
    vm_disks,
    vm_nics,
    vm_tombstones,
    vms,
    volumes,
)
from castalia.db.tables_record import events, idempotency_keys, metric_blocks, stored_settings

__all__ = [
    "api_tokens",
    "audit",
    "console_tickets",
    "events",
    "hosts",
    "idempotency_keys",
    "login_failures",
    "metadata",
    "metric_blocks",
    "networks",
    "repositories",
    "sessions",
    "ssh_keys",
    "stored_settings",
    "template_copies",
    "templates",
    "users",
    "vm_disks",
    "vm_nics",
    "vm_tombstones",
    "vms",
    "volumes",
]
