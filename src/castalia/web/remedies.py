"""Remedies as people can use them here: a button where a page or dialog does it, else a command to
copy."""

import re
from dataclasses import dataclass

_COMMAND = re.compile(r"^(?P<text>.*): (?P<command>(?:sudo )?castalia [^()`]+?)\.?$", re.DOTALL)
_DIALOGS = {
    ("vm", "start"): ("Start it", "/do/vm/start?ref={}"),
    ("vm", "shutdown"): ("Shut it down", "/do/vm/shutdown?ref={}"),
    ("host", "add"): ("Add a host", "/do/host/add"),
    ("repository", "add"): ("Add a repository", "/do/repository/add"),
    ("token", "create"): ("Make a token", "/do/token/add"),
    ("ssh-key", "add"): ("Add a key", "/do/ssh-key/add"),
}
_PAGES = {
    ("vm", "console"): ("Open its console", "/vms/{}/console"),
    ("host", "show"): ("Show the host", "/hosts/{}"),
    ("job", "list"): ("Show the jobs", "/jobs"),
    ("job", "log"): ("Show its log", "/jobs/{}"),
    ("volume", "import"): ("To the storage", "/storage"),
}


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What to do: in words, as a command if there is one, and as a button if a page does it."""

    text: str
    command: str = ""
    label: str = ""
    dialog: str = ""
    href: str = ""


def remedy_of(text: str) -> Remedy:
    """The remedy in `text`, which ends with its command where it names one: `Start it first:
    castalia vm start web-1`."""
    found = _COMMAND.match(text)
    if found is None:
        return Remedy(text=text)
    command = found["command"].strip()
    noun, verb, ref = [*command.removeprefix("castalia ").split(), "", ""][:3]
    label, dialog = _DIALOGS.get((noun, verb), ("", ""))
    page_label, page = _PAGES.get((noun, verb), ("", ""))
    return Remedy(
        text=f"{found['text']}:",
        command=command,
        label=label or page_label,
        dialog=dialog.format(ref),
        href=page.format(ref),
    )
