"""How Ops are applied to many rows at once: what `vectorize_node` is in the body of a class.

Each takes (op, node, inputs, batch) as `Contract.vectorize_node` says; `batch`, a Batch of theanojax.vectorizing, has
the tools.
"""

from copy import copy


def outputs(op, *inputs):
    """All outputs of an Op, also where a call gives one."""
    return list(op(*inputs, return_list=True)[0].owner.outputs)


def changed(op, **attributes):
    """A copy of an Op with other `attributes`."""
    op = copy(op)
    vars(op).update(attributes)
    return op


def later(axis):
    """An axis of a row as one of many rows."""
    return axis + 1 if axis >= 0 else axis


def only(*positions):
    """Of an Op that takes any dimensions before its own: it is applied as it is where no others than the inputs at
    `positions` differ between rows. There, all do or none.
    """

    def vectorize_node(op, node, inputs, batch):
        if not set(batch.moving(node, inputs)) <= set(positions):
            return None
        inputs = [batch.expand(v, node.inputs[i]) if i in positions else v for i, v in enumerate(inputs)]
        return outputs(op, *inputs)

    return vectorize_node


def ragged(op, node, inputs, batch):
    """Of an Op whose outputs are as long as the data say."""
    return NotImplemented


def merged(*positions, first=None, call=outputs):
    """Of an Op that does the same for each place in the first dimension of outputs and of the inputs at `positions`.

    No other input may differ between rows. `first` may change the inputs beforehand, `call` applies the Op.
    """

    def vectorize_node(op, node, inputs, batch):
        inputs = list(inputs) if first is None else first(node, list(inputs), batch)
        if not set(batch.moving(node, inputs)) <= set(positions):
            return None
        count = batch.expand(inputs[positions[0]], node.inputs[positions[0]]).shape[1]
        rows = [batch.merge(v, node.inputs[i]) if i in positions else v for i, v in enumerate(inputs)]
        out = call(op, *rows)
        return [batch.split(v, count) for v in (out if isinstance(out, list) else [out])]

    return vectorize_node


def along_axis(op, node, inputs, batch):
    """Of an Op with an attribute `axis`, a number, or None if it flattens its first input."""
    if batch.moving(node, inputs) != [0]:
        return None
    x, axis = _flat(op.axis, inputs[0], node.inputs[0])
    return outputs(changed(op, axis=axis), x, *inputs[1:])


def _flat(axis, x, row):
    if axis is not None:
        return x, later(int(axis))
    return (x.dimshuffle(0, "x") if row.ndim == 0 else x.flatten(2)), 1


def along_given_axis(op, node, inputs, batch):
    """Of an Op whose second input is the axis, which may be None."""
    if batch.moving(node, inputs) != [0]:
        return None
    known = getattr(inputs[1], "data", 0)
    axis = None if known is None or known.dtype == object else _axis(inputs[1], batch)
    if axis is None:
        return outputs(op, *_flat(None, inputs[0], node.inputs[0]))
    return outputs(op, inputs[0], axis)


def _axis(axis, batch):
    """The symbolic axis of a row as one of many rows."""
    known = getattr(axis, "data", None)
    return batch.tensor.switch(axis < 0, axis, axis + 1) if known is None else later(int(known))


# ---------------------------------------------------------------- elementwise, and the order of dimensions
def elementwise(op, node, inputs, batch):
    if not op.inplace_pattern:
        return outputs(op, *inputs)
    return outputs(type(op)(op.scalar_op, nfunc_spec=op.nfunc_spec), *inputs)


def same(op, node, inputs, batch):
    """Of what turns tensors into scalars and back: rows of scalars are a vector."""
    return [inputs[0]]


def dimshuffle(op, node, inputs, batch):
    return [inputs[0].dimshuffle(0, *[j if j == "x" else j + 1 for j in op.new_order])]


def rebroadcast(op, node, inputs, batch):
    return outputs(type(op)(*[(axis + 1, flag) for axis, flag in op.axis.items()]), *inputs)


def reduction(op, node, inputs, batch):
    axes = range(node.inputs[0].ndim) if op.axis is None else op.axis
    return outputs(changed(op, axis=tuple([later(a) for a in axes])), *inputs)


# ---------------------------------------------------------------- shapes
def shape(op, node, inputs, batch):
    return [inputs[0].shape[1:]]


def length(op, node, inputs, batch):
    return [type(op)(op.i + 1)(inputs[0])]


def _with_length(x, lengths, batch):
    """The lengths of a row, a vector, with the number of rows before them."""
    return batch.tensor.concatenate([batch.tensor.stack([x.shape[0]]), lengths])


def reshape(op, node, inputs, batch):
    x, lengths = inputs
    if batch.moving(node, inputs) != [0]:
        return None
    return [x.reshape(_with_length(x, lengths, batch), ndim=op.ndim + 1)]


def flatten(op, node, inputs, batch):
    return [inputs[0].dimshuffle(0, "x") if node.inputs[0].ndim == 0 else inputs[0].flatten(op.outdim + 1)]


def specify_shape(op, node, inputs, batch):
    x, lengths = inputs
    return [op(x, _with_length(x, lengths, batch))] if batch.moving(node, inputs) == [0] else None


def make_vector(op, node, inputs, batch):
    rows = [batch.expand(v, row).astype(op.dtype) for v, row in zip(inputs, node.inputs, strict=True)]
    return [batch.tensor.stack(rows, axis=1)]


