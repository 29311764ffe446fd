"""`castalia job`."""

import typer

from castalia.cli.options import Filter, JobRef, Limit, Wait, address
from castalia.cli.state import STATE, Format

app = typer.Typer(no_args_is_help=True, help="Jobs: what Castalia does and did.")


@app.command("list")
def list_jobs(filter: Filter = "", limit: Limit = 30) -> None:
    """List jobs, newest first."""
    from castalia.cli.output import age, field, show_list

    columns = [
        ("id", field("id")),
        ("title", field("title")),
        ("state", field("state")),
        ("%", field("percent")),
        ("by", field("created_by")),
        ("age", lambda j: age(j["created_at"])),
        ("note", lambda j: j["error"] or j["waiting_for"] or j["message"]),
    ]
    items = STATE.client.pages("/jobs", limit=limit, filter=filter)
    show_list(items, columns, empty="No job yet.", searched=filter)


@app.command()
def show(job: JobRef) -> None:
    """Show a job with its steps."""
    from castalia.cli.output import age, show_object

    item = STATE.client.get(f"/jobs/{address(job)}")
    steps = [
        ("step", f"{step['name']}: {step['state']}" + (f" ({step['error']})" * bool(step["error"])))
        for step in item["steps"]
    ]
    rows = [
        ("title", item["title"]),
        ("id", item["id"]),
        ("state", item["state"]),
        ("progress", f"{item['percent']} % {item['message']}"),
        ("waits for", item["waiting_for"]),
        *steps,
        ("error", item["error"]),
        ("remedy", item["remedy"]),
        ("by", item["created_by"]),
        ("age", age(item["created_at"])),
    ]
    show_object(item, rows)


@app.command()
def follow(job: JobRef) -> None:
    """Wait for a job's end; exit code 7 if it fails."""
    from castalia.cli import follow as following

    following.finish(STATE.client.get(f"/jobs/{address(job)}"), wait=True)


@app.command()
def log(job: JobRef) -> None:
    """Print a job's log."""
    from castalia.cli.output import note, show_raw

    lines = STATE.client.get(f"/jobs/{address(job)}/log")
    if not lines["items"] and STATE.format is Format.TABLE:
        note("The job has written no log.")
    elif not show_raw(lines["items"]):
        for line in lines["items"]:
            typer.echo(f"{line['at'][:19].replace('T', ' ')}  {line['level']:<7}  {line['text']}")


@app.command()
def cancel(job: JobRef) -> None:
    """Ask a job to stop; what it has done is undone."""
    from castalia.cli.output import note, show_raw

    item = STATE.client.change("POST", f"/jobs/{address(job)}/cancel")
    if not show_raw(item):
        note(f"{item['title']}: {item['state']}, asked to stop.")


@app.command()
def retry(job: JobRef, wait: Wait = True) -> None:
    """Run a failed or cancelled job again."""
    from castalia.cli import follow as following

    following.finish(STATE.client.change("POST", f"/jobs/{address(job)}/retry"), wait=wait)
