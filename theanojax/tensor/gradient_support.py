"""Where a gradient can be other than zero, and which slopes need that known.

The gradient through a choice (an index, a switch, an ifelse, a maximum) is zero at what was not chosen. Times a slope
that is infinite there, as that of log(x) at 0, it would be nan. So the gradient of an elementwise Op with such a slope
is taken under the condition that its element was chosen, which is read off the graph of the gradient, its *support*. A
zero that is one by its value alone says nothing: log(exp(x)) has a slope of 0 * inf for large x, and 1 is right.
"""

from functools import partial, reduce

from theanojax import scalar as scal
from theanojax.errors import NotScalarConstantError
from theanojax.graph.variable import Constant
from theanojax.tensor.as_tensor import constant, get_scalar_constant_value
from theanojax.tensor.cast import cast
from theanojax.tensor.creation import ones_like, zeros_like
from theanojax.tensor.diagonal import AllocDiag
from theanojax.tensor.elemwise import DimShuffle, Elemwise
from theanojax.tensor.indexing.subtensor_advanced import (
    AdvancedBooleanIncSubtensor,
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
)
from theanojax.tensor.indexing.subtensor_basic import IncSubtensor, Subtensor
from theanojax.tensor.join import Split
from theanojax.tensor.math import any as any_of, eq, fill, neq
from theanojax.tensor.reduce import Sum
from theanojax.tensor.shape import Rebroadcast, Reshape

# The slope is a constant, or a truth value: it does no harm.
_LINEAR = (
    scal.Add,
    scal.Sub,
    scal.Neg,
    scal.Identity,
    scal.Second,
    scal.Cast,
    scal.Switch,
    scal.Maximum,
    scal.Minimum,
    scal.Clip,
    scal.Abs,
    scal.Sgn,
    scal.Floor,
    scal.Ceil,
    scal.Trunc,
    scal.RoundHalfToEven,
    scal.RoundHalfAwayFromZero,
    scal.LogicalComparison,
    scal.FixedLogicalComparison,
)
# The slope, or the value itself, is infinite or overflows at some finite argument.
_SINGULAR = (
    scal.Log,
    scal.Log2,
    scal.Log10,
    scal.Log1p,
    scal.Sqrt,
    scal.Inv,
    scal.TrueDiv,
    scal.Pow,
    scal.Exp,
    scal.Exp2,
    scal.Expm1,
    scal.Sinh,
    scal.Cosh,
    scal.Tan,
    scal.ArcSin,
    scal.ArcCos,
    scal.ArcCosh,
    scal.ArcTanh,
    scal.ArcTan2,
    scal.Erfinv,
    scal.Erfcinv,
    scal.Gamma,
    scal.GammaLn,
    scal.Psi,
)
# These are singular where the last argument is zero or negative, and nowhere else.
_SINGULAR_AT_ZERO = (scal.Log, scal.Log2, scal.Log10, scal.Log1p, scal.Sqrt, scal.Inv, scal.TrueDiv)
# The slope stays finite whatever the argument is.
_BOUNDED = (scal.Tanh, scal.Sin, scal.Cos, scal.ArcTan, scal.ArcSinh, scal.Erf, scal.Erfc)


def needs_support(scalar_op, inputs, strict):
    """Whether slopes of `scalar_op` at `inputs` may be infinite or nan, so that a zero gradient times one is nan.

    With `strict` only what cannot be wrong for any data, nan included, is let through.
    """
    if isinstance(scalar_op, _LINEAR):
        return False
    if strict:
        return True
    if isinstance(scalar_op, _SINGULAR) and not _is_power_without_pole(scalar_op, inputs):
        return not (isinstance(scalar_op, _SINGULAR_AT_ZERO) and is_positive(inputs[-1]))
    return not isinstance(scalar_op, _BOUNDED) and any(_may_be_infinite(v) for v in inputs)


def _is_power_without_pole(scalar_op, inputs):
    exponent = _number(inputs[1]) if isinstance(scalar_op, scal.Pow) else None
    return exponent is not None and bool(exponent >= 1)


