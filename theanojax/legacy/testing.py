"""`theano.tests`: the helpers that tests of other projects import from there."""

from __future__ import annotations

import functools
import io
import logging
import pdb
import sys
import unittest
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import numpy as np

from theanojax.compile.function import function
from theanojax.compile.mode import Mode, get_default_mode
from theanojax.config import config
from theanojax.gradient import verify_grad as _verify_grad
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.printing import hex_digest

_logger = logging.getLogger("theano.tests.unittest_tools")

SkipTest = unittest.SkipTest


# ---- seeds


def fetch_seed(pseed: Any = None) -> int | None:
    """The seed of randomized tests: `pseed`, or the flag unittests.rseed; None for `random`."""
    seed = pseed or config.unittests.rseed
    return int(seed) if seed and seed != "random" else None


def seed_rng(pseed: Any = None) -> int | None:
    """Seed numpy's global generator; the seed."""
    seed = fetch_seed(pseed)
    np.random.seed(seed)
    return seed


def verify_grad(op: Any, pt: Any, n_tests: int = 2, rng: Any = None, *args: Any, **kwargs: Any) -> None:
    """`theano.gradient.verify_grad` with a generator of its own, where none is given."""
    if rng is None:
        seed_rng()
        rng = np.random
    _verify_grad(op, pt, n_tests, rng, *args, **kwargs)


verify_grad.E_grad = _verify_grad.E_grad


class MockRandomState:
    """A generator that gives one number, to see what happens at the ends of the range."""

    def __init__(self, val: float):
        self.val = val

    def rand(self, *shape: int) -> np.ndarray:
        """An array of that number."""
        return np.full(shape, self.val, dtype="float64")

    def randint(self, minval: int, maxval: int | None = None, size: Any = 1) -> np.ndarray:
        """The lowest value, where the number is 0, or else the highest."""
        minval, maxval = (0, minval) if maxval is None else (minval, maxval)
        return np.full(size, minval if self.val == 0 else maxval - 1, dtype="int64")


# ---- comparing values


class WrongValue(Exception):
    """Two values are not close; the text says by how much. See docs/errors.md#wrongvalue."""

    def __init__(self, expected_val: Any, val: Any, rtol: float | None, atol: float | None):
        super().__init__()
        self.val1, self.val2 = expected_val, val
        self.rtol, self.atol = rtol, atol

    def __str__(self) -> str:
        return "WrongValue\n" + str_diagnostic(self.val1, self.val2, self.rtol, self.atol)


def str_diagnostic(expected: Any, value: Any, rtol: float | None, atol: float | None) -> str:
    """How two values differ, in several lines."""
    lines = []
    for label, array in (("expected", np.asarray(expected)), ("value", np.asarray(value))):
        lines.append(f"  {label}: shape {array.shape}, dtype {array.dtype}, strides {array.strides}")
        lines.append(f"    {array}")
    one, two = np.asarray(expected), np.asarray(value)
    if one.shape == two.shape and one.size and one.dtype.kind in "biufc" and two.dtype.kind in "biufc":
        difference = np.abs(one.astype("complex128") - two)
        with np.errstate(all="ignore"):
            relative = difference / np.abs(one)
        for label, array in (("absolute", difference), ("relative", relative)):
            lines.append(f"  {label} difference: max {array.max()}, mean {array.mean()}, median {np.median(array)}")
    lines.append(f"  rtol, atol: {rtol} {atol}")
    return "\n".join(lines) + "\n"


def assert_allclose(expected: Any, value: Any, rtol: float | None = None, atol: float | None = None) -> None:
    """Raise WrongValue unless the two are as close as their types allow."""
    from theano.tensor import basic

    if not basic._allclose(expected, value, rtol, atol):
        raise WrongValue(expected, value, rtol, atol)


# ---- base classes of tests


