"""The helpers that programs import from theano.compat, theano.misc, theano.gof and theano.tests."""

import copy
import importlib
import io
import multiprocessing
import os
import pickle
import shutil
import warnings
import zipfile

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compat import DefaultOrderedDict
from theano.gof import compilelock, sched, utils
from theano.misc import pkl_utils
from theano.misc.frozendict import FrozenOrderedDict, frozendict
from theano.misc.may_share_memory import may_share_memory
from theano.misc.ordered_set import Link, OrderedSet
from theano.misc.strutil import render_string
from theano.tests import unittest_tools
from theano.tests.breakpoint import PdbBreakpoint
from theano.tests.record import Record, RecordMode


def test_default_ordered_dict():
    d = DefaultOrderedDict(list, [("b", [1])])
    d["a"].append(2)
    assert list(d.items()) == [("b", [1]), ("a", [2])]
    for other in (copy.copy(d), pickle.loads(pickle.dumps(d))):
        assert other == d and other.default_factory is list
    with pytest.raises(TypeError, match="first argument must be callable"):
        DefaultOrderedDict(3)
    with pytest.raises(KeyError):
        DefaultOrderedDict()["a"]


def test_compat_functions():
    from theano import compat

    assert compat.cmp(1, 2) == -1 and compat.b("\xe9") == b"\xe9" and compat.decode_with(b"\xe9", "latin-1") == "\xe9"
    assert compat.exc_message(ValueError(KeyError("inner"))) == "inner"
    assert list(compat.decode_iter([b"a"])) == ["a"] and list(compat.izip([1], [2])) == [(1, 2)]


def test_ordered_set():
    s = OrderedSet([3, 1, 3, 2])
    t = s.union(OrderedSet([5]))
    t.intersection_update(OrderedSet([5, 3, 1]))
    t.difference_update([1])
    assert list(t) == [3, 5]
    assert list(s) == [3, 1, 2] and list(s.union([9])) == [3, 1, 2, 9] and s.pop() == 2 and s.pop(last=False) == 3
    with pytest.raises(TypeError, match="a set has no order"):
        OrderedSet({1})
    with pytest.raises(TypeError, match="cannot be made symmetric"):
        assert s == {1}
    with pytest.raises(KeyError, match="set is empty"):
        OrderedSet().pop()


def test_ordered_set_that_theano_pickled():
    """There it was a ring of links, of which each knows its neighbours."""
    root, first, second = Link(), Link(), Link()
    root.__setstate__([second, first])
    first.__setstate__([root, second, "a"])
    second.__setstate__([first, root, "b"])
    s = OrderedSet.__new__(OrderedSet)
    s.__setstate__({"_OrderedSet__root": root, "_OrderedSet__map": {"b": second, "a": first}})
    assert list(s) == ["a", "b"]
    assert list(pickle.loads(pickle.dumps(s))) == ["a", "b"]


@pytest.mark.parametrize("kind", [frozendict, FrozenOrderedDict])
def test_frozendict(kind):
    d = kind(a=1)
    assert d["a"] == 1 and {d: 2}[kind(a=1)] == 2 and d.copy(b=2)["b"] == 2 and "a" in d
    with pytest.raises(TypeError):
        d["a"] = 2


def test_may_share_memory():
    a = np.zeros(4)
    assert may_share_memory(a, a[1:]) and not may_share_memory(a, a.copy()) and not may_share_memory(a, 1, False)
    with pytest.raises(TypeError, match="may_share_memory support only ndarray"):
        may_share_memory(a, 1)


def test_render_string():
    assert render_string("%(a)s-%(b)d", {"a": 1, "b": 2}) == "1-2"
    with pytest.raises(KeyError, match="'b' is not among"):
        render_string("%(b)s", {"a": 1})
    with pytest.raises(ValueError, match="in the template:"):
        render_string("%(a)", {"a": 1})


# ---- theano.gof


def test_gof_utils():
    assert utils.uniq([1, 2, 1]) == [1, 2] and utils.difference([1, 2], [2]) == [1] and not utils.unique([1, 1])
    assert utils.flatten([1, (2, [3])]) == [1, 2, 3] and utils.hist("aab") == {"a": 2, "b": 1}
    assert utils.to_return_values([1]) == 1 and utils.from_return_values(1) == [1]
    assert utils.hash_from_code("x") == utils.hash_from_code(b"x") and utils.hash_from_code("x")[0] == "m"
    assert bool(utils.ABORT) is False and str(utils.FALL_THROUGH) == "<FALL_THROUGH>"
    assert utils.simple_extract_stack(limit=1)[0][2] == "test_gof_utils"
    assert "test_legacy_modules.py" in utils.get_variable_trace_string(T.dscalar() + 1)


