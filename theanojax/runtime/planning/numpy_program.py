"""Small graphs as generated numpy code, where a call into XLA or a copy for it costs more than the work itself.

Two kinds: a few operations on numbers; and large numpy arguments that reductions and matrix-vector products read,
with elementwise work on vectors around them, such as the training step of a logistic regression. numpy reads
these arguments where they lie. XLA would have to copy them into aligned memory first (the sum of an 80 MB argument
takes numpy 9 ms, the copy and XLA's sum 25 to 35 ms), and its matrix-vector product takes twice BLAS's time.
"""

from functools import partial

import numpy as np

from theanojax.arrays import HOST
from theanojax.graph.op import Op
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.host import to_host
from theanojax.runtime.planning.analysis import reads_lengths
from theanojax.runtime.planning.plan import Remark
from theanojax.runtime.planning.source import Source
from theanojax.runtime.policy.outcome import DONE, REPLAY
from theanojax.runtime.xla import platform
from theanojax.runtime.xla.namespace import cast_value
from theanojax.runtime.xla.transfer import STAGED_BYTES

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


def scalar_program(inputs, outputs):
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
    return _Always(generate(inputs, outputs, order))


class _Always:
    plan = Remark("numpy: a few operations on numbers, as generated code")

    def __init__(self, run):
        self.run = run

    @staticmethod
    def all_stages():
        return []


class NumpyProgram:
    """Runs generated numpy code where its large arguments are numpy arrays, else the program `otherwise`."""

    def __init__(self, inputs, outputs, order, large, otherwise):
        self.generated = generate(inputs, outputs, order)
        self.large = [i for i, v in enumerate(inputs) if v in large]
        self.small = [i for i, v in enumerate(inputs) if v not in large and _ndim(v)]
        self.vector_nodes = sum(
            bool(_ndim(n.outputs[0])) and n.outputs[0] not in large
            for n in order
            if n.op.array_role not in ("reduction", "view", "product")
        )
        self.otherwise, self.all_stages = otherwise, otherwise.all_stages
        self.plan = Remark("numpy, as generated code, where the arguments make it quicker; else", otherwise.plan)

    def run(self, values, cells):
        if self._pays(values):
            return self.generated([to_host(v) for v in values])
        return self.otherwise.run(values, cells)

    def _pays(self, values):
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


def numpy_program(inputs, outputs, otherwise):
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
    return NumpyProgram(inputs, outputs, order, large, otherwise)


def _only_read(inputs, outputs, order):
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


def _reads(node, v, large):
    if node.op.array_role == "reduction":
        return v.type.dtype in _WIDE
    if node.op.array_role == "product":
        return node.outputs[0].type.dtype == v.type.dtype and any(_ndim(u) == 1 for u in node.inputs)
    return reads_lengths(node) is not None or node.outputs[0] in large


def _is_transpose(node):
    return node.op.array_role == "view" and not node.op.augment and not node.op.drop


def _ndim(v):
    return getattr(v.type, "ndim", None)


def _lengths(v):
    """The number of dimensions that may be longer than 1."""
    return sum(not b for b in getattr(v.type, "broadcastable", ()))


