"""Arrays on a device that the graph names: their type, their variables, and the Ops that move between devices.

These are `theano.gpuarray`'s. An Op on such an array is that of tensors, on the device where its first input lies:
nothing has an Op of its own for a GPU. Contexts, the names of devices, are in `theanojax.devices`.
"""

import numpy as np

from theanojax.devices import ContextNotDefined, contexts, get_context, stand_in
from theanojax.graph.op import Op
from theanojax.graph.shared import SharedVariable
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import linear_in, shaped_like
from theanojax.tensor.sharedvar import tensor_constructor
from theanojax.tensor.type import _PATTERN_NAMES, TensorType, complex_dtypes
from theanojax.tensor.var import TensorConstant, _tensor_py_operators


class GpuArrayType(TensorType):
    """The type of arrays on the device of the context `context_name`; None is that of ``config.device``.

    The other parameters are those of TensorType. Raises ContextNotDefined, a ValueError, if there is no such context.
    """

    is_placed = True

    def __init__(self, dtype, broadcastable, context_name=None, name=None):
        get_context(context_name)
        super().__init__(dtype, broadcastable, name)
        self.context_name = context_name

    context = property(lambda self: get_context(self.context_name), doc="The Context.")

    def __setstate__(self, state):
        """Theano's types say less, and their context may be none of this process."""
        vars(self).update({"sparse_grad": False, **state})
        self.numpy_dtype = np.dtype(self.dtype)
        stand_in(self.context_name)

    def clone(self, dtype=None, broadcastable=None):
        """This type with another dtype or broadcast pattern."""
        return type(self)(
            self.dtype if dtype is None else dtype,
            self.broadcastable if broadcastable is None else broadcastable,
            self.context_name,
            self.name,
        )

    def __eq__(self, other):
        return super().__eq__(other) and other.context_name == self.context_name

    def __hash__(self):
        return hash((super().__hash__(), self.context_name))

    def __str__(self):
        b = self.broadcastable
        pattern = _PATTERN_NAMES.get(b) or (str(b) if any(b) else "%iD" % len(b))
        return self.name or "GpuArrayType<%s>(%s, %s)" % (self.context_name, self.dtype, pattern)

    def filter_variable(self, other, allow_convert=True):
        """`other`, a tensor or a value, as a variable of this type: on its device, with its broadcast pattern.

        TypeError if dtype or dimensions are others.
        """
        if not isinstance(other, Variable):
            return self.make_constant(other)
        if other.type == self:
            return other
        tensor_type = TensorType(self.dtype, self.broadcastable)
        return as_gpuarray_variable(tensor_type.filter_variable(other, allow_convert), self.context_name)

    def convert_variable(self, var):
        """As of TensorType, on the device of this type."""
        converted = TensorType(self.dtype, self.broadcastable).convert_variable(as_tensor_variable(var))
        return None if converted is None else as_gpuarray_variable(converted, self.context_name)


class _operators(_tensor_py_operators):
    def _as_TensorVariable(self):
        return host_from_gpu(self)

    def _as_GpuArrayVariable(self, context_name):
        return as_gpuarray_variable(self, context_name)


class GpuArrayVariable(_operators, Variable):
    """A variable of type GpuArrayType."""


class GpuArrayConstant(_operators, TensorConstant):
    """A constant of type GpuArrayType."""

    def __str__(self):
        return "Gpu" + super().__str__().replace("Tensor", "Array", 1)


class GpuArraySharedVariable(_operators, SharedVariable):
    """A shared array on the device of its type's context."""

    def __getitem__(self, *args):
        return _operators.__getitem__(self, *args)


GpuArrayType.Variable, GpuArrayType.Constant = GpuArrayVariable, GpuArrayConstant
GpuArrayType.SharedVariable = GpuArraySharedVariable


class _Move(Op):
    """An identity, of another type."""

    __props__ = ()
    view_map = {0: [0]}
    infer_shape = shaped_like(0)
    R_op = linear_in(0)

    def compute(self, xp, node, x):
        return x

    def grad(self, inputs, output_grads):
        # where the input lies
        return [as_gpuarray_variable(g, x.type.context_name) for g, x in zip(output_grads, inputs)]


class _Transfer(_Move):
    """An identity whose value may lie elsewhere."""

    __props__ = ("context_name",)

    def __init__(self, context_name):
        self.context_name = context_name

    def __str__(self):
        return "%s<%s>" % (type(self).__name__, self.context_name)

    def make_node(self, x):
        return Apply(self, [x], [GpuArrayType(x.type.dtype, x.type.broadcastable, self.context_name)()])


