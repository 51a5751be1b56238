"""The commands `theanojax run`, `launch`, `convert`, `info` and so on; `python -m theanojax` is the same."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import sys

API = "Theano 1.0.5"
FOR_NOTEBOOKS = ("ipykernel", "jupyter_client", "nbclient", "nbformat")
LIBRARIES = ("jax", "jaxlib", "numpy", "scipy", "pydot", "fissix", "six")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="theanojax", description=f"The API of {API} on JAX.")
    parser.add_argument("--version", action="version", version=f"theanojax {version('theanojax')} (the API of {API})")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run",
        help="run a program written for Theano, in Python 2 or 3",
        usage="theanojax run [-2 | -3] (script.py | folder | - | -m module | -c code) [arguments ...]\n"
        "       theanojax run [-2 | -3] [--allow-errors] notebook.ipynb",
    )
    _python_options(run)
    run.add_argument("--allow-errors", action="store_true", help="go on after cells of a notebook that fail")
    _program_options(run, "a file (a notebook, too), a folder with a __main__.py, or - for standard input")
    launch = commands.add_parser(
        "launch",
        help="run a program in several processes, which train together",
        usage="theanojax launch -n N [--devices D] [--timeout S] [-2 | -3] (script.py | folder | -m module | -c code) "
        "[arguments ...]",
    )
    launch.add_argument("-n", type=_positive, required=True, help="how many processes")
    launch.add_argument("--devices", type=_positive, help="how many devices each process has")
    launch.add_argument("--timeout", type=_positive, default=60, help="seconds that a process waits for another")
    _python_options(launch)
    _program_options(launch, "a file, or a folder with a __main__.py")
    convert = commands.add_parser(
        "convert",
        help="write an old program in Python 3, with today's names",
        usage="theanojax convert [-2 | -3] [--to py] [--diff | --check] [-o OUT] (script.py | notebook.ipynb | folder)",
    )
    _python_options(convert)
    convert.add_argument("source", help="a script, a notebook or a folder")
    convert.add_argument("-o", "--output", help="the file or folder to write (standard output if not given)")
    convert.add_argument("--to", choices=["py"], help="a notebook becomes a script with a # %%%% line for each cell")
    how = convert.add_mutually_exclusive_group()
    how.add_argument("--diff", action="store_true", help="print the changes, write nothing")
    how.add_argument(
        "--check", action="store_true", help="only say what somebody has to look at; status 1 if it changes"
    )
    commands.add_parser("info", help="print versions, device, folders and flags: what a report of a bug needs")
    kernel = commands.add_parser("install-kernel", help="let Jupyter open old notebooks as they are")
    kernel.add_argument("--name", default="theanojax", help="python2: for notebooks that ask for it by this name")
    kernel.add_argument("--user", action="store_true", help="for all environments of this user, not for this one alone")
    commands.add_parser("config", help="print every configuration flag with its value")
    args = parser.parse_args(arguments)
    try:
        return _command(args, {"run": run, "launch": launch}.get(args.command, parser))
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in FOR_NOTEBOOKS:
            raise
        print(f"theanojax: notebooks need {error.name}: pip install 'theanojax[notebook]'", file=sys.stderr)
        return 2
    except BrokenPipeError:  # what reads our output, `head` say, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _command(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if args.command == "run":
        return _run(parser, args)
    if args.command == "launch":
        from theanojax.parallel import launch as launching

        kind, target, own = _program(parser, args)
        if target == "-" or target.endswith(".ipynb"):
            parser.error("a notebook, or standard input, cannot run in several processes")
        if kind == "script" and not os.path.exists(target):  # once, and not by each process
            parser.error(f"can't open file {target!r}: no such file")
        return launching.launch(args.n, kind, target, own, args.python, args.devices, args.timeout)
    if args.command == "convert":
        from theanojax.legacy import convert as converting

        return converting.main(args.source, args.output, args.to, args.python, args.diff, args.check)
    if args.command == "install-kernel":
        from theanojax.legacy import notebook

        return notebook.install_kernel(args.name, args.user)
    if args.command == "info":
        info()
        return 0
    from theanojax.config import config

    print(config)
    return 0


def _python_options(parser: argparse.ArgumentParser) -> None:
    python = parser.add_mutually_exclusive_group()
    for version in (2, 3):
        python.add_argument(
            f"-{version}",
            f"--python{version}",
            dest="python",
            action="store_const",
            const=version,
            help=f"it is written in Python {version}",
        )


def _program_options(parser: argparse.ArgumentParser, script: str) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-m", dest="module", nargs=argparse.REMAINDER, help="a module, by its dotted name")
    what.add_argument("-c", dest="code", nargs=argparse.REMAINDER, help="the code itself")
    parser.add_argument("script", nargs="?", help=script)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the program's own")


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no positive number")
    return int(text)


def _program(parser: argparse.ArgumentParser, args: argparse.Namespace) -> tuple[str, str, list[str]]:
    """(kind, target, arguments) of the program to run."""
    for kind, words in (("module", args.module), ("code", args.code)):
        if words is not None:
            if not words:
                parser.error(f"argument -{kind[0]}: expected a {kind}")
            return kind, words[0], words[1:]
    if args.script is None:
        parser.error("nothing to run")
    return "script", args.script, args.arguments


def _run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    kind, target, own = _program(parser, args)
    if kind == "script" and target.endswith(".ipynb"):
        from theanojax.legacy import notebook

        return notebook.run(target, own or ["--allow-errors"] * args.allow_errors, args.python)
    if args.allow_errors:
        parser.error("--allow-errors is for notebooks")
    from theanojax.legacy import runner

    return runner.run(target, own, kind, args.python)


def version(name: str) -> str | None:
    """The installed version of a distribution; None if it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def info() -> None:
    """Print versions, device, folders, and the flags that are not as they come."""
    from theanojax.config import config
    from theanojax.configparser import given_flags
    from theanojax.runtime.native import GCC_compiler
    from theanojax.runtime.xla import platform as device

    theano = importlib.util.find_spec("theano")
    rows: list[tuple[str, str | None]] = [
        ("theanojax", f"{version('theanojax') or 'not installed'}, the API of {API}"),
        ("Python", sys.version.replace("\n", " ")),
    ]
    rows += [("system", platform.platform())]
    rows += [(name, version(name) or "not installed") for name in LIBRARIES]
    rows += [
        ("theano", theano.origin if theano else None),
        ("device", device.describe()),
        ("C++", GCC_compiler.version_str() or "none: Ops that are written in C alone do not run"),
        ("compiledir", config.compiledir),
    ]
    for name, value in rows:
        print(f"{name:<12}{value}")
    print("flags given:", *map("=".join, given_flags().items()))


if __name__ == "__main__":
    sys.exit(main())
