"""ScalarOp: functions of single numbers, from which all elementwise Ops are made.

A family of Ops is a table: each row, a call of `unary`, `numpy_unary` or `define`, names the class, the instance, the
dtype rule, the body and the gradient. The body is written once against the array namespace `xp` and works on
arrays of any shape. A user's Op may define ``impl`` on numbers instead; it then runs on the host.

All other names follow from the row: ``scalar.<name>`` and the class, by `names`, and for a row with a `tensor_doc`, by
`tensor_rows`, ``tensor.<name>``, ``tensor.inplace.<name>_inplace`` and the method of variables.
"""

from functools import cache

import numpy as np

from theanojax.arrays import HOST
from theanojax.config import config
from theanojax.errors import MethodNotDefined
from theanojax.graph import above
from theanojax.graph.op import Op, written_in_c
from theanojax.graph.type import Type
from theanojax.graph.variable import Apply
from theanojax.scalar.casting import as_scalar
from theanojax.scalar.dtype_rules import upgrade_to_float, upgrade_to_float_no_complex
from theanojax.scalar.types import complex_types, discrete_types, get_scalar_type, upcast


@cache
def _has_array_body(cls):
    """True unless the most derived definition of what `cls` computes is ``impl``."""
    for c in cls.__mro__:
        if c is ScalarOp:
            return False
        own = c.__dict__
        if "body" in own or "compute" in own:
            return True
        if "impl" in own or "perform" in own:
            return False
    return False


