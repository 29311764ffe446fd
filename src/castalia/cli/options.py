"""Options and arguments that many commands share."""

from typing import Annotated

import typer

from castalia.cli.complete import names

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the job's end.")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Say what would happen; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Filter = Annotated[
    str, typer.Option("--filter", "-f", help="Search, for example: state:running tag:web cpu>50")
]
Limit = Annotated[int, typer.Option(help="At most so many; 0 for all.")]
VmRef = Annotated[str, typer.Argument(help="Name, id, or host/name.", autocompletion=names("vms"))]
HostRef = Annotated[str, typer.Argument(help="Name or id.", autocompletion=names("hosts"))]
TemplateRef = Annotated[str, typer.Argument(help="Name or id.", autocompletion=names("templates"))]
RepositoryRef = Annotated[
    str, typer.Argument(help="Name, id, or host/name.", autocompletion=names("repositories"))
]
JobRef = Annotated[str, typer.Argument(help="The job's id.", autocompletion=names("jobs"))]


def address(ref: str) -> str:
    """A reference as a part of a URL's path; the API takes `host:name` for `host/name`."""
    from urllib.parse import quote

    return quote(ref.replace("/", ":"), safe=":")
