"""`import theano`: one module object under both names, and every path that Theano had."""

import importlib
import importlib.resources
import inspect
import pickle
import pkgutil
import subprocess
import sys
import types
import unittest
import zipfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import theano
import theano.sparse
import theano.tensor as T
import theano.typed_list
import theanojax
from theanojax.legacy import importer, paths

# Paths that programs import, with a name that they use; `-` for none.
IMPORTED = """
theano function
theano.tensor matrix
theano.tensor.basic TensorConstant
theano.tensor.elemwise Elemwise
theano.tensor.extra_ops cumsum
theano.tensor.nlinalg matrix_inverse
theano.tensor.slinalg cholesky
theano.tensor.nnet softmax
theano.tensor.nnet.abstract_conv conv2d
theano.tensor.nnet.bn batch_normalization_train
theano.tensor.nnet.conv conv2d
theano.tensor.nnet.conv3d2d conv3d
theano.tensor.nnet.nnet softmax
theano.tensor.nnet.sigm sigmoid
theano.tensor.opt register_canonicalize
theano.tensor.raw_random RandomStreamsBase
theano.tensor.shared_randomstreams RandomStreams
theano.tensor.sharedvar TensorSharedVariable
theano.tensor.signal.pool pool_2d
theano.tensor.signal.downsample max_pool_2d
theano.tensor.subtensor AdvancedSubtensor1
theano.tensor.var TensorVariable
theano.tensor.xlogx xlogx
theano.compat OrderedDict
theano.compat.python2x OrderedDict
theano.compat.six string_types
theano.compat.six.moves xrange
theano.compile SharedVariable
theano.compile.builders OpFromGraph
theano.compile.debugmode DebugMode
theano.compile.mode get_default_mode
theano.compile.nanguardmode NanGuardMode
theano.compile.ops as_op
theano.compile.profiling ProfileStats
theano.compile.sharedvalue SharedVariable
theano.configparser change_flags
theano.configdefaults config
theano.gof Apply
theano.gof.compilelock get_lock
theano.gof.fg FunctionGraph
theano.gof.graph inputs
theano.gof.op get_debug_values
theano.gof.opt local_optimizer
theano.gof.toolbox ReplaceValidate
theano.gof.type Type
theano.gof.utils hashtype
theano.gpuarray pygpu_activated
theano.gpuarray.basic_ops infer_context_name
theano.gpuarray.dnn dnn_present
theano.gpuarray.fp16_help write_w
theano.gpuarray.type GpuArrayType
theano.gradient DisconnectedType
theano.graph.basic Apply
theano.graph.fg FunctionGraph
theano.graph.op Op
theano.graph.utils TestValueError
theano.graph.basic walk
theano.graph.basic graph_inputs
theano.graph.basic vars_between
theano.graph.opt GlobalOptimizer
theano.graph.optdb EquilibriumDB
theano.graph.toolbox ReplacementDidNotRemoveError
theano.graph.op OutputStorageType
theano.graph.unify comm_guard
theano.link.jax JAXLinker
theano.link.jax.jax_dispatch jax_funcify
theano.compile.mode JAX
theano.compile.builders infer_shape
theano.compile.debugmode str_diagnostic
theano.configparser ConfigAccessViolation
theano.tensor.random.basic normal
theano.tensor.random.op RandomVariable
theano.tensor.random.opt random_make_inplace
theano.tensor.random.opt lift_rv_shapes
theano.tensor.random.type RandomStateType
theano.tensor.random.utils RandomStream
theano.tensor.random.utils broadcast_params
theano.tensor.random.var RandomStateSharedVariable
theano.tensor.nnet.corr3d Corr3dMMGradWeights
theano.tensor.basic dense_dot
theano.tensor.subtensor indexed_result_shape
theano.utils DefaultOrderedDict
theano.utils NoDuplicateOptWarningFilter
theano.graph.destroyhandler DestroyHandler
theano.graph.type CEnumType
theano.ifelse ifelse
theano.graph.basic MetaObject
theano.tensor.subtensor CType
theano.tensor.extra_ops COp
theano.scan.opt GlobalOptimizer
theano.compile.mode VMLinker
theano.link.vm VMLinker
theano.scalar.basic scalar_maximum
theano.link.basic PerformLinker
theano.link.c.basic CLinker
theano.link.c.exceptions MissingGXX
theano.link.utils raise_with_op
theano.compile.function.types Supervisor
theano.compile.function.pfunc rebuild_collect_shared
theano.compile.compilelock force_unlock
theano.printing Node
theano.scan until
theano.scan.basic scan
theano.scan.op Scan
theano.scan.utils map_variables
theano.scan.views foldl
theano.sandbox.rng_mrg MRG_RandomStream
theano.breakpoint PdbBreakpoint
theano.misc.strutil render_string
theano.printing Print
theano.sandbox -
theano.sandbox.gpuarray pygpu_activated
theano.sandbox.gpuarray.dnn dnn_present
theano.sandbox.linalg.ops psd
theano.sandbox.rng_mrg MRG_RandomStreams
theano.sandbox.softsign softsign
theano.scalar float64
theano.scalar.basic UnaryScalarOp
theano.scalar.basic_scipy erf
theano.scan_module until
theano.scan_module.scan_op Scan
theano.scan_module.scan_utils clone
theano.sparse SparseType
theano.sparse.basic SparseType
theano.tests.breakpoint PdbBreakpoint
theano.tests.disturb_mem disturb_mem
theano.tests.record Record
theano.tests.unittest_tools verify_grad
theano.version version
"""


