"""Ops that functions are put together with: views, copies, and Ops made of Python functions."""

import contextlib
import pickle
import sys
from copy import deepcopy

from theanojax.graph.op import Op
from theanojax.graph.type import Type
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import first_input_rule, scalar_rule
from theanojax.tensor.gradient_ops import ViewOp, view_op as view_op


def _is_array(node):
    return hasattr(node.inputs[0].type, "numpy_dtype")


class OutputGuard(ViewOp):
    """A view that claims to overwrite its input, so that no other Op may."""

    destroy_map = {0: [0]}
    check_input = False


_output_guard = OutputGuard()


class DeepCopyOp(Op):
    """A copy of its input, of any type."""

    c_code_and_version: dict = {}
    check_input = False
    __props__ = ()
    _f16_ok = True
    vectorize_node = batch_rules.only(0)

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def compute(self, xp, node, x):
        return xp.array(x)

    def perform(self, node, inputs, output_storage, params=None):
        x = inputs[0]
        output_storage[0][0] = x.copy() if hasattr(x, "copy") else deepcopy(x)

    def numpy_code(self, node, args, source, spare):
        return "array(%s)" % args[0] if _is_array(node) else None

    def runs_on_host(self, node):
        return not _is_array(node)

    def infer_shape(self, node, shapes):
        return shapes


deep_copy_op = DeepCopyOp()
scalar_rule(DeepCopyOp, OutputGuard)(first_input_rule)


class FromFunctionOp(Op):
    """An Op that calls the Python function `fn`; made by `as_op`. It has no gradient."""

    def __init__(self, fn, itypes, otypes, infer_shape):
        self._fn = fn
        self.itypes = itypes
        self.otypes = otypes
        if infer_shape is not None:
            self.infer_shape = infer_shape

    def __eq__(self, other):
        return type(self) is type(other) and self._fn == other._fn

    def __hash__(self):
        return hash((type(self), self._fn))

    def __str__(self):
        return "FromFunctionOp{%s}" % self._fn.__name__

    def perform(self, node, inputs, output_storage, params=None):
        outs = self._fn(*inputs)
        if not isinstance(outs, (list, tuple)):
            outs = (outs,)
        if len(outs) != len(output_storage):
            raise AssertionError("%s gave %d values for %d outputs" % (self, len(outs), len(output_storage)))
        for cell, value in zip(output_storage, outs):
            cell[0] = value

    def __reduce__(self):
        # The decorated name is the Op, so the function itself could not be found again.
        module, name = self._fn.__module__, self._fn.__name__
        found = None
        with contextlib.suppress(ImportError, KeyError, AttributeError):
            found = load_back(module, name)
        if found is not self:
            raise pickle.PicklingError(
                "Can't pickle as_op(), not %s %s.%s" % ("found as" if found is None else "the object at", module, name)
            )
        return load_back, (module, name)


def load_back(mod, name):
    """The object called `name` in the module called `mod`."""
    __import__(mod)
    return getattr(sys.modules[mod], name)


def as_op(itypes, otypes, infer_shape=None):
    """A decorator that makes an Op of a function on arrays, which the host calls; it has no gradient.

    Parameters
    ----------
    itypes, otypes : Type or list of Types
        Of the function's arguments and results.
    infer_shape : callable, optional
        ``infer_shape(node, input_shapes)`` gives the symbolic shapes of the outputs.

    Raises TypeError when these are something else. The Op raises it for inputs of other types.
    """
    itypes = list(itypes) if isinstance(itypes, (list, tuple)) else [itypes]
    otypes = list(otypes) if isinstance(otypes, (list, tuple)) else [otypes]
    for word, types in (("itypes", itypes), ("otypes", otypes)):
        if not all(isinstance(t, Type) for t in types):
            raise TypeError("%s has to be a list of Theano types" % word)
    if infer_shape is not None and not callable(infer_shape):
        raise TypeError("infer_shape needs to be a callable")
    return lambda fn: FromFunctionOp(fn, itypes, otypes, infer_shape)


def register_view_op_c_code(type, code, version=()):
    """Remember C code for a type; kept for programs that call it, nothing is compiled from it."""
    ViewOp.c_code_and_version[type] = (code, version)


def register_deep_copy_op_c_code(typ, code, version=()):
    """Remember C code for a type; kept for programs that call it, nothing is compiled from it."""
    DeepCopyOp.c_code_and_version[typ] = (code, version)


_tensor_c_code: dict = {}


def register_shape_c_code(type, code, version=()):
    """Remember C code for a type; kept for programs that call it, nothing is compiled from it."""
    _tensor_c_code["Shape", type] = (code, version)


def register_shape_i_c_code(typ, code, check_input, version=()):
    """Remember C code for a type; kept for programs that call it, nothing is compiled from it."""
    _tensor_c_code["Shape_i", typ] = (code, check_input, version)


def register_rebroadcast_c_code(typ, code, version=()):
    """Remember C code for a type; kept for programs that call it, nothing is compiled from it."""
    _tensor_c_code["Rebroadcast", typ] = (code, version)


def register_specify_shape_c_code(typ, code, version=(), c_support_code_apply=None):
    """Remember C code for a type; kept for programs that call it, nothing is compiled from it."""
    _tensor_c_code["SpecifyShape", typ] = (code, version, c_support_code_apply)
