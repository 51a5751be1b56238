"""The shape program: straight-line Python that computes, on the host before each call, the integers that fix shapes.

What qualifies is cheap by kind: arithmetic on scalar inputs, on the shapes of inputs and on short integer
vectors made of them. The program is generated source; it takes the call's input values and returns a tuple
that can be a key.
"""

import numpy as np

from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant

REMEMBERED = 4096  # results that a program keeps
_INLINE = {"add": "({0} + {1})", "sub": "({0} - {1})", "mul": "({0} * {1})", "lt": "({0} < {1})", "gt": "({0} > {1})",
           "le": "({0} <= {1})", "ge": "({0} >= {1})", "eq": "({0} == {1})", "neq": "({0} != {1})",
           "EQ": "({0} == {1})", "NEQ": "({0} != {1})", "LT": "({0} < {1})", "GT": "({0} > {1})",
           "LE": "({0} <= {1})", "GE": "({0} >= {1})", "minimum": "min({0}, {1})", "maximum": "max({0}, {1})",
           "switch": "({1} if {0} else {2})"}


def _scalar_like(v):
    return getattr(v.type, "ndim", 0) == 0 and hasattr(v.type, "dtype")


class CheapAnalysis:
    """Which variables the host can compute before a call, given the `inputs` that the host holds.

    `expression(v)` is a graph over the inputs (and their shapes) for a cheap `v`, else None.
    """

    def __init__(self, inputs):
        from theanojax.tensor.assert_op import Assert
        from theanojax.tensor.elemwise import DimShuffle, Elemwise
        from theanojax.tensor.join import Join
        from theanojax.tensor.reduce import CAReduce
        from theanojax.tensor.shape import (MakeVector, Rebroadcast, Reshape, ScalarFromTensor, Shape, Shape_i,
                                            SpecifyShape, TensorFromScalar)
        from theanojax.tensor.subtensor import SliceLength, Subtensor

        self.inputs = set(inputs)
        self.shape_ops = (Shape, Shape_i)
        self.cheap_ops = (Assert, Elemwise, DimShuffle, CAReduce, Join, MakeVector, Rebroadcast, ScalarFromTensor,
                          TensorFromScalar, SliceLength, Subtensor, Reshape, SpecifyShape)
        self._cheap = {}
        self._shapes = {}
        self._dims = {}

    def _leaf(self, v):
        if isinstance(v, Constant):
            return not hasattr(v.data, "size") or v.data.size <= 64
        if v not in self.inputs or not hasattr(v.type, "dtype"):
            return False
        return _scalar_like(v) or (v.type.ndim == 1 and v.type.dtype[:3] in ("int", "uin"))

    def cheap(self, v):
        """True if `v` needs only scalars, shapes and short integer vectors that the host holds."""
        if v in self._cheap:
            return self._cheap[v]
        for node in io_toposort(self.inputs, [v]):
            if node.outputs[0] in self._cheap:
                continue
            if isinstance(node.op, self.shape_ops):
                x = node.inputs[0]
                good = x in self.inputs or isinstance(x, Constant) or self.shape_of(x) is not None
            else:
                good = (isinstance(node.op, self.cheap_ops)
                        and all(getattr(o.type, "ndim", 0) <= 1 for o in node.outputs)
                        and all(self._cheap[u] if u in self._cheap else self._leaf(u) for u in node.inputs))
            for o in node.outputs:
                self._cheap[o] = good
        if v not in self._cheap:
            self._cheap[v] = self._leaf(v)
        return self._cheap[v]

    def shape_of(self, x):
        """The shape of an intermediate result as cheap scalar variables (a tuple), or None."""
        if x in self._shapes:
            return self._shapes[x]
        self._infer(x)
        shape = self._dims.get(x)
        self._shapes[x] = None  # a shape that needs itself is not cheap
        if shape is not None and all(not hasattr(d, "type") or self.cheap(d) for d in shape):
            self._shapes[x] = shape
        return self._shapes[x]

    def _infer(self, x):
        """Symbolic shapes of `x` and of all it is computed from; each is inferred once."""
        from theanojax.tensor.shape import shape_i

        shapes = self._dims
        for node in io_toposort(self.inputs | shapes.keys(), [x]):
            known = []
            for u in node.inputs:
                if u not in shapes and (u in self.inputs or isinstance(u, Constant)) and hasattr(u.type, "ndim"):
                    shapes[u] = tuple(shape_i(u, i) for i in range(u.type.ndim))
                known.append(shapes.get(u, () if getattr(u.type, "ndim", 0) == 0 else None))
            out = None
            if None not in known and hasattr(node.op, "infer_shape"):
                try:
                    out = node.op.infer_shape(node, known)
                except Exception as e:  # an Op may decline in its own way (ShapeError, NotImplementedError ...)
                    if by_signal(e):
                        raise
                    out = None
            for o, s in zip(node.outputs, out or [None] * len(node.outputs)):
                shapes[o] = tuple(s) if s is not None else None


