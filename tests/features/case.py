"""What a program is: its name, what it finds against what is right, and the error that it ends in, if it does."""

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

import theano
import theano.tensor as T

x, y = T.dvectors("x", "y")
m, w = T.dmatrices("m", "w")
n, i = T.iscalar("n"), T.lscalar("i")
X, M = np.arange(1.0, 5.0), np.arange(6.0).reshape(2, 3)

ZERO, ONE = T.constant(np.float64(0)), T.constant(np.float64(1))

PROGRAMS: dict = {}


@dataclass
class Program:
    """`build` returns pairs of what it found and what is right; or it ends in `error`, whose text matches `text`."""

    build: Any
    error: Any = None
    text: str = ""

    def run(self, folder):
        """What `build` returns, which may write into `folder`."""
        takes = inspect.signature(self.build).parameters
        return self.build(folder) if "tmp_path" in takes else self.build()


def run_all(folder):
    """Run the programs that end in no error, but for the one that needs graphviz, each in a folder of its own."""
    for name, program in PROGRAMS.items():
        if not program.error and name != "pydotprint":
            own = folder / name
            own.mkdir()
            program.run(own)


def _add(name, made):
    assert name not in PROGRAMS, name
    PROGRAMS[name] = made


def program(f):
    """A function whose name is the program's."""
    _add(f.__name__, Program(f))
    return f


def raises(error, text=""):
    """A function that ends in `error`."""

    def mark(f):
        _add(f.__name__, Program(f, error, text))
        return f

    return mark


def row(name, inputs, out, calls):
    """A program of one output, called with each of the (arguments, expected value) pairs."""

    def build():
        f = theano.function(inputs, out, on_unused_input="ignore")
        pairs = []
        for _ in range(2):  # compiled, then from the cache
            for args, expected in calls:
                got = f(*args)
                pairs += [(got.dtype.name, out.dtype), (got, np.asarray(expected, dtype=out.dtype))]
        return pairs

    _add(name, Program(build))


def failing(name, inputs, out, args, error):
    """A program of one output, whose call with `args` ends in `error`, which names the node."""
    _add(name, Program(lambda: theano.function(inputs, out)(*args), error, "Apply node that caused the error"))


def run(out, *pairs, **options):
    """The value of `out` for (variable, value) pairs, from a function compiled with `options`."""
    return theano.function([v for v, _ in pairs], out, **options)(*[a for _, a in pairs])


class Times(theano.Op):
    """Only a perform, as users write it; counts its runs."""

    __props__ = ("factor",)
    runs = 0

    def __init__(self, factor):
        self.factor = factor

    def make_node(self, a):
        a = T.as_tensor_variable(a)
        return theano.Apply(self, [a], [a.type()])

    def perform(self, node, inputs, outputs):
        Times.runs += 1
        outputs[0][0] = inputs[0] * self.factor

    def grad(self, inputs, grads):
        return [grads[0] * self.factor]

    def infer_shape(self, node, shapes):
        return shapes
