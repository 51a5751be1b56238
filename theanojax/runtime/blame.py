"""Run-time errors that name the Apply node at fault, in Theano's words."""

from __future__ import annotations

import functools
import io
import sys
import warnings
from collections.abc import Sequence
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from theanojax.config import config
from theanojax.graph.op import Op
from theanojax.graph.signals import by_signal
from theanojax.graph.tag import format_stack
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.loop.host import check_lengths

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply
    from theanojax.runtime.hints import HasInputs, StorageMap, Thunk, Value


def raise_with_op(
    node: Apply,
    thunk: HasInputs | None = None,
    exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | None = None,
    storage_map: StorageMap | None = None,
) -> NoReturn:
    """Re-raise the current exception with a description of `node` added to its message.

    `thunk.inputs`, when given, are the cells holding the node's input values: their shapes and strides are
    reported. The exception also gets ``__op_instance__``, ``__applynode_index__`` and ``__thunk_trace__``.
    """
    error = (exc_info or sys.exc_info())[1]
    if error is None:
        raise RuntimeError("There is no exception that %s could have raised" % node)
    if isinstance(error, KeyboardInterrupt) or hasattr(error, "__op_instance__") or by_signal(error):
        raise error
    if isinstance(error, ValueError) and storage_map is not None:
        node, thunk, error = _loop_of_negative_length(node, storage_map) or (node, thunk, error)
    values = [cell[0] for cell in thunk.inputs] if thunk is not None and hasattr(thunk, "inputs") else None
    fgraph = getattr(node, "fgraph", None)
    order = fgraph.toposort() if fgraph is not None else []
    index = order.index(node) if node in order else None
    trace = getattr(node.outputs[0].tag, "trace", ())
    vars(error).update(__op_instance__=node, __thunk_trace__=trace, __applynode_index__=index)
    add_text(error, describe(node, values, index, storage_map))
    raise error


def _loop_of_negative_length(node: Apply, storage_map: StorageMap) -> tuple[Apply, HasInputs, IndexError] | None:
    """The loop, a stand-in for its thunk and its error, if `node` could not make a buffer for fewer than no steps.

    In Theano's optimized graphs the buffer has the length of the first states at least, and the loop complains.
    """
    for filled, _ in getattr(node.outputs[0], "clients", ()):
        for loop, _ in getattr(filled.outputs[0], "clients", ()) if filled != "output" else ():
            if loop == "output" or loop.op.loop_steps(loop) is None:
                continue
            cells = [storage_map.get(v, [None]) for v in loop.inputs]
            if cells[0][0] is not None:
                try:
                    check_lengths(loop, int(cells[0][0]), ())
                except IndexError as error:
                    return loop, SimpleNamespace(inputs=cells), error
    return None


def require_arrays(node: Apply, thunk: HasInputs) -> None:
    """ValueError if None, which every input of a function takes, stands where `node` needs a tensor.

    An Op with only a ``perform`` sees to it itself: a user's may know None, as `default` does.
    """
    missing = [v for v, cell in zip(node.inputs, thunk.inputs) if cell[0] is None and hasattr(v.type, "broadcastable")]
    if missing and not Op.runs_on_host(node.op, node):
        raise ValueError("expected an ndarray, not None")


def warns_of_floats() -> bool:
    """Whether a flag numpy.seterr_* has numpy warn of float errors: the warnings are to name their node."""
    return any(
        getattr(config.numpy, "seterr_" + kind) == "warn" for kind in ("all", "divide", "over", "under", "invalid")
    )


def named_in_warnings(thunk: Thunk, node: Apply) -> Thunk:
    """`thunk`, with warnings of numpy about float errors that name `node`, and the program's line that led to it."""

    def tell(kind: str, flag: int) -> None:
        warnings.warn("%s encountered in %s" % (kind, node), RuntimeWarning, stacklevel=user_stacklevel())

    @functools.wraps(thunk)
    def named() -> Any:
        kinds: dict[str, Any] = {kind: "call" for kind, action in np.geterr().items() if action == "warn"}
        with np.errstate(call=tell, **kinds):
            return thunk()

    whole: Thunk = named  # type: ignore[assignment]
    return whole


