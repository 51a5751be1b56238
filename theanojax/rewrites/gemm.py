"""Sums and scalings around matrix products -> Gemm. A sum is read as a list of scaled terms; two of them are joined."""

import theanojax.tensor as T
from theanojax.config import config
from theanojax.errors import InconsistencyError, NotScalarConstantError, ReplacementDidntRemovedError
from theanojax.graph.features import ReplaceValidate
from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.profile import RewriteProfile
from theanojax.graph.rewriting.tools import inherit_stack_trace
from theanojax.graph.rewriting.walk import Updater
from theanojax.graph.traverse import io_toposort
from theanojax.rewrites.common import applies, is_integer
from theanojax.scalar import Add, Mul, Neg, Sub
from theanojax.scalar.types import upcast
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.linalg.blas import _FLOATS, Dot22, _dot22, gemm_no_inplace
from theanojax.tensor.type import values_eq_approx_remove_inf_nan

_REAL = ("float16", "float32", "float64")


def _is_real_matrix(res):
    return res.type.dtype in _REAL and tuple(res.type.broadcastable) == (False, False)


def _is_real_vector(res):
    return res.type.dtype in _REAL and tuple(res.type.broadcastable) == (False,)


def without_shuffles(v):
    """`v`, a single number of any ndim, as a scalar; DimShuffles around it are left out."""
    while v.owner is not None and isinstance(v.owner.op, DimShuffle):
        v = v.owner.inputs[0]
    return v.dimshuffle() if v.type.broadcastable else v


def _as_scalar(res, dtype=None):
    """`res` as a scalar if it is a single number, else None.

    An integer is cast to `dtype` (floatX by default), and is no such number if that dtype cannot hold it.
    """
    if not all(res.type.broadcastable):
        return None
    dtype = config.floatX if dtype is None else dtype
    v = without_shuffles(res)
    if v.type.dtype not in T.integer_dtypes:
        return v
    return T.cast(v, dtype) if upcast(v.dtype, dtype) == dtype else None


# ---------------------------------------------------------------- a sum as a list of terms
def _is_scale(scale, number):
    return isinstance(scale, (int, float)) and scale == number


def _scaled(v, scale):
    if _is_scale(scale, 1):
        return v
    if _is_scale(scale, -1) and v.type.dtype != "bool":
        return -v
    return scale * v


def _gemm_canonicalize(r, scale, rval, maxclients):
    """Append to the list `rval` the terms of the sum ``scale * r``, and return it: pairs (scale, matrix or vector).

    What is no float matrix or vector becomes a plain variable. Subexpressions with more than `maxclients` users (0:
    any number), or one below the top, stay whole. None for what has no shape.
    """
    if not hasattr(getattr(r, "type", None), "broadcastable"):
        return None
    todo = [(r, scale, maxclients)]
    while todo:
        v, factor, most = todo.pop()
        if v.type.ndim not in (1, 2) or v.type.dtype not in _FLOATS:
            rval.append(_scaled(v, factor))
            continue
        whole = most and len(getattr(v, "clients", ())) > most
        parts = None if whole else _parts(v, factor)
        if parts is None:
            rval.append((factor, v))
        else:
            todo.extend((part, s, 1) for s, part in reversed(parts))
    return rval


def _parts(v, scale):
    """The pairs (scale, part) whose sum is ``scale * v``; None if `v` is no sum or scaling."""
    op, inputs = (v.owner.op, v.owner.inputs) if v.owner is not None else (None, ())
    if op == T.add:
        return [(scale, u) for u in inputs]
    if op == T.sub:
        return [(scale, inputs[0]), (-scale, inputs[1])]
    if op == T.neg:
        return [(-scale, inputs[0])]
    if op == T.mul:
        numbers = [without_shuffles(u) for u in inputs if all(u.type.broadcastable)]
        arrays = [u for u in inputs if not all(u.type.broadcastable)]
        if len(arrays) == 1 and (_is_real_matrix(arrays[0]) or _is_real_vector(arrays[0])):
            if numbers:
                numbers = [T.cast(u, arrays[0].dtype) if is_integer(u) else u for u in numbers]
                first = _scaled(numbers[0], scale)
                scale = T.mul(first, *numbers[1:]) if len(numbers) > 1 else first
            return [(scale, arrays[0])]
    return None


def _factor_canonicalized(lst):
    """The terms `lst`, those of the same matrix joined at its first place: ``a * M + b * M`` -> ``(a + b) * M``."""
    terms, place = [], {}
    for term in lst:
        if not isinstance(term, tuple):
            terms.append(term)
        elif term[1] in place:
            i = place[term[1]]
            terms[i] = (terms[i][0] + term[0], term[1])
        else:
            place[term[1]] = len(terms)
            terms.append(term)
    return terms


