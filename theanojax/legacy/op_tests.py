"""What Theano's own tests have for authors of Ops: `theano.tests.test_rop` and `theano.tensor.tests.test_basic`."""

from __future__ import annotations

import os
import tempfile
import unittest
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from theanojax import tensor
from theanojax.compile.function import function
from theanojax.compile.mode import get_default_mode
from theanojax.config import change_flags, config
from theanojax.errors import MethodNotDefined
from theanojax.gradient import grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.replace import clone
from theanojax.graph.shared import shared
from theanojax.graph.variable import Apply, Variable
from theanojax.legacy.testing import fetch_seed, seed_rng, verify_grad
from theanojax.scan import scan
from theanojax.tensor.type import TensorType


class BreakRop(Op):
    """Gives its input on, and has no derivative."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        """A node whose output is like `x`."""
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        """Give it on."""
        output_storage[0][0] = inputs[0]

    def grad(self, inputs: Any, output_gradients: Any) -> list:
        """Undefined."""
        return [grad_undefined(self, 0, inputs[0])]

    def R_op(self, inputs: Any, eval_points: Any) -> list:
        """None."""
        return [None]


break_op = BreakRop()


class RopLop_checker(unittest.TestCase):
    """Checks of an Op's `R_op` and `grad`, against the rows of its Jacobian: to be derived from."""

    def setUp(self) -> None:
        """The variables that an Op is to be applied to: a vector `x` of `in_shape`, or a matrix `mx`."""
        seed_rng()
        self.rng = np.random.RandomState(fetch_seed())
        self.x, self.v = tensor.vector("x"), tensor.vector("v")
        self.mx, self.mv = tensor.matrix("mx"), tensor.matrix("mv")
        self.in_shape = (5 + self.rng.randint(3),)
        self.mat_in_shape = (5 + self.rng.randint(3), 5 + self.rng.randint(3))

    def _random(self, shape: Any) -> np.ndarray:
        return np.asarray(self.rng.uniform(size=shape), config.floatX)

    def _check(self, what: str, inputs: list, one: Variable, other: Variable, *shapes: Any) -> None:
        values = [self._random(shape) for shape in shapes]
        results = [function(inputs, output, on_unused_input="ignore")(*values) for output in (one, other)]
        assert np.allclose(*results), "%s mismatch: %s %s" % (what, *results)

    def check_nondiff_rop(self, y: Any) -> None:
        """Fails unless `Rop` of `y` raises a ValueError, as where there is no derivative."""
        try:
            tensor.Rop(y, self.x, self.v)
        except ValueError:
            return
        self.fail("Rop has an answer, although there is no derivative")

    def check_mat_rop_lop(self, y: Any, out_shape: Any) -> None:
        """Compare both products of the Jacobian of the vector `y`, of `out_shape`, which depends on `mx`."""
        rows, _ = scan(
            lambda i, y, x, v: (tensor.grad(y[i], x) * v).sum(),
            sequences=tensor.arange(y.shape[0]),
            non_sequences=[y, self.mx, self.mv],
        )
        rop = tensor.Rop(y, self.mx, self.mv)
        self._check("ROP", [self.mx, self.mv], rop, rows, self.mat_in_shape, self.mat_in_shape)
        self.check_nondiff_rop(clone(y, replace={self.mx: break_op(self.mx)}))
        lop, by_sum = tensor.Lop(y, self.mx, self.v), tensor.grad((self.v * y).sum(), self.mx)
        self._check("LOP", [self.mx, self.v], lop, by_sum, self.mat_in_shape, out_shape)

    def check_rop_lop(self, y: Any, out_shape: Any) -> None:
        """Compare both products of the Jacobian of the vector `y`, of `out_shape`, which depends on `x`."""
        jacobian, _ = scan(
            lambda i, y, x: tensor.grad(y[i], x), sequences=tensor.arange(y.shape[0]), non_sequences=[y, self.x]
        )
        rop = tensor.Rop(y, self.x, self.v)
        self._check("ROP", [self.x, self.v], rop, tensor.dot(jacobian, self.v), self.in_shape, self.in_shape)
        try:
            self.check_nondiff_rop(clone(y, replace={self.x: break_op(self.x)}))
            noticed = True
        except AssertionError:
            noticed = False
        lop = tensor.Lop(y, self.x, self.v)
        self._check("LOP", [self.x, self.v], lop, tensor.dot(self.v, jacobian), self.in_shape, out_shape)
        if not noticed:
            raise unittest.SkipTest("Rop did not notice an input without a derivative")


