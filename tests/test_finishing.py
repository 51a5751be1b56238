"""The graphs of compiled functions as programs look at them: Theano's BLAS, fused and in-place nodes."""

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import gof
from theano.compile.mode import get_default_mode, optdb
from theano.printing import debugprint
from theano.tensor import blas, blas_c, blas_scipy, opt
from theanojax.runtime.host import run_graph

FAST = theano.compile.mode.FAST_RUN


def nodes(f):
    return [str(node.op) for node in f.maker.fgraph.toposort()]


def executed(f):
    return [str(node.op) for node in f.maker.executed_fgraph.toposort()]


def weights(*shape):
    return theano.shared(np.ones(shape), "W")


def _update():
    x, y, W = T.dmatrix(), T.dmatrix(), weights(2, 2)
    return theano.function([x, y], [], updates=[(W, W - 0.1 * T.dot(x, y))], mode=FAST)


def _function(inputs, outputs, mode=FAST):
    return theano.function(inputs, outputs, mode=mode)


x, y, z = T.dmatrices("x", "y", "z")
u, v = T.dvectors("u", "v")
a = T.dscalar("a")

# What Theano 1.0.5 lists, from the inputs to the outputs.
TABLE = {
    "dot22": (lambda: _function([x, y], T.dot(x, y)), ["Dot22"]),
    "dot22scalar": (lambda: _function([x, y], 3 * T.dot(x, y)), ["Dot22Scalar"]),
    "gemm of an input": (lambda: _function([x, y, z], z + T.dot(x, y)), ["Gemm{no_inplace}"]),
    "gemm in place": (_update, ["Gemm{inplace}"]),
    "ger": (lambda: _function([x, u, v], x + T.outer(u, v)), ["CGer{non-destructive}"]),
    "gemv": (lambda: _function([x, u, v, a], a * T.dot(x, u) + v), ["CGemv{no_inplace}"]),
    "gemv of nothing": (
        lambda: _function([x, u], T.dot(x, u)),
        ["Shape_i{0}", "AllocEmpty{dtype='float64'}", "CGemv{inplace}"],
    ),
    "fused": (lambda: _function([u, v], T.exp(u) * v + 1), ["Elemwise{Composite{(i0 + (exp(i1) * i2))}}"]),
    "fused in place": (
        lambda: _function([x, y], T.tanh(T.dot(x, y) * x)),
        ["Dot22", "Elemwise{Composite{tanh((i0 * i1))}}[(0, 0)]"],
    ),
    "not written in C": (
        lambda: _function([u], T.erfinv(u * 2) + 1),
        ["Elemwise{mul,no_inplace}", "Elemwise{Erfinv}[(0, 0)]", "Elemwise{Add}[(0, 1)]"],
    ),
    "write in place": (
        lambda: _function([x, v], T.set_subtensor((2 * x)[0], v)),
        ["Elemwise{mul,no_inplace}", "IncSubtensor{InplaceSet;int64}"],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_table(name):
    make, expected = TABLE[name]
    assert nodes(make()) == expected


def test_what_runs_is_the_graph_before():
    f = _update()
    assert f.maker._finished is None  # compiling did not make the graph to look at
    f(np.eye(2), np.eye(2))
    assert f.maker._finished is None
    assert not any(name.startswith(("Gemm", "Elemwise{Composite")) for name in executed(f))
    before = executed(f)
    assert nodes(f) == ["Gemm{inplace}"] and f.maker.fgraph is f.maker.fgraph
    assert executed(f) == before and f.fn.fgraph is f.maker.executed_fgraph
    W = f.get_shared()[0]
    f(np.eye(2), np.eye(2))
    assert np.allclose(W.get_value(), 1 - 0.2 * np.eye(2))


def test_tags_choose():
    out = T.tanh(T.dot(x, y) * x)
    assert nodes(_function([x, y], out, FAST.excluding("fusion"))) == [
        "Dot22",
        "Elemwise{Mul}[(0, 0)]",
        "Elemwise{Tanh}[(0, 0)]",
    ]
    assert nodes(_function([x, y], out, FAST.excluding("inplace"))) == ["Dot22", "Elemwise{Composite{tanh((i0 * i1))}}"]
    assert nodes(_function([x, y], out, FAST.excluding("BlasOpt")))[0] == "dot"
    assert nodes(_function([x, y], out, FAST.excluding("inplace_elemwise_optimizer")))[1][-1] == "}"
    assert nodes(_function([x, y], out, "FAST_COMPILE")) == [
        "Dot22",
        "Elemwise{mul,no_inplace}",
        "Elemwise{tanh,no_inplace}",
    ]
    assert nodes(_function([x, y], out, theano.Mode(optimizer=None)))[0] == "dot"
    assert "CGer" not in str(nodes(_function([x, u, v], x + T.outer(u, v), FAST.excluding("c_blas"))))


def test_names_in_the_databases():
    for name, position in [
        ("BlasOpt", 1.7),
        ("elemwise_fusion", 49),
        ("add_destroy_handler", 49.5),
        ("local_inplace_setsubtensor", 60),
        ("InplaceBlasOpt", 70.0),
        ("c_blas_destructive", 70.0),
        ("inplace_elemwise_opt", 75),
        ("random_make_inplace", 99),
    ]:
        assert optdb.__position__[name] == position
        assert optdb[name] is not None
    for name in ("local_dot_to_dot22", "gemm_optimizer", "local_gemm_to_gemv", "use_c_blas", "scipy_blas"):
        assert blas.blas_optdb[name] is not None
    assert blas_c.CGemv(inplace=True) == blas_c.cgemv_inplace and blas_scipy.ScipyGer(False) != blas.ger
    assert opt.InplaceElemwiseOptimizer and opt.FusionOptimizer and opt.local_elemwise_fusion_op


def test_no_blas_flags():
    with theano.change_flags(**{"blas.ldflags": ""}):
        assert nodes(_function([x, u, v], x + T.outer(u, v))) == ["ScipyGer{non-destructive}"]
        assert nodes(_function([x, u], T.dot(x, u)))[-1] == "Gemv{inplace}"


def test_optimizers_on_a_graph():
    out = T.exp(x) * 2 + 1
    graph = gof.FunctionGraph([x], [out])
    opt.FusionOptimizer(opt.local_elemwise_fusion).optimize(graph)
    assert len(graph.apply_nodes) == 3  # with the two DimShuffles of the numbers
    assert "Composite" in str(graph.outputs[0].owner.op)
    graph = gof.FunctionGraph([x], [T.exp(T.exp(x))], clone=True)
    opt.InplaceElemwiseOptimizer(T.Elemwise).optimize(graph)
    assert [node.op.inplace_pattern for node in graph.toposort()] == [{0: 0}, {0: 0}]  # nothing protects the input


def test_users_of_a_fused_part():
    shared_part = T.exp(u)
    f = _function([u, v], [shared_part + v, shared_part * v])
    assert [name.count("Composite") for name in nodes(f)] == [0, 0, 0]


def test_dtypes_of_a_composite():
    i, f32 = T.ivector(), T.fvector()
    f = theano.function([i, f32], T.cast(f32, "float64") * i + 1, mode=FAST)
    assert nodes(f) == ["Elemwise{Composite{(i0 + (Cast{float64}(i1) * i2))}}"]


def test_wrong_dtypes_do_not_drop_a_term():
    i = T.imatrix()
    f = _function([x, y, z, i], T.dot(x, y) + z + i)
    values = [np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2), "int32")]
    (shown,) = run_graph(f.maker.fgraph.inputs, f.maker.fgraph.outputs, values)
    assert "Gemm{no_inplace}" in nodes(f) and np.allclose(shown, 4) and np.allclose(f(*values), 4)


