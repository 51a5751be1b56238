"""Assert: a value that is only valid when conditions hold."""

from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import first_connected, never_folded, shaped_like


class Assert(Op):
    """``Assert(msg)(value, cond, ...)`` is `value`; AssertionError(msg) unless all conditions (scalars) are true.

    It is removed when the conditions are known to hold, and does nothing when its output is not needed.
    """

    __props__ = ("msg",)
    cheap_on_host = True
    view_map = {0: [0]}
    check_input = False
    _f16_ok = True
    msg = "Theano Assert failed!"  # old pickles have none of their own
    exception: type[Exception] = AssertionError
    vectorize_node = batch_rules.assertion

    def __init__(self, msg=msg):
        self.msg = msg

    def make_node(self, value, *conds):
        if not isinstance(value, Variable):
            value = as_tensor_variable(value)
        conds = [as_tensor_variable(c) for c in conds]
        if any(c.type.ndim != 0 for c in conds):
            raise AssertionError("the conditions of Assert must be scalars, got %s" % [c.type for c in conds])
        return Apply(self, [value] + conds, [value.type()])

    def compute(self, xp, node, value, *conds):
        for cond in conds:
            xp.guard(cond, lambda: self.exception(self.msg))
        return value

    def perform(self, node, inputs, output_storage, params=None):
        if not all(inputs[1:]):
            raise self.exception(self.msg)
        output_storage[0][0] = inputs[0]

    def numpy_code(self, node, args, source, spare):
        for condition in args[1:]:
            source.refuse("not %s" % condition)
        return args[0]

    def grad(self, inputs, output_gradients):
        return list(output_gradients) + [DisconnectedType()() for _ in inputs[1:]]

    connection_pattern = first_connected(1)

    infer_shape = shaped_like(0)


assert_ = assert_op = Assert()


class Raise(Op):
    """``Raise(msg, exc)(x)`` has the type of `x`, and no value: computing it raises ``exc(msg)``."""

    __props__ = ("msg", "exc")
    do_constant_folding = never_folded

    def __init__(self, msg="", exc=NotImplementedError):
        self.msg, self.exc = msg, exc

    def __str__(self):
        return "Raise{%s(%s)}" % (self.exc, self.msg)

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        raise self.exc(self.msg)
