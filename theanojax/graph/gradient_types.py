"""What stands for a gradient that is not a number: disconnected, undefined, not implemented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theanojax.graph.type import NullType, Type

if TYPE_CHECKING:
    from typing import Any, NoReturn

    from theanojax.graph.op import PureOp
    from theanojax.graph.variable import Variable


_PLACEHOLDER = (
    "If you're assigning to a DisconnectedType you're doing something wrong. It should only be used as a "
    "symbolic placeholder."
)


class DisconnectedType(Type):
    """The type of the gradient of a cost for a variable that the cost is not a function of.

    It stands for zero, and says more: no path leads from the variable to the cost. It has no values.
    """

    __props__ = ()

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> NoReturn:
        raise AssertionError(_PLACEHOLDER)

    def fiter_variable(self, other: object) -> NoReturn:  # Theano's spelling
        raise AssertionError(_PLACEHOLDER)

    def may_share_memory(a: Any, b: Any) -> bool:
        return False

    def value_eq(a: Any, b: Any, force_same_dtype: bool = True) -> NoReturn:
        raise AssertionError(_PLACEHOLDER)

    def __str__(self) -> str:
        return "DisconnectedType"


disconnected_type = DisconnectedType()


def grad_not_implemented(op: PureOp, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """A variable for the gradient of `op` for its input number `x_pos`, `x`, which nobody has written yet.

    Its type is NullType; ``grad`` raises NullTypeGradError, with `comment`, when a result depends on it.
    """
    return NullType(
        "This variable is Null because the grad method for input %s (%s) of the %s op is not implemented. "
        "%s" % (x_pos, x, op, comment)
    )()


def grad_undefined(op: PureOp, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """A variable for the gradient of `op` for its input number `x_pos`, `x`, which does not exist mathematically.

    Its type is NullType; ``grad`` raises NullTypeGradError, with `comment`, when a result depends on it.
    """
    return NullType(
        "This variable is Null because the grad method for input %s (%s) of the %s op is mathematically "
        "undefined. %s" % (x_pos, x, op, comment)
    )()


def format_as(use_list: bool, use_tuple: bool, outputs: Any) -> Any:
    """`outputs` as a list if `use_list`, as a tuple if `use_tuple`, or else as the one element it consists of.

    AssertionError if both are asked, or if there is more than one element then.
    """
    if use_list and use_tuple:
        raise AssertionError("Both flags cannot be simultaneously True")
    several = isinstance(outputs, (list, tuple))
    if use_list or use_tuple:
        return (list if use_list else tuple)(outputs if several else [outputs])
    if not several:
        return outputs
    if len(outputs) != 1:
        raise AssertionError("Wrong arguments. Expected a one element list")
    return outputs[0]
