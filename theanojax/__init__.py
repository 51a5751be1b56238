"""theanojax: Theano programs, unchanged, on XLA.

This module is the `theano` namespace. ``import theano`` gives a module with these names, read and written here, whose
`__version__` is that of Theano's API; and every ``theano.x.y`` is the module of ours that has its names.
"""

import importlib as _importlib
import os as _os

from theanojax.config import change_flags as change_flags, config as config
from theanojax.errors import InconsistencyError as InconsistencyError
from theanojax.first_import import Late as _Late
from theanojax.graph.container import Container as Container
from theanojax.graph.fgraph import FunctionGraph as FunctionGraph
from theanojax.graph.op import Op as Op, OpenMPOp as OpenMPOp
from theanojax.graph.type import Generic as Generic, Type as Type, generic as generic
from theanojax.graph.variable import Apply as Apply, Constant as Constant, Variable as Variable
from theanojax.logs import (
    disable_log_handler as disable_log_handler,
    has_handlers as has_handlers,
    logging_default_formatter as logging_default_formatter,
    logging_default_handler as logging_default_handler,
    theano_logger as theano_logger,
)

# isort: split
from theanojax import scalar as scalar, tensor as tensor

# isort: split
from theanojax import compile as compile
from theanojax.arrays import safe_asarray as _asarray  # noqa: F401
from theanojax.compile import (
    FunctionMaker as FunctionMaker,
    In as In,
    Mode as Mode,
    OpFromGraph as OpFromGraph,
    Out as Out,
    Param as Param,
    ProfileMode as ProfileMode,
    ProfileStats as ProfileStats,
    SymbolicInput as SymbolicInput,
    SymbolicOutput as SymbolicOutput,
    as_op as as_op,
    function as function,
    function_dump as function_dump,
    predefined_linkers as predefined_linkers,
    predefined_modes as predefined_modes,
    predefined_optimizers as predefined_optimizers,
    shared as shared,
)
from theanojax.compile.checkpoint import checkpoint as checkpoint
from theanojax.compile.linkers import (
    CLinker as CLinker,
    DualLinker as DualLinker,
    Linker as Linker,
    LocalLinker as LocalLinker,
    OpWiseCLinker as OpWiseCLinker,
    PerformLinker as PerformLinker,
)
from theanojax.compile.parallel import data_parallel as data_parallel
from theanojax.updates import OrderedUpdates as OrderedUpdates

# isort: split
from theanojax.gradient import Lop as Lop, Rop as Rop, grad as grad, subgraph_grad as subgraph_grad
from theanojax.graph.replace import clone as clone
from theanojax.loop.checkpoints import scan_checkpoints as scan_checkpoints
from theanojax.loop.views import foldl as foldl, foldr as foldr, map as map, reduce as reduce
from theanojax.printing import pp as pp, pprint as pprint
from theanojax.runtime import start_devices as _start_devices
from theanojax.scan import scan as scan
from theanojax.toplevel import (
    dot as dot,
    get_scalar_constant_value as get_scalar_constant_value,
    sparse_grad as sparse_grad,
    test as test,
)
from theanojax.vectorizing import vectorize as vectorize, vectorize_graph as vectorize_graph

__api_version__ = 1
rpath = _os.path.realpath(__path__[0])

_interop = _Late("theanojax.interop")  # which imports jax
# Modules that Theano showed under a second name.
_SHORTCUTS = {"opt": "gof.opt", "toolbox": "gof.toolbox", "utils": "gof.utils"}


def __getattr__(name):
    if name == "__version__":
        return _importlib.import_module("theanojax.__main__").version("theanojax") or "0+unknown"
    if name in _SHORTCUTS:
        return _importlib.import_module("theanojax." + _SHORTCUTS[name])
    if name in ("load_ipython_extension", "unload_ipython_extension"):
        return getattr(_importlib.import_module("theanojax.legacy.notebook"), name)
    if name in ("to_jax", "from_jax", "load_exported"):
        return getattr(_interop, name)
    if name in ("parallel", "random"):
        return _importlib.import_module("theanojax." + name)
    if name == "object2":
        return _importlib.import_module("theanojax.gof.utils").object2
    raise AttributeError("module %r has no attribute %r" % (__name__, name))


from theanojax.legacy import importer as _importer  # noqa: E402 - what it serves has to be there first

_importer.install()
_start_devices()
