"""Graphs as generated numpy code: straight lines, without the cells and tables of a walk from node to node.

`generate` is for graphs of a few kinds of nodes (numpy_program.py chooses them), `generate_any` for all that the host
runs node by node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.arrays import HOST
from theanojax.graph.op import Op
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.blame import warns_of_floats
from theanojax.runtime.host import copied, detached
from theanojax.runtime.planning.analysis import broadcastable, dtype_of, ndim_of, reads_lengths, scalar_like
from theanojax.runtime.planning.shape_program import plain
from theanojax.runtime.planning.source import Source
from theanojax.runtime.policy.outcome import DONE, REPLAY
from theanojax.runtime.timing.call import is_looked_into

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import NumpyArray, Value
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.timing.call import Recorder

    Run = Callable[..., tuple[list[Value], Outcome]]
    Code = Callable[[Sequence[Value], Sequence[Any]], list[Value] | None]
    Loops = Callable[[Apply], Callable[[list[Value]], list[Value]] | None]

MANY_NUMBERS, ROW = 1 << 20, 1 << 10
_FLOATS = ("float32", "float64")
_NAMES = {"array": np.array, "asarray": np.asarray, "int64": np.int64, "zeros": np.zeros, "full": np.full}
OWN, VIEW, ANY = "own", "view", "any"  # whose memory a result has: its own, its first input's, nobody knows
# what numpy's functions of these names do to floats of one dtype is all that the Ops do
_SAME = frozenset(
    """negative exp log log1p square sqrt tanh sin cos abs add subtract multiply true_divide maximum
                  minimum greater greater_equal less less_equal equal not_equal""".split()
)
# and these to whole numbers, in arrays: of single ones numpy tells if they are too large
_EXACT = frozenset(
    """negative abs add subtract multiply maximum minimum
       greater greater_equal less less_equal equal not_equal""".split()
)

_REDUCTIONS = {"add": np.add, "maximum": np.maximum, "minimum": np.minimum}


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
    if warns_of_floats():  # the host's warnings name nodes
        return lambda a, cells=None: ([], REPLAY)
    source = Source("[], REPLAY", DONE=DONE, REPLAY=REPLAY, **_NAMES)
    if timed is not None:
        source.lines.append("if %s() is not None: return %s(a)" % (source.bind(is_looked_into), source.bind(timed)))
    names = {v: "a[%d]" % i for i, v in enumerate(inputs)}
    fresh: set[Variable] = set()
    # numpy takes None, which every input of a function takes, for nan; the host says what Theano says
    taken = [names[v] for v in inputs if ndim_of(v) == 0 and any(v in n.inputs for n in order)]
    if taken:
        source.refuse(" or ".join("%s is None" % name for name in taken))
    now = "" if recorder is None else source.bind(perf_counter)
    if now:
        source.lines.append("moments = [%s()]" % now)
    for node in order:
        out = node.outputs[0]
        function, check = _function(node)
        args = []
        for v in node.inputs:
            if isinstance(v, Constant):
                same = dtype_of(v) if check is None else _dtype_of_constants(node)
                args.append(source.bind(v.data.astype(same) if dtype_of(v) != same else v.data))
            else:
                args.append(names[v])
        if check:
            _refuse_misfits(source, node, args)
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


def _typical(node: Apply) -> Variable:
    """The first input that is no constant, or the first when all are."""
    return next((v for v in node.inputs if not isinstance(v, Constant)), node.inputs[0])


def _dtype_of_constants(node: Apply) -> str:
    """The dtype that constants have for the function of an elementwise node."""
    return dtype_of(node.outputs[0] if _function_name(node) in ("where", "multiply") else _typical(node))


def _function_name(node: Apply) -> str:
    """numpy's name of what a node does, elementwise or of scalars, if it has one for so many inputs."""
    op: Any = node.op
    name, nin, _ = getattr(getattr(op, "scalar_op", op), "nfunc_spec", None) or ("", 0, 0)
    return name if nin == len(node.inputs) else ""


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
            return function, bool(ndim_of(out))
        if (
            op.scalar_op.is_cast
            and not ndim_of(out)
            and dtype_of(out) in _FLOATS
            and dtype_of(node.inputs[0])[0] != "c"
        ):
            return np.dtype(dtype_of(out)).type, None
        return (_checked(node, op.compute) if ndim_of(out) else _checked(node, op.scalar_op.compute)), None
    if op.array_role == "view":
        return _rearranged(op), None
    if isinstance(which, int):
        return "int64(%%s.shape[%d])" % which, None
    if op.array_role == "product" and all(dtype_of(v) == dtype_of(out) for v in node.inputs):
        return np.dot, None
    if op.array_role == "reduction" and _reduces_by(node) is np.add:
        whole = op.axis is None and dtype_of(out) == "float64"
        return (_sum_of_all if whole else partial(np.add.reduce, axis=op.axis)), None
    return _checked(node, op.compute), None


