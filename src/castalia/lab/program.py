"""The lab as a program: `python -m castalia.lab.program VERB`; see `castalia.verbs`.

Each verb but `down` answers with the lab as it is then.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from castalia import verbs
from castalia.lab.host import STATE_DIR
from castalia.lab.lab import Lab


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit code."""
    arguments = _parser().parse_args(argv)
    return verbs.answer(partial(_run, arguments))


def _run(arguments: argparse.Namespace) -> Mapping[str, Any]:
    lab = Lab(arguments.lab, state_dir=arguments.state_dir, leases=not arguments.no_leases)
    work: Callable[[Lab, argparse.Namespace], object] = arguments.work
    work(lab, arguments)
    return asdict(lab.status()) if lab.exists else {"name": lab.name, "hosts": []}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="castalia lab", description="Hosts on this machine.")
    parser.set_defaults(no_leases=False)
    parser.add_argument("--lab", default="lab", help="the lab's name (default: %(default)s)")
    parser.add_argument("--state-dir", type=Path, default=STATE_DIR, help="where labs are kept")
    verb = partial(_verb, parser.add_subparsers(dest="verb", required=True))
    up = verb("up", lambda lab, words: lab.up(words.hosts), "make the lab, boot what is down")
    up.add_argument("--hosts", type=int, default=3, help="at least so many (default: %(default)s)")
    up.add_argument("--no-leases", action="store_true", help="a new lab does without disk leases")
    verb("status", lambda lab, _: lab.status(), "show it")
    verb("down", lambda lab, _: lab.down(), "remove it with all that is in it")
    verb("crash", lambda lab, words: lab.crash(words.host), "cut a host's power", "host")
    verb("start", lambda lab, words: lab.start(words.host), "boot a host again", "host")
    verb("cut", lambda lab, words: lab.cut(words.host), "cut a host's cable", "host")
    verb("heal", lambda lab, words: lab.heal(words.host), "undo cut and slow", "host")
    slow = verb("slow", lambda lab, words: lab.slow(words.host, words.ms), "delay a host", "host")
    slow.add_argument("ms", type=int, help="milliseconds")
    return parser


def _verb(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    work: Callable[[Lab, argparse.Namespace], object],
    text: str,
    *arguments: str,
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(name, help=text, description=text)
    parser.set_defaults(work=work)
    for argument in arguments:
        parser.add_argument(argument, help="h1, h2 …")
    return parser


if __name__ == "__main__":
    sys.exit(main())