def compile_program(inputs, outputs, analysis):
    """A function from the list of input values to the tuple of `outputs`: numbers, and tuples for vectors."""
    leaves, source, scope, names = [], [], {"np": np}, {}
    position = {v: i for i, v in enumerate(inputs)}
    count = iter(range(10**9))

    def bind(value, prefix="c"):
        name = "%s%d" % (prefix, next(count))
        scope[name] = value
        return name

    def emit(expression, lines=source):
        name = "t%d" % next(count)
        lines.append("    %s = %s" % (name, expression))
        return name

    def leaf(v):
        if v in names:
            return names[v]
        if v in position:
            fetch = "a[%d]" % position[v]
            names[v] = emit("%s.item()" % fetch if _scalar_like(v) else "np.asarray(%s)" % fetch, leaves)
        elif isinstance(v, Constant):
            names[v] = bind(plain(v.data))
        elif not hasattr(v, "type"):
            return repr(int(v))
        else:
            raise KeyError(v)
        return names[v]

    def shape_term(x, i):
        if x in position:
            return emit("a[%d].shape[%d]" % (position[x], i), leaves)
        if isinstance(x, Constant):
            return repr(int(np.shape(x.data)[i]))
        d = analysis.shape_of(x)[i]
        if not hasattr(d, "type"):
            return repr(int(d))
        visit(d)
        return leaf(d)

    def visit(v):
        for node in order_above_shapes(position, v, analysis.shape_ops):
            if node.outputs[0] in names:
                continue
            if isinstance(node.op, analysis.shape_ops):
                x = node.inputs[0]
                if hasattr(node.op, "i"):
                    names[node.outputs[0]] = shape_term(x, node.op.i)
                else:
                    terms = [shape_term(x, i) for i in range(x.type.ndim)]
                    names[node.outputs[0]] = emit("np.array([%s], dtype='int64')" % ", ".join(terms))
                continue
            args = [leaf(u) for u in node.inputs]
            scalar_op = getattr(node.op, "scalar_op", None)
            inline = _INLINE.get(getattr(scalar_op, "name", None))
            scalars = all(_scalar_like(u) for u in node.inputs + node.outputs)
            if type(node.op).__name__ in ("ScalarFromTensor", "TensorFromScalar"):
                names[node.outputs[0]] = args[0]
            elif (inline and scalars and len(args) == inline.count("{")
                  and all(u.type.dtype[0] in "ib" for u in node.inputs + node.outputs)):
                names[node.outputs[0]] = emit(inline.format(*args))
            else:
                run = getattr(node.op, "plain_value", None) or _runner(node)
                names[node.outputs[0]] = emit("%s(%s)" % (bind(run, "f"), ", ".join(args)))

    for v in outputs:
        visit(v)
    result = ", ".join("%s" % leaf(v) if _scalar_like(v) else "tuple(%s.tolist())" % leaf(v) for v in outputs)
    whole_numbers = all(v.type.dtype[0] in "iub" and _scalar_like(v) for v in names if v in position)
    if whole_numbers and leaves and len(source) > 3:
        scope["known"] = {}
        key = ", ".join(line.split()[0] for line in leaves)
        code = ("def compute(%s):\n%s\n    return (%s,)\n" % (key, "\n".join(source), result) + "def program(a):\n%s\n"
                "    found = known.get((%s,))\n    if found is None:\n        if len(known) >= %d:\n"
                "            known.clear()\n        found = known[%s,] = compute(%s)\n    return found\n"
                % ("\n".join(leaves), key, REMEMBERED, key, key))
    else:
        code = "def program(a):\n%s\n    return (%s,)\n" % ("\n".join(leaves + source) or "    pass", result)
    exec(compile(code, "<shape program>", "exec"), scope)  # the source is built above from the graph alone
    return scope["program"]


def order_above_shapes(inputs, v, shape_ops):
    """The nodes that `v` needs, each after its own, without those that only compute something of a shape."""
    order, done, stack = [], set(), [] if v in inputs else [(v.owner, False)]
    while stack:
        node, ready = stack.pop()
        if node is None or node in done:
            continue
        if ready:
            done.add(node)
            order.append(node)
            continue
        stack.append((node, True))
        if not isinstance(node.op, shape_ops):
            stack.extend((u.owner, False) for u in node.inputs if u not in inputs)
    return order


def plain(value):
    """A 0-d array or numpy scalar as a Python number; arrays stay."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _runner(node):
    dtypes = [getattr(v.type, "dtype", None) for v in node.inputs]

    def run(*values):
        cell = [None]
        node.perform([np.asarray(v, dtype=d) for v, d in zip(values, dtypes)], [cell])
        return plain(np.asarray(cell[0]))

    return run
