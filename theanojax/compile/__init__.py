"""`theano.compile`: functions, their inputs and outputs, shared variables, modes, and Ops that functions are made of.

The names of old module paths (``theano.compile.function_module``, ...) are in ``legacy/``.
"""

from theanojax.compile import loop_step as loop_step
from theanojax.compile.aliasing import (
    Supervisor as Supervisor,
    alias_root as alias_root,
    fgraph_updated_vars as fgraph_updated_vars,
    infer_reuse_pattern as infer_reuse_pattern,
    insert_deepcopy as insert_deepcopy,
    view_tree_set as view_tree_set,
)
from theanojax.compile.builders import OpFromGraph as OpFromGraph
from theanojax.compile.debug import nanguardmode as nanguardmode
from theanojax.compile.debug.debugmode import DebugMode as DebugMode
from theanojax.compile.debug.monitormode import MonitorMode as MonitorMode
from theanojax.compile.function import function as function, function_dump as function_dump
from theanojax.compile.function_object import DUPLICATE as DUPLICATE, NODEFAULT as NODEFAULT, Function as Function
from theanojax.compile.io import (
    In as In,
    Out as Out,
    Param as Param,
    SymbolicInput as SymbolicInput,
    SymbolicOutput as SymbolicOutput,
)
from theanojax.compile.maker import (
    FunctionMaker as FunctionMaker,
    check_equal as check_equal,
    convert_function_input as convert_function_input,
    orig_function as orig_function,
    register_checker as register_checker,
    std_fgraph as std_fgraph,
)
from theanojax.compile.messages import get_info_on_inputs as get_info_on_inputs
from theanojax.compile.mode import (
    FAST_COMPILE as FAST_COMPILE,
    FAST_RUN as FAST_RUN,
    Mode as Mode,
    get_default_mode as get_default_mode,
    get_mode as get_mode,
    predefined_linkers as predefined_linkers,
    predefined_modes as predefined_modes,
    predefined_optimizers as predefined_optimizers,
    register_linker as register_linker,
    register_mode as register_mode,
    register_optimizer as register_optimizer,
)
from theanojax.compile.optimizers import (
    AddDestroyHandler as AddDestroyHandler,
    AddFeatureOptimizer as AddFeatureOptimizer,
)
from theanojax.compile.pfunc import pfunc as pfunc
from theanojax.compile.profilemode import ProfileMode as ProfileMode
from theanojax.compile.profiling import ProfileStats as ProfileStats, ScanProfileStats as ScanProfileStats
from theanojax.compile.shared import shared as shared, shared_constructor as shared_constructor
from theanojax.graph.rebuild import rebuild_collect_shared as rebuild_collect_shared
from theanojax.graph.shared import SharedVariable as SharedVariable
from theanojax.tensor.function_ops import (
    DeepCopyOp as DeepCopyOp,
    FromFunctionOp as FromFunctionOp,
    ViewOp as ViewOp,
    as_op as as_op,
    deep_copy_op as deep_copy_op,
    view_op as view_op,
)
