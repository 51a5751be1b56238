"""Op: what an Apply node computes."""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from contextlib import ContextDecorator
from typing import TYPE_CHECKING

import numpy as np

from theanojax.arrays import HOST
from theanojax.config import config
from theanojax.errors import MethodNotDefined
from theanojax.graph import above
from theanojax.graph.c_interface import CLinkerObject, CLinkerOp
from theanojax.graph.contract import Contract
from theanojax.graph.props import Props
from theanojax.graph.tag import get_variable_trace_string as where_built
from theanojax.graph.tracebacks import hide_frames, user_stacklevel
from theanojax.graph.variable import Apply, Constant, Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from theanojax.graph.params_type import Params
    from theanojax.graph.tag import T
    from theanojax.graph.type import Type

    # a value's cell, and whether it holds the value by now
    StorageMap = dict[Variable, list[Any]]
    ComputeMap = dict[Variable, list[bool]]


class _Depth(threading.local):
    value = 0


class without_test_values(ContextDecorator):
    """What executors build for themselves, when a function is called, gets no test values. For this thread alone."""

    depth = _Depth()

    def __enter__(self) -> None:
        self.depth.value += 1

    def __exit__(self, *error: object) -> None:
        self.depth.value -= 1


class PureOp(Contract):
    """How Ops are called to build graphs, and the optional methods that they may have."""

    default_output: int | None = None
    _computes = False

    # What an Op may have besides; `grad` must be there where it is asked for.
    grad: Callable[[Sequence[Variable], Sequence[Variable]], Sequence[Variable]]
    connection_pattern: Callable[[Apply], list[list[bool]]]
    view_map: dict[int, list[int]]
    destroy_map: dict[int, list[int]]
    itypes: Sequence[Type]
    otypes: Sequence[Type]

    def __init__(self, use_c_code: Any = None) -> None:
        """`use_c_code` said, for Theano, whether C code may be used; subclasses pass it on."""

    def make_node(self, *inputs: Any) -> Apply:
        """An Apply of this Op on `inputs`; raises TypeError when they do not fit."""
        raise MethodNotDefined.of(self, "make_node")

    def add_tag_trace(self, thing: T, user_line: int | None = None) -> T:
        from theanojax.graph.tag import add_tag_trace

        return add_tag_trace(thing, user_line)

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        """Apply the Op: ``make_node``, then the test value if asked, then the output variable(s).

        ``return_list=True`` always gives a list.
        """
        return_list = kwargs.pop("return_list", False)
        try:
            node = self.make_node(*inputs, **kwargs)
            if config.compute_test_value != "off" and not without_test_values.depth.value:
                compute_test_value(node)
        except Exception as error:
            hide_frames(error)
            raise
        if self.default_output is not None:
            out = node.outputs[self.default_output]
            return [out] if return_list else out
        if return_list:
            return list(node.outputs)
        return node.outputs[0] if len(node.outputs) == 1 else node.outputs

    def perform(
        self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], params: Any = None
    ) -> Any:
        raise MethodNotDefined(
            "perform",
            type(self),
            self.__class__.__name__,
            "Did you used Theano flags mode=FAST_COMPILE? You can use optimizer=fast_compile instead.",
        )

    def runs_on_host(self, node: Apply) -> bool:
        """True when only the host can run this node: it has a ``perform`` and nothing newer."""
        for cls in type(self).__mro__:
            own = cls.__dict__
            if "lower_xla" in own:
                return cls is Op
            if "compute" in own:
                return self.side_effect  # which tracing would have once for all calls
            if "perform" in own:
                return True
        return True

    def why_on_host(self, node: Apply) -> str:
        return "%s is written in C" % self if self.only_c_code() else super().why_on_host(node)

    def only_c_code(self) -> bool:
        """True when the Op is written in C, and in nothing else."""
        kind: Any = type(self)
        return written_in_c(kind, PureOp, ("perform", "compute", "lower_xla", "make_thunk", "make_py_thunk"))

    def compile_c_code(self, node: Apply) -> None:
        """Compile what of `node` there is only C code for. Called while a function is made.

        NotImplementedError if it cannot be compiled here, a CompileError if the compiler refuses it.
        """
        if self.only_c_code():
            above.native.build(node)

    def prepare_node(self, node: Apply, storage_map: StorageMap, compute_map: ComputeMap, impl: str | None) -> None:
        """Called before a node is run; nothing to prepare by default."""

    def do_constant_folding(self, node: Apply) -> bool:
        """Whether the node may be replaced by its value when all inputs are constant."""
        return True

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> Sequence[Variable]:
        """The gradient of a cost for each input, given those for the outputs; ``grad`` unless overridden."""
        return self.grad(inputs, output_grads)

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> Sequence[Variable | None]:
        """The derivative of each output in the direction `eval_points` (None where an input does not move)."""
        raise NotImplementedError(
            "%s of class %s does not implement R_op. If this is a theano op, write to the theano-dev mailing list "
            "for assistance. If it is your own op, implement the R_op method." % (self, self.__class__.__name__)
        )

    @staticmethod
    def _get_test_value(v: Any) -> Any:
        """The value a variable has while graphs are tested as they are built; AttributeError when it has none."""
        if isinstance(v, Constant):
            return v.data
        container = getattr(v, "container", None)
        if container is not None:
            return container.peek()
        if isinstance(v, Variable) and hasattr(v.tag, "test_value"):
            try:
                return v.type.filter(v.tag.test_value)
            except Exception as e:
                raise type(e)(
                    "For compute_test_value, one input test value does not have the requested type.\n"
                    + where_built(v)
                    + "\nThe error when converting the test value to that variable "
                    "type:\n" + str(e)
                ) from e
        raise AttributeError("%s has no test value %s" % (v, where_built(v)))


