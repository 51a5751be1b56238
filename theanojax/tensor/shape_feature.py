"""Shapes without values: what is known of the shape of every variable of a graph."""

import logging
import traceback

import numpy as np

from theanojax.config import config
from theanojax.errors import ShapeError
from theanojax.graph.features import AlreadyThere, Feature
from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import ancestors, equal_computations
from theanojax.graph.variable import Constant, Variable
from theanojax.printing import debugprint
from theanojax.tensor.as_tensor import constant
from theanojax.tensor.cast import cast
from theanojax.tensor.indexing.slices import get_idx_list
from theanojax.tensor.indexing.subtensor import Subtensor
from theanojax.tensor.shape import Shape, Shape_i, make_vector, shape_i_op
from theanojax.tensor.type import discrete_dtypes, integer_dtypes
from theanojax.tensor.var import TensorConstant

_logger = logging.getLogger("theanojax.tensor.shape_feature")


class ShapeTable:
    """A dict from variables to their shapes, each found when it is first asked for.

    A shape is a tuple of symbolic int64 scalars, or None for what has no dimensions.
    """

    def __init__(self, feature):
        self._feature = feature
        self._known: dict = {}
        self._users: dict = {}  # length -> variables that have it in their shape

    def __contains__(self, v):
        return isinstance(v, Variable)

    def __getitem__(self, v):
        if v not in self._known:
            self._find(v)
        return self._known[v]

    def get(self, v, default=None):
        return self[v] if isinstance(v, Variable) else default

    def __setitem__(self, v, shape):
        self._known[v] = shape
        for length in shape or ():
            self._users.setdefault(length, {})[v] = None

    def __len__(self):
        return len(self._known)

    def __iter__(self):
        return iter(self._known)

    def items(self):
        return self._known.items()

    def is_known(self, v):
        """Whether the shape of `v` was found already."""
        return v in self._known

    def forget(self, v):
        self._known.pop(v, None)

    def _find(self, v):
        known, stack = self._known, [v]
        while stack:  # no recursion: graphs may be thousands deep
            v = stack[-1]
            if v in known:
                stack.pop()
                continue
            node = v.owner
            missing = [i for i in node.inputs if i not in known] if node is not None else ()
            if missing:
                stack.extend(missing)
                continue
            self._feature.find_shapes(v)
            stack.pop()

    def replace_length(self, old, new):
        for v in self._users.pop(old, ()):
            shape = self._known.get(v)
            if shape and any(s is old for s in shape):
                self[v] = tuple(new if s is old else s for s in shape)


