"""Loops that keep what is read of their outputs, and no more.

Theano's rewrite (`memory.ScanSaveMem`) shortens an output of which a few last rows are read, or does fewer steps. What
goes beyond it is here, for the graph that runs alone: any rows that an index or a slice reads become a window of the
loop (`theanojax.loop.windows`), and a sum, product, greatest or least value over the steps becomes a state of its own.
"""

import numpy as np

import theanojax.tensor as T
from theanojax.graph.traverse import ancestors, io_toposort
from theanojax.graph.variable import Constant
from theanojax.loop.arguments import compress_outs, scan_can_remove_outs
from theanojax.loop.scan_op import Scan
from theanojax.loop.scan_utils import expand_empty
from theanojax.rewrites.scan.base import ScanRewrite, arguments, known_int, rebuilt, replace_node, tensor_behind
from theanojax.rewrites.scan.memory import _drops_initial_state, short_buffer
from theanojax.scalar import Add, Maximum, Minimum, Mul
from theanojax.tensor.creation import Alloc, AllocEmpty
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.indexing.subtensor import IncSubtensor, Subtensor
from theanojax.tensor.indexing.subtensor_basic import get_idx_list
from theanojax.tensor.reduce import CAReduce, CAReduceDtype
from theanojax.tensor.shape import Rebroadcast, ScalarFromTensor, Shape_i, TensorFromScalar

MANY = 1_000_003  # steps, where their number is not known: enough for a part of them to be more than a few


class Numbers:
    """What the whole numbers of a graph are if a loop has many steps.

    ``numbers[v]`` is an integer, None if that cannot be said, and ``DATA`` if `v` is not computed from numbers and
    shapes of inputs alone: then it is known too late to fix how many rows are kept.
    """

    DATA = "data"

    def __init__(self, n_steps):
        # An input that the number of steps is computed from is as large.
        self.known = {v: MANY for v in ancestors([n_steps]) if _is_size(v)}
        n = self[n_steps]
        self.n = n if isinstance(n, int) else MANY
        self.known = {n_steps: self.n, **{v: k for v, k in self.known.items() if _is_size(v)}}

    def __getitem__(self, v):
        known = self.known
        for node in io_toposort(known, [v]):
            out = node.outputs[0]
            if out not in known:
                known[out] = self._of_node(node)
        return self._of(v)

    def _of(self, v):
        if v in self.known:
            return self.known[v]
        if isinstance(v, Constant):
            return int(v.data) if np.ndim(v.data) == 0 and np.asarray(v.data).dtype.kind in "iub" else self.DATA
        return None if v.owner is None and _is_number(v) else self.DATA

    def _of_node(self, node):
        if _is_size(node.outputs[0]):
            return None
        values = [self._of(v) for v in node.inputs]
        if isinstance(node.op, Shape_i) or len(node.outputs) > 1 or self.DATA in values:
            return self.DATA
        if isinstance(node.op, (ScalarFromTensor, TensorFromScalar)):
            return values[0]
        if not isinstance(node.op, Elemwise) or not _is_number(node.outputs[0]):
            return self.DATA
        try:
            return None if None in values else int(node.op.scalar_op.impl(*values))
        except (ArithmeticError, ValueError):  # a division by 0, for one
            return None


def _is_number(v):
    return getattr(v.type, "ndim", 0) == 0 and getattr(v.type, "dtype", "").startswith(("int", "uint", "bool"))


def _is_size(v):
    """Whether `v` is a number that is given, or a length of what is given."""
    if v.owner is None:
        return not isinstance(v, Constant) and _is_number(v)
    return isinstance(v.owner.op, Shape_i) and v.owner.inputs[0].owner is None


