"""All settings as one frozen tree.

Sources, the later wins: the defaults here, `castalia.toml`, environment
(`CASTALIA_SERVER__PORT=8443`), arguments.
The file is `$CASTALIA_CONFIG`, or `/etc/castalia/castalia.toml` for root, or
`~/.config/castalia/server.toml`.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


def default_state_dir() -> Path:
    """Where the manager keeps what must survive a restart: root's is system-wide, a user's is in
    the home."""
    if os.geteuid() == 0:
        return Path("/var/lib/castalia")
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share")) / "castalia"


def config_file() -> Path:
    """The settings file that applies; it need not exist."""
    if named := os.environ.get("CASTALIA_CONFIG"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/etc/castalia/castalia.toml")
    return Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "castalia/server.toml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ServerSettings(_Section):
    """The HTTP server."""

    bind: str = "127.0.0.1"
    """Address to listen on. Anything but loopback needs `tls_certificate` and `tls_key`."""
    port: int = 8006
    """TCP port."""
    tls_certificate: Path | None = None
    """PEM file with the certificate chain."""
    tls_key: Path | None = None
    """PEM file with the private key."""
    upload_limit_gib: int = 256
    """Largest upload that is accepted, in GiB."""
    host_names: tuple[str, ...] = ()
    """Names, beside this machine's own, under which browsers may ask for the manager."""
    open_metrics: bool = False
    """Whether /metrics answers programs on this machine without an API token."""


class DatabaseSettings(_Section):
    """Where the manager's own data lives."""

    url: str = ""
    """SQLAlchemy address; empty means SQLite in the state directory. `postgresql+psycopg://…` also
    works."""


class JobSettings(_Section):
    """The job engine."""

    workers: int = 16
    """Jobs that run at the same time in this manager."""
    lease_ttl_s: float = 15.0
    """A job whose manager did not renew its lease for this long is taken over."""
    host_limit: int = 8
    """Jobs that may work on one host at the same time."""
    retention_days: int = 30
    """Finished jobs are forgotten after this many days."""


class HostSettings(_Section):
    """How hosts are watched."""

    reconnect_s: float = 3.0
    """Pause between attempts to reach a lost host."""
    probe_timeout_s: float = 3.0
    """A host that does not accept a TCP connection in this time is unreachable."""
    keepalive_s: int = 4
    """Interval of libvirt's keepalive; a host that is silent for three of them is unreachable."""
    open_timeout_s: float = 10.0
    """A host whose libvirt does not answer within this time is unreachable."""
    resync_s: float = 60.0
    """Pause between full comparisons of a host's VMs with the database."""


class AcceleratorSettings(_Section):
    """How it is decided whether KVM is really usable."""

    probe_limit_s: float = 2.0
    """KVM has to finish the probe in this time."""
    ratio: float = 1.0
    """KVM is taken if its time is at most this times emulation's time on the same probe."""
    override: str = ""
    """`kvm` or `emulated` decides without measuring; empty measures."""


class AccessSettings(_Section):
    """Users, sessions, tokens."""

    session_hours: int = 12
    """A browser session ends after this many hours without a request."""
    failures_allowed: int = 5
    """Failed logins per user or address before throttling starts."""
    throttle_s: float = 60.0
    """How long further logins are refused once throttling has started."""
    ticket_s: float = 30.0
    """How long a console ticket may wait to be used."""


class ImportSettings(_Section):
    """Downloads of images."""

    allow_private: bool = False
    """Whether URLs may lead to private and loopback addresses. Off, because whoever may import
    could
    otherwise reach what only the manager's machine can."""
    allowed_networks: tuple[str, ...] = ()
    """Private networks that URLs may lead to all the same, for example `10.20.0.0/16`."""
    proxy: str = ""
    """An HTTP proxy for downloads."""


class MetricSettings(_Section):
    """Measurements of hosts and VMs."""

    interval_s: float = 10.0
    """Pause between two samples."""
    fine_hours: int = 24
    """How long every sample is kept, in hours."""
    coarse_days: int = 365
    """How long the 15-minute means are kept, in days."""


class Settings(BaseSettings):
    """The whole tree; `load()` is how to get one."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="CASTALIA_",
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
    )

    state_dir: Path = default_state_dir()
    """Directory for the database, logs, the default repository and templates."""
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    jobs: JobSettings = JobSettings()
    hosts: HostSettings = HostSettings()
    accelerator: AcceleratorSettings = AcceleratorSettings()
    access: AccessSettings = AccessSettings()
    metrics: MetricSettings = MetricSettings()
    imports: ImportSettings = ImportSettings()

    @property
    def database_url(self) -> str:
        """The SQLAlchemy address, with the default filled in."""
        return self.database.url or f"sqlite:///{self.state_dir / 'castalia.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments beat the environment, which beats the file."""
        file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, file


def load(**overrides: Any) -> Settings:
    """Reads the settings from all sources.

    Raises pydantic's ValidationError, which names the field and the reason.
    """
    return Settings(**overrides)
