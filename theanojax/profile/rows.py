"""From what XLA ran to rows of a profile: a node, or one Apply that stands for all that was fused."""

from theanojax.graph.op import PureOp
from theanojax.graph.variable import Apply
from theanojax.scalar.composite import Composite
from theanojax.scalar.types import get_scalar_type
from theanojax.tensor.elemwise import Elemwise

LONGEST = 40  # Ops in an expression that is written out
MOST_NAMES = 12  # of Ops, in the name of what stands for them


class Fusion(PureOp):
    """Stands in a profile for nodes of several kinds that XLA computes together; `ops` are theirs. It runs nowhere."""

    __props__ = ("ops",)

    def __init__(self, ops):
        self.ops = tuple(ops)

    def __str__(self):
        return "Fusion{%s}" % _names(self.ops, ", ")

    def runs_on_host(self, node):
        return False


class Rows:
    """Makes rows of sets of nodes; equal sets give the same Apply.

    Attributes
    ----------
    members : Apply that stands for several nodes -> these nodes, in order.
    """

    def __init__(self):
        self.members, self._made = {}, {}

    def of(self, nodes):
        """The row of some nodes of one graph, which are in order."""
        nodes = [n for n in nodes if n.op.array_role != "view"] or list(nodes)
        if len(nodes) == 1:
            return nodes[0]
        key = tuple(nodes)
        row = self._made.get(key)
        if row is None:
            row = _fused(nodes)
            self.keep(row, nodes)
        return row

    def keep(self, row, nodes):
        """Let `row` be that of `nodes`."""
        self._made[tuple(nodes)] = row
        self.members[row] = nodes


def _fused(nodes):
    inner = {v for n in nodes for v in n.outputs}
    inputs = list(dict.fromkeys(v for n in nodes for v in n.inputs if v not in inner))
    own = set(nodes)
    outputs = [v for n in nodes for v in n.outputs if _leaves(v, own)] or list(nodes[-1].outputs)
    op = _composite(nodes, inputs, outputs) or Fusion(n.op for n in nodes)
    row = Apply(op, inputs, [v.type() for v in outputs])
    for v, out in zip(outputs, row.outputs):
        out.name = v.name
        out.tag.stands_for = v
    row.fgraph = getattr(nodes[0], "fgraph", None)
    return row


def _leaves(v, nodes):
    clients = getattr(v, "clients", None)
    return not clients or any(client not in nodes for client, _ in clients)


def _composite(nodes, inputs, outputs):
    """What Theano would have called these nodes, if all of them are elementwise; else None."""
    if not all(isinstance(n.op, Elemwise) and len(n.outputs) == 1 for n in nodes):
        return None
    try:
        scalars = {v: get_scalar_type(v.dtype).make_variable() for v in inputs}
        for n in nodes:
            # a view between two of them, which computes nothing, has been left out
            scalars[n.outputs[0]] = n.op.scalar_op(*[scalars[v] for v in n.inputs])
        composite = Composite([scalars[v] for v in inputs], [scalars[v] for v in outputs])
    except Exception:  # such a Composite cannot be written
        return None
    if _written_length(nodes, outputs) > LONGEST:  # what is used twice would be written twice
        composite.name = "Composite{%s}" % _names([n.op.scalar_op for n in nodes])
    return Elemwise(composite)


def _written_length(nodes, outputs):
    """The number of Ops in the expressions for `outputs`, written out."""
    length = {}
    for n in nodes:
        length[n.outputs[0]] = 1 + sum(length.get(v, 0) for v in n.inputs)
    return sum(length[v] for v in outputs)


def _names(ops, between=","):
    rest = ["... and %d more" % (len(ops) - MOST_NAMES)] if len(ops) > MOST_NAMES else []
    return between.join([*map(str, ops[:MOST_NAMES]), *rest])
