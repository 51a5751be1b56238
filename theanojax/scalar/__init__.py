"""Scalar types and operations; what `theano.scalar` shows."""

# types
# What Theano's own modules had imported, and programs came to use from here.
from theanojax.config import config as config
from theanojax.graph.fgraph import FunctionGraph as FunctionGraph
from theanojax.graph.op import Op as Op
from theanojax.graph.type import Type as Type
from theanojax.graph.variable import Apply as Apply
from theanojax.graph.variable import Constant as Constant
from theanojax.graph.variable import Variable as Variable
from theanojax.scalar.arithmetic import Abs as Abs

# arithmetic
from theanojax.scalar.arithmetic import Add as Add
from theanojax.scalar.arithmetic import Angle as Angle
from theanojax.scalar.arithmetic import Cast as Cast
from theanojax.scalar.arithmetic import Ceil as Ceil
from theanojax.scalar.arithmetic import Clip as Clip
from theanojax.scalar.arithmetic import Complex as Complex
from theanojax.scalar.arithmetic import ComplexFromPolar as ComplexFromPolar
from theanojax.scalar.arithmetic import Conj as Conj
from theanojax.scalar.arithmetic import Floor as Floor
from theanojax.scalar.arithmetic import Identity as Identity
from theanojax.scalar.arithmetic import Imag as Imag
from theanojax.scalar.arithmetic import IntDiv as IntDiv
from theanojax.scalar.arithmetic import Inv as Inv
from theanojax.scalar.arithmetic import Mod as Mod
from theanojax.scalar.arithmetic import Mul as Mul
from theanojax.scalar.arithmetic import Neg as Neg
from theanojax.scalar.arithmetic import Pow as Pow
from theanojax.scalar.arithmetic import Real as Real
from theanojax.scalar.arithmetic import RoundHalfAwayFromZero as RoundHalfAwayFromZero
from theanojax.scalar.arithmetic import RoundHalfToEven as RoundHalfToEven
from theanojax.scalar.arithmetic import Second as Second
from theanojax.scalar.arithmetic import Sgn as Sgn
from theanojax.scalar.arithmetic import Sqr as Sqr
from theanojax.scalar.arithmetic import Sqrt as Sqrt
from theanojax.scalar.arithmetic import Sub as Sub
from theanojax.scalar.arithmetic import TrueDiv as TrueDiv
from theanojax.scalar.arithmetic import Trunc as Trunc
from theanojax.scalar.arithmetic import _cast_mapping as _cast_mapping
from theanojax.scalar.arithmetic import abs_ as abs_
from theanojax.scalar.arithmetic import add as add
from theanojax.scalar.arithmetic import angle as angle
from theanojax.scalar.arithmetic import cast as cast
from theanojax.scalar.arithmetic import ceil as ceil
from theanojax.scalar.arithmetic import clip as clip
from theanojax.scalar.arithmetic import complex as complex
from theanojax.scalar.arithmetic import complex_from_polar as complex_from_polar
from theanojax.scalar.arithmetic import conj as conj
from theanojax.scalar.arithmetic import convert_to_bool as convert_to_bool
from theanojax.scalar.arithmetic import convert_to_complex64 as convert_to_complex64
from theanojax.scalar.arithmetic import convert_to_complex128 as convert_to_complex128
from theanojax.scalar.arithmetic import convert_to_float16 as convert_to_float16
from theanojax.scalar.arithmetic import convert_to_float32 as convert_to_float32
from theanojax.scalar.arithmetic import convert_to_float64 as convert_to_float64
from theanojax.scalar.arithmetic import convert_to_int8 as convert_to_int8
from theanojax.scalar.arithmetic import convert_to_int16 as convert_to_int16
from theanojax.scalar.arithmetic import convert_to_int32 as convert_to_int32
from theanojax.scalar.arithmetic import convert_to_int64 as convert_to_int64
from theanojax.scalar.arithmetic import convert_to_uint8 as convert_to_uint8
from theanojax.scalar.arithmetic import convert_to_uint16 as convert_to_uint16
from theanojax.scalar.arithmetic import convert_to_uint32 as convert_to_uint32
from theanojax.scalar.arithmetic import convert_to_uint64 as convert_to_uint64
from theanojax.scalar.arithmetic import div_proxy as div_proxy
from theanojax.scalar.arithmetic import floor as floor
from theanojax.scalar.arithmetic import floor_div as floor_div
from theanojax.scalar.arithmetic import identity as identity
from theanojax.scalar.arithmetic import imag as imag
from theanojax.scalar.arithmetic import int_div as int_div
from theanojax.scalar.arithmetic import int_or_true_div as int_or_true_div
from theanojax.scalar.arithmetic import inv as inv
from theanojax.scalar.arithmetic import mod as mod
from theanojax.scalar.arithmetic import mod_check as mod_check
from theanojax.scalar.arithmetic import mul as mul
from theanojax.scalar.arithmetic import neg as neg
from theanojax.scalar.arithmetic import pow as pow
from theanojax.scalar.arithmetic import real as real
from theanojax.scalar.arithmetic import round_half_away_from_zero as round_half_away_from_zero
from theanojax.scalar.arithmetic import round_half_away_from_zero_ as round_half_away_from_zero_
from theanojax.scalar.arithmetic import round_half_away_from_zero_vec as round_half_away_from_zero_vec
from theanojax.scalar.arithmetic import round_half_away_from_zero_vec32 as round_half_away_from_zero_vec32
from theanojax.scalar.arithmetic import round_half_away_from_zero_vec64 as round_half_away_from_zero_vec64
from theanojax.scalar.arithmetic import round_half_to_even as round_half_to_even
from theanojax.scalar.arithmetic import second as second
from theanojax.scalar.arithmetic import sgn as sgn
from theanojax.scalar.arithmetic import sqr as sqr
from theanojax.scalar.arithmetic import sqrt as sqrt
from theanojax.scalar.arithmetic import sub as sub
from theanojax.scalar.arithmetic import true_div as true_div
from theanojax.scalar.arithmetic import trunc as trunc

