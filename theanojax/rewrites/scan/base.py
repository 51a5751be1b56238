"""What the rewrites of loops share."""

from theanojax.errors import NotScalarConstantError, ReplacementDidntRemovedError
from theanojax.graph.features import ReplaceValidate
from theanojax.graph.rewriting.base import Optimizer
from theanojax.loop.arguments import scan_args
from theanojax.loop.scan_op import Scan
from theanojax.tensor.as_tensor import get_scalar_constant_value
from theanojax.tensor.indexing.subtensor import Subtensor
from theanojax.tensor.indexing.subtensor_basic import get_idx_list
from theanojax.tensor.shape import ScalarFromTensor


class ScanRewrite(Optimizer):
    """A rewrite that looks at each Scan node of a graph in turn."""

    def add_requirements(self, fgraph):
        fgraph.attach_feature(ReplaceValidate())

    def apply(self, fgraph):
        for node in scan_nodes(fgraph):
            if node in fgraph.apply_nodes:
                self.process_node(fgraph, node)

    def process_node(self, fgraph, node):
        raise NotImplementedError(type(self).__name__)


def scan_nodes(fgraph):
    return [node for node in fgraph.toposort() if isinstance(node.op, Scan)]


def arguments(node):
    """The variables of a Scan node by kind, around a copy of its inner graph."""
    return scan_args(node.inputs, node.outputs, node.op.inputs, node.op.outputs, node.op.info)


def rebuilt(args, inner_outputs=None):
    """The outputs of a new Scan node made of `args`."""
    op = Scan(args.inner_inputs, args.inner_outputs if inner_outputs is None else inner_outputs, args.info)
    return op(*args.outer_inputs, return_list=True)


def replace_node(fgraph, node, pairs, reason):
    """Replace (old, new) pairs such that the Scan `node` leaves the graph; False if it would not."""
    try:
        fgraph.replace_all_validate_remove(pairs, remove=[node], reason=reason, warn=False)
    except ReplacementDidntRemovedError:
        return False
    return True


def known_int(v):
    """The integer that `v` is, or None."""
    try:
        return int(get_scalar_constant_value(v))
    except (NotScalarConstantError, TypeError):
        return None


def cut_at(v, n):
    """x, if `v` is ``x[:n]`` for the variable `n`, else None."""
    if v.owner is None or not isinstance(v.owner.op, Subtensor):
        return None
    index = get_idx_list(v.owner.inputs, v.owner.op.idx_list)
    if len(index) != 1 or not isinstance(index[0], slice) or index[0].start is not None or index[0].step is not None:
        return None
    return v.owner.inputs[0] if tensor_behind(index[0].stop) is n else None


def tensor_behind(v):
    """The tensor that the scalar index `v` was made of."""
    if v is not None and v.owner is not None and isinstance(v.owner.op, ScalarFromTensor):
        return v.owner.inputs[0]
    return v


def last_step_client(v):
    """The variable ``v[-1]`` if that is the only use of `v`, else None."""
    if len(v.clients) != 1 or v.clients[0][0] == "output":
        return None
    node = v.clients[0][0]
    if not isinstance(node.op, Subtensor):
        return None
    index = get_idx_list(node.inputs, node.op.idx_list)
    if len(index) == 1 and not isinstance(index[0], slice) and known_int(index[0]) == -1:
        return node.outputs[0]
    return None
