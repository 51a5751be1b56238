"""`import theano`: one module object under both names, and every path that Theano had."""

import importlib
import subprocess
import sys
import types
import unittest

import pytest
import theano
import theano.tensor as T

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
theano.ifelse ifelse
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
    if not path.startswith(("theano.compat.six", "theano.config")):
        assert module is importlib.import_module(path.replace("theano", "theanojax", 1))


def in_new_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("order", ["theano, theanojax", "theanojax, theano"])
def test_one_module_whichever_comes_first(order):
    code = f"import {order}; import theano.tensor as T, theanojax.tensor as T2; print(theano is theanojax, T is T2)"
    assert in_new_process(code) == "True True"


def test_same_object_as_attribute_and_import():
    import theano.gof.graph
    import theanojax.gof.graph as ours

    assert theano.gof.graph is ours
    assert theano.gof.graph.Variable is theano.gof.Variable is theano.Variable is T.Variable


@pytest.mark.parametrize("path", ["sparse", "sandbox", "ifelse", "tensor.signal.pool", "sandbox.linalg", "gpuarray"])
def test_attributes_without_an_import(path):
    assert in_new_process(f"import theano; print(type(theano.{path}).__name__)") == "module"


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


def test_gpuarray_says_no():
    from theano.gpuarray import dnn, type

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
    assert sys.meta_path == before and sys.modules["theano"] is theanojax
