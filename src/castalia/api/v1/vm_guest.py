"""What is inside a VM or about it: its guest, screen, definition, measurements and consoles."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from castalia.api import examples
from castalia.api.answers import Shape, nothing
from castalia.api.bodies import Exec, ExecAnswer, Keys, Ticket, TicketRequest
from castalia.api.deps import Period, Points, Ref, ServicesDep
from castalia.errors import InvalidRequest
from castalia.http.security import Operator, Viewer
from castalia.hypervisor.driver import ExecResult
from castalia.model.metric import Sample
from castalia.model.vm import Address

Documented = dict[int | str, dict[str, Any]]
router = APIRouter(prefix="/vms/{ref}", tags=["VM guests and consoles"])
_SAMPLES, _ADDRESSES = Shape(list[Sample]), Shape(list[Address])
_EXEC, _TICKET = Shape(ExecAnswer), Shape(Ticket)
_IMAGE: Documented = {200: {"content": {"image/png": {}}, "description": "The picture."}}
_XML: Documented = {200: {"content": {"application/xml": {}}, "description": "The definition."}}


@router.post("/exec", operation_id="exec_in_vm", response_model=ExecAnswer)
def exec_in_vm(
    ref: Ref,
    command: Annotated[Exec, Body(examples=[examples.EXEC])],
    services: ServicesDep,
    principal: Operator,
) -> Response:
    """Runs a command in the guest through its agent and waits for it."""
    result = services.vms.exec(
        ref,
        command.argv,
        stdin=_stdin(command),
        timeout_s=command.timeout_s,
        principal=principal,
    )
    return _EXEC(_exec_answer(result))


@router.post("/keys", operation_id="send_keys", status_code=204)
def send_keys(
    ref: Ref,
    keys: Annotated[Keys, Body(examples=[examples.KEYS])],
    services: ServicesDep,
    principal: Operator,
) -> Response:
    """Presses keys together on the VM's keyboard."""
    services.vms.send_keys(ref, keys.keys, principal=principal)
    return nothing()


@router.get("/screenshot", operation_id="get_screenshot", response_class=Response, responses=_IMAGE)
def get_screenshot(ref: Ref, services: ServicesDep, principal: Viewer) -> Response:
    """Shows the VM's screen."""
    picture, mime = services.vms.screenshot(ref, principal=principal)
    return Response(picture, media_type=mime)


@router.get("/xml", operation_id="get_vm_xml", response_class=Response, responses=_XML)
def get_vm_xml(
    ref: Ref,
    services: ServicesDep,
    principal: Viewer,
    *,
    live: Annotated[bool, Query(description="What it runs with, not what it boots with.")] = False,
) -> Response:
    """Shows the VM's libvirt definition."""
    text = services.vms.xml(ref, live=live, principal=principal)
    return Response(text, media_type="application/xml")


@router.get("/addresses", operation_id="get_vm_addresses", response_model=list[Address])
def get_vm_addresses(ref: Ref, services: ServicesDep, principal: Viewer) -> Response:
    """Asks the VM's host for its addresses now."""
    return _ADDRESSES(list(services.vms.addresses(ref, principal=principal)))


@router.get("/metrics", operation_id="get_vm_metrics", response_model=list[Sample])
def get_vm_metrics(
    ref: Ref, period: Period, services: ServicesDep, principal: Viewer, points: Points = 300
) -> Response:
    """Shows how busy the VM was."""
    vm = services.vms.get(ref, principal=principal)
    since, until = period
    return _SAMPLES(
        services.metrics.query(
            f"vm:{vm.id}", since=since, until=until, points=points, principal=principal
        )
    )


@router.post("/tickets", operation_id="create_console_ticket", response_model=Ticket)
def create_console_ticket(
    ref: Ref,
    wanted: Annotated[TicketRequest, Body(examples=[{"kind": "vnc"}])],
    services: ServicesDep,
    principal: Operator,
) -> Response:
    """Gives a pass for one WebSocket to a console, good once and for seconds only."""
    vm = services.vms.get(ref, principal=principal)
    ticket = services.consoles.ticket(vm.id, wanted.kind, principal=principal)
    url = f"/console/vms/{vm.id}/{wanted.kind}?ticket={ticket}"
    return _TICKET(Ticket(ticket=ticket, url=url))


def _stdin(command: Exec) -> bytes:
    if command.encoding == "utf-8":
        return command.stdin.encode(errors="replace")
    try:
        return base64.b64decode(command.stdin, validate=True)
    except binascii.Error as error:
        remedy = "Write it in base64, or leave the encoding at utf-8."
        raise InvalidRequest("stdin is not base64.", field="stdin", remedy=remedy) from error


def _exec_answer(result: ExecResult) -> ExecAnswer:
    code, truncated = result.exit_code, result.truncated
    try:
        out, err = result.stdout.decode(), result.stderr.decode()
        return ExecAnswer(exit_code=code, stdout=out, stderr=err, truncated=truncated)
    except UnicodeDecodeError:
        out, err = (base64.b64encode(data).decode() for data in (result.stdout, result.stderr))
        return ExecAnswer(
            exit_code=code, stdout=out, stderr=err, encoding="base64", truncated=truncated
        )
