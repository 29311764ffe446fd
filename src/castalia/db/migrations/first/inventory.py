"""The first version's tables of what is on the hosts."""

import sqlalchemy as sa
from alembic import op

from castalia.db.migrations.first.types import NAME


def create() -> None:
    """Makes the tables."""
    _hosts()
    _vms()
    _vm_disks()
    _vm_nics()
    _vm_tombstones()
    _repositories()
    _volumes()
    _networks()
    _templates()
    _template_copies()


def _hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("name_key", NAME, nullable=False, comment="sorts numbers by value"),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("memory_mib", sa.BigInteger(), nullable=False),
        sa.Column("cpu_fraction", sa.Float(), nullable=True),
        sa.Column("memory_used_mib", sa.BigInteger(), nullable=True),
        sa.Column("memory_free_mib", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hosts"),
        sa.UniqueConstraint("name", name="uq_hosts_name"),
        sa.UniqueConstraint("uri", name="uq_hosts_uri"),
    )
    op.create_index("ix_hosts_name_key_id", "hosts", ["name_key", "id"])


def _vms() -> None:
    op.create_table(
        "vms",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("host_id", sa.String(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("name_key", NAME, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("template", NAME, nullable=False),
        sa.Column("size", sa.String(), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("memory_mib", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("autostart", sa.Boolean(), nullable=False),
        sa.Column("agent_connected", sa.Boolean(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("address", sa.String(), nullable=False, comment="the one to show first"),
        sa.Column("address_key", NAME, nullable=False, comment="sorts by value"),
        sa.Column("cpu_fraction", sa.Float(), nullable=True),
        sa.Column("memory_used_mib", sa.BigInteger(), nullable=True),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name="fk_vms_host_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vms"),
        sa.UniqueConstraint("host_id", "uuid", name="uq_vms_host_id_uuid"),
    )
    op.create_index("ix_vms_created_at_id", "vms", ["created_at", "id"])
    op.create_index("ix_vms_host_id_state", "vms", ["host_id", "state"])
    op.create_index("ix_vms_name", "vms", ["name"])
    op.create_index("ix_vms_name_key_id", "vms", ["name_key", "id"])
    op.create_index("ix_vms_state_name_key_id", "vms", ["state", "name_key", "id"])
    op.create_index("ix_vms_template", "vms", ["template"])


def _vm_disks() -> None:
    op.create_table(
        "vm_disks",
        sa.Column("vm_id", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["vm_id"], ["vms.id"], name="fk_vm_disks_vm_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("vm_id", "target", name="pk_vm_disks"),
        comment="which VM uses which file; follows the definition",
    )
    op.create_index("ix_vm_disks_source", "vm_disks", ["source"])


def _vm_nics() -> None:
    op.create_table(
        "vm_nics",
        sa.Column("vm_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("network", NAME, nullable=False),
        sa.ForeignKeyConstraint(["vm_id"], ["vms.id"], name="fk_vm_nics_vm_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("vm_id", "position", name="pk_vm_nics"),
        comment="which VM is plugged into which network; follows the definition",
    )
    op.create_index("ix_vm_nics_mac", "vm_nics", ["mac"])
    op.create_index("ix_vm_nics_network", "vm_nics", ["network"])


def _vm_tombstones() -> None:
    op.create_table(
        "vm_tombstones",
        sa.Column("host_id", sa.String(), nullable=False),
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name="fk_vm_tombstones_host_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", "uuid", name="pk_vm_tombstones"),
        comment="VMs deleted lately, so that an older view of a host does not bring them back",
    )


def _repositories() -> None:
    op.create_table(
        "repositories",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host_id", sa.String(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("capacity_bytes", sa.BigInteger(), nullable=False),
        sa.Column("allocation_bytes", sa.BigInteger(), nullable=False),
        sa.Column("available_bytes", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name="fk_repositories_host_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_repositories"),
        sa.UniqueConstraint("host_id", "name", name="uq_repositories_host_id_name"),
    )
    op.create_index("ix_repositories_name_id", "repositories", ["name", "id"])


def _volumes() -> None:
    op.create_table(
        "volumes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("repository_id", sa.String(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("capacity_bytes", sa.BigInteger(), nullable=False),
        sa.Column("allocation_bytes", sa.BigInteger(), nullable=False),
        sa.Column("backing_path", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repositories.id"],
            name="fk_volumes_repository_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_volumes"),
        sa.UniqueConstraint("repository_id", "name", name="uq_volumes_repository_id_name"),
    )
    op.create_index("ix_volumes_backing_path", "volumes", ["backing_path"])
    op.create_index("ix_volumes_name_id", "volumes", ["name", "id"])
    op.create_index("ix_volumes_path", "volumes", ["path"])


def _networks() -> None:
    op.create_table(
        "networks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host_id", sa.String(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("bridge", sa.String(), nullable=False),
        sa.Column("cidr", sa.String(), nullable=False),
        sa.Column("dhcp_start", sa.String(), nullable=False),
        sa.Column("dhcp_end", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("autostart", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name="fk_networks_host_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_networks"),
        sa.UniqueConstraint("host_id", "name", name="uq_networks_host_id_name"),
    )
    op.create_index("ix_networks_name_id", "networks", ["name", "id"])


def _templates() -> None:
    op.create_table(
        "templates",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("os", sa.String(), nullable=False),
        sa.Column("arch", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("host_id", sa.String(), nullable=False),
        sa.Column("repository_id", sa.String(), nullable=False),
        sa.Column("volume", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("disk_bytes", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("min_memory_mib", sa.Integer(), nullable=False),
        sa.Column("default_size", sa.String(), nullable=False),
        sa.Column("default_user", sa.String(), nullable=False),
        sa.Column("cloud_init", sa.Boolean(), nullable=False),
        sa.Column("agent", sa.Boolean(), nullable=False),
        sa.Column("firmware", sa.String(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
        sa.UniqueConstraint("name", name="uq_templates_name"),
    )


def _template_copies() -> None:
    op.create_table(
        "template_copies",
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("host_id", sa.String(), nullable=False),
        sa.Column("repository", NAME, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name="fk_template_copies_host_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["templates.id"],
            name="fk_template_copies_template_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("template_id", "host_id", "repository", name="pk_template_copies"),
        comment="where the hosts have a template's disk",
    )
    op.create_index("ix_template_copies_path", "template_copies", ["path"])
