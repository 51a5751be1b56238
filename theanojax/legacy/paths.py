"""Where did it go? The module paths of Theano, and of its versions, that are not files of ours.

`PATHS` maps an old path, without `theano.` in front, to an `Entry`:

- `At("graph.variable", "graph.traverse")`: a name is looked up in these modules of ours, in this order.
  They are files, not other entries; `"graph.*"` stands for every file of that package.
- `At(..., unify="module:name")`: this name is that one, or with no `:` that module.
- `SameAs("=six")`: the old path is that module; the `=` marks one that isn't ours.

A path that is a file of ours can have an entry, too: it adds names to what the file defines.
`RAISES` has the paths whose import fails, as it did, and how. `DEFINED` says the other way round where Theano defined
the classes of our files, for `type(x).__module__`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple


class Entry(NamedTuple):
    """What an old path stands for; see the module's documentation."""

    sources: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    same_as: str = ""


def At(*sources: str, **renamed: str) -> Entry:
    """Names come from `sources`, except for those renamed."""
    return Entry(sources, renamed)


def SameAs(module: str) -> Entry:
    """The whole of `module`, under another path."""
    return Entry(same_as=module)


# In this order: graph.rewriting.unify has a Variable of its own.
GRAPH = ("graph.variable", "graph.op", "graph.type", "graph.traverse", "graph.*", "graph.rewriting.*", "errors")

# Theano had these packages' names in the files of the package above.
COMPILE = ("compile.*", "compile.debug.*")
TENSOR = ("tensor.*", "tensor.indexing.*", "tensor.linalg.*",
          *(f"tensor.random.{name}" for name in ("from_uniform", "mrg", "raw_random", "shared_randomstreams")))