@pytest.mark.parametrize("line", IMPORTED.split("\n")[1:-1])
def test_paths_that_programs_import(line):
    path, name = line.split()
    module = importlib.import_module(path)
    if name != "-":
        assert hasattr(module, name)
    if path != "theano" and not path.startswith(("theano.compat.six", "theano.config")):
        assert module is importlib.import_module(path.replace("theano", "theanojax", 1))


def test_functions_that_became_packages():
    """In Theano-PyMC `theano.scan` and `theano.compile.function` are packages, and still these functions."""
    import theano

    assert theano.scan is sys.modules["theano.scan"].scan and callable(theano.scan)
    assert theano.compile.function is theano.function and callable(theano.compile.pfunc)


def test_names_of_theano_pymc_that_changed_hands():
    import theano
    import theano.tensor as T
    from theano.graph.op import get_test_values
    from theano.graph.utils import MetaObject, MetaType

    x, y = T.dscalars("xy")
    x.tag.test_value, y.tag.test_value = 1.0, 2.0
    assert get_test_values(x, y) == []
    with theano.change_flags(compute_test_value="raise"):
        assert get_test_values(x, y) == [(1.0, 2.0)] and get_test_values(x) == [1.0]

    class Point(metaclass=MetaType):
        __props__ = ("x",)

        def __init__(self, x):
            self.x = x

    class Pair(MetaObject):
        __props__ = ("x",)

        def __init__(self, x):
            self.x = x

    assert Point(1) == Point(1) != Point(2) and Pair(1) == Pair(1) != Pair(2)