# ---- theano.tensor.tests.test_basic


def inplace_func(
    inputs: Any,
    outputs: Any,
    mode: Any = None,
    allow_input_downcast: Any = False,
    on_unused_input: str = "raise",
    name: str | None = None,
) -> Any:
    """`theano.function` of a graph that may hold Ops that overwrite their inputs."""
    return function(
        inputs,
        outputs,
        mode=get_default_mode() if mode is None else mode,
        allow_input_downcast=allow_input_downcast,
        accept_inplace=True,
        on_unused_input=on_unused_input,
        name=name,
    )


def safe_make_node(op: Callable, *inputs: Any) -> Apply:
    """The node of `op` applied to `inputs`; `op` may be a function that does so."""
    made = op(*inputs)
    return (made[0] if isinstance(made, list) else made).owner


def makeTester(
    name: str,
    op: Callable,
    expected: Any,
    checks: dict | None = None,
    good: dict | None = None,
    bad_build: dict | None = None,
    bad_runtime: dict | None = None,
    grad: Any = None,
    mode: Any = None,
    grad_rtol: float | None = None,
    eps: float = 1e-10,
    skip: Any = False,
    test_memmap: bool = True,
    check_name: bool = True,
    grad_eps: float | None = None,
) -> type[unittest.TestCase]:
    """A class of tests of an Op, called `name`.

    Parameters
    ----------
    name : of the class, under which its module has to have it, unless `check_name` is false.
    op : the Op, or a function that applies it.
    expected : function of the inputs' values that gives the results, or a dictionary of them by the names in `good`.
    checks : description -> function of the inputs and the results that says whether they are right.
    good : name -> values of the inputs.
    bad_build, bad_runtime : name -> values for which making the node, or the call, is an error.
    grad : values for which the gradient is compared with differences; True for those in `good`.
    """
    given: dict[str, Any] = {
        "op": staticmethod(op),
        "expected": expected if isinstance(expected, dict) else staticmethod(expected),
        "checks": checks or {},
        "good": good or {},
        "bad_build": bad_build or {},
        "bad_runtime": bad_runtime or {},
        "grad": (good or {}) if grad is True else (grad or {}),
        "mode": mode,
        "skip": skip,
        "test_memmap": test_memmap,
        "check_name": check_name,
        "grad_rtol": grad_rtol,
        "grad_eps": grad_eps,
        "eps": eps,
    }
    return type(name, (OpTester,), {**given, "__qualname__": name})


