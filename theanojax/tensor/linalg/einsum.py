"""Einstein's sums: products of tensors, summed over the subscripts that the result does not have."""

import numpy as np

from theanojax.config import config
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar.types import upcast
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.creation import eye, ones
from theanojax.tensor.shape import patternbroadcast
from theanojax.tensor.type import TensorType, discrete_dtypes

__all__ = ["einsum"]

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Einsum(Op):
    """The sum that `subscripts` say, with a letter for each dimension and an output: ``"ij,jk->ik"``; see `einsum`.

    All lengths that have one letter are the same; ValueError, when run, if they are not.
    """

    __props__ = ("subscripts",)

    def __init__(self, subscripts):
        self.subscripts = subscripts
        inputs, self.result = subscripts.split("->")
        self.terms = inputs.split(",")

    def __str__(self):
        return "Einsum{%s}" % self.subscripts

    def make_node(self, *operands):
        operands = [as_tensor_variable(v) for v in operands]
        if [v.ndim for v in operands] != [len(term) for term in self.terms]:
            raise ValueError("%s does not fit operands of %s dimensions" % (self, [v.ndim for v in operands]))
        ones = {c for v, term in zip(operands, self.terms) for c, one in zip(term, v.broadcastable) if one}
        dtype = upcast(*[v.dtype for v in operands])
        return Apply(self, operands, [TensorType(dtype, [c in ones for c in self.result])()])

    def compute(self, xp, node, *operands):
        lengths = {}
        for k, (x, term) in enumerate(zip(operands, self.terms, strict=True)):
            own = {}
            for c, n in zip(term, x.shape, strict=True):
                if own.setdefault(c, n) != n:
                    raise ValueError(
                        "dimensions in operand %d for collapsing index '%s' don't match (%d != %d)" % (k, c, own[c], n)
                    )
                if lengths.setdefault(c, n) != n:
                    raise ValueError(
                        "Size of label '%s' for operand %d (%d) does not match previous terms (%d)."
                        % (c, k, n, lengths[c])
                    )
        dtype = node.outputs[0].dtype
        operands = [xp.astype(x, dtype) for x in operands]
        return xp.asarray(xp.einsum(self.subscripts, *operands, optimize=len(operands) > 1))

    def infer_shape(self, node, shapes):
        lengths = {}
        for shape, term in zip(shapes, self.terms, strict=True):
            for c, n in zip(term, shape, strict=True):
                lengths.setdefault(c, n)
        return [tuple(lengths[c] for c in self.result)]

    def L_op(self, inputs, outputs, output_grads):
        if outputs[0].dtype in discrete_dtypes:
            return [v.zeros_like(dtype=config.floatX) for v in inputs]
        return [self._gradient(k, inputs, output_grads[0]) for k in range(len(inputs))]

    def _gradient(self, k, inputs, g):
        """The sum of the other operands and `g` over what operand `k` does not have.

        A letter that it has twice is a diagonal, and one that nobody else has is the same all along.
        """
        x, terms, operands = inputs[k], [self.result], [g]
        if x.dtype in discrete_dtypes:
            return x.zeros_like(dtype=config.floatX)
        for j, v in enumerate(inputs):
            if j != k:
                terms.append(self.terms[j])
                operands.append(v)
        free = [c for c in LETTERS if c not in self.subscripts]
        known, wanted = set("".join(terms)), ""
        for d, c in enumerate(self.terms[k]):
            if c in wanted:
                other = free.pop(0)
                terms.append(c + other)
                operands.append(eye(x.shape[d], dtype=g.dtype))
                wanted += other
                continue
            if c not in known:
                terms.append(c)
                operands.append(ones((x.shape[d],), dtype=g.dtype))
            wanted += c
        out = Einsum("%s->%s" % (",".join(terms), wanted))(*operands)
        out = out if out.dtype == x.dtype else out.astype(x.dtype)
        return out if out.broadcastable == x.broadcastable else patternbroadcast(out, x.broadcastable)

    def R_op(self, inputs, eval_points):
        terms = [self(*inputs[:k], point, *inputs[k + 1 :]) for k, point in enumerate(eval_points) if point is not None]
        return [sum(terms[1:], terms[0]) if terms else None]

    def vectorize_node(self, node, inputs, batch):
        moving = batch.moving(node, inputs)
        row = next(c for c in LETTERS if c not in self.subscripts)
        terms = [row * (k in moving) + term for k, term in enumerate(self.terms)]
        return [Einsum("%s->%s%s" % (",".join(terms), row, self.result))(*inputs)]


def einsum(subscripts, *operands):
    """The product of the `operands`, summed over the subscripts that the result does not have, as numpy.einsum says.

    Parameters
    ----------
    subscripts : str, a letter for each dimension of each operand, and after "->" those of the result. Without it the
        result has, in alphabetical order, those that occur once. "..." stands for dimensions that are broadcast.
        numpy's other form, ``einsum(a, [0, 1], b, [1, 2], [0, 2])``, may be used, too.
    operands : tensors. A dimension that is declared broadcastable goes with any length of the same letter.

    Returns
    -------
    A tensor of the dtype that all operands are upcast to. The order of the products is chosen when it runs, from the
    lengths: numpy's path, or opt_einsum's inside XLA.

    Raises
    ------
    ValueError, TypeError : numpy's, when `subscripts` do not fit; or, when it runs, for lengths that differ.
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists([subscripts, *operands])
    operands = [as_tensor_variable(v) for v in operands]
    subscripts = subscripts.replace(" ", "")
    np.einsum(subscripts, *[np.zeros((1,) * v.ndim) for v in operands])  # numpy's errors
    terms, arrow, result = subscripts.partition("->")
    terms = terms.split(",")
    extra = [max(v.ndim - len(term.replace("...", "")), 0) for v, term in zip(operands, terms, strict=True)]
    free = [c for c in LETTERS if c not in subscripts][: max(extra, default=0)]
    dots = "".join(free)
    terms = [term.replace("...", dots[len(dots) - n :]) for term, n in zip(terms, extra, strict=True)]
    if arrow:
        result = result.replace("...", dots)
    else:
        letters = "".join(terms)
        result = dots + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots))
    long = {c for v, term in zip(operands, terms) for c, one in zip(term, v.broadcastable) if not one}
    for k, (v, term) in enumerate(zip(operands, terms, strict=True)):
        kept = [d for d, (c, one) in enumerate(zip(term, v.broadcastable, strict=True)) if not one or c not in long]
        if len(kept) < v.ndim:  # a length of 1 where others are longer: nothing but its only element is there
            operands[k], terms[k] = v.dimshuffle(kept), "".join(term[d] for d in kept)
    return Einsum("%s->%s" % (",".join(terms), result))(*operands)


def _from_lists(args):
    """(subscripts, operands) of numpy's form in which lists of numbers follow the operands."""
    operands, lists = args[: len(args) // 2 * 2 : 2], args[1::2]
    last = args[-1] if len(args) % 2 else None
    numbers = sorted({n for sub in [*lists, last or []] for n in sub if n is not Ellipsis})
    letter = dict(zip(numbers, sorted(LETTERS), strict=False))

    def text(sub):
        return "".join("..." if n is Ellipsis else letter[n] for n in sub)

    return ",".join(map(text, lists)) + ("" if last is None else "->" + text(last)), operands
