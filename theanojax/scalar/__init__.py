# ruff: noqa: F403
"""Scalar types and operations; what `theano.scalar` shows."""

# What Theano's own modules had imported, and programs came to use from here.
from theanojax.config import config as config
from theanojax.graph.fgraph import FunctionGraph as FunctionGraph
from theanojax.graph.op import Op as Op
from theanojax.graph.type import Type as Type
from theanojax.graph.variable import Apply as Apply
from theanojax.graph.variable import Constant as Constant
from theanojax.graph.variable import Variable as Variable

# The tables of Ops: each shows what its rows define.
from theanojax.scalar.arithmetic import *
from theanojax.scalar.comparison import *
from theanojax.scalar.special import *
from theanojax.scalar.transcendental import *

# What is no row.
from theanojax.scalar.arithmetic import _cast_mapping as _cast_mapping
from theanojax.scalar.casting import NumpyAutocaster as NumpyAutocaster
from theanojax.scalar.casting import as_scalar as as_scalar
from theanojax.scalar.casting import autocast_float as autocast_float
from theanojax.scalar.casting import autocast_float_as as autocast_float_as
from theanojax.scalar.casting import autocast_int as autocast_int
from theanojax.scalar.casting import constant as constant
from theanojax.scalar.casting import convert as convert
from theanojax.scalar.composite import Composite as Composite
from theanojax.scalar.composite import Compositef32 as Compositef32
from theanojax.scalar.composite import composite_f32 as composite_f32
from theanojax.scalar.composite import handle_cast as handle_cast
from theanojax.scalar.composite import handle_composite as handle_composite
from theanojax.scalar.dtype_rules import float_out as float_out
from theanojax.scalar.dtype_rules import float_out_nocomplex as float_out_nocomplex
from theanojax.scalar.dtype_rules import int_out as int_out
from theanojax.scalar.dtype_rules import int_out_nocomplex as int_out_nocomplex
from theanojax.scalar.dtype_rules import real_out as real_out
from theanojax.scalar.dtype_rules import same_out as same_out
from theanojax.scalar.dtype_rules import same_out_float_only as same_out_float_only
from theanojax.scalar.dtype_rules import same_out_min8 as same_out_min8
from theanojax.scalar.dtype_rules import same_out_nobool as same_out_nobool
from theanojax.scalar.dtype_rules import same_out_nocomplex as same_out_nocomplex
from theanojax.scalar.dtype_rules import specific_out as specific_out
from theanojax.scalar.dtype_rules import transfer_type as transfer_type
from theanojax.scalar.dtype_rules import unary_out_lookup as unary_out_lookup
from theanojax.scalar.dtype_rules import upcast_out as upcast_out
from theanojax.scalar.dtype_rules import upcast_out_min8 as upcast_out_min8
from theanojax.scalar.dtype_rules import upcast_out_no_complex as upcast_out_no_complex
from theanojax.scalar.dtype_rules import upcast_out_nobool as upcast_out_nobool
from theanojax.scalar.dtype_rules import upgrade_to_float as upgrade_to_float
from theanojax.scalar.dtype_rules import upgrade_to_float64 as upgrade_to_float64
from theanojax.scalar.dtype_rules import upgrade_to_float_no_complex as upgrade_to_float_no_complex
from theanojax.scalar.op import BinaryScalarOp as BinaryScalarOp
from theanojax.scalar.op import ScalarOp as ScalarOp
from theanojax.scalar.op import UnaryScalarOp as UnaryScalarOp
from theanojax.scalar.types import ComplexError as ComplexError
from theanojax.scalar.types import IntegerDivisionError as IntegerDivisionError
from theanojax.scalar.types import Scalar as Scalar
from theanojax.scalar.types import ScalarConstant as ScalarConstant
from theanojax.scalar.types import ScalarVariable as ScalarVariable
from theanojax.scalar.types import _scalar_py_operators as _scalar_py_operators
from theanojax.scalar.types import all_types as all_types
from theanojax.scalar.types import as_common_dtype as as_common_dtype
from theanojax.scalar.types import bool_ as bool  # noqa: F401
from theanojax.scalar.types import complex64 as complex64
from theanojax.scalar.types import complex128 as complex128
from theanojax.scalar.types import complex_types as complex_types
from theanojax.scalar.types import complexs as complexs
from theanojax.scalar.types import complexs64 as complexs64
from theanojax.scalar.types import complexs128 as complexs128
from theanojax.scalar.types import continuous_types as continuous_types
from theanojax.scalar.types import discrete_types as discrete_types
from theanojax.scalar.types import float16 as float16
from theanojax.scalar.types import float32 as float32
from theanojax.scalar.types import float64 as float64
from theanojax.scalar.types import float_types as float_types
from theanojax.scalar.types import floats as floats
from theanojax.scalar.types import get_scalar_type as get_scalar_type
from theanojax.scalar.types import int8 as int8
from theanojax.scalar.types import int16 as int16
from theanojax.scalar.types import int32 as int32
from theanojax.scalar.types import int64 as int64
from theanojax.scalar.types import int_types as int_types
from theanojax.scalar.types import integer_types as integer_types
from theanojax.scalar.types import ints as ints
from theanojax.scalar.types import uint8 as uint8
from theanojax.scalar.types import uint16 as uint16
from theanojax.scalar.types import uint32 as uint32
from theanojax.scalar.types import uint64 as uint64
from theanojax.scalar.types import uint_types as uint_types
from theanojax.scalar.types import upcast as upcast

# These live above this package and are found when they are asked for.
_ELSEWHERE = {"DisconnectedType": "gradient", "grad_not_implemented": "gradient", "grad_undefined": "gradient",
              "pprint": "printing"}


def __getattr__(name):
    if name in _ELSEWHERE:
        import importlib

        value = globals()[name] = getattr(importlib.import_module("theanojax." + _ELSEWHERE[name]), name)
        return value
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