class Op(Props, PureOp, CLinkerOp):
    """Base class of all Ops.

    A subclass defines ``make_node`` and one of

    - ``compute(xp, node, *inputs)``: pure, written once against an array namespace `xp` (numpy on the host,
      jax.numpy inside XLA), returning the output (a tuple when there are several);
    - ``perform(node, inputs, output_storage)``: Theano's own protocol, run on the host;

    and may define ``lower_xla(ctx, node, *inputs)`` when the XLA side needs a body of its own.
    ``static_inputs`` are the positions of inputs whose values fix the shape of an output: inside XLA they
    arrive as plain numpy values. What else may be said of an Op is in `Contract`.
    """

    static_inputs: tuple[int, ...] = ()
    _op_use_c_code = True
    _computes = False

    def make_node(self, *inputs: Any) -> Apply:
        """An Apply on inputs of exactly the types ``self.itypes``, with outputs of the types ``self.otypes``."""
        if not hasattr(self, "itypes") or not hasattr(self, "otypes"):
            raise NotImplementedError("You can either define itypes and otypes, or implement make_node")
        if len(inputs) != len(self.itypes):
            raise ValueError("We expected %d inputs but got %d." % (len(self.itypes), len(inputs)))
        if not all(v.type == t for v, t in zip(inputs, self.itypes)):
            raise TypeError(
                "We expected inputs of types '%s' but got types '%s' " % (self.itypes, [v.type for v in inputs])
            )
        return Apply(self, inputs, [t() for t in self.otypes])

    def compute(self, xp: Any, node: Apply, *inputs: Any) -> Any:
        raise MethodNotDefined.of(self, "compute")

    def static_needs(self, node: Apply) -> list[Variable]:
        """Variables whose value must be known before this node can be traced."""
        return [node.inputs[i] for i in self.static_inputs]

    def lower_xla(self, ctx: Any, node: Apply, *inputs: Any) -> Any:
        if self.static_inputs:
            inputs = list(inputs)
            for i in self.static_inputs:
                inputs[i] = ctx.need(node.inputs[i], inputs[i])
        return self.compute(ctx.xp, node, *inputs)

    def perform(
        self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], params: Any = None
    ) -> Any:
        if type(self).compute is Op.compute:
            return super().perform(node, inputs, output_storage, params)
        out = self.compute(HOST, node, *inputs)
        if not isinstance(out, (tuple, list)):
            out = (out,)
        for var, value, cell in zip(node.outputs, out, output_storage):
            dtype = None if getattr(var.type, "host_only", False) else getattr(var.type, "dtype", None)
            cell[0] = value if dtype is None or value is None else own_array(value, dtype, inputs)

    def make_thunk(
        self,
        node: Apply,
        storage_map: StorageMap,
        compute_map: ComputeMap,
        no_recycling: Sequence[Variable],
        impl: str | None = None,
    ) -> Callable[[], Any]:
        """A function that runs `node` once on the cells of `storage_map` (Theano's protocol for linkers).

        With `impl` "c" it runs the Op's C code if there is some, which is otherwise for Ops that have nothing else.
        """
        if impl == "c" and has_c_code(type(self)):
            return self.make_c_thunk(node, storage_map, compute_map, no_recycling)
        return self.make_py_thunk(node, storage_map, compute_map, no_recycling)

    def make_c_thunk(
        self, node: Apply, storage_map: StorageMap, compute_map: ComputeMap, no_recycling: Sequence[Variable]
    ) -> Callable[[], Any]:
        """The same by the Op's C code; NotImplementedError if it cannot be compiled."""
        above.native.build(node)

        def rval() -> None:
            above.native.run(node, [storage_map[v][0] for v in node.inputs], [storage_map[v] for v in node.outputs])
            for v in node.outputs:
                compute_map[v][0] = True

        vars(rval)["lazy"] = False
        thunk: Callable[[], Any] = with_cells(rval, node, storage_map)
        return thunk

    def make_py_thunk(
        self,
        node: Apply,
        storage_map: StorageMap,
        compute_map: ComputeMap,
        no_recycling: Sequence[Variable],
        debug: bool = False,
    ) -> Callable[[], Any]:
        ins = [storage_map[v] for v in node.inputs]
        outs = [storage_map[v] for v in node.outputs]

        def rval() -> Any:
            r = node.perform([c[0] for c in ins], outs)
            for v in node.outputs:
                compute_map[v][0] = True
            return r

        vars(rval).update(inputs=ins, outputs=outs, perform=self.perform, lazy=False)
        return rval

    def get_params(self, node: Apply) -> Params:
        """The Op's attributes named by its ``params_type``, a ParamsType; AttributeError if one is missing."""
        from theanojax.graph.params_type import ParamsType

        kind = getattr(self, "params_type", None)
        if not isinstance(kind, ParamsType):
            raise MethodNotDefined.of(self, "get_params")
        missing = tuple(field for field in kind.fields if not hasattr(self, field))
        if missing:
            raise AttributeError("%s: missing attributes %s for ParamsType." % (type(self).__name__, missing))
        return kind.get_params(self)

    def __str__(self) -> str:
        return type(self).__name__

    def __ne__(self, other: object) -> bool:
        return not self == other


