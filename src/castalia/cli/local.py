"""`castalia up`, `down` and `serve`: the manager on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from castalia.cli.failures import CommandFailed
from castalia.cli.state import STATE

_HELLO = "hello"
_TEMPLATE = "micro"
_AGENT_LIMIT_S = 180.0


def serve(
    state_dir: Annotated[Path | None, typer.Option(help="Where it keeps its data.")] = None,
    bind: Annotated[
        str | None, typer.Option(help="Address to listen on; loopback unless TLS is given.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="TCP port.")] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(help="PEM file of the certificate chain.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of the private key.")] = None,
) -> None:
    """Run the manager in the foreground."""
    given = {
        "--state-dir": state_dir,
        "--bind": bind,
        "--port": port,
        "--tls-certificate": tls_certificate,
        "--tls-key": tls_key,
    }
    options = [f"{name}={value}" for name, value in given.items() if value is not None]
    argv = [sys.executable, "-m", "castalia.daemon", "serve", *options]
    sys.stdout.flush()
    os.execv(sys.executable, argv)  # noqa: S606 -- the same interpreter, no shell


def down() -> None:
    """Stop the manager on this machine; its VMs run on."""
    from castalia.cli.output import note

    answer = _daemon("stop")
    note("The manager was stopped; VMs run on." if answer["stopped"] else "No manager runs here.")


def reset_password() -> None:
    """Give the administrator of this machine a new password."""
    from castalia.cli.output import show_raw

    answer = _daemon("reset-password")
    if not show_raw(answer):
        typer.echo(f"{answer['user']} / {answer['password']}   (shown this once)")


def up(
    guest: Annotated[
        bool, typer.Option("--guest/--no-guest", help="Also build a template and start a VM.")
    ] = True,
) -> None:
    """Start libvirt, the manager, a template and a VM."""
    from castalia.cli.phases import phase

    with phase("libvirt") as say:
        from castalia.cli.libvirt_daemons import ensure_running

        say(ensure_running())
    with phase("manager") as say:
        manager = _daemon("start")
        say("runs already" if manager["running_before"] else f"started, log in {manager['log']}")
    with phase("login") as say:
        password = _log_in(manager)
        say("as admin")
    with phase("host") as say:
        say(_ensure_host(manager["uri"]))
    address = ""
    if guest:
        with phase(f"template {_TEMPLATE}") as say:
            say(_ensure_template())
        with phase(f"VM {_HELLO}") as say:
            say(_ensure_vm())
        with phase("guest agent") as say:
            address = _await_agent()
            say(f"answers, address {address or 'none (user-mode network)'}")
    _summary(manager["url"], password, address, guest=guest)


def _daemon(verb: str, *arguments: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "castalia.daemon", verb, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason was given"]
        remedy = "\n".join(lines[1:]).strip().removeprefix("→ ")
        raise CommandFailed(lines[0].removeprefix("Error: "), remedy=remedy)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _log_in(manager: dict[str, Any]) -> str:
    """Makes sure that the current context can talk to the manager; returns a first password
    once."""
    from castalia.cli import config

    _forget_client()
    known = config.load()
    context = known.contexts.get("local")
    if context and context.url == manager["url"] and _accepted():
        return ""
    answer = _daemon("first-admin")
    fresh = config.Context(
        url=manager["url"], token=answer["token"], ca_file=manager.get("ca_file", "")
    )
    config.save(config.Config(current="local", contexts=known.contexts | {"local": fresh}))
    _forget_client()
    return str(answer["password"])


def _forget_client() -> None:
    """The next request goes to the context as it is then."""
    STATE.__dict__.pop("client", None)


def _accepted() -> bool:
    try:
        STATE.client.get("/session")
    except CommandFailed:
        return False
    return True


def _job(answer: dict[str, Any]) -> dict[str, Any]:
    from castalia.cli.follow import follow

    return follow(answer)


def _ensure_host(uri: str) -> str:
    hosts = list(STATE.client.pages("/hosts"))
    mine = [host for host in hosts if host["uri"] == uri]
    if not mine:
        _job(STATE.client.change("POST", "/hosts", json={"uri": uri}))
        mine = [host for host in STATE.client.pages("/hosts") if host["uri"] == uri]
    finding = mine[0]["facts"]["capabilities"]["accelerator"] if mine[0]["facts"] else {}
    return f"{mine[0]['name']}, {finding.get('accelerator', 'connecting')}"


def _ensure_template() -> str:
    names = {item["name"] for item in STATE.client.pages("/templates")}
    if _TEMPLATE in names:
        return "is there"
    body = {"source": {"builder": _TEMPLATE}}
    _job(STATE.client.change("POST", "/templates", json=body))
    return "built"


def _ensure_vm() -> str:
    found = [vm for vm in STATE.client.pages("/vms") if vm["name"] == _HELLO]
    if not found:
        spec = {"name": _HELLO, "template": _TEMPLATE, "description": "The first VM."}
        _job(STATE.client.change("POST", "/vms", json={"spec": spec}))
        return "made and started"
    if found[0]["state"] in ("stopped", "suspended", "crashed"):
        _job(STATE.client.change("POST", f"/vms/{_HELLO}/start", json={}))
        return "started"
    return str(found[0]["state"])


def _await_agent() -> str:
    from castalia.cli.waiting import await_vm

    vm = await_vm(
        _HELLO, lambda vm: vm["agent_connected"] and vm["addresses"], limit_s=_AGENT_LIMIT_S
    )
    from castalia.cli.vm import main_address

    return main_address(vm)


def _summary(url: str, password: str, address: str, *, guest: bool) -> None:
    program = "castalia" if _on_path() else ".venv/bin/castalia"
    lines = ["", f"  Castalia   {url}"]
    if password:
        lines.append(f"  log in     admin / {password}   (shown this once)")
    if guest:
        lines.append(f"  hello      {address or 'running'}")
    lines += ["", "  Try next:"]
    commands = (
        [f"{program} vm exec hello -- uname -a", f"{program} vm console hello"]
        if guest
        else [f"{program} template build micro", f"{program} vm create web1 --template micro"]
    )
    commands.append(
        f"{program} vm create 'web-{{n}}' --template micro --count 3"
        if guest
        else f"{program} vm list"
    )
    lines += [f"    {command}" for command in commands]
    typer.echo("\n".join(lines))


def _on_path() -> bool:
    import shutil

    found = shutil.which("castalia")
    mine = Path(sys.executable).parent / "castalia"
    return found is not None and Path(found).resolve() == mine.resolve()
