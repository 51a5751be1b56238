"""Loops that keep no more rows than are used, and do no more steps than are needed.

``scan(...)[-1]`` needs one row: with a buffer of one row the loop takes no memory however many steps it has, and
XLA compiles it once for all numbers of steps.
"""

from collections import deque

import theanojax.tensor as T
from theanojax.config import config
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.traverse import ancestors, stack_search
from theanojax.graph.variable import Constant
from theanojax.loop.arguments import compress_outs, scan_can_remove_outs
from theanojax.loop.needs import is_bounded, length_terms
from theanojax.loop.scan_op import Scan
from theanojax.loop.scan_utils import expand_empty
from theanojax.rewrites.scan.base import ScanRewrite, cut_at, known_int, replace_node
from theanojax.tensor.creation import Alloc
from theanojax.tensor.indexing.subtensor import IncSubtensor, Subtensor
from theanojax.tensor.indexing.subtensor_basic import get_idx_list
from theanojax.tensor.shape import Rebroadcast, Shape, Shape_i


@local_optimizer([Subtensor])
def local_last_of_scan(node):
    """``scan_output[1:][-1]`` is ``scan_output[-1]``: the initial state need not be cut off first."""
    if not isinstance(node.op, Subtensor) or node.inputs[0].owner is None:
        return False
    rows = node.inputs[0].owner
    if not isinstance(rows.op, Subtensor) or rows.inputs[0].owner is None:
        return False
    loop = rows.inputs[0].owner
    if not isinstance(loop.op, Scan):
        return False
    index, cut = get_idx_list(node.inputs, node.op.idx_list), get_idx_list(rows.inputs, rows.op.idx_list)
    if len(cut) != 1 or not _drops_initial_state(loop, rows.inputs[0], cut[0]) or not index:
        return False
    first = index[0]
    start = known_int(first.start if isinstance(first, slice) else first) if _of_unit_step(first) else None
    # Anything but the last row could be one that the cut has removed.
    if start != -1 or isinstance(first, slice):
        return False
    return [node.op(rows.inputs[0], *node.inputs[1:])]


def _of_unit_step(entry):
    return not isinstance(entry, slice) or entry.step is None or known_int(entry.step) == 1


def _drops_initial_state(loop, out, entry):
    if not isinstance(entry, slice) or entry.stop is not None or not _of_unit_step(entry) or entry.start is None:
        return False
    k = out.index
    return loop.op.n_mit_mot <= k < loop.op.n_outs and known_int(entry.start) == -loop.op.mintaps[k]


@local_optimizer([Scan])
def scan_uncut_sequences(node):
    """``x[:n_steps]`` as a sequence becomes `x`: a loop reads no more rows than it has steps.

    The cut would fix a shape by the value of `n_steps`, and so ask for an executable for each.
    """
    inputs = list(node.inputs)
    if not isinstance(node.op, Scan) or not _depends_on_values(inputs[0]):
        return False
    for i in range(1, 1 + node.op.n_seqs):
        whole = cut_at(inputs[i], inputs[0])
        if whole is not None and whole.type == inputs[i].type:
            inputs[i] = whole
    if all(a is b for a, b in zip(inputs, node.inputs)):
        return False
    return node.op(*inputs, return_list=True)


def _depends_on_values(v):
    """Whether `v` is computed from more than the shapes of the graph's inputs."""
    leaves = stack_search(
        deque([v]), lambda u: None if u.owner is None or isinstance(u.owner.op, (Shape, Shape_i)) else u.owner.inputs
    )
    return any(u.owner is None and not isinstance(u, Constant) for u in leaves)


class _Use:
    """How an output is read: `last` rows from the end, the first `until` rows, or all of them (both None)."""

    def __init__(self, last=None, until=None, is_slice=False):
        self.last, self.until, self.is_slice = last, until, is_slice


def _use(client, position):
    if client == "output" or not isinstance(client.op, Subtensor) or position != 0:
        return _Use()
    index = get_idx_list(client.inputs, client.op.idx_list)
    if not index or not _of_unit_step(index[0]):
        return _Use()
    first = index[0]
    if not isinstance(first, slice):
        k = known_int(first)
        return _Use() if k is None else _Use(last=-k) if k < 0 else _Use(until=k + 1)
    start = 0 if first.start is None else known_int(first.start)
    stop = None if first.stop is None else known_int(first.stop)
    if start is None or (stop is None and first.stop is not None):
        return _Use()
    if start < 0:
        # The end must be counted from the same side, or the rows are not the same in a shorter buffer.
        return _Use(last=-start, is_slice=True) if stop is None or stop < 0 else _Use()
    return _Use(until=stop) if stop is not None and stop > 0 else _Use()


def _is_ring(node, i):
    """Whether output `i` may have fewer rows than the loop writes: its first row is not the first one written."""
    if i >= node.op.n_outs:
        return False
    terms = length_terms(node.inputs[node.op.var_mappings["outer_inp_from_outer_out"][i]])
    steps = known_int(node.inputs[0])
    if steps is None:
        return any(is_bounded(v) for v in ancestors(terms))
    return any(n is not None and n < steps - node.op.mintaps[i] for n in map(known_int, terms))


