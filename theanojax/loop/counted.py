"""Loops ended by `until`, inside XLA.

How many rows such a loop returns is only known afterwards. XLA therefore fills buffers of the full length and
counts the steps; the host cuts off what was not reached.
"""

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Constant
from theanojax.loop.scan_op import Scan
from theanojax.tensor.indexing.subtensor_basic import Subtensor, get_idx_list
from theanojax.tensor.type import TensorType


class CountedScan(Scan):
    """A Scan with `until` that returns whole buffers, and as a last output the number of steps done."""

    counted = True

    def __init__(self, op):  # the inner graph is shared, compiled as it is
        self.__dict__.update(op.__dict__)
        self.output_types = [*op.output_types, TensorType("int64", ())]
        self.__dict__.pop("_hash", None)


class ReachedRows(Op):
    """The rows of a buffer that a loop has reached: inputs are the buffer, the steps done and those allowed.

    `first` rows are the initial state. A buffer that was used as a ring is returned as it is.
    """

    __props__ = ("first",)

    def __init__(self, first):
        self.first = first

    def make_node(self, buffer, done, n_steps):
        return Apply(self, [buffer, done, n_steps], [buffer.type()])

    def perform(self, node, inputs, output_storage, params=None):
        buffer, done, n_steps = inputs
        if len(buffer) > done + self.first and done < n_steps:
            buffer = buffer[: int(done) - int(n_steps)]
        output_storage[0][0] = buffer


def counted_form(op, node):
    """A dict from the outputs of `node` to variables that XLA can compute but for the final cut; None if there is none.

    It also covers ``output[k:]``, so that cutting off the initial state does not come after the cut of the end,
    where it would be compiled for each number of steps.
    """
    if not op.as_while or getattr(op, "counted", False) or op.runs_on_host(node):
        return None
    outs = CountedScan(op)(*node.inputs, return_list=True)
    done = outs.pop()
    form = dict(zip(node.outputs, outs))
    for i in range(op.n_mit_mot, op.n_outs + op.n_nit_sot):
        first = -op.mintaps[i]
        form[node.outputs[i]] = ReachedRows(first)(outs[i], done, node.inputs[0])
        for client, _ in getattr(node.outputs[i], "clients", ()):
            start = _rows_cut_off(client)
            if start is not None and start <= first:
                form[client.outputs[0]] = ReachedRows(first - start)(outs[i][start:], done, node.inputs[0])
    return form


def _rows_cut_off(client):
    """k when `client` computes ``x[k:]`` with a constant k, else None."""
    if client == "output" or not isinstance(client.op, Subtensor):
        return None
    index = get_idx_list(client.inputs, client.op.idx_list)
    if len(index) != 1 or not isinstance(index[0], slice) or index[0].stop is not None or index[0].step is not None:
        return None
    start = index[0].start
    return int(start.data) if isinstance(start, Constant) and start.data >= 0 else None
