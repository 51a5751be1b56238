"""Graphs as JAX functions, and JAX functions as Ops: what `theanojax.to_jax` and `theanojax.from_jax` are."""

from theanojax.first_import import unnoticed

with unnoticed():
    import jax  # noqa: F401 - the first import of it may be this one

from theanojax.interop.export import load_exported as load_exported
from theanojax.interop.from_jax import from_jax as from_jax
from theanojax.interop.to_jax import JaxFunction as JaxFunction, NeedsHost as NeedsHost, to_jax as to_jax