class _Rows:
    """The rows that `read`, the output of a Subtensor, takes of what has `length` of them.

    `start` and `count` are expressions, `step` a number; `reverses` is for all rows from the last on. `rest` is
    the index without its first entry.
    """

    def __init__(self, read, length):
        index = get_idx_list(read.owner.inputs, read.owner.op.idx_list)
        self.read, self.rest = read, index[1:]
        entry = index[0] if index else slice(None)
        self.is_row, self.reverses = not isinstance(entry, slice), False
        if self.is_row:
            self.step, at = 1, _as_number(entry)
            self.start = T.switch(T.lt(at, 0), at + length, at)
            inside = T.and_(T.ge(self.start, 0), T.lt(self.start, length))
            self.count = T.cast(inside, "int64")
            return
        self.step = 1 if entry.step is None else known_int(entry.step)
        self.reverses = self.step == -1 and entry.start is None and entry.stop is None
        if not self.step:
            return
        size = abs(self.step)
        if self.step > 0:
            self.start, stop = _clipped(entry.start, length, 0, 0), _clipped(entry.stop, length, 0, length)
            rows = stop - self.start
        else:
            self.start, stop = _clipped(entry.start, length, -1, length - 1), _clipped(entry.stop, length, -1, -1)
            rows = self.start - stop
        self.count = T.maximum(0, rows if size == 1 else (rows + (size - 1)) // size)

    def of(self, window):
        """What is read, of a `window` that has these rows."""
        if not self.is_row and not self.rest:
            return window
        return window[(0 if self.is_row else slice(None), *self.rest)]


def _as_number(v):
    k = known_int(v)
    return T.constant(k, dtype="int64") if k is not None else T.cast(tensor_behind(v), "int64")


def _clipped(end, length, low, missing):
    """An end of a slice, counted from the first row and at least `low`; `missing` if there is none."""
    if end is None:
        return T.as_tensor_variable(missing).astype("int64")
    high, k = length + low, known_int(end)
    if k is not None:
        return T.minimum(np.int64(k), high) if k >= 0 else T.maximum(length + np.int64(k), np.int64(low))
    v = _as_number(end)
    v = T.switch(T.lt(v, 0), v + length, v)
    return T.minimum(T.maximum(v, np.int64(low)), high)


class _Fold:
    """A reduction over all steps: `read` is its result, `rows` what it is of.

    `rows` are computed by the elementwise nodes `between` from the output `source`, or are these.
    """

    def __init__(self, read, source, between):
        self.read, self.op, self.source, self.between = read, read.owner.op, source, between
        self.rows = read.owner.inputs[0]
        dtype = self.rows.dtype
        self.dtype = self.op._acc_dtype(dtype) if isinstance(self.op, CAReduceDtype) else dtype

    def start(self):
        """What it is over no steps, of `dtype`."""
        return _NEUTRAL[type(self.op.scalar_op)](np.dtype(self.dtype))

    def row(self, args, value):
        """The row of `rows` inside the loop, where that of `source` is `value`."""
        known = {self.source: value}
        for node in self.between if self.rows is not self.source else ():
            known[node.outputs[0]] = node.op(*[known[v] if v in known else _given(args, v) for v in node.inputs])
        return known[self.rows]

    def of(self, last, n_steps):
        """The result, given the state after the last step as the only row of `last`."""
        if isinstance(self.op.scalar_op, (Maximum, Minimum)):
            last = last[: T.minimum(n_steps, 1)]  # there is none of no steps
        if not isinstance(self.op, CAReduceDtype):
            return self.op(last)
        return type(self.op)(axis=self.op.axis, dtype=self.read.dtype, acc_dtype=self.dtype)(last)


def _given(args, v):
    """The only row of `v`, inside the loop of `args`."""
    if isinstance(v, Constant):
        return T.constant(v.data[0], dtype=v.dtype)
    row = v.dimshuffle(*range(1, v.ndim))
    args.outer_in_non_seqs.append(row)
    args.inner_in_non_seqs.append(row.type())
    return args.inner_in_non_seqs[-1]


def _least(dtype):
    return -np.inf if dtype.kind == "f" else False if dtype.kind == "b" else np.iinfo(dtype).min


def _greatest(dtype):
    return np.inf if dtype.kind == "f" else True if dtype.kind == "b" else np.iinfo(dtype).max


_NEUTRAL = {Add: lambda dtype: 0, Mul: lambda dtype: 1, Maximum: _least, Minimum: _greatest}


class ScanKeepReads(ScanRewrite):
    """Gives loops windows and states for what is read of their outputs."""

    running = True

    def process_node(self, fgraph, node):
        op = node.op
        if op.as_while or op.windows:
            return False
        found = {}
        numbers = Numbers(node.inputs[0])
        for i in range(op.n_mit_mot, op.n_outs + op.n_nit_sot):
            reads = self._reads(fgraph, node, i, numbers)
            if reads:
                found[i] = reads
        return bool(found) and self._replace(fgraph, node, found)

    def _reads(self, fgraph, node, i, numbers):
        """The _Rows and _Folds that are all that is read of output `i`; None if it had better be kept."""
        out, first = node.outputs[i], -node.op.mintaps[i]
        if not out.clients or not _has_all_rows(fgraph, node, i, numbers):
            return None
        length = T.cast(node.inputs[0], "int64") + np.int64(first)
        reads, rows, wholes = [], 0, 0
        for client in dict.fromkeys(c for c, _ in out.clients):
            if client == "output":
                return None
            folds = _folds(client, out, first)
            if folds and all(_row_shape(fgraph, out, f.rows) is not None for f in folds):
                reads += folds
                continue
            if not isinstance(client.op, Subtensor):
                return None
            read = _Rows(client.outputs[0], length)
            if not read.step:
                return None
            size = numbers[read.count]
            if numbers.DATA in (size, numbers[read.start]):
                return None
            if read.is_row:
                size = 1
            read.reverses &= not first
            rows += numbers.n if size is None else size
            wholes += size is not None and size >= numbers.n and not read.reverses
            reads.append(read)
        # Half of the rows is little enough. One read alone spares a copy of a part, or of all in reverse.
        return reads if rows <= numbers.n // 2 + 1 or len(reads) == 1 and not wholes else None

    def _replace(self, fgraph, node, found):
        op, args = node.op, arguments(node)
        results = args.inner_out_mit_sot + args.inner_out_sit_sot + args.inner_out_nit_sot
        results = dict(enumerate(results, op.n_mit_mot))
        n_folds, windows = 0, []
        for i, reads in found.items():
            for read in reads:
                if isinstance(read, _Fold):
                    n_folds += 1
                    shape = _row_shape(fgraph, node.outputs[i], read.rows)
                    _add_state(args, read, read.row(args, results[i]), shape)
        for i, reads in found.items():
            for read in reads:
                if isinstance(read, _Rows):
                    windows.append((i, read.step, read.reverses))
                    start = T.lscalar()
                    args.outer_in_nit_sot.append(read.count)
                    args.inner_out_nit_sot.append(results[i])
                    args.outer_in_non_seqs.append(T.cast(read.start, "int64"))
                    args.inner_in_non_seqs.append(start)
        new = rebuilt(args)[0].owner

        def place(i):
            return i if i < op.n_outs else i + n_folds

        unused = [place(i) for i in found]
        required, removable = scan_can_remove_outs(new.op, unused)
        sources = {i for i, _, _ in windows if i < op.n_outs}
        removable = [i for i in removable if i not in sources]
        inputs = list(new.inputs)
        for i in unused:
            if i not in removable and i < op.n_outs:
                k = new.op.var_mappings["outer_inp_from_outer_out"][i]
                first = -new.op.mintaps[i]
                short = short_buffer(inputs[k], first, T.as_tensor_variable(first))
                inputs[k] = inputs[k] if short is None else short
        inner_in, inner_out, info, outer, places = compress_outs(new.op, removable, inputs)
        info["windows"] = tuple((places[i] if i in sources else None, *how) for i, *how in windows)
        info["_scan_savemem_visited"] = True
        outs = Scan(inner_in, inner_out, info)(*outer, return_list=True)
        pairs = [
            (v, outs[places[place(i) if i < op.n_outs + op.n_nit_sot else i + n_folds + len(windows)]])
            for i, v in enumerate(node.outputs)
            if v.clients and i not in found
        ]
        folded = iter(outs[places[op.n_outs + k]] for k in range(n_folds))
        kept = iter(outs[len(outs) - op.n_shared_outs - len(windows) :])
        for reads in found.values():
            for read in reads:
                if isinstance(read, _Fold):
                    pairs.append((read.read, read.of(next(folded)[-1:], node.inputs[0])))
                else:
                    pairs.append((read.read, read.of(next(kept))))
        pairs = [(old, _as(new, old)) for old, new in pairs]
        return all(a.type == b.type for a, b in pairs) and replace_node(fgraph, node, pairs, "scan_keep_reads")


def _as(new, old):
    same = new.type == old.type or new.dtype != old.dtype or new.ndim != old.ndim
    return new if same else T.patternbroadcast(new, old.broadcastable)


def _row_shape(fgraph, out, rows):
    """The lengths of a row of `rows`; None if the loop with the output `out` has to say them."""
    shapes = getattr(fgraph, "shape_feature", None)
    shape = shapes and shapes.shape_of.get(rows)
    return None if not shape or out.owner in {v.owner for v in ancestors(shape[1:])} else shape[1:]


def _add_state(args, fold, value, shape):
    """Add to `args` the state of `fold`, of the rows `value` of this shape."""
    first = T.alloc(np.asarray(fold.start(), dtype=fold.dtype), 1, *shape)
    first = T.patternbroadcast(first, (False, *value.broadcastable))
    state = T.TensorType(fold.dtype, value.broadcastable)()
    args.outer_in_sit_sot.append(T.patternbroadcast(expand_empty(first, 1), (False, *value.broadcastable)))
    args.inner_in_sit_sot.append(state)
    args.inner_out_sit_sot.append(Elemwise(fold.op.scalar_op)(state, T.cast(value, fold.dtype)))


def _has_all_rows(fgraph, node, i, numbers):
    """Whether output `i` has the row of each step, after its initial ones."""
    given = node.inputs[node.op.var_mappings["outer_inp_from_outer_out"][i]]
    length = _length(fgraph, given) if given.ndim else given
    return length is not None and numbers[length] == numbers.n - node.op.mintaps[i]


def _length(fgraph, buffer):
    """How many rows a state's buffer has, an expression or None."""
    node = buffer.owner
    while node is not None and isinstance(node.op, (IncSubtensor, Rebroadcast)):
        node = node.inputs[0].owner
    if node is not None and isinstance(node.op, (Alloc, AllocEmpty)):
        return node.inputs[isinstance(node.op, Alloc)]
    shapes = getattr(fgraph, "shape_feature", None)
    shape = shapes and shapes.shape_of.get(buffer)
    return shape[0] if shape else None


def _folds(client, out, first):
    """The _Folds that are all that is read of output `out` by way of `client`; none if it is read otherwise."""
    if out.ndim < 2:  # a number a step: their sum is not worth a loss of digits
        return []
    source, reads = out, [client]
    if first:
        index = get_idx_list(client.inputs, client.op.idx_list) if isinstance(client.op, Subtensor) else ()
        if len(index) != 1 or not _drops_initial_state(out.owner, out, index[0]):
            return []
        source = client.outputs[0]
        reads = [c for c, _ in source.clients]
    found, between, reached = [], [], {source}
    while reads:
        later = []
        for node in dict.fromkeys(reads):
            if node == "output" or not _is_fold(node) and not isinstance(node.op, Elemwise):
                return []
            if _is_fold(node):
                found.append(_Fold(node.outputs[0], source, between))
            elif not all(v in reached or _is_same_for_all(v, out) for v in node.inputs):
                later.append(node)
            elif node.outputs[0] not in reached:
                between.append(node)
                reached.add(node.outputs[0])
                later += [c for c, _ in node.outputs[0].clients]
        if later == reads:
            return []
        reads = later
    return found


def _is_fold(node):
    op = node.op
    if not isinstance(op, CAReduce) or type(op) is CAReduceDtype or type(op.scalar_op) not in _NEUTRAL:
        return False
    return not node.inputs[0].dtype.startswith("complex") and (op.axis is None or 0 in op.axis)


def _is_same_for_all(v, out):
    """Whether `v` has one row for all rows of the loop's output `out`, and is there before the loop."""
    return v.broadcastable[0] and not any(u.owner is out.owner for u in ancestors([v]))
