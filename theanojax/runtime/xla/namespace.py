"""The XLA twin of the host's array namespace, and the settings of jax that the library relies on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import jax.scipy.special as jsp
from jax import lax
from jax.experimental.layout import Layout, with_layout_constraint

from theanojax.arrays import HOST
from theanojax.runtime.xla import platform

if TYPE_CHECKING:
    import numpy.typing as npt

    from theanojax.graph.variable import Variable
    from theanojax.runtime.hints import Array, Shape, Value

jax.config.update("jax_enable_x64", True)  # Theano's default float is float64 and its indices are int64

# A float64 product with a transposed matrix gains if that is transposed first; measured, from such sizes on.
PAYING_COLUMNS = 64
PAYING_PRODUCTS = 1 << 18


def is_known(value: object) -> bool:
    """Whether a value is plain data rather than something XLA is still to compute."""
    if isinstance(value, slice):
        return is_known(value.start) and is_known(value.stop) and is_known(value.step)
    return not isinstance(value, jax.Array)


def _are_powers_of_two(y: npt.ArrayLike) -> bool:
    """Whether `y` and 1 / `y` are the same but for the sign of the exponent, in every float dtype."""
    mantissa, exponent = np.frexp(y)
    return bool(np.all((np.abs(mantissa) == 0.5) & (np.abs(exponent) < 14)))


def _in_double(function: Callable[[jax.Array], jax.Array], x: Array) -> jax.Array:
    return lax.convert_element_type(function(lax.convert_element_type(x, np.float64)), x.dtype)


class Special:
    """scipy.special's names, where jax has the function."""

    def __getattr__(self, name: str) -> Any:
        return getattr(jsp, name)

    @staticmethod
    def gamma(x: Array) -> jax.Array:
        return _in_double(jsp.gamma, x)  # exp of a logarithm: in float32 only 5 digits of it are right

    @staticmethod
    def gammaln(x: Array) -> jax.Array:
        # Lanczos' sum, XLA's, loses all relative accuracy near the zeros at 1 and 2: there the series about 2
        # (Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.33)
        z = jnp.where(x < 1.5, x - 1, x - 2)
        about_2 = [(-1) ** n * HOST.special.zetac(n) / n for n in range(13, 1, -1)] + [1 - np.euler_gamma]
        series = z * jnp.polyval(np.asarray(about_2, x.dtype), z)
        series = jnp.where(x < 1.5, series - jnp.log1p(z), series)
        return jnp.where(abs(z) < 0.125, series, jnp.where(jnp.isneginf(x), x, jsp.gammaln(x)))

    @staticmethod
    def digamma(x: Array) -> jax.Array:
        # near its zero XLA's is right to 1e-16, no digit of which need be true; the Taylor series (Handbook, 6.4.10)
        zero = np.asarray(1.4616321449683622, x.dtype).item()
        slopes = [(-1) ** (n + 1) * HOST.special.zeta(n + 1, zero) for n in range(14, 0, -1)]
        z = x - np.asarray(zero, x.dtype)
        series = jnp.polyval(np.asarray([*slopes, HOST.special.digamma(zero)], x.dtype), z)
        return jnp.where(abs(z) < 0.125, series, jsp.digamma(x))

    @staticmethod
    def erfcx(x: Array) -> jax.Array:
        # jax multiplies by erfc, which is 0 in XLA where it is subnormal; the asymptotic series (Handbook, 7.1.23)
        large = x > (25 if x.dtype == np.float64 else 9)
        u = 0.5 / (x * x)
        series = jnp.polyval(np.asarray([-135135, 10395, -945, 105, -15, 3, -1, 1], x.dtype), u)
        return jnp.where(large, series / (x * np.asarray(np.sqrt(np.pi), x.dtype)), jsp.erfcx(x))

    @staticmethod
    def zeta(s: Array, x: Array) -> jax.Array:
        return jnp.where(jnp.isposinf(x), 0, jsp.zeta(s, x))


def _float_to_int(x: Array, dtype: np.dtype[Any]) -> jax.Array:
    """A cast as numpy does it on x86: small integers are cut from wider ones, what is out of range is the lowest."""
    if dtype == np.uint64:
        signed = lax.convert_element_type(_float_to_int(x, np.dtype("int64")), np.uint64)
        unsigned = jnp.where(x < 2.0**64, lax.convert_element_type(x, np.uint64), np.uint64(0))
        return jnp.where(x >= 2.0**63, unsigned, signed)
    wide = np.int64 if dtype in (np.int64, np.uint32) else np.int32
    limits = np.iinfo(wide)
    value = jnp.where(x < float(limits.max + 1), lax.convert_element_type(x, wide), wide(limits.min))
    return lax.convert_element_type(value, dtype)


class Guarding(Protocol):
    """Where conditions go that have to hold when a program runs."""

    def guard(self, condition: Array) -> None: ...


