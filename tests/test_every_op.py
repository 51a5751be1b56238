"""Every Op there is: both executors agree on it, and dtypes, shapes and derivatives are as promised.

The cases are tables in tests/op_cases. A new Op gets a line there; the tests at the end of this file fail until it has.
"""

import importlib
import pkgutil

import numpy as np
import pytest

import theanojax
import theanojax.scalar as S
import theanojax.tensor as T
from tests.helpers import check_op, derivative_checks, run_both
from tests.op_cases import BASES, CASES, EXEMPT, ON_HOST, scalar
from theanojax.gradient import Rop, grad
from theanojax.graph.op import Op
from theanojax.graph.traverse import io_toposort
from theanojax.loop.scan_op import Scan
from theanojax.runtime.host import run_graph
from theanojax.scalar.op import ScalarOp
from theanojax.tensor.elemwise import Elemwise

pytestmark = pytest.mark.filterwarnings("ignore")


# ---------------------------------------------------------------- scalar Ops
def variables(dtypes, ndim=2):
    return [T.TensorType(d, (False,) * ndim)() for d in dtypes]


class Bundle:
    """Elementwise Ops run as one function, which compiles faster than many."""

    def __init__(self):
        self.inputs, self.values, self.outs = [], [], []

    def add(self, name, values):
        inputs = variables([v.dtype for v in values], values[0].ndim)
        self.inputs += inputs
        self.values += values
        out = Elemwise(scalar.OPS[name][0])(*inputs)
        out.name = name
        self.outs.append(out)
        return inputs, out

    def run(self, rtol=None):
        return run_both(self.inputs, self.outs, self.values, rtol)[0]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "int64", "uint8", "bool", "complex128"])
def test_scalar_ops(dtype):
    kind = np.dtype(dtype).kind
    bundle = Bundle()
    for name, (op, domains) in scalar.OPS.items():
        if name in scalar.REFUSED[kind]:
            with pytest.raises(TypeError):
                Elemwise(op)(*variables([dtype] * len(domains)))
        elif name not in (scalar.NO_COMPLEX_VALUE if kind == "c" else scalar.SLOW if dtype != "float64" else ()):
            bundle.add(name, [scalar.values(d, dtype) for d in domains])
    bundle.run()


@pytest.mark.parametrize(
    "dtypes", [("int8", "float32"), ("uint8", "int64"), ("bool", "float64"), ("complex128", "int8")], ids="-".join
)
def test_scalar_ops_of_two_dtypes(dtypes):
    kinds = {np.dtype(d).kind for d in dtypes}
    bundle = Bundle()
    for name, (_, domains) in scalar.OPS.items():
        refused = any(name in scalar.REFUSED[k] for k in kinds) or ("c" in kinds and name in scalar.NO_COMPLEX_VALUE)
        if len(domains) > 1 and not refused and name not in scalar.SLOW:
            bundle.add(name, [scalar.values(d, t) for d, t in zip(domains, dtypes + dtypes)])
    bundle.run()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scalar_ops_where_their_domains_end(dtype):
    special = scalar.SPECIAL.astype(dtype)
    bundle = Bundle()
    for name, (_, domains) in scalar.OPS.items():
        if name not in scalar.REFUSED["f"] | scalar.UNLIKE_AT_ENDS.keys() and len(domains) < 3:
            pairs = [np.repeat(special, special.size), np.tile(special, special.size)]
            bundle.add(name, pairs if len(domains) == 2 else [special])
    bundle.run()