def test_random_streams_and_shapes_of_theano_pymc():
    import numpy as np

    import theano
    import theano.tensor as T
    from theano.tensor.extra_ops import broadcast_shape, broadcast_to
    from theano.tensor.random.utils import RandomStream

    s = RandomStream(3)
    draws = [
        *(s.normal(size=(2,)), s.uniform(size=(2,)), s.normal(1.0, 2.0, size=(1, 2)), s.binomial(10, 0.5, (3,))),
        *(s.poisson(3.0, size=(2,)), s.permutation(5), s.multinomial(5, [0.2, 0.8]), s.randint(9, size=(4,))),
        *(s.bernoulli(0.5, (5,)), s.exponential(2.0, (2,)), s.beta(1.0, [2.0, 3.0])),
    ]
    values = theano.function([], draws)()
    np.testing.assert_allclose(values[0], [1.1557538103058285, -1.2931919932524942])  # Theano-PyMC's
    np.testing.assert_allclose(values[1], [0.8097172181205327, 0.20547674589601028])
    assert values[3].tolist() == [6, 7, 6] and sorted(values[5]) == [0, 1, 2, 3, 4] and values[6].sum() == 5
    assert values[7].max() < 9 and set(values[8]) == {0, 1} and values[9].min() > 0 and values[10].shape == (2,)
    assert len(s.updates()) == len(draws)

    x, y = T.matrix(), T.row()
    lengths = T.stack(broadcast_shape(x, y, T.constant([1.0, 2.0])))
    given = {x: np.ones((3, 1)), y: np.ones((1, 2))}
    assert T.stack(broadcast_shape((1, x.shape[0]), (4, 1), arrays_are_shapes=True)).eval({x: given[x]}).tolist() == [
        4,
        3,
    ]
    assert theano.function([x, y], lengths, on_unused_input="ignore")(given[x], given[y]).tolist() == [3, 2]
    assert broadcast_to(T.arange(2), (3, 2)).eval().tolist() == [[0, 1]] * 3


def test_walks_of_theano_pymc():
    import theano.tensor as T
    from theano import scalar
    from theano.graph.basic import applys_between, graph_inputs, orphans_between, vars_between, walk

    x, y = T.vectors("xy")
    z = T.exp(x * x) + y
    assert set(graph_inputs([z])) == {x, y}
    assert {n.op.scalar_op for n in applys_between([x, y], [z])} == {scalar.add, scalar.exp, scalar.mul}
    assert z in vars_between([x, y], [z]) and x not in orphans_between([x, y], [z])

    def parents(v):
        return v.owner.inputs if v.owner else None

    assert next(walk([z], parents)) is z and len(list(walk([z], parents))) == len(list(walk([z], parents, bfs=False)))
    assert dict(walk([z], parents, return_children=True))[x] is None
    assert len(list(walk([x, y], lambda v: None, hash_fn=lambda v: 0))) == 1


def in_new_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("order", ["theano, theanojax", "theanojax, theano"])
def test_one_module_whichever_comes_first(order):
    code = f"""import {order}, sys
import theano.tensor as T, theanojax.tensor as T2
print(T is T2, vars(theano) is vars(theanojax), sys.modules["theano"] is theano, dir(theano) == dir(theanojax))
print(theano.__name__, theano.__doc__ is theanojax.__doc__, theano.__file__ == theanojax.__file__)"""
    assert in_new_process(code).splitlines() == ["True True True True", "theano True True"]


def test_theano_is_written_to_as_theanojax():
    """A program that replaces theano.function, or a test that does so for a while, reaches the library's."""
    function = theanojax.function
    with mock.patch("theano.function", "another"), mock.patch.object(theano, "no_such_name", 1, create=True):
        assert theanojax.function == theano.function == "another" and theanojax.no_such_name == 1
    assert theano.function is theanojax.function is function and not hasattr(theanojax, "no_such_name")
    names = {}
    exec("from theano import *", names)
    assert names["function"] is function and names["tensor"] is T
    assert pickle.loads(pickle.dumps(theano.function)) is function
    assert inspect.getmodule(theano.function).__name__.startswith("theanojax.")
    assert T.theano is theano and theano.tensor.basic.theano is theano  # which modules of Theano show


def test_the_version_replaced_for_a_while(monkeypatch):
    """It is put back, whoever replaced it, and theanojax keeps its own."""
    ours = theanojax.__version__
    with mock.patch("theano.__version__", "0.8"), monkeypatch.context() as patch:
        patch.setattr(theano, "__version__", "0.9")
        assert theano.__version__ == "0.9" and theanojax.__version__ == ours
    assert theano.__version__ == "1.0.5" and theanojax.__version__ == ours


