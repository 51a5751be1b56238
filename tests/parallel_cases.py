"""What functions on several devices do, in a process that has four: test_parallel.py runs these tests in one."""

import os
import pickle
import threading
import warnings

import numpy as np
import pytest
import scipy.sparse

import jax

import theanojax
import theanojax.tensor as T
from theanojax import data_parallel, parallel
from theanojax.compile import Function, Mode
from theanojax.graph.cells import raw
from theanojax.ifelse import ifelse
from theanojax.parallel import ParallelWarning
from theanojax.runtime.xla import turns
from theanojax.tensor.random.mrg import MRG_RandomStreams
from theanojax.tensor.random.shared_randomstreams import RandomStreams

ROWS = np.arange(24.0).reshape(8, 3)


def is_parallel(f):
    return f.fn.executor.learned.arrangement is not None


def lies(variable):
    """How the value of a shared variable lies on its devices."""
    value = raw(variable.container.storage, 0)
    return tuple(value.sharding.spec), value.sharding.num_devices


def test_there_are_four_devices():
    assert len(jax.devices()) == 4


# ---------------------------------------------------------------- how it is asked for
def test_without_it_nothing_is_parallel():
    x = T.dmatrix("x")
    assert not is_parallel(theanojax.function([x], x.sum(), parallel=False))
    assert not is_parallel(theanojax.function([x], x.sum()))


def test_argument_context_and_flag():
    x = T.dmatrix("x")
    assert is_parallel(theanojax.function([x], x.sum(), parallel=data_parallel(batch=[x])))
    assert is_parallel(theanojax.function([x], x.sum(), parallel="data"))
    with data_parallel(batch=[x]):
        f = theanojax.function([x], x.sum())
        assert not is_parallel(theanojax.function([x], x.sum(), parallel=False))
    assert is_parallel(f) and not is_parallel(theanojax.function([x], x.sum()))
    with theanojax.change_flags(parallel="data"):
        f = theanojax.function([x], x.sum())
    assert is_parallel(f) and f(ROWS) == ROWS.sum()


def test_an_in_of_two_functions():
    x = T.dmatrix("x")
    given = theanojax.In(x)
    f = theanojax.function([given], x.sum(), parallel=data_parallel(batch=given, mesh=np.int64(2)))
    assert not is_parallel(theanojax.function([given], x.sum()))
    assert is_parallel(f) and is_parallel(pickle.loads(pickle.dumps(f)))


def test_one_device_is_as_without():
    x = T.dmatrix("x")
    assert not is_parallel(theanojax.function([x], x.sum(), parallel=data_parallel(batch=[x], mesh=1)))


