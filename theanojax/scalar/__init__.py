# ruff: noqa: F403
"""Scalar types and operations; what `theano.scalar` shows."""

# What Theano's own modules had imported, and programs came to use from here.
from theanojax.config import config as config
from theanojax.graph.fgraph import FunctionGraph as FunctionGraph
from theanojax.graph.op import Op as Op
from theanojax.graph.type import Type as Type
from theanojax.graph.variable import Apply as Apply, Constant as Constant, Variable as Variable

# The tables of Ops: each shows what its rows define.
from theanojax.scalar.arithmetic import *

# What is no row.
from theanojax.scalar.arithmetic import _cast_mapping as _cast_mapping
from theanojax.scalar.casting import (
    NumpyAutocaster as NumpyAutocaster,
    as_scalar as as_scalar,
    autocast_float as autocast_float,
    autocast_float_as as autocast_float_as,
    autocast_int as autocast_int,
    constant as constant,
    convert as convert,
)
from theanojax.scalar.comparison import *
from theanojax.scalar.composite import (
    Composite as Composite,
    Compositef32 as Compositef32,
    composite_f32 as composite_f32,
    handle_cast as handle_cast,
    handle_composite as handle_composite,
)
from theanojax.scalar.dtype_rules import (
    float_out as float_out,
    float_out_nocomplex as float_out_nocomplex,
    int_out as int_out,
    int_out_nocomplex as int_out_nocomplex,
    real_out as real_out,
    same_out as same_out,
    same_out_float_only as same_out_float_only,
    same_out_min8 as same_out_min8,
    same_out_nobool as same_out_nobool,
    same_out_nocomplex as same_out_nocomplex,
    specific_out as specific_out,
    transfer_type as transfer_type,
    unary_out_lookup as unary_out_lookup,
    upcast_out as upcast_out,
    upcast_out_min8 as upcast_out_min8,
    upcast_out_no_complex as upcast_out_no_complex,
    upcast_out_nobool as upcast_out_nobool,
    upgrade_to_float as upgrade_to_float,
    upgrade_to_float64 as upgrade_to_float64,
    upgrade_to_float_no_complex as upgrade_to_float_no_complex,
)
from theanojax.scalar.op import BinaryScalarOp as BinaryScalarOp, ScalarOp as ScalarOp, UnaryScalarOp as UnaryScalarOp
from theanojax.scalar.special import *
from theanojax.scalar.transcendental import *
from theanojax.scalar.types import (
    ComplexError as ComplexError,
    IntegerDivisionError as IntegerDivisionError,
    Scalar as Scalar,
    ScalarConstant as ScalarConstant,
    ScalarVariable as ScalarVariable,
    _scalar_py_operators as _scalar_py_operators,
    all_types as all_types,
    as_common_dtype as as_common_dtype,
    bool_ as bool,  # noqa: F401
    complex64 as complex64,
    complex128 as complex128,
    complex_types as complex_types,
    complexs as complexs,
    complexs64 as complexs64,
    complexs128 as complexs128,
    continuous_types as continuous_types,
    discrete_types as discrete_types,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    float_types as float_types,
    floats as floats,
    get_scalar_type as get_scalar_type,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    int_types as int_types,
    integer_types as integer_types,
    ints as ints,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
    uint_types as uint_types,
    upcast as upcast,
)

# These live above this package and are found when they are asked for.
_ELSEWHERE = {
    "DisconnectedType": "gradient",
    "grad_not_implemented": "gradient",
    "grad_undefined": "gradient",
    "pprint": "printing",
}


def __getattr__(name):
    if name in _ELSEWHERE:
        import importlib

        value = globals()[name] = getattr(importlib.import_module("theanojax." + _ELSEWHERE[name]), name)
        return value
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