def alloc(op, node, inputs, batch):
    if batch.moving(node, inputs) != [0]:
        return None
    return [op(batch.pad(inputs[0], node.inputs[0], len(inputs) - 1), batch.length, *inputs[1:])]


# ---------------------------------------------------------------- joins and repetitions
def join(op, node, inputs, batch):
    if 0 in batch.moving(node, inputs):
        return None
    rows = [batch.expand(v, row) for v, row in zip(inputs[1:], node.inputs[1:], strict=True)]
    return [op(_axis(inputs[0], batch), *rows)]


def split(op, node, inputs, batch):
    if batch.moving(node, inputs) != [0]:
        return None
    return outputs(op, inputs[0], _axis(inputs[1], batch), inputs[2])


def tile(op, node, inputs, batch):
    x, times = inputs
    if batch.moving(node, inputs) != [0]:
        return None
    one = batch.tensor.ones((1,), dtype=times.dtype)
    return [type(op)(op.ndim + 1)(x, batch.tensor.concatenate([one, times]))]


def extract_diag(op, node, inputs, batch):
    """Of matrices by an index, since the Op has a gradient for matrices alone."""
    if node.inputs[0].ndim > 2:
        return alloc_diag(op, node, inputs, batch)
    T, x = batch.tensor, inputs[0] if op.axis1 < op.axis2 else inputs[0].dimshuffle(0, 2, 1)
    above, left = max(-op.offset, 0), max(op.offset, 0)
    steps = T.arange(T.maximum(T.minimum(x.shape[1] - above, x.shape[2] - left), 0))
    return [x[:, steps + above, steps + left]]


def difference(op, node, inputs, batch):
    """By slices, since the Op has a gradient for vectors alone."""
    x, axis = inputs[0], later(op.axis) % inputs[0].ndim
    if x.dtype == "bool":
        return along_axis(op, node, inputs, batch)
    before = (slice(None),) * axis
    for _ in range(op.n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return [x]


def alloc_diag(op, node, inputs, batch):
    return outputs(changed(op, axis1=later(op.axis1), axis2=later(op.axis2)), *inputs)


# ---------------------------------------------------------------- products
def dot(op, node, inputs, batch):
    T = batch.tensor
    (a, b), (row_a, row_b) = inputs, node.inputs
    if not batch.has(b, row_b):  # one matrix for all rows
        return [T.dot(a, b)]
    if not batch.has(a, row_a):
        columns = T.dot(b.dimshuffle(0, 2, 1) if row_b.ndim == 2 else b, a.T)  # of vectors, too: a.T is a
        return [columns.dimshuffle(0, 2, 1) if columns.ndim == 3 else columns]
    left, right = a if row_a.ndim == 2 else a.dimshuffle(0, "x", 1), b if row_b.ndim == 2 else b.dimshuffle(0, 1, "x")
    out = T.batched_dot(left, right)
    order = [0] + [1] * (row_a.ndim == 2) + [2] * (row_b.ndim == 2)
    lost = [d for d in (1, 2) if d not in order and not out.broadcastable[d]]
    return [(T.addbroadcast(out, *lost) if lost else out).dimshuffle(order)]


# ---------------------------------------------------------------- conditions
def ifelse(op, node, inputs, batch):
    T = batch.tensor
    (c, *_), (ts, fs), (row_ts, row_fs) = inputs, op.branches(inputs), op.branches(node.inputs)
    pairs = list(zip(ts, fs, row_ts, row_fs, strict=True))
    if batch.has(c, node.inputs[0]):
        if not all(hasattr(v.type, "broadcastable") for v in node.outputs):
            return None
        chosen = c.astype("bool")
        return [
            T.switch(chosen.dimshuffle(0, *["x"] * t.ndim), batch.pad(x, t, t.ndim), batch.pad(y, f, f.ndim))
            for x, y, t, f in pairs
        ]
    both = [
        (batch.expand(x, t), batch.expand(y, f)) if batch.has(x, t) or batch.has(y, f) else (x, y)
        for x, y, t, f in pairs
    ]
    both = [(T.unbroadcast(x, 0), T.unbroadcast(y, 0)) if x.type != y.type else (x, y) for x, y in both]
    return outputs(op, c, *[x for x, _ in both], *[y for _, y in both])


def assertion(op, node, inputs, batch):
    conditions = zip(inputs[1:], node.inputs[1:], strict=True)
    return [op(inputs[0], *[batch.tensor.all(v) if batch.has(v, row) else v for v, row in conditions])]


# ---------------------------------------------------------------- softmax and its costs
def _bias_added(node, inputs, batch):
    x, b, *rest = inputs
    if batch.has(b, node.inputs[1]):
        x = batch.expand(x, node.inputs[0]) + b.dimshuffle(0, "x", 1)
        return [x, batch.tensor.zeros_like(b[0]), *rest]
    return inputs


softmax_with_bias, crossentropy_with_bias = merged(0, first=_bias_added), merged(0, 2, first=_bias_added)


# ---------------------------------------------------------------- convolution
def convolution(op, node, inputs, batch):
    """Images are independent of each other; kernels that differ between rows are what a loop is for."""
    return merged(0)(_any_images(op), node, inputs, batch)


def convolution_back(op, node, inputs, batch):
    """The gradient for the images: the second input has one for each of them."""
    return merged(1)(_any_images(op), node, inputs, batch)


def _any_images(op):
    """An Op that was told how many images there are, without that number."""
    told = getattr(op, "imshp", None)
    return changed(op, imshp=(None, *told[1:])) if told is not None else op