def test_mistakes():
    x, y, v = T.dmatrix("x"), T.dmatrix("y"), T.dvector("v")
    with pytest.raises(TypeError, match="what data_parallel.* returns"):
        theanojax.function([x], x, parallel=3)
    with pytest.raises(ValueError, match=r"none of the variables \[y\], which parallel has as batches, is an input"):
        theanojax.function([x], x, parallel=data_parallel(batch=[y]))
    w = theanojax.shared(np.ones(3), "w")
    with pytest.raises(
        ValueError, match="the batch w is neither an input .* nor a key of givens, but a shared variable"
    ):
        theanojax.function([x], T.dot(x, w).sum(), parallel=data_parallel(batch=[x, w]))
    with pytest.raises(ValueError, match="the batch twice is neither an input .* but computed in it"):
        twice = x * 2
        twice.name = "twice"
        theanojax.function([x], twice.sum(), parallel=data_parallel(batch=[x, twice]))
    with pytest.raises(ValueError, match="batch has x twice, by dimension 0 and 1"):
        data_parallel(batch=[x, (x, 1)])
    how = data_parallel(batch=[x, y, w])  # for several functions, one of which knows nothing of y
    assert is_parallel(theanojax.function([x], x.sum(), parallel=how))
    assert is_parallel(theanojax.function([x, y], T.dot(x, w).sum() + y.sum(), givens={w: w * 2}, parallel=how))
    with pytest.raises(TypeError, match="batch is a list of variables"):
        data_parallel(batch=["x"])
    with pytest.raises(TypeError, match=r"batch is .* pairs \(variable, dimension\): \(x, 'rows'\)"):
        data_parallel(batch=[(x, "rows")])
    for batch in (3, [(x, 1, 2)], [[x]], {x: 1}):
        with pytest.raises(TypeError, match="batch is a list of variables, or of pairs"):
            data_parallel(batch=batch)
    for sharding in (3, [v]):
        with pytest.raises(TypeError, match="sharding is a dict from shared variables .*, or a function: "):
            data_parallel(sharding=sharding)
    for mesh in ({"data": "2"}, {"data": 2.5}, {1: 2}, np.ones(2), []):
        with pytest.raises(ValueError, match="mesh is a number, or a dict from names to numbers"):
            data_parallel(batch=[x], mesh=mesh)
    with pytest.raises(TypeError, match="sharding is a dict from shared variables .*, not from 'w'"):
        data_parallel(batch=[x], sharding={"w": "data"})
    with pytest.raises(ValueError, match="mesh is a number, or a dict from names to numbers: '2'"):
        data_parallel(batch=[x], mesh="2")
    with pytest.raises(ValueError, match="v has 1 dimensions, none of which is number 1"):
        theanojax.function([v], v, parallel=data_parallel(batch=[(v, 1)]))
    with pytest.raises(ValueError, match=r"asks for 8 devices \(data: 8\), and there are 4 devices: XLA_FLAGS="):
        theanojax.function([x], x, parallel=data_parallel(batch=[x], mesh=8))
    with pytest.raises(ValueError, match="feed is 'part' or 'whole'"):
        data_parallel(feed="all")
    with pytest.raises(ValueError, match="may be None"):
        data_parallel(mesh={"data": None, "model": None})
    with pytest.raises(NotImplementedError, match="tuples"):
        theanojax.function([(x, ROWS)], x, parallel="data")


# ---------------------------------------------------------------- batches
def test_batches_are_split_and_results_whole():
    x = T.dmatrix("x")
    f = theanojax.function([x], [x * 2, x.sum(axis=0)], parallel=data_parallel(batch=x))
    double, total = f(ROWS)
    np.testing.assert_array_equal(double, ROWS * 2)
    np.testing.assert_allclose(total, ROWS.sum(axis=0), rtol=1e-15)
    double[0] = 0  # it is the caller's
    assert [name for name, _, _ in parallel.collectives(f)]


@pytest.mark.parametrize("rows", [0, 1, 3, 6, 8])
def test_any_number_of_rows(rows):
    x = T.dmatrix("x")
    f = theanojax.function([x], [x + 1, x.sum()], parallel=data_parallel(batch=[x]))
    one, total = f(ROWS[:rows])
    np.testing.assert_array_equal(one, ROWS[:rows] + 1)
    assert total == ROWS[:rows].sum()


def test_another_dimension_than_rows():
    x = T.dmatrix("x")
    f = theanojax.function([x], x.sum(axis=1), parallel=data_parallel(batch=[(x, 1)]))
    np.testing.assert_allclose(f(ROWS.T), ROWS.sum(axis=0), rtol=1e-15)
    assert "x by dimension 1 over data" in str(f.fn.plan)


def test_parts_of_a_data_set_in_a_shared_variable():
    """The tutorials' way: `givens` take the batch out of a shared variable."""
    x, i = T.dmatrix("x"), T.lscalar("i")
    data, w = theanojax.shared(ROWS, "data"), theanojax.shared(np.ones(3), "w")
    cost = T.dot(x, w).sum()
    f = theanojax.function(
        [i],
        cost,
        updates=[(w, w - 0.01 * T.grad(cost, w))],
        givens={x: data[i * 4 : (i + 1) * 4]},
        parallel=data_parallel(batch=[x]),
    )
    assert f(0) == ROWS[:4].sum()
    np.testing.assert_allclose(w.get_value(), 1 - 0.01 * ROWS[:4].sum(axis=0))
    assert any(name == "all-reduce" for name, _, _ in parallel.collectives(f))
    assert "Spread{dimension 0 over data}" in str(f.fn.plan)