def _may_be_infinite(v, depth=3):
    """Whether `v` is computed by a singular Op, or from one by a few elementwise Ops."""
    node = v.owner
    if node is None or not depth or not isinstance(node.op, (Elemwise, DimShuffle)):
        return False
    if (
        isinstance(node.op, Elemwise)
        and isinstance(node.op.scalar_op, _SINGULAR)
        and needs_support(node.op.scalar_op, node.inputs, False)
    ):
        return True
    return any(_may_be_infinite(u, depth - 1) for u in node.inputs)


def is_root_at_minimum(scalar_op, inputs, g):
    """Whether this is a root, the slope of which is infinite at 0, of something that is never less than 0.

    Then the slope of what is under the root is 0 there too, and so is the gradient, unless `g`, the root's, is not.
    """
    if isinstance(scalar_op, scal.Pow):
        exponent = _number(inputs[1])
        if exponent is None or not 0 < exponent < 1:
            return False
    elif not isinstance(scalar_op, scal.Sqrt):
        return False
    return not _is_number_but_0(g) and is_nonnegative(inputs[0]) and not is_positive(inputs[0])


def _is_number_but_0(g):
    try:
        return bool(get_scalar_constant_value(g) != 0)
    except NotScalarConstantError:
        return False


def is_log_of_exponentials(scalar_op, inputs):
    """Whether this is log(sum(exp(x))) or log(exp(x) + exp(y)), which rewriting makes exact however large `x` is.

    Sums along the rows of a matrix are left out: they are recognised as part of a softmax.
    """
    node = inputs[0].owner if isinstance(scalar_op, scal.Log) else None
    while node is not None and isinstance(node.op, DimShuffle):
        node = node.inputs[0].owner
    if node is None:
        return False
    if isinstance(node.op, Sum):
        terms = [] if node.op.axis == (1,) and node.inputs[0].ndim == 2 else node.inputs
    else:
        terms = node.inputs if isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, scal.Add) else []
    return bool(terms) and all(
        v.owner is not None and isinstance(v.owner.op, Elemwise) and isinstance(v.owner.op.scalar_op, scal.Exp)
        for v in terms
    )


# ---------------------------------------------------------------- signs
def _number(v):
    try:
        return get_scalar_constant_value(v)
    except NotScalarConstantError:
        return None


def is_positive(v, depth=6):
    """Whether `v` is seen to be greater than 0 everywhere, rounding and underflow left aside."""
    number = _number(v) if isinstance(v, Constant) else None
    if number is not None:
        return bool(number > 0)
    node = v.owner
    if node is None or not depth:
        return False
    if isinstance(node.op, DimShuffle):
        return is_positive(node.inputs[0], depth - 1)
    op = getattr(node.op, "scalar_op", None) if isinstance(node.op, Elemwise) else None
    if isinstance(op, scal.Add):
        return all(is_nonnegative(u, depth - 1) for u in node.inputs) and any(
            is_positive(u, depth - 1) for u in node.inputs
        )
    if isinstance(op, scal.Maximum):
        return any(is_positive(u, depth - 1) for u in node.inputs)
    return isinstance(op, (scal.Sqrt, scal.Sqr, scal.Mul, scal.TrueDiv, scal.Second, scal.Cast)) and all(
        is_positive(u, depth - 1) for u in node.inputs[isinstance(op, scal.Second) :]
    )


def is_nonnegative(v, depth=8):
    """Whether `v` is seen to be at least 0 everywhere."""
    number = _number(v) if isinstance(v, Constant) else None
    if number is not None:
        return bool(number >= 0)
    node = v.owner
    if node is None or not depth:
        return False
    if isinstance(node.op, (DimShuffle, Sum, Reshape, Subtensor)):
        return is_nonnegative(node.inputs[0], depth - 1)
    op = getattr(node.op, "scalar_op", None) if isinstance(node.op, Elemwise) else None
    if isinstance(op, (scal.Sqr, scal.Abs, scal.Exp, scal.Sqrt)):
        return True
    if isinstance(op, scal.Pow):
        exponent = _number(node.inputs[1])
        return exponent is not None and exponent % 2 == 0 or is_nonnegative(node.inputs[0], depth - 1)
    if isinstance(op, scal.Mul) and len(node.inputs) == 2 and node.inputs[0] is node.inputs[1]:
        return True
    if isinstance(op, scal.Maximum):
        return any(is_nonnegative(u, depth - 1) for u in node.inputs)
    return isinstance(op, (scal.Add, scal.Mul, scal.TrueDiv, scal.Cast)) and all(
        is_nonnegative(u, depth - 1) for u in node.inputs
    )


