"""Jobs as they go on: a progress bar, the end, and the exit code."""

import time
from typing import Any

from castalia.cli.failures import CommandFailed, Exit
from castalia.cli.output import console, note, show_raw
from castalia.cli.state import STATE, Format

_ENDED = {"succeeded", "failed", "cancelled"}
_PAUSES_S = (0.05, 0.05, 0.1, 0.1, 0.2)
_LONGEST_PAUSE_S = 0.5


def finish(job: dict[str, Any], *, wait: bool, done: str = "") -> dict[str, Any]:
    """Shows a job that was just enqueued: follows it to its end with `wait`, else says how to.

    Raises CommandFailed (exit code 7) if the job fails.
    """
    if not wait:
        if not show_raw(job):
            note(f"{job['title']}. Follow it: castalia job follow {job['id']}")
            print(job["id"])  # alone on standard output, for scripts
        return job
    ended = follow(job)
    if not show_raw(ended):
        note(done or f"{ended['title']}: done.")
    return ended


def follow(job: dict[str, Any]) -> dict[str, Any]:
    """Waits for the end of a job, with a progress bar on a terminal, and returns it."""
    ended = _watched(job) if _interactive() else _polled(job)
    if ended["state"] != "succeeded":
        raise CommandFailed(
            f"{ended['title']} {ended['state']}: {ended['error'] or ended['message']}",
            remedy=ended["remedy"] or f"Its log: castalia job log {ended['id']}",
            code=Exit.JOB_FAILED,
        )
    return ended


def _interactive() -> bool:
    return STATE.format is Format.TABLE and console().is_terminal


def _states(job: dict[str, Any]) -> Any:
    for number in range(10_000_000):
        job = STATE.client.get(f"/jobs/{job['id']}")
        yield job
        if job["state"] in _ENDED:
            return
        time.sleep(_PAUSES_S[number] if number < len(_PAUSES_S) else _LONGEST_PAUSE_S)


def _polled(job: dict[str, Any]) -> dict[str, Any]:
    for state in _states(job):
        job = state
    return job


def _watched(job: dict[str, Any]) -> dict[str, Any]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}% {task.fields[message]}", markup=False),
        TimeElapsedColumn(),
        transient=True,
    )
    with bar:
        task = bar.add_task(job["title"], total=100, message="")
        for state in _states(job):
            job = state
            message = job["waiting_for"] or job["message"]
            bar.update(task, completed=job["percent"], message=message)
    return job


def show_plan(plan: dict[str, Any]) -> None:
    """A plan: steps, checks with reasons, what is left afterwards. Exit code 4 if it is blocked."""
    if not show_raw(plan):
        _print_plan(plan)
    if any(check["verdict"] == "blocked" for check in plan["checks"]):
        raise CommandFailed("This cannot be done now; nothing was changed.", code=Exit.REFUSED)


def remark(plan: dict[str, Any]) -> None:
    """Tells people the warnings of a plan that was carried out."""
    for check in plan["checks"]:
        if check["verdict"] == "warning" and STATE.format is Format.TABLE:
            note(f"Note: {check['reason']}" + (f"\n  → {check['remedy']}" * bool(check["remedy"])))


def _print_plan(plan: dict[str, Any]) -> None:
    from rich.markup import escape

    out = console()
    out.print(f"[bold]{escape(plan['title'])}[/]  [dim](plan only, nothing was changed)[/]")
    for number, step in enumerate(plan["steps"], 1):
        out.print(f"  {number}. {step}", markup=False)
    signs = {"ok": "[green]ok[/]     ", "warning": "[yellow]note[/]   "}
    for check in plan["checks"]:
        out.print(f"  {signs.get(check['verdict'], '[red]blocked[/]')} {escape(check['reason'])}")
        if check["remedy"]:
            out.print(f"          → {check['remedy']}", markup=False)
    for name, value in plan["after"].items():
        out.print(f"  [dim]afterwards, {escape(name)}:[/] {escape(str(value))}")
