"""Many rows at once: the rules of Ops applied, and the loop where there is none."""

from theanojax import tensor
from theanojax.graph.traverse import io_toposort
from theanojax.scalar.types import Scalar
from theanojax.scan import scan
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.shape import addbroadcast, scalar_from_tensor, tensor_from_scalar
from theanojax.tensor.type import TensorType


def _ndim(v):
    return getattr(v.type, "ndim", 0)


class NoRows(Exception):
    """A variable on the way is no tensor, or of another length in each row: a loop over all of the graph is left."""


class Batch:
    """What the rules of Ops are given: how many rows there are, and what is usually done with them.

    In its methods `row` is a variable as it is for one row, and `v` the one for many: it is the same for all of them,
    or has one dimension more, the first.

    Attributes
    ----------
    length : how many rows, a symbolic integer.
    tensor : the module theanojax.tensor, which is above the Ops that have the rules.
    """

    tensor = tensor

    def __init__(self, length):
        self.length = length

    def has(self, v, row):
        """Whether it differs between rows."""
        return _ndim(v) > _ndim(row)

    def moving(self, node, inputs):
        """The positions of the `inputs` of `node` that differ between rows."""
        return [i for i, (v, row) in enumerate(zip(inputs, node.inputs, strict=True)) if self.has(v, row)]

    def expand(self, v, row):
        """`v`, repeated for each row where it is the same for all."""
        if self.has(v, row):
            return v
        return tensor.alloc(v, self.length, *[v.shape[d] for d in range(v.ndim)])

    def pad(self, v, row, ndim):
        """`v` as a row of `ndim` dimensions is lined up with it: new ones of length 1 come after the first."""
        if not self.has(v, row) or row.ndim == ndim:
            return v
        return v.dimshuffle(0, *["x"] * (ndim - row.ndim), *range(1, v.ndim))

    def merge(self, v, row):
        """The first dimension of all rows joined to one."""
        v = self.expand(v, row)
        lengths = [v.shape[d] for d in range(v.ndim)]
        return v.reshape([lengths[0] * lengths[1], *lengths[2:]], ndim=row.ndim)

    def split(self, v, count):
        """What `merge` has joined: `count` is the length of a row."""
        return v.reshape([self.length, count, *[v.shape[d] for d in range(1, v.ndim)]], ndim=v.ndim + 1)

    def elementwise(self, scalar_op, inputs):
        """The outputs of a scalar Op for each element of `inputs`, of which some may still be scalars."""
        inputs = [tensor_from_scalar(v) if isinstance(v.type, Scalar) else v for v in inputs]
        return Elemwise(scalar_op)(*inputs, return_list=True)

    def inner(self, outputs, pairs):
        """`outputs` of a graph inside an Op, for the inputs in the dict `pairs`; and the Batch of that graph."""
        own = Batch(next(iter(pairs.values())).shape[0])
        return vectorized(outputs, pairs, own), own

    @staticmethod
    def _can_be_mapped(node):
        """Whether XLA computes it, of tensors alone: it then maps it over rows, without a loop."""
        tensors = all(isinstance(v.type, TensorType) for v in (*node.inputs, *node.outputs))
        return tensors and not (node.op.runs_on_host(node) or node.op.side_effect or node.op.loop_steps(node))

    def loop(self, node, inputs):
        """The outputs row by row: the Op mapped over the rows, or a loop over them."""
        moving = self.moving(node, inputs)
        if {node.inputs[i] for i in moving}.intersection(node.op.static_needs(node)):
            raise NoRows("the length of an output of %s differs between rows" % node)
        if not all(isinstance(v.type, (TensorType, Scalar)) for v in node.outputs):
            raise NoRows("%s gives %s" % (node, ", ".join(str(v.type) for v in node.outputs)))

        if self._can_be_mapped(node):
            from theanojax.vectorizing.rows import Rows

            kinds, results = [v.type for v in node.inputs], [v.type for v in node.outputs]
            return Rows(node.op, moving, kinds, results)(*inputs, return_list=True)

        def step(*rows):
            given = list(inputs)
            for i, row in zip(moving, rows[: len(moving)], strict=True):
                given[i] = scalar_from_tensor(row) if isinstance(node.inputs[i].type, Scalar) else row
            outs = node.clone_with_new_inputs(given).outputs
            return [tensor_from_scalar(v) if isinstance(v.type, Scalar) else v for v in outs]

        return looped(step, [inputs[i] for i in moving])


def looped(step, sequences):
    """The list of outputs of `step`, a function of a row of each of `sequences`, stacked."""
    outs, _ = scan(step, sequences=sequences, name="rows")
    return outs if isinstance(outs, list) else [outs]


def vectorized(outputs, pairs, batch):
    """`outputs` with the variables of the dict `pairs` replaced by those for many rows; some may be common to all."""
    found = dict(pairs)
    for node in io_toposort(list(pairs), outputs):
        inputs = [found.get(v, v) for v in node.inputs]
        if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
            continue
        if not batch.moving(node, inputs):
            outs = node.clone_with_new_inputs(inputs).outputs
        else:
            outs = node.op.vectorize_node(node, inputs, batch)
            if outs is NotImplemented:
                raise NoRows("how long the outputs of %s are differs between rows" % node)
            outs = batch.loop(node, inputs) if outs is None else outs
        for v, new in zip(node.outputs, outs, strict=True):
            found.setdefault(v, with_pattern(new, v))
    return [found.get(v, v) for v in outputs]


def with_pattern(new, row):
    """`new`, broadcastable where a row is."""
    extra = _ndim(new) - _ndim(row)
    lost = [
        extra + d
        for d, one in enumerate(getattr(row.type, "broadcastable", ()))
        if one and not new.type.broadcastable[extra + d]
    ]
    return addbroadcast(new, *lost) if lost else new
