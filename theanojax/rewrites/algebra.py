"""Sums and products in a standard form: one Op for all terms, what occurs on both sides cancelled, one constant."""

import logging
from functools import reduce

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.graph.per_op import PerOp
from theanojax.graph.rewriting.local import LocalOptGroup, LocalOptimizer, local_optimizer
from theanojax.graph.rewriting.walk import in2out
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Variable
from theanojax.rewrites.common import (
    applies,
    fill_chain,
    is_integer,
    may_have_wrapped,
    replacement,
    scalar_constant,
    scalar_maker,
    widened,
)
from theanojax.rewrites.fill import local_fill_sink
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.type import values_eq_approx_remove_inf_nan

_logger = logging.getLogger("theanojax.rewrites.algebra")


class Canonizer(LocalOptimizer):
    """Brings expressions of one operation and its inverse into the form ``inverse(main(*num), main(*denum))``.

    Parameters
    ----------
    main : Op that takes any number of inputs, in any order: add or mul
    inverse : Op with ``inverse(main(x, y), y) == x``: sub or true_div
    reciprocal : Op with ``main(x, reciprocal(y)) == inverse(x, y)``: neg or inv
    calculate : function ``(num, denum, aslist=False, out_type=None)`` of lists of numbers that gives the number
        ``inverse(main(*num), main(*denum))``; with `aslist` in a list, which is empty for the neutral element
    use_reciprocal : bool; whether the result may contain `reciprocal`
    """

    def __init__(self, main, inverse, reciprocal, calculate, use_reciprocal=True):
        self.main, self.inverse, self.reciprocal = main, inverse, reciprocal
        self.calculate, self.use_reciprocal = calculate, use_reciprocal
        self.external_simplifiers = []
        self._kind = PerOp(self._find_kind)

    def add_simplifier(self, simplifier, reason):
        """Have ``num, denum = simplifier(num, denum)`` called on each result; `reason` is its name."""
        self.external_simplifiers.append((reason, simplifier))

    def _ops(self):
        return {"main": self.main, "inverse": self.inverse, "reciprocal": self.reciprocal}

    def tracks(self):
        return list(self._ops().values())

    def _find_kind(self, op):
        """Which of main, inverse and reciprocal `op` is, or None."""
        return next((kind for kind, ours in self._ops().items() if op == ours), None)

    def _is_ours(self, node):
        return self._kind(node.op) is not None

    def get_num_denum(self, input):
        """The terms of `input` as a pair of lists: those that count, and those that count inversely.

        x * y / z -> ([x, y], [z]); a / (b / c) -> ([a, c], [b]); log(x) -> ([log(x)], [])

        Integers of another dtype than `input` are terms, however they are computed.
        """
        dtype = input.type.dtype
        num, denum = [], []
        stack = [(input, False)]
        while stack:
            v, inverted = stack.pop()
            node = v.owner
            if node is not None and isinstance(node.op, DimShuffle):
                x = node.inputs[0]
                if node.op.new_order == ("x",) * (v.type.ndim - x.type.ndim) + tuple(range(x.type.ndim)):
                    stack.append((x, inverted))  # an Elemwise will pad it on the left again
                    continue
            kind = self._kind(node.op) if node is not None else None
            if kind is None or may_have_wrapped(v, dtype):
                (denum if inverted else num).append(v)
            elif kind == "main":
                stack.extend((u, inverted) for u in reversed(node.inputs))
            elif kind == "inverse":
                stack.append((node.inputs[1], not inverted))
                stack.append((node.inputs[0], inverted))
            else:
                stack.append((node.inputs[0], not inverted))
        return num, denum

    def merge_num_denum(self, num, denum, dtype=None):
        """The expression ``inverse(main(*num), main(*denum))``, with as few Ops as it needs.

        Integers are combined in `dtype`, if that is given.
        """
        if dtype is not None:
            num, denum = [widened(terms, dtype) if len(terms) > 1 else terms for terms in (num, denum)]
            if self.inverse != T.true_div:  # a quotient is never an integer
                both = widened([*num, *denum], dtype)
                num, denum = both[: len(num)], both[len(num) :]
        if not num and denum and self.use_reciprocal:
            return self.reciprocal(self._joined(denum))
        return self.inverse(self._joined(num), self._joined(denum)) if denum else self._joined(num)

    def _joined(self, terms):
        terms = terms or [self.calculate([], [])]  # the neutral element
        return T.as_tensor_variable(terms[0]) if len(terms) == 1 else self.main(*terms)

    @staticmethod
    def get_constant(v):
        """The number that `v` is (a Constant of one value, or a plain number), or None."""
        return scalar_constant(v)

    def simplify(self, num, denum, out_type):
        """`num` and `denum` with common terms cancelled, constants made one, and the extra simplifiers applied."""
        num, denum = self.simplify_constants(*self.simplify_factors(num, denum), out_type=out_type)
        for _, simplifier in self.external_simplifiers:
            num, denum = simplifier(num, denum)
        return num, denum

    def simplify_factors(self, num, denum):
        """Remove, in place, what is in both lists, as often as it is in both."""
        left: dict = {}
        for v in denum:
            left[v] = left.get(v, 0) + 1
        kept = []
        for v in num:
            if left.get(v, 0):
                left[v] -= 1
                denum.remove(v)
            else:
                kept.append(v)
        num[:] = kept
        return num, denum

    def simplify_constants(self, orig_num, orig_denum, out_type=None):
        """Make one constant, the first of the numerator, of all; none when it is the neutral element.

        [2, x], [4, y] -> [0.5, x], [y]
        """
        num, numct = self._split(orig_num)
        denum, denumct = self._split(orig_denum)
        if not numct and not denumct and (self.use_reciprocal or num):
            return num, denum
        if self.use_reciprocal or num:
            ct = self.calculate(numct, denumct, aslist=True, out_type=out_type)
        else:  # the neutral element has to stand for an empty numerator
            ct = [self.calculate(numct, denumct, aslist=False, out_type=out_type)]
        merged = [T.constant(number, dtype=out_type.dtype) for number in ct]
        if orig_num and len(numct) == 1 and not denumct and merged:
            first = self.get_constant(orig_num[0])
            if first is not None and merged[0].type.values_eq(merged[0].data, first):
                # Already in standard form: the very same lists tell the caller that nothing changed.
                return orig_num, orig_denum
        return merged + num, denum

    def _split(self, terms):
        rest, numbers = [], []
        for v in terms:
            number = self.get_constant(v)
            if number is None:
                rest.append(v)
            else:
                numbers.append(number)
        return rest, numbers

    def transform(self, node):
        if not self._is_ours(node):
            return False
        out = node.outputs[0]
        clients = getattr(out, "clients", None)
        if clients is None or self._waits_for_user(clients):
            return False
        before = self.get_num_denum(out)
        num, denum = self.simplify(*map(list, before), out.type)
        if _same(before[0], num) and _same(before[1], denum):
            return False
        new = self.merge_num_denum(num, denum, out.type.dtype)
        if new.type.dtype != out.type.dtype:
            new = T.cast(new, out.type.dtype)
        if new.type != out.type:
            new = fill_chain(new, node.inputs)[0]
        if new.type != out.type:
            _logger.warning("CANONIZE FAILED: new, out = %s, %s types %s, %s", new, out, new.type, out.type)
            return False
        if new.owner is not None:
            new.tag.values_eq_approx = values_eq_approx_remove_inf_nan
            copy_stack_trace(out, new)
        return [new]

    def _waits_for_user(self, clients):
        """Whether a user will be rewritten together with this node: then it does the work."""
        for user, _ in clients:
            while user != "output" and isinstance(user.op, DimShuffle) and len(user.outputs[0].clients) <= 1:
                users = user.outputs[0].clients
                if not users:
                    break
                user = users[0][0]
            if user != "output" and self._is_ours(user):
                return True
        return False

    def __str__(self):
        return getattr(self, "name", None) or "Canonizer(%s, %s, %s)" % (self.main, self.inverse, self.reciprocal)