def test_loops():
    h, _ = theano.scan(lambda row, h, W: T.tanh(T.dot(row, W) + h), sequences=x, outputs_info=u, non_sequences=y)
    f = _function([x, u, y], h[-1])
    assert "Inner graphs of the scan ops" in debugprint(f, file="str")
    loop = next(node.op for node in f.maker.fgraph.toposort() if hasattr(node.op, "fn"))
    running = next(node.op for node in f.maker.executed_fgraph.toposort() if hasattr(node.op, "fn"))
    assert loop.fn is running.fn
    assert any("Composite" in name or "Gem" in name for name in nodes(loop.fn))


def test_pickles_and_copies():
    f = _update()
    twin = pickle.loads(pickle.dumps(f))
    assert twin.maker._finished is None and nodes(twin) == nodes(f)
    other = weights(2, 2)
    copied = f.copy(swap={f.get_shared()[0]: other})
    assert nodes(copied) == ["Gemm{inplace}"]
    copied(np.eye(2), np.eye(2))
    assert np.allclose(other.get_value(), 1 - 0.1 * np.eye(2))
    assert nodes(pickle.loads(pickle.dumps(copied))) == ["Gemm{inplace}"]
    assert nodes(f.copy(delete_updates=True)) == []


def test_values_of_what_is_shown():
    """The graph to look at computes the same as the one that runs."""
    rng = np.random.RandomState(0)
    for make, _ in TABLE.values():
        f = make()
        values = [rng.uniform(0.1, 0.4, (2,) * i.variable.ndim) for i in f.maker.inputs]
        copies = [np.array(value) for value in values]
        shown = run_graph(f.maker.fgraph.inputs, f.maker.fgraph.outputs, values)
        ran = run_graph(f.maker.executed_fgraph.inputs, f.maker.executed_fgraph.outputs, copies)
        for one, other in zip(shown, ran):
            np.testing.assert_allclose(one, other)


def test_stack_traces():
    from theano.gof.opt import check_stack_trace

    for make, _ in TABLE.values():
        assert check_stack_trace(make(), ops_to_check="last")


def test_debugmode_runs_what_it_shows():
    f = theano.function([u, v], T.exp(u) * v + 1, mode="DebugMode")
    assert f.maker.fgraph is f.maker.executed_fgraph and "Composite" in nodes(f)[0]
    assert np.allclose(f([0.0], [2.0]), 3)


def test_passes_of_programs_run_at_once():
    seen = []

    @gof.optimizer
    def note(fgraph):
        seen.append(len(fgraph.apply_nodes))

    f = theano.function([u, v], T.exp(u) * v + 1, mode=get_default_mode().register((note, 49.4)))
    assert len(seen) == 1
    assert nodes(f) and len(seen) == 2


def test_profile_is_of_what_runs():
    f = theano.function([u, v], T.exp(u) * v + 1, mode=FAST, profile=True)
    f([0.0], [1.0])
    assert "Composite" not in debugprint(f, file="str")