class XlaNamespace:
    """jax.numpy, plus the verbs that both executors offer.

    Arithmetic on operands of one shape and dtype goes straight to lax: a jax.numpy call costs five times
    the tracing of a lax primitive, which shows on graphs of thousands of nodes.
    """

    name = "xla"
    special = Special()
    lax = lax

    def __init__(self, context: Guarding) -> None:
        self.context = context

    def __getattr__(self, name: str) -> Any:
        value = getattr(jnp, name)
        setattr(self, name, value)
        return value

    @staticmethod
    def astype(x: Array, dtype: npt.DTypeLike) -> Array:
        """`x` as `dtype` with C's rules: floats wrap on their way to small integers."""
        dtype = np.dtype(dtype)
        source = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
        if source == dtype:
            return x
        if is_known(x):
            return np.asarray(x).astype(dtype)
        if source.kind == "f" and dtype.kind in "iu":
            return _float_to_int(x, dtype)
        if source.kind == "b" and dtype.kind == "f":
            # XLA makes a converted mask times y a choice between y and 0, which hides an infinite or undefined y.
            return jnp.where(x, np.ones((), dtype), np.zeros((), dtype))
        if source.kind == "c" and dtype.kind != "c" and dtype.kind != "b":
            return lax.convert_element_type(lax.real(x), dtype)
        if dtype.kind == "b":
            return x != 0
        return lax.convert_element_type(x, dtype)

    @staticmethod
    def true_divide(x: Array, y: Array) -> jax.Array:
        # XLA multiplies by 1 / y where y is broadcast or known, which makes 49 / 49 less than 1, and divides once by a
        # product where x is a quotient itself, which does the same to q / q. It does not see that these choices, where
        # nothing is chosen but what is undefined anyway, are x and y. They cost nothing that could be measured; a
        # barrier keeps loops apart from jax 0.12 on. To compile them takes time: where 1 / y is exact there are none.
        dtype = np.result_type(x.dtype, y.dtype)
        if dtype.kind != "f" or is_known(y) and (is_known(x) or _are_powers_of_two(y)):
            return jnp.true_divide(x, y)
        number = is_known(y) and not np.isnan(y).any()
        x, y = jnp.broadcast_arrays(lax.convert_element_type(x, dtype), lax.convert_element_type(y, dtype))
        return lax.div(x if number else lax.select(y == y, x, y), lax.select(x == x, y, x))

    @staticmethod
    def abs(x: Array) -> jax.Array:
        # XLA takes abs(x) for a number that is not negative, which that of the least integer is
        return lax.max(x, -x) if x.dtype.kind == "i" else jnp.abs(x)

    @staticmethod
    def multiply(x: Array, y: Array) -> jax.Array:
        # XLA takes x * x for a number that is not negative, though integers wrap around: it halves that of 20, -112 as
        # an int8, to 72. The bits of a product are the same without signs.
        dtype = np.result_type(x.dtype, y.dtype)
        if dtype.kind != "i" or is_known(x) and is_known(y):
            return _multiply(x, y)
        unsigned = np.dtype("u" + dtype.name)
        x, y = (lax.convert_element_type(lax.convert_element_type(v, dtype), unsigned) for v in (x, y))
        return lax.convert_element_type(_multiply(x, y), dtype)

    @staticmethod
    def length(n: Any) -> Any:
        """A number as a length: an int, or what stands for one while a function is exported."""
        return int(n) if isinstance(n, (int, np.integer, np.ndarray)) else n

    @staticmethod
    def contract(x: Array, x_axis: int, y: Array, y_axis: int) -> jax.Array:
        """The sum of products over an axis of each operand; the other axes of `x` come first."""
        x, y = jnp.asarray(x), jnp.asarray(y)
        if platform.multiplies_by_rows and (x.ndim, y.ndim, x_axis, x.dtype) == (2, 2, 0, np.float64):
            lengths = *x.shape, y.shape[1 - y_axis]
            known = all(isinstance(n, int) for n in lengths)  # not while a function is exported
            if not known or lengths[-1] >= PAYING_COLUMNS and prod(lengths) >= PAYING_PRODUCTS:
                x, x_axis = lax.optimization_barrier(x.T), 1
        return lax.dot_general(x, y, (((x_axis,), (y_axis,)), ((), ())))

    @staticmethod
    def power(x: Array, y: Array) -> jax.Array:
        if x.dtype.kind not in "iu":
            return jnp.power(x, y)

        # jax's reads the lowest six bits of an exponent; these are as many at a time
        def read_bits(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
            product, x, y = state
            for _ in range(6):
                product, x, y = jnp.where(y & 1 != 0, product * x, product), x * x, y >> 1
            return product, x, y

        x, y = jnp.broadcast_arrays(x, y)
        return lax.while_loop(lambda state: jnp.any(state[2] > 0), read_bits, (jnp.ones_like(x), x, y))[0]

    @staticmethod
    def complex_of(real: Array, imag: Array) -> jax.Array:
        return lax.complex(*jnp.broadcast_arrays(real, imag))

    @staticmethod
    def index_get(x: Array, index: Any) -> jax.Array:
        return jnp.asarray(x)[index]

    @staticmethod
    def index_set(x: Array, index: Any, value: Array) -> jax.Array:
        return jnp.asarray(x).at[index].set(value)

    @staticmethod
    def index_add(x: Array, index: Any, value: Array) -> jax.Array:
        return jnp.asarray(x).at[index].add(value)

    @staticmethod
    def spread(x: Array, widths: Sequence[tuple[int, int, int]], value: Value = 0) -> jax.Array:
        x = jnp.asarray(x)
        return lax.pad(x, np.asarray(value, dtype=x.dtype), widths)

    @staticmethod
    def cut(x: Array, starts: Shape, stops: Shape, steps: Shape) -> jax.Array:
        return lax.slice(jnp.asarray(x), starts, stops, steps)

    @staticmethod
    def row_major(x: jax.Array) -> jax.Array:
        return with_layout_constraint(x, Layout(tuple(range(x.ndim)))) if platform.fourier_by_rows else x

    @staticmethod
    def whole(x: Array) -> Array:
        return x

    @staticmethod
    def window_reduce(x: Array, axis: int, size: int, step: int, name: str) -> jax.Array:
        # Measured on a CPU: slices are the quicker ones for 2 and 3, and take ever longer to compile.
        combine = {"max": lax.max, "add": lax.add}[name]
        count = (x.shape[axis] - size) // step + 1
        if size <= 3:
            last = (count - 1) * step + 1
            return functools.reduce(combine, [lax.slice_in_dim(x, i, i + last, step, axis) for i in range(size)])
        zero = np.zeros((), x.dtype)
        if name == "max":
            zero = np.asarray(-np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
        window, steps = [1] * x.ndim, [1] * x.ndim
        window[axis], steps[axis] = size, step
        return lax.reduce_window(x, zero, combine, window, steps, "VALID")

    def guard(self, condition: Array, exception: object = None) -> None:
        """`condition` must hold when the program runs, or the call is replayed on the host."""
        self.context.guard(condition)

    @staticmethod
    def loop(more: Callable[[Any], Any], step: Callable[[Any], Any], state: Any) -> Any:
        return lax.while_loop(more, step, state)

    def within(self, x: Array, ok: Array) -> jax.Array:
        self.context.guard(jnp.all(ok))
        return jnp.where(ok, x, 1)

    @staticmethod
    def bessel_jn(z: Array, order: int) -> jax.Array:
        return jsp.bessel_jn(z, v=order)[order]

    # XLA's halve exp(x) by exp(x - log 2), whose argument is rounded: an error of |x| / 2 units in the last place
    @staticmethod
    def sinh(x: Array) -> jax.Array:
        if np.dtype(x.dtype).kind != "f":
            return jnp.sinh(x)
        e = jnp.exp(abs(x) / 2)
        return jnp.where(abs(x) < 1, jnp.sinh(x), jnp.copysign((e / 2) * e - (0.5 / e) / e, x))

    @staticmethod
    def cosh(x: Array) -> jax.Array:
        if np.dtype(x.dtype).kind != "f":
            return jnp.cosh(x)
        e = jnp.exp(abs(x) / 2)
        return (e / 2) * e + (0.5 / e) / e

    @staticmethod
    def expm(a: Array) -> jax.Array:
        return jsl.expm(a, max_squarings=64)

    @staticmethod
    def sort(x: Array, axis: int = -1) -> jax.Array:
        return jnp.sort(x, axis=axis, stable=True)

    @staticmethod
    def argsort(x: Array, axis: int = -1) -> jax.Array:
        return jnp.argsort(x, axis=axis, stable=True)


def _direct(name: str) -> Callable[[Array, Array], jax.Array]:
    slow, fast = (
        getattr(jnp, name),
        {"subtract": lax.sub, "multiply": lax.mul, "add": lax.add, "maximum": lax.max, "minimum": lax.min}[name],
    )

    def binary(a: Array, b: Array) -> jax.Array:
        if (
            isinstance(a, jax.Array)
            and isinstance(b, jax.Array)
            and a.shape == b.shape
            and a.dtype == b.dtype
            and a.dtype != bool
        ):
            return fast(a, b)
        return slow(a, b)

    return binary


_multiply = _direct("multiply")
for _name in ("add", "subtract", "maximum", "minimum"):
    setattr(XlaNamespace, _name, staticmethod(_direct(_name)))


def cast_value(value: Value, var: Variable) -> Value:
    """`value` in the dtype that its variable declares."""
    dtype = getattr(var.type, "dtype", None)
    if dtype is None or value is None:
        return value
    if is_known(value):
        return np.asarray(value, dtype=dtype)
    if value.dtype != dtype:
        value = XlaNamespace.astype(value, dtype)
    ndim = getattr(var.type, "ndim", value.ndim)
    if value.ndim != ndim:
        raise AssertionError("%s was lowered to %d dimensions, not %d" % (var.owner, value.ndim, ndim))
    return value