class TestOptimizationMixin:
    """Assertions about the nodes of a compiled function."""

    def _count(self, f: Any, matches: Callable[[Any], bool], low: int, high: int, what: Any) -> None:
        nodes = f.maker.fgraph.toposort()
        found = [node for node in nodes if matches(node.op)]
        if not low <= len(found) <= high:
            raise AssertionError(f"{what} occurs {len(found)} times, not {low} to {high}, in {nodes}")

    def assertFunctionContains(self, f: Any, op: Any, min: int = 1, max: int = sys.maxsize) -> None:
        """The Op occurs so often."""
        self._count(f, lambda other: other == op, min, max, op)

    def assertFunctionContains0(self, f: Any, op: Any) -> None:
        """The Op doesn't occur."""
        self.assertFunctionContains(f, op, 0, 0)

    def assertFunctionContains1(self, f: Any, op: Any) -> None:
        """The Op occurs once."""
        self.assertFunctionContains(f, op, 1, 1)

    def assertFunctionContainsN(self, f: Any, op: Any, N: int) -> None:
        """The Op occurs N times."""
        self.assertFunctionContains(f, op, N, N)

    def assertFunctionContainsClass(self, f: Any, op: Any, min: int = 1, max: int = sys.maxsize) -> None:
        """Ops of the class occur so often."""
        self._count(f, lambda other: isinstance(other, op), min, max, op)

    def assertFunctionContainsClassN(self, f: Any, op: Any, N: int) -> None:
        """Ops of the class occur N times."""
        self.assertFunctionContainsClass(f, op, N, N)

    def SkipTest(self, msg: str = "Skip this test") -> None:
        """Skip the test."""
        raise SkipTest(msg)


class T_OpContractMixin:
    """What every Op has to do, for those in `self.ops`, which differ from each other."""

    @property
    def other_op(self) -> Op:
        """An Op that is none of `self.ops`."""
        from theanojax import tensor

        return tensor.add

    ops: list[Op] = []

    def copy(self, x: Any) -> Any:
        """A shallow copy."""
        return copy(x)

    def deepcopy(self, x: Any) -> Any:
        """A deep copy."""
        return deepcopy(x)

    def clone(self, op: Op) -> Op:
        """A new Op, made as `op` was."""
        raise NotImplementedError("return new instance like `op`")

    def test_eq(self) -> None:
        """Copies are equal, different Ops are not."""
        for op in self.ops:
            for same in (op, self.copy(op), self.deepcopy(op), self.clone(op)):
                assert op == same
            assert op != self.other_op
            assert all(op != other for other in self.ops if other is not op)

    def test_hash(self) -> None:
        """So are their hashes."""
        for op in self.ops:
            for same in (op, self.copy(op), self.deepcopy(op), self.clone(op)):
                assert hash(op) == hash(same)
            assert hash(op) != hash(self.other_op)

    def test_name(self) -> None:
        """Every Op has a name."""
        assert all(str(op) for op in self.ops)


class InferShapeTester(unittest.TestCase):
    """Compares the shapes that `infer_shape` gives with those of the results."""

    mode: Mode | None = None

    def setUp(self) -> None:
        """Seed the generator, and choose a mode that infers shapes."""
        seed_rng()
        mode = self.mode if self.mode is not None else get_default_mode()
        self.mode = mode.including("canonicalize")

    def _compile_and_check(
        self,
        inputs: Any,
        outputs: Any,
        numeric_inputs: Any,
        cls: Any,
        excluding: Any = None,
        warn: bool = True,
        check_topo: bool = True,
    ) -> None:
        """Check `outputs`; with `check_topo`, that their shapes don't need an Op of class `cls`."""
        mode = self.mode.excluding(*excluding) if excluding else self.mode  # type: ignore[union-attr]
        if warn:
            self._warn_of_equal_lengths(inputs, numeric_inputs, cls)
        values = function(inputs, outputs, mode=mode)
        shapes = function(inputs, [output.shape for output in outputs], mode=mode)
        if check_topo:
            assert not any(isinstance(node.op, cls) for node in shapes.maker.fgraph.toposort())
        assert any(isinstance(node.op, cls) for node in values.maker.fgraph.toposort())
        for value, shape in zip(values(*numeric_inputs), shapes(*numeric_inputs), strict=True):
            assert np.all(value.shape == shape), (value.shape, shape)

    @staticmethod
    def _warn_of_equal_lengths(inputs: Any, numeric_inputs: Any, cls: Any) -> None:
        """A square matrix can't show that rows and columns were mixed up."""
        for variable, value in zip(inputs, numeric_inputs, strict=False):
            if isinstance(value, int | float | list | tuple):
                value = variable.type.filter(value)
            if not hasattr(value, "shape"):
                continue
            known = getattr(variable.type, "broadcastable", (False,) * len(value.shape))
            lengths = [length for length, one in zip(value.shape, known, strict=True) if not one]
            if len(set(lengths)) != len(lengths):
                _logger.warning("%r is tested with equal lengths, %r: mixing them up won't show", cls, value.shape)
                return