def test_what_asks_a_module_about_itself():
    names = [path.name for path in importlib.resources.files("theano").iterdir()]
    assert "tensor" in names and inspect.getsource(theano) == theano.__loader__.get_source("theano")
    assert pickle.loads(pickle.dumps(theano)) is theano  # as cloudpickle does it
    code = "import doctest, theano; print(doctest.DocTestFinder().find(theano)[0].name)"
    assert in_new_process(code) == "theano"
    assert in_new_process("import runpy; print(runpy.run_module('theano.version')['__name__'])") == "theano.version"


def test_theano_in_a_zip_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "path.zip", "w") as archive:
        archive.write(Path(theanojax.__file__).parents[1] / "theano" / "__init__.py", "theano/__init__.py")
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'path.zip')!r}); import theano; print(theano.function)"
    assert in_new_process("import warnings; warnings.simplefilter('error'); " + code).startswith("<function")


def test_another_thread_imports_what_is_below_meanwhile():
    code = """import sys, threading, time

class Another:
    def find_spec(name, path=None, target=None):
        if name == "theanojax":
            sys.meta_path.remove(Another)
            thread.start()
            time.sleep(0.2)

def work():
    import theano.tensor.nnet as nnet
    found.append(nnet)

found, thread = [], threading.Thread(target=work)
sys.meta_path.insert(0, Another)
import theano
thread.join()
print(found == [theano.tensor.nnet])"""
    assert in_new_process(code) == "True"


def test_theano_loaded_again():
    code = """import importlib, theano, theanojax
function, names = theano.function, set(dir(theano))
assert importlib.reload(theano) is theano and theano.function is function
import theano.tensor.nnet.nnet, theano.sandbox.rng_mrg as again
print(theanojax.__name__, theanojax.__spec__.name, theano.__version__, importlib.util.find_spec("theano").name)"""
    assert in_new_process(code) == "theanojax theanojax 1.0.5 theano"


def test_same_object_as_attribute_and_import():
    import theano.gof.graph
    import theanojax.gof.graph as ours

    assert theano.gof.graph is ours
    assert theano.gof.graph.Variable is theano.gof.Variable is theano.Variable is T.Variable


@pytest.mark.parametrize("path", ["sparse", "sandbox", "ifelse", "tensor.signal.pool", "sandbox.linalg", "gpuarray"])
def test_attributes_without_an_import(path):
    assert in_new_process(f"import theano; print(type(theano.{path}).__name__)") == "module"


def test_a_file_that_moved_is_one_module_whichever_path_comes_first():
    code = (
        "import theanojax.tensor.nlinalg as old, theanojax.tensor.linalg.nlinalg as new\n"
        "import theano.tensor.nlinalg as user\n"
        "print(old is new is user, new.Det.__module__)"
    )
    assert in_new_process(code) == "True theano.tensor.nlinalg"


def test_functions_named_like_their_module():
    code = (
        "import theano, theano.compile.function, theano.scan_module.scan, theano.tensor.sort, theano.compile.pfunc\n"
        "fs = theano.compile.function, theano.scan_module.scan, theano.tensor.sort, theano.compile.pfunc, theano.scan\n"
        "print([callable(f) for f in fs])"
    )
    assert in_new_process(code) == str([True] * 5)


def test_facades_are_ordinary_modules():
    import theano.tensor.basic as basic

    assert type(basic) is types.ModuleType
    basic.a_new_name = 3
    assert importlib.import_module("theanojax.tensor.basic").a_new_name == 3
    del basic.a_new_name
    assert not hasattr(basic, "a_new_name")
    assert "TensorConstant" in dir(basic)


def test_star_import_of_a_facade():
    names = {}
    exec("from theano.gof.graph import *", names)
    assert names["inputs"] is theano.gof.graph.inputs


@pytest.mark.parametrize("path", ["theano.gof", "theano.gof.opt", "theano.gof.optdb", "theano.gof.op"])
def test_all_names_of_a_module_are_not_those_of_its_type_hints(path):
    names = {}
    exec(f"from {path} import *", names)
    assert not {"Any", "TYPE_CHECKING", "TypeVar", "T", "K", "annotations"} & names.keys()