class ScalarOp(Op):
    """A function of scalars, giving scalars.

    Subclasses define ``impl(*numbers)`` (or ``body(xp, *arrays)``) and ``grad`` or ``L_op``.

    Parameters
    ----------
    output_types_preference : function from the input types to a sequence of output types.
    name : what the Op is printed as.

    Attributes
    ----------
    nin, nout : numbers of inputs (-1: any) and outputs.
    work : what inputs are cast to before ``body`` sees them: "out" (the output's dtype), "float" (likewise, but a
        float even where the output is to be an integer), "common" (their upcast), "own" (nothing).
    host_only : True when only the host can compute it.
    is_cast : True when the result is the input as another type.
    tensor_doc : the docstring of the function of tensors, for an instance in one of this package's tables; None: none.
    tensor_method : whether tensor variables have it as a method, too.
    tensor_inplace : whether there is one called inplace, whose result has the dtype of the first argument.
    """

    nin = -1
    nout = 1
    work = "out"
    host_only = is_cast = False
    body = None
    tensor_doc: str | None = None
    tensor_method = False
    tensor_inplace = True

    def vectorize_node(self, node, inputs, batch):
        return batch.elementwise(self, inputs)

    def __init__(self, output_types_preference=None, name=None):
        self.name = name
        if output_types_preference is not None:
            if not callable(output_types_preference):
                raise TypeError(
                    "Expected a callable for the 'output_types_preference' argument to %s. (got: %s)"
                    % (self.__class__, output_types_preference)
                )
            self.output_types_preference = output_types_preference

    # ---------------------------------------------------------------- types
    def make_node(self, *inputs):
        if 0 <= self.nin != len(inputs):
            raise TypeError(
                "Wrong number of inputs for %s.make_node (got %i(%s), expected %i)"
                % (self, len(inputs), inputs, self.nin)
            )
        inputs = list(map(as_scalar, inputs))
        outputs = [kind() for kind in self.output_types([v.type for v in inputs])]
        if len(outputs) != self.nout:
            raise TypeError(
                "Not the right number of outputs produced for %s(%s). Expected %s, got %s."
                % (self, ", ".join(map(str, inputs)), self.nout, len(outputs))
            )
        return Apply(self, inputs, outputs)

    def output_types(self, types):
        """The types of the outputs for inputs of the given `types`; TypeError when these are not accepted."""
        rule = getattr(self, "output_types_preference", None)
        if rule is None:
            raise NotImplementedError("Cannot calculate the output types for %s" % self)
        found = rule(*types)
        if not isinstance(found, (list, tuple)) or any(not isinstance(t, Type) for t in found):
            raise TypeError("output_types_preference should return a list or a tuple of types", rule, found)
        if len(found) != self.nout:
            raise TypeError(
                "Not the right number of outputs types produced for %s(%s) by %s. Expected %s, got %s."
                % (self, ", ".join(map(str, found)), rule, self.nout, len(found))
            )
        return found

    def output_dtypes(self, dtypes):
        """The dtypes of the outputs for inputs of the given dtypes."""
        types = [get_scalar_type(d) for d in dtypes]
        as_usual = type(self).make_node in (ScalarOp.make_node, UnaryScalarOp.make_node)
        if as_usual and (self.nin < 0 or self.nin == len(types)):
            return [t.dtype for t in self.output_types(types)]  # no need to make a node
        return [v.type.dtype for v in self.make_node(*[t.make_variable() for t in types]).outputs]

    # ---------------------------------------------------------------- values
    def has_array_body(self):
        """True if ``compute`` works on whole arrays; False for an Op that only knows single numbers."""
        return _has_array_body(type(self))

    def runs_on_host(self, node):
        return self.host_only or not self.has_array_body()

    def only_c_code(self):
        return written_in_c(type(self), ScalarOp, ("impl", "body", "compute", "perform"))

    def takes_arrays(self):
        """True if ``compute`` works on whole arrays on the host: by its body, or by C code in a loop."""
        return self.has_array_body() or self.only_c_code()

    def compile_loops(self, dtypes):
        """Compile what only C code computes of arrays of these dtypes. Raises what ``compile_c_code`` does."""
        if self.only_c_code():
            above.native.build_loop(self, tuple(dtypes))

    def compute(self, xp, node, *inputs):
        """The value for arrays `inputs`, whose shapes broadcast; `node` gives the output dtype (None: derived)."""
        if self.only_c_code():
            return above.native.elementwise(self, inputs, node and [v.type.dtype for v in node.inputs])
        if self.work != "own":
            if node is not None:
                types = [v.type.dtype for v in node.inputs]
                out = node.outputs[0].type.dtype
            else:
                types = [str(x.dtype) for x in inputs]
                out = self.output_dtypes(types)[0]
            dtype = self.work_dtype(types, out)
            inputs = [xp.astype(x, dtype) for x in inputs]
        return self.body(xp, *inputs)

    def work_dtype(self, types, out):
        """The dtype that the body computes in."""
        common = upcast(*types)
        if self.work == "common" or upcast(common, out) != out:  # computed in full, then cast: int8 += float64
            return common
        if self.work == "float" and get_scalar_type(out) in discrete_types:
            return upgrade_to_float(*[get_scalar_type(t) for t in types])[0].dtype
        return out

    def impl(self, *inputs):
        """The value for numbers `inputs`."""
        if not self.takes_arrays():
            raise MethodNotDefined.of(self, "impl")
        arrays = [np.asarray(x) for x in inputs]
        dtypes = self.output_dtypes([str(x.dtype) for x in arrays])
        with np.errstate(all="ignore"):
            values = self.compute(HOST, None, *arrays)
        if self.nout == 1:
            return _number(values, dtypes[0])
        return tuple(_number(v, d) for v, d in zip(values, dtypes))

    def perform(self, node, inputs, output_storage, params=None):
        if self.nout == 1 and self.takes_arrays():
            values = (self.compute(HOST, node, *inputs),)
        elif self.nout == 1:
            values = (self.impl(*inputs),)
        else:
            values = self.impl(*inputs)
            if len(values) != self.nout:
                raise AssertionError("%s returned %d values for %d outputs" % (self, len(values), self.nout))
        for var, cell, value in zip(node.outputs, output_storage, values):
            cell[0] = _number(value, var.type.dtype)

    # ---------------------------------------------------------------- gradients
    def L_op(self, inputs, outputs, output_gradients):
        return self.grad(inputs, output_gradients)

    def grad(self, inputs, output_gradients):
        raise MethodNotDefined.of(self, "grad")

    # ---------------------------------------------------------------- identity
    def __eq__(self, other):
        return type(self) is type(other) and (
            getattr(self, "output_types_preference", None) == getattr(other, "output_types_preference", None)
        )

    def __hash__(self):
        return hash((type(self), getattr(self, "output_types_preference", 0)))

    def __str__(self):
        if getattr(self, "name", None):
            return self.name
        hidden = ("name", "_op_use_c_code", "bool", "output_types_preference")
        shown = ["%s=%s" % item for item in self.__dict__.items() if item[0] not in hidden]
        return self.__class__.__name__ + ("{%s}" % ", ".join(shown) if shown else "")

    def supports_c_code(self, inputs, outputs):
        """Whether the Op can be part of a fused loop: here, whether it works on arrays."""
        return self.has_array_body() and not self.host_only


