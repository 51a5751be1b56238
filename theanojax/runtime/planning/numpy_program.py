"""Small graphs as generated numpy code, where a call into XLA or a copy for it costs more than the work itself.

Two kinds: a few operations on numbers; and large numpy arguments that reductions and matrix-vector products read,
with elementwise work on vectors around them, such as the training step of a logistic regression. numpy reads
these arguments where they lie. XLA would have to copy them into aligned memory first (the sum of an 80 MB argument
takes numpy 9 ms, the copy and XLA's sum 25 to 35 ms), and its matrix-vector product takes twice BLAS's time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.arrays import HOST
from theanojax.graph.op import Op
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.host import to_host
from theanojax.runtime.planning.analysis import dtype_of, reads_lengths
from theanojax.runtime.planning.plan import Remark
from theanojax.runtime.planning.source import Source
from theanojax.runtime.policy.outcome import DONE, REPLAY
from theanojax.runtime.timing.call import is_looked_into
from theanojax.runtime.xla import platform
from theanojax.runtime.xla.namespace import cast_value
from theanojax.runtime.xla.transfer import STAGED_BYTES

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Cells, NumpyArray, Value
    from theanojax.runtime.planning.programs import Program, Stage
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.timing.call import Recorder

    Run = Callable[..., tuple[list[Value], Outcome]]

MOST_SCALAR_NODES = 12
MOST_NODES = 60
BYTES_PER_ELEMENT = 16  # of large arguments, that pay for one elementwise operation of numpy in place of XLA's

_FLOATS = ("float32", "float64")
_WIDE = ("float64", "complex128", "int64", "uint64")  # where numpy adds up in the dtype of the input
# what numpy's functions of these names do to floats of one dtype is all that the Ops do
_SAME = frozenset(
    """negative exp log log1p square sqrt tanh sin cos abs add subtract multiply true_divide maximum
                  minimum greater greater_equal less less_equal equal not_equal""".split()
)


def scalar_program(
    inputs: Sequence[Variable], outputs: Sequence[Variable], recorder: Recorder | None = None
) -> Program | None:
    """A program, with ``run(values, cells) -> (outputs, DONE)``, for a small graph of Ops on numbers, else None."""
    order = io_toposort(inputs, outputs)
    if len(order) > MOST_SCALAR_NODES or not all(_ndim(v) == 0 for v in (*inputs, *outputs)):
        return None
    for node in order:
        if (
            node.op.array_role != "elementwise"
            or node.op.runs_on_host(node)
            or len(node.outputs) != 1
            or not all(_ndim(v) == 0 for v in node.inputs)
        ):
            return None
    return _Always(generate(inputs, outputs, order, recorder))


class _Always:
    plan = Remark("numpy: a few operations on numbers, as generated code")

    def __init__(self, run: Run) -> None:
        self.run = run

    @staticmethod
    def all_stages() -> list[Stage]:
        return []


class NumpyProgram:
    """Runs generated numpy code where its large arguments are numpy arrays, else the program `otherwise`."""

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        order: Sequence[Apply],
        large: Collection[Variable],
        otherwise: Program,
        recorder: Recorder | None = None,
    ) -> None:
        self.generated = generate(inputs, outputs, order, recorder)
        self.large = [i for i, v in enumerate(inputs) if v in large]
        self.small = [i for i, v in enumerate(inputs) if v not in large and _ndim(v)]
        self.vector_nodes = sum(
            bool(_ndim(n.outputs[0])) and n.outputs[0] not in large
            for n in order
            if n.op.array_role not in ("reduction", "view", "product")
        )
        self.otherwise, self.all_stages = otherwise, otherwise.all_stages
        self.plan = Remark("numpy, as generated code, where the arguments make it quicker; else", otherwise.plan)

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        if self._pays(values):
            return self.generated([to_host(v) for v in values])
        return self.otherwise.run(values, cells)

    def _pays(self, values: Sequence[Value]) -> bool:
        read = length = 0
        for i in self.large:
            v = values[i]
            if type(v) is np.ndarray:
                read += v.nbytes
            length = max(length, *v.shape)
        if read <= STAGED_BYTES:
            return False
        for i in self.small:
            length = max(length, values[i].size)
        return self.vector_nodes * length * BYTES_PER_ELEMENT <= read


def numpy_program(
    inputs: Sequence[Variable], outputs: Sequence[Variable], otherwise: Program, recorder: Recorder | None = None
) -> NumpyProgram | None:
    """A NumpyProgram for a graph of vectors that only reduces and multiplies its large arguments, else None."""
    order = io_toposort(inputs, outputs)
    if not platform.numpy_keeps_up or len(order) > MOST_NODES:
        return None
    large = _only_read(inputs, outputs, order)
    if not any(v in large for v in inputs):
        return None
    for node in order:
        if any(isinstance(v, Constant) and _lengths(v) > 1 for v in node.inputs):
            return None
        if node.outputs[0] in large or reads_lengths(node) is not None:
            continue
        if (
            node.op.runs_on_host(node)
            or type(node.op).compute is Op.compute
            or len(node.outputs) != 1
            or _lengths(node.outputs[0]) > 1
        ):
            return None
        if any(_lengths(v) > 1 and v not in large for v in node.inputs):
            return None
    return NumpyProgram(inputs, outputs, order, large, otherwise, recorder)


def _only_read(inputs: Sequence[Variable], outputs: Sequence[Variable], order: Sequence[Apply]) -> set[Variable]:
    """The arrays among `inputs`, and their transposes, of which the graph uses nothing but reductions and products."""
    large = {v for v in inputs if _ndim(v)}
    large |= {n.outputs[0] for n in order if n.inputs and n.inputs[0] in large and _is_transpose(n)}
    large.difference_update(outputs)
    while True:
        used = {v for n in order for v in n.inputs if v in large and not _reads(n, v, large)}
        used |= {n.inputs[0] for n in order if _is_transpose(n) and n.outputs[0] not in large} & large
        used |= {n.outputs[0] for n in order if _is_transpose(n) and n.inputs[0] not in large} & large
        if not used:
            return large
        large -= used


def _reads(node: Apply, v: Variable, large: set[Variable]) -> bool:
    if node.op.array_role == "reduction":
        return dtype_of(v) in _WIDE
    if node.op.array_role == "product":
        return dtype_of(node.outputs[0]) == dtype_of(v) and any(_ndim(u) == 1 for u in node.inputs)
    return reads_lengths(node) is not None or node.outputs[0] in large


def _is_transpose(node: Apply) -> bool:
    op: Any = node.op
    return op.array_role == "view" and not op.augment and not op.drop


def _ndim(v: Variable) -> int | None:
    return getattr(v.type, "ndim", None)


def _lengths(v: Variable) -> int:
    """The number of dimensions that may be longer than 1."""
    return sum(not b for b in _broadcastable(v))


def _broadcastable(v: Variable) -> Sequence[bool]:
    return getattr(v.type, "broadcastable", ())


def generate(
    inputs: Sequence[Variable], outputs: Sequence[Variable], order: Sequence[Apply], recorder: Recorder | None = None
) -> Run:
    """A function from the list of input values to (list of output values, how it ended).

    A `recorder` is told when each node was done, in calls that are looked into.
    """
    if recorder is not None:
        timed = _generate(inputs, outputs, order, recorder=recorder)
        return _generate(inputs, outputs, order, timed=timed)
    return _generate(inputs, outputs, order)


def _generate(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    order: Sequence[Apply],
    recorder: Recorder | None = None,
    timed: Run | None = None,
) -> Run:
    source = Source(array=np.array, asarray=np.asarray, int64=np.int64, DONE=DONE, REPLAY=REPLAY)
    if timed is not None:
        source.lines.append("if %s() is not None: return %s(a)" % (source.bind(is_looked_into), source.bind(timed)))
    names = {v: "a[%d]" % i for i, v in enumerate(inputs)}
    fresh: set[Variable] = set()
    # numpy takes None, which every input of a function takes, for nan; the host says what Theano says
    taken = [names[v] for v in inputs if _ndim(v) == 0 and any(v in n.inputs for n in order)]
    if taken:
        source.lines.append("if %s: return [], REPLAY" % " or ".join("%s is None" % name for name in taken))
    now = "" if recorder is None else source.bind(perf_counter)
    if now:
        source.lines.append("moments = [%s()]" % now)
    for node in order:
        out = node.outputs[0]
        function, check = _function(node)
        args = []
        for v in node.inputs:
            if isinstance(v, Constant):
                same = dtype_of(node.inputs[_typical(node)])
                args.append(source.bind(v.data.astype(same) if check is not None and dtype_of(v) != same else v.data))
            else:
                args.append(names[v])
        whole = list(dict.fromkeys([a for a, v in zip(args, node.inputs) if check and not any(_broadcastable(v))]))
        source.lines += ["if %s.shape != %s.shape: return [], REPLAY" % (whole[0], a) for a in whole[1:]]
        if isinstance(function, str):
            names[out] = source.let(function % args[0])
        else:
            names[out] = source.let("%s(%s)" % (source.bind(function), ", ".join(args)))
        if now:
            source.lines.append("moments.append(%s())" % now)
        if isinstance(function, np.ufunc) or node.op.array_role == "product":  # a view's function is a text
            fresh.add(out)
    if recorder is not None:
        source.lines.append("%s(moments)" % source.bind(recorder.noting(order)))
    results = []
    for v in outputs:
        name = source.bind(v.data) if isinstance(v, Constant) else names[v]
        results.append("%s(%s)" % ("asarray" if v in fresh else "array", name))
        fresh.discard(v)
    return source.function("run(a, cells=None)", "[%s], DONE" % ", ".join(results))


def _typical(node: Apply) -> int:
    """The position of the first input that is no constant; 0 when all are."""
    return next((i for i, v in enumerate(node.inputs) if not isinstance(v, Constant)), 0)


def _function(node: Apply) -> tuple[Callable[..., Any] | str, bool | None]:
    """(what computes a node, how it treats shapes).

    A function of the inputs, or an expression with a place for the one input. The second is None if it casts and
    checks by itself, False if there is nothing to check, and True if all inputs must have one shape.
    """
    op: Any = node.op  # its `array_role` says what it has
    out, which = node.outputs[0], reads_lengths(node)
    if op.array_role == "elementwise":
        function = _elementwise(node)
        if function is not None:
            return function, bool(_ndim(out))
        if op.scalar_op.is_cast and not _ndim(out) and dtype_of(out) in _FLOATS and dtype_of(node.inputs[0])[0] != "c":
            return np.dtype(dtype_of(out)).type, None
        return (_checked(node, op.compute) if _ndim(out) else _checked(node, op.scalar_op.compute)), None
    if op.array_role == "view":
        order, text = op.shuffle + op.drop, "%s"
        if order != sorted(order):
            text += ".transpose(%s)" % order
        if op.augment or op.drop:
            kept = ["None" if j == "x" else ":" for j in op.new_order] + ["0"] * len(op.drop)
            text += "[%s]" % ", ".join(kept)
        return text, None
    if isinstance(which, int):
        return "int64(%%s.shape[%d])" % which, None
    if op.array_role == "product" and all(dtype_of(v) == dtype_of(out) for v in node.inputs):
        return np.dot, None
    if (
        op.array_role == "reduction"
        and op.scalar_op.name == "add"
        and dtype_of(out) in _FLOATS
        and all(dtype == dtype_of(out) for dtype in (dtype_of(node.inputs[0]), getattr(op, "acc_dtype", dtype_of(out))))
    ):
        return partial(np.add.reduce, axis=op.axis), None
    return _checked(node, op.compute), None


def _elementwise(node: Apply) -> Callable[..., Any] | None:
    """A function of arrays of one floating dtype that need no casts, else None.

    The arrays have one shape, but for those that stretch in each dimension.
    """
    whole: Any = node.op  # elementwise, by its `scalar_op`
    op, out = whole.scalar_op, node.outputs[0]
    dtype = dtype_of(node.inputs[_typical(node)])
    if (
        dtype not in _FLOATS
        or not all(
            dtype_of(v) == dtype or isinstance(v, Constant) and np.can_cast(dtype_of(v), dtype) for v in node.inputs
        )
        or any(len(set(_broadcastable(v))) > 1 for v in node.inputs)
    ):
        return None
    function, nin, _ = getattr(op, "nfunc_spec", None) or ("", 0, 0)
    if function in _SAME and nin == len(node.inputs) and dtype_of(out) in (dtype, "bool"):
        ufunc: np.ufunc = getattr(np, function)
        return ufunc
    if dtype_of(out) != dtype:
        return None
    if op.work == "own" or not op.has_array_body():
        return None
    return partial(_of_dtype, dtype, op.body)


def _of_dtype(dtype: str, body: Callable[..., NumpyArray], *values: NumpyArray) -> NumpyArray:
    value = body(HOST, *values)
    return value if value.dtype == dtype else value.astype(dtype)


def _checked(node: Apply, compute: Callable[..., Any]) -> Callable[..., NumpyArray]:
    """The Op's own ``compute``, with arrays of the declared dtypes in and out."""
    out = node.outputs[0]
    dtypes = [getattr(v.type, "dtype", None) for v in node.inputs]

    def run(*values: Value) -> NumpyArray:
        value = compute(HOST, node, *[np.asarray(v, dtype=d) for v, d in zip(values, dtypes)])
        result: NumpyArray = cast_value(value[0] if isinstance(value, tuple) else value, out)
        return result

    return run