# ---------------------------------------------------------------- supports
class Support:
    """The condition, a bool tensor, under which elements of a gradient can be other than zero.

    `strict` says that a switch or an ifelse, which programs write to keep values apart, is among the choices. `make`
    builds the condition, as most are never asked for.
    """

    def __init__(self, make, strict):
        self.make, self.strict = make, strict

    def under(self, function):
        return Support(lambda: function(self.make()), self.strict)

    def and_(self, other):
        return Support(lambda: self.make() & other.make(), self.strict or other.strict)

    def or_(self, other):
        return Support(lambda: self.make() | other.make(), self.strict or other.strict)


def zero_branch(g):
    """(1 or 2, the condition) if `g` is a switch with the constant 0 as that branch, else None."""
    node = g.owner
    if node is None or not isinstance(node.op, Elemwise) or not isinstance(node.op.scalar_op, scal.Switch):
        return None
    for i in (1, 2):
        if node.inputs[3 - i].type == g.type and _is_zero(node.inputs[i]):
            return i, node.inputs[0]
    return None


def _is_zero(v):
    try:
        return get_scalar_constant_value(v) == 0
    except NotScalarConstantError:
        return False


def support(g):
    """The Support of the gradient `g`, or None where nothing is known; never too small.

    At most some 24 nodes are looked at, so that building a gradient stays linear in the graph.
    """
    return Search(24).support(g)


class Search:
    def __init__(self, fuel):
        self.fuel = fuel

    def support(self, g):
        node = g.owner
        self.fuel -= 1
        if node is None or self.fuel < 0:
            return None
        rule = RULES.get(type(node.op))
        return None if rule is None else rule(self, node, g)

    def of_moved(self, node, g):
        """What an Op makes that puts elements elsewhere, or some of them: the same is done to the condition."""
        whole, *others = node.inputs
        at = node.outputs.index(g)

        def move(c):
            c = c if isinstance(node.op, DimShuffle) else _stretched(c, whole)
            return node.op(c, *others, return_list=True)[at]

        return self._under(whole, move)

    def of_diagonal(self, node, g):
        return Support(lambda: node.op(ones_like(node.inputs[0], dtype="bool")), False)

    def _under(self, g, function):
        found = self.support(g)
        return None if found is None else found.under(function)

    def of_elemwise(self, node, g):
        op, inputs = node.op.scalar_op, node.inputs
        if isinstance(op, (scal.Neg, scal.Cast, scal.Identity, scal.TrueDiv)):
            return self.support(inputs[0])
        if isinstance(op, scal.Second):
            return self.support(inputs[1])
        if isinstance(op, scal.Switch):
            return self._of_switch(g)
        found = []
        if isinstance(op, scal.Add):
            for v in inputs:
                part = self.support(v)
                if part is None:
                    return None
                found.append(part)
            return reduce(Support.or_, found)
        if isinstance(op, scal.Mul):
            for v in inputs:
                if self.fuel < 0:
                    break
                part = Support(partial(_truth, v), False) if _is_truth(v) else self.support(v)
                if part is not None:
                    found.append(part)
            return reduce(Support.and_, found) if found else None
        return None

    def _of_switch(self, g):
        zero = zero_branch(g)
        if zero is None:
            return None
        position, condition = zero
        return self._and(Support(lambda: _as_bool(condition, position == 2), True), g.owner.inputs[3 - position])

    def _and(self, chosen, rest):
        """`chosen` and where `rest` is not zero either."""
        inner = self._chosen_before(rest)
        return chosen if inner is None else chosen.and_(inner)

    def _chosen_before(self, rest):
        """The Support of what a choice takes, if that was itself chosen and not computed from a choice."""
        rule = RULES.get(type(rest.owner.op)) if rest.owner is not None else None
        if rule not in (Search.of_ifelse, Search.of_increment) and not zero_branch(rest):
            return None
        return self.support(rest)

    def of_ifelse(self, node, g):
        from theanojax.tensor.creation import zeros_like

        at, condition = node.outputs.index(g), node.inputs[0]
        if_true, if_false = (branch[at] for branch in node.op.branches(node.inputs))
        if not (holds := _is_zero(if_false)) and not _is_zero(if_true):
            return None
        branch, zero = (if_true, if_false) if holds else (if_false, if_true)
        inner = self._chosen_before(branch)
        if inner is None:
            return Support(lambda: _as_bool(condition, holds).dimshuffle(["x"] * g.ndim), True)

        def chosen():  # the branches may differ in shape, so that an "and" would not do
            sides = [_stretched(inner.make(), branch), zeros_like(zero, dtype="bool")]
            return type(node.op)(1)(condition, *(sides if holds else sides[::-1]))

        return Support(chosen, True)

    def of_increment(self, node, g):
        """What an index selects of zeros, or what is left where zeros are written."""
        x, y, *index = node.inputs
        op = node.op
        write = (
            type(op)(op.idx_list, set_instead_of_inc=True)
            if hasattr(op, "idx_list")
            else type(op)(set_instead_of_inc=True)
        )
        if _is_zero(x):
            part = self.support(y)
            if part is None:
                return Support(lambda: write(zeros_like(x, dtype="bool"), constant(True), *index), False)
            if hasattr(op, "idx_list"):
                return part.under(lambda c: write(zeros_like(x, dtype="bool"), c, *index))
            # an index with repetitions may select an element more than once: count how often
            return part.under(
                lambda c: _as_bool(type(op)()(zeros_like(x, dtype="int64"), cast(c, "int64"), *index), True)
            )
        if op.set_instead_of_inc and _is_zero(y):
            part = self.support(x) or Support(lambda: ones_like(x, dtype="bool"), False)
            return part.under(lambda c: write(_stretched(c, x), constant(False), *index))
        return None

    def of_sum(self, node, g):
        return self._under(node.inputs[0], lambda c: any_of(c, node.op.axis))


