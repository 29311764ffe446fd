"""Runs every benchmark, one after the other: `python -m bench`, or `python -m bench create`."""

import importlib
import sys
from pathlib import Path


def main() -> None:
    """The benchmarks named as arguments, or all of them."""
    known = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    for name in sys.argv[1:] or known:
        print(f"== {name}")
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