def test_modules_that_a_star_gives():
    """aesara-theano-fallback, in Theano-PyMC's words."""
    names = {}
    exec("from theano.graph import *", names)
    assert names["basic"].Apply is theano.Apply and names["op"].Op is theano.Op and names["opt"].local_optimizer


def test_an_op_that_passes_on_whether_to_use_c_code():
    class Double(theano.Op):
        def __init__(self, use_c_code=theano.config.cxx):
            super().__init__(use_c_code)

        def make_node(self, x):
            return theano.Apply(self, [T.as_tensor_variable(x)], [x.type()])

        def perform(self, node, inputs, outputs):
            outputs[0][0] = inputs[0] * 2

    x = T.dvector()
    assert theano.function([x], Double()(x))([1, 2]).tolist() == [2, 4]


def test_missing_names():
    with pytest.raises(AttributeError, match="module 'theanojax' has no attribute 'no_such_name'"):
        theano.no_such_name
    with pytest.raises(ImportError, match="cannot import name 'no_such_name'"):
        exec("from theano.gof import no_such_name")
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'theano.no_such_module'"):
        importlib.import_module("theano.no_such_module")


@pytest.mark.parametrize("path", ["theano.sandbox.cuda", "theano.sandbox.cuda.basic_ops", "theano.sandbox.cuda.dnn"])
@pytest.mark.parametrize("kind", [unittest.SkipTest, ImportError])
def test_old_gpu_back_end(path, kind):
    with pytest.raises(kind, match="theano.sandbox.cuda is the old GPU back-end, which Theano 1.0 removed"):
        importlib.import_module(path)


def test_asking_for_the_old_gpu():
    assert theano.sandbox.cuda.cuda_enabled is False and theano.sandbox.cuda.cuda_available is False
    with pytest.raises(RuntimeError, match=r"theano.sandbox.cuda.use\('gpu0'\)"):
        theano.sandbox.cuda.use("gpu0")


def test_gpuarray_says_no(monkeypatch):
    from theano.gpuarray import dnn, type

    monkeypatch.setattr("theanojax.devices._of_pickles", {})  # what tests before have unpickled
    assert not theano.gpuarray.pygpu_activated and not dnn.dnn_available() and not dnn.dnn_present()
    with pytest.raises(type.ContextNotDefined, match="context name None not defined"):
        type.get_context(None)
    with pytest.raises(RuntimeError, match="cuDNN is not available: pygpu is not installed"):
        dnn.dnn_conv(1, 2)
    with pytest.raises(RuntimeError, match=r"theano.gpuarray.use\('cuda'\): pygpu is not installed"):
        theano.gpuarray.use("cuda")


def test_config_is_one_object():
    from theano import configdefaults, configparser

    assert theano.config is configdefaults.config is configparser.config is T.config


def test_table_names_modules_that_exist():
    missing = {}
    for path, entry in paths.PATHS.items():
        for source in (*entry.sources, *(target.partition(":")[0] for target in entry.renamed.values())):
            name = source.partition(".*")[0]
            if name and name[0] != "=" and not importer._exists(name):
                missing.setdefault(name, []).append(path)
    assert not missing


def test_renamed_names_exist():
    for path, entry in paths.PATHS.items():
        for name in entry.renamed:
            assert getattr(importlib.import_module(f"theano.{path}"), name) is not None


def test_install_again():
    before = list(sys.meta_path)
    importer.install()
    assert sys.meta_path == before and sys.modules["theano"] is theano


# ---------------------------------------------------------------- where classes say that they are from
W = theano.shared(np.ones(3))
X = T.dvector("x")


