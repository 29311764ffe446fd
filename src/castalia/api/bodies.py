"""What clients send: the model's own dataclasses where they serve, refusing unknown fields, which
are mostly misspelt ones."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, with_config

from castalia.model.access import ApiToken, Role
from castalia.model.host import HostChange, HostEdit
from castalia.model.job import JobLogLine
from castalia.model.network import NetworkSpec
from castalia.model.template import TemplateEdit
from castalia.model.vm import DiskSpec, NicSpec, PowerAction, VmCreation
from castalia.model.vm_edit import VmEdit

_STRICT = ConfigDict(extra="forbid")
_MAX_EXEC_S = 600.0


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class NewVm(VmCreation):
    """One or more new VMs. With `count` above 1, the spec's name is a pattern (`web-{n:02}`)."""


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class VmChange(VmEdit):
    """New values for a VM; what is left out stays as it is."""


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class NewDisk(DiskSpec):
    """A disk or CD drive for a VM."""


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class NewNic(NicSpec):
    """A network card for a VM."""


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class NewHost(HostChange):
    """A host to take into the pool."""


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class HostValues(HostEdit):
    """New values for a host; what is left out stays as it is."""


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class NewNetwork(NetworkSpec):
    """A network to make on a host."""

    host: str


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class TemplateValues(TemplateEdit):
    """New values for a template; what is left out stays as it is."""


class Body(BaseModel):
    """Other bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Power(Body):
    """How patiently to do it."""

    timeout_s: float = Field(90.0, gt=0, le=3600)
    """How long the guest may take, in seconds."""
    force: bool = False
    """Do it without the guest if it does not do it in that time."""


class BulkAction(Body):
    """The same power action on many VMs."""

    action: PowerAction
    refs: Annotated[list[str], Field(min_length=1, max_length=1000)]
    """Ids, or names that are unique."""
    timeout_s: float = Field(90.0, gt=0, le=3600)
    """How long each guest may take, in seconds."""
    force: bool = False
    """Do it without the guest if it does not do it in that time."""


class Clone(Body):
    """A copy of a VM."""

    name: str
    start: bool = False


class DiskChange(Body):
    """Either a larger `size_bytes` for a disk, or another `volume` for a drive (empty ejects)."""

    size_bytes: int | None = Field(None, gt=0)
    volume: str | None = None
    repository: str = ""


class NicChange(Body):
    """Whether the network card's cable is plugged in."""

    link_up: bool


class NewRepository(Body):
    """A directory of a host that shall hold volumes."""

    host: str
    name: str
    path: str


class NewVolume(Body):
    """A blank volume."""

    name: str
    size_bytes: int = Field(gt=0)
    format: Literal["qcow2", "raw"] = "qcow2"


class VolumeChange(Body):
    """A larger size for a volume."""

    size_bytes: int = Field(gt=0)


class TemplateSource(Body):
    """Where a template comes from: exactly one of `builder`, `url`, `upload` and `path`."""

    builder: str = ""
    url: str = ""
    upload: str = ""
    """The id of a finished upload."""
    path: str = ""
    """A file on the manager's machine; only for administrators."""
    checksum: str = ""
    """SHA-256 or SHA-512 that the file must have."""


class NewTemplate(Body):
    """A template to make. A built one is called as its builder is, unless `name` says otherwise."""

    name: str = ""
    source: TemplateSource
    title: str | None = None
    os: str | None = None
    default_size: str | None = None
    default_user: str | None = None
    min_memory_mib: int | None = Field(None, ge=1, le=1_048_576)


class BuilderInfo(Body):
    """A template that the manager can build by itself."""

    name: str
    title: str
    os: str
    default_user: str
    min_memory_mib: int


class NewUpload(Body):
    """A file that will be sent in pieces."""

    filename: Annotated[str, Field(min_length=1, max_length=255)]
    size_bytes: int = Field(gt=0)
    sha256: str = ""
    """If given, the finished file must have it."""


class VolumeSource(Body):
    """An ISO or disk image for a repository: exactly one of `url`, `upload` and `path`."""

    name: str = ""
    """What the volume is called; as the file is, if left out."""
    url: str = ""
    upload: str = ""
    """The id of a finished upload."""
    path: str = ""
    """A file on the manager's machine; only for administrators."""
    checksum: str = ""
    """SHA-256 or SHA-512 that the file must have."""


class JobLog(Body):
    """A part of a job's log. Ask for more with `after` set to `next`."""

    items: tuple[JobLogLine, ...]
    next: int


class Exec(Body):
    """A command for the guest's agent."""

    argv: Annotated[list[str], Field(min_length=1, max_length=256)]
    """The program and its arguments; no shell is involved."""
    stdin: str = ""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    """How `stdin` is written here."""
    timeout_s: float = Field(30.0, gt=0, le=_MAX_EXEC_S)


class ExecAnswer(Body):
    """What the command left behind."""

    exit_code: int
    stdout: str
    stderr: str
    encoding: Literal["utf-8", "base64"] = "utf-8"
    """How `stdout` and `stderr` are written here: base64 if either is not text."""
    truncated: bool = False


class Keys(Body):
    """Keys to press together."""

    keys: Annotated[list[str], Field(min_length=1, max_length=8)]


class TicketRequest(Body):
    """Which console is wanted."""

    kind: Literal["vnc", "serial"] = "vnc"


class Ticket(Body):
    """A pass for one WebSocket, good once and for seconds only."""

    ticket: str
    url: str
    """Where the WebSocket is opened, relative to the manager's address."""


class Login(Body):
    """What somebody logs in with."""

    user: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class SessionInfo(Body):
    """Who is logged in."""

    user_id: str
    user: str
    role: Role
    csrf_token: str = ""
    """To be sent as `X-CSRF-Token` with every change, when the session's cookie is used."""


class NewUser(Body):
    """A user to add."""

    name: str
    password: Annotated[str, Field(max_length=1024)]
    role: Role = Role.VIEWER


class UserValues(Body):
    """New values for a user; what is left out stays as it is."""

    role: Role | None = None
    disabled: bool | None = None
    password: Annotated[str, Field(max_length=1024)] | None = None


class PasswordChange(Body):
    """A new password for oneself."""

    current: Annotated[str, Field(max_length=1024)]
    new: Annotated[str, Field(max_length=1024)]


class NewToken(Body):
    """An API token to make. Its role is never more than its user's."""

    name: str
    role: Role = Role.VIEWER
    days: int | None = Field(None, ge=1, le=3650)
    """Days until it expires; never, if left out."""


class CreatedToken(Body):
    """A token and, this once, its secret."""

    token: ApiToken
    secret: str


class NewSshKey(Body):
    """A public key that new VMs can be given."""

    name: str
    public_key: Annotated[str, Field(max_length=8192)]
