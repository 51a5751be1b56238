"""The commands: `python -m theanojax run script.py`, and `python -m theanojax config`."""

from __future__ import annotations

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="theanojax", description="Theano's API on JAX.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a script written for Theano, in Python 2 or 3")
    run.add_argument("script", help="the script; arguments after it are its own")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("config", help="print every configuration flag with its value")
    args = parser.parse_args(arguments)
    if args.command == "run":
        from theanojax.legacy import runner

        return runner.run(args.script, args.arguments)
    from theanojax.config import config

    print(config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