def _as_variable(term):
    """A term as an expression."""
    if not isinstance(term, tuple):
        return term
    scale, v = term
    try:
        number = T.get_scalar_constant_value(scale, only_process_constants=True)
    except NotScalarConstantError:
        number = None
    return v if number is not None and number == 1 else scale * v


def _gemm_from_factored_list(lst):
    """([expression with a Gemm], the product that went into it) for the sum of the terms `lst`; None if there is none.

    The first two terms of one type of which one is a product are joined.
    """
    if not any(isinstance(term, tuple) and _is_product(term[1]) for term in lst):
        return None
    terms = []
    for term in lst:
        if isinstance(term, tuple):
            scale, v = T.as_tensor_variable(term[0]), term[1]
            fits = upcast(scale.dtype, v.dtype) == v.dtype
            term = (T.cast(scale, v.dtype), v) if fits else scale * v
        terms.append(term)
    last = {t[1].type: i for i, t in enumerate(terms) if isinstance(t, tuple) and _is_product(t[1])}
    for i, first in enumerate(terms):
        if not isinstance(first, tuple) or last.get(first[1].type, -1) < i:
            continue  # no product follows
        for j in range(i + 1, len(terms)):
            second = terms[j]
            if not isinstance(second, tuple) or first[1].type != second[1].type:
                continue
            joined, product = _joined(first, second) or _joined(second, first) or (None, None)
            if joined is not None:
                total = [_as_variable(t) for k, t in enumerate(terms) if k not in (i, j)] + [joined]
                return [T.add(*total) if len(total) > 1 else joined], product
    return None


# By the order of the DimShuffle between a product and a sum: how the other term gets two dimensions.
_WIDENED = {(0,): (0, "x"), (1,): ("x", 0), (): ("x", "x")}


def _is_product(v):
    """Whether `v` is a Dot22, or one with fewer dimensions."""
    op = v.owner.op if v.owner is not None else None
    if isinstance(op, DimShuffle) and op.new_order in _WIDENED:
        product = v.owner.inputs[0].owner
        return product is not None and isinstance(product.op, Dot22)
    return op == _dot22


def _joined(term, scaled_product):
    """(``beta * L + alpha * M`` as a Gemm, M) for the pairs (beta, L) and (alpha, M) if M is a Dot22, else None."""
    (beta, other), (alpha, v) = term, scaled_product
    if v.owner is None:
        return None
    if v.owner.op == _dot22:
        return gemm_no_inplace(other, alpha, *v.owner.inputs, beta), v
    if isinstance(v.owner.op, DimShuffle) and v.owner.op.new_order in _WIDENED:
        order, product = v.owner.op.new_order, v.owner.inputs[0]
        if product.owner is not None and isinstance(product.owner.op, Dot22):
            wide = gemm_no_inplace(other.dimshuffle(*_WIDENED[order]), alpha, *product.owner.inputs, beta)
            return wide.dimshuffle(*order), product
    return None


def _gemm_from_node2(node):
    """([expression with a Gemm], the product that went into it) for the output of `node`, or None."""
    terms = _gemm_canonicalize(node.outputs[0], 1.0, [], 0)
    if terms is None or len(terms) < 2:
        return None
    found = _gemm_from_factored_list(_factor_canonicalized(terms))
    # a scale can have forced another type on the sum
    return found if found is not None and found[0][0].type == node.outputs[0].type else None


class GemmOptimizer(Optimizer):
    """Puts Gemm in the place of sums and scalings of matrix products, until there is no more place for one."""

    def add_requirements(self, fgraph):
        fgraph.attach_feature(ReplaceValidate())

    def apply(self, fgraph):
        profile = RewriteProfile(self, fgraph)
        queue, current = [], None

        def on_import(node):
            if node is not current:
                queue.append(node)

        watcher = Updater(on_import, None, None, name="GemmOptimizer")
        fgraph.attach_feature(watcher)
        changed = True
        while changed:
            changed = False
            queue[:] = reversed(io_toposort(fgraph.inputs, fgraph.outputs))
            for current in queue:  # grows while new nodes come in
                if applies(current, Add, Sub, Neg, Mul) and current in fgraph.apply_nodes:
                    if self._replace(fgraph, current):
                        profile.add_use(self)
                        changed = True
        fgraph.remove_feature(watcher)
        return profile.close(fgraph)

    @staticmethod
    def _replace(fgraph, node):
        try:
            with inherit_stack_trace(node.outputs):
                found = _gemm_from_node2(node)
            if found is None:
                return False
            (new,), product = found
            new.tag.values_eq_approx = values_eq_approx_remove_inf_nan
            fgraph.replace_all_validate_remove([(node.outputs[0], new)], [product], reason="GemmOptimizer", warn=False)
        except (InconsistencyError, ReplacementDidntRemovedError):
            return False  # the product has other users, or something would depend on itself
        return True