def with_cells(thunk: Any, node: Apply, storage_map: StorageMap) -> Any:
    """`thunk`, with the cells of the inputs and outputs of `node` as attributes."""
    thunk.inputs, thunk.outputs = ([storage_map[v] for v in variables] for variables in (node.inputs, node.outputs))
    return thunk


def has_c_code(cls: Any) -> bool:
    """Whether a class of Ops has C code."""
    return getattr(cls, "c_code", CLinkerOp.c_code) is not CLinkerOp.c_code


@functools.cache
def written_in_c(cls: type, base: type, bodies: tuple[str, ...]) -> bool:
    """Whether `cls` has C code of its own, and `base` is the first of its classes to define one of `bodies`."""
    in_c = False
    for c in cls.__mro__:
        if c in (Op, base):
            return in_c
        in_c = in_c or "c_code" in c.__dict__
        if any(name in c.__dict__ for name in bodies):
            return False
    return in_c


def own_array(value: Any, dtype: Any, inputs: Iterable[Any] = ()) -> NDArray[Any]:
    """`value` as an array of `dtype` that is not one of `inputs` itself."""
    array: NDArray[Any] = np.asarray(value, dtype=dtype)
    for v in inputs:
        if array is v:
            array = array.copy()
            break
    return array


class OpenMPOp(Op):
    """An Op whose C code, if it has some, is compiled for OpenMP: if `openmp`, by default the flag of that name.

    How many threads XLA and numpy use it does not say.
    """

    gxx_support_openmp: bool | None = None  # whether the compiler can, once that has been tried

    def __init__(self, openmp: bool | None = None) -> None:
        self.openmp = config.openmp if openmp is None else openmp

    def c_compile_args(self, c_compiler: Any = None) -> list[str]:
        self.update_self_openmp()
        return ["-fopenmp"] if self.openmp else []

    def c_headers(self, c_compiler: Any = None) -> list[str]:
        self.update_self_openmp()
        return ["omp.h"] if self.openmp else []

    @staticmethod
    def test_gxx_support() -> bool:
        """Whether the compiler takes OpenMP code."""
        return bool(above.native.GCC_compiler.try_flags(["-fopenmp"], preambule="#include <omp.h>"))

    def update_self_openmp(self) -> None:
        """Do without OpenMP where the compiler does not have it, and say so once."""
        if not getattr(self, "openmp", False):
            return
        if OpenMPOp.gxx_support_openmp is None:
            OpenMPOp.gxx_support_openmp = self.test_gxx_support()
            if not OpenMPOp.gxx_support_openmp:
                warnings.warn("The C++ compiler does not compile OpenMP code: Ops do without.", stacklevel=3)
        if not OpenMPOp.gxx_support_openmp:
            self.openmp = False