def test_a_whole_data_set_in_a_shared_variable():
    x, data = T.dmatrix("x"), theanojax.shared(ROWS, "data")
    f = theanojax.function(
        [], (x * 2).sum(), updates=[(data, data + x)], givens={x: data}, parallel=data_parallel(batch=[x])
    )
    assert [f(), f()] == [2 * ROWS.sum(), 4 * ROWS.sum()]
    np.testing.assert_array_equal(data.get_value(), 4 * ROWS)
    assert any(name == "all-reduce" for name, _, _ in parallel.collectives(f))


def test_a_data_set_is_put_on_the_devices_once_until_it_is_another():
    x, data = T.dmatrix("x"), theanojax.shared(ROWS, "data", borrow=True)
    f = theanojax.function([x], (x * data.sum()).sum(), parallel=data_parallel(batch=[x]))
    assert f(ROWS) == ROWS.sum() ** 2
    placed = data.container.storage.placed[2]
    f(ROWS)
    assert data.container.storage.placed[2] is placed
    data.set_value(ROWS * 2)
    assert f(ROWS) == 2 * ROWS.sum() ** 2
    data.get_value(borrow=True)[:] = 1
    assert f(ROWS) == ROWS.size * ROWS.sum()


@pytest.mark.parametrize("rows", [0, 1, 8])
def test_products_over_steps_and_examples_move_no_example(rows):
    """The gradient of a weight of a loop, as Theano's rewrites have it."""
    x, g, w = T.dtensor3("x"), T.dtensor3("g"), T.dmatrix("w")
    merged = T.dot(x.reshape((x.shape[0] * x.shape[1], x.shape[2])).T, g.reshape((g.shape[0] * g.shape[1], g.shape[2])))
    there_and_back = T.dot(x.reshape((x.shape[0] * x.shape[1], x.shape[2])), w).reshape(
        (x.shape[0], x.shape[1], w.shape[1])
    )
    f = theanojax.function([x, g, w], [merged, there_and_back], parallel=data_parallel(batch=[(x, 1), (g, 1)]))
    a, b, c = np.random.RandomState(0).randn(5, rows, 3), np.random.RandomState(1).randn(5, rows, 4), np.ones((3, 2))
    one, other = f(a, b, c)
    np.testing.assert_allclose(one, np.einsum("tbi,tbj->ij", a, b), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(other, a @ c, rtol=1e-14)
    if rows == 8:
        assert [(name, shapes) for name, shapes, _ in parallel.collectives(f) if name == "all-reduce"] == [
            ("all-reduce", "f64[3,4]")
        ]


# ---------------------------------------------------------------- shared variables
def step(w, rule=None, mesh=None):
    x = T.dmatrix("x")
    cost = (T.dot(x, w) ** 2).mean()
    how = data_parallel(batch=[x], sharding=rule, mesh=mesh)
    return theanojax.function([x], cost, updates=[(w, w - 0.001 * T.grad(cost, w))], parallel=how)


def test_parameters_stay_where_they_are():
    w = theanojax.shared(np.ones(3), "w")
    f = step(w)
    first, second = f(ROWS), f(ROWS)
    assert lies(w) == ((), 4) and second < first
    assert f.fn.executor.compilations == 1
    w.set_value(np.ones(3))
    assert f(ROWS) == first


@pytest.mark.parametrize("mesh", [None, {"data": 2, "model": 2}])
def test_a_table_is_split(mesh):
    axis = "data" if mesh is None else "model"
    start = np.linspace(0, 1, 16).reshape(8, 2)
    results = []
    for sharding in (None, axis, (None, axis)) if mesh else (None, axis):
        table = theanojax.shared(start, "table", sharding=sharding)
        i = T.ivector("i")
        cost = (table[i] ** 2).sum()
        f = theanojax.function(
            [i],
            cost,
            updates=[(table, T.inc_subtensor(table[i], -0.1 * T.grad(cost, table)[i]))],
            parallel=data_parallel(batch=[i], mesh=mesh),
        )
        costs = [float(f(np.arange(8, dtype="int32")[::-1])) for _ in range(3)]
        if sharding is not None:
            assert lies(table)[0] == ((axis,) if sharding == axis else (None, axis))
            shard = raw(table.container.storage, 0).addressable_shards[0].data
            assert shard.size == 16 // (4 if mesh is None else 2)
        results.append((costs, table.get_value().tolist()))
    for other in results[1:]:
        np.testing.assert_allclose(np.array(other[0]), results[0][0], rtol=1e-14)
        np.testing.assert_allclose(np.array(other[1]), results[0][1], rtol=1e-14)


def test_a_rule_for_each_variable():
    w = theanojax.shared(np.ones((4, 4)), "w")
    step(w, {w: "data"})(np.ones((8, 4)))
    assert lies(w) == (("data",), 4)
    w = theanojax.shared(np.ones((4, 4)), "w")
    step(w, lambda v: (None, "data") if v.ndim == 2 else None)(np.ones((8, 4)))
    assert lies(w) == ((None, "data"), 4)


def test_a_split_table_needs_no_word_from_its_functions():
    table = theanojax.shared(np.arange(16.0).reshape(8, 2), "table", sharding="rows")
    i = T.lscalar("i")
    f = theanojax.function([i], table[i].sum(), updates=[(table, table + 1)])
    assert f(3) == 13 and f(3) == 15 and lies(table) == (("rows",), 4)
    assert table.clone().sharding == ("rows",)


def test_mistakes_in_shardings():
    with pytest.raises(ValueError, match="w has 1 dimensions, and a sharding for 2"):
        theanojax.shared(np.ones(4), "w", sharding=("data", None))
    with pytest.raises(TypeError, match="the name of an axis of devices"):
        theanojax.shared(np.ones(4), "w", sharding=3)
    w = theanojax.shared(np.ones(3), "w", sharding="data")
    with pytest.raises(ValueError, match=r"w, of shape \(3,\), cannot be split evenly over the 4 devices 'data'"):
        step(w)(ROWS)
    w = theanojax.shared(np.ones(4), "w", sharding="model")
    with pytest.raises(ValueError, match=r"w is split over the devices 'model'; the axes of devices are 'data': mesh="):
        step(w)
    x, u = T.dmatrix("x"), theanojax.shared(np.ones(4), "u")
    for mesh in (None, {"data": 2, "model": 2}):
        with pytest.raises(ValueError, match="u is split over the devices 'modell'; the axes of devices are 'data'"):
            data_parallel(batch=[x], sharding={u: "modell"}, mesh=mesh)
    with pytest.raises(ValueError, match="u has 1 dimensions, and a sharding for 2"):
        data_parallel(batch=[x], sharding={u: (None, "data")})
    with pytest.raises(ValueError, match="u is split over the devices 'modell'"):
        theanojax.function([x], T.dot(x, u), parallel=data_parallel(batch=[x], sharding=lambda variable: "modell"))
    assert type(raw(u.container.storage, 0)) is np.ndarray  # nothing has been moved
    v = theanojax.shared(np.ones(4), "v", sharding="data")
    with pytest.raises(ValueError, match="split over the axes data, model"):
        theanojax.function([], v + w)


def test_functions_with_other_devices_and_with_none():
    w = theanojax.shared(np.ones(3), "w")
    costs = [float(f(ROWS)) for f in (step(w), step(w, mesh=2), step(w))]
    x = T.dmatrix("x")
    assert lies(w) == ((), 4)
    plain = theanojax.function([x], T.dot(x, w).sum())
    assert np.isclose(plain(ROWS), (ROWS @ w.get_value()).sum())
    other = theanojax.shared(np.ones(3), "w")
    assert costs == pytest.approx([float(step(other, mesh=1)(ROWS)) for _ in range(3)])


# ---------------------------------------------------------------- what runs otherwise
def test_what_the_host_runs_is_said_and_right():
    x = T.dmatrix("x")
    f = theanojax.function([x], x[(x.sum(axis=1) > 20).nonzero()].sum(), parallel=data_parallel(batch=[x]), name="f")
    with pytest.warns(ParallelWarning, match="parallel: .*Nonzero.* of f runs on the host, for the whole batch"):
        assert f(ROWS) == ROWS[ROWS.sum(axis=1) > 20].sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert f(ROWS + 1) == (ROWS + 1)[(ROWS + 1).sum(axis=1) > 20].sum()


def test_modes_of_the_host_say_so():
    x = T.dmatrix("x")
    with pytest.warns(ParallelWarning, match="runs a function on the host; it runs as on one device"):
        f = theanojax.function([x], x.sum(), mode=Mode("py"), parallel=data_parallel(batch=[x]))
    assert f(ROWS) == ROWS.sum()


def test_errors_are_theanos():
    x, i = T.dmatrix("x"), T.lvector("i")
    f = theanojax.function([x, i], x[i], parallel=data_parallel(batch=[x, i]))
    with pytest.raises(IndexError):
        f(ROWS, np.array([0, 1, 2, 8]))
    np.testing.assert_array_equal(f(ROWS, np.array([0, 1, 2, 7])), ROWS[[0, 1, 2, 7]])
    w = theanojax.shared(np.ones(3), "w")
    g = step(w)
    with pytest.raises(ValueError):
        g(ROWS[:, :2])
    np.testing.assert_array_equal(w.get_value(), np.ones(3))
    assert g(ROWS) > 0


def test_many_shapes_stay_on_the_devices():
    x = T.dmatrix("x")
    f = theanojax.function([x], x.sum(), parallel=data_parallel(batch=[x]))
    for n in range(1, 13):
        assert f(np.ones((4, n))) == 4 * n
    assert f.fn.executor.compilations == 12


def test_conditions_and_loops():
    x, c = T.dmatrix("x"), T.lscalar("c")
    states, _ = theanojax.scan(lambda h: T.tanh(h * 0.5 + x.mean(axis=0)), outputs_info=x[0], n_steps=c)
    f = theanojax.function([x, c], ifelse(T.gt(c, 2), states[-1].sum(), x.sum()), parallel=data_parallel(batch=[x]))
    plain = theanojax.function([x, c], ifelse(T.gt(c, 2), states[-1].sum(), x.sum()), parallel=False)
    for n in (1, 5, 7, 2):
        np.testing.assert_allclose(f(ROWS, n), plain(ROWS, n), rtol=1e-14)


def test_copies_pickles_and_profiles():
    x, w = T.dmatrix("x"), theanojax.shared(np.ones(3), "w")
    f = theanojax.function([x], T.dot(x, w).sum(), parallel=data_parallel(batch=[x]), profile=True)
    wanted = f(ROWS)
    assert f.profile.fct_callcount == 1
    assert is_parallel(f.copy()) and f.copy()(ROWS) == [wanted]
    again = pickle.loads(pickle.dumps(f))
    assert isinstance(again, Function) and is_parallel(again) and again(ROWS) == wanted
    assert f(ROWS, output_subset=[0]) == [wanted]


# ---------------------------------------------------------------- random streams
def test_random_streams_are_the_same_on_any_number_of_devices():
    x = T.dmatrix("x")
    found = []
    for mesh in (1, 2, 4):
        streams = MRG_RandomStreams(5)
        draws = streams.normal(size=x.shape), streams.uniform(size=(x.shape[0],))
        f = theanojax.function([x], list(draws), parallel=data_parallel(batch=[x], mesh=mesh))
        found.append([f(ROWS), f(ROWS)])
    for other in found[1:]:
        for mine, its in zip(found[0], other):
            for a, b in zip(mine, its):
                np.testing.assert_allclose(a, b, rtol=1e-15)
    rows = found[0][0][1]
    assert len(set(rows.tolist())) == len(rows)  # no device draws what another draws


def test_numpys_random_streams():
    x = T.dmatrix("x")
    found = []
    for mesh in (1, 4):
        f = theanojax.function(
            [x], (x * RandomStreams(5).uniform(x.shape)).sum(), parallel=data_parallel(batch=[x], mesh=mesh)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ParallelWarning)
            found.append([float(f(ROWS)), float(f(ROWS))])
    assert found[0] == pytest.approx(found[1], rel=1e-14) and found[0][0] != found[0][1]


# ---------------------------------------------------------------- checkpoints
def test_checkpoints(tmp_path):
    w, table = theanojax.shared(np.ones(3), "w"), theanojax.shared(np.ones((8, 2)), "table", sharding="data")
    x, streams = T.dmatrix("x"), RandomStreams(3)
    cost = (T.dot(x, w) * streams.uniform((x.shape[0],))).sum() + table.sum()
    updates = [(w, w * 0.5), (table, table + 1)]
    f = theanojax.function([x], cost, updates=updates, parallel=data_parallel(batch=[x]))
    assert parallel.restore(tmp_path / "state", [f]) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ParallelWarning)
        f(ROWS)
        parallel.save(tmp_path / "state", [f], {"epoch": 3})
        wanted = [float(f(ROWS)), float(f(ROWS))]
        assert parallel.restore(tmp_path / "state", [f]) == {"epoch": 3}
        assert [float(f(ROWS)), float(f(ROWS))] == wanted
    assert sorted(p.name for p in tmp_path.iterdir()) == ["state"]
    with pytest.raises(ValueError, match="has the variables .* and not"):
        parallel.restore(tmp_path / "state", [w])
    parallel.save(tmp_path / "state", [w])
    w.set_value(np.ones(4))
    with pytest.raises(ValueError, match="for the variable 0 w, which is float64"):
        parallel.restore(tmp_path / "state", [w])
    with pytest.raises(TypeError, match="a checkpoint is of functions and shared variables"):
        parallel.save(tmp_path / "state", [x])
    with pytest.raises(TypeError, match="which a checkpoint cannot have"):
        parallel.save(tmp_path / "state", [theanojax.shared({"a": 1}, "d")])
    with pytest.raises(OSError):
        parallel.save(tmp_path / "no" / "folder", [w])
    with pytest.raises(TypeError, match="extra is a dict of numbers, texts, .*: <object"):
        parallel.save(tmp_path / "state", [w], {"history": object()})
    for extra in ({}, {"a": np.ones(3)}):
        np.savez(tmp_path / "other.npz", **extra)
        with pytest.raises(ValueError, match="other.npz is no checkpoint that theanojax.parallel.save has written"):
            parallel.restore(tmp_path / "other.npz", [w])
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(ValueError, match="text is no checkpoint"):
        parallel.restore(tmp_path / "text", [w])
    parallel.save(tmp_path / "one", w, {"best": np.float32(0.5), "costs": np.ones(2)})
    assert parallel.restore(tmp_path / "one", w) == {"best": 0.5, "costs": [1, 1]}


