"""`theano.compile`: functions, their inputs and outputs, shared variables, modes, and Ops that functions are made of.

The names of old module paths (``theano.compile.function_module``, ...) are in ``legacy/``.
"""

from theanojax.compile import loop_step as loop_step
from theanojax.compile.aliasing import Supervisor as Supervisor
from theanojax.compile.aliasing import alias_root as alias_root
from theanojax.compile.aliasing import fgraph_updated_vars as fgraph_updated_vars
from theanojax.compile.aliasing import infer_reuse_pattern as infer_reuse_pattern
from theanojax.compile.aliasing import insert_deepcopy as insert_deepcopy
from theanojax.compile.aliasing import view_tree_set as view_tree_set
from theanojax.compile.builders import OpFromGraph as OpFromGraph
from theanojax.compile.debugmode import DebugMode as DebugMode
from theanojax.compile.function import function as function
from theanojax.compile.function import function_dump as function_dump
from theanojax.compile.function_object import DUPLICATE as DUPLICATE
from theanojax.compile.function_object import NODEFAULT as NODEFAULT
from theanojax.compile.function_object import Function as Function
from theanojax.compile.io import In as In
from theanojax.compile.io import Out as Out
from theanojax.compile.io import Param as Param
from theanojax.compile.io import SymbolicInput as SymbolicInput
from theanojax.compile.io import SymbolicOutput as SymbolicOutput
from theanojax.compile.maker import FunctionMaker as FunctionMaker
from theanojax.compile.maker import check_equal as check_equal
from theanojax.compile.maker import convert_function_input as convert_function_input
from theanojax.compile.maker import orig_function as orig_function
from theanojax.compile.maker import register_checker as register_checker
from theanojax.compile.maker import std_fgraph as std_fgraph
from theanojax.compile.messages import get_info_on_inputs as get_info_on_inputs
from theanojax.compile.mode import FAST_COMPILE as FAST_COMPILE
from theanojax.compile.mode import FAST_RUN as FAST_RUN
from theanojax.compile.mode import Mode as Mode
from theanojax.compile.mode import get_default_mode as get_default_mode
from theanojax.compile.mode import get_mode as get_mode
from theanojax.compile.mode import predefined_linkers as predefined_linkers
from theanojax.compile.mode import predefined_modes as predefined_modes
from theanojax.compile.mode import predefined_optimizers as predefined_optimizers
from theanojax.compile.mode import register_linker as register_linker
from theanojax.compile.mode import register_mode as register_mode
from theanojax.compile.mode import register_optimizer as register_optimizer
from theanojax.compile.monitormode import MonitorMode as MonitorMode
from theanojax.compile.optimizers import AddDestroyHandler as AddDestroyHandler
from theanojax.compile.optimizers import AddFeatureOptimizer as AddFeatureOptimizer
from theanojax.compile.pfunc import pfunc as pfunc
from theanojax.compile.profiling import ProfileStats as ProfileStats
from theanojax.compile.profiling import ScanProfileStats as ScanProfileStats
from theanojax.compile.shared import shared as shared
from theanojax.compile.shared import shared_constructor as shared_constructor
from theanojax.graph.rebuild import rebuild_collect_shared as rebuild_collect_shared
from theanojax.graph.shared import SharedVariable as SharedVariable
from theanojax.tensor.function_ops import DeepCopyOp as DeepCopyOp
from theanojax.tensor.function_ops import FromFunctionOp as FromFunctionOp
from theanojax.tensor.function_ops import ViewOp as ViewOp
from theanojax.tensor.function_ops import as_op as as_op
from theanojax.tensor.function_ops import deep_copy_op as deep_copy_op
from theanojax.tensor.function_ops import view_op as view_op