def _rearranged(op: Any) -> str:
    """An expression, with a place for the input, of what an Op gives that is a "view"."""
    order, text = [int(i) for i in op.shuffle + op.drop], "%s"
    if order != sorted(order):
        text += ".transpose(%s)" % order
    if op.augment or op.drop:
        kept = ["None" if j == "x" else ":" for j in op.new_order] + ["0"] * len(op.drop)
        text += "[%s]" % ", ".join(kept)
    return text


def _reduces_by(node: Apply) -> np.ufunc | None:
    """The ufunc by which numpy does what a "reduction" in one floating dtype does; None if it is another."""
    op: Any = node.op
    out = dtype_of(node.outputs[0])
    same = all(dtype == out for dtype in (dtype_of(node.inputs[0]), getattr(op, "acc_dtype", out)))
    return _REDUCTIONS.get(op.scalar_op.name) if out in _FLOATS and same else None


def _sum_of_all(x: NumpyArray) -> Value:
    """The sum of all float64 numbers of `x`: BLAS makes sums of 1024 of many numbers in 0.4 of the time of numpy's."""
    if x.size < MANY_NUMBERS or not x.flags.forc:
        return np.add.reduce(x, axis=None)
    flat = x.reshape(-1, order="A")
    rest = len(flat) % ROW
    sums = np.dot(flat[: len(flat) - rest].reshape(-1, ROW), np.ones(ROW))
    return np.add.reduce(sums) + np.add.reduce(flat[len(flat) - rest :])


def _elementwise(node: Apply) -> Callable[..., Any] | None:
    """A function of arrays that need no casts, of one floating dtype most often, else None.

    The arrays have one shape, but for those that stretch where they are declared to.
    """
    whole: Any = node.op  # elementwise, by its `scalar_op`
    op, out = whole.scalar_op, node.outputs[0]
    dtype, function = dtype_of(_typical(node)), _function_name(node)
    if function == "where":
        chosen = dtype_of(node.inputs[0]) == "bool" and all(_comes_as(v, dtype_of(out)) for v in node.inputs[1:])
        return np.where if chosen and ndim_of(out) else None
    if function == "multiply" and {dtype_of(v) for v in node.inputs} == {"bool", dtype_of(out)} <= {"bool", *_FLOATS}:
        return np.multiply
    if not all(_comes_as(v, dtype) for v in node.inputs):
        return None
    exact = np.dtype(dtype).kind in "iu" and function in _EXACT and ndim_of(out)
    if (exact or dtype in _FLOATS and function in _SAME) and dtype_of(out) in (dtype, "bool"):
        ufunc: np.ufunc = getattr(np, function)
        return ufunc
    if dtype_of(out) != dtype or dtype not in _FLOATS:
        return None
    if (inside := whole.inside(node)) is not None:
        return _expression_of(inside.outputs, inside.inputs, dtype)
    if op.work == "own" or op.body is None or not op.has_array_body():
        return None
    if op.work_dtype([dtype] * len(node.inputs), dtype) != dtype:
        return None
    return partial(_of_dtype, dtype, op.body)


