"""The one dialog behind every action: what it asks for, its plan and command, and running it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from castalia.errors import CastaliaError, Forbidden, InvalidRequest, NotFound
from castalia.http.problems import status_of
from castalia.model.job import Job
from castalia.web import (
    changes_access,
    changes_host,
    changes_job,
    changes_network,
    changes_storage,
    changes_template,
    changes_vm,
)
from castalia.web.changes import Ask, Change, Shown
from castalia.web.visit import Form, ViewerVisit, Visit

router = APIRouter(include_in_schema=False)
Find = Callable[[Visit, str], Any]

NOUNS: Mapping[str, Mapping[str, Change]] = {
    "vm": changes_vm.CHANGES,
    "host": changes_host.CHANGES,
    "template": changes_template.CHANGES,
    "repository": changes_storage.CHANGES,
    "network": changes_network.CHANGES,
    "job": changes_job.CHANGES,
    "user": changes_access.USER_CHANGES,
    "token": changes_access.TOKEN_CHANGES,
    "ssh-key": changes_access.KEY_CHANGES,
}
SUBJECTS: Mapping[str, Find] = {
    "vm": lambda visit, ref: visit.services.vms.get(ref, principal=visit.principal),
    "host": lambda visit, ref: visit.services.hosts.get(ref, principal=visit.principal),
    "template": lambda visit, ref: visit.services.templates.get(ref, principal=visit.principal),
    "repository": lambda visit, ref: visit.services.storage.repository(
        ref, principal=visit.principal
    ),
    "network": lambda visit, ref: visit.services.networks.get(ref, principal=visit.principal),
    "job": lambda visit, ref: visit.services.jobs.get(ref, principal=visit.principal),
    "user": lambda visit, ref: visit.services.users.get(ref, principal=visit.principal),
}


@router.get("/do/{noun}/{verb}")
def open_dialog(visit: ViewerVisit, noun: str, verb: str, ref: str = "") -> Response:
    """The dialog as it opens; other parts of the address fill its fields."""
    change = _change(visit, noun, verb)
    ask = _ask(visit, noun, ref, dict(visit.request.query_params))
    return _dialog(visit, change, ask)


@router.post("/do/{noun}/{verb}/plan")
def show_plan(visit: ViewerVisit, form: Form, noun: str, verb: str, ref: str = "") -> Response:
    """The plan and the command for what the form holds now."""
    change = _change(visit, noun, verb)
    ask = _ask(visit, noun, ref, form)
    return visit.part("dialog/outlook.html", change=change, ask=ask, **_outlook(change, ask))


@router.post("/do/{noun}/{verb}")
def run_change(visit: ViewerVisit, form: Form, noun: str, verb: str, ref: str = "") -> Response:
    """Does it; a refusal comes back in the dialog."""
    change = _change(visit, noun, verb)
    ask = _ask(visit, noun, ref, form)
    try:
        _check_name(change, ask)
        outcome = change.run(ask)
    except CastaliaError as error:
        return _dialog(visit, change, ask, error=error)
    return _answer(visit, change, outcome)


def _change(visit: Visit, noun: str, verb: str) -> Change:
    change = NOUNS.get(noun, {}).get(verb)
    if change is None:
        raise NotFound("There is no such action.")
    if not visit.principal.role.allows(change.role):
        remedy = f"Ask an administrator for the role {change.role}."
        raise Forbidden(f"This needs the role {change.role}.", remedy=remedy)
    return change


def _ask(visit: Visit, noun: str, ref: str, form: Mapping[str, str]) -> Ask:
    find = SUBJECTS.get(noun)
    return Ask(
        services=visit.services,
        principal=visit.principal,
        ref=ref,
        subject=find(visit, ref) if find and ref else None,
        form=form,
    )


def _outlook(change: Change, ask: Ask) -> dict[str, Any]:
    """What is ahead: the plan, or why there is none, and the command."""
    try:
        plan = change.plan(ask) if change.plan else None
        return {"plan": plan, "refused": None, "command": change.command(ask)}
    except CastaliaError as error:
        return {"plan": None, "refused": error, "command": None}


def _dialog(
    visit: Visit, change: Change, ask: Ask, *, error: CastaliaError | None = None
) -> HTMLResponse:
    status = status_of(error) if error else 200
    return visit.part(
        "dialog/dialog.html",
        status=status,
        change=change,
        ask=ask,
        error=error,
        **_outlook(change, ask),
    )


def _check_name(change: Change, ask: Ask) -> None:
    if not change.confirm_name(ask):
        return
    name = confirm_word(ask)
    if ask.text("typed_name") != name:
        remedy = f"Type {name} to confirm."
        raise InvalidRequest("The name does not match.", field="typed_name", remedy=remedy)


def confirm_word(ask: Ask) -> str:
    """The name that has to be typed before something is destroyed."""
    return ask.text("volume") or str(getattr(ask.subject, "name", ask.ref))


def _answer(visit: Visit, change: Change, outcome: object) -> Response:
    if isinstance(outcome, Shown):
        return visit.part("dialog/shown.html", shown=outcome)
    event: dict[str, Any] = {"castalia:done": {"text": change.done or "Done."}}
    if isinstance(outcome, Job):
        event = {"castalia:job": {"id": outcome.id}}
    return Response(status_code=204, headers={"HX-Trigger": json.dumps(event)})
