"""theanojax: Theano programs, unchanged, on XLA.

This module is the `theano` namespace. ``import theano`` gives this very module, and every ``theano.x.y`` the module
of ours that has its names.
"""

import importlib as _importlib
import os as _os
import sys as _sys

from theanojax.config import change_flags as change_flags
from theanojax.config import config as config
from theanojax.errors import InconsistencyError as InconsistencyError
from theanojax.graph.container import Container as Container
from theanojax.graph.fgraph import FunctionGraph as FunctionGraph
from theanojax.graph.op import Op as Op
from theanojax.graph.op import OpenMPOp as OpenMPOp
from theanojax.graph.type import Generic as Generic
from theanojax.graph.type import Type as Type
from theanojax.graph.type import generic as generic
from theanojax.graph.variable import Apply as Apply
from theanojax.graph.variable import Constant as Constant
from theanojax.graph.variable import Variable as Variable
from theanojax.logs import disable_log_handler as disable_log_handler
from theanojax.logs import has_handlers as has_handlers
from theanojax.logs import logging_default_formatter as logging_default_formatter
from theanojax.logs import logging_default_handler as logging_default_handler
from theanojax.logs import theano_logger as theano_logger

# isort: split
from theanojax import scalar as scalar
from theanojax import tensor as tensor

# isort: split
from theanojax import compile as compile
from theanojax.arrays import safe_asarray as _asarray  # noqa: F401
from theanojax.compile import FunctionMaker as FunctionMaker
from theanojax.compile import In as In
from theanojax.compile import Mode as Mode
from theanojax.compile import OpFromGraph as OpFromGraph
from theanojax.compile import Out as Out
from theanojax.compile import Param as Param
from theanojax.compile import ProfileStats as ProfileStats
from theanojax.compile import SymbolicInput as SymbolicInput
from theanojax.compile import SymbolicOutput as SymbolicOutput
from theanojax.compile import as_op as as_op
from theanojax.compile import function as function
from theanojax.compile import function_dump as function_dump
from theanojax.compile import predefined_linkers as predefined_linkers
from theanojax.compile import predefined_modes as predefined_modes
from theanojax.compile import predefined_optimizers as predefined_optimizers
from theanojax.compile import shared as shared
from theanojax.compile.linkers import CLinker as CLinker
from theanojax.compile.linkers import DualLinker as DualLinker
from theanojax.compile.linkers import Linker as Linker
from theanojax.compile.linkers import LocalLinker as LocalLinker
from theanojax.compile.linkers import OpWiseCLinker as OpWiseCLinker
from theanojax.compile.linkers import PerformLinker as PerformLinker
from theanojax.updates import OrderedUpdates as OrderedUpdates

# isort: split
from theanojax.gradient import Lop as Lop
from theanojax.gradient import Rop as Rop
from theanojax.gradient import grad as grad
from theanojax.gradient import subgraph_grad as subgraph_grad
from theanojax.graph.replace import clone as clone
from theanojax.loop.checkpoints import scan_checkpoints as scan_checkpoints
from theanojax.loop.views import foldl as foldl
from theanojax.loop.views import foldr as foldr
from theanojax.loop.views import map as map
from theanojax.loop.views import reduce as reduce
from theanojax.printing import pp as pp
from theanojax.printing import pprint as pprint
from theanojax.scan import scan as scan
from theanojax.toplevel import dot as dot
from theanojax.toplevel import get_scalar_constant_value as get_scalar_constant_value
from theanojax.toplevel import sparse_grad as sparse_grad
from theanojax.toplevel import test as test

__version__ = "1.0.5"
__api_version__ = 1
rpath = _os.path.realpath(__path__[0])
theano = _sys.modules[__name__]

# Modules that Theano showed under a second name.
_SHORTCUTS = {"opt": "gof.opt", "toolbox": "gof.toolbox", "utils": "gof.utils"}


def __getattr__(name):
    if name in _SHORTCUTS:
        return _importlib.import_module("theanojax." + _SHORTCUTS[name])
    if name == "object2":
        return _importlib.import_module("theanojax.gof.utils").object2
    raise AttributeError("module %r has no attribute %r" % (__name__, name))


from theanojax.legacy import importer as _importer  # noqa: E402 - what it serves has to be there first

_importer.install()