def _same(x, y):
    return len(x) == len(y) and all(
        a is b if isinstance(a, Variable) or isinstance(b, Variable) else np.all(a == b) for a, b in zip(x, y)
    )


def mul_calculate(num, denum, aslist=False, out_type=None):
    """The product of the numbers `num` divided by that of `denum`, in the dtype of `out_type`."""
    if not num and not denum:
        return [] if aslist else np.int8(1)
    dtype = scal.upcast(*[v.dtype for v in num + denum]) if out_type is None else out_type.dtype
    one = np.asarray(1, dtype=dtype)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        v = reduce(np.multiply, num, one)
        if denum:
            v = v / reduce(np.multiply, denum, one)
    if aslist:
        return [] if np.all(v == 1) else [v]
    return v


def add_calculate(num, denum, aslist=False, out_type=None):
    """The sum of the numbers `num` less that of `denum`, in the dtype of `out_type`."""
    zero = 0.0 if out_type is None else np.asarray(0, dtype=out_type.dtype)
    if out_type is not None and out_type.dtype == "bool":
        if denum:
            raise Exception(
                "bool subtraction not supported. This should not happen as an earlier error should have been raised"
            )
        v = reduce(np.add, num, zero)
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            total, less = (reduce(np.add, numbers, zero) for numbers in (num, denum))
            v = total - less
    if aslist:
        return [] if np.all(v == 0) else [v]
    return v


