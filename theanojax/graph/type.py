"""Types: what values a variable may hold, and how to make variables of the type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from theanojax.errors import MethodNotDefined
from theanojax.graph.c_interface import CLinkerType
from theanojax.graph.props import Props
from theanojax.graph.variable import Constant, Variable

if TYPE_CHECKING:
    from typing import Any, ClassVar, NoReturn, TypeAlias

    from theanojax.graph.c_interface import Sub

    # PureType has attributes of these names
    _Variable: TypeAlias = Variable
    _Constant: TypeAlias = Constant


class PureType:
    """What a type has to answer: ``filter`` above all.

    A subclass defines ``filter(data, strict=False, allow_downcast=None)``, which returns `data` as the type
    stores it or raises TypeError.
    """

    Variable: type[_Variable] = Variable
    Constant: type[_Constant] = Constant

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        raise MethodNotDefined.of(self, "filter")

    def is_valid_value(self, a: Any) -> bool:
        """True if `a` may be stored as it is."""
        try:
            self.filter(a, strict=True)
        except (TypeError, ValueError):
            return False
        return True

    def value_validity_msg(self, a: Any) -> str:
        return "none"

    def make_variable(self, name: str | None = None) -> _Variable:
        """A free variable of this type."""
        return self.Variable(self, name=name)

    def make_constant(self, value: Any, name: str | None = None) -> _Constant:
        """A constant of this type; `value` is converted by ``filter``."""
        return self.Constant(self, value, name)

    def __call__(self, name: str | None = None) -> _Variable:
        return self.make_variable(name)

    def values_eq(self, a: Any, b: Any) -> bool:
        equal: bool = a == b
        return equal

    def values_eq_approx(self, a: Any, b: Any) -> bool:
        return self.values_eq(a, b)

    def filter_inplace(self, value: Any, storage: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        raise MethodNotDefined.of(self, "filter_inplace")

    def filter_variable(self, other: Any, allow_convert: bool = True) -> _Variable:
        """`other` (a variable or a value) as a variable of this type; TypeError when that cannot be."""
        if not isinstance(other, Variable):
            other = self.make_constant(other)
        if other.type == self:
            return other
        converted = self.convert_variable(other) if allow_convert else None
        if converted is None:
            raise TypeError(
                "Cannot convert Type %(othertype)s (of Variable %(other)s) into Type %(self)s. You can try to "
                "manually convert %(other)s into a %(self)s." % dict(othertype=other.type, other=other, self=self)
            )
        return converted

    def convert_variable(self, var: _Variable) -> _Variable | None:
        """`var` as a variable of this type if that needs no computation, else None."""
        return None

    def get_shape_info(self, obj: Any) -> Any:
        raise NotImplementedError(type(self).__name__)


class Type(Props, PureType, CLinkerType):
    """Base class of all types. Two types of one class with the same ``__props__`` are equal.

    `host_only` says that XLA has no such values: every Op on them runs on the host. `is_index` says that a value is
    part of an index, no array: it is made again wherever it is used. Values of a type that `gives_numbers` are numpy's
    numbers, not arrays of no dimension. Those of a type that `is_placed` lie on the device of its `context_name`.
    """

    host_only = is_index = gives_numbers = is_placed = False

    # For ``numpy.dtype(type)``: from numpy 2.5 on, the name of a dtype in `dtype` is not enough.
    __numpy_dtype__ = property(lambda self: np.dtype(self.dtype))

    def __ne__(self, other: object) -> bool:
        return not self == other


class SingletonType(Type):
    """A type of which there is one instance per class."""

    _instance: ClassVar[SingletonType]

    def __new__(cls) -> SingletonType:
        if "_instance" not in cls.__dict__:
            cls._instance = Type.__new__(cls)
        return cls._instance

    def __str__(self) -> str:
        return type(self).__name__

    def __eq__(self, other: object) -> bool:
        return self is other or type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


# C: what the C variable `name`, a pointer to an object or NULL, holds becomes the Python value
SYNC_OBJECT = """
Py_XDECREF(py_%(name)s);
py_%(name)s = %(name)s ? (PyObject*)%(name)s : Py_None;
Py_INCREF(py_%(name)s);
"""


class Generic(SingletonType):
    """Any Python object."""

    def is_valid_value(self, a: Any) -> bool:
        return True

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        return data

    # in C a PyObject*, NULL for None where nothing was given
    def c_declare(self, name: str, sub: Sub, check_input: bool = True) -> str:
        return "PyObject* %s;\n" % name

    def c_init(self, name: str, sub: Sub) -> str:
        return "%s = NULL;\n" % name

    def c_extract(self, name: str, sub: Sub, check_input: bool = True) -> str:
        return "%s = py_%s;\nPy_INCREF(%s);\n" % (name, name, name)

    def c_sync(self, name: str, sub: Sub) -> str:
        return SYNC_OBJECT % dict(name=name)

    def c_cleanup(self, name: str, sub: Sub) -> str:
        return "Py_XDECREF(%s);\n" % name

    def c_code_cache_version(self) -> tuple[Any, ...]:
        return (1,)


generic = Generic()


class NullType(Type):
    """The type of a gradient that does not exist; `why_null` tells the reason.

    Nothing can be computed from a variable of this type.
    """

    def __init__(self, why_null: str = "(no explanation given)") -> None:
        self.why_null = why_null

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> NoReturn:
        """ValueError: there is no such value."""
        raise ValueError("No values may be assigned to a NullType")

    def filter_variable(self, other: Any, allow_convert: bool = True) -> _Variable:
        return self.filter(other)

    def values_eq(self, a: Any, b: Any, force_same_dtype: bool = True) -> NoReturn:
        raise ValueError("NullType has no values to compare")

    def may_share_memory(self, a: Any, b: Any) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return "NullType"


null_type = NullType()
