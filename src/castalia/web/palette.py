"""The command palette: objects by search, pages and actions by name."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from castalia.model.access import Principal, Role
from castalia.model.overview import Hit
from castalia.web.changes import Change
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
_LIMIT = 12
_MOST_ACTIONS = 8


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
    """What fits the typed words: objects first, then actions, then pages."""
    text = text.strip()
    hits = _find(visit, text)
    groups = [
        ("Objects", [_object(hit) for hit in hits]),
        ("Actions", _actions(text, hits, visit.principal)[:_MOST_ACTIONS]),
        ("Pages", _pages(text, visit.principal.role)),
    ]
    shown = [(name, entries) for name, entries in groups if entries]
    return visit.part("layout/palette_hits.html", groups=shown, text=text)


def _find(visit: Visit, text: str) -> list[Hit]:
    """Objects that fit; where none fits all words (`web1 stop`), those that fit the first."""
    for words in (text, text.partition(" ")[0]):
        if words and (hits := _search(visit, words)):
            return hits
    return []


def _search(visit: Visit, text: str) -> list[Hit]:
    return visit.services.search.find(text, limit=_LIMIT, principal=visit.principal)


def _object(hit: Hit) -> Entry:
    return Entry(
        icon=_ICONS.get(hit.noun, "search"),
        label=hit.name,
        detail=hit.detail,
        href=_PAGES.get(hit.noun, "/") + hit.id,
    )


def _matches(words: list[str], *texts: str) -> bool:
    whole = " ".join(texts).lower()
    return all(word in whole for word in words)


def _actions(text: str, hits: list[Hit], who: Principal) -> list[Entry]:
    """Actions without an object by their names; with a VM's name typed, that VM's actions too."""
    words = text.lower().split()
    entries = [
        Entry(icon=change.icon, label=change.label, dialog=change.address)
        for changes in NOUNS.values()
        for change in changes.values()
        if _stands_alone(change) and who.role.allows(change.role) and _matches(words, change.label)
    ]
    if who.role.allows(Role.OPERATOR) and _matches(words, "new create vm"):
        entries.insert(0, Entry(icon="plus", label="Create a VM", href="/vms/new"))
    return entries + [entry for hit in hits[:3] for entry in _for_vm(hit, words, who.role)]


def _stands_alone(change: Change) -> bool:
    return change.noun != "vm" and change.verb in {
        "add",
        "build",
        "import-url",
        "import-upload",
        "import-file",
    }


def _for_vm(hit: Hit, words: list[str], role: Role) -> list[Entry]:
    if hit.noun != "vm" or len(words) < 2:
        return []
    return [
        Entry(
            icon=change.icon,
            label=f"{change.label} {hit.name}",
            dialog=f"{change.address}?ref={hit.id}",
        )
        for change in NOUNS["vm"].values()
        if role.allows(change.role) and _matches(words, change.label, change.verb, hit.name)
    ]


def _pages(text: str, role: Role) -> list[Entry]:
    words = text.lower().split()
    return [
        Entry(icon=section.icon, label=section.label, href=section.href)
        for section in navigation(role)
        if _matches(words, section.label)
    ]
