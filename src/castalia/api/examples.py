"""What requests and answers look like, for the API's documentation. A test holds each against its
schema."""

from datetime import UTC, datetime
from typing import Any

from castalia.api.bodies import (
    BuilderInfo,
    CreatedToken,
    ExecAnswer,
    JobLog,
    SessionInfo,
    Ticket,
)
from castalia.api.bulk import BulkAnswer, Refusal
from castalia.model.access import ApiToken, AuditEntry, Role, SshKey, User
from castalia.model.capabilities import Accelerator, AcceleratorFinding, Capabilities, Mode
from castalia.model.event import Event, Severity
from castalia.model.host import Host, HostFacts, HostLoad, HostState
from castalia.model.job import Job, JobLogLine, JobState, JobStep, StepState
from castalia.model.metric import Sample
from castalia.model.network import Lease, Network, NetworkFacts, NetworkKind
from castalia.model.overview import Attention, Capacity, Hit, Overview
from castalia.model.page import Page
from castalia.model.plan import Check, Plan, Verdict
from castalia.model.storage import Repository, Volume, VolumeFacts, VolumeFormat
from castalia.model.template import Template
from castalia.model.upload import Upload
from castalia.model.vm import (
    SIZES,
    Address,
    AddressSource,
    Definition,
    Disk,
    Graphics,
    Nic,
    Size,
    Vm,
    VmState,
)

_ID, _HOST_ID, _JOB_ID = "01kav3c5x9m2q7t8e4nd", "01kav2zq4h7p1w9r3yfb", "01kav3c61k5d8s2m7xgh"
_UUID = "5f0d7d2e-6a35-4c3c-9d0a-6c1b5c1f7a10"
_MAC = "52:54:00:12:34:56"
_AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
_GIB = 1024**3