def _expression_of(outputs: Sequence[Variable], inputs: Sequence[Variable], dtype: str) -> Callable[..., Any] | None:
    """An expression in scalars of one floating dtype as a function of arrays; None if it is not all numpy's."""
    source, names = Source(), {v: "x%d" % i for i, v in enumerate(inputs)}
    for node in io_toposort(inputs, outputs):
        name, (out,) = _function_name(node), node.outputs
        if name not in _SAME or dtype_of(out) != dtype or not all(_comes_as(v, dtype) for v in node.inputs):
            return None
        args = [source.bind(v.data.astype(dtype)) if isinstance(v, Constant) else names[v] for v in node.inputs]
        names[out] = source.let("%s(%s)" % (source.bind(getattr(np, name)), ", ".join(args)))
    made = source.function("expression(%s)" % ", ".join(names[v] for v in inputs), names[outputs[0]])
    made.of_numpy = True  # type: ignore[attr-defined]
    return made


def _comes_as(v: Variable, dtype: str) -> bool:
    """Whether a value has the dtype, or is a constant that may have it."""
    return dtype_of(v) == dtype or isinstance(v, Constant) and np.can_cast(dtype_of(v), dtype)


def _refuse_misfits(source: Source, node: Apply, args: Sequence[str]) -> None:
    """Have `source` refuse arguments of an elementwise node of which numpy would stretch what is not declared to."""
    first: dict[Sequence[bool], str] = {}
    for text, v in zip(args, node.inputs):
        whole = first.setdefault(broadcastable(v), text)
        if text != whole and not all(broadcastable(v)):
            source.refuse("%s.shape != %s.shape" % (whole, text))
    for d in range(ndim_of(node.outputs[0]) or 0):
        lengths = ["%s.shape[%d]" % (text, d) for pattern, text in first.items() if not pattern[d]]
        if len(lengths) > 1:
            source.refuse(" != ".join(lengths) if len(lengths) == 2 else "len({%s}) > 1" % ", ".join(lengths))


def _of_dtype(dtype: str, body: Callable[..., NumpyArray], *values: NumpyArray) -> NumpyArray:
    value = body(HOST, *values)
    return value if value.dtype == dtype else value.astype(dtype)


def _checked(node: Apply, compute: Callable[..., Any]) -> Callable[..., NumpyArray]:
    """The Op's own ``compute``, with arrays of the declared dtypes in and out."""
    dtype, dtypes = dtype_of(node.outputs[0]), [getattr(v.type, "dtype", None) for v in node.inputs]

    def run(*values: Value) -> NumpyArray:
        value = compute(HOST, node, *[np.asarray(v, dtype=d) for v, d in zip(values, dtypes)])
        return np.asarray(value[0] if isinstance(value, tuple) else value, dtype=dtype)

    return run


# ---------------------------------------------------------------- any graph
def generate_any(
    inputs: Sequence[Variable],
    numbers: Mapping[Variable, Callable[[Any], Value]],
    outputs: Sequence[Variable],
    order: Sequence[Apply],
    loops: Loops,
    own: bool,
) -> Code | None:
    """A function from the values of `inputs`, none of them None, and plain `numbers` to the list of output values.

    It does what a HostExecutor does with the nodes `order`, but for blaming errors on them. Where it returns None only
    that knows the answer, or the error.

    Parameters
    ----------
    numbers : variables that come as Python numbers and tuples, each with a function that makes a value of it.
    loops : what runs a loop, given its node; None for all other nodes.
    own : whether outputs that share memory with an input, a constant or another output are copied.

    Returns None for a graph with a node that runs in a way of its own (it is lazy, say).
    """
    if warns_of_floats() or not all(loops(node) is not None or _runs_as_any(node) for node in order):
        return None
    lines = Lines(["a[%d]" % i for i in range(len(inputs))], inputs, numbers, outputs, order)
    made: Code = lines.source.function("run(a, n)", "[%s]" % ", ".join(lines.write(loops, own)))
    return made