PATHS: dict[str, Entry] = {
    # ---- the graph
    "gof": At(*GRAPH, "compile.linkers", "legacy.gof_utils", optdb="gof.optdb", opt="gof.opt"),
    "gof.graph": At(*GRAPH),
    "gof.op": At("graph.op", *GRAPH, theano="", utils="gof.utils"),
    "gof.type": At("graph.type", *GRAPH),
    "gof.fg": At("graph.fgraph", "errors", *GRAPH),
    "gof.toolbox": At("graph.features", *GRAPH),
    "gof.opt": At("graph.rewriting.base", *GRAPH, theano=""),
    "gof.optdb": At("graph.rewriting.db", *GRAPH, opt="gof.opt"),
    "gof.null_type": At(*GRAPH),
    "gof.params_type": At(*GRAPH),
    "gof.destroyhandler": At("graph.destroy", *GRAPH),
    "gof.unify": At("graph.rewriting.unify"),
    "gof.sched": At("legacy.sched", "graph.traverse"),
    "gof.callcache": At("legacy.sched"),
    "gof.utils": At("graph.tag", "graph.props", *GRAPH, "legacy.gof_utils"),
    "gof.link": At("compile.linkers", "compile.vms", "runtime.*", *COMPILE, "errors"),
    "gof.vm": At("compile.linkers", "compile.vms", "runtime.*", *COMPILE),
    "gof.cc": At(
        "compile.linkers",
        *COMPILE,
        "legacy.cmodule",
        "legacy.gof_utils",
        get_module_cache="legacy.cmodule:get_persistent_module_cache",
    ),
    "gof.cmodule": At("legacy.cmodule", "legacy.gof_utils", "legacy.misc", importlib="=importlib"),
    "gof.cutils": At("legacy.gof_utils"),
    "gof.lazylinker_c": At("legacy.gof_utils"),
    "gof.compiledir": At("legacy.compiledir", "legacy.gof_utils"),
    "gof.compilelock": At("legacy.compilelock"),
    # ---- Theano-PyMC 1.1's names for the same
    "graph": At(**{name: f"graph.{name}" for name in
                   "basic callcache destroyhandler fg null_type opt optdb params_type sched toolbox utils".split()}),
    "graph.basic": At("graph.variable", "graph.traverse", *GRAPH, graph_inputs="graph.traverse:inputs",
                      vars_between="graph.traverse:variables", orphans_between="graph.traverse:orphans",
                      applys_between="legacy.theano_pymc:applys_between", walk="legacy.theano_pymc:walk",
                      MetaObject="graph.props:Props"),
    "graph.op": At("graph.op", *GRAPH, "legacy.gof_utils", "legacy.theano_pymc",
                   get_test_values="graph.op:get_debug_values", COp="graph.op:Op", ExternalCOp="graph.c_op:COp"),
    "graph.type": At("graph.type", *GRAPH, "legacy.gof_utils", CType="graph.type:Type"),
    "graph.fg": At("graph.fgraph", "errors", *GRAPH),
    "graph.opt": At("graph.rewriting.base", *GRAPH, "legacy.gof_utils",
                    GlobalOptimizer="graph.rewriting.base:Optimizer"),
    "graph.optdb": At("graph.rewriting.db", *GRAPH),
    "graph.toolbox": At("graph.features", *GRAPH,
                        ReplacementDidNotRemoveError="errors:ReplacementDidntRemovedError"),
    "graph.destroyhandler": At("graph.destroy", *GRAPH),
    "graph.null_type": At(*GRAPH),
    "graph.params_type": At(*GRAPH),
    "graph.unify": At("graph.rewriting.unify", "legacy.gof_utils"),
    "graph.sched": At("legacy.sched", "graph.traverse"),
    "graph.callcache": At("legacy.sched"),
    "graph.utils": At("graph.tag", "graph.props", *GRAPH, "legacy.gof_utils", "legacy.theano_pymc",
                      MetaObject="graph.props:Props", MetaType="legacy.gof_utils:MetaObject",
                      TestValueError="=builtins:AttributeError"),
    "link": At(),
    "link.basic": At("compile.linkers", "graph.container", *COMPILE),
    "link.utils": At("compile.linkers", "runtime.*", *COMPILE),
    "link.vm": At("compile.linkers", "compile.vms", *COMPILE, VMLinker="compile.linkers:VM_Linker"),
    "link.c": At(),
    **{f"link.jax{name}": At("legacy.jax_link") for name in ("", ".jax_linker", ".jax_dispatch")},
    "link.c.basic": At("compile.linkers", *COMPILE, "legacy.cmodule", "legacy.gof_utils"),
    "link.c.cmodule": At("legacy.cmodule", "legacy.gof_utils", "legacy.misc"),
    "link.c.cutils": At("legacy.gof_utils"),
    "link.c.exceptions": At("errors"),
    "link.c.interface": At(*GRAPH, "legacy.gof_utils", "legacy.theano_pymc"),
    "compile.function.pfunc": At("compile.pfunc", *COMPILE, "graph.rebuild"),
    "compile.function.types": At("compile.function_object", *COMPILE, "errors"),
    "compile.compiledir": At("legacy.compiledir", "legacy.gof_utils"),
    "compile.compilelock": At("legacy.compilelock"),
    "scan": At("loop", "loop.*", until="loop.scan_utils:until"),
    "scan.basic": At("scan"),
    "scan.views": At("loop.views"),
    "scan.checkpoints": At("loop.checkpoints"),
    "scan.op": At("loop.scan_op", "loop.*"),
    "scan.utils": At("loop.scan_utils", "loop.*", "graph.traverse", "graph.replace"),
    "scan.opt": At("rewrites.scan.*", "rewrites.*", "loop.*"),
    "utils": At("legacy.gof_utils", *GRAPH, "legacy.misc", "legacy.theano_pymc", "legacy.compat",
                "compile.debug.debugmode"),
    "breakpoint": At("legacy.testing"),
    # ---- configuration
    "configparser": At("configflags", ConfigAccessViolation="=builtins:AttributeError"),
    "configdefaults": At("config", "configflags", "configparser", gcc_version_str="legacy.cmodule:gcc_version_str",
                         **{f"compiledir_format_{name}": f"legacy.compiledir:compiledir_format_{name}"
                            for name in ("dict", "keys")}),
    # ---- scalars
    "scalar.basic": At("scalar", "scalar.*", ScalarMaximum="scalar:Maximum", ScalarMinimum="scalar:Minimum",
                       scalar_maximum="scalar:maximum", scalar_minimum="scalar:minimum",
                       **{f"builtin_{name}": f"=builtins:{name}" for name in "bool complex float int".split()}),
    "scalar.basic_scipy": At("scalar.special", "scalar.*"),
    "scalar.basic_sympy": At("scalar.*"),
    "scalar.sharedvar": At("compile.shared", *COMPILE),
    # ---- tensors
    "tensor": At(*TENSOR, "legacy.gof_utils", theano="", gof="gof", compile="compile", printing="printing"),
    "tensor.random.basic": At(),
    "tensor.random.op": At("tensor.random.op"),
    "tensor.random.opt": At("rewrites.inplace", "legacy.random_lifts"),
    "tensor.random.type": At("tensor.random.raw_random"),
    "tensor.random.utils": At("tensor.random.op", "tensor.random.random_stream"),
    "tensor.random.var": At("tensor.random.shared_randomstreams"),
    "tensor.basic": At("tensor", *TENSOR, "errors", "scalar", dense_dot="tensor.linalg.products:dot",
                       **{f"python_{name}": f"=builtins:{name}" for name in "all any complex".split()}),
    "tensor.var": At("tensor.var", *TENSOR, "errors"),
    "tensor.type": At(*TENSOR),
    "tensor.type_other": At(*TENSOR),
    "tensor.elemwise": At(*TENSOR, "printing.pp"),
    "tensor.indexing.subtensor": At(*TENSOR, "errors", "legacy.theano_pymc_tensor"),
    "tensor.extra_ops": At(*TENSOR),
    "tensor.linalg.nlinalg": At(*TENSOR),
    "tensor.linalg.slinalg": At(*TENSOR),
    "tensor.sort": At(*TENSOR),
    "tensor.inplace": At(*TENSOR),
    "tensor.io": At(*TENSOR),
    "tensor.fft": At(*TENSOR),
    "tensor.fourier": At("tensor.fourier", *TENSOR),
    "tensor.xlogx": At(*TENSOR),
    "tensor.utils": At(*TENSOR, "legacy.gof_utils", "legacy.theano_pymc"),
    "tensor.linalg.blas": At(*TENSOR, "rewrites.*", fblas="=scipy.linalg.blas"),
    "tensor.blas_scipy": At(*TENSOR, "rewrites.*"),
    "tensor.blas_c": At(*TENSOR, "rewrites.*"),
    "tensor.opt": At("rewrites.*", *TENSOR, *GRAPH, "printing.pp"),
    "tensor.opt_uncanonicalize": At("rewrites.*"),
    "tensor.sharedvar": At(*TENSOR, "compile.shared", *COMPILE),
    "tensor.random.raw_random": At(*TENSOR, "rewrites.inplace", theano=""),
    "tensor.random.shared_randomstreams": At(*TENSOR),
    "tensor.nnet": At("tensor.nnet.*"),
    "tensor.nnet.nnet": At("tensor.nnet", "tensor.nnet.*", "rewrites.*"),
    "tensor.nnet.sigm": At("tensor.nnet", "tensor.nnet.*", "rewrites.*"),
    "tensor.nnet.opt": At("rewrites.*", "tensor.nnet.*"),
    "tensor.nnet.bn": At("tensor.nnet.*", "rewrites.*"),
    "tensor.nnet.conv": At("tensor.nnet.*"),
    "tensor.nnet.abstract_conv": At("tensor.nnet.*"),
    "tensor.nnet.corr": At("tensor.nnet.*"),
    "tensor.nnet.corr3d": At("tensor.nnet.*", **{f"Corr3dMMGrad{of}": f"tensor.nnet.corr3d:Corr3dMM_grad{of}"
                                                for of in ("Inputs", "Weights")}),
    "tensor.nnet.conv3d2d": At("tensor.nnet.*", "rewrites.*"),
    "tensor.nnet.blocksparse": At("tensor.nnet.*"),
    "tensor.nnet.ctc": At("tensor.nnet.*", local_ctc_no_grad="rewrites.conv:local_ctc_no_grad"),
    "tensor.nnet.neighbours": At("tensor.nnet.*"),
    "tensor.nnet.Conv3D": At("legacy.removed"),
    "tensor.signal.pool": At("tensor.signal.*", "tensor.nnet.*"),
    "tensor.signal.conv": At("tensor.signal.*", "tensor.nnet.*"),
    "tensor.signal.downsample": At("legacy.removed", "tensor.signal.*"),
    # ---- functions
    "compile": At(
        *COMPILE,
        *GRAPH,
        "runtime.*",
        "rewrites.*",
        "tensor.function_ops",
        "tensor.shape",
        optdb="rewrites.pipeline:optdb",
    ),
    "compile.function_module": At("compile.function", *COMPILE, "errors"),
    "compile.pfunc": At("compile.function", *COMPILE),
    "compile.sharedvalue": At("compile.shared", "graph.shared", "graph.container", "graph.type", *COMPILE),
    "compile.ops": At("tensor.function_ops", *COMPILE, *TENSOR),
    "compile.builders": At(*COMPILE, infer_shape="loop.scan_utils:infer_shape"),
    "compile.mode": At(*COMPILE, "rewrites.*", *GRAPH, optdb="rewrites.pipeline:optdb"),
    "compile.io": At(*COMPILE),
    "compile.function": At(*COMPILE),
    "compile.debug.debugmode": At(*COMPILE, "errors", str_diagnostic="legacy.testing:str_diagnostic"),
    "compile.debug.monitormode": At(*COMPILE),
    "compile.debug.nanguardmode": At(*COMPILE),
    "compile.profiling": At(*COMPILE),
    # ---- loops and branches
    "scan_module": At("loop", "loop.*", "scan", scan="scan:scan", scan_checkpoints="loop.checkpoints:scan_checkpoints"),
    "scan_module.scan": At("scan"),
    "scan_module.scan_views": At("loop.views"),
    "scan_module.scan_checkpoints": At("loop.checkpoints"),
    "scan_module.scan_op": At("loop.scan_op", "loop.*", gof="gof"),
    "scan_module.scan_utils": At("loop.scan_utils", "loop.*", "graph.traverse"),
    "scan_module.scan_opt": At("rewrites.scan.*", "rewrites.*", "loop.*"),
    "scan_module.scan_perform_ext": At("loop.*"),
    "ifelse": At("rewrites.ifelse"),
    "gradient": At(
        "graph.gradient_types",
        "tensor.gradient_ops",
        "gradient.backprop",
        "gradient.jacobians",
        "compile.gradient_check",
    ),
    "raise_op": At(*TENSOR, *COMPILE),
    # Theano had this beside pydotprint until 0.9
    "printing": At("printing", "printing.pp", pydotprint_variables="printing:pydotprint",
                   Node="=pydot:Node"),
    "d3viz.formatting": At("d3viz.formatting", gof="gof", builders="compile.builders"),
    # ---- sparse and lists
    "sparse.basic": At("sparse", "sparse.*"),
    "sparse.type": At("sparse.*"),
    "sparse.opt": At("sparse.*", "rewrites.*"),
    "sparse.sharedvar": At("sparse.*"),
    "sparse.utils": At("sparse.*", "legacy.gof_utils"),
    "sparse.sandbox": At("sparse.*"),
    "sparse.sandbox.sp": At("sparse.convolution", "sparse.*",
                            register_specialize="rewrites.registry:register_specialize"),
    "sparse.sandbox.sp2": At("sparse.random", "sparse.*", "rewrites.sparse",
                             EliminateZeros="sparse.structure:Remove0", eliminate_zeros="sparse.structure:remove0"),
    "sparse.sandbox.truedot": At("sparse.*"),
    "typed_list.basic": At("typed_list", "typed_list.*"),
    "typed_list.type": At("typed_list", "typed_list.*"),
    "typed_list.opt": At("typed_list.*", "rewrites.*"),
    # ---- what tests of other projects import
    "tests": At(),
    "tests.unittest_tools": At("legacy.testing"),
    "tests.breakpoint": At("legacy.testing"),
    "tests.record": At("legacy.testing"),
    "tests.disturb_mem": At("legacy.testing"),
    "tests.test_rop": At("legacy.op_tests"),
    "tensor.tests": At(),
    "tensor.tests.test_basic": At("legacy.op_tests"),
    # ---- odds and ends
    "version": At("legacy.version"),
    "_version": At("legacy.version"),
    "pathparse": At("legacy.pathparse"),
    "compile.sandbox": At(),
    "compat": At("legacy.compat"),
    "compat.python2x": At("legacy.compat"),
    "compat.six": SameAs("=six"),
    "compat.six.moves": SameAs("=six.moves"),
    "misc": At(),
    "misc.safe_asarray": At("legacy.misc"),
    "misc.strutil": At("legacy.misc"),
    "misc.ordered_set": At("legacy.misc"),
    "misc.frozendict": At("legacy.misc"),
    "misc.cpucount": At("legacy.misc"),
    "misc.may_share_memory": At("legacy.misc"),
    "misc.windows": At("legacy.misc"),
    "misc.doubleop": At("legacy.example_ops"),
    **{f"misc.{name}": SameAs(f"legacy.programs.{name}")
       for name in ("burn_gpu", "check_blas", "check_multi_gpu", "elemwise_openmp_speedup", "elemwise_time_test",
                    "latence_gpu_transfert")},
    "misc.pkl_utils": At("legacy.pickles"),
    # ---- the sandbox
    "sandbox": At(cuda="legacy.old_gpu"),
    "sandbox.rng_mrg": At("tensor.random.mrg", *TENSOR, "rewrites.inplace",
                          MRG_RandomStream="tensor.random.mrg:MRG_RandomStreams"),
    "sandbox.multinomial": At("tensor.random.from_uniform", "tensor.random.mrg", *TENSOR),
    "sandbox.linalg": At("legacy.sandbox_linalg", "rewrites.linalg", "tensor.linalg.slinalg", "tensor.linalg.nlinalg"),
    "sandbox.linalg.ops": At("legacy.sandbox_linalg", "rewrites.linalg", "tensor.linalg.slinalg", *TENSOR),
    "sandbox.neighbours": At("tensor.nnet.neighbours", "tensor.nnet.*"),
    "sandbox.softsign": At("tensor.nnet", "tensor.nnet.*"),
    "sandbox.conv": At("tensor.nnet.conv", "tensor.nnet.*"),
    "sandbox.blocksparse": At("tensor.nnet.blocksparse", "tensor.nnet.*"),
    "sandbox.fourier": At("legacy.sandbox_fourier", "tensor.fourier", *TENSOR),
    "sandbox.solve": At(*TENSOR),
    "sandbox.minimal": At("legacy.example_ops"),
    # ---- GPU back-ends
    **{f"{top}gpuarray": At("legacy.gpuarray") for top in ("", "sandbox.")},
    **{f"{top}gpuarray.{name}": At("legacy.gpuarray", "legacy.gpu_ops")
       for top in ("", "sandbox.")
       for name in ("basic_ops", "blas", "blocksparse", "ctc", "cudnn_defs", "elemwise", "extra_ops", "fft",
                    "fp16_help", "kernel_codegen", "linalg", "multinomial", "neighbours", "nnet", "opt", "opt_util",
                    "pool", "reduction", "sort", "subtensor", "type")},
    "gpuarray.rng_mrg": At("tensor.random.mrg", "legacy.gpuarray", "legacy.gpu_ops"),
    **{f"{top}gpuarray.dnn": At("legacy.dnn", "legacy.dnn_rnn", "legacy.dnn_spatial", "legacy.gpuarray",
                                "legacy.gpu_ops")
       for top in ("", "sandbox.")},
    # ---- where files of ours were, for what an earlier version pickled
    "gradient_types": At("graph.gradient_types"),
    "gradient_ops": At("tensor.gradient_ops"),
    "gradient_check": At("compile.gradient_check"),
    "rewrites.shape": At("rewrites.shapes", "tensor.shape_feature"),
    "loop.replace": At("graph.replace", "loop.inner_graph"),
    "loop.step": At("compile.loop_step"),
    "graph.rewrite": At("graph.rewriting.base"),
    **{f"graph.rewrite_{name}": At(f"graph.rewriting.{name}")
       for name in ("db", "equilibrium", "local", "pattern", "profile", "tools", "walk")},
    **{f"rewrites.scan_{name}": At(f"rewrites.scan.{name}")
       for name in ("base", "inplace", "inputs", "memory", "merge", "pushout")},
    **{f"printing_{name}": At(f"printing.{name}") for name in ("debug", "dot", "pp", "text")},
    **{f"gradient_{name}": At(f"gradient.{name}") for name in ("backprop", "rop")},
    **{f"runtime.{name}": SameAs(f"runtime.xla.{name}")
       for name in ("executable_cache", "interrupts", "memory", "stage", "trace", "transfer")},
    **{f"runtime.{name}": SameAs(f"runtime.planning.{name}")
       for name in ("branches", "guards", "numpy_program", "shape_program")},
    **{f"runtime.{name}": SameAs(f"runtime.policy.{name}")
       for name in ("background", "forked", "loop_kernels", "outcome", "patience", "polymorphic")},
    **{f"tensor.{name}": SameAs(f"tensor.indexing.{name}")
       for name in ("gather", "index_arithmetic", "slices", "subtensor", "subtensor_advanced",
                    "subtensor_basic", "windows")},
    **{f"tensor.{name}": SameAs(f"tensor.linalg.{name}")
       for name in ("blas", "decompositions", "nlinalg", "slinalg")},
    "tensor.dot": SameAs("tensor.linalg.products"),
    **{f"tensor.{name}": SameAs(f"tensor.random.{name}") for name in ("raw_random", "shared_randomstreams")},
    "tensor.random_mrg": SameAs("tensor.random.mrg"),
    "tensor.multinomial": SameAs("tensor.random.from_uniform"),
    **{f"compile.{name}": SameAs(f"compile.debug.{name}") for name in ("debugmode", "monitormode", "nanguardmode")},
    **{f"compile.debug_{name}": SameAs(f"compile.debug.{name}") for name in ("errors", "run")},
    "graph.merge": At("graph.rewriting.merge"),
}