@theano.change_flags(cxx="")
def test_cmodule_answers_as_without_a_compiler(tmp_path):
    from theano.gof import cmodule
    from theano.gof.cc import get_module_cache

    assert cmodule.get_lib_extension() in ("so", "pyd") and cmodule.gcc_version() == "" and not cmodule.gcc_llvm()
    assert cmodule.GCC_compiler.try_flags(["-O3"]) is False and cmodule.try_march_flag(["-m64"]) == (False, False)
    assert any(os.path.exists(os.path.join(d, "numpy", "arrayobject.h")) for d in cmodule.std_include_dirs())
    assert cmodule.std_lib_dirs_and_libs() == (cmodule.std_libs(), cmodule.std_lib_dirs())
    for compiles in (
        lambda: cmodule.GCC_compiler.compile_str("m", "int x;"),
        cmodule.DynamicModule,
        lambda: get_module_cache().module_from_key("key"),
    ):
        with pytest.raises(cmodule.MissingGXX, match=r"g\+\+ not available! We can't compile c code"):
            compiles()
    assert get_module_cache().dirname == theano.config.compiledir
    old = tmp_path / "xla_1" / "a-cache"
    old.parent.mkdir()
    old.touch()
    os.utime(old, (1, 1))
    cache = cmodule.get_module_cache(str(tmp_path))
    assert cmodule.get_module_cache(str(tmp_path)) is cache and cache.refresh() == []
    (tmp_path / "xla_1" / "b-cache").touch()
    cache.clear_old()
    assert [f.name for f in old.parent.iterdir()] == ["b-cache"]
    cache.clear()
    assert not list(old.parent.iterdir())


def test_a_compiled_module_can_be_imported(tmp_path):
    import _json

    from theano.gof import cmodule

    path = tmp_path / ("_json." + cmodule.get_lib_extension())
    shutil.copy(getattr(_json, "__file__", None) or pytest.skip("_json is built in"), path)
    assert cmodule.dlimport(str(path)).encode_basestring_ascii("a") == '"a"'
    assert cmodule.module_name_from_dir(str(tmp_path)) == str(path)
    assert cmodule.module_name_from_dir(str(tmp_path), err=False, files=[]) is None
    with pytest.raises(ValueError, match="0 compiled modules in"):
        cmodule.module_name_from_dir(str(tmp_path), files=[])
    assert cmodule.is_same_entry(str(path), str(path))


def test_toposort():
    assert utils.toposort({1: {2, 3}, 2: {3}, 3: ()}) == [3, 2, 1]
    with pytest.raises(Exception, match="there might be cycles"):
        utils.toposort({1: {2}, 2: {1}})


def test_posort():
    by_parity = sched.key_to_cmp(lambda n: n % 2)
    assert sched.posort([3, 2, 1, 4], by_parity, sched.key_to_cmp(lambda n: n)) == [2, 4, 1, 3]
    assert sched.reverse_dict({"a": [1, 2], "b": [2]}) == {1: ("a",), 2: ("a", "b")}


def test_memoize_and_deprecated():
    calls = []

    @utils.memoize
    def f(x):
        calls.append(x)

    f(1), f(1)
    assert calls == [1]

    @utils.deprecated("module", "use g")
    def old():
        return 1

    with pytest.warns(UserWarning, match="deprecated: module.old: use g"):
        old()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert old() == 1


def test_guards():
    @utils.comm_guard(int, str)
    def join(number, text):
        return text * number

    assert join(2, "a") == join("a", 2) == "aa"
    with pytest.raises(TypeError, match="join: no implementation for"):
        join(1.0, 2.0)

    @utils.type_guard(utils.ANY_TYPE)
    def name(value):
        return utils.FALL_THROUGH

    with pytest.raises(TypeError, match="name: no implementation for"):
        name(1)


def test_meta_object():
    class Point(metaclass=utils.MetaObject):
        __props__ = ("x",)

        def __init__(self, x):
            self.x = x

    assert Point(1) == Point(1) != Point(2) and len({Point(1), Point(1)}) == 1 and str(Point(1)) == "Point{x=1}"
    with pytest.raises(TypeError, match="__props__ has to be a tuple"):

        class Wrong(metaclass=utils.MetaObject):
            __props__ = "x"


def test_lock(tmp_path):
    folder = str(tmp_path)
    path = os.path.join(folder, "lock_file")
    compilelock.get_lock(lock_dir=folder)
    with compilelock.lock_ctx(lock_dir=folder):
        assert os.path.exists(path)
    assert os.path.exists(path)
    compilelock.release_lock(folder)
    assert not os.path.exists(path)


