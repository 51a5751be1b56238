"""What Theano's own tests have for authors of Ops: theano.tests.test_rop and theano.tensor.tests.test_basic."""

import unittest

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.legacy import op_tests


class Double(theano.Op):
    __props__ = ("factor",)

    def __init__(self, factor=2):
        self.factor = factor

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] * 2

    def grad(self, inputs, output_grads):
        return [output_grads[0] * self.factor]

    def R_op(self, inputs, eval_points):
        return [None] if eval_points[0] is None else self.grad(inputs, eval_points)


def ran(test):
    """Numbers of the tests that ran, failed, ended in an error and were skipped."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(test).run(result)
    return result.testsRun, len(result.failures), len(result.errors), len(result.skipped)


def test_rop_and_lop_are_compared_with_the_jacobian():
    class OfDouble(op_tests.RopLop_checker):
        def test_vector(self):
            self.check_rop_lop(Double()(self.x), self.in_shape)

        def test_matrix(self):
            self.check_mat_rop_lop(Double()(self.mx).sum(axis=0), (self.mat_in_shape[1],))

        def test_no_derivative(self):
            self.check_nondiff_rop(self.x.shape[0])

    assert ran(OfDouble) == (3, 0, 0, 0)


def test_a_wrong_R_op_is_found():
    class WrongRop(Double):
        def R_op(self, inputs, eval_points):
            return [eval_points[0] * 5]

    class OfWrong(op_tests.RopLop_checker):
        def test_vector(self):
            self.check_rop_lop(WrongRop()(self.x), self.in_shape)

        def test_derivative(self):
            self.check_nondiff_rop(WrongRop()(self.x))

    assert ran(OfWrong) == (2, 2, 0, 0)


def made(op=None, **changed):
    values = (np.random.rand(3, 4),)
    arguments = dict(
        name="DoubleTester",
        op=op or Double(),
        expected=lambda x: x * 2,
        checks={"even": lambda inputs, outputs: np.all(outputs[0] % 2 < 2)},
        good={"matrix": values, "row": (np.random.rand(1, 4),), "integers": (np.arange(3),)},
        bad_build={"text": (["a"],)},
        grad={"matrix": values},
    )
    return op_tests.makeTester(**{**arguments, **changed})


def test_makeTester():
    cls = made()
    assert cls.__name__ == "DoubleTester" and issubclass(cls, unittest.TestCase)
    assert ran(cls) == (5, 0, 0, 0)
    assert ran(made(skip="not now")) == (5, 0, 0, 5)


@pytest.mark.parametrize(
    "changed, failures, errors",
    [
        (dict(expected=lambda x: x * 3), 1, 0),
        (dict(expected=lambda x: x.astype("float32") * 2), 1, 0),
        (dict(expected={"matrix": np.zeros((3, 4)), "row": np.zeros((1, 4)), "integers": np.zeros(3)}), 1, 0),
        (dict(checks={"small": lambda inputs, outputs: False}), 1, 0),
        (dict(bad_build={"numbers": (np.ones(2),)}), 1, 0),
        (dict(bad_runtime={"numbers": (np.ones(2),)}), 1, 0),
        (dict(op=Double(3)), 0, 1),  # of the gradient
        (dict(grad=True, good={"matrix": (np.random.rand(3, 4),)}), 0, 0),
    ],
)
def test_what_makeTester_finds(changed, failures, errors):
    assert ran(made(**changed)) == (5, failures, errors, 0)


def test_an_error_says_which_values_it_is_of():
    class Fails(Double):
        def perform(self, node, inputs, output_storage):
            raise RuntimeError("out of luck")

    result = unittest.TestResult()
    made(Fails(), grad={})("test_good").run(result)
    assert "::integers" in result.errors[0][1] and "out of luck" in result.errors[0][1]


def test_paths():
    from theano.tensor.tests.test_basic import makeTester
    from theano.tests.test_rop import RopLop_checker, break_op

    assert makeTester is op_tests.makeTester and RopLop_checker is op_tests.RopLop_checker
    assert break_op is op_tests.break_op
