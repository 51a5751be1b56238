"""Grows random graphs; every variable carries a test value, so that each step knows the real shapes."""

import numpy as np

import theano
import theano.tensor as T
from theanojax.errors import MethodNotDefined, NullTypeGradError
from theanojax.graph.shared import SharedVariable
from theanojax.graph.traverse import ancestors, inputs as leaves

SHAPES = [
    (),
    (),
    (1,),
    (3,),
    (4,),
    (5,),
    (2, 3),
    (3, 4),
    (3, 3),
    (1, 4),
    (0,),
    (2, 0),
    (2, 1, 3),
    (2, 3, 2),
    (1, 2, 3, 2),
]
FLOATS = ("float64", "float64", "float64", "float32", "float32")
INTS = ("int64", "int64", "int32", "int16", "int8")
UINTS = ("uint8", "uint16", "uint32", "uint64")
COMPLEX = ("complex128", "complex64")
DTYPES = FLOATS * 3 + INTS * 2 + UINTS + COMPLEX + ("bool", "bool", "float16")
KINDS = {"f": FLOATS, "i": INTS, "u": UINTS, "c": COMPLEX, "b": ("bool",), "d": ("float64",)}
MOST_ELEMENTS, MOST_DIMENSIONS, LARGEST = 200, 5, 1e5

# What Theano says, too, of gradients that it left out or cannot express.
NO_GRADIENT = (
    "object has no attribute 'grad'",
    "illegally  returned an integer-valued variable",
    "Casting from complex to real is ambiguous",  # of comparisons
    "Variable type field must be a TensorType",  # of batch normalization's statistics
    "You cannot drop a non-broadcastable dimension",  # of diag(x) for a number x in a new dimension
    "array must not contain infs or NaNs",
)  # the last: of an infinite example value, by scipy

STEPS = {}  # name -> (function of a Builder, weight, whether the result's shape depends on shapes alone)


def step(weight=1.0, fixed=True):
    """Register a function that takes a Builder and returns a variable, several, or None if nothing fits."""

    def register(function):
        STEPS[function.__name__] = function, weight, fixed
        return function

    return register


def value_of(v):
    return v.data if isinstance(v, theano.Constant) else v.tag.test_value


def shape_of(v):
    return np.shape(value_of(v))


def size_of(v):
    return int(np.prod(shape_of(v)))


def kind_of(v):
    """ "f" for floats, "i", "u", "b", "c"; float16 is a kind of its own, "h": few Ops are asked to be exact there."""
    return "h" if v.dtype == "float16" else np.dtype(v.dtype).kind


def fits(a, b):
    """Whether the values broadcast as Theano's types say: equal lengths, or a declared 1."""
    pairs = zip(shape_of(a)[::-1], shape_of(b)[::-1], a.broadcastable[::-1], b.broadcastable[::-1])
    return all(m == n or p or q for m, n, p, q in pairs)