class ScanSaveMem(ScanRewrite):
    """Shortens the buffers of outputs of which only some rows are used, and removes outputs that nobody uses."""

    def process_node(self, fgraph, node):
        op = node.op
        op._scan_savemem_visited = op.info["_scan_savemem_visited"] = True  # as Theano marks it
        n_stacked = op.n_outs + op.n_nit_sot
        uses = [
            [_Use() if _is_ring(node, k) else _use(c, i) for c, i in v.clients]
            for k, v in enumerate(node.outputs[:n_stacked])
        ]
        steps = self._fewer_steps(node, uses)
        unused = [i for i, u in enumerate(uses) if not u]
        required, removable = scan_can_remove_outs(op, unused)
        inputs = list(node.inputs)
        inputs[0] = steps
        changed = bool(removable) or any(a is not b for a, b in zip(inputs, node.inputs))
        for i in range(op.n_mit_mot, n_stacked):
            if i in removable:
                continue
            rows = 1 if i in required else max([0 if u.last is None else u.last for u in uses[i]])
            k = op.var_mappings["outer_inp_from_outer_out"][i]
            few = not op.as_while or rows <= 1 - op.mintaps[i]  # more rows would have to be cut when `until` ends it
            if i in required or (few and all(u.last is not None for u in uses[i])):
                short = self._shortened(op, i, inputs[k], steps, rows)
            elif steps is not node.inputs[0]:
                short = self._shortened(op, i, inputs[k], steps, None)
            else:
                short = None
            if short is not None:
                inputs[k], changed = short, True
        if not changed:
            return False
        inner_in, inner_out, info, outer, places = compress_outs(op, removable, inputs)
        info["_scan_savemem_visited"] = True
        outs = Scan(inner_in, inner_out, info)(*outer, return_list=True)
        pairs = [(v, outs[places[i]]) for i, v in enumerate(node.outputs) if i not in removable]
        return replace_node(fgraph, node, [(a, b) for a, b in pairs if a.clients], "scanOp_save_mem")

    def _fewer_steps(self, node, uses):
        """The number of steps, less when all outputs are read up to some row only."""
        op = node.op
        read = [(u, -op.mintaps[i]) for i, us in enumerate(uses) for u in us]
        if op.n_shared_outs or op.as_while or op.n_mit_mot or not read or any(u.until is None for u, _ in read):
            return node.inputs[0]
        wanted = max(1, *[u.until - first for u, first in read])
        known = known_int(node.inputs[0])
        if known is not None and known <= wanted:
            return node.inputs[0]
        fewer = T.minimum(node.inputs[0], wanted) if known is None else T.as_tensor_variable(wanted)
        return T.cast(fewer, node.inputs[0].dtype)

    def _shortened(self, op, i, given, steps, rows):
        """The buffer (or length) of output `i` for `rows` rows from the end, or for all; None if it is as short."""
        first = -op.mintaps[i]
        if rows is None:
            length = steps + first if first else steps
        elif rows <= first:
            # Theano keeps one row more, so that a step can write its result where it belongs.
            spare = config.scan.allow_output_prealloc and i < op.n_outs
            length = T.as_tensor_variable(first + bool(spare))
        else:
            # There may be fewer rows than are asked for.
            length = _minimum(steps + first if first else steps, rows)
        if i >= op.n_outs:
            known = known_int(given)
            return None if known is not None and known == known_int(length) else T.cast(length, given.dtype)
        return short_buffer(given, first, length)


def short_buffer(buffer, first, length):
    """`buffer`, of which `first` rows are given, with `length` rows; None if it has no more."""
    n = known_int(length)
    node = buffer.owner
    if node is not None and isinstance(node.op, Alloc):
        if n is not None and known_int(node.inputs[1]) == n:
            return None
        value = node.inputs[0]
        if value.ndim < buffer.ndim or value.broadcastable[0]:
            short = T.alloc(value, length, *node.inputs[2:])
            return T.unbroadcast(short, 0) if short.broadcastable[0] else short
    if node is not None and isinstance(node.op, IncSubtensor) and node.op.set_instead_of_inc and _sets_first_rows(node):
        initial = node.inputs[1]
        if initial.ndim == buffer.ndim and initial.broadcastable[1:] == buffer.broadcastable[1:]:
            short = initial if n == first else expand_empty(initial, n - first if n is not None else length - first)
            return T.unbroadcast(short, 0) if short.broadcastable[0] else short
    if node is not None and isinstance(node.op, Subtensor):
        index = get_idx_list(node.inputs, node.op.idx_list)
        if (
            n is not None
            and isinstance(index[0], slice)
            and index[0].start is None
            and index[0].stop is not None
            and known_int(index[0].stop) == n
        ):
            return None  # shortened before
    return buffer[:length] if _may_be_longer(buffer, n) else None


def _sets_first_rows(node):
    index = get_idx_list([None, *node.inputs[2:]], node.op.idx_list)
    return len(index) == 1 and isinstance(index[0], slice) and index[0].start is None and index[0].step is None


def _may_be_longer(buffer, n):
    while buffer.owner is not None and isinstance(buffer.owner.op, Rebroadcast):
        buffer = buffer.owner.inputs[0]
    return not (n == 1 and buffer.broadcastable[0])


def _minimum(a, b):
    known = known_int(a)
    return T.minimum(a, b) if known is None else T.as_tensor_variable(min(known, b))