class ShapeFeature(Feature):
    """Knows the shape of every variable of a graph, in terms of the shapes of the inputs.

    Other rewrites use ``shape_of[v]`` (a tuple of symbolic integers, or None), ``get_shape(v, i)`` and
    ``same_shape(x, y)``. Shapes come from the method ``infer_shape(node, input_shapes)`` of Ops, and without one
    are ``Shape_i`` of the value itself. Nothing is inferred before it is asked for.
    """

    pickle_rm_attr = ["shape_feature"]

    def on_attach(self, fgraph):
        if hasattr(fgraph, "shape_feature"):
            raise AlreadyThere("ShapeFeature is already present or in conflict with another plugin.")
        self.unpickle(fgraph)

    def unpickle(self, fgraph):
        fgraph.shape_feature = self
        self.fgraph = fgraph
        # A constant belongs to one graph.
        self.lscalar_one = constant(1, dtype="int64").clone()
        self.shape_of = ShapeTable(self)
        self._replaced: dict = {}  # new variable -> the one that it replaced

    def __getstate__(self):
        return {}  # everything can be found again

    def on_detach(self, fgraph):
        del fgraph.shape_feature
        self.shape_of, self._replaced = ShapeTable(self), {}

    # ---------------------------------------------------------------- finding shapes
    def find_shapes(self, v):
        """Fill in the shapes of `v` and of the other outputs of its node; those of the inputs are known."""
        node = v.owner
        if node is None:
            self.init_r(v)
            return
        shapes = self.get_node_infer_shape(node)
        if len(shapes) != len(node.outputs):
            raise Exception(
                'The infer_shape method for the Op "%s" returned a list with the wrong number of element: '
                "len(o_shapes) = %d  != len(node.outputs) = %d" % (node.op, len(shapes), len(node.outputs))
            )
        for out, shape in zip(node.outputs, shapes):
            if not self.shape_of.is_known(out):
                self.set_shape(out, shape)
                self._prefer_old_shape(out)

    def get_node_infer_shape(self, node):
        """The shapes that the Op of `node` infers for its outputs, as it returns them."""
        infer = getattr(node.op, "infer_shape", None) or self.default_infer_shape
        in_shapes = [self.shape_of[v] for v in node.inputs]
        try:
            return infer(node, in_shapes)
        except ShapeError:
            return self.default_infer_shape(node, in_shapes)
        except NotImplementedError as e:
            raise NotImplementedError(
                "Code called by infer_shape failed raising a NotImplementedError. Raising NotImplementedError to "
                "indicate that a shape cannot be computed is no longer supported, and one should now use "
                "tensor.ShapeError instead. The original exception message is: %s" % e
            ) from e
        except Exception as e:
            if by_signal(e):
                raise
            text = (
                "Failed to infer_shape from Op %s.\nInput shapes: %s\nException encountered during infer_shape: "
                "%s\nException message: %s\nTraceback: %s" % (node.op, in_shapes, type(e), e, traceback.format_exc())
            )
            if config.on_shape_error == "raise":
                raise Exception(text) from e
            _logger.warning(text)
            return self.default_infer_shape(node, in_shapes)

    def default_infer_shape(self, node, i_shapes):
        """For Ops that cannot tell: the shape of the value itself."""
        return [self.shape_tuple(v) for v in node.outputs]

    def shape_ir(self, i, r):
        """``r.shape[i]`` as a symbolic integer, or as an array where it is known."""
        if getattr(r.type, "broadcastable", None) and r.type.broadcastable[i]:
            return self.lscalar_one
        if isinstance(r, TensorConstant):
            return np.asarray(r.data.shape[i])
        # make_node does not bother with test values
        return shape_i_op(i).make_node(r).outputs[0]

    def shape_tuple(self, r):
        """The shape of `r` by asking its value; None for what has no dimensions."""
        ndim = getattr(r, "ndim", None)
        if ndim is None:
            return None
        return tuple([self.shape_ir(i, r) for i in range(ndim)])

    def init_r(self, r):
        """Register the shape of `r` by asking its value, unless one is known."""
        if not self.shape_of.is_known(r):
            self.set_shape(r, self.shape_tuple(r))

    def unpack(self, s_i, var):
        """One length, as ``infer_shape`` returned it for `var`, as a symbolic int64 scalar.

        Raises AssertionError for a negative number, TypeError for what is no integer scalar.
        """
        if not isinstance(s_i, Variable):
            if isinstance(s_i, float) and int(s_i) == s_i:
                s_i = int(s_i)
            if not isinstance(s_i, (int, np.integer)) and not (isinstance(s_i, np.ndarray) and s_i.ndim == 0):
                raise TypeError("Unsupported shape element", s_i, type(s_i), getattr(s_i, "type", None))
            if s_i < 0:
                raise AssertionError("There is a negative shape in the graph!", var)
            # one object for all ones, so that merging has less to do
            return self.lscalar_one if s_i == 1 else constant(int(s_i), dtype="int64")
        s_i = self._element_of_shape(s_i)
        dtype = getattr(s_i.type, "dtype", None)
        if dtype not in integer_dtypes and dtype not in discrete_dtypes:
            raise TypeError("Unsupported shape element", s_i, type(s_i), s_i.type)
        if getattr(s_i.type, "ndim", 0):
            raise TypeError("Shape element must be scalar", s_i)
        if dtype != "int64":
            return constant(s_i.data, dtype="int64") if isinstance(s_i, TensorConstant) else cast(s_i, "int64")
        return s_i

    def _element_of_shape(self, s_i):
        """What is known of ``x.shape[number]``; other expressions as they are."""
        node = s_i.owner
        if (
            node is None
            or not isinstance(node.op, Subtensor)
            or node.inputs[0].owner is None
            or not isinstance(node.inputs[0].owner.op, Shape)
        ):
            return s_i
        (index,) = get_idx_list(node.inputs, node.op.idx_list)
        if isinstance(index, slice):
            return s_i
        if isinstance(index, Variable):
            if not isinstance(index, Constant):
                return s_i
            index = index.data
        return self.shape_of[node.inputs[0].owner.inputs[0]][int(index)]

    def set_shape(self, r, s, override=False):
        """Register the shape `s` (a sequence of lengths, or None) for `r`.

        Raises TypeError when `s` is no sequence, AssertionError when it has the wrong number of dimensions.
        """
        if s is None:
            self.shape_of[r] = None
            return
        if not isinstance(s, (tuple, list)):
            raise TypeError("shapes must be tuple/list", (r, s))
        if r.ndim != len(s):
            raise AssertionError(
                "Something inferred a shape with %d dimensions for a variable with %d dimensions for "
                "the variable:\n%s" % (len(s), r.ndim, debugprint(r, file="str", print_type=True))
            )
        ones = getattr(r.type, "broadcastable", None) or (False,) * r.ndim
        self.shape_of[r] = tuple([self.lscalar_one if one else self.unpack(length, r) for one, length in zip(ones, s)])

    def set_shape_i(self, r, i, s_i):
        """Replace length `i` of the shape of `r`."""
        shape = list(self.shape_of[r])
        shape[i] = self.unpack(s_i, r)
        self.shape_of[r] = tuple(shape)

    def update_shape(self, r, other_r):
        """`r` and `other_r` have the same shape: where that of `r` says nothing, use that of `other_r`."""
        self._replaced[r] = other_r
        if self.shape_of.is_known(r):
            self._prefer_old_shape(r)

    def _prefer_old_shape(self, r):
        """Use lengths of what `r` replaced where they are constants, or where nothing is known of those of `r`."""
        old = self._replaced.get(r)
        shape = self.shape_of[r]
        if old is None or shape is None or all(isinstance(s, Constant) for s in shape):
            return
        if not self.shape_of.is_known(old) and not any(asks_value(s) for s in shape):
            return
        old_shape = self.shape_of[old]
        if old_shape is None or len(old_shape) != len(shape):
            return
        merged = list(shape)
        for i, (mine, theirs) in enumerate(zip(shape, old_shape)):
            if isinstance(mine, Constant):
                continue
            if isinstance(theirs, Constant):
                merged[i] = theirs
            elif asks_value(mine) and not (asks_value(theirs) and theirs.owner.inputs[0] in (r, old)):
                if r not in ancestors([theirs]):
                    merged[i] = theirs
        if any(a is not b for a, b in zip(merged, shape)):
            self.shape_of[r] = tuple(merged)

    # ---------------------------------------------------------------- asking
    def get_shape(self, var, idx):
        """Length `idx` of `var`; found anew when what is known is in terms of variables that left the graph."""
        length = self.shape_of[var][idx]
        if (
            asks_value(length)
            and length.owner.inputs[0] not in self.fgraph.variables
            and length.owner.inputs[0] is not var
            and var.owner is not None
        ):
            for v in var.owner.inputs:
                if getattr(v, "ndim", 0):
                    self.get_shape(v, 0)
            fresh = self.get_node_infer_shape(var.owner)[var.owner.outputs.index(var)]
            self.set_shape_i(var, idx, fresh[idx])
            length = self.shape_of[var][idx]
        return length

    def make_vector_shape(self, r):
        """The shape of `r` as one symbolic vector."""
        return make_vector(*self.shape_of[r])

    def same_shape(self, x, y, dim_x=None, dim_y=None):
        """Whether `x` and `y` are known to have equal shapes, or equal lengths `dim_x` and `dim_y`."""
        shapes = []
        for v, dim in ((x, dim_x), (y, dim_y)):
            lengths = self.shape_of[v]
            if lengths is None:
                return False
            shapes.append(lengths if dim is None else [lengths[dim]])
        if len(shapes[0]) != len(shapes[1]):
            raise ValueError("same_shape compares shapes of equal length", x, y)
        return all(_same_length(a, b) for a, b in zip(*shapes))

    # ---------------------------------------------------------------- keeping up
    def on_import(self, fgraph, node, reason):
        """Shapes are found when they are asked for."""

    def on_change_input(self, fgraph, node, i, r, new_r, reason):
        if new_r is not r and self._replaced.get(r) is not new_r:
            self.update_shape(new_r, r)
        # `r` itself may be a length of something
        self.shape_of.replace_length(r, new_r)


def asks_value(length):
    return length.owner is not None and isinstance(length.owner.op, Shape_i)


def _same_length(a, b):
    if a is b:
        return True
    if isinstance(a, Constant) and isinstance(b, Constant):
        return bool(a.data == b.data)
    if not asks_value(a) or not asks_value(b) or a.owner.op.i != b.owner.op.i:
        return False
    if a.owner.inputs[0] is b.owner.inputs[0]:
        return True
    return equal_computations([a], [b])