class Builder:
    """Grows a graph from random inputs by random steps.

    One that has a `pool` to begin with builds the body of a loop: it adds constants where others add inputs.
    """

    def __init__(self, rng, pool=None):
        self.rng, self.inner = rng, pool is not None
        self.inputs, self.values = [], []
        self.pool = list(pool or ())  # what later steps may use
        self.dead = []  # infinite, undefined or huge values: outputs and no more, see `keep`

    # ---------------------------------------------------------------- choices
    def chance(self, p=0.5):
        return self.rng.uniform() < p

    def one(self, choices):
        return choices[self.rng.randint(len(choices))]

    def int(self, low, high):
        """A Python int with low <= n < high."""
        return int(self.rng.randint(low, high))

    def pick(self, ok=lambda v: True):
        found = [v for v in self.pool if ok(v)]
        return self.one(found) if found else None

    def input(self, dtype, shape):
        """A new input."""
        value = self.array(dtype, shape)
        if self.inner:
            return T.constant(value)
        pattern = [n == 1 and self.chance() for n in shape]
        return self.add_input(T.TensorType(dtype, pattern)("v%d" % len(self.inputs)), value)

    def add_input(self, v, value):
        v.tag.test_value = value
        self.inputs.append(v)
        self.values.append(value)
        if isinstance(v.type, T.TensorType):
            self.pool.append(v)
        return v

    def array(self, dtype, shape):
        """Small numbers, with repetitions and, among floats, fractions."""
        kind = np.dtype(dtype).kind
        low, high = {"b": (0, 2), "u": (0, 6)}.get(kind, (-3, 4))
        value = self.rng.randint(low, high, shape)
        if kind in "fc" and self.chance(0.8):
            value = value + self.rng.uniform(-0.5, 0.5, shape)
        if kind == "c":
            value = value + 1j * self.rng.uniform(-2, 2, shape)
        return np.asarray(value).astype(dtype)

    def take(self, kinds="fiub", ndim=None, shape=None, least=0, ok=lambda v: True):
        """A variable of these kinds, numbers of dimensions and this shape; a new input if the pool has none."""
        ndims = (ndim,) if isinstance(ndim, int) else ndim

        def good(v):
            return (
                kind_of(v) in kinds
                and (ndims is None or v.ndim in ndims)
                and size_of(v) >= least
                and (shape is None or shape_of(v) == tuple(shape))
                and ok(v)
            )

        found = self.pick(good)
        if found is not None and self.chance(0.95):
            return found
        dtype = self.one(KINDS[self.one([k for k in kinds if k in KINDS])])
        if shape is None:
            shapes = [s for s in SHAPES if (ndims is None or len(s) in ndims) and np.prod(s) >= least]
            shape = self.one(shapes) if shapes else (2,) * self.one(ndims)
        v = self.input(dtype, shape)
        return v if ok(v) else found

    def floats(self, ndim=None, shape=None, least=0):
        return self.take("f", ndim, shape, least)

    def scalar_int(self):
        """A symbolic integer scalar, small often enough."""
        return self.take("i", 0)

    def below(self, n):
        """A symbolic integer from 0 to n - 1."""
        return self.scalar_int() % n

    def within(self, v, low, high):
        """`v`, clipped where it leaves the domain."""
        value = value_of(v)
        if np.all((value >= low) & (value <= high)):
            return v
        if kind_of(v) not in "fh":
            v = T.cast(v, "float64")
        return T.clip(v, np.asarray(low, v.dtype), np.asarray(high, v.dtype))

    # ---------------------------------------------------------------- growing
    def keep(self, v):
        if not isinstance(v.type, T.TensorType) or size_of(v) > MOST_ELEMENTS or v.ndim > MOST_DIMENSIONS:
            return
        value = value_of(v)
        if np.dtype(v.dtype).kind in "fc" and not (np.all(np.isfinite(value)) and np.all(abs(value) < LARGEST)):
            # Theano's rewrites may replace an undefined value (x / x is 1), so nothing is built on them
            self.dead.append(v)
        else:
            self.pool.append(v)

    def take_step(self, fixed=False):
        names = [n for n in STEPS if STEPS[n][2] or not fixed]
        weights = np.array([STEPS[n][1] for n in names])
        name = names[int(self.rng.choice(len(names), p=weights / weights.sum()))]
        try:
            made = STEPS[name][0](self)
        except (IndexError, ValueError):
            return  # its example values do not fit, some only in the second step of a loop
        for v in made if isinstance(made, (list, tuple)) else [made]:
            if v is not None:
                self.keep(v)

    def grow(self, steps):
        """(inputs, outputs, input values)"""
        for _ in range(1 + self.rng.randint(3)):
            self.input(self.one(DTYPES), self.one(SHAPES))
        for _ in range(steps):
            self.take_step()
        outs = [v for v in self.pool if v.owner is not None][-4:] + self.dead[-1:]
        if self.chance(0.5):
            outs += self.gradients()
        return self.without_shared(outs)

    def gradients(self):
        """Gradients of one of the last variables with respect to float inputs, where there are any."""
        wrt = [v for v in self.inputs if getattr(v, "dtype", None) in FLOATS]
        costs = [v for v in self.pool[-6:] if kind_of(v) == "f" and not set(wrt).isdisjoint(ancestors([v]))]
        if not costs:
            return []
        found = [g for g in gradients(self.one(costs), wrt) if g.owner is not None and size_of(g) <= 4 * MOST_ELEMENTS]
        return found[:2]

    def without_shared(self, outs):
        """The graph with an input in place of each shared variable (the states of random streams)."""
        shared = [v for v in leaves(outs) if isinstance(v, SharedVariable)]
        if shared:
            swap = {v: v.type() for v in shared}
            outs = theano.clone(outs, replace=swap)
            self.inputs += [swap[v] for v in shared]
            self.values += [v.get_value() for v in shared]
        return self.inputs, outs, self.values


def gradients(cost, wrt):
    """Those of the sum of `cost`; none where Theano has none."""
    try:
        return T.grad(T.sum(cost), wrt, disconnected_inputs="ignore")
    except (NullTypeGradError, NotImplementedError, MethodNotDefined):
        return []
    except (AttributeError, TypeError, ValueError) as e:
        if any(words in str(e) for words in NO_GRADIENT):
            return []
        raise


@step(1)
def slope(b):
    """The gradient of a variable with respect to what it was made from."""
    v = b.pick(lambda v: v.owner is not None and kind_of(v) == "f" and any(is_float(x) for x in v.owner.inputs))
    return None if v is None else gradients(v, [b.one([x for x in v.owner.inputs if is_float(x)])])


def is_float(v):
    return getattr(v, "dtype", None) in FLOATS and not isinstance(v, theano.Constant)


def random_graph(seed, steps=10):
    """(inputs, outputs, input values) of the graph number `seed`."""
    flags = {"compute_test_value": "raise", "warn_float64": "ignore", "on_opt_error": "raise"}
    with theano.change_flags(**flags), np.errstate(all="ignore"):
        return Builder(np.random.RandomState(seed % 2**32)).grow(steps)