# --- requests ---
NEW_VM: dict[str, Any] = {
    "spec": {
        "name": "web-{n:02}",
        "template": "debian-12",
        "size": "small",
        "nics": [{"network": "default"}],
        "seed": {"user": "alice", "ssh_keys": ["ssh-ed25519 AAAAC3Nza… alice@laptop"]},
        "tags": ["web"],
    },
    "count": 3,
}
VM_EDIT = {"vcpus": 2, "memory_mib": 2048, "tags": ["web", "prod"]}
CLONE = {"name": "web1-copy", "start": True}
POWER = {"timeout_s": 90, "force": False}
BULK = {"action": "shutdown", "refs": ["web1", "web2"], "timeout_s": 60, "force": True}
NEW_DISK = {"size_bytes": 20 * _GIB, "format": "qcow2", "bus": "virtio"}
GROW = {"size_bytes": 40 * _GIB}
MEDIUM = {"volume": "debian-12.iso", "repository": "default"}
NEW_NIC = {"network": "default", "model": "virtio"}
EXEC = {"argv": ["uname", "-a"], "timeout_s": 10}
KEYS = {"keys": ["ctrl", "alt", "delete"]}
NEW_HOST = {"name": "h1", "uri": "qemu+ssh://root@h1.example.org/system", "tags": ["rack-a"]}
HOST_EDIT = {"description": "Left rack, bottom", "tags": ["rack-a"]}
NEW_NETWORK = {"host": "h1", "name": "lab", "kind": "nat", "cidr": "10.77.5.1/24"}
NEW_REPOSITORY = {"host": "h1", "name": "fast", "path": "/srv/fast"}
NEW_VOLUME = {"name": "data.qcow2", "size_bytes": 20 * _GIB, "format": "qcow2"}
IMPORT_ISO = {"name": "debian-12.iso", "url": "https://images.example.org/debian-12.iso"}
BUILD_TEMPLATE = {"source": {"builder": "micro"}}
IMPORT_TEMPLATE = {
    "name": "debian-13",
    "os": "debian13",
    "source": {
        "url": "https://images.example.org/debian-13.qcow2",
        "checksum": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
}
TEMPLATE_EDIT = {"title": "Debian 12 with our agent", "default_size": "small"}
NEW_UPLOAD = {"filename": "disk.qcow2", "size_bytes": 734003200}
LOGIN = {"user": "alice", "password": "correct horse battery staple"}
PASSWORD_CHANGE = {"current": "correct horse battery staple", "new": "a longer one, even"}
NEW_USER = {"name": "bob", "password": "correct horse battery staple", "role": "operator"}
USER_EDIT = {"role": "viewer", "disabled": False}
NEW_TOKEN = {"name": "ci", "role": "operator", "days": 90}
NEW_SSH_KEY = {"name": "laptop", "public_key": "ssh-ed25519 AAAAC3Nza… alice@laptop"}

# --- answers ---
VM = Vm(
    id=_ID,
    uuid=_UUID,
    host_id=_HOST_ID,
    host_name="h1",
    name="web1",
    state=VmState.RUNNING,
    definition=Definition(
        uuid=_UUID,
        name="web1",
        arch="x86_64",
        machine="pc-q35-7.2",
        memory_mib=512,
        max_memory_mib=512,
        disks=(Disk(target="vda", source="/var/lib/castalia/default/web1-5f0d7d2e.qcow2"),),
        nics=(Nic(mac=_MAC, network="default"),),
        graphics=(Graphics(kind="vnc"),),
        boot=("hd",),
        serial_console=True,
        agent_channel=True,
    ),
    tags=("web",),
    template="micro",
    size="small",
    agent_connected=True,
    addresses=(Address(ip="10.77.0.23", prefix=24, mac=_MAC, source=AddressSource.AGENT),),
    cpu_fraction=0.04,
    memory_used_mib=96,
    created_at=_AT,
    seen_at=_AT,
    revision=7,
)
_FINDING = AcceleratorFinding(
    accelerator=Accelerator.KVM,
    reason="KVM finished the probe in 41 ms, emulation in 310 ms.",
    measured=True,
    kvm_ms=41.0,
    emulation_ms=310.0,
)
HOST = Host(
    id=_HOST_ID,
    name="h1",
    uri="qemu+ssh://root@h1.example.org/system",
    state=HostState.UP,
    facts=HostFacts(
        hostname="h1.example.org",
        arch="x86_64",
        cpus=16,
        cpu_model="EPYC-Rome",
        sockets=1,
        cores=8,
        threads=2,
        numa_nodes=1,
        memory_mib=65536,
        hypervisor_version="7.2.0",
        libvirt_version="9.0.0",
        capabilities=Capabilities(
            hypervisor="qemu", arch="x86_64", accelerator=_FINDING, modes=(Mode.PVHVM,)
        ),
    ),
    load=HostLoad(cpu_fraction=0.12, memory_used_mib=20480, memory_free_mib=45056),
    tags=("rack-a",),
    vm_count=12,
    running_count=9,
    created_at=_AT,
    seen_at=_AT,
    revision=3,
)
JOB = Job(
    id=_JOB_ID,
    kind="vm_power",
    title="Start web1",
    state=JobState.RUNNING,
    args={"action": "start"},
    target=f"vm:{_ID}",
    target_name="web1",
    host_id=_HOST_ID,
    percent=40,
    message="waiting for the guest",
    created_by="alice",
    created_at=_AT,
    started_at=_AT,
    steps=(JobStep(name="start", position=0, state=StepState.RUNNING, attempts=1, started_at=_AT),),
)
PLAN = Plan(
    title="Start web1",
    checks=(
        Check(name="host", verdict=Verdict.OK, reason="Host h1 answers."),
        Check(
            name="memory",
            verdict=Verdict.WARNING,
            reason="After it, 1.5 GiB of memory are free on h1.",
            remedy="Stop VMs that are not needed.",
        ),
    ),
    steps=("start the VM",),
    duration_s=1.0,
    after={"memory free": "1.5 GiB"},
)
EVENT = Event(
    id=_JOB_ID,
    at=_AT,
    kind="vm.started",
    severity=Severity.INFO,
    subject=f"vm:{_ID}",
    subject_name="web1",
    text="web1 started.",
    host_id=_HOST_ID,
    user_name="alice",
)
SAMPLE = Sample(
    subject=f"vm:{_ID}",
    at=_AT,
    cpu_fraction=0.04,
    memory_used_mib=96,
    memory_mib=512,
    disk_read_bps=0.0,
    disk_write_bps=4096.0,
    disk_iops=1.2,
    net_rx_bps=812.0,
    net_tx_bps=640.5,
)
_VOLUME_FACTS = VolumeFacts(
    name="data.qcow2",
    path="/var/lib/castalia/default/data.qcow2",
    format=VolumeFormat.QCOW2,
    capacity_bytes=20 * _GIB,
    allocation_bytes=196_608,
)
VOLUME = Volume(
    id=_ID, repository_id=_ID, repository_name="default", host_id=_HOST_ID, facts=_VOLUME_FACTS
)
REPOSITORY = Repository(
    id=_ID,
    host_id=_HOST_ID,
    host_name="h1",
    name="default",
    path="/var/lib/castalia/default",
    capacity_bytes=500 * _GIB,
    allocation_bytes=120 * _GIB,
    available_bytes=380 * _GIB,
    volume_count=14,
)
NETWORK = Network(
    id=_ID,
    host_id=_HOST_ID,
    host_name="h1",
    facts=NetworkFacts(
        name="default", uuid=_UUID, kind=NetworkKind.NAT, bridge="virbr0", cidr="10.77.0.1/24"
    ),
    nic_count=9,
)
TEMPLATE = Template(
    id=_ID, name="micro", title="Micro Linux", os="linux", size_bytes=9_437_184, created_at=_AT
)
UPLOAD = Upload(id=_ID, filename="disk.qcow2", size_bytes=734003200, offset=4194304, created_at=_AT)
USER = User(id=_ID, name="alice", role=Role.ADMIN, created_at=_AT, last_login_at=_AT)
TOKEN = ApiToken(id=_ID, user_id=_ID, name="ci", role=Role.OPERATOR, created_at=_AT)
AUDIT = AuditEntry(
    id=_ID,
    at=_AT,
    user_name="alice",
    source="192.0.2.7",
    channel="web",
    action="vm_power",
    target="web1",
    outcome="accepted",
)
HIT = Hit(noun="vm", id=_ID, name="web1", detail="running on h1")
OVERVIEW = Overview(
    hosts={"up": 2},
    vms={"running": 9, "stopped": 3},
    templates=2,
    capacity=Capacity(cpus=32, cpu_fraction=0.1, memory_mib=131072, memory_used_mib=40960),
    attention=(
        Attention(
            severity=Severity.ERROR,
            text="Host h3 is not reachable: no route to host",
            remedy="It is tried again every few seconds.",
            link=f"/hosts/{_HOST_ID}",
        ),
    ),
    jobs=(JOB,),
    events=(EVENT,),
)
LOG_LINE = JobLogLine(at=_AT, level="info", text="The guest's agent answers.")
LEASE = Lease(mac=_MAC, ip="10.77.0.23", prefix=24, hostname="web1")
EXEC_ANSWER = ExecAnswer(exit_code=0, stdout="Linux web1 6.1.0-30-amd64 x86_64\n", stderr="")
TICKET = Ticket(ticket="q1V7kZ…", url=f"/console/vms/{_ID}/vnc?ticket=q1V7kZ…")
SESSION = SessionInfo(user_id=_ID, user="alice", role=Role.ADMIN)
CREATED_TOKEN = CreatedToken(token=TOKEN, secret="castalia_4uJ…")  # noqa: S106 -- none, as one sees
SSH_KEY = SshKey(name="laptop", public_key=NEW_SSH_KEY["public_key"], created_at=_AT)
JOB_LOG = JobLog(items=(LOG_LINE,), next=1)
BUILDER = BuilderInfo(
    name="micro", title="Micro Linux", os="linux", default_user="root", min_memory_mib=64
)
BULK_ANSWER = BulkAnswer(
    jobs=(JOB,),
    errors=(
        Refusal(
            ref="web9",
            status=404,
            title="Not found",
            detail="There is no VM web9.",
            code="not-found",
        ),
    ),
)
OBJECTS: dict[type, Any] = {
    type(one): one
    for one in (
        VM, HOST, JOB, PLAN, EVENT, SAMPLE, VOLUME, REPOSITORY, NETWORK, TEMPLATE, UPLOAD, USER,
        TOKEN, AUDIT, HIT, OVERVIEW, LEASE, VM.addresses[0], EXEC_ANSWER, TICKET, SESSION,
        JOB_LOG, BUILDER, BULK_ANSWER, CREATED_TOKEN, SSH_KEY,
    )
} | {Size: SIZES["small"]}  # fmt: skip
"""An example of each type that answers are made of."""


def page_of(item: Any) -> Page[Any]:
    """A page of a list that goes on."""
    return Page(items=[item], next_cursor="WyJuYW1lIiwgIndlYjEiXQ", total=250)
