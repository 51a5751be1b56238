"""Failures at the seams of a call: each function below raises now and then, before its work or after."""

import importlib
import random
import threading

SEAMS = """
compile.function_object:Function._run
compile.function_object:raw
graph.cells:commit
runtime.executor:XlaExecutor.call
runtime.executor:XlaExecutor._first_program
runtime.executor:XlaExecutor._rebuild
runtime.executor:commit
runtime.host:HostExecutor._run
runtime.host:to_host
runtime.planning.numpy_program:to_host
runtime.program:Stages.run
runtime.program:Stages._deliver
runtime.program:build
runtime.planning.plan:compile_program
runtime.program:to_numpy
runtime.xla.stage:XlaStage._call
runtime.xla.stage:XlaStage._compute
runtime.xla.stage:XlaStage._first_call
runtime.xla.stage:XlaStage.special_for
runtime.xla.stage:XlaStage._replace
runtime.xla.stage:XlaStage._room
runtime.xla.stage:XlaStage._specialised
runtime.xla.stage:XlaStage._traced_call
runtime.xla.stage:XlaStage._variant
runtime.xla.stage:shapes_of
runtime.xla.stage:wait
runtime.xla.trace:TraceContext.step
runtime.xla.transfer:Staging.stage
runtime.policy.loop_kernels:LoopKernels._timed
""".split()


class Injected(Exception):
    """A failure that a seam was asked for."""


class InjectedMemoryError(Injected, MemoryError):
    """The same, of memory."""


class _Armed(threading.local):
    share = 0.0
    random = random


armed = _Armed()


def check():
    """AttributeError or ImportError if a seam is not there."""
    for seam in SEAMS:
        owner, name = _owner(seam)
        getattr(owner, name)


def install():
    """Put the faults in place; they stay off until a thread sets ``armed.share``, the part of passages that fail."""
    for seam in SEAMS:
        owner, name = _owner(seam)
        setattr(owner, name, _failing(getattr(owner, name), seam))


def _owner(seam):
    """(the module or class, the name in it) that a seam names."""
    path, _, name = seam.partition(":")
    owner = importlib.import_module("theanojax." + path)
    *classes, name = name.split(".")
    for part in classes:
        owner = getattr(owner, part)
    return owner, name


def _failing(function, seam):
    def passage(*args, **kwargs):
        if not armed.share or armed.random.random() >= armed.share:
            return function(*args, **kwargs)
        error = armed.random.choice([Injected, InjectedMemoryError])
        if armed.random.random() < 0.5:
            raise error("before " + seam)
        function(*args, **kwargs)
        raise error("after " + seam)

    return passage