def test_checkpoints_by_orbax(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("orbax.checkpoint")
        w, table = theanojax.shared(np.ones(3), "w"), theanojax.shared(np.ones((8, 2)), "table", sharding="data")
        x = T.dmatrix("x")
        cost = T.dot(x, w).sum() + table.sum()
        f = theanojax.function([x], cost, updates=[(table, table + 1)], parallel=data_parallel(batch=[x]))
        f(ROWS)
        parallel.save(tmp_path / "state", [f], {"epoch": 3}, orbax=True)
        wanted = [float(f(ROWS)), float(f(ROWS))]
        table.set_value(np.zeros((8, 2)))
        assert parallel.restore(tmp_path / "state", [f]) == {"epoch": 3}
        assert lies(table) == (("data",), 4)
        assert [float(f(ROWS)), float(f(ROWS))] == wanted
        (tmp_path / "folder").mkdir()
        with pytest.raises(ValueError, match="folder is no checkpoint"):
            parallel.restore(tmp_path / "folder", [w])


def test_names_and_kinds_of_what_is_in_checkpoints(tmp_path):
    hidden, stream = theanojax.shared(np.ones(2), "initial state h"), theanojax.shared(np.random.RandomState(5))
    other, matrix = theanojax.shared(np.ones(2)), theanojax.shared(scipy.sparse.csr_matrix(np.eye(2)))
    parallel.save(tmp_path / "one", [hidden, stream])
    hidden.set_value(np.zeros(2))
    drawn = stream.get_value(borrow=True).uniform()
    assert parallel.restore(tmp_path / "one", [hidden, stream]) == {}
    assert hidden.get_value().tolist() == [1, 1] and stream.get_value(borrow=True).uniform() == drawn
    parallel.save(tmp_path / "two", [stream, other])
    with pytest.raises(ValueError, match="has the variables .*'0  state keys'.*, and not"):
        parallel.restore(tmp_path / "two", [other, stream])
    with pytest.raises(TypeError, match="is a csr_matrix, which a checkpoint cannot have"):
        parallel.save(tmp_path / "three", matrix)
    parallel.save(tmp_path / "three", other)
    with pytest.raises(ValueError, match=r"has float64 \(2,\) for the variable 0 , which is a csr_matrix"):
        parallel.restore(tmp_path / "three", matrix)
    np.savez(tmp_path / "four.npz", extra=np.ones(3), w=np.ones(2))
    with pytest.raises(ValueError, match=r"has the variables \['w'\], and not \['0 '\]"):
        parallel.restore(tmp_path / "four.npz", other)


# ---------------------------------------------------------------- threads and forks
def test_threads_take_turns():
    w = theanojax.shared(np.ones(3), "w")
    x = T.dmatrix("x")
    how = data_parallel(batch=[x])
    f = theanojax.function([x], T.dot(x, w).sum(), updates=[(w, w + 1)], parallel=how)
    g = theanojax.function([x], T.dot(x, w).sum(), parallel=how)
    h = theanojax.function([x], T.dot(x, w).sum(), parallel=data_parallel(batch=[x], mesh=2))
    k = theanojax.function([x], T.dot(x, w).sum())
    seen = []

    def call(function):
        seen.extend(float(function(ROWS)) for _ in range(30))

    threads = [threading.Thread(target=call, args=(function,)) for function in (f, f, g, h, k)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert w.get_value().tolist() == [61] * 3
    assert len(seen) == 150 and not {total % ROWS.sum() for total in seen} - {0}


def test_what_reads_values_on_several_devices_takes_turns_too():
    # Else it may find that they were given away once some devices have begun, which ends the process.
    w, v = theanojax.shared(np.ones(3), "w"), theanojax.shared(np.ones(3), "v")
    x = T.dmatrix("x")
    there = theanojax.function([x], T.dot(x, w).sum(), updates=[(w, w + 1)], parallel=data_parallel(batch=[x]))
    there(ROWS)
    assert lies(w)[1] == 4
    reading, apart = (theanojax.function([x], T.dot(x, s).sum()) for s in (w, v))
    reading(ROWS), apart(ROWS)
    begun, seen = threading.Event(), []

    def read():
        begun.set()
        seen.append(float(reading(ROWS)))

    thread = threading.Thread(target=read)
    with turns.turn():
        thread.start()
        begun.wait()
        assert apart(ROWS) == ROWS.sum()  # on one device
        thread.join(0.3)
        assert thread.is_alive() and not seen
    thread.join()
    assert seen == [2 * ROWS.sum()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_runs_on_the_host():
    table, x = theanojax.shared(np.arange(8.0), "table", sharding="data"), T.dmatrix("x")
    same = theanojax.shared(np.zeros(2), "same")  # whole on each device
    updates = [(table, table + 1), (same, same + 1)]
    f = theanojax.function([x], x.sum() + table.sum(), updates=updates, parallel=data_parallel(batch=[x]))
    f(ROWS)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        values = [float(table.get_value()[7]), float(f(ROWS)), float(f(ROWS)), float(table.get_value()[0])]
        os.write(writing, str([*values, same.get_value().tolist()]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    total = float(ROWS.sum()) + 28
    assert os.read(reading, 100).decode() == str([8.0, total + 8, total + 16, 3.0, [3.0, 3.0]])
    os.close(reading), os.close(writing)
    assert f(ROWS) == total + 8
