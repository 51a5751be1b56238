"""The machines of theano.gof.vm, and the functions of theano.gof.link, which linkers of programs are built from."""

import io

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.gof import FunctionGraph, link, vm
from theano.gof.graph import Variable
from theano.ifelse import ifelse


def program(inputs, outputs, linker=None):
    """(a VM_Linker with a graph, the thunks, nodes and cells of that graph)"""
    linker = (linker or vm.VM_Linker()).accept(FunctionGraph(inputs, outputs))
    order = linker.schedule(linker.fgraph)
    ins, outs, cells = link.map_storage(linker.fgraph, order, None, None)
    computed = {v: [v.owner is None] for v in cells}
    thunks = [node.op.make_thunk(node, cells, computed, []) for node in order]
    return linker, thunks, order, ins, outs, cells, computed


def graph_of_two():
    x, y = T.dscalars("xy")
    return [x, y], [x * y + 2]


def test_map_storage():
    fgraph = FunctionGraph(*graph_of_two())
    (x, _), (z,) = fgraph.inputs, fgraph.outputs
    order, given = fgraph.toposort(), [[1.0], [2.0]]
    ins, outs, cells = link.map_storage(fgraph, order, given, None)
    assert ins is given and cells[x] is given[0] and outs == [cells[z]] and cells[z] == [None]
    assert [c for v, c in cells.items() if isinstance(v, theano.Constant)] == [[np.array(2)]]
    mine = {x: given[0]}
    assert link.map_storage(fgraph, order, given, [[None]], mine)[2] is mine
    with pytest.raises(ValueError, match="two cells are given"):
        link.map_storage(fgraph, order, [[1.0], [2.0]], None, {x: [1.0]})
    with pytest.raises(ValueError, match="1 cells are given for 2"):
        link.map_storage(fgraph, order, [[1.0]], None)


def test_gc_helper():
    x = T.dscalar("x")
    y = T.exp(x)
    z = y * x
    order = FunctionGraph([x], [z], clone=False).toposort()
    computed, last = link.gc_helper(order)
    assert computed == {y, z} and last[x] is z.owner and last[y] is z.owner
    cells = {y: [1], z: [2]}

    def f():
        pass

    link.add_clear_storage(f, computed, cells)
    f.clear_storage()
    assert cells == {y: [None], z: [None]}


@pytest.mark.parametrize("nice_errors", [True, False])
def test_streamline(nice_errors):
    x = T.dvector("x")
    linker, thunks, order, ins, outs, _, _ = program([x], [T.exp(x) + 1])
    run = link.streamline(linker.fgraph, thunks, order, no_recycling=outs, nice_errors=nice_errors)
    ins[0][0] = np.zeros(2)
    run()
    assert outs[0][0].tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match="Length of thunks and order must match"):
        link.streamline(linker.fgraph, thunks, order[1:], nice_errors=nice_errors)


def test_loops():
    x = T.dvector("x")
    linker, thunks, order, ins, outs, cells, computed = program([x], [T.exp(x) * 3])
    ins[0][0] = np.zeros(2)
    loop = vm.Loop(order, thunks, [])
    loop.time_thunks = True
    loop()
    assert outs[0][0].tolist() == [3.0, 3.0] and loop.call_counts == [1] * len(order) and not loop.allow_gc
    middle = [c for v, c in cells.items() if v.owner is not None and v not in linker.fgraph.outputs]
    outs[0][0] = None
    loop = vm.LoopGC(order, thunks, [], [[]] * (len(order) - 1) + [middle])
    loop()
    assert outs[0][0].tolist() == [3.0, 3.0] and all(c == [None] for c in middle) and loop.need_update_inputs
    with pytest.raises(ValueError, match="Length of thunks"):
        vm.LoopGC(order, thunks, [], [[]])

    class Profile:
        apply_time, apply_callcount, apply_cimpl = {}, {}, {}

    loop.call_counts[0] = 2
    loop.update_profile(Profile)
    assert Profile.apply_callcount[order[0]] == 2 and loop.call_counts[0] == 0
    for method in (vm.VM(order, thunks, []), loop.clear_storage):
        with pytest.raises(NotImplementedError, match="override me"):
            method()


