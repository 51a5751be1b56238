"""Assertions inside a graph."""

from theanojax.errors import NotScalarConstantError
from theanojax.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor.as_tensor import as_tensor_variable, get_scalar_constant_value, scalar_rule

_DEFAULT = "Theano Assert failed!"


class Assert(Op):
    """``Assert(msg)(value, *conditions)``: `value`, provided that all conditions (scalars) hold.

    AssertionError with `msg` when the graph runs and one does not. The result has to be used: what nobody needs
    is not computed and can not complain.
    """

    __props__ = ("msg",)
    view_map = {0: [0]}
    check_input = False
    _f16_ok = True

    def __init__(self, msg=_DEFAULT):
        self.msg = msg

    def __setstate__(self, attrs):
        self.__dict__.update({"msg": _DEFAULT}, **attrs)

    def make_node(self, value, *conds):
        if not isinstance(value, Variable):
            value = as_tensor_variable(value)
        conds = [as_tensor_variable(c) for c in conds]
        if any(c.type.ndim != 0 for c in conds):
            raise AssertionError("the conditions of Assert must be scalars, got %s" % [str(c.type) for c in conds])
        return Apply(self, [value] + conds, [value.type()])

    def compute(self, xp, node, value, *conds):
        for c in conds:
            xp.guard(c, lambda: AssertionError(self.msg))
        return value

    def infer_shape(self, node, input_shapes):
        return [input_shapes[0]]

    def connection_pattern(self, node):
        return [[True]] + [[False]] * (len(node.inputs) - 1)

    def grad(self, inputs, output_gradients):
        return list(output_gradients) + [DisconnectedType()() for _ in inputs[1:]]


assert_ = Assert()
assert_op = assert_


@scalar_rule(Assert)
def _of_assert(node, elemwise, max_recur):
    """The value, once all conditions are known to hold."""
    try:
        known = [get_scalar_constant_value(c, max_recur=max_recur) for c in node.inputs[1:]]
    except NotScalarConstantError:
        return None
    return node.inputs[0] if all(c.ndim == 0 and c != 0 for c in known) else None


__all__ = ["Assert", "assert_", "assert_op"]