def _hold(folder, started, done):
    compilelock.get_lock(lock_dir=folder)
    started.set()
    done.wait()
    compilelock.release_lock(folder)


def test_lock_waits_for_another_process(tmp_path):
    context = multiprocessing.get_context("spawn")
    started, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), started, done))
    process.start()
    started.wait(60)
    with open(tmp_path / "lock_file") as file:
        assert file.read().split("@")[0] == str(process.pid)
    done.set()
    compilelock.get_lock(lock_dir=str(tmp_path), min_wait=0.01)
    compilelock.release_lock(str(tmp_path))
    process.join()


def test_lock_left_behind(tmp_path):
    (tmp_path / "lock_file").write_text(f"999999999@{compilelock.hostname}")
    compilelock.get_lock(lock_dir=str(tmp_path), min_wait=0.01)
    compilelock.release_lock(str(tmp_path))


def test_what_the_name_of_the_compiledir_is_made_of():
    from theano import configdefaults

    assert configdefaults.compiledir_format_keys.startswith("device, gxx_version, hostname")
    assert configdefaults.compiledir_format_dict["device"] == theano.config.device
    assert isinstance(configdefaults.gcc_version_str, str)


# ---- what modules had imported


def test_names_that_modules_of_theano_had_imported():
    from theano.gof.opt import OrderedSet as same, iteritems, izip, string_types
    from theano.tensor import elemwise

    assert same is OrderedSet and izip is zip and string_types == (str,) and list(iteritems({1: 2})) == [(1, 2)]
    assert elemwise.gof is theano.gof and elemwise.ParamsType is theano.gof.params_type.ParamsType
    assert "izip" not in dir(elemwise)
    for package in (theano.tensor, theano.gof, theano.compile):
        assert not hasattr(package, "izip")


# ---- theano.misc.pkl_utils


def test_reduce_with_texts_of_python_2():
    class Unpickler:
        encoding = "latin1"
        stack = [bytes.upper, ("ab",)]

    pkl_utils.load_reduce(Unpickler)
    assert Unpickler.stack == [b"AB"]
    Unpickler.stack = [int, ("no number",)]
    with pytest.raises(ValueError, match="invalid literal"):
        pkl_utils.load_reduce(Unpickler)


def dumped(*objects, **options):
    file = io.BytesIO()
    pkl_utils.dump(objects, file, **options)
    file.seek(0)
    return file


def test_dump_and_load():
    w, same_name, unnamed = theano.shared(np.arange(3.0), name="w"), theano.shared(np.ones(2), "w"), theano.shared(1)
    file = dumped(w, same_name, unnamed, T.exp(w))
    with np.load(file, allow_pickle=True) as arrays:
        assert arrays["w"].tolist() == [0, 1, 2] and arrays["w_2"].tolist() == [1, 1]
    w2, _, unnamed2, expression = pkl_utils.load(file)
    assert w2.get_value().tolist() == [0, 1, 2] and unnamed2.get_value() == 1
    assert expression.owner.inputs[0] is w2
    np.testing.assert_allclose(expression.eval(), np.exp([0, 1, 2]))


def test_dump_checks_names():
    strict = lambda zip_file: pkl_utils.PersistentSharedVariableID(zip_file, False, False)
    with pytest.raises(ValueError, match="has no name"):
        dumped(theano.shared(np.ones(2)), persistent_id=strict)
    with pytest.raises(ValueError, match="more than one shared variable called w"):
        dumped(theano.shared(np.ones(2), "w"), theano.shared(np.zeros(2), "w"), persistent_id=strict)
    with pytest.raises(ValueError, match="No shared variable may be called `pkl`"):
        dumped(theano.shared(np.ones(2), "pkl"))


def test_strip_pickler():
    x = T.dvector("x")
    x.tag.test_value = np.zeros(2)
    file = io.BytesIO()
    pkl_utils.StripPickler(file, protocol=2).dump(x + 1)
    y = pkl_utils.CompatUnpickler(io.BytesIO(file.getvalue())).load()
    with pytest.raises(zipfile.BadZipFile) as info:
        pkl_utils.load(file)
    assert "CompatUnpickler(file).load()" in info.value.__notes__[0]
    assert not hasattr(y.tag, "trace") and not hasattr(y.owner.inputs[0].tag, "test_value")


# ---- theano.tests


def test_seeds():
    assert unittest_tools.fetch_seed() == 666 and unittest_tools.fetch_seed(3) == 3
    with theano.change_flags({"unittests.rseed": "random"}):
        assert unittest_tools.fetch_seed() is None
    assert unittest_tools.seed_rng() == 666


