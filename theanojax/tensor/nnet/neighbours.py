"""images2neibs: the neighbourhoods of the pixels of images as rows of a matrix, and back."""

import numpy as np

import theanojax.tensor as T
from theanojax.graph import above
from theanojax.graph.gradient_types import grad_not_implemented, grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import linear_in

__all__ = ["Images2Neibs", "images2neibs", "neibs2images"]

MODES = ("valid", "half", "full", "wrap_centered", "ignore_borders")


def _slack(mode, length, size):
    """By how much an axis, with its padding, is longer than one neighbourhood; None for "wrap_centered"."""
    return {
        "valid": length - size,
        "ignore_borders": length - size,
        "half": length - size % 2,
        "full": length + size - 2,
    }[mode]


class Images2Neibs(Op):
    """The neighbourhoods of images (a, b, rows, columns) as rows of a matrix; see `images2neibs`.

    NotImplementedError for a mode that is not known.
    """

    __props__ = ("mode",)

    def __init__(self, mode="valid"):
        if mode not in MODES:
            raise NotImplementedError(
                "Only modes %s have been implemented for %s" % (", ".join(MODES), type(self).__name__)
            )
        self.mode = mode

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, self.mode)

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__dict__.setdefault("mode", "valid")

    def make_node(self, ten4, neib_shape, neib_step=None):
        ten4, neib_shape = as_tensor_variable(ten4), as_tensor_variable(neib_shape)
        neib_step = neib_shape if neib_step is None else as_tensor_variable(neib_step)
        for v, ndim, name in ((ten4, 4, "ten4"), (neib_shape, 1, "neib_shape"), (neib_step, 1, "neib_step")):
            if v.ndim != ndim:
                raise AssertionError("%s must have %d dimensions, got %s" % (name, ndim, v.type))
        return Apply(self, [ten4, neib_shape, neib_step], [T.matrix(dtype=ten4.type.dtype)])

    static_inputs = (1, 2)

    def _places(self, lengths, sizes, steps):
        """How many neighbourhoods there are along each axis. TypeError where they do not fit."""
        if min(steps) <= 0:
            raise ValueError("neib_step wrong step ; values <= 0. Got " + str(steps))
        if min(sizes) <= 0:
            raise ValueError("neib_shape values <=0. Got " + str(sizes))
        if self.mode == "wrap_centered":
            if any(s % 2 != 1 for s in sizes):
                raise TypeError("Images2Neibs: in mode wrap_centered need patch with odd shapes")
            if any(n < s for n, s in zip(lengths, sizes)):
                raise TypeError(
                    "Images2Neibs: in wrap_centered mode, don't support image shapes smaller then the "
                    "patch shapes: neib_shape=(%d,%d), ten4[2:]=[%d,%d]" % (*sizes, *lengths)
                )
            return [-(-n // step) for n, step in zip(lengths, steps)]
        places = []
        for i, (n, size, step) in enumerate(zip(lengths, sizes, steps)):
            slack = _slack(self.mode, n, size)
            if self.mode != "ignore_borders" and (n < size or slack % step):
                raise TypeError(
                    "neib_shape[%d]=%d, neib_step[%d]=%d and ten4.shape[%d]=%d not consistent"
                    % (i, size, i, step, i + 2, n)
                )
            places.append(1 + slack // step)
        return places

    def compute(self, xp, node, ten4, neib_shape, neib_step):
        ten4 = xp.asarray(ten4)
        lengths = ten4.shape[2:]
        sizes, steps = [tuple(int(i) for i in v) for v in (neib_shape, neib_step)]
        if len(sizes) != 2 or len(steps) != 2:
            raise AssertionError("neib_shape and neib_step must have two elements")
        places = self._places(lengths, sizes, steps)
        before = {
            "wrap_centered": [s // 2 for s in sizes],
            "half": [s // 2 for s in sizes],
            "full": [s - 1 for s in sizes],
        }.get(self.mode, [0, 0])
        indices = [
            np.arange(p)[:, None] * step + np.arange(s) - b for p, step, s, b in zip(places, steps, sizes, before)
        ]
        if self.mode == "wrap_centered":
            indices = [i % n for i, n in zip(indices, lengths)]
        elif any(b for b in before):
            after = [max(0, int(i.max()) + 1 - n) for i, n in zip(indices, lengths)]
            ten4 = xp.spread(ten4, [(0, 0, 0)] * 2 + [(b, a, 0) for b, a in zip(before, after)])
            indices = [i + b for i, b in zip(indices, before)]
        rows, columns = indices
        out = xp.take(xp.take(ten4, rows, axis=2), columns, axis=4)  # (a, b, place, size, place, size)
        out = xp.transpose(out, (0, 1, 2, 4, 3, 5))
        count = ten4.shape[0] * ten4.shape[1] * places[0] * places[1]
        return xp.reshape(out, (count, sizes[0] * sizes[1]))

    def infer_shape(self, node, input_shape):
        image = input_shape[0]
        sizes, steps = [[v[0], v[1]] for v in node.inputs[1:]]
        places = []
        for n, size, step in zip(image[2:], sizes, steps):
            if self.mode == "wrap_centered":
                places.append(T.ceil_intdiv(n, step))
            else:
                places.append(1 + _slack(self.mode, n, size) // step)
        return [(places[0] * places[1] * image[1] * image[0], sizes[0] * sizes[1])]

    R_op = linear_in(0, 1)

    def grad(self, inp, grads):
        x, neib_shape, neib_step = inp
        (gz,) = grads
        rest = [grad_undefined(self, 1, neib_shape), grad_undefined(self, 2, neib_step)]
        same = neib_shape is neib_step or (hasattr(neib_shape, "equals") and neib_shape.equals(neib_step))
        if same and self.mode in ("valid", "ignore_borders"):
            return [neibs2images(gz, neib_shape, x.shape, mode=self.mode)] + rest
        if self.mode == "valid":
            return [self._scattered(x, neib_shape, neib_step, gz)] + rest
        return [grad_not_implemented(self, 0, x)] + rest

    @staticmethod
    def _scattered(x, neib_shape, neib_step, gz):
        """The gradient of overlapping neighbourhoods: one step of a loop adds up one place of all of them."""

        def step(position, piece, total, sizes, steps):
            batch, channels, rows, columns = total.shape
            i, j = position // sizes[1], position % sizes[1]
            part = total[:, :, i : rows - sizes[0] + i + 1 : steps[0], j : columns - sizes[1] + j + 1 : steps[1]]
            shape = (batch, channels, (rows - sizes[0]) // steps[0] + 1, (columns - sizes[1]) // steps[1] + 1)
            return T.inc_subtensor(part, piece.reshape(shape))

        totals, _ = above.scan(
            step,
            sequences=[T.arange(neib_shape[0] * neib_shape[1]), gz.dimshuffle((1, 0))],
            outputs_info=T.zeros(x.shape),
            non_sequences=[neib_shape, neib_step],
        )
        return totals[-1]


def images2neibs(ten4, neib_shape, neib_step=None, mode="valid"):
    """The neighbourhoods of the pixels of images, each flattened to a row of a matrix.

    Parameters
    ----------
    ten4 : (a, b, rows, columns)
    neib_shape : the rows and columns of a neighbourhood, two ints or a vector
    neib_step : steps from one neighbourhood to the next; `neib_shape` if None, so that they tile the image
    mode : "valid", where they must fit the image; "ignore_borders", where what doesn't fit is left out; "half" and
        "full", with size // 2 or size - 1 zeros around; "wrap_centered", where each (of odd size) is centred on a
        pixel and goes round the edges

    Returns
    -------
    A matrix of the dtype of `ten4`; its rows are in the order of a, b, and the places of the neighbourhoods.

    Raises
    ------
    AssertionError : `ten4` has not four dimensions. NotImplementedError : there is no such mode.
    TypeError : when run, the neighbourhoods don't fit. ValueError : when run, a size or step is not positive.
    """
    return Images2Neibs(mode)(ten4, neib_shape, neib_step)


def neibs2images(neibs, neib_shape, original_shape, mode="valid"):
    """The images that `images2neibs` (with its default step) made `neibs` of, in their dtype.

    `neib_shape` is that of the neighbourhoods, two ints or a vector; `original_shape` holds the four lengths of the
    images; with mode "ignore_borders" the borders become zero. NotImplementedError for other modes than this and
    "valid".
    """
    neibs, neib_shape = as_tensor_variable(neibs), as_tensor_variable(neib_shape)
    original_shape = as_tensor_variable(original_shape)
    # A row of neighbourhoods is an image whose own neighbourhoods are the rows of pixels.
    sizes = T.stack([original_shape[-1] // neib_shape[1], neib_shape[1]])
    pixels = images2neibs(neibs.dimshuffle("x", "x", 0, 1), sizes, mode=mode)
    if mode == "valid":
        return pixels.reshape(original_shape, ndim=4)
    if mode != "ignore_borders":
        raise NotImplementedError("neibs2images do not support mode=%s" % mode)
    covered = original_shape
    for axis in (0, 1):
        whole = (covered[axis + 2] // neib_shape[axis]) * neib_shape[axis]
        covered = T.set_subtensor(covered[axis + 2], whole)
    out = pixels.reshape(covered, ndim=4)
    for axis in (2, 3):
        shape = [out.shape[i] for i in range(4)]
        shape[axis] = original_shape[axis] - covered[axis]
        out = T.concatenate([out, T.zeros(shape, dtype=out.dtype)], axis=axis)
    return out