class GpuFromHost(_Transfer):
    """The tensor `x` on the device of a context."""

    def make_node(self, x):
        """`x` may be anything that is a tensor."""
        return super().make_node(as_tensor_variable(x))

    def grad(self, inputs, output_grads):
        return [as_tensor_variable(g) for g in output_grads]


class GpuToGpu(_Transfer):
    """An array that lies on one device, `x`, on the device of another context."""

    def make_node(self, x):
        """TypeError if `x` is not of GpuArrayType."""
        _require_placed(x)
        return super().make_node(x)


class HostFromGpu(_Move):
    """An array that lies on a device as a tensor. Where it is computed with it stays there."""

    def make_node(self, x):
        """TypeError if `x` is not of GpuArrayType."""
        _require_placed(x)
        return Apply(self, [x], [TensorType(x.type.dtype, x.type.broadcastable)()])

    def __str__(self):
        return "HostFromGpu(gpuarray)"


def _require_placed(x):
    if not isinstance(getattr(x, "type", None), GpuArrayType):
        raise TypeError(x)


host_from_gpu = HostFromGpu()


def as_gpuarray_variable(x, context_name):
    """`x`, a variable or a value, as a variable of GpuArrayType on the device of the context `context_name`.

    Raises ContextNotDefined if there is none of that name, AsTensorError for what is no array.
    """
    get_context(context_name)
    if not isinstance(x, Variable):
        value = np.asarray(x)
        return GpuArrayType(value.dtype, [n == 1 for n in value.shape], context_name).make_constant(value)
    while not (isinstance(x.type, GpuArrayType) and x.type.context_name == context_name):
        if x.owner is None or not isinstance(x.owner.op, (HostFromGpu, _Transfer)):
            return (GpuToGpu if isinstance(x.type, GpuArrayType) else GpuFromHost)(context_name)(x)
        x = x.owner.inputs[0]
    return x


def infer_context_name(*vars):
    """The context that the variables `vars` are in, or None, that of ``config.device``; ValueError if there is none."""
    asked = list(vars)
    for var in asked:  # which grows
        knows = var.type if isinstance(var.type, GpuArrayType) else var.tag
        if hasattr(knows, "context_name"):
            return knows.context_name
        if var.owner is not None and len(var.owner.inputs) == 1:
            asked += var.owner.inputs
    if None not in contexts:
        raise ValueError("Could not infer context from inputs")
    return None


def gpuarray_shared_constructor(
    value, name=None, strict=False, allow_downcast=None, borrow=False, broadcastable=None, target=None
):
    """A shared variable for the array `value` on the device of the context `target`; see ``theano.shared``.

    TypeError for what is no array, and where no context is named for complex numbers and numbers alone;
    ContextNotDefined if there is none of that name.
    """
    if target == "cpu":
        raise TypeError("not for me")
    if not isinstance(value, np.ndarray):
        raise TypeError("ndarray or GpuArray required")
    if target is None and None not in contexts:
        raise TypeError("No default context and no context specified")
    if target is None and (str(value.dtype) in complex_dtypes or value.ndim == 0):
        raise TypeError("We do not move that data by default to the GPU")
    get_context(target)
    plain = tensor_constructor(value, name, strict, allow_downcast, borrow, broadcastable)
    made = GpuArraySharedVariable(
        type=GpuArrayType(plain.type.dtype, plain.type.broadcastable, target),
        value=None,
        name=name,
        strict=None,
        container=plain.container,
    )
    made.container.type = made.type
    return made


def gpu_supported(data):
    """Whether `data`, an array or a variable, may be put on a GPU by itself: not complex numbers."""
    return str(data.dtype) not in complex_dtypes


def move_to_gpu(data):
    """Whether `data`, an array or a variable, is worth it: not numbers alone."""
    return gpu_supported(data) and data.ndim > 0


def transfer(x, target):
    """The variable `x` on the device of the context `target`; None if there is no such context."""
    return as_gpuarray_variable(x, target) if target in contexts else None


def GpuArray_unpickler(npa, ctx_name):
    """What pickles of Theano's call for a value on a GPU: the array `npa`, whatever the context was called."""
    return npa


__all__ = [
    "ContextNotDefined",
    "GpuArrayConstant",
    "GpuArraySharedVariable",
    "GpuArrayType",
    "GpuArrayVariable",
    "GpuArray_unpickler",
    "GpuFromHost",
    "GpuToGpu",
    "HostFromGpu",
    "as_gpuarray_variable",
    "gpu_supported",
    "gpuarray_shared_constructor",
    "host_from_gpu",
    "infer_context_name",
    "move_to_gpu",
    "transfer",
]
