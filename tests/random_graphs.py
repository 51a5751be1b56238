"""Random graphs over all families of Ops, for comparing the two executors."""

import numpy as np

import theano
import theano.tensor as T

SHAPES = [(), (1,), (3,), (4,), (2, 3), (3, 4), (1, 4), (0,), (2, 0), (2, 1, 3)]


class Builder:
    """Grows a graph from random inputs by random steps; every variable has a test value of its real shape."""

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed % 2**32)
        self.inputs, self.values, self.pool = [], [], []

    def pick(self, ok=lambda v: True):
        found = [v for v in self.pool if ok(v)]
        return found[self.rng.randint(len(found))] if found else None

    def add_input(self):
        rng = self.rng
        shape = SHAPES[rng.randint(len(SHAPES))]
        dtype = ["float64", "float64", "float32", "int64", "int32", "int8", "bool"][rng.randint(7)]
        value = np.asarray(rng.randint(0, 2, shape) if dtype == "bool" else rng.randint(-3, 4, shape)).astype(dtype)
        if dtype.startswith("float"):
            value = (value + rng.uniform(-0.5, 0.5, shape)).astype(dtype)
        v = T.TensorType(dtype, (False,) * len(shape))("v%d" % len(self.inputs))
        v.tag.test_value = value
        self.inputs.append(v)
        self.values.append(value)
        self.pool.append(v)

    def grow(self, steps):
        for _ in range(1 + self.rng.randint(3)):
            self.add_input()
        while steps:
            name = STEPS[self.rng.randint(len(STEPS))]
            v = getattr(self, name)()
            if v is not None and size_of(v) < 500:
                self.pool.append(v)
            steps -= 1
        outs = [v for v in self.pool if v.owner is not None][-4:]
        return self.inputs, outs, self.values

    # ---------------------------------------------------------------- steps
    def unary(self):
        v = self.pick()
        op = [T.exp, T.tanh, T.sqr, T.neg, T.abs_, T.sgn, T.ceil, T.floor, T.sin, T.cos, T.log1p, T.nnet.sigmoid,
              T.isnan, T.round, T.expm1, T.erf][self.rng.randint(16)]
        if v.dtype == "bool" and op in (T.neg, T.sgn):
            return None
        if op is T.round or (v.dtype in ("int8", "bool") and op not in (T.neg, T.abs_, T.sgn, T.sqr)):
            v = T.cast(v, "float64")
        return op(T.clip(v, -5, 5)) if op in (T.exp, T.expm1, T.sqr) and v.dtype != "bool" else op(v)

    def binary(self):
        a = self.pick()
        b = self.pick(lambda v: fits(a, v))
        op = [T.add, T.mul, T.maximum, T.minimum, T.eq, T.lt, T.ge, T.sub, T.true_div, T.pow][self.rng.randint(10)]
        if op is T.sub and a.dtype == b.dtype == "bool":
            return None
        if op is T.true_div:
            return a / (T.abs_(T.cast(b, "float64")) + 1)
        if op is T.pow:
            return T.abs_(T.cast(a, "float64")) ** T.clip(T.cast(b, "int8"), 0, 3)
        return op(a, b)

    def integers(self):
        a = self.pick(lambda v: v.dtype.startswith("int"))
        if a is None:
            return None
        b = self.pick(lambda v: v.dtype.startswith("int") and fits(a, v))
        op = [T.int_div, T.mod, T.bitwise_and, T.or_, T.xor][self.rng.randint(5)]
        if op in (T.int_div, T.mod):
            b = T.switch(T.eq(b, 0), 1, b)
        return op(a, b)

    def switch(self):
        a = self.pick()
        b = self.pick(lambda v: fits(a, v))
        c = self.pick(lambda v: fits(a, v) and fits(b, v))
        if c is None:
            return None
        return T.switch(T.gt(T.cast(c, "float64"), 0), a, b)

    def cast(self):
        v = self.pick()
        kinds = ["float64", "float32", "int64", "int32", "int8", "bool"]
        return T.cast(v, kinds[self.rng.randint(6)])

    def reduce(self):
        v = self.pick(lambda v: v.ndim > 0 and size_of(v) > 0)
        if v is None:
            return None
        axis = [None, 0, v.ndim - 1, list(range(v.ndim))][self.rng.randint(4)]
        keep = bool(self.rng.randint(2))
        op = [T.sum, T.prod, T.max, T.min, T.mean, T.all, T.any][self.rng.randint(7)]
        if op in (T.max, T.min, T.mean) and v.dtype == "bool":
            v = T.cast(v, "int64")
        if op is T.prod:
            v = T.clip(T.cast(v, "float64"), -2, 2)
        if op in (T.all, T.any):
            v = T.neq(v, 0)
        return op(v, axis=axis, keepdims=keep)

    def argument(self):
        v = self.pick(lambda v: v.ndim > 0 and size_of(v) > 0 and v.dtype != "bool")
        if v is None:
            return None
        axis = int(self.rng.randint(v.ndim))
        op = [T.argmax, T.argmin, T.argsort, T.sort, T.cumsum][self.rng.randint(5)]
        return op(v, axis=axis)

    def shuffle(self):
        v = self.pick()
        order = list(self.rng.permutation(v.ndim))
        order = [int(o) for o in order]
        if self.rng.randint(2) and v.ndim < 4:
            order.insert(self.rng.randint(len(order) + 1), "x")
        return v.dimshuffle(*order)

    def reshape(self):
        v = self.pick()
        how = self.rng.randint(3)
        if how == 0:
            return v.flatten()
        if how == 1:
            return v.reshape((-1, 1)) if size_of(v) else None
        return v.reshape((T.prod(v.shape, dtype="int64"),)) if v.ndim else None

    def slice(self):
        v = self.pick(lambda v: v.ndim > 0)
        if v is None:
            return None
        return v[self.index(v)]

    def index(self, v, arrays=True):
        index = []
        for d, n in enumerate(shape_of(v)):
            how = self.rng.randint(6)
            i = self.pick(lambda u: u.ndim == 0 and u.dtype.startswith("int"))
            if how == 0 and n > 0:
                index.append(int(self.rng.randint(-n, n)))
            elif how == 1 and n > 0 and i is not None:
                index.append(i % n)
            elif how == 2 and i is not None:
                index.append(slice(None, i))
            elif how == 3 and arrays and n > 0 and d == 0:
                index.append(list(self.rng.randint(-n, n, 2)))
            else:
                a, b = self.rng.randint(-n - 1, n + 2, 2)
                step = [None, 1, 2, -1, -2][self.rng.randint(5)]
                index.append(slice(None if self.rng.randint(3) == 0 else int(a),
                                   None if self.rng.randint(3) == 0 else int(b), step))
        return tuple(index)

    def write(self):
        v = self.pick(lambda v: v.ndim > 0 and v.dtype.startswith("float"))
        if v is None:
            return None
        part = v[self.index(v)]
        new = self.rng.uniform(-1, 1)
        op = [T.set_subtensor, T.inc_subtensor][self.rng.randint(2)]
        return op(part, T.cast(new, v.dtype))

    def mask(self):
        v = self.pick(lambda v: v.ndim > 0)
        if v is None:
            return None
        return v[T.gt(T.cast(v, "float64"), 0)]

    def join(self):
        a = self.pick(lambda v: v.ndim > 0)
        if a is None:
            return None
        b = self.pick(lambda v: v.ndim == a.ndim and shape_of(v)[1:] == shape_of(a)[1:])
        return [T.concatenate([a, b]), T.stack([a, a])][self.rng.randint(2)]

    def dot(self):
        a = self.pick(lambda v: v.ndim in (1, 2) and v.dtype.startswith("float"))
        if a is None:
            return None
        b = self.pick(lambda v: v.ndim in (1, 2) and v.dtype.startswith("float") and shape_of(v)[0] == shape_of(a)[-1])
        return None if b is None else T.dot(a, b)

    def create(self):
        v = self.pick(lambda v: v.ndim > 0)
        if v is None:
            return None
        return [T.arange(v.shape[0]), T.zeros((v.shape[0], 2)), T.ones_like(v), T.eye(v.shape[0]),
                T.alloc(T.cast(1.5, "float32"), v.shape[0] + 1)][self.rng.randint(5)]

    def repeat(self):
        v = self.pick(lambda v: v.ndim == 1)
        return None if v is None else [T.repeat(v, 2), T.tile(v, (2,)), T.repeat(v, v.shape[0])][self.rng.randint(3)]

    def softmax(self):
        v = self.pick(lambda v: v.ndim == 2 and v.dtype.startswith("float") and size_of(v) and not v.broadcastable[1])
        return None if v is None else T.nnet.softmax(v)


STEPS = ["unary", "unary", "binary", "binary", "integers", "switch", "cast", "reduce", "argument", "shuffle", "reshape",
         "slice", "slice", "write", "mask", "join", "dot", "create", "repeat", "softmax"]


def shape_of(v):
    return np.shape(v.tag.test_value)


def size_of(v):
    return int(np.prod(shape_of(v)))


def fits(a, b):
    """Whether the values broadcast as Theano's types say: equal lengths, or a declared 1."""
    if a.ndim != b.ndim:
        return a.ndim == 0 or b.ndim == 0
    return all(m == n or p or q for m, n, p, q in zip(shape_of(a), shape_of(b), a.broadcastable, b.broadcastable))


def random_graph(seed, steps=12):
    """(inputs, outputs, input values) of the graph number `seed`."""
    with theano.change_flags(compute_test_value="raise"), np.errstate(all="ignore"):
        return Builder(seed).grow(steps)
