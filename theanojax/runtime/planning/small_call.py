"""Calls of functions that are a few operations on some hundred numbers, as one generated function: it looks at the
arguments, takes the values of shared variables, computes, and stores the new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.graph.cells import commit, raw
from theanojax.graph.signals import by_signal
from theanojax.runtime.planning.analysis import broadcastable, dtype_of, ndim_of
from theanojax.runtime.planning.numpy_code import Lines

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.planning.programs import Calls
    from theanojax.runtime.planning.small_program import SmallProgram

    Graph = tuple[Sequence[Variable], Sequence[Variable], Sequence[Apply]]  # inputs, outputs, nodes

UNCOUNTED = 15  # calls, of which whoever counts them is told at the next


def small_call(program: SmallProgram, calls: Calls) -> Callable[..., Any]:
    """What runs calls of a function whose program is `program`; see `xla.entries.Entry.bound`."""
    arguments, cells, updated, numbers, single, other = calls
    inputs, outputs, order = program.graph
    names = ["v%d" % i for i in range(len(inputs))]
    lines = Lines(names, inputs, {}, outputs, order, "NotImplemented" if other is None else "other(*args)")
    results, source = lines.write(lambda node: None, True), lines.source
    given = {"other": other, "program": program, "cells": cells, "updated": updated, "raw": raw, "repeat": repeat}
    source.scope.update(given, commit=commit, by_signal=by_signal, errstate=np.errstate, ndarray=np.ndarray)
    before = source.part()
    before.refuse("len(args) != %d" % arguments)
    if program.in_c is not None:
        before.refuse("program.entered >= %d" % UNCOUNTED)
    if arguments:
        before.lines.append("%s, = args" % ", ".join(names[:arguments]))
    if cells:
        before.lines.append("%s, = map(raw, cells, repeat(0))" % ", ".join(names[arguments:]))
    for i, (name, v) in enumerate(zip(names, inputs)):
        dtype = np.dtype(dtype_of(v))
        if i < arguments and numbers[i] and dtype == np.float64:
            before.lines.append("if type({0}) is float: {0} = array({0})".format(name))
        kind = "type({0}) is not ndarray or {0}.dtype is not {1} or {0}.ndim != {2} or not {0}.flags.aligned"
        ones = ["%s.shape[%d] != 1" % (name, d) for d, stretches in enumerate(broadcastable(v)) if stretches]
        before.refuse(" or ".join([kind.format(name, before.bind(dtype), ndim_of(v)), *ones]))
    long = ["%s.size" % name for name, v in zip(names, inputs) if ndim_of(v)]
    before.refuse(" + ".join([*long, str(len(names) - len(long))]) + " > %d" % program.most)
    outs = ["r%d" % i for i in range(len(outputs))]
    work = source.finished("%s, = %s," % (", ".join(outs), ", ".join(results)))
    after = [
        "if {0}.base is not None or not {0}.flags.c_contiguous: {0} = array({0}, order='C')".format(r) for r in outs
    ]
    returned = outs[: len(outs) - len(updated)]
    if updated:
        after.append("commit(updated, [%s])" % ", ".join(outs[len(returned) :]))
    after.append("program.entered += 1")
    after.append("return %s" % ((returned or ["None"])[0] if single else "[%s]" % ", ".join(returned)))
    refusal = "    if by_signal(error): raise", "    return %s" % source.refusal  # XLA knows, or the host says it
    # whatever the user's settings are: XLA says nothing of overflows and the like
    tried = ["try:", "    with errstate(all='ignore'):", *["        " + line for line in work]]
    return source.compiled("call(*args)", [*before.lines, *tried, "except Exception as error:", *refusal, *after])