class OpTester(unittest.TestCase):
    """What the classes that `makeTester` makes have in common."""

    __test__ = False  # it has no Op
    op: Any
    expected: Any
    mode: Any
    checks: dict
    good: dict
    bad_build: dict
    bad_runtime: dict
    grad: dict
    skip: Any = False
    test_memmap = check_name = True
    grad_rtol: float | None = None
    grad_eps: float | None = None
    eps = 1e-10

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.__test__ = True

    def setUp(self) -> None:
        """Skip what is to be skipped."""
        if self.skip:
            raise unittest.SkipTest(self.skip)

    def add_memmap_values(self, val_dict: dict) -> dict:
        """`val_dict` and, of the first of its names, the arrays once more, as files that are mapped into memory."""
        if not self.test_memmap or not val_dict:
            return val_dict
        name = min(val_dict)
        values = [self._mapped(v) if type(v) is np.ndarray and v.size else v for v in val_dict[name]]
        return {name + "_memmap": values, **val_dict}

    def _mapped(self, value: np.ndarray) -> np.ndarray:
        handle, path = tempfile.mkstemp()
        os.close(handle)
        self.addCleanup(os.remove, path)
        mapped = np.memmap(path, dtype=value.dtype, mode="w+", shape=value.shape)
        mapped[...] = value
        return mapped

    def _results(self, testname: str, values: list) -> tuple[list, float]:
        """What is expected, and how exactly."""
        listed = isinstance(self.expected, dict)
        results = self.expected[testname.removesuffix("_memmap")] if listed else self.expected(*values)
        exact = 5e-9 if listed else 1e-10
        if any(v.dtype in ("float32", "int8", "uint8", "uint16") for v in values):
            exact = 1e-6
        return list(results) if isinstance(results, list | tuple) else [results], max(exact, self.eps)

    def _told(self, testname: str, doing: str, values: Any, call: Callable, *arguments: Any, **named: Any) -> Any:
        """`call(*arguments)`; an error says which test it is of."""
        try:
            return call(*arguments, **named)
        except Exception as error:
            error.args += ("%s::%s, %s: %s" % (self.op, testname, doing, values),)
            raise

    def test_good(self) -> None:
        """The results of `good` are as expected, and pass the `checks`."""
        for testname, given in self.add_memmap_values(self.good).items():
            values = [copy(v) for v in given]
            inputs = [like(v) for v in values]
            node = self._told(testname, "making a node", values, safe_make_node, self.op, *inputs)
            f = self._told(
                testname, "making a function", values, inplace_func, inputs, node.outputs, self.mode, name="test_good"
            )
            want, eps = self._results(testname, values)
            found = self._told(testname, "calling the function", values, f, *values)
            for i, (a, b) in enumerate(zip(found, want, strict=False)):
                if a.dtype != b.dtype or a.shape != b.shape or not np.allclose(a, b, atol=eps, rtol=eps):
                    self.fail(
                        "%s::%s: result %d of %s is %s (dtype %s) and not %s (dtype %s), which is further off than %g"
                        % (self.op, testname, i, values, a, a.dtype, b, b.dtype, eps)
                    )
            for description, check in self.checks.items():
                if not check(values, found):
                    self.fail(
                        "%s::%s: %r does not hold of the inputs %s and the results %s"
                        % (self.op, testname, description, values, found)
                    )

    def test_bad_build(self) -> None:
        """No node can be made of `bad_build`."""
        for values in self.bad_build.values():
            self.assertRaises(Exception, safe_make_node, self.op, *[shared(copy(v)) for v in values])  # noqa: B017

    def test_bad_runtime(self) -> None:
        """No call succeeds with `bad_runtime`."""
        with change_flags(compute_test_value="off"):
            for testname, values in self.bad_runtime.items():
                inputs = [shared(v) for v in values]
                node = self._told(testname, "making a node", values, safe_make_node, self.op, *inputs)
                f = self._told(testname, "making a function", values, inplace_func, [], node.outputs, self.mode)
                self.assertRaises(Exception, f)  # noqa: B017

    def test_grad(self) -> None:
        """The gradient is that of finite differences."""
        for testname, given in self.grad.items():
            values = [copy(v) for v in given]
            self._told(
                testname,
                "computing the gradient",
                values,
                verify_grad,
                self.op,
                values,
                mode=self.mode,
                rel_tol=self.grad_rtol,
                eps=self.grad_eps,
            )

    def test_grad_none(self) -> None:
        """The gradient is never None."""
        if not hasattr(self.op, "grad"):
            return
        for testname, values in self.good.items():
            results, _ = self._results(testname, values)
            floats = [np.asarray(r, config.floatX if r.dtype.kind in "biu" else r.dtype) for r in results]
            try:
                gradients = self.op.grad([like(v) for v in values], [like(r) for r in floats])
            except (MethodNotDefined, NotImplementedError):
                continue
            assert not any(g is None for g in gradients)


def like(value: np.ndarray) -> Variable:
    """A variable for arrays of the dtype of `value`, of lengths that may differ where they are not 1."""
    return TensorType(dtype=value.dtype, broadcastable=[n == 1 for n in value.shape])()
