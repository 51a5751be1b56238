"""Large graphs in pieces that share executables: runtime/planning/cuts.py and runtime/policy/in_pieces.py."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from tests.fuzz.check import check
from theanojax.runtime.planning import cuts
from theanojax.runtime.policy import background
from theanojax.runtime.policy.in_pieces import InPieces

X = np.random.RandomState(1).normal(size=(5, 6))


@pytest.fixture
def small_pieces(monkeypatch):
    """Graphs of tests are large ones."""
    for name, value in {"FEWEST": 100, "PIECE": 60, "BLOCKS": 40, "RUN": 8, "NEAR": 12, "SAVED": 0.3}.items():
        monkeypatch.setattr(cuts, name, value)


def network(layers, look=lambda h: h):
    """(inputs, cost, its gradients) of layers that each have parameters of their own, which are arguments."""
    x, params = T.dmatrix("x"), []
    h = x
    for i in range(layers):
        W, b = T.dmatrix("W%d" % i), T.dvector("b%d" % i)
        h = look(T.tanh(T.dot(h, W) + b) * b)
        params += [W, b]
    cost = (h**2).sum()
    return [x, *params], [cost, *theano.grad(cost, params)]


def values_of(inputs, rows=5):
    rng = np.random.RandomState(3)
    shapes = {"x": (rows, 6), "W": (6, 6), "b": (6,)}
    return [rng.uniform(-1, 1, size=shapes[v.name[0]]) for v in inputs]


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_pieces_of_one_form_are_compiled_once(small_pieces):
    inputs, outputs = network(60)
    f = theano.function(inputs, outputs)
    values = values_of(inputs)
    result = f(*values)
    executor = f.fn.executor
    assert type(executor._program) is InPieces and len(executor.plan.stages) > 10
    assert executor.compilations < len(executor.plan.stages) / 2
    assert sum(len(stage.nodes) for stage in executor.plan.stages) == len(executor.fgraph.apply_nodes)
    assert_same(result, executor.host(values))
    before = executor.compilations
    assert_same(f(*values), result)
    assert executor.compilations == before
    other = values_of(inputs, rows=3)
    assert_same(f(*other), executor.host(other))
    assert not executor.failures and not executor.fallbacks


def test_the_whole_takes_over_once_calls_have_taken_as_long(small_pieces):
    inputs, outputs = network(60)
    f = theano.function(inputs, outputs)
    values, other = values_of(inputs), values_of(inputs, rows=3)
    first = f(*values)
    program = f.fn.executor._program
    program.left = 0.0
    assert_same(f(*values), first)  # which starts the thread
    background.wait()
    assert list(program.stage.ahead) and not program.stage.ready
    assert_same(f(*values), first)
    assert len(program.stage.ready) == 1
    assert_same(f(*other), f.fn.executor.host(other))  # in pieces: the whole has not these shapes
    assert len(program.stage.ready) == 1


def test_the_whole_of_lengths_that_the_host_knows(small_pieces):
    """It has an executable for each of them, as for each shape."""
    inputs, outputs = network(60)
    n = T.lscalar("n")
    f = theano.function([n, *inputs], [outputs[0] + T.arange(n).sum(), *outputs[1:]])
    values = values_of(inputs)
    first = f(4, *values)
    program = f.fn.executor._program
    program.left = 0.0
    f(4, *values)
    background.wait()
    assert_same(f(4, *values), first)
    assert len(program.stage.ready) == 1
    assert_same(f(5, *values), [first[0] + 4, *first[1:]])


def test_another_call_asks_for_the_whole_first(small_pieces, monkeypatch):
    """In another thread: the thread that compiles is taken then, and the whole is not asked for again."""
    inputs, outputs = network(60)
    f = theano.function(inputs, outputs)
    values = values_of(inputs)
    f(*values)
    program = f.fn.executor._program
    program.left = 0.0

    def start(work):
        program.asked = True
        return False

    monkeypatch.setattr(background, "start", start)
    f(*values)
    assert program.asked


def test_a_whole_that_cannot_be_compiled_stays_in_pieces(small_pieces, monkeypatch):
    inputs, outputs = network(60)
    f = theano.function(inputs, outputs)
    values = values_of(inputs)
    first = f(*values)
    program = f.fn.executor._program
    program.left = 0.0

    def failing(*args):
        raise MemoryError

    monkeypatch.setattr(program.stage, "special_for", failing)
    f(*values)
    background.wait()
    assert_same(f(*values), first)
    assert not program.stage.ready and not f.fn.executor.failures


def test_updates_are_stored_together(small_pieces):
    """An error in a late piece leaves all values as they were, those of early ones, too."""
    x, i = T.dmatrix("x"), T.lscalar("i")
    h, params = x, []
    for k in range(60):
        params.append(theano.shared(np.eye(6) * (1 + k / 100), name="W%d" % k))
        h = T.tanh(T.dot(h, params[-1]))
    row = h[i]
    cost = (row**2).sum() + (h**2).mean()
    f = theano.function([x, i], cost, updates=[(p, p - 0.01 * g) for p, g in zip(params, theano.grad(cost, params))])
    f(X, 1)
    assert type(f.fn.executor._program) is InPieces
    before = [p.get_value() for p in params]
    with pytest.raises(IndexError):
        f(X, 7)
    assert_same([p.get_value() for p in params], before)
    f(X, 2)
    plain = theano.function([x, i], theano.grad(cost, params), mode=theano.Mode("py", "fast_run"))
    for p, b in zip(params, before):
        after = p.get_value()
        p.set_value(b)
        b[...] = after
    assert_same(before, [p.get_value() - 0.01 * g for p, g in zip(params, plain(X, 2))])


@pytest.mark.parametrize(
    "look", [theano.printing.Print("h"), lambda h: theano.scan(lambda s: s * 2, outputs_info=[h], n_steps=2)[0][-1]]
)
def test_what_is_left_whole(small_pieces, look):
    """Graphs with effects, which must happen once, and with loops, which a signal ends."""
    inputs, outputs = network(12, look)
    f = theano.function(inputs, outputs[0])
    f(*values_of(inputs))
    assert type(f.fn.executor._program) is not InPieces


def test_graphs_without_repetitions_are_left_whole(small_pieces):
    rng = np.random.RandomState(5)
    ops = [T.tanh, T.exp, T.sqr, T.cos, T.sin, T.erf, T.nnet.sigmoid, T.abs_]
    x = T.dmatrix("x")
    h = x
    for _ in range(150):
        h = T.dot(ops[rng.randint(len(ops))](h), x) / 10
    f = theano.function([x], h)
    f(np.eye(6))
    assert len(f.fn.executor.plan.stages) == 1


def test_stages_of_one_form():
    inputs, outputs = network(2)
    x, W0, b0, W1, b1 = inputs
    assert cuts.form(stage([x, W0], [T.dot(x, W0)])) == cuts.form(stage([x, W1], [T.dot(x, W1)]))
    assert cuts.form(stage([x, W0], [T.dot(x, W0)])) != cuts.form(stage([W0, x], [T.dot(x, W0)]))
    assert cuts.form(stage([b0], [b0 * 2.0])) == cuts.form(stage([b1], [b1 * 2.0]))
    assert cuts.form(stage([b0], [b0 * 2.0])) != cuts.form(stage([b1], [b1 * 3.0]))
    assert cuts.form(stage([b0, b1], [b0 * b1])) != cuts.form(stage([b0], [b0 * b0]))
    y = T.exp(b0)
    assert cuts.form(stage([b0], [y, y * b0])) != cuts.form(stage([b0], [y * b0]))


def stage(inputs, outputs):
    from theanojax.graph.traverse import io_toposort
    from theanojax.runtime.planning.plan import StagePlan

    return StagePlan(0, True, tuple(inputs), tuple(outputs), tuple(io_toposort(inputs, outputs)))


@pytest.mark.parametrize("seed", range(700_000, 700_020))
def test_random_graphs_in_small_pieces(monkeypatch, seed):
    """Whatever the graph, and wherever it is cut."""
    for name, value in {"FEWEST": 4, "PIECE": 3, "BLOCKS": 3, "RUN": 2, "SAVED": -1.0}.items():
        monkeypatch.setattr(cuts, name, value)
    check(seed)
