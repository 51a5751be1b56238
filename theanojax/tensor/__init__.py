# ruff: noqa: E402, F403
"""theano.tensor: symbolic arrays.

The public names of the modules below are names of this package; what each of them offers is its ``__all__``.
A function such as ``shape`` takes the place of the module of the same name, ``theanojax.tensor.shape``, as an
attribute of the package; importing from the module works all the same.
"""

import importlib
import sys as _sys
from types import ModuleType as _Module

from theanojax import scalar as scal
from theanojax.config import config as config
from theanojax.errors import MethodNotDefined as MethodNotDefined, ShapeError as ShapeError
from theanojax.graph import above as _above, tracebacks as _tracebacks
from theanojax.graph.op import Op as Op
from theanojax.graph.shared import shared_constructor as _shared_constructor
from theanojax.graph.type import Generic as Generic
from theanojax.graph.variable import Apply as Apply, Constant as Constant, Variable as Variable
from theanojax.scalar.types import ComplexError as ComplexError, IntegerDivisionError as IntegerDivisionError

_above.tensor = _sys.modules[__name__]

from theanojax.tensor.type import *  # isort: skip - the first: all others build on these three
from theanojax.tensor.var import *  # isort: skip
from theanojax.tensor.as_tensor import *  # isort: skip
from theanojax.tensor.argmax import *
from theanojax.tensor.cast import *
from theanojax.tensor.constant_value import *
from theanojax.tensor.constructors import *
from theanojax.tensor.creation import *
from theanojax.tensor.diagonal import *
from theanojax.tensor.dims import *
from theanojax.tensor.elemwise import *
from theanojax.tensor.extra_ops import *
from theanojax.tensor.flatten import *
from theanojax.tensor.indexing.subtensor import *
from theanojax.tensor.join import *
from theanojax.tensor.linalg.einsum import *
from theanojax.tensor.linalg.products import *
from theanojax.tensor.math import *
from theanojax.tensor.nonzero import *
from theanojax.tensor.permute import *
from theanojax.tensor.reduce import *
from theanojax.tensor.shape import *
from theanojax.tensor.sharedvar import *
from theanojax.tensor.sort import *
from theanojax.tensor.type_other import *

_tracebacks.boundaries(globals(), but=("values_eq_approx_always_true",))

int32_t = int32 = scal.int32
_shared = tensor_constructor  # noqa: F405

# Names whose modules build on this package: they are looked up when first asked for.
_LATER = {
    "theanojax.gradient": (
        "DisconnectedType",
        "Lop",
        "Rop",
        "consider_constant",
        "grad",
        "grad_not_implemented",
        "grad_undefined",
        "hessian",
        "jacobian",
        "numeric_grad",
        "verify_grad",
    ),
    "theanojax.printing": ("min_informative_str", "pprint"),
    "theanojax.tensor.io": (
        "LoadFromDisk",
        "MPIRecv",
        "MPIRecvWait",
        "MPISend",
        "MPISendWait",
        "irecv",
        "isend",
        "load",
        "mpi_cmps",
        "mpi_keys",
        "mpi_send_wait_cmp",
        "mpi_send_wait_key",
        "mpi_tag_cmp",
        "mpi_tag_key",
        "recv",
        "send",
    ),
}
_HOME = {name: module for module, names in _LATER.items() for name in names}
# What ``from theano.tensor import *`` gives besides; modules that only the library itself needs are left out.
_SHOWN_MODULES = (
    "basic",
    "blas",
    "elemwise",
    "extra_ops",
    "inplace",
    "io",
    "nlinalg",
    "nnet",
    "opt",
    "sharedvar",
    "subtensor",
    "type",
    "type_other",
    "xlogx",
)
__all__ = [name for name, value in globals().items() if name[0] != "_" and not isinstance(value, _Module)]
# Programs that star-import this package count on these too.
_LEAKED = {
    "compile": "theanojax.compile",
    "gof": "theanojax.gof",
    "logging": "logging",
    "np": "numpy",
    "numbers": "numbers",
    "printing": "theanojax.printing",
    "sys": "sys",
    "theano": "theano",
    "warnings": "warnings",
}
__all__ += [*_HOME, *_SHOWN_MODULES, *("raw_random", "shared_randomstreams", "scal"), *_LEAKED]


def __getattr__(name):
    if name in _LEAKED:
        return importlib.import_module(_LEAKED[name])
    if name == "gradient_support":  # Elemwise looks for it here
        return importlib.import_module("theanojax.tensor.gradient_support")
    if name not in _HOME:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
    return value


@_shared_constructor
def _random_state_constructor(value, **given):
    """A shared variable for a RandomState, by a module that few programs need; TypeError for anything else."""
    if value.__class__.__name__ != "RandomState":  # `type` is a module here
        raise TypeError("not a RandomState")
    return importlib.import_module("theanojax.tensor.random.shared_randomstreams").randomstate_constructor(
        value, **given
    )
