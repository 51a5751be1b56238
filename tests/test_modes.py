"""Modes and linkers: by name, edited, pickled; and those that watch a function run."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import Mode, function, shared
from theano.compile import DebugMode, MonitorMode, get_default_mode, get_mode, mode as modes
from theano.compile.debugmode import (
    BadDestroyMap,
    BadOptimization,
    BadThunkOutput,
    BadViewMap,
    InvalidValueError,
    StochasticOrder,
)
from theano.compile.nanguardmode import NanGuardMode
from theano.gof import Apply, Op, OpWiseCLinker, PerformLinker, VM_Linker, WrapLinkerMany, local_optimizer, opt
from theano.gof.optdb import EquilibriumDB

x, y = T.dscalars("x", "y")
v = T.dvector("v")


# ---------------------------------------------------------------- names
@pytest.mark.parametrize(
    "mode",
    [
        None,
        "FAST_RUN",
        "FAST_COMPILE",
        "Mode",
        "DebugMode",
        "DEBUG_MODE",
        Mode("py", "fast_run"),
        Mode("vm", None),
        Mode("c|py", "fast_compile"),
        Mode("cvm_nogc", "o3"),
        Mode("cvm", "o2"),
        Mode("c", "unsafe"),
        Mode("py", "merge"),
        Mode("cvm", "stabilize"),
        Mode(PerformLinker(), "fast_run"),
    ],
)
def test_every_mode_computes_the_same(mode):
    f = function([v], T.exp(v) * 2 + v.sum(), mode=mode)
    np.testing.assert_allclose(f([1.0, 2.0]), np.exp([1.0, 2.0]) * 2 + 3)


def test_edited_modes():
    mode = get_default_mode().excluding("fusion", "inplace").including("no_such_rewrite")
    assert function([v], v * 2 + 1, mode=mode)([1.0]) == [3]
    assert "fusion" in mode.provided_optimizer.exclude and "no_such_rewrite" in mode.provided_optimizer.include
    assert "stable" in get_mode("FAST_RUN").requiring("stable").provided_optimizer.require
    assert get_mode(mode) is mode and get_default_mode() is get_default_mode()


def test_flags_choose_the_default_mode():
    with theano.change_flags(mode="FAST_COMPILE"):
        assert get_default_mode() is modes.FAST_COMPILE
    with theano.change_flags(mode="Mode", linker="py", optimizer="fast_compile"):
        assert isinstance(get_default_mode().linker, PerformLinker)
    assert not isinstance(get_default_mode().linker, PerformLinker)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (
            lambda: function([x], x, mode="NO_SUCH_MODE"),
            Exception,
            "^No predefined mode exist for string: NO_SUCH_MODE$",
        ),
        (lambda: modes.register_mode("FAST_RUN", None), ValueError, "Mode name already taken: FAST_RUN"),
        (lambda: modes.register_linker("py", None), ValueError, "Linker name already taken: py"),
        (lambda: modes.register_optimizer("merge", None), ValueError, "Optimizer name already taken: merge"),
        (lambda: Mode("no_such_linker"), KeyError, "no_such_linker"),
        (lambda: Mode("py", "no_such_optimizer"), KeyError, "no_such_optimizer"),
        (lambda: function([x], x, mode=Mode(3)), ValueError, "should be a Linker with an accept method"),
        (lambda: DebugMode(check_c_code=False, check_py_code=False), ValueError, "at least one of c and py"),
        (lambda: DebugMode(linker=3), Exception, "DebugMode can only use its own linker"),
        (lambda: MonitorMode(linker=PerformLinker()), Exception, "MonitorMode can only use its own linker"),
        (lambda: NanGuardMode(False, False, False), AssertionError, "nothing to look for"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_registered_names():
    modes.register_mode("test_mode_of_mine", Mode("py", "merge"))
    try:
        assert function([x], x * 2, mode="test_mode_of_mine")(1) == 2
    finally:
        del modes.predefined_modes["test_mode_of_mine"]


# ---------------------------------------------------------------- linkers
def test_monitor_mode():
    log = []
    mode = MonitorMode(
        pre_func=lambda i, node, fn: log.append(("pre", i, str(node.op))),
        post_func=lambda i, node, fn: log.append(("post", i, [c[0].tolist() for c in fn.outputs])),
        optimizer=None,
    )
    assert function([x], T.exp(x) * 2, mode=mode)(0.0) == 2
    assert [row[:2] for row in log] == [("pre", 0), ("post", 0), ("pre", 1), ("post", 1), ("pre", 2), ("post", 2)] or (
        [row[:2] for row in log] == [("pre", 0), ("post", 0), ("pre", 1), ("post", 1)]
    )
    assert log[-1][2] == [2.0]


@pytest.mark.parametrize("watch", ["MonitorMode", "callback"])
def test_who_watches_nodes_sees_those_of_theano(watch):
    seen, w = [], shared(np.ones(3), "w")
    if watch == "callback":
        mode = Mode(VM_Linker(callback=lambda node, thunk, storage_map, compute_map: seen.append(str(node.op))))
    else:
        mode = MonitorMode(post_func=lambda i, node, fn: seen.append(str(node.op)))
    f = function([v], T.dot(v, v), updates=[(w, T.exp(w) * 2 + v)], mode=mode)
    assert f(np.ones(3)) == 3
    assert sorted(seen) == sorted(str(node.op) for node in f.maker.fgraph.apply_nodes)
    assert "Elemwise{Composite{((i0 * exp(i1)) + i2)}}[(0, 1)]" in seen
    np.testing.assert_allclose(w.get_value(), np.exp(np.ones(3)) * 2 + 1)
    w.set_value(np.zeros(3))
    with pytest.raises(ValueError, match=r"Composite{\(\(i0 \* exp\(i1\)\) \+ i2\)}}\[\(0, 1\)\]"):
        f(np.ones(2))
    assert w.get_value().tolist() == [0, 0, 0]  # what Theano has overwritten by then


def test_nan_guard_does_not_look_inside_of_what_theano_fuses():
    f = function([v], T.exp(T.log(v)), mode=NanGuardMode(True, True, True))
    assert f(np.zeros(2)).tolist() == [0, 0]
    with pytest.raises(AssertionError, match=r"Elemwise{Composite{\(log\(i0\) \* i0\)}} \[id A\]"):
        function([v], T.log(v) * v, mode=NanGuardMode(True, True, True))(np.zeros(2))


def test_mode_of_ones_own_with_wrap_linker():
    seen = []

    def watch(i, node, fn):
        fn()
        seen.append((fn.inputs[0][0].tolist(), fn.outputs[0][0].tolist()))

    class Watching(Mode):
        def __init__(self):
            super().__init__(WrapLinkerMany([OpWiseCLinker()], [watch]), optimizer="fast_compile")

    s = shared(1.0)
    f = function([x], x + s, mode=Watching(), updates=[(s, s * 2)])
    assert [f(1.0), f(1.0), s.get_value()] == [2, 3, 4]
    assert (1.0, 2.0) in seen and len(seen) == 4


def test_linker_as_a_function():
    from theano.gof import FunctionGraph

    fgraph = FunctionGraph([x, y], [x + y])
    f = PerformLinker().accept(fgraph).make_function()
    assert f(1.0, 2.0) == 3
    with pytest.raises(TypeError, match="takes exactly 2 arguments"):
        f(1.0)


def test_dual_linker():
    assert function([x], T.exp(x), mode=Mode(theano.DualLinker(), None))(0.0) == 1


# ---------------------------------------------------------------- NanGuardMode
@pytest.mark.parametrize(
    "value, flags, message",
    [
        (
            [-1.0],
            dict(nan_is_error=True, inf_is_error=False),
            "NaN detected\nNanGuardMode found an error in the output of",
        ),
        (
            [0.0],
            dict(nan_is_error=False, inf_is_error=True),
            "Inf detected\nBig value detected\nNanGuardMode found an error in the output of",
        ),
        ([1e20], dict(big_is_error=True), "Big value detected\nNanGuardMode found an error in an input of the graph"),
        ([np.nan], dict(nan_is_error=True), "NaN detected\nNanGuardMode found an error in an input of the graph"),
    ],
)
def test_nan_guard_mode_finds(value, flags, message):
    f = function([v], T.log(v), mode=NanGuardMode(**flags))
    with pytest.raises(AssertionError, match=message):
        f(value)


def test_nan_guard_mode_lets_pass():
    f = function([v], T.log(v), mode=NanGuardMode(True, True, True))
    assert f([1.0]) == [0]
    assert np.isneginf(function([v], T.log(v), mode=NanGuardMode(True, False, False))([0.0]))[0]
    out = T.log(v)
    out.tag.nan_guard_mode_check = False
    assert np.isnan(function([v], out, mode=NanGuardMode(True, False, False, optimizer=None))([-1.0]))
    mode = NanGuardMode(True, False, False).including("inplace")
    assert mode.nan_is_error and not mode.inf_is_error


# ---------------------------------------------------------------- DebugMode
class OneInput(Op):
    __props__ = ()

    def make_node(self, a):
        return Apply(self, [T.as_tensor_variable(a)], [a.type()])


class WrongOnXla(OneInput):
    def compute(self, xp, node, a):
        return a + 1

    def lower_xla(self, ctx, node, a):
        return a + 2

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = inputs[0] + 1


class Overwrites(OneInput):
    def perform(self, node, inputs, outputs):
        inputs[0][...] = 0
        outputs[0][0] = inputs[0].copy()


class ReturnsItsInput(OneInput):
    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0]


class ReturnsOtherDtype(OneInput):
    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0].astype("float32")


class BelievesOutputMemory(OneInput):
    def perform(self, node, inputs, outputs):
        if outputs[0][0] is None:
            outputs[0][0] = np.zeros_like(inputs[0])
        outputs[0][0][...] += inputs[0]


@pytest.mark.parametrize(
    "op, error",
    [
        (WrongOnXla(), BadThunkOutput),
        (Overwrites(), BadDestroyMap),
        (ReturnsItsInput(), BadViewMap),
        (ReturnsOtherDtype(), InvalidValueError),
        (BelievesOutputMemory(), BadThunkOutput),
    ],
)
def test_debug_mode_finds_bad_ops(op, error):
    mode = DebugMode(check_c_code=True, check_preallocated_output=["c_contiguous"], stability_patience=2)
    f = function([v], op(v), mode=mode)
    with pytest.raises(error) as e:
        f([1.0, 2.0])
    assert type(op).__name__ in str(e.value)


def test_debug_mode_allows_what_is_declared():
    class Honest(Overwrites):
        destroy_map = {0: [0]}

    class View(ReturnsItsInput):
        view_map = {0: [0]}

    assert function([v], View()(v) * 1, mode="DebugMode")([1.0]) == [1]
    f = function([theano.In(v, mutable=True)], Honest()(v), mode=DebugMode(stability_patience=1), accept_inplace=True)
    assert f([1.0]) == [0]


def test_debug_mode_warns_of_memory_that_is_not_reused(caplog):
    class DoesNotDestroy(OneInput):
        destroy_map = {0: [0]}

        def perform(self, node, inputs, outputs):
            outputs[0][0] = inputs[0] * 2

    class IsNoView(DoesNotDestroy):
        destroy_map = {}
        view_map = {0: [0]}

    w = shared(np.ones(3))

    def told(out, **options):
        caplog.clear()
        function([theano.In(v, mutable=True)], out, mode="DebugMode", accept_inplace=True, **options)([1.0, 2.0])
        return [r.getMessage().partition(": ")[2] for r in caplog.records if r.name == "theano.compile.debugmode"]

    assert told(DoesNotDestroy()(v)) == [
        "input idx 0 marked as destroyed was not changed for node '%s'" % DoesNotDestroy()(v).owner
    ]
    assert told(IsNoView()(v)) == [
        "input idx 0 marked as viewed but new memory allocated by node '%s'" % IsNoView()(v).owner
    ]
    with theano.config.change_flags({"DebugMode.warn_input_not_reused": False}):
        assert told(IsNoView()(v)) == []
    # Theano's own Ops declare more than what happens
    assert told(v[::-1], updates=[(w, T.set_subtensor(w[1:], v))]) == []


def test_debug_mode_varies_the_strides_of_output_memory():
    seen = []

    class Looks(OneInput):
        def perform(self, node, inputs, outputs):
            if outputs[0][0] is not None:
                seen.append(outputs[0][0])
            outputs[0][0] = np.asarray(inputs[0] + 1)

    def kinds(x, kind, ndim):
        seen.clear()
        mode = DebugMode(check_preallocated_output=[kind], stability_patience=1, check_c_code=False)
        with theano.config.change_flags({"DebugMode.check_preallocated_output_ndim": ndim}):
            a = T.TensorType("float64", [False] * x.ndim)()
            function([a], Looks()(a), mode=mode)(x)
        return seen

    x = np.ones((2, 3, 4))
    # one sign for the first dimensions, each sign for the last, and steps of one and two
    found = {tuple(s // 8 for s in a.strides) for a in kinds(x, "strided", 1)}
    assert found == {(a * 12, a * 4, b) for a in (1, -1) for b in (1, -1)} | {
        (a * 24, a * 8, b) for a in (1, -1) for b in (2, -2)
    }
    assert len(kinds(x, "strided", 2)) == 16 and len(kinds(x, "strided", 4)) == 16
    assert all(a.shape == x.shape for a in seen)
    assert len(kinds(np.ones((1, 3)), "strided", 4)) == 4
    shapes = [a.shape for a in kinds(np.ones((2, 1, 4)), "wrong_size", 4)]
    assert shapes == [(1, 1, 4), (3, 1, 4), (2, 1, 3), (2, 1, 5)]
    assert [a.flags.f_contiguous for a in kinds(np.ones((2, 3)), "f_contiguous", 4)] == [True]
    assert len(kinds(np.ones(()), "ALL", 4)) == 5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_debug_mode_finds_non_finite_values(value):
    f = function([v], v * 1, mode=DebugMode(check_isfinite=True))
    with pytest.raises(InvalidValueError):
        f([value])
    np.testing.assert_equal(function([v], v + 1, mode=DebugMode(check_isfinite=False))([value]), [value])


def rewriting(rewrite):
    db = EquilibriumDB()
    db.register("the_rewrite", rewrite, "all")
    return db.query("+all")


def test_debug_mode_finds_a_bad_rewrite():
    @local_optimizer([T.add])
    def add_to_mul(node):
        return [node.inputs[0] * node.inputs[1]] if node.op == T.add else False

    f = function([x, y], x + y, mode=DebugMode(optimizer=rewriting(add_to_mul), check_c_code=False))
    assert f(2.0, 2.0) == 4
    with pytest.raises(BadOptimization) as e:
        f(2.0, 3.0)
    assert str(e.value.reason) == "add_to_mul" and (e.value.old_r_val, e.value.new_r_val) == (5, 6)
    assert "add_to_mul" in str(e.value) and "Elemwise{add" in str(e.value)


def test_debug_mode_finds_unstable_rewriting():
    calls = []

    @local_optimizer([T.add])
    def sometimes(node):
        if node.op != T.add or len(calls) > 2:
            return False
        calls.append(node)
        return [T.sub(node.inputs[0], -node.inputs[1])]

    with pytest.raises(StochasticOrder):
        function([x, y], x + y + x, mode=DebugMode(optimizer=rewriting(sometimes), check_c_code=False))


def test_debug_mode_with_updates_and_randomness():
    s = shared(np.zeros(2))
    f = function([v], v + s, updates=[(s, s + v)], mode="DebugMode")
    assert f([1.0, 2.0]).tolist() == [1, 2] and f([0.0, 0.0]).tolist() == [1, 2]
    streams = T.shared_randomstreams.RandomStreams(3)
    draws = function([], streams.uniform((2,)), mode="DebugMode")
    other = function([], T.shared_randomstreams.RandomStreams(3).uniform((2,)))
    np.testing.assert_array_equal(draws(), other())


def test_optimizer_object_as_optimizer():
    class Nothing(opt.Optimizer):
        def apply(self, fgraph):
            self.seen = fgraph

    nothing = Nothing()
    f = function([x], x + 1, mode=Mode("py", nothing))
    assert f(1) == 2 and nothing.seen is f.maker.fgraph