class AttemptManyTimes:
    """A decorator: the test may fail, if it succeeds often enough, each time with another seed."""

    def __init__(self, n_attempts: int, n_req_successes: int = 1):
        if n_attempts < n_req_successes:
            raise ValueError(f"{n_req_successes} successes are more than {n_attempts} attempts")
        self.n_attempts, self.n_req_successes = n_attempts, n_req_successes

    def __call__(self, fct: Callable) -> Callable:
        """The test, attempted many times."""

        @functools.wraps(fct)
        def attempt_multiple_times(*args: Any, **kwargs: Any) -> Any:
            seed = first_seed = config.unittests.rseed
            successes = failures = 0
            try:
                while True:
                    config.unittests.rseed = seed
                    if args and hasattr(args[0], "_testMethodName") and hasattr(args[0], "setUp"):
                        args[0].setUp()
                    try:
                        result = fct(*args, **kwargs)
                    except Exception:
                        failures += 1
                        if self.n_attempts - failures < self.n_req_successes:
                            raise
                    else:
                        successes += 1
                        if successes == self.n_req_successes:
                            return result
                    seed = seed if seed == "random" else str(int(seed) + 1)
            finally:
                config.unittests.rseed = first_seed

        return attempt_multiple_times


# ---- theano.tests.record


class MismatchError(Exception):
    """A replayed run differs from the recorded one. See docs/errors.md#mismatcherror."""


class Record:
    """Lines written while recording, and compared while replaying."""

    def __init__(self, file_object: Any = None, file_path: str | None = None, replay: bool = False):
        if file_object is None and file_path is None:
            file_object = io.StringIO()
        self.f = file_object if file_object is not None else open(file_path, "r" if replay else "w")  # type: ignore
        self.replay = replay

    def handle_line(self, line: str) -> None:
        """Write one line, or compare it with the one recorded."""
        if not line.endswith("\n") or "\n" in line[:-1]:
            raise ValueError(f"not a line: {line!r}")
        if not self.replay:
            self.f.write(line)
            return
        old_line = self.f.readline()
        if old_line != line:
            raise MismatchError(
                f"Replay detected mismatch.\n I wanted to write:\n{line}\nwhen previous job wrote:\n{old_line}"
            )


class RecordMode(Mode):
    """A mode that records each node as it runs, with digests of its values, or compares with such a record."""

    def __init__(self, record: Record | None = None, **kwargs: Any):
        from theanojax.compile.linkers import PerformLinker, WrapLinkerMany

        self.record = record if record is not None else Record(**kwargs)

        def note(kind: str, node: Apply, cells: Any) -> None:
            digests = [hex_digest(np.asarray(cell[0])) for cell in cells if isinstance(cell[0], np.ndarray)]
            self.record.handle_line(f"{kind} of {node.op}: {' '.join(digests)}\n")

        def callback(i: int, node: Apply, fn: Callable) -> None:
            note("inputs", node, fn.inputs)
            fn()
            note("outputs", node, fn.outputs)

        super().__init__(linker=WrapLinkerMany([PerformLinker()], [callback]), optimizer="fast_run")


# ---- theano.tests.breakpoint


class PdbBreakpoint(Op):
    """Gives its inputs, less the first, on; stops in the debugger where the first, a condition, is true."""

    __props__ = ("name",)
    side_effect = True

    def __init__(self, name: str):
        self.name = name

    def make_node(self, condition: Any, *monitored_vars: Any) -> Apply:
        """A node whose outputs are views of the variables to look at."""
        from theanojax.tensor.as_tensor import as_tensor_variable

        condition = as_tensor_variable(condition)
        self.view_map = {i: [i + 1] for i in range(len(monitored_vars))}
        return Apply(self, [condition, *monitored_vars], [variable.type() for variable in monitored_vars])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        """Stop, if that is wanted, and give the values on."""
        condition, *monitored = inputs
        if condition:
            print(f"-- Conditional breakpoint '{self.name}' activated --")
            print("The monitored variables are in `monitored`; change them in place to change the run.")
            pdb.set_trace()
        for storage, value in zip(output_storage, monitored, strict=True):
            storage[0] = value

    def infer_shape(self, node: Apply, shapes: Any) -> Any:
        """The shapes of what is given on."""
        return shapes[1:]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Each output comes from one input."""
        n = len(node.outputs)
        return [[False] * n, *([i == j for j in range(n)] for i in range(n))]

    def grad(self, inputs: Any, output_gradients: Any) -> list:
        """The condition has no gradient, and the others have their own."""
        return [DisconnectedType()(), *output_gradients]


# ---- theano.tests.disturb_mem


def disturb_mem() -> None:
    """Allocate a random amount of memory, so that identity hashes differ from run to run."""
    import time

    global _garbage
    _garbage = [object() for _ in range(time.time_ns() % 1000)]


_garbage: list = []
