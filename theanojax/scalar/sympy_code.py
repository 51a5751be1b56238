"""SymPyCCode: a scalar Op made of a sympy expression. sympy is only needed when one is used."""

import itertools

from theanojax import scalar as S
from theanojax.graph.variable import Constant
from theanojax.scalar.op import ScalarOp
from theanojax.scalar.types import float32, float64, int64

try:
    import sympy
except ImportError:
    sympy = None

imported_sympy = sympy is not None
names = ("sympy_func_%d" % i for i in itertools.count(0))


def include_line(line):
    """Whether a line of C includes a header."""
    return "#include" in line


def sympy_dtype(expr):
    """The C type that sympy gives to an expression."""
    from sympy.utilities.codegen import get_default_datatype

    return get_default_datatype(expr).cname


def theano_dtype(expr):
    """The scalar type of an expression."""
    return {"double": float64, "float": float32, "int": int64}[sympy_dtype(expr)]


class SymPyCCode(ScalarOp):
    """The sympy expression `expr` of the symbols `inputs`.

    >>> x, y = sympy.symbols("x y")
    >>> op = SymPyCCode([x, y], x + y)
    """

    work = "own"

    def __init__(self, inputs, expr, name=None):
        super().__init__(name=name or next(names))
        self.inputs = list(inputs)
        self.expr = expr
        self.nin = len(self.inputs)

    def output_types_preference(self, *types):
        return [theano_dtype(self.expr)]

    def impl(self, *values):
        return sympy.lambdify(self.inputs, self.expr, modules="numpy")(*values)

    def grad(self, inputs, output_gradients):
        (gz,) = output_gradients
        slopes = [
            SymPyCCode(self.inputs, self.expr.diff(v), name="%s_grad_%d" % (self.name, i))
            for i, v in enumerate(self.inputs)
        ]
        found = [slope(*inputs) for slope in slopes]
        # Theano gives the slopes alone, whatever `gz` is; programs look at their Ops where it is 1
        filled = gz.owner.inputs[1] if gz.owner is not None and gz.owner.op == S.second else gz
        return found if isinstance(filled, Constant) and filled.data == 1 else [gz * slope for slope in found]

    def _key(self):
        return type(self), self.expr, tuple(self.inputs), self.name

    def __eq__(self, other):
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self):
        return hash(self._key())
