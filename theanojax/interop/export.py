"""Functions as files of StableHLO that JAX alone loads and runs."""

import os
import pathlib

import numpy as np

import jax
import jax.export

from theanojax.interop.to_jax import NeedsHost, to_jax

PLATFORMS = ("cpu", "cuda", "tpu")
_LAYOUT = jax.export.DisabledSafetyCheck.custom_call("LayoutConstraint")  # XLA's own, on all devices


class Exported:
    """An exported function: called with arrays, it returns what the function returns, as JAX arrays.

    Attributes
    ----------
    exported : the jax.export.Exported, which knows ``in_avals``, ``out_avals``, ``platforms``, ``mlir_module()`` ...
    """

    def __init__(self, exported):
        self.exported = exported
        self._call = jax.jit(exported.call)

    def __call__(self, *args):
        return self._call(*args)

    def __repr__(self):
        takes = ", ".join(str(v) for v in self.exported.in_avals)
        return "<exported function of %s for %s>" % (takes, ", ".join(self.exported.platforms))


def export(made, path=None, *examples, batch=None, shared="constants", platforms=PLATFORMS, derivatives=0):
    """Write a compiled function as StableHLO; see `Function.export`."""
    if path is not None and not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            "the first argument of export is the path of a file, or None for no file, and not of type %s; examples "
            "come after it" % type(path).__name__
        )
    function = to_jax(made, check=False)
    if shared not in ("constants", "arguments"):
        raise ValueError("shared variables are 'constants' or 'arguments', not %r" % (shared,))
    if function._updated and shared == "constants":
        raise ValueError(
            "the function updates %s: export it with shared='arguments', which makes a function of a dict of their "
            "values, and the new dict its second result" % ", ".join(function._updated)
        )
    platforms = [platforms] if isinstance(platforms, str) else list(platforms)
    values = {name: np.asarray(v) for name, v in function.values().items()}
    given = [_example(v, example) for v, example in zip(function.inputs, _examples(function, examples), strict=True)]
    constants = shared == "constants" or not values
    leading = () if constants else ({name: jax.ShapeDtypeStruct(v.shape, v.dtype) for name, v in values.items()},)

    def call(*args):
        return function(values, *args) if constants and values else function(*args)

    def attempt(specs):
        return jax.export.export(jax.jit(call), platforms=platforms, disabled_checks=[_LAYOUT])(*leading, *specs)

    found = problem = None
    symbolic = _symbolic(function.inputs, given, _free(function.inputs, batch))
    if symbolic is not None:
        try:
            found = attempt(symbolic)
        except Exception as error:  # whatever the graph does with a length that is not known
            problem = error
    if found is None and batch:
        raise ValueError(
            "the graph has no form for any length of its inputs: export it with the shapes of examples, batch=False"
        ) from problem
    if found is None:
        found = attempt([jax.ShapeDtypeStruct(shape, v.dtype) for v, shape in zip(function.inputs, given)])
    if path is not None:
        pathlib.Path(path).write_bytes(found.serialize(vjp_order=derivatives))
    return Exported(found)


def load_exported(path):
    """The function that `Function.export` has written to the file `path`, as a function of arrays, an Exported.

    That file needs nothing of ours: ``jax.export.deserialize(bytearray(file.read())).call`` is the same, where
    ``jax_enable_x64`` is set if the function has arrays of 64 bits. ValueError for a file that is none of these.
    """
    read = bytearray(pathlib.Path(path).read_bytes())
    try:
        return Exported(jax.export.deserialize(read))
    except ImportError:  # without flatbuffers
        raise
    except Exception as error:  # whatever its reader meets in another file
        raise ValueError("%s is no file that export has written" % path) from error


def _examples(function, examples):
    if examples and len(examples) != len(function.inputs):
        raise TypeError("%d examples were given for %d inputs" % (len(examples), len(function.inputs)))
    return examples or [None] * len(function.inputs)


def _example(v, example):
    """The shape of an example for the input `v`; None stands for a length that is not known."""
    if example is None:
        if v.ndim > 1 and not all(v.broadcastable[1:]):
            raise TypeError("%s has %d dimensions: give export an example of each input" % (v, v.ndim))
        return tuple(1 if one else None for one in v.broadcastable)
    shape = tuple(example.shape) if isinstance(example, jax.ShapeDtypeStruct) else np.shape(example)
    if len(shape) != v.ndim or any(one and n != 1 for one, n in zip(v.broadcastable, shape, strict=True)):
        raise TypeError("the example for %s has the shape %s, which does not fit %s" % (v, shape, v.type))
    return shape


def _free(inputs, batch):
    """The dimension of each input whose length is to be free, or None."""
    if batch is False:
        return [None] * len(inputs)
    if batch is None or batch is True:
        return [0 if v.ndim and not v.broadcastable[0] else None for v in inputs]
    if any(batch is v for v in inputs):
        batch = [batch]
    if not isinstance(batch, (list, tuple)):
        raise TypeError("batch is True, False or a list of inputs, or of pairs (input, dimension): %r" % (batch,))
    found = dict(pair if isinstance(pair, (list, tuple)) and len(pair) == 2 else (pair, 0) for pair in batch)
    for v, dimension in found.items():
        if v not in inputs:
            raise ValueError("batch has %s, which is no input of the function" % (v,))
        if dimension not in range(v.ndim) or v.broadcastable[dimension]:
            raise ValueError("batch has dimension %s of %s, which is %s" % (dimension, v, v.type))
    return [found.get(v) for v in inputs]


def _symbolic(inputs, shapes, free):
    """The inputs with a letter for each `free` length, one for those that are the same; None if there is none."""
    names, scope, specs = {}, jax.export.SymbolicScope(), []
    for v, shape, dimension in zip(inputs, shapes, free, strict=True):
        if dimension is not None:
            name = names.setdefault(shape[dimension], "batch" if not names else "batch%d" % len(names))
            lengths = [*map(str, shape[:dimension]), name, *map(str, shape[dimension + 1 :])]
            shape = jax.export.symbolic_shape(", ".join(lengths) + ",", scope=scope)
        specs.append(jax.ShapeDtypeStruct(shape, np.dtype(v.dtype)))
    return specs if names else None


__all__ = ["Exported", "NeedsHost", "export", "load_exported"]