def test_scalar_gradients():
    """Gradients and R_op of all scalar Ops by differences; each element is an experiment of its own."""
    bundle, rows = Bundle(), []
    for name, (_, domains) in scalar.OPS.items():
        if name not in scalar.REFUSED["f"] | scalar.NO_GRADIENT:
            inputs, out = bundle.add(name, [scalar.values(d, "float64") for d in domains])
            if out.dtype == "float64":
                rows.append((name, out, [inputs[i] for i in scalar.MOVING.get(name, range(len(inputs)))]))
    derivatives = []
    for name, out, moving in rows:
        derivatives += grad(out.sum(), moving, disconnected_inputs="ignore")
        if name not in scalar.NO_R_OP:
            derivatives.append(Rop(out, moving, [T.ones_like(v) for v in moving], disconnected_outputs="ignore"))
    results, _ = run_both(bundle.inputs, derivatives, bundle.values)
    differences = [_differences(bundle, rows, k) for k in range(3)]
    wrong = []
    for row, (name, _, moving) in enumerate(rows):
        want = [differences[k][row] for k in range(len(moving))]
        labels = ["input %d" % k for k in range(len(want))]
        if name not in scalar.NO_R_OP:
            want, labels = want + [sum(want)], labels + ["R_op"]
        got, results = results[: len(want)], results[len(want) :]
        for what, a, b in zip(labels, got, want):
            if not np.allclose(a, b, rtol=1e-5, atol=1e-6):
                wrong.append("%s, %s: %s, by differences %s" % (name, what, a.ravel(), b.ravel()))
    assert not wrong, "\n".join(wrong)


def _differences(bundle, rows, k, eps=1e-6):
    """The slope of each row's output when its moving input number `k` moves."""
    steps = {moving[k] for _, _, moving in rows if k < len(moving)}
    sides = [
        run_graph(
            bundle.inputs,
            [out for _, out, _ in rows],
            [x + sign if v in steps else x for v, x in zip(bundle.inputs, bundle.values)],
        )
        for sign in (eps, -eps)
    ]
    return [(a - b) / (2 * eps) for a, b in zip(*sides)]


# ---------------------------------------------------------------- all other Ops
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_op(case):
    inputs, outs, values = case.graph()
    check_op(inputs, outs, values, visit=check_where_it_ran, **case.options)


def check_where_it_ran(xla):
    """Fails where both results may be the host's without a reason."""
    assert xla._host is None, "XLA left the call to the host"
    on_host = {type(n.op) for n in xla.fgraph.apply_nodes if xla.learned.on_host(n)}
    found = {c.__name__ for c in on_host if not c.__module__.startswith(("theano.sparse.", "theano.typed_list."))}
    assert found <= ON_HOST.keys(), "these are to run on XLA, or belong to ON_HOST with the reason"


# ---------------------------------------------------------------- every one of them
def op_classes(node):
    """The class of the Op of a node, and of those inside it."""
    op = node.op
    yield type(op)
    if isinstance(getattr(op, "scalar_op", None), ScalarOp):
        yield type(op.scalar_op)
    if isinstance(op, Scan):
        for inner in io_toposort(op.inputs, op.outputs):
            yield from op_classes(inner)


def classes_in_cases():
    found = {type(op) for op, _ in scalar.OPS.values()}
    for case in CASES:
        inputs, outs, values = case.graph()
        values = [v.type.filter(x) for v, x in zip(inputs, values)]
        options = {k: v for k, v in case.options.items() if k in ("grad", "rop")}
        outs += [v for c in derivative_checks(inputs, outs, values, **options) for v in c.outputs]
        for node in io_toposort([], outs):
            found.update(op_classes(node))
    return found


def all_classes():
    """All classes of Ops that the package defines."""
    for module in pkgutil.walk_packages(theanojax.__path__, "theanojax."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, todo = set(), [Op]
    while todo:
        new = todo.pop().__subclasses__()
        todo += new
        found.update(c for c in new if c.__module__.startswith(("theanojax.", "theano.")))
    return found


def test_every_op_has_a_case():
    classes, met = all_classes(), classes_in_cases()
    bases = {c for c in classes if c.__subclasses__() and (c.__name__.startswith("_") or c.__name__ in BASES)}
    missing = {"%s.%s" % (c.__module__, c.__name__) for c in classes - met - bases}
    assert missing - EXEMPT.keys() == set(), "add a line to tests/op_cases"
    assert EXEMPT.keys() - missing == set(), "these have a case now"


def test_every_scalar_instance_has_a_line():
    instances = {name for name, value in vars(S).items() if isinstance(value, ScalarOp)}
    assert instances == scalar.NAMED.keys()