def check_for_x_over_absX(numerators, denominators):
    """x / abs(x) -> sgn(x), in lists of factors."""
    for den in list(denominators):
        node = scalar_maker(den, scal.Abs) if isinstance(den, Variable) else None
        if node is None:
            continue
        x = node.inputs[0]
        if any(x is n for n in numerators) and not x.type.dtype.startswith("complex") and not is_integer(x):
            denominators.remove(den)
            numerators.remove(x)
            numerators.append(T.sgn(x))
    return numerators, denominators


local_mul_canonizer = Canonizer(T.mul, T.true_div, T.inv, mul_calculate, False)
local_mul_canonizer.__name__ = "local_mul_canonizer"
local_mul_canonizer.add_simplifier(check_for_x_over_absX, "X_over_absX")
local_add_canonizer = Canonizer(T.add, T.sub, T.neg, add_calculate)
local_add_canonizer.__name__ = "local_add_canonizer"

mul_canonizer = in2out(
    LocalOptGroup(local_mul_canonizer, local_fill_sink, apply_all_opts=True), name="mul_canonizer_groups"
)
add_canonizer = in2out(
    LocalOptGroup(local_add_canonizer, local_fill_sink, apply_all_opts=True), name="add_canonizer_group"
)

# ---------------------------------------------------------------- distributing factors over sums
DIVISION_COST = 1.5  # in multiplications


def _is_one_term(num, denum):
    return len(num) == 1 and not denum


def distribute_greedy(pos_pairs, neg_pairs, num, denum, out_type, minscore=0):
    """Multiply each term of a sum, given as (numerator, denominator) pairs, by `num` over `denum`, if that saves work.

    Returns (whether it does, the new positive pairs, the new negative pairs).
    """
    score = len(num) + DIVISION_COST * len(denum)

    def multiply(pairs):
        return [local_mul_canonizer.simplify(n + num, d + denum, out_type) for n, d in pairs]

    new_pos, new_neg = multiply(pos_pairs), multiply(neg_pairs)
    for (n, d), (nn, dd) in zip(pos_pairs + neg_pairs, new_pos + new_neg):
        score += len(n) + DIVISION_COST * len(d) - len(nn) - DIVISION_COST * len(dd)
    if score <= minscore:
        return False, pos_pairs, neg_pairs
    return True, new_pos, new_neg


def attempt_distribution(factor, num, denum, out_type):
    """Multiply the sum `factor` by those of `num` and `denum` (changed in place) for which that saves work.

    Returns (whether there are any, the new factor, what is left of `num`, what is left of `denum`).
    """
    if may_have_wrapped(factor, out_type.dtype):
        return False, factor, num, denum
    terms = local_add_canonizer.get_num_denum(factor)
    if _is_one_term(*terms):
        return False, factor, num, denum
    pos_pairs, neg_pairs = [[local_mul_canonizer.get_num_denum(v) for v in side] for side in terms]
    change = False
    for terms, as_pair in ((num, lambda v: ([v], [])), (denum, lambda v: ([], [v]))):
        for v in list(terms):
            success, pos_pairs, neg_pairs = distribute_greedy(pos_pairs, neg_pairs, *as_pair(v), out_type)
            if success:
                change = True
                terms.remove(v)
    if not change:
        return False, factor, num, denum
    new = local_add_canonizer.merge_num_denum(
        *[[local_mul_canonizer.merge_num_denum(*p, out_type.dtype) for p in pairs] for pairs in (pos_pairs, neg_pairs)],
        out_type.dtype,
    )
    return True, new, num, denum


@local_optimizer([T.mul, T.true_div, T.inv])
def local_greedy_distributor(node):
    """(a/x + b/y) * x * y -> a*y + b*x: distribute factors over a sum where that saves multiplications or divisions."""
    if not applies(node, scal.Mul, scal.TrueDiv, scal.Inv):
        return False
    (out,) = node.outputs
    num, denum = local_mul_canonizer.get_num_denum(out)
    if _is_one_term(num, denum):
        return False
    change = False
    done = [], []
    for this, other, new in ((num, denum, done[0]), (denum, num, done[1])):
        for candidate in list(this):
            if candidate in this:
                this.remove(candidate)
                changed, candidate, _, _ = attempt_distribution(candidate, this, other, out.type)
                change |= changed
                new.append(candidate)
    if not change:
        return False
    ret = local_mul_canonizer.merge_num_denum(done[0] + num, done[1] + denum, out.type.dtype)
    return replacement(node, ret)
