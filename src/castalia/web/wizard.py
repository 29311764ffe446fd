"""Creating VMs: the form, its plan as it is filled in, and the making."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from castalia.errors import CastaliaError, InvalidRequest
from castalia.http.problems import status_of
from castalia.model.amount import parse_bytes, parse_mib
from castalia.model.page import PageRequest
from castalia.model.storage import Volume
from castalia.model.vm import SIZES, GuestSeed, NicSpec, VmCreation, VmSpec
from castalia.web.changes import Choice
from castalia.web.command import Command, options
from castalia.web.visit import Form, OperatorVisit

router = APIRouter(include_in_schema=False)
_ALL = PageRequest(limit=500)


@router.get("/vms/new")
def wizard_page(visit: OperatorVisit, template: str = "", host: str = "") -> Response:
    """The form, with everything that can be chosen."""
    services, who = visit.services, visit.principal
    volumes = services.storage.volumes(PageRequest(limit=500, filter="format:iso"), principal=who)
    networks = services.networks.list(_ALL, principal=who).items
    hosts = services.hosts.list(_ALL, principal=who).items
    return visit.show(
        "vms/new.html",
        chosen=template,
        host=host,
        templates=services.templates.list(_ALL, principal=who).items,
        sizes=list(SIZES.values()),
        hosts=[("", "The best one"), *_named(h.name for h in hosts)],
        networks=_named(sorted({network.facts.name for network in networks}) or ["default"]),
        isos=_isos(volumes.items),
        keys=services.ssh_keys.list(principal=who),
    )


@router.post("/vms/new/plan")
def wizard_plan(visit: OperatorVisit, form: Form) -> Response:
    """What would happen with the form as it is now; nothing is said before there is a name."""
    if not form.get("name", "").strip():
        return visit.part("vms/outlook.html", plan=None, refused=None, command=None)
    try:
        creation = _creation(form)
        plan = visit.services.vm_create.plan(creation, principal=visit.principal)
    except CastaliaError as error:
        return visit.part("vms/outlook.html", plan=None, refused=error, command=None)
    return visit.part("vms/outlook.html", plan=plan, refused=None, command=_command(creation, form))


@router.post("/vms/new")
def wizard_create(visit: OperatorVisit, form: Form) -> Response:
    """Makes the VMs: the job, or why not."""
    try:
        job = visit.services.vm_create.create(_creation(form), principal=visit.principal)
    except CastaliaError as error:
        status = status_of(error)
        context: dict[str, Any] = {"plan": None, "refused": error, "command": None}
        return visit.part("vms/outlook.html", status=status, **context)
    return JSONResponse({"id": job.id}, status_code=201)


def _named(names: Iterable[str]) -> list[Choice]:
    return [(name, name) for name in names]


def _isos(volumes: Iterable[Volume]) -> list[Choice]:
    """Installation media; the seeds that VMs were made with are none."""
    names = [
        f"{volume.repository_name}/{volume.facts.name}"
        for volume in volumes
        if not volume.facts.name.endswith("-seed.iso")
    ]
    return [("", "None"), *_named(names)] if names else []


def _creation(form: Mapping[str, str]) -> VmCreation:
    text = {name: value.strip() for name, value in form.items()}
    template = text.get("template", "")
    memory, disk = text.get("memory", ""), text.get("disk", "")
    spec = VmSpec(
        name=text.get("name", ""),
        template="" if template == "-" else template,
        iso=text.get("iso", "") if template == "-" else "",
        size=text.get("size", ""),
        vcpus=_number(text.get("vcpus", ""), "vcpus"),
        memory_mib=parse_mib(memory, field="memory") if memory else 0,
        disk_bytes=parse_bytes(disk, field="disk", default_unit="g") if disk else 0,
        host=text.get("host", ""),
        mode=text.get("mode", "") or "auto",
        nics=(NicSpec(network=text.get("network", "") or "default"),),
        seed=_seed(text, form),
        tags=tuple(text.get("tags", "").replace(",", " ").split()),
        description=text.get("description", ""),
        autostart=bool(text.get("autostart")),
        start=bool(text.get("start")),
    )
    return VmCreation(spec=spec, count=_number(text.get("count", ""), "count") or 1)


def _seed(text: Mapping[str, str], form: Mapping[str, str]) -> GuestSeed:
    keys = tuple(line.strip() for line in form.get("ssh_keys", "").splitlines() if line.strip())
    return GuestSeed(
        user=text.get("user", ""), ssh_keys=keys, user_data=form.get("user_data", "").lstrip()
    )


def _number(text: str, field: str) -> int:
    if text and not text.isdecimal():
        raise InvalidRequest(f"{text!r} is no number.", field=field, remedy="Write digits only.")
    return int(text or 0)


def _command(creation: VmCreation, form: Mapping[str, str]) -> Command:
    spec = creation.spec
    wanted = {
        "template": spec.template,
        "iso": spec.iso,
        "size": spec.size,
        "vcpus": spec.vcpus,
        "memory": form.get("memory", ""),
        "disk": form.get("disk", ""),
        "host": spec.host,
        "network": spec.nics[0].network,
        "user": spec.seed.user,
        "count": creation.count if creation.count > 1 else 0,
        "no-start": not spec.start,
        "ssh-key": list(spec.seed.ssh_keys),
    }
    body: dict[str, Any] = {"name": spec.name, "template": spec.template, "size": spec.size}
    if spec.seed.ssh_keys or spec.seed.user:
        body["seed"] = {"user": spec.seed.user, "ssh_keys": list(spec.seed.ssh_keys)}
    asked = {"spec": {name: value for name, value in body.items() if value}}
    if creation.count > 1:
        asked["count"] = creation.count  # type: ignore[assignment]  # JSON, beside the spec
    words = ["vm", "create", spec.name, *options(wanted)]
    return Command(words=words, path="/vms", method="POST", body=asked)