def _runs_as_any(node: Apply) -> bool:
    """Whether a node is no more than its ``perform``."""
    kind = type(node.op)
    return kind.make_py_thunk is Op.make_py_thunk and (
        kind.make_thunk is Op.make_thunk or node.op.array_role == "elementwise"
    )


class Lines:
    """Writes the lines of generate_any, and the like.

    `texts` are those of the values of `inputs`, `refusal` what is returned where only the nodes know the answer.

    Attributes
    ----------
    names : variable -> the text of its value.
    plain : number -> the text of the Python number or tuple that it came as.
    scalars : variables whose text may be one of numpy's scalars, in place of an array of no dimension.
    stretched : variable -> the node that makes it, of an array of no dimension; written where somebody asks for it.
    source_of : variable -> the variables whose memory it may share; of an array that a node has made for itself, this
        array alone.
    unsure : variables of which nobody has said whose memory they are.
    """

    def __init__(
        self,
        texts: Sequence[str],
        inputs: Sequence[Variable],
        numbers: Mapping[Variable, Callable[[Any], Value]],
        outputs: Sequence[Variable],
        order: Sequence[Apply],
        refusal: str = "None",
    ) -> None:
        self.outputs, self.order, self.makers = outputs, order, numbers
        self.source = Source(refusal, **_NAMES)
        self.texts, self.names = list(texts), dict(zip(inputs, texts))
        self.plain = {v: "n[%d]" % i for i, v in enumerate(numbers)}
        self.given = set(inputs)
        self.scalars: set[Variable] = set()
        self.source_of: dict[Variable, frozenset[Variable]] = {v: frozenset([v]) for v in inputs}
        self.unsure: set[Variable] = set()
        self.last = {v: i for i, node in enumerate(order) for v in node.inputs}
        self.shared: set[Variable] = set()  # of which there are views
        self.stretched: dict[Variable, Apply] = {}
        for i, node in enumerate(order):
            if node.op.array_role == "view" and ndim_of(node.inputs[0]) == 0:
                (whole,), v = node.inputs, node.outputs[0]
                self.stretched[v] = node
                self.last[whole] = max(self.last[whole], len(order) if v in outputs else self.last.get(v, i))

    def write(self, loops: Loops, own: bool) -> list[str]:
        """The texts of the outputs, once all lines are there; see `generate_any`."""
        for i, node in enumerate(self.order):
            run = loops(node)
            if node.outputs[0] in self.stretched:
                continue
            if run is not None:
                self._unpack(node, "%s([%s])" % (self.source.bind(run), ", ".join(map(self._value, node.inputs))))
            elif not (len(node.outputs) == 1 and self._expression(i, node)):
                self._call(node)
            dead = {self.names[v] for v in (*node.inputs, *node.outputs) if self.last.get(v, i) == i and self._local(v)}
            if dead:
                self.source.lines.append("del %s" % ", ".join(sorted(dead)))
        return self._own_results() if own else [self._value(v) for v in self.outputs]

    def _local(self, v: Variable) -> bool:
        return v in self.names and v not in self.given and v not in self.makers and v not in self.outputs

    # ---------------------------------------------------------------- values
    def _value(self, v: Variable) -> str:
        """The text of a value as an Op wants it."""
        text = self._array(v)
        if v in self.scalars:
            self.scalars.discard(v)
            self.source.lines.append("{0} = asarray({0})".format(text))
        return text

    def _array(self, v: Variable) -> str:
        """The text of a value, which for an array of no dimension may be that of numpy's scalar."""
        if v not in self.names and v in self.stretched:
            self._expression(len(self.order), self.stretched[v])
        elif v not in self.names and isinstance(v, Constant):
            self.names[v] = self.source.bind(v.data)
            self.given.add(v)
        elif v not in self.names:  # a number
            self.names[v] = self.source.let("%s(%s)" % (self.source.bind(self.makers[v]), self.plain[v]))
        return self.names[v]

    def _number(self, v: Variable) -> str:
        """The text of a number, if it can be as a Python number."""
        if isinstance(v, Constant) and dtype_of(v)[0] in "ib":
            return repr(plain(v.data))
        return self.plain.get(v) or self._array(v)

    # ---------------------------------------------------------------- nodes
    def _expression(self, i: int, node: Apply) -> bool:
        """Write a node as an expression; False if there is none."""
        out = node.outputs[0]
        spare = [k for k, v in enumerate(node.inputs) if self._is_spare(i, node, v)]
        text = None
        if type(node.op).numpy_code is not Op.numpy_code:
            args = [self._number(v) if k and scalar_like(v) else self._array(v) for k, v in enumerate(node.inputs)]
            text = node.op.numpy_code(node, args, self.source, spare)
        memory = VIEW if getattr(node.op, "view_map", None) else OWN
        if text is None:
            text, memory = self._by_role(node, spare)
        if text is None:
            return False
        self.names[out] = self.source.let(text)
        if ndim_of(out) == 0:
            self.scalars.add(out)
        self._note_memory(node, node.inputs[:1] if memory == VIEW else [])
        if memory == ANY:
            self._note_unknown(node)
        return True

    def _by_role(self, node: Apply, spare: Sequence[int]) -> tuple[str | None, str]:
        """(expression, whose memory it gives) of Ops whose `array_role` says all."""
        op: Any = node.op
        if op.array_role == "elementwise":
            return self._elementwise(node, spare)
        if op.array_role == "view":
            name = self._value(node.inputs[0])
            for d in op.drop:
                self.source.refuse("%s.shape[%d] != 1" % (name, d))
            return _rearranged(op) % name, VIEW
        if op.array_role == "product" and all(dtype_of(v) == dtype_of(node.outputs[0]) for v in node.inputs):
            return "%s(%s)" % (self.source.bind(np.dot), ", ".join(map(self._value, node.inputs))), OWN
        if op.array_role == "reduction" and (function := _reduces_by(node)) is not None:
            x = node.inputs[0]
            text, axes = self._value(x), range(ndim_of(x) or 0) if op.axis is None else op.axis
            for d in sorted(axes, reverse=True):  # in the order of Op.perform
                text = "%s.reduce(%s, %d)" % (self.source.bind(function), text, d)
            return (text, OWN) if axes else (None, ANY)
        return None, ANY

    def _elementwise(self, node: Apply, spare: Sequence[int]) -> tuple[str | None, str]:
        op: Any = node.op
        out, ins = node.outputs[0], node.inputs
        if op.scalar_op.is_cast and "c" not in dtype_of(ins[0]) + dtype_of(out):
            return "%s.astype(%r)" % (self._value(ins[0]), dtype_of(out)), OWN
        function = _elementwise(node)
        if function is None:
            return None, ANY
        of_numpy = isinstance(function, np.ufunc) or function is np.where or hasattr(function, "of_numpy")
        stretch = of_numpy and any(v not in self.stretched or v in self.names for v in ins)
        args = [self._converted(v, node, stretch) for v in ins]
        _refuse_misfits(self.source, node, args)
        if not of_numpy:
            return "%s(%s)" % (self.source.bind(function), ", ".join(args)), ANY
        if ndim_of(out) and isinstance(function, np.ufunc):
            fitting = [k for k in spare if dtype_of(ins[k]) == dtype_of(out) and not any(broadcastable(ins[k]))]
            args += ["out=%s" % args[k] for k in fitting[:1]]
        return "%s(%s)" % (self.source.bind(function), ", ".join(args)), OWN

    def _converted(self, v: Variable, node: Apply, stretch: bool) -> str:
        """The text of an argument of a function, which may `stretch` it; a constant has the dtype of the others."""
        if stretch and v in self.stretched and v not in self.names:
            return self._array(self.stretched[v].inputs[0])
        if isinstance(v, Constant):
            dtype = _dtype_of_constants(node)
            return self._array(v) if dtype_of(v) == dtype else self.source.bind(v.data.astype(dtype))
        return self._array(v)

    def _call(self, node: Apply) -> None:
        """Write a node as a call of its ``perform``."""
        call = "%s(%s)" % (self.source.bind(_performer(node)), ", ".join(map(self._value, node.inputs)))
        self._unpack(node, call)

    def _unpack(self, node: Apply, call: str) -> None:
        results = self.source.let(call)
        for k, v in enumerate(node.outputs):
            self.names[v] = self.source.let("%s[%d]" % (results, k))
        self.source.lines.append("del %s" % results)
        views = getattr(node.op, "view_map", None) or {}
        for k, v in enumerate(node.outputs):
            self._note_memory(node, [node.inputs[j] for j in views.get(k, ())], v)
        self._note_unknown(node)

    # ---------------------------------------------------------------- memory
    def _note_memory(self, node: Apply, sources: Sequence[Variable], out: Variable | None = None) -> None:
        out = node.outputs[0] if out is None else out
        found: frozenset[Variable] = frozenset([out])
        if sources:
            found = frozenset().union(*[self.source_of.get(v, frozenset([v])) for v in sources])
            self.shared.update(found)
            self.unsure.update([out] * any(v in self.unsure for v in sources))
        self.source_of[out] = found

    def _note_unknown(self, node: Apply) -> None:
        """What `node` returns, or keeps of its inputs, nobody has said."""
        self.unsure.update(node.outputs)
        for v in node.inputs:
            self.shared |= self.source_of.get(v, frozenset([v]))

    def _is_spare(self, i: int, node: Apply, v: Variable) -> bool:
        """Whether the array of `v` is nobody's once the node has read it, so that the node may write into it."""
        return (
            self._local(v)
            and self.last[v] == i
            and self.source_of.get(v) == frozenset([v])
            and v not in self.shared
            and v not in self.unsure
            and v not in self.scalars
            and node.inputs.count(v) == 1
        )

    def _own_results(self) -> list[str]:
        """The texts of the outputs, each an array that nothing else has."""
        taken: set[Variable] = set()
        results, unsure = [], []
        for v in self.outputs:
            text = self._value(v)
            tensor = hasattr(v.type, "broadcastable")
            sources = self.source_of.get(v, frozenset([v]))
            if v in self.unsure or not tensor:
                unsure.append(v)
            if tensor and v not in self.unsure and (sources & taken or sources & self.given or v in self.given):
                text = self.source.let("array(%s)" % text)
            results.append(text)
            taken |= sources
        if unsure:
            # what Ops of all kinds return, they may have got from anywhere
            foreign = [*self.texts, *[self.names[v] for v in self.names if isinstance(v, Constant)]]
            foreign += [text for v, text in zip(self.outputs, results) if v not in unsure]
            self.source.scope["ndarray"] = np.ndarray
            self.source.lines.append("f = [v for v in (%s,) if isinstance(v, ndarray)]" % ", ".join(foreign))
            detach = self.source.bind(detached)
            for k, v in enumerate(self.outputs):
                if v in unsure:
                    flag = hasattr(v.type, "broadcastable")
                    results[k] = self.source.let("%s(%s, f, %r)" % (detach, results[k], flag))
        return results


def _performer(node: Apply) -> Callable[..., list[Value]]:
    """A function from the values of the inputs of a node to the list of those of its outputs."""
    destroyed = {i for places in (getattr(node.op, "destroy_map", None) or {}).values() for i in places}
    if node.op.array_role == "elementwise":
        destroyed = set()  # nothing is overwritten, whatever the pattern says
    outs = range(len(node.outputs))

    def run(*values: Value) -> list[Value]:
        cells: list[list[Value]] = [[None] for _ in outs]
        given = [copied(v) if i in destroyed else v for i, v in enumerate(values)] if destroyed else list(values)
        node.perform(given, cells)
        return [c[0] for c in cells]

    return run
