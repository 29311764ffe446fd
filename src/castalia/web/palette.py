"""The command palette: objects by search, pages and actions by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from castalia.model.access import Role
from castalia.model.overview import Hit
from castalia.model.page import PageRequest
from castalia.model.vm import Vm
from castalia.web.changes import Change
from castalia.web.changes_vm import offered
from castalia.web.dialogs import NOUNS
from castalia.web.frame import navigation
from castalia.web.visit import ViewerVisit, Visit

router = APIRouter(include_in_schema=False)
_PAGES = {
    "vm": "/vms/",
    "host": "/hosts/",
    "template": "/templates/",
    "network": "/networks/",
    "repository": "/storage/",
    "job": "/jobs/",
}
_ICONS = {
    "vm": "device-desktop",
    "host": "server-2",
    "template": "template",
    "network": "network",
    "repository": "database",
    "job": "list-check",
}
_ALONE = {"add", "build", "import-url", "import-upload", "import-file"}
_LIMIT = 12
_MOST_JOBS = 5
_MOST_ACTIONS = 8
_MOST_VMS = 3


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that can be chosen: a page to go to, or a dialog to open."""

    icon: str
    label: str
    detail: str = ""
    href: str = ""
    dialog: str = ""


@router.get("/palette")
def palette_hits(visit: ViewerVisit, text: str = "") -> Response:
    """What fits the typed words: objects, what can be done with them, actions, pages, jobs."""
    text = text.strip()
    words = text.lower().split()
    hits = _find(visit, text)
    groups = [
        ("Objects", [_object(hit) for hit in hits]),
        ("Actions", [*_on_vms(visit, words, hits), *_alone(visit, words)][:_MOST_ACTIONS]),
        ("Pages", _pages(words, visit.principal.role)),
        ("Jobs", _jobs(visit, text)),
    ]
    shown = [(name, entries) for name, entries in groups if entries]
    return visit.part("layout/palette_hits.html", groups=shown, text=text)


def _find(visit: Visit, text: str) -> list[Hit]:
    return visit.services.search.find(text, limit=_LIMIT, principal=visit.principal) if text else []


def _object(hit: Hit) -> Entry:
    return Entry(
        icon=_ICONS.get(hit.noun, "search"),
        label=hit.name,
        detail=hit.detail,
        href=_PAGES.get(hit.noun, "/") + hit.id,
    )


def _jobs(visit: Visit, text: str) -> list[Entry]:
    if not text or ":" in text:
        return []
    asked = PageRequest(limit=_MOST_JOBS, sort="-created", filter=text)
    jobs = visit.services.jobs.list(asked, principal=visit.principal).items
    return [
        Entry(icon=_ICONS["job"], label=job.title, detail=job.state, href=f"/jobs/{job.id}")
        for job in jobs
    ]


def _on_vms(visit: Visit, words: list[str], hits: Sequence[Hit]) -> Iterator[Entry]:
    """`shut web-1` and `web-1 shut` both mean that VM's button; a VM's name alone, all of its
    buttons."""
    named = [hit for hit in hits if hit.noun == "vm"]
    if len(named) == 1:
        yield from _buttons(visit, _vms(visit, named), [])
    for word in words[:1] + words[1:][-1:]:
        rest = [other for other in words if other != word]
        if rest and not named:
            yield from _buttons(visit, _vms(visit, _find(visit, " ".join(rest))), [word])


def _vms(visit: Visit, hits: Sequence[Hit]) -> list[Vm]:
    ids = [hit.id for hit in hits if hit.noun == "vm"][:_MOST_VMS]
    found = visit.services.vms.many(ids, principal=visit.principal) if ids else []
    return sorted(found, key=lambda vm: vm.name)


def _buttons(visit: Visit, vms: Sequence[Vm], words: list[str]) -> Iterator[Entry]:
    for vm in vms:
        for change in offered(vm, visit.principal.role):
            if _matches(words, change.label, change.verb):
                label = f"{change.label} {vm.name}"
                dialog = f"{change.address}?ref={vm.id}"
                yield Entry(icon=change.icon, label=label, detail=vm.state, dialog=dialog)


def _alone(visit: Visit, words: list[str]) -> Iterator[Entry]:
    """Actions that need no object."""
    if visit.operates and _matches(words, "new create vm"):
        yield Entry(icon="plus", label="Create a VM", href="/vms/new")
    for changes in NOUNS.values():
        for change in changes.values():
            if _stands_alone(change) and visit.may(change) and _matches(words, change.label):
                yield Entry(icon=change.icon, label=change.label, dialog=change.address)


def _stands_alone(change: Change) -> bool:
    return change.noun != "vm" and change.verb in _ALONE


def _matches(words: list[str], *texts: str) -> bool:
    whole = " ".join(texts).lower()
    return all(word in whole for word in words)


def _pages(words: list[str], role: Role) -> list[Entry]:
    return [
        Entry(icon=section.icon, label=section.label, href=section.href)
        for section in navigation(role)
        if _matches(words, section.label)
    ]