def test_an_error_names_its_node():
    x = T.dmatrix("x")
    linker, thunks, order, ins, *_ = program([x], [T.nlinalg.matrix_inverse(x)])
    ins[0][0] = np.zeros((2, 2))
    with pytest.raises(np.linalg.LinAlgError, match="Apply node that caused the error: MatrixInverse") as caught:
        vm.Loop(order, thunks, [])()
    file = io.StringIO()
    link.log_thunk_trace(caught.value, file)
    assert "log_thunk_trace: " in file.getvalue() and "test_vms.py" in file.getvalue()


def test_stack_runs_what_is_asked_for():
    c, x = T.bscalar("c"), T.dvector("x")
    graph = [ifelse(c, T.exp(x), T.sin(x)), T.tanh(x)]
    seen, given = [], []
    linker = vm.VM_Linker(
        allow_gc=True,
        callback=lambda node, thunk, storage_map, compute_map: seen.append(str(node.op)),
        callback_input=lambda variable, value: given.append(variable),
    )
    linker, thunks, order, ins, outs, cells, computed = program([c, x], graph, linker)
    stack = linker.make_vm(order, thunks, ins, outs, cells, None, None, computed, {})
    assert type(stack) is vm.Stack
    ins[0][0], ins[1][0] = np.int8(1), np.zeros(2)
    stack([0])
    assert outs[0][0].tolist() == [1.0, 1.0] and outs[1] == [None]
    words = " ".join(seen)
    assert "exp" in words and "sin" not in words and "tanh" not in words
    assert set(given) == set(linker.fgraph.inputs)
    assert cells[linker.fgraph.outputs[0].owner.inputs[1]] == [None]  # nobody needs it any more
    stack()
    assert outs[1][0].tolist() == [0.0, 0.0]


def test_make_vm():
    x = T.dvector("x")
    for allow_gc, lazy, kind in ((True, False, vm.LoopGC), (False, False, vm.Loop), (True, True, vm.Stack)):
        linker, thunks, order, ins, outs, cells, computed = program([x], [T.exp(x)], vm.VM_Linker(allow_gc, lazy=lazy))
        made = linker.make_vm(order, thunks, ins, outs, cells, [[]] * len(order), None, computed, {})
        ins[0][0] = np.zeros(1)
        made()
        assert type(made) is kind and outs[0][0].tolist() == [1.0]
    with pytest.raises(ValueError, match="Must set dependencies"):
        vm.Stack(order, thunks, [], cells, computed, linker.fgraph, True, 0)


def test_overwritten_values_are_used_first():
    x = T.dvector("x")
    y = x + 1
    inplace = T.inplace.exp_inplace(y)
    fgraph = FunctionGraph([x], [T.tanh(y), inplace])
    fgraph.attach_feature(theano.gof.destroyhandler.DestroyHandler())
    _, outs, cells = link.map_storage(fgraph, fgraph.toposort(), [[np.zeros(2)]], None)
    computed = {v: [0] for v in cells}
    order = fgraph.toposort()
    thunks = [n.op.make_thunk(n, cells, computed, []) for n in order]
    vm.Stack(order, thunks, [], cells, computed, fgraph, False, 0)()
    np.testing.assert_allclose(outs[0][0], np.tanh(1.0))
    np.testing.assert_allclose(outs[1][0], np.exp(1.0))


def test_construction_observers():
    made = []
    Variable.append_construction_observer(made.append)
    try:
        x = T.dscalar("x")
    finally:
        Variable.remove_construction_observer(made.append)
    T.dscalar()
    assert made == [x]