@pytest.mark.parametrize(
    "made, module",
    [
        (X, "tensor.var"),
        (T.constant(1), "tensor.var"),
        (X.type, "tensor.type"),
        (W, "tensor.sharedvar"),
        (W.container, "gof.link"),
        (T.exp(X).owner, "gof.graph"),
        (X.tag, "gof.utils"),
        (T.exp(X).owner.op, "tensor.elemwise"),
        (X.sum().owner.op, "tensor.elemwise"),
        (X.mean(dtype="float64", keepdims=False, axis=0).owner.op, "tensor.elemwise"),
        (X[0].owner.op, "tensor.subtensor"),
        (T.dot(X, X).owner.op, "tensor.basic"),
        (T.alloc(1.0, 3).owner.op, "tensor.basic"),
        (X.shape.owner.op, "compile.ops"),
        (X.dimshuffle("x", 0).owner.op, "tensor.elemwise"),
        (T.nnet.softmax(T.dmatrix()).owner.op, "tensor.nnet.nnet"),
        (T.nnet.sigmoid(X).owner.op.scalar_op, "tensor.nnet.sigm"),
        (theano.scalar.add, "scalar.basic"),
        (theano.scan(lambda a: a * 2, X)[0].owner.op, "scan_module.scan_op"),
        (theano.gof.FunctionGraph([X], [X * 2]), "gof.fg"),
        (theano.gof.SeqOptimizer(), "gof.opt"),
        (theano.gof.TopoOptimizer(None), "gof.opt"),
        (theano.function([X], X), "compile.function_module"),
        (theano.function([X], X).maker, "compile.function_module"),
        (theano.compile.get_default_mode(), "compile.mode"),
        (theano.In(X), "compile.io"),
        (theano.generic, "gof.type"),
        (theano.OrderedUpdates(), "updates"),
        (theano.gof.MissingInputError(), "gof.fg"),
        (theano.gradient.DisconnectedInputError(), "gradient"),
        (theano.compile.UnusedInputError(), "compile.function_module"),
        (theano.sparse.csr_matrix("s"), "sparse.basic"),
        (theano.typed_list.TypedListType(T.dvector), "typed_list.type"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_classes_are_from_theano_s_modules(made, module):
    cls = type(made)
    assert cls.__module__ == "theano." + module
    assert repr(cls) == "<class 'theano.%s.%s'>" % (module, cls.__qualname__)
    assert getattr(importlib.import_module("theano." + module), cls.__name__) is cls
    assert "theano." + module in sys.modules


def test_every_class_is_found_where_it_says_it_is():
    """As pickle does, and programs that print where something is from."""
    for module in pkgutil.walk_packages(theanojax.__path__, "theanojax."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    classes = {
        cls
        for name, module in list(sys.modules.items())
        if name.startswith("theanojax")
        for cls in vars(module).values()
        if isinstance(cls, type) and cls.__module__.startswith("theano") and "." not in cls.__qualname__
    }
    assert len(classes) > 700
    lost = [cls for cls in classes if getattr(importlib.import_module(cls.__module__), cls.__name__, None) is not cls]
    assert not lost


def test_the_table_of_classes_names_what_exists():
    for row in paths.DEFINED.values():
        for ours in row.split():
            file, _, name = ours.partition(":")
            importlib.import_module("theanojax." + file)
            module = sys.modules["theanojax." + file]
            assert not name or isinstance(vars(module)[name], type), ours
    assert set(paths.DEFINED) <= {*paths.PATHS, "configparser", "ifelse", "updates"}


def test_an_error_reads_as_theano_s():
    code = "import theano, theano.tensor as T\ntheano.function([], T.dscalar('x'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "\ntheano.gof.fg.MissingInputError: " in done.stderr


def test_classes_of_users_stay_theirs():
    class Mine(theano.Op):
        pass

    assert Mine.__module__ == __name__


def test_pickle_by_reference_in_a_new_process():
    """With only the package of ours imported before, or nothing at all."""
    data = pickle.dumps([T.exp(X), W, theano.gof.Apply, theano.tensor.opt.MakeVector])
    for first in ("", "import theanojax; "):
        code = first + "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read())[0].type)"
        done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True)
        assert done.stdout.decode().strip() == "TensorType(float64, vector)", done.stderr