def compute_test_value(node: Apply) -> None:
    """Run `node` on the test values of its inputs, as ``config.compute_test_value`` says.

    ``raise`` turns a missing test value into AttributeError, ``warn`` into a warning, ``ignore`` passes.
    The outputs receive ``tag.test_value``.
    """
    mode = config.compute_test_value
    storage_map, compute_map, complete = {}, {}, True
    for i, v in enumerate(node.inputs):
        try:
            value = PureOp._get_test_value(v)
        except AttributeError:
            text = "Cannot compute test value: input %i (%s) of Op %s missing default value" % (i, v, node)
            if mode == "raise":
                raise ValueError("%s. %s" % (text, where_built(v))) from None
            if mode == "warn":
                warnings.warn("Warning, " + text, stacklevel=user_stacklevel())
            elif mode == "pdb":
                import pdb

                pdb.post_mortem(sys.exc_info()[2])
            complete = False
            continue
        storage_map[v], compute_map[v] = [value], [True]
    if not complete:
        return
    for v in node.outputs:
        storage_map[v], compute_map[v] = [None], [False]
    thunk = node.op.make_thunk(node, storage_map, compute_map, no_recycling=[])
    required = with_cells(thunk, node, storage_map)()
    if getattr(thunk, "lazy", False):
        while required:
            required = thunk()
    for v in node.outputs:
        v.tag.test_value = storage_map[v][0]


def get_test_value(v: Any) -> Any:
    """The test value of `v` (a variable or a plain value); AttributeError when it has none."""
    if not isinstance(v, Variable):
        v = above.tensor.as_tensor_variable(v)
    return PureOp._get_test_value(v)


def missing_test_message(msg: str) -> None:
    """Complain about a missing test value, as loudly as ``config.compute_test_value`` says."""
    action = config.compute_test_value
    if action == "raise":
        raise AttributeError(msg)
    if action == "warn":
        warnings.warn(msg, stacklevel=2)


def get_debug_values(*args: Any) -> list[Any]:
    """What a loop over the test values of `args` has to go through.

    A list of one item when test values are on and all are there: the value of a single variable, the tuple of those
    of several. Else an empty list, after a word about the one that is missing.
    """
    if config.compute_test_value == "off":
        return []
    values = []
    for i, arg in enumerate(args):
        try:
            values.append(get_test_value(arg))
        except AttributeError:
            named = "('%s')" % arg.name if getattr(arg, "name", None) is not None else ""
            missing_test_message("Argument %i%s has no test value" % (i, named))
            return []
    return values if len(values) == 1 else [tuple(values)]


def debug_error_message(msg: str) -> None:
    """Say that test values are wrong: ValueError, or a warning where ``config.compute_test_value`` is 'warn'."""
    if config.compute_test_value == "warn":
        warnings.warn(msg, stacklevel=2)
    else:
        raise ValueError(msg)


def debug_assert(condition: object, msg: str | None = None) -> None:
    """Assert `condition`, but only while test values are computed."""
    if msg is None:
        msg = "debug_assert failed"
    if not condition:
        action = config.compute_test_value
        if action in ("raise", "ignore"):
            raise AssertionError(msg)
        if action == "warn":
            warnings.warn(msg, stacklevel=2)


ops_with_inner_function: dict[type[PureOp], str] = {}

__all__ = [
    "Apply",
    "CLinkerObject",
    "CLinkerOp",
    "Op",
    "OpenMPOp",
    "PureOp",
    "compute_test_value",
    "debug_assert",
    "debug_error_message",
    "get_debug_values",
    "get_test_value",
    "missing_test_message",
    "ops_with_inner_function",
]