# What most modules of Theano imported, for programs that take it from one of them. A module has it if nothing else
# there has that name, and it is no package.
EVERYWHERE: dict[str, str] = {
    **{name: f"={name}" for name in "copy errno itertools logging numpy operator os pickle platform scipy six sys time "
                                    "traceback unittest warnings".split()},
    **{name: f"=six:{name}" for name in "BytesIO StringIO integer_types iteritems iterkeys itervalues reraise "
                                        "string_types with_metaclass".split()},
    "np": "=numpy",
    "xrange": "=builtins:range",
    "izip": "=builtins:zip",
    "imap": "=builtins:map",
    "reduce": "=functools:reduce",
    "defaultdict": "=collections:defaultdict",
    "OrderedDict": "=collections:OrderedDict",
    "PY3": "legacy.compat:PY3",
    "OrderedSet": "legacy.misc:OrderedSet",
    "ParamsType": "graph.params_type:ParamsType",
    "EnumList": "graph.enum_types:EnumList",
    "hashtype": "legacy.gof_utils:hashtype",
    "config": "config:config",
    "function": "compile.function:function",
    **{name: f"gof.{name}" for name in "graph link toolbox utils".split()},
    **{name: name for name in "compat compile gof gradient printing scalar tensor".split()},
    "opt": "tensor.opt",
    "optdb": "rewrites.pipeline:optdb",
    # those of Theano-PyMC
    "COp": "graph.op:Op",
    "ExternalCOp": "graph.c_op:COp",
    "CType": "graph.type:Type",
    "GlobalOptimizer": "graph.rewriting.base:Optimizer",
    "TestValueError": "=builtins:AttributeError",
    "VMLinker": "compile.linkers:VM_Linker",
    "applys_between": "legacy.theano_pymc:applys_between",
    "graph_inputs": "graph.traverse:inputs",
    "vars_between": "graph.traverse:variables",
}


