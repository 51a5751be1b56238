"""HOST, the numpy side of the array namespace that Ops are written against.

``compute(xp, node, *inputs)`` of an Op receives either HOST or its twin in ``runtime/``. Both pass numpy's
functions through and add the verbs below, which numpy and jax.numpy spell differently. A new verb is added
to both.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from theanojax.config import config
from theanojax.first_import import unnoticed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import DTypeLike, NDArray


def is_number(length: Any) -> bool:
    """Whether a length is known. That of a batch which is exported for any length is a letter of jax's."""
    return isinstance(length, (int, np.integer, np.ndarray))


def as_length(length: Any) -> Any:
    """`length` as an int, or the letter that it is."""
    return int(length) if is_number(length) else length


ALIGNMENT = 64  # bytes: XLA reads numpy's memory in place from such an address on, and copies it otherwise


def aligned_empty(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """An uninitialised C-contiguous array whose memory starts at a multiple of 64 bytes."""
    dtype = np.dtype(dtype)
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.empty(nbytes + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + nbytes].view(dtype).reshape(shape)


def aligned_copy(array: NDArray[Any]) -> NDArray[Any]:
    """A C-contiguous copy of an array that XLA can read in place."""
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


class HostNamespace:
    """numpy, plus the verbs that both executors offer."""

    name = "host"

    def __getattr__(self, name: str) -> Any:
        if name == "special":
            with unnoticed():
                import scipy.special as value  # scipy is half of what importing the package would cost
        else:
            value = getattr(np, name)
        setattr(self, name, value)  # the next look-up costs nothing
        return value

    @staticmethod
    def astype(x: Any, dtype: DTypeLike) -> NDArray[Any]:
        """`x` as `dtype`; casts of floats to integers wrap as C does."""
        return np.asarray(x).astype(dtype, copy=False)

    length = staticmethod(int)

    @staticmethod
    def power(x: Any, y: Any) -> Any:
        """``x ** y`` for operands of one dtype. Integers wrap around; their exponents may not be negative."""
        if y.size == 1 and y.ndim <= x.ndim and y.dtype.kind == "f" and y.item() == 0.5:
            return np.sqrt(x)  # numpy's power, when it is vectorised, is right but for one unit in the last place
        return np.power(x, y)

    @staticmethod
    def complex_of(real: Any, imag: Any) -> NDArray[Any]:
        """The complex numbers with these parts, two float arrays of one dtype; infinite parts are kept apart."""
        real, imag = np.broadcast_arrays(real, imag)
        out = np.empty(real.shape, dtype=np.result_type(real.dtype, np.complex64))
        out.real, out.imag = real, imag
        return out

    @staticmethod
    def index_get(x: Any, index: Any) -> Any:
        return x[index]

    @staticmethod
    def index_set(x: Any, index: Any, value: Any) -> NDArray[Any]:
        """A copy of `x` with ``x[index] = value``."""
        x = np.array(x)
        x[index] = value
        return x

    @staticmethod
    def index_add(x: Any, index: Any, value: Any) -> NDArray[Any]:
        """A copy of `x` with `value` added at `index`; repeated indices add up."""
        x = np.array(x)
        np.add.at(x, index, value)
        return x

    @staticmethod
    def spread(x: NDArray[Any], widths: Sequence[tuple[int, int, int]], value: Any = 0) -> NDArray[Any]:
        """`x` with `value` around and between its elements: (before, after, between) for each dimension.

        Negative numbers before and after cut elements off.
        """
        full = [max(n + (n - 1) * gap if n else 0, 0) for n, (_, _, gap) in zip(x.shape, widths)]
        out = np.full([n + max(a, 0) + max(b, 0) for n, (a, b, _) in zip(full, widths)], value, dtype=x.dtype)
        places = tuple([slice(max(a, 0), max(a, 0) + n, gap + 1) for n, (a, _, gap) in zip(full, widths)])
        out[places] = x
        return out[tuple([slice(max(-a, 0), n - max(-b, 0)) for n, (a, b, _) in zip(out.shape, widths)])]

    @staticmethod
    def cut(x: NDArray[Any], starts: Sequence[int], stops: Sequence[int], steps: Sequence[int]) -> NDArray[Any]:
        """``x[start:stop:step, ...]`` with plain numbers that are not negative."""
        return x[tuple(map(slice, starts, stops, steps))]

    @staticmethod
    def window_reduce(x: NDArray[Any], axis: int, size: int, step: int, name: str) -> NDArray[Any]:
        """ "max" or "add" of each stretch of `size` elements along `axis`, `step` apart."""
        combine = np.maximum if name == "max" else np.add
        last = (x.shape[axis] - size) // step * step + 1
        lead = (slice(None),) * axis
        return functools.reduce(combine, [x[lead + (slice(i, i + last, step),)] for i in range(size)])

    @staticmethod
    def guard(condition: Any, exception: Any = None) -> None:
        """A condition that must hold. On the host `exception` (an instance or a callable that makes one) is raised.

        XLA cannot raise: there the call is replayed on the host.
        """
        if exception is not None and not np.all(condition):
            raise exception() if callable(exception) else exception

    @staticmethod
    def loop(more: Callable[[Any], Any], step: Callable[[Any], Any], state: Any) -> Any:
        """`state`, a tuple of arrays, after as many calls of `step` as `more` of it holds."""
        while more(state):
            state = step(state)
        return state

    @staticmethod
    def within(x: Any, ok: Any) -> Any:
        """`x`, for what XLA computes only where `ok`; elsewhere it leaves the call to the host."""
        return x

    @staticmethod
    def row_major(x: Any) -> Any:
        """`x`, for what XLA must not lay out in another order, whatever reads it."""
        return x

    @staticmethod
    def whole(x: Any) -> Any:
        """`x`, which each of several devices computes all of: that is quicker than to be told."""
        return x

    @staticmethod
    def sort(x: Any, axis: int = -1) -> NDArray[Any]:
        """A sorted copy; stable, as XLA's."""
        return np.sort(x, axis=axis, kind="stable")

    @staticmethod
    def argsort(x: Any, axis: int = -1) -> NDArray[Any]:
        """The indices that sort `x`; equal elements keep their order."""
        return np.argsort(x, axis=axis, kind="stable")

    @staticmethod
    def bessel_jn(z: Any, order: Any) -> Any:
        return HOST.special.jn(order, z)

    @staticmethod
    def expm(a: Any) -> Any:
        """The exponential of a square matrix."""
        import scipy.linalg

        return scipy.linalg.expm(a)


HOST = HostNamespace()


def safe_asarray(a: Any, dtype: Any, order: Any = None) -> NDArray[Any]:
    """`a` as an array of exactly `dtype`; ``theano._asarray``.

    Integers that do not fit wrap around as C casts do, whatever numpy's version. "floatX" stands for
    ``config.floatX``.
    """
    if str(dtype) == "floatX":
        dtype = config.floatX
    dtype = np.dtype(dtype)
    try:
        array = np.asarray(a, dtype=dtype, order=order)
    except OverflowError:
        array = np.asarray(np.asarray(a).astype(dtype), order=order)
    # Two C types of one size (long and long long) are equal dtypes with different numbers.
    return array if array.dtype.num == dtype.num else array.view(dtype=dtype)