def _is_truth(v):
    """Whether the factor `v` is 0 or 1: a bool tensor, or 1 less one."""
    if v.dtype == "bool":
        return True
    node = v.owner
    if node is None or not isinstance(node.op, Elemwise):
        return False
    if isinstance(node.op.scalar_op, scal.Cast):
        return _is_truth(node.inputs[0])
    return isinstance(node.op.scalar_op, scal.Sub) and _is_one(node.inputs[0]) and _is_truth(node.inputs[1])


def _truth(v):
    """The bool tensor for a factor of which `_is_truth` holds."""
    if v.dtype == "bool":
        return v
    inner = _truth(v.owner.inputs[-1])
    return inner if isinstance(v.owner.op.scalar_op, scal.Cast) else ~inner


def _is_one(v):
    try:
        return get_scalar_constant_value(v) == 1
    except NotScalarConstantError:
        return False


def _as_bool(condition, holds):
    """`condition` as a bool tensor, negated unless `holds`."""
    if condition.dtype == "bool":
        return condition if holds else ~condition
    return (neq if holds else eq)(condition, 0)


def _stretched(condition, like):
    """`condition` in the full shape of `like`."""
    return condition if condition.type.broadcastable == like.type.broadcastable else fill(like, condition)


# Class of Op -> the method of `Search` for what it makes. IfElse, which builds on tensors, adds itself.
RULES = {
    Elemwise: Search.of_elemwise,
    DimShuffle: Search.of_moved,
    Rebroadcast: Search.of_moved,
    Reshape: Search.of_moved,
    Split: Search.of_moved,
    Subtensor: Search.of_moved,
    AdvancedSubtensor1: Search.of_moved,
    AdvancedSubtensor: Search.of_moved,
    IncSubtensor: Search.of_increment,
    AdvancedIncSubtensor1: Search.of_increment,
    AdvancedIncSubtensor: Search.of_increment,
    AdvancedBooleanIncSubtensor: Search.of_increment,
    Sum: Search.of_sum,
    AllocDiag: Search.of_diagonal,
}