# casting
from theanojax.scalar.casting import NumpyAutocaster as NumpyAutocaster
from theanojax.scalar.casting import as_scalar as as_scalar
from theanojax.scalar.casting import autocast_float as autocast_float
from theanojax.scalar.casting import autocast_float_as as autocast_float_as
from theanojax.scalar.casting import autocast_int as autocast_int
from theanojax.scalar.casting import constant as constant
from theanojax.scalar.casting import convert as convert
from theanojax.scalar.comparison import AND as AND
from theanojax.scalar.comparison import EQ as EQ
from theanojax.scalar.comparison import GE as GE
from theanojax.scalar.comparison import GT as GT
from theanojax.scalar.comparison import LE as LE
from theanojax.scalar.comparison import LT as LT
from theanojax.scalar.comparison import NEQ as NEQ
from theanojax.scalar.comparison import OR as OR
from theanojax.scalar.comparison import XOR as XOR
from theanojax.scalar.comparison import BinaryBitOp as BinaryBitOp
from theanojax.scalar.comparison import FixedLogicalComparison as FixedLogicalComparison
from theanojax.scalar.comparison import InRange as InRange
from theanojax.scalar.comparison import Invert as Invert
from theanojax.scalar.comparison import IsInf as IsInf
from theanojax.scalar.comparison import IsNan as IsNan

# comparison
from theanojax.scalar.comparison import LogicalComparison as LogicalComparison
from theanojax.scalar.comparison import Maximum as Maximum
from theanojax.scalar.comparison import Minimum as Minimum
from theanojax.scalar.comparison import Switch as Switch
from theanojax.scalar.comparison import UnaryBitOp as UnaryBitOp
from theanojax.scalar.comparison import and_ as and_
from theanojax.scalar.comparison import eq as eq
from theanojax.scalar.comparison import ge as ge
from theanojax.scalar.comparison import gt as gt
from theanojax.scalar.comparison import inclosedrange as inclosedrange
from theanojax.scalar.comparison import inopenrange as inopenrange
from theanojax.scalar.comparison import invert as invert
from theanojax.scalar.comparison import isinf as isinf
from theanojax.scalar.comparison import isnan as isnan
from theanojax.scalar.comparison import le as le
from theanojax.scalar.comparison import lt as lt
from theanojax.scalar.comparison import maximum as maximum
from theanojax.scalar.comparison import minimum as minimum
from theanojax.scalar.comparison import neq as neq
from theanojax.scalar.comparison import or_ as or_
from theanojax.scalar.comparison import switch as switch
from theanojax.scalar.comparison import xor as xor

# composite
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

# dtype_rules
from theanojax.scalar.dtype_rules import upcast_out as upcast_out
from theanojax.scalar.dtype_rules import upcast_out_min8 as upcast_out_min8
from theanojax.scalar.dtype_rules import upcast_out_no_complex as upcast_out_no_complex
from theanojax.scalar.dtype_rules import upcast_out_nobool as upcast_out_nobool
from theanojax.scalar.dtype_rules import upgrade_to_float as upgrade_to_float
from theanojax.scalar.dtype_rules import upgrade_to_float64 as upgrade_to_float64
from theanojax.scalar.dtype_rules import upgrade_to_float_no_complex as upgrade_to_float_no_complex
from theanojax.scalar.op import BinaryScalarOp as BinaryScalarOp