def generate(inputs, outputs, order):
    """A function from the list of input values to (list of output values, how it ended)."""
    source = Source(array=np.array, asarray=np.asarray, int64=np.int64, DONE=DONE, REPLAY=REPLAY)
    names = {v: "a[%d]" % i for i, v in enumerate(inputs)}
    fresh = set()
    # numpy takes None, which every input of a function takes, for nan; the host says what Theano says
    taken = [names[v] for v in inputs if _ndim(v) == 0 and any(v in n.inputs for n in order)]
    if taken:
        source.lines.append("if %s: return None, REPLAY" % " or ".join("%s is None" % name for name in taken))
    for node in order:
        out = node.outputs[0]
        function, check = _function(node)
        args = []
        for v in node.inputs:
            if isinstance(v, Constant):
                same = node.inputs[_typical(node)].type.dtype
                args.append(source.bind(v.data.astype(same) if check is not None and v.type.dtype != same else v.data))
            else:
                args.append(names[v])
        whole = list(dict.fromkeys([a for a, v in zip(args, node.inputs) if check and not any(v.broadcastable)]))
        source.lines += ["if %s.shape != %s.shape: return None, REPLAY" % (whole[0], a) for a in whole[1:]]
        if isinstance(function, str):
            names[out] = source.let(function % args[0])
            continue
        names[out] = source.let("%s(%s)" % (source.bind(function), ", ".join(args)))
        if isinstance(function, np.ufunc) or node.op.array_role == "product":
            fresh.add(out)
    results = []
    for v in outputs:
        name = source.bind(v.data) if isinstance(v, Constant) else names[v]
        results.append("%s(%s)" % ("asarray" if v in fresh else "array", name))
        fresh.discard(v)
    return source.function("run(a, cells=None)", "[%s], DONE" % ", ".join(results))


def _typical(node):
    """The position of the first input that is no constant; 0 when all are."""
    return next((i for i, v in enumerate(node.inputs) if not isinstance(v, Constant)), 0)


def _function(node):
    """(what computes a node, how it treats shapes).

    A function of the inputs, or an expression with a place for the one input. The second is None if it casts and
    checks by itself, False if there is nothing to check, and True if all inputs must have one shape.
    """
    op, out, which = node.op, node.outputs[0], reads_lengths(node)
    if op.array_role == "elementwise":
        function = _elementwise(node)
        if function is not None:
            return function, out.ndim > 0
        if op.scalar_op.is_cast and not out.ndim and out.dtype in _FLOATS and node.inputs[0].dtype[0] != "c":
            return np.dtype(out.dtype).type, None
        return (_checked(node, op.compute) if out.ndim else _checked(node, op.scalar_op.compute)), None
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
    if op.array_role == "product" and all(v.type.dtype == out.type.dtype for v in node.inputs):
        return np.dot, None
    if (
        op.array_role == "reduction"
        and op.scalar_op.name == "add"
        and out.type.dtype in _FLOATS
        and all(
            dtype == out.type.dtype for dtype in (node.inputs[0].type.dtype, getattr(op, "acc_dtype", out.type.dtype))
        )
    ):
        return partial(np.add.reduce, axis=op.axis), None
    return _checked(node, op.compute), None


def _elementwise(node):
    """A function of arrays of one floating dtype that need no casts, else None.

    The arrays have one shape, but for those that stretch in each dimension.
    """
    op, out = node.op.scalar_op, node.outputs[0]
    dtype = node.inputs[_typical(node)].type.dtype
    if (
        dtype not in _FLOATS
        or not all(
            v.type.dtype == dtype or isinstance(v, Constant) and np.can_cast(v.type.dtype, dtype) for v in node.inputs
        )
        or any(len(set(v.broadcastable)) > 1 for v in node.inputs)
    ):
        return None
    function, nin, _ = getattr(op, "nfunc_spec", None) or ("", 0, 0)
    if function in _SAME and nin == len(node.inputs) and out.type.dtype in (dtype, "bool"):
        return getattr(np, function)
    if out.type.dtype != dtype:
        return None
    if op.work == "own" or not op.has_array_body():
        return None
    return partial(_of_dtype, dtype, op.body)


def _of_dtype(dtype, body, *values):
    value = body(HOST, *values)
    return value if value.dtype == dtype else value.astype(dtype)


def _checked(node, compute):
    """The Op's own ``compute``, with arrays of the declared dtypes in and out."""
    out = node.outputs[0]
    dtypes = [getattr(v.type, "dtype", None) for v in node.inputs]

    def run(*values):
        value = compute(HOST, node, *[np.asarray(v, dtype=d) for v, d in zip(values, dtypes)])
        return cast_value(value[0] if isinstance(value, tuple) else value, out)

    return run
