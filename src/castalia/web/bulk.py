"""One action on many VMs: a plan for each, and the jobs of those that nothing stands against."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from castalia.errors import CastaliaError, InvalidRequest, NotFound
from castalia.model.job import Job
from castalia.model.plan import Check, Plan, Verdict
from castalia.model.vm import Vm
from castalia.web.changes import Ask, Change
from castalia.web.changes_vm import CHANGES
from castalia.web.command import Command
from castalia.web.visit import Form, OperatorVisit, Visit

router = APIRouter(include_in_schema=False)
VERBS = ("start", "shutdown", "reboot", "pause", "resume", "suspend", "stop", "delete")
MAX_VMS = 200


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """What the action would do to one VM. Without `plan`, `refused` says why it cannot be asked."""

    ask: Ask
    plan: Plan | None = None
    refused: CastaliaError | None = None

    @property
    def vm(self) -> Vm:
        """The VM in question."""
        vm: Vm = self.ask.subject
        return vm

    @property
    def possible(self) -> bool:
        """Whether the VM takes part."""
        return self.plan is not None and self.plan.possible

    @property
    def remarks(self) -> list[Check]:
        """The checks that somebody should read."""
        checks = self.plan.checks if self.plan else ()
        return [check for check in checks if check.verdict is not Verdict.OK]


@dataclass(frozen=True, kw_only=True)
class Script:
    """Several commands that belong together, a line each."""

    cli: str
    curl: str


@router.get("/bulk/{verb}")
def open_bulk(visit: OperatorVisit, verb: str, refs: str) -> Response:
    """The dialog with the plan of each VM."""
    return _dialog(visit, _change(verb), refs, {})


@router.post("/bulk/{verb}/plan")
def plan_bulk(visit: OperatorVisit, form: Form, verb: str) -> Response:
    """The same after a choice in the dialog."""
    change = _change(verb)
    return visit.part("dialog/bulk_outlook.html", **_outlook(visit, change, form["refs"], form))


@router.post("/bulk/{verb}")
def run_bulk(visit: OperatorVisit, form: Form, verb: str) -> Response:
    """Enqueues a job for each VM that can; the rest is told with its reason."""
    change = _change(verb)
    prospects = [one for one in _prospects(visit, change, form["refs"], form) if one.possible]
    word = confirm_word(change, len(prospects), form)
    if word and form.get("typed_name", "").strip() != word:
        error = InvalidRequest("The words do not match.", field="typed_name")
        return _dialog(visit, change, form["refs"], form, error=error)
    jobs: list[str] = []
    refusals: list[str] = []
    for one in prospects:
        try:
            outcome = change.run(one.ask)
        except CastaliaError as error:
            refusals.append(f"{one.vm.name}: {error.message}")
        else:
            jobs += [outcome.id] if isinstance(outcome, Job) else []
    event = {"castalia:jobs": {"jobs": jobs, "refusals": refusals}}
    return Response(status_code=204, headers={"HX-Trigger": json.dumps(event)})


def confirm_word(change: Change, count: int, form: Mapping[str, str]) -> str:
    """What has to be typed before data of several VMs are destroyed; empty where nothing is."""
    destroys = change.verb == "delete" and form.get("disks", "delete") != "keep"
    return f"delete {count}" if destroys and count else ""


def _change(verb: str) -> Change:
    if verb not in VERBS:
        raise NotFound("There is no such action on many VMs.")
    return CHANGES[verb]


def _prospects(visit: Visit, change: Change, refs: str, form: Mapping[str, str]) -> list[Prospect]:
    ids = [ref for ref in refs.split(",") if ref]
    if len(ids) > MAX_VMS:
        remedy = "Pick fewer, or use the command line."
        raise InvalidRequest(f"Act on {MAX_VMS} VMs at once at most.", field="refs", remedy=remedy)
    vms = visit.services.vms.many(ids, principal=visit.principal)
    return [_prospect(visit, change, vm, form) for vm in sorted(vms, key=lambda vm: vm.name)]


def _prospect(visit: Visit, change: Change, vm: Vm, form: Mapping[str, str]) -> Prospect:
    ask = Ask(services=visit.services, principal=visit.principal, ref=vm.id, subject=vm, form=form)
    try:
        return Prospect(ask=ask, plan=change.plan(ask) if change.plan else None)
    except CastaliaError as error:
        return Prospect(ask=ask, refused=error)


def _outlook(visit: Visit, change: Change, refs: str, form: Mapping[str, str]) -> dict[str, Any]:
    prospects = _prospects(visit, change, refs, form)
    able = [one for one in prospects if one.possible]
    return {
        "change": change,
        "prospects": prospects,
        "able": len(able),
        "word": confirm_word(change, len(able), form),
        "command": _command(change, able) if able else None,
    }


def _dialog(
    visit: Visit,
    change: Change,
    refs: str,
    form: Mapping[str, str],
    *,
    error: CastaliaError | None = None,
) -> Response:
    first = Ask(services=visit.services, principal=visit.principal, ref="", subject=None, form=form)
    status = 422 if error else 200
    outlook = _outlook(visit, change, refs, form)
    return visit.part(
        "dialog/bulk.html", status=status, refs=refs, ask=first, error=error, **outlook
    )


def _command(change: Change, able: list[Prospect]) -> Command | Script:
    if change.verb == "delete":
        each = [change.command(one.ask) for one in able]
        return Script(
            cli="\n".join(one.cli for one in each), curl="\n".join(one.curl for one in each)
        )
    names = [one.vm.name for one in able]
    body = {"action": change.verb, "refs": [one.vm.id for one in able]}
    return Command(words=["vm", change.verb, *names], path="/vms/actions", method="POST", body=body)