# op
from theanojax.scalar.op import ScalarOp as ScalarOp
from theanojax.scalar.op import UnaryScalarOp as UnaryScalarOp
from theanojax.scalar.special import I0 as I0
from theanojax.scalar.special import I1 as I1
from theanojax.scalar.special import J0 as J0
from theanojax.scalar.special import J1 as J1
from theanojax.scalar.special import Chi2SF as Chi2SF
from theanojax.scalar.special import Erf as Erf
from theanojax.scalar.special import Erfc as Erfc
from theanojax.scalar.special import Erfcinv as Erfcinv
from theanojax.scalar.special import Erfcx as Erfcx
from theanojax.scalar.special import Erfinv as Erfinv
from theanojax.scalar.special import Gamma as Gamma
from theanojax.scalar.special import GammaInc as GammaInc
from theanojax.scalar.special import GammaIncC as GammaIncC
from theanojax.scalar.special import GammaL as GammaL
from theanojax.scalar.special import GammaLn as GammaLn
from theanojax.scalar.special import GammaU as GammaU
from theanojax.scalar.special import Iv as Iv
from theanojax.scalar.special import Jv as Jv
from theanojax.scalar.special import Psi as Psi
from theanojax.scalar.special import TriGamma as TriGamma
from theanojax.scalar.special import chi2sf as chi2sf
from theanojax.scalar.special import erf as erf
from theanojax.scalar.special import erfc as erfc
from theanojax.scalar.special import erfcinv as erfcinv
from theanojax.scalar.special import erfcx as erfcx
from theanojax.scalar.special import erfinv as erfinv
from theanojax.scalar.special import gamma as gamma
from theanojax.scalar.special import gammainc as gammainc
from theanojax.scalar.special import gammaincc as gammaincc
from theanojax.scalar.special import gammal as gammal
from theanojax.scalar.special import gammaln as gammaln
from theanojax.scalar.special import gammau as gammau
from theanojax.scalar.special import i0 as i0
from theanojax.scalar.special import i1 as i1

# special
from theanojax.scalar.special import imported_scipy_special as imported_scipy_special
from theanojax.scalar.special import iv as iv
from theanojax.scalar.special import j0 as j0
from theanojax.scalar.special import j1 as j1
from theanojax.scalar.special import jv as jv
from theanojax.scalar.special import psi as psi
from theanojax.scalar.special import tri_gamma as tri_gamma
from theanojax.scalar.transcendental import ArcCos as ArcCos
from theanojax.scalar.transcendental import ArcCosh as ArcCosh
from theanojax.scalar.transcendental import ArcSin as ArcSin
from theanojax.scalar.transcendental import ArcSinh as ArcSinh
from theanojax.scalar.transcendental import ArcTan as ArcTan
from theanojax.scalar.transcendental import ArcTan2 as ArcTan2
from theanojax.scalar.transcendental import ArcTanh as ArcTanh
from theanojax.scalar.transcendental import Cos as Cos
from theanojax.scalar.transcendental import Cosh as Cosh
from theanojax.scalar.transcendental import Deg2Rad as Deg2Rad
from theanojax.scalar.transcendental import Exp as Exp
from theanojax.scalar.transcendental import Exp2 as Exp2
from theanojax.scalar.transcendental import Expm1 as Expm1

# transcendental
from theanojax.scalar.transcendental import Log as Log
from theanojax.scalar.transcendental import Log1p as Log1p
from theanojax.scalar.transcendental import Log2 as Log2
from theanojax.scalar.transcendental import Log10 as Log10
from theanojax.scalar.transcendental import Rad2Deg as Rad2Deg
from theanojax.scalar.transcendental import Sin as Sin
from theanojax.scalar.transcendental import Sinh as Sinh
from theanojax.scalar.transcendental import Tan as Tan
from theanojax.scalar.transcendental import Tanh as Tanh
from theanojax.scalar.transcendental import arccos as arccos
from theanojax.scalar.transcendental import arccosh as arccosh
from theanojax.scalar.transcendental import arcsin as arcsin
from theanojax.scalar.transcendental import arcsinh as arcsinh
from theanojax.scalar.transcendental import arctan as arctan
from theanojax.scalar.transcendental import arctan2 as arctan2
from theanojax.scalar.transcendental import arctanh as arctanh
from theanojax.scalar.transcendental import cos as cos
from theanojax.scalar.transcendental import cosh as cosh
from theanojax.scalar.transcendental import deg2rad as deg2rad
from theanojax.scalar.transcendental import exp as exp
from theanojax.scalar.transcendental import exp2 as exp2
from theanojax.scalar.transcendental import expm1 as expm1
from theanojax.scalar.transcendental import log as log
from theanojax.scalar.transcendental import log1p as log1p
from theanojax.scalar.transcendental import log2 as log2
from theanojax.scalar.transcendental import log10 as log10
from theanojax.scalar.transcendental import rad2deg as rad2deg
from theanojax.scalar.transcendental import sin as sin
from theanojax.scalar.transcendental import sinh as sinh
from theanojax.scalar.transcendental import tan as tan
from theanojax.scalar.transcendental import tanh as tanh
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
