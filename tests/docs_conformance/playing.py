"""Run the blocks of a page one after the other, and write down what each prints: a program of its own.

    python playing.py WHO BLOCKS RESULTS

WHO is "theano", on whatever Python has it, or "theanojax". BLOCKS is a file of JSON: "blocks", dictionaries of
pages.Block, and "module", of whose docstring they are: they may use its names. RESULTS gets a line of JSON for each as
it ends: {"number", "text", "error", "said"}. The text has what is printed and, where a part fails, its error; what is
said is warnings and the rest of standard error. The folder it runs in gets a file for each part, so that tracebacks
have their lines.
"""

import ast
import builtins
import contextlib
import importlib
import io
import json
import os
import random
import re
import signal
import sys
import time
import traceback
import types
import warnings

SECONDS = 120
# What pages take for granted; those that say it, say the same. So are names of these modules.
PREAMBLE = """
import unittest
import numpy
import numpy as np
import theano
import theano.tensor as T
from theano import function, shared, tensor
from theano.gof import Apply, Op
"""


class Said(io.StringIO):
    """Standard error, which loggers keep from the first import on; `take` is what came since the last."""

    def take(self):
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


class TooLong(BaseException):
    """A part took longer than SECONDS."""


class OnTheano:
    """Runs parts as they are; those in Python 2 as lib2to3 writes them."""

    def __init__(self):
        time.clock = time.process_time  # which Python had when the pages were written

    def execute(self, names, path, source, version, change):
        if version == 2:
            from lib2to3.refactor import RefactoringTool, get_fixers_from_package

            source = str(RefactoringTool(get_fixers_from_package("lib2to3.fixes")).refactor_string(source, path))
        tree = ast.parse(source, path)
        change(tree)
        exec(compile(tree, path, "exec", dont_inherit=True), names)


class OnOurs:
    """Runs parts as `theanojax run` runs a script."""

    def __init__(self):
        from theanojax.legacy import importer, old_numpy, runner

        importer.install()
        old_numpy.print_as_then()
        self.runner = runner
        self.finders = {v: runner.ScriptFinder(os.getcwd(), v) for v in (2, 3)}
        sys.meta_path.insert(0, self.finders[3])

    def execute(self, names, path, source, version, change):
        finder = self.finders[version]
        self.runner.execute(names, path, source, finder, change=lambda tree, _: change(tree))


def shown(tree):
    """Have each expression that is a statement of its own shown, as at a prompt."""
    for statement in tree.body:
        if isinstance(statement, ast.Expr):
            hook = ast.Attribute(ast.Name("__shows__", ast.Load()), "displayhook", ast.Load())
            statement.value = ast.Call(hook, [statement.value], [])
    ast.fix_missing_locations(tree)


def play(block, runner, names):
    """The outcome of a block."""
    out, error = io.StringIO(), None
    for k, part in enumerate(block["parts"]):
        path = os.path.abspath("block%d_%d.py" % (block["number"], k + 1))
        with open(path, "w", encoding="utf-8") as file:
            file.write(part)
        try:
            with contextlib.redirect_stdout(out):
                signal.alarm(SECONDS)
                try:
                    change = shown if block["shows"] else lambda tree: None
                    runner.execute(names, path, part, block["version"], change)
                finally:
                    signal.alarm(0)
        except BaseException as raised:  # SystemExit and TooLong, too
            error = type(raised).__name__
            out.write("%s: %s%s\n" % (error, raised, "".join(getattr(raised, "__notes__", ()))))
            sys.__stderr__.write(traceback.format_exc())
            if isinstance(raised, TooLong):
                break
    return {"number": block["number"], "text": out.getvalue(), "error": error, "said": sys.stderr.take()}


def warned(message, category, *where, **more):
    if not issubclass(category, (DeprecationWarning, PendingDeprecationWarning, FutureWarning)):  # of Python, numpy
        sys.stderr.write("%s: %s\n" % (category.__name__, message))


def granted(todo, known):
    """Names that a page uses without saying whose they are."""
    modules = []
    for name in filter(None, (todo["module"], "theano", "theano.tensor")):
        with contextlib.suppress(ImportError):
            modules.append(importlib.import_module(name))
    words = {word for block in todo["blocks"] for part in block["parts"] for word in re.findall(r"[A-Za-z]\w*", part)}
    for word in words - set(known) - set(vars(builtins)):
        for module in modules:
            if hasattr(module, word):
                yield word, getattr(module, word)
                break


def stop(signum, frame):
    raise TooLong("more than %d seconds" % SECONDS)


def main(who, blocks, results):
    with open(blocks, encoding="utf-8") as file:
        todo = json.load(file)
    signal.signal(signal.SIGALRM, stop)
    main = types.ModuleType("__main__")
    main.__shows__ = sys
    sys.modules["__main__"] = main
    sys.path[0] = os.getcwd()
    sys.stderr, warnings.showwarning = Said(), warned
    runner = OnOurs() if who == "theanojax" else OnTheano()
    exec(PREAMBLE, vars(main))
    vars(main).update(dict(granted(todo, vars(main))))
    random.seed(1)
    main.numpy.random.seed(1)
    with open(results, "w", encoding="utf-8") as file:
        for block in todo["blocks"]:
            sys.__stderr__.write("==== block %d\n" % block["number"])
            row = play(block, runner, vars(main)) if block["version"] else {"number": block["number"]}
            file.write(json.dumps(row) + "\n")
            file.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