class UnaryScalarOp(ScalarOp):
    """A function of one scalar."""

    nin = 1
    amd_float32 = None
    amd_float64 = None


class BinaryScalarOp(ScalarOp):
    """A function of two scalars."""

    nin = 2


def _number(value, dtype):
    return np.asarray(value).astype(dtype, copy=False)[()]


# -------------------------------------------------------------------- tables
def is_complex(*variables):
    return any(v.type in complex_types for v in variables)


def refuse_complex(*variables):
    """Gradients through complex numbers are mostly not defined here, nor were they in Theano."""
    if is_complex(*variables):
        raise NotImplementedError()


def zero_gradient(x):
    """What flows back to `x` through a function with integer values."""
    return x.zeros_like(dtype=config.floatX) if x.type in discrete_types else x.zeros_like()


def float_zeros(*variables):
    """Zeros of dtype floatX, for inputs that no gradient reaches."""
    return [v.zeros_like().astype(config.floatX) for v in variables]


def define(class_name, name, rule, body, base=ScalarOp, module=None, doc=None, init=None, **members):
    """One row of a table of Ops: the new class and its instance.

    Parameters
    ----------
    class_name, name : how the class and its instance are called and printed; no `name`: printed as the class.
    rule : from input types to output types.
    body : ``body(xp, *arrays)``.
    base : the class to derive from.
    init : arguments of the instance instead of ``(rule, name=name)``.
    members : attributes and methods of the class.
    """
    if rule in (upgrade_to_float, upgrade_to_float_no_complex):
        members.setdefault("work", "float")
    members["body"] = staticmethod(body)
    members["__module__"] = module or body.__module__
    members["__doc__"] = doc or members.get("tensor_doc")
    cls = type(base)(class_name, (base,), members)
    if init is not None:
        return cls, cls(*init)
    return cls, cls(rule, name=name)


def unary(class_name, name, rule, body, gradient=None, complex_gradient=False, **members):
    """A row for a function of one number.

    ``gradient(x, gz)`` is what flows back to the input; a function with integer values passes back zeros.
    Complex numbers have no gradient unless `complex_gradient`.
    """
    if gradient is not None:

        def L_op(self, inputs, outputs, output_gradients):
            (x,), (gz,) = inputs, output_gradients
            if not complex_gradient:
                refuse_complex(x, gz)
            if outputs[0].type in discrete_types:
                return [zero_gradient(x)]
            return [gradient(x, gz)]

        members["L_op"] = L_op
    members.setdefault("base", UnaryScalarOp)
    return define(class_name, name, rule, body, **members)


def numpy_unary(class_name, name, rule, gradient=None, numpy_name=None, **members):
    """A row for a function that numpy has, under `numpy_name` or the Op's own name."""
    numpy_name = numpy_name or name
    members["nfunc_spec"] = (numpy_name, 1, 1)

    def body(xp, x):
        return getattr(xp, numpy_name)(x)

    return unary(class_name, name, rule, body, gradient, **members)


def names(table, but=()):
    """What a module of rows shows: the Ops, classes and functions among its globals `table` that it defines itself."""
    return [
        name
        for name, value in table.items()
        if name[0] != "_" and name not in but and getattr(value, "__module__", None) == table["__name__"]
    ]


def tensor_rows(table):
    """The (name, Op) that are functions of tensors, too, among the globals `table`; one Op has one name, its first."""
    rows = {}
    for name, value in table.items():
        if isinstance(value, ScalarOp) and value.tensor_doc is not None:
            rows.setdefault(id(value), (name, value))
    return list(rows.values())
