"""The program: global options, commands per noun, and how errors end it."""

import os
import sys
from typing import Annotated

import typer

from castalia import __version__
from castalia.cli import access, host, job, local, network, overview, ssh_key, storage, template, vm
from castalia.cli.failures import CommandFailed, Exit, warn
from castalia.cli.state import STATE, Format
from castalia.errors import CastaliaError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Castalia, a server-virtualization manager.",
)
app.add_typer(vm.app, name="vm")
app.add_typer(host.app, name="host")
app.add_typer(template.app, name="template")
app.add_typer(storage.repositories, name="repository")
app.add_typer(storage.volumes, name="volume")
app.add_typer(network.app, name="network")
app.add_typer(job.app, name="job")
app.add_typer(access.users, name="user")
app.add_typer(access.tokens, name="token")
app.add_typer(ssh_key.app, name="ssh-key")
app.add_typer(access.contexts, name="context")
app.command()(overview.status)
app.command()(overview.events)
app.command()(overview.audit)
app.command()(local.up)
app.command()(local.down)
app.command()(local.reset_password)
app.command()(local.serve)

_INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"castalia {__version__}")
        raise typer.Exit


@app.callback()
def options(
    output: Annotated[
        Format, typer.Option("--output", "-o", help="How answers are written.")
    ] = Format.TABLE,
    context: Annotated[str, typer.Option(help="Which manager; see: castalia context list")] = "",
    version: Annotated[  # noqa: ARG001 -- its callback has answered already
        bool, typer.Option("--version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options that stand before the command."""
    STATE.format, STATE.context = output, context


def main() -> None:
    """Runs the command line; never shows a traceback."""
    arguments = _output_first(sys.argv[1:])
    try:
        app(arguments)
    except CommandFailed as error:
        _end(error)
    except CastaliaError as error:
        _end(CommandFailed(error.message, remedy=error.remedy, code=Exit.USAGE))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)
    except Exception as error:
        if os.environ.get("CASTALIA_DEBUG"):
            raise
        remedy = "Set CASTALIA_DEBUG=1 and run it again to see where."
        _end(CommandFailed(f"Something went wrong in this program: {error!r}", remedy=remedy))


def _output_first(arguments: list[str]) -> list[str]:
    """Lets `-o json` stand anywhere before `--`: people type it last."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for number, argument in enumerate(arguments[:end]):
        pair = arguments[number : min(number + 2, end)]
        if argument in ("-o", "--output") and len(pair) == 2 and pair[1] in list(Format):
            return pair + arguments[:number] + arguments[number + 2 :]
    return arguments


def _end(failure: CommandFailed) -> None:
    warn(failure)
    sys.exit(failure.code)


if __name__ == "__main__":
    main()