def add_text(error: BaseException, text: str) -> None:
    """Append `text` to the message of `error`; as a note where the class builds its message otherwise."""
    plain = len(error.args) <= 1 and (not error.args or str(error) == str(error.args[0]))
    if plain or type(error).__str__ is BaseException.__str__:
        before, set_args = error.args, BaseException.args.__set__  # type: ignore[attr-defined]
        set_args(error, (str(error) + text,))  # also where the class allows nobody to set anything
        if text in str(error):
            return
        set_args(error, before)
    error.add_note(text)


def describe(
    node: Apply, values: Sequence[Value] | None, index: int | None = None, storage_map: StorageMap | None = None
) -> str:
    """The node, the types, shapes and strides of its inputs, where it was built, and hints."""
    high = config.exception_verbosity == "high"
    text = ["\nApply node that caused the error: %s" % node]
    hints = []
    if index is not None:
        text.append("\nToposort index: %d" % index)
    text.append("\nInputs types: %s\n" % [v.type for v in node.inputs])
    if values is None:
        hints.append("HINT: Use another linker then the c linker to have the inputs shapes and strides printed.")
    else:
        text.append("Inputs shapes: %s" % [getattr(v, "shape", "No shapes") for v in values])
        text.append("\nInputs strides: %s" % [getattr(v, "strides", "No strides") for v in values])
        text.append("\nInputs values: %s" % ["not shown" if _is_long(v) else v for v in values])
        if high:
            text.append("\nInputs type_num: %s" % [getattr(getattr(v, "dtype", ""), "num", "") for v in values])
        if hasattr(node.op, "__input_name__"):
            text.append("\nInputs name: %s\n" % (node.op.__input_name__,))
        text.append("\nOutputs clients: %s\n" % [[c[0] for c in getattr(v, "clients", ())] for v in node.outputs])
    trace = getattr(node.outputs[0].tag, "trace", [])
    if len(trace) > 0:
        text.append("\nBacktrace when the node is created(use Theano flag traceback.limit=N to make it longer):\n")
        for stack in trace:
            text.append(format_stack(stack))
    else:
        hints.append(
            "HINT: Re-running with most Theano optimization disabled could give you a back-trace of when "
            "this node was created. This can be done with by setting the Theano flag "
            "'optimizer=fast_compile'. If that does not work, Theano optimizations can be disabled with "
            "'optimizer=None'."
        )
    if high:
        from theanojax.printing import debugprint

        out = io.StringIO()
        debugprint(node, file=out, stop_on_name=True, print_type=True)
        text.append("\nDebugprint of the apply node: \n" + out.getvalue())
        if storage_map is not None:
            text.append(storage_footprint(storage_map))
    else:
        hints.append(
            "HINT: Use the Theano flag 'exception_verbosity=high' for a debugprint and storage map "
            "footprint of this apply node."
        )
    return "".join(text) + "\n" + "\n".join(hints)


def _is_long(value: Value) -> bool:
    size = getattr(value, "size", 0)  # what is no array is shown, whatever it is
    return isinstance(size, int) and size > 5


def storage_footprint(storage_map: StorageMap) -> str:
    """The arrays held while the error happened, the largest first."""
    rows, total, inputs = [], 0, 0
    for v, cell in storage_map.items():
        value = cell[0]
        if not isinstance(value, np.ndarray):
            continue
        total += value.nbytes
        kind = ""
        if v.owner is None:
            inputs += value.nbytes
            kind = "Shared Input, " if hasattr(v, "container") else "Input, "
        rows.append(
            (
                value.nbytes,
                " - %s, %sShape: %s, ElemSize: %s Byte(s), TotalSize: %s Byte(s)\n"
                % (v, kind, value.shape, value.itemsize, value.nbytes),
            )
        )
    rows.sort(key=lambda r: -r[0])
    return (
        "\nStorage map footprint:\n"
        + "".join(r[1] for r in rows)
        + " TotalSize: %s Byte(s) %.3f GB\n TotalSize inputs: %s Byte(s) %.3f GB\n"
        % (total, total / 2.0**30, inputs, inputs / 2.0**30)
    )
