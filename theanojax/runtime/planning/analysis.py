"""What can be known of a variable before a call computes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant, Variable

if TYPE_CHECKING:
    from theanojax.graph.op import Op
    from theanojax.graph.variable import Apply

    # of each dimension: a scalar variable, or a number
    Lengths = tuple[Variable | int, ...]


def scalar_like(v: Variable) -> bool:
    return getattr(v.type, "ndim", 0) == 0 and hasattr(v.type, "dtype")


def ndim_of(v: Variable) -> int | None:
    """The number of dimensions; None of what is no array."""
    return getattr(v.type, "ndim", None)


def broadcastable(v: Variable) -> Sequence[bool]:
    """Which dimensions are declared to have length 1; empty for what is no tensor."""
    return getattr(v.type, "broadcastable", ())


def dtype_of(v: Variable) -> str:
    """The name of the dtype of an array or number; empty for what is neither."""
    name: str = getattr(v.type, "dtype", "")
    return name


class Analysis:
    """What the host can know of the variables of one graph before a call, given the values of its `inputs`.

    `kind(v)` is one of

    - "constant": the graph says it;
    - "shapes": it follows from the shapes of inputs alone, which XLA knows while it traces;
    - "cheap": the host computes it before the call, from numbers, shapes and short vectors of integers that it holds;
    - "data": what computes it has to run first.

    Of `hidden` inputs XLA sees nothing, not even the shapes.
    """

    def __init__(self, inputs: Iterable[Variable], hidden: Collection[Variable] = ()) -> None:
        self.inputs, self.hidden = set(inputs), hidden
        self._from_shapes: dict[Variable, bool] = {}
        self._cheap: dict[Variable, bool] = {}
        self._shapes: dict[Variable, Lengths | None] = {}
        self._dims: dict[Variable, Lengths | None] = {}

    def kind(self, v: Variable) -> Literal["constant", "shapes", "cheap", "data"]:
        if isinstance(v, Constant):
            return "constant"
        if self.from_shapes(v):
            return "shapes"
        return "cheap" if self.cheap(v) else "data"

    def from_shapes(self, v: Variable) -> bool:
        """Whether `v` depends on nothing but the shapes of inputs, hidden ones apart."""
        known = self._from_shapes
        if v in self.inputs:
            return False
        for node in io_toposort(self.inputs | known.keys(), [v]):
            values = self.hidden if reads_lengths(node) is not None else self.inputs
            good = not any(
                u in values or getattr(u.type, "host_only", False) or not known.get(u, True) for u in node.inputs
            )
            known.update((o, good) for o in node.outputs)
        return known.get(v, True)

    def _leaf(self, v: Variable) -> bool:
        if isinstance(v, Constant):
            return not hasattr(v.data, "size") or v.data.size <= 64
        if v not in self.inputs or not hasattr(v.type, "dtype"):
            return False
        return scalar_like(v) or (getattr(v.type, "ndim", 0) == 1 and dtype_of(v)[:3] in ("int", "uin"))

    def cheap(self, v: Variable) -> bool:
        """True if `v` needs only scalars, shapes and short integer vectors that the host holds."""
        if v in self._cheap:
            return self._cheap[v]
        for node in io_toposort(self.inputs, [v]):
            if node.outputs[0] in self._cheap:
                continue
            if reads_lengths(node) is not None:
                x = node.inputs[0]
                good = x in self.inputs or isinstance(x, Constant) or self.shape_of(x) is not None
            else:
                good = (
                    node.op.cheap_on_host
                    and all(getattr(o.type, "ndim", 0) <= 1 for o in node.outputs)
                    and all(self._cheap[u] if u in self._cheap else self._leaf(u) for u in node.inputs)
                )
            for o in node.outputs:
                self._cheap[o] = good
        if v not in self._cheap:
            self._cheap[v] = self._leaf(v)
        return self._cheap[v]

    def shape_of(self, x: Variable) -> Lengths | None:
        """The shape of an intermediate result as cheap scalar variables (a tuple), or None."""
        if x in self._shapes:
            return self._shapes[x]
        self._infer(x)
        shape = self._dims.get(x)
        self._shapes[x] = None  # a shape that needs itself is not cheap
        if shape is not None and all(not isinstance(d, Variable) or self.cheap(d) for d in shape):
            self._shapes[x] = shape
        return self._shapes[x]

    def _infer(self, x: Variable) -> None:
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
            if None not in known and hasattr(node.op, "infer_shape"):  # Theano's protocol: not every Op has one
                try:
                    out = node.op.infer_shape(node, known)
                except Exception as e:  # an Op may decline in its own way (ShapeError, NotImplementedError ...)
                    if by_signal(e):
                        raise
                    out = None
            for o, s in zip(node.outputs, out or [None] * len(node.outputs)):
                shapes[o] = tuple(s) if s is not None else None


def reads_lengths(node: Apply) -> int | tuple[int, ...] | None:
    """Which lengths of its input a node returns, if it looks at nothing else; see Contract.lengths_read."""
    if len(node.inputs) != 1:
        return None
    ndim = getattr(node.inputs[0].type, "ndim", None)
    return None if ndim is None else node.op.lengths_read(ndim)


def has_open_loops(op: Op) -> bool:
    """Whether in a step of the loop `op` there are loops of which nothing tells the length before it."""
    inner = op.inner_fgraph()
    if inner is None:
        return False
    analysis = Analysis(inner.inputs)
    for node in inner.apply_nodes:
        n = node.op.loop_steps(node)
        if n is not None:
            if analysis.kind(n) in ("cheap", "data") or has_open_loops(node.op):
                return True
    return False


def order_above_shapes(inputs: Collection[Variable], v: Variable) -> list[Apply]:
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
        if reads_lengths(node) is None:
            stack.extend((u.owner, False) for u in node.inputs if u not in inputs)
    return order