def test_assert_allclose():
    unittest_tools.assert_allclose(np.ones(2), np.ones(2) + 1e-12)
    with pytest.raises(unittest_tools.WrongValue, match="absolute difference: max 1.0") as info:
        unittest_tools.assert_allclose(np.ones(2), np.zeros(2))
    assert str(info.value).startswith("WrongValue\n")


def test_verify_grad():
    unittest_tools.verify_grad(T.sqr, [np.array([1.0, 2.0])])


def test_attempt_many_times():
    calls = []

    @unittest_tools.AttemptManyTimes(n_attempts=3, n_req_successes=2)
    def sometimes(fails):
        calls.append(theano.config.unittests.rseed)
        assert len(calls) not in fails
        return "done"

    assert sometimes([1]) == "done" and calls == ["666", "667", "668"]
    calls.clear()
    with pytest.raises(AssertionError):
        sometimes([1, 2])
    assert theano.config.unittests.rseed == "666"
    with pytest.raises(ValueError, match="3 successes are more than 2 attempts"):
        unittest_tools.AttemptManyTimes(2, 3)


class TestInferShape(unittest_tools.InferShapeTester):
    def test_cumsum(self):
        x = T.dmatrix()
        self._compile_and_check([x], [T.extra_ops.cumsum(x, 0)], [np.ones((2, 3))], T.extra_ops.CumOp)


def test_record():
    file = io.StringIO()
    x = T.dvector()
    theano.function([x], x + 1, mode=RecordMode(file_object=file))([1.0])
    text = file.getvalue()
    assert text.startswith("inputs of ")
    replay = RecordMode(file_object=io.StringIO(text), replay=True)
    f = theano.function([x], x + 1, mode=replay)
    f([1.0])
    from theanojax.legacy.testing import MismatchError

    replay = RecordMode(file_object=io.StringIO(text), replay=True)
    with pytest.raises(MismatchError, match="Replay detected mismatch"):
        theano.function([x], x + 1, mode=replay)([2.0])
    with pytest.raises(ValueError, match="not a line"):
        Record().handle_line("no end")


def test_breakpoint(monkeypatch, capsys):
    stops = []
    monkeypatch.setattr("pdb.set_trace", lambda: stops.append(1))
    x = T.dvector()
    y = PdbBreakpoint("big")(T.gt(x.sum(), 1), x)
    f = theano.function([x], [y * 2, T.grad(y.sum(), x)])
    assert f([0.0, 1.0])[0].tolist() == [0, 2] and not stops
    value, gradient = f([1.0, 1.0])
    assert value.tolist() == [2, 2] and gradient.tolist() == [1, 1] and stops == [1]
    assert "-- Conditional breakpoint 'big' activated --" in capsys.readouterr().out


# ---- what Theano had dropped


def test_max_pool_2d():
    from theano.tensor.signal.downsample import max_pool_2d

    x = T.dmatrix()
    value = np.arange(16.0).reshape(4, 4)
    assert max_pool_2d(x, (2, 2), ignore_border=True).eval({x: value}).tolist() == [[5, 7], [13, 15]]
    with pytest.warns(UserWarning, match="ignore_border False by default"):
        assert max_pool_2d(x, (3, 3)).eval({x: value}).shape == (2, 2)


def test_conv3D():
    from theano.tensor.nnet.Conv3D import conv3D

    rng = np.random.RandomState(0)
    V, W, b = rng.rand(1, 4, 5, 6, 2), rng.rand(3, 2, 2, 2, 2), rng.rand(3)
    out = conv3D(T.constant(V), T.constant(W), T.constant(b), (1, 2, 1)).eval()
    assert out.shape == (1, 3, 2, 5, 3)
    np.testing.assert_allclose(out[0, 1, 1, 2, 0], (V[0, 1:3, 2:4, 2:4] * W[0]).sum() + b[0])


@pytest.mark.parametrize(
    "path, name",
    [
        ("gradient_types", "DisconnectedType"),
        ("loop.replace", "clone"),
        ("graph.rewrite_db", "Query"),
        ("rewrites.scan_merge", "ScanMerge"),
        ("printing_debug", "debugprint"),
        ("gradient_backprop", "input_terms"),
        ("compile.debug_run", "DebugExecutor"),
        ("tensor.dot", "Dot"),
        ("tensor.random_mrg", "mrg_uniform"),
        ("tensor.windows", "Window"),
    ],
)
def test_what_earlier_versions_pickled_is_found(path, name):
    assert getattr(importlib.import_module("theanojax." + path), name)


def test_star_of_theano_graph_has_its_modules():
    names = {}
    exec("from theano.graph import *", names)
    assert names["params_type"].ParamsType.__name__ == "ParamsType"
    assert {"basic", "fg", "op", "opt", "params_type", "toolbox", "type", "utils"} <= names.keys()
