"""What arrays broadcast to together, as lengths that the graph computes."""

from theanojax.graph.traverse import equal_computations
from theanojax.tensor.as_tensor import as_tensor_variable, constant, extract_constant
from theanojax.tensor.assert_op import Assert
from theanojax.tensor.creation import alloc
from theanojax.tensor.math import eq, or_, switch


def broadcast_shape(*arrays, arrays_are_shapes=False):
    """The shape that `arrays`, or with `arrays_are_shapes` arrays of these shapes, have together: its lengths.

    AssertionError, when run, for lengths that do not go together.
    """
    return broadcast_shape_iter(arrays, arrays_are_shapes=arrays_are_shapes)


def broadcast_shape_iter(arrays, arrays_are_shapes=False):
    """As `broadcast_shape`, of a list of `arrays`, or of shapes."""
    shapes = [tuple(array) if arrays_are_shapes else lengths_of(array) for array in arrays]
    ndim = max(map(len, shapes), default=0)
    return tuple(_together([shape[i - ndim] for shape in shapes if len(shape) >= ndim - i]) for i in range(ndim))


def lengths_of(array, shape=None):
    """The lengths of `array`, those of `shape` if it is given, with 1 for what the type says is 1."""
    array = as_tensor_variable(array)
    shape = array.shape if shape is None else shape
    return tuple(1 if one else shape[i] for i, one in enumerate(array.broadcastable))


def _together(lengths):
    """The one length of dimensions of these lengths."""
    length = None
    for other in map(as_tensor_variable, lengths):
        if extract_constant(other) == 1 or (length is not None and equal_computations([length], [other])):
            continue
        if length is None:
            length = other
        else:
            fits = or_(eq(length, other), or_(eq(length, 1), eq(other, 1)))
            length = Assert("Could not broadcast dimensions")(switch(eq(length, 1), other, length), fits)
    return constant(1, dtype="int64") if length is None else length


def broadcast_to(x, shape):
    """`x`, repeated to `shape`, a list of lengths or a vector whose length is known."""
    return alloc(x, *shape)
