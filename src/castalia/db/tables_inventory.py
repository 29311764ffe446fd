"""Tables of what is on the hosts: hosts, VMs, repositories, volumes, networks, templates."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from castalia.db.columns import Document, Tags, Timestamp, metadata, name_type
from castalia.model.host import HostFacts
from castalia.model.vm import Address, Definition


def _host_key() -> Column[str]:
    return Column("host_id", ForeignKey("hosts.id", ondelete="CASCADE"), nullable=False)


def _revision() -> Column[int]:
    return Column("revision", Integer, nullable=False, default=1)


hosts = Table(
    "hosts",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", name_type(), nullable=False),
    Column("name_key", name_type(), nullable=False, comment="sorts numbers by value"),
    Column("uri", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("state_reason", Text, nullable=False, default=""),
    Column("facts", Document[HostFacts](HostFacts)),
    Column("cpus", Integer, nullable=False, default=0),
    Column("memory_mib", BigInteger, nullable=False, default=0),
    Column("cpu_fraction", Float),
    Column("memory_used_mib", BigInteger),
    Column("memory_free_mib", BigInteger),
    Column("description", Text, nullable=False, default=""),
    Column("tags", Tags, nullable=False, default=()),
    Column("created_at", Timestamp, nullable=False),
    Column("seen_at", Timestamp),
    _revision(),
    UniqueConstraint("name"),
    UniqueConstraint("uri"),
    Index(None, "name_key", "id"),
)

vms = Table(
    "vms",
    metadata,
    Column("id", String, primary_key=True),
    Column("uuid", String, nullable=False),
    _host_key(),
    Column("name", name_type(), nullable=False),
    Column("name_key", name_type(), nullable=False),
    Column("state", String, nullable=False),
    Column("state_reason", Text, nullable=False, default=""),
    Column("origin", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("template", name_type(), nullable=False, default=""),
    Column("size", String, nullable=False, default=""),
    Column("vcpus", Integer, nullable=False, default=1),
    Column("memory_mib", BigInteger, nullable=False, default=0),
    Column("description", Text, nullable=False, default=""),
    Column("tags", Tags, nullable=False, default=()),
    Column("autostart", Boolean, nullable=False, default=False),
    Column("agent_connected", Boolean, nullable=False, default=False),
    Column("addresses", Document[tuple[Address, ...]](tuple[Address, ...]), nullable=False),
    Column("address", String, nullable=False, default="", comment="the one to show first"),
    Column("address_key", name_type(), nullable=False, default="", comment="sorts by value"),
    Column("cpu_fraction", Float),
    Column("memory_used_mib", BigInteger),
    Column("definition", Document[Definition](Definition), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("seen_at", Timestamp),
    _revision(),
    UniqueConstraint("host_id", "uuid"),
    Index(None, "name_key", "id"),
    Index(None, "name"),
    Index(None, "state", "name_key", "id"),
    Index(None, "host_id", "state"),
    Index(None, "created_at", "id"),
    Index(None, "template"),
)

vm_disks = Table(
    "vm_disks",
    metadata,
    Column("vm_id", ForeignKey("vms.id", ondelete="CASCADE"), primary_key=True),
    Column("target", String, primary_key=True),
    Column("source", Text, nullable=False),
    Index(None, "source"),
    comment="which VM uses which file; follows the definition",
)

vm_nics = Table(
    "vm_nics",
    metadata,
    Column("vm_id", ForeignKey("vms.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("mac", String, nullable=False),
    Column("network", name_type(), nullable=False),
    Index(None, "mac"),
    Index(None, "network"),
    comment="which VM is plugged into which network; follows the definition",
)

vm_tombstones = Table(
    "vm_tombstones",
    metadata,
    Column("host_id", ForeignKey("hosts.id", ondelete="CASCADE"), primary_key=True),
    Column("uuid", String, primary_key=True),
    Column("deleted_at", Timestamp, nullable=False),
    comment="VMs deleted lately, so that an older view of a host does not bring them back",
)

repositories = Table(
    "repositories",
    metadata,
    Column("id", String, primary_key=True),
    _host_key(),
    Column("name", name_type(), nullable=False),
    Column("path", Text, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("capacity_bytes", BigInteger, nullable=False, default=0),
    Column("allocation_bytes", BigInteger, nullable=False, default=0),
    Column("available_bytes", BigInteger, nullable=False, default=0),
    _revision(),
    UniqueConstraint("host_id", "name"),
    Index(None, "name", "id"),
)

volumes = Table(
    "volumes",
    metadata,
    Column("id", String, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("name", name_type(), nullable=False),
    Column("path", Text, nullable=False),
    Column("format", String, nullable=False),
    Column("capacity_bytes", BigInteger, nullable=False),
    Column("allocation_bytes", BigInteger, nullable=False),
    Column("backing_path", Text, nullable=False, default=""),
    Column("seen_at", Timestamp),
    UniqueConstraint("repository_id", "name"),
    Index(None, "name", "id"),
    Index(None, "path"),
    Index(None, "backing_path"),
)

networks = Table(
    "networks",
    metadata,
    Column("id", String, primary_key=True),
    _host_key(),
    Column("name", name_type(), nullable=False),
    Column("uuid", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("bridge", String, nullable=False, default=""),
    Column("cidr", String, nullable=False, default=""),
    Column("dhcp_start", String, nullable=False, default=""),
    Column("dhcp_end", String, nullable=False, default=""),
    Column("active", Boolean, nullable=False),
    Column("autostart", Boolean, nullable=False),
    _revision(),
    UniqueConstraint("host_id", "name"),
    Index(None, "name", "id"),
)

templates = Table(
    "templates",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", name_type(), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("os", String, nullable=False, default=""),
    Column("arch", String, nullable=False),
    Column("state", String, nullable=False),
    Column("host_id", String, nullable=False, default=""),
    Column("repository_id", String, nullable=False, default=""),
    Column("volume", String, nullable=False, default=""),
    Column("path", Text, nullable=False, default=""),
    Column("format", String, nullable=False),
    Column("disk_bytes", BigInteger, nullable=False, default=0),
    Column("size_bytes", BigInteger, nullable=False, default=0),
    Column("sha256", String, nullable=False, default=""),
    Column("min_memory_mib", Integer, nullable=False),
    Column("default_size", String, nullable=False, default=""),
    Column("default_user", String, nullable=False, default=""),
    Column("cloud_init", Boolean, nullable=False),
    Column("agent", Boolean, nullable=False),
    Column("firmware", String, nullable=False),
    Column("machine", String, nullable=False, default=""),
    Column("source", Text, nullable=False, default=""),
    Column("notes", Document[dict[str, str]](dict[str, str]), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    _revision(),
    UniqueConstraint("name"),
)

template_copies = Table(
    "template_copies",
    metadata,
    Column("template_id", ForeignKey("templates.id", ondelete="CASCADE"), primary_key=True),
    Column("host_id", ForeignKey("hosts.id", ondelete="CASCADE"), primary_key=True),
    Column("repository", name_type(), primary_key=True),
    Column("path", Text, nullable=False),
    Index(None, "path"),
    comment="where the hosts have a template's disk",
)