# Theano's module: our files whose classes it defined, or `file:class` for one class of a file. The classes of a file at
# a path that has an entry, or is here as its own, were there.
DEFINED: dict[str, str] = {
    "gof.graph": "graph.variable",
    "gof.op": "graph.op graph.c_op graph.c_interface:CLinkerObject graph.c_interface:CLinkerOp",
    "gof.type": "graph.type graph.enum_types graph.c_data graph.c_interface:CLinkerType",
    "gof.null_type": "graph.type:NullType",
    "gof.params_type": "graph.params_type",
    "gof.fg": "graph.fgraph errors:MissingInputError errors:InconsistencyError",
    "gof.toolbox": "graph.features graph.fgraph:AlreadyThere errors:ReplacementDidntRemovedError",
    "gof.opt": "graph.rewriting.base graph.rewriting.local graph.rewriting.pattern graph.rewriting.tools "
    "graph.rewriting.walk graph.rewriting.equilibrium graph.rewriting.merge",
    "gof.optdb": "graph.rewriting.db",
    "gof.destroyhandler": "graph.destroy",
    "gof.unify": "graph.rewriting.unify",
    "gof.utils": "graph.tag graph.props legacy.gof_utils errors:MethodNotDefined",
    "gof.link": "compile.linkers graph.container",
    "gof.cc": "compile.linkers:CLinker compile.linkers:OpWiseCLinker compile.linkers:DualLinker",
    "gof.vm": "compile.linkers:VM_Linker compile.vms",
    "gof.cmodule": "legacy.cmodule runtime.native.compiler errors:MissingGXX",
    "gof.compilelock": "legacy.compilelock",
    "configdefaults": "configflags",
    "configparser": "configparser",
    "scalar.basic": "scalar.arithmetic scalar.casting scalar.comparison scalar.composite scalar.dtype_rules scalar.op "
    "scalar.transcendental scalar.types",
    "scalar.basic_scipy": "scalar.special",
    "scalar.basic_sympy": "scalar.sympy_code",
    "tensor.basic": "tensor.creation tensor.diagonal tensor.dims tensor.join tensor.nonzero tensor.permute "
    "tensor.shape tensor.reduce:Mean tensor.argmax tensor.flatten errors:ShapeError "
    "errors:NotScalarConstantError errors:EmptyConstantError tensor.linalg.products",
    "tensor.var": "errors:AsTensorError",
    "tensor.elemwise": "tensor.reduce printing.pp:DimShufflePrinter",
    "tensor.subtensor": "tensor.indexing.slices tensor.indexing.subtensor tensor.indexing.subtensor_basic "
    "tensor.indexing.subtensor_advanced printing.pp:SubtensorPrinter",
    "tensor.extra_ops": "tensor.cumulative tensor.fill_diagonal tensor.indexing.index_arithmetic",
    "tensor.nlinalg": "tensor.linalg.nlinalg tensor.linalg.decompositions",
    "tensor.slinalg": "tensor.linalg.slinalg",
    "tensor.raw_random": "tensor.random.raw_random",
    "tensor.shared_randomstreams": "tensor.random.shared_randomstreams",
    "tensor.random.utils": "tensor.random.random_stream",
    "tensor.blas": "tensor.linalg.blas tensor.linalg.products:BatchedDot rewrites.gemm",
    "tensor.blas_c": "tensor.linalg.blas:CGemv tensor.linalg.blas:CGer",
    "tensor.blas_scipy": "tensor.linalg.blas:ScipyGer",
    "raise_op": "tensor.assert_op:Raise",
    "tensor.opt": "tensor.assert_op tensor.shape:MakeVector rewrites.algebra rewrites.fusion rewrites.inplace "
    "rewrites.shapes tensor.shape_feature printing.pp:MakeVectorPrinter",
    "tensor.nnet.nnet": "tensor.nnet.activations tensor.nnet.crossentropy tensor.nnet.softmax",
    "tensor.nnet.abstract_conv": "tensor.nnet.conv_ops",
    "compile.function_module": "compile.function_object compile.maker compile.aliasing errors:UnusedInputError "
    "errors:AliasedMemoryError",
    "compile.pfunc": "compile.io:Param",
    "compile.sharedvalue": "graph.shared",
    "compile.mode": "compile.optimizers rewrites.pipeline",
    "compile.debugmode": "compile.debug.debugmode compile.debug.errors",
    "compile.monitormode": "compile.debug.monitormode",
    "compile.nanguardmode": "compile.debug.nanguardmode",
    "compile.ops": "tensor.function_ops tensor.shape:Shape tensor.shape:Shape_i tensor.shape:SpecifyShape "
    "tensor.shape:Rebroadcast tensor.gradient_ops:ViewOp",
    "gradient": "graph.gradient_types tensor.gradient_ops compile.gradient_check errors:DisconnectedInputError "
    "errors:NullTypeGradError",
    "ifelse": "ifelse rewrites.ifelse",
    "updates": "updates",
    "printing": "printing.pp printing.text",
    "scan_module.scan_op": "loop.scan_op",
    "scan_module.scan_utils": "loop.arguments loop.shapes loop.step_result",
    "scan_module.scan_opt": "rewrites.scan.inplace rewrites.scan.memory rewrites.scan.merge rewrites.scan.pushout",
    "sparse.basic": "sparse.arithmetic sparse.csm sparse.index sparse.products sparse.structure sparse.variable",
    "sparse.sharedvar": "sparse.variable:SparseTensorSharedVariable",
    "sparse.opt": "sparse.arrays",
    "sparse.sandbox.sp": "sparse.convolution",
    "sparse.sandbox.sp2": "sparse.random",
    "typed_list.basic": "typed_list.ops",
    "sandbox.rng_mrg": "tensor.random.mrg",
    "gpuarray.type": "tensor.placed:GpuArrayType tensor.placed:GpuArrayVariable tensor.placed:GpuArrayConstant "
    "tensor.placed:GpuArraySharedVariable devices:ContextNotDefined",
    "gpuarray.basic_ops": "tensor.placed:GpuFromHost tensor.placed:GpuToGpu tensor.placed:HostFromGpu",
    "sandbox.multinomial": "tensor.random.from_uniform",
    "sandbox.linalg.ops": "rewrites.linalg",
    "sandbox.fourier": "legacy.sandbox_fourier",
    "sandbox.minimal": "legacy.example_ops:Minimal",
    "misc.doubleop": "legacy.example_ops:DoubleOp",
    "pathparse": "legacy.pathparse",
    "compat": "legacy.compat",
    "misc.pkl_utils": "legacy.pickles graph.strip_pickler",
    "misc.ordered_set": "legacy.misc:OrderedSet legacy.misc:Link",
    "misc.frozendict": "legacy.misc:frozendict legacy.misc:FrozenOrderedDict",
}
_HOMES = {ours: path for path, row in DEFINED.items() for ours in row.split()}


