"""The XLA side of `xp` where arrays lie on several devices: products sum over dimensions that were merged for them.

XLA keeps a matrix divided whose rows are, and a batch that is one of several merged dimensions it gathers on each
device: for the gradient of a weight that is used in each step of a loop, all steps of all examples. A product over the
dimensions themselves leaves every example where it is, and adds up what has the size of the weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import NamedSharding

from theanojax.runtime.xla.namespace import Guarding, XlaNamespace, is_known

if TYPE_CHECKING:
    from theanojax.runtime.hints import Array, Shape


class DividedNamespace(XlaNamespace):
    """An XlaNamespace that remembers what was reshaped to matrices. `everywhere` is the sharding of what is whole."""

    def __init__(self, context: Guarding, everywhere: NamedSharding) -> None:
        super().__init__(context)
        self.everywhere = everywhere
        self.merged: dict[int, tuple[Array, Array]] = {}  # id of a matrix -> (it, what it was before)

    def whole(self, x: Array) -> Array:  # type: ignore[override]  # of the class, where there are no devices to know
        return x if is_known(x) else lax.with_sharding_constraint(x, self.everywhere)

    def reshape(self, x: Array, shape: Any) -> Array:
        if is_known(x):
            return np.reshape(x, shape)
        matrix = jnp.reshape(x, shape)
        _, before = self.merged.get(id(x), (x, x))
        if before.shape == matrix.shape:
            return before
        if matrix.ndim == 2 and before.ndim > 2:
            self.merged[id(matrix)] = matrix, before
        return matrix

    def contract(self, x: Array, x_axis: int, y: Array, y_axis: int) -> Array:  # type: ignore[override]
        (x_before, x_groups), (y_before, y_groups) = self._groups(x), self._groups(y)
        over = x_groups[x_axis], y_groups[y_axis]
        lengths = [[v.shape[i] for i in axes] for v, axes in zip((x_before, y_before), over)]
        if (x_before is x and y_before is y) or lengths[0] != lengths[1]:
            return super().contract(x, x_axis, y, y_axis)
        product = lax.dot_general(jnp.asarray(x_before), jnp.asarray(y_before), (over, ((), ())))
        kept = [v.shape[i] for v, axis in ((x, x_axis), (y, y_axis)) for i in range(v.ndim) if i != axis]
        return self._as_matrix(product, tuple(kept))

    def _as_matrix(self, product: jax.Array, shape: Shape) -> Array:
        matrix = jnp.reshape(product, shape)
        if matrix.ndim == 2 and product.ndim > 2:
            self.merged[id(matrix)] = matrix, product
        return matrix

    def _groups(self, matrix: Array) -> tuple[Array, Sequence[Sequence[int]]]:
        """(what a matrix was before, the dimensions of it that each of its own is made of)."""
        _, before = self.merged.get(id(matrix), (matrix, matrix))
        for cut in range(before.ndim + 1) if before is not matrix else ():
            if tuple(np.prod(part, dtype=int) for part in (before.shape[:cut], before.shape[cut:])) == matrix.shape:
                return before, [range(cut), range(cut, before.ndim)]
        return matrix, [[i] for i in range(matrix.ndim)]