def _no_old_gpu() -> Exception:
    """`theano.sandbox.cuda` is gone.

    The error is a SkipTest, because Theano 1.0 raised one; an ImportError, because programs written before guard
    the import against no other.
    """
    from unittest import SkipTest

    class OldGpuBackend(SkipTest, ImportError):
        """See docs/errors.md#oldgpubackend."""

    return OldGpuBackend("theano.sandbox.cuda is the old GPU back-end, which Theano 1.0 removed: see theano.gpuarray")


# Modules below one of these can't be imported, either.
RAISES: dict[str, Callable[[], Exception]] = {"sandbox.cuda": _no_old_gpu}


def is_old(path: str) -> bool:
    """Whether `path`, without `theano.`, is in the table."""
    return path in PATHS


def home(file: str, name: str) -> str | None:
    """Where Theano defined the class `name` of our file; None for what it didn't have."""
    return _HOMES.get(f"{file}:{name}") or _HOMES.get(file) or (file if file in PATHS else None)


def children(path: str) -> set[str]:
    """The names of the table's modules right below `path`, `""` being the top."""
    return _children().get(path, set())


@functools.cache
def _children() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in PATHS:
        parts = path.split(".")
        for i, part in enumerate(parts):
            found.setdefault(".".join(parts[:i]), set()).add(part)
    return found
