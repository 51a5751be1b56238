"""Tracing a graph with known values.

While a graph is traced a value is either known (a numpy value: constants, shapes, and all computed from
them) or a jax tracer. An Op whose inputs are all known is run on the host at once, so shape arithmetic costs
nothing at run time and never meets a tracer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

import jax
import jax.numpy as jnp
from jax import lax

from theanojax.graph.locks import serving
from theanojax.graph.op import without_test_values
from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.printing.progress import PIECES, at_step, loops_tell
from theanojax.runtime.blame import raise_with_op
from theanojax.runtime.planning import branches
from theanojax.runtime.planning.analysis import reads_lengths
from theanojax.runtime.xla import memory, platform
from theanojax.runtime.xla.namespace import XlaNamespace, cast_value, is_known
from theanojax.runtime.xla.problems import GuardFailed, NeedsValue, TooLarge, Unsupported, Untraceable

if TYPE_CHECKING:
    from theanojax.graph.placement import Placement
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Array, Oversized, Value
    from theanojax.runtime.parallel.arrangement import Arrangement
    from theanojax.runtime.timing.scopes import Scopes

FEW_STEPS = 4  # a loop that no interrupt has to end: XLA may write such a short one out
FOLD_LIMIT = 4096  # elements; a larger known result is left to XLA rather than embedded as a constant


def _all_digits() -> AbstractContextManager[Any]:
    """Where products are of as many digits as their dtype has, unless the user has told jax otherwise."""
    if platform.cuts_products and jax.config.jax_default_matmul_precision is None:
        highest: AbstractContextManager[Any] = jax.default_matmul_precision("highest")
        return highest
    return nullcontext()


class TraceContext:
    """What ``lower_xla`` of an Op may use while a graph is traced.

    ``xp`` is the array namespace and ``lax`` jax.lax. `statics` maps variables to values computed beforehand. `stop`
    is an array of whole numbers, of which the first is no longer 0 when loops have to end (see interrupts.py).
    """

    lax = lax

    arrangement: Arrangement | None = None  # where arrays lie, if there are several devices

    @property
    def platform(self) -> str:
        """What the program is compiled for: "cpu", "gpu" ..."""
        return platform.backend()

    def __init__(
        self,
        statics: dict[Variable, Value] | None = None,
        needs: dict[Apply, list[Variable]] | None = None,
        stop: Array | None = None,
        scopes: Scopes | None = None,
    ) -> None:
        self.xp = XlaNamespace(self)
        self.stop = stop
        self.scopes = scopes  # timing.scopes.Scopes, where nodes have to be found again in the executable
        self.statics = statics if statics is not None else {}
        self.needs = needs if needs is not None else {}
        self.guards: list[jax.Array] = []
        # (function, its arguments) for each of the program, or body, that is traced
        self.effects: list[tuple[Callable[..., None], tuple[Array, ...]]] = []
        self.acts = False  # whether there are any, those of bodies included
        self.in_loop = False  # whether this is, or is in, the body of a loop
        self.tells: list[str] = []  # names of the loops that say at which step they are
        # what effects raised that is no Exception; jax makes an error of its own of it
        self.interrupts: list[BaseException] = []
        self.most = memory.limit()
        self.oversized: list[Oversized] = []  # (bytes, node, MemoryError) for each array that no memory here can hold
        self.env: dict[Variable, Value] = {}
        self.order: Collection[Apply] = ()  # the nodes that are being traced, if each is for itself
        self.settled: dict[Apply, Value] = {}  # of nodes that other ones have computed, or of which nobody reads more
        # Integers, and lists of them, that are lengths of which jax.export knows a letter: they may stand in shapes.
        self.letters: dict[Variable, Any] = {}

    # ---------------------------------------------------------------- for Ops
    @staticmethod
    def known(value: Value) -> bool:
        return is_known(value)

    def need(self, variable: Variable, value: Value) -> Value:
        """The value of `variable` as plain data; `value` is what it was traced to."""
        if is_known(value):
            return value
        if variable in self.letters:
            return self.letters[variable]
        known = self.static(variable)
        if known is None:
            raise NeedsValue(variable)
        return known

    def static(self, variable: Variable) -> Value:
        """The value of a variable that ``static_needs`` named, or None when it is not known."""
        if variable in self.statics:
            return self.statics[variable]
        if variable in self.env:
            value = self.env[variable]
            return value if is_known(value) else None
        if isinstance(variable, Constant):
            return variable.data
        env = dict(self.env)
        for node in io_toposort(self.env, [variable]):
            for v in node.inputs:
                if v not in env:
                    if not isinstance(v, Constant):
                        return None
                    env[v] = v.data
            values = fold(node, [env[v] for v in node.inputs])
            if values is None:
                return None
            env.update(zip(node.outputs, values))
        return env.get(variable)

    def node_needs(self, node: Apply) -> list[Variable]:
        """``static_needs`` of a node, built once, so that the same variables are asked for each time."""
        found = self.needs.get(node)
        return self.needs.setdefault(node, list(node.op.static_needs(node))) if found is None else found

    def guard(self, condition: Array) -> None:
        """`condition` (a boolean array) must hold when the program runs; otherwise the host replays the call."""
        if is_known(condition):
            if not np.all(condition):
                raise GuardFailed()
            return
        self.guards.append(condition if condition.ndim == 0 else jnp.all(condition))

    def ok(self) -> jax.Array | bool:
        """All guards so far as one boolean scalar, or True."""
        if not self.guards:
            return True
        ok = self.guards[0]
        for g in self.guards[1:]:
            ok = lax.bitwise_and(ok, g)
        return ok

    def traces(self, nodes: Collection[Apply]) -> bool:
        """Whether all these nodes are traced after this one, and in no branch."""
        return all(node in self.order for node in nodes)

    def settle(self, nodes: Iterable[Apply], value: Value | None) -> None:
        """Have nodes, with one output, not traced: it is `value`. None says that nothing reads it but such nodes."""
        self.settled.update(dict.fromkeys(nodes, value))

    def unless_stopped(self, condition: Array) -> Array:
        """`condition`, which says whether a loop goes on, and False once the call is interrupted."""
        return condition if self.stop is None else lax.bitwise_and(condition, self.stop[0] == 0)

    def counts_steps(self) -> bool:
        """Whether somebody wants to know of the steps of a loop that is traced now, which is not to be two then."""
        return self.scopes is not None or self.tells_steps()

    def tells_steps(self) -> bool:
        """Whether a loop that is traced now says at which step it is."""
        return not self.in_loop and loops_tell()

    def tell_step(self, name: str, done: Array, total: Array) -> None:
        """Have the loop `name`, where a step is traced, say after each piece how many steps are done, if it should."""
        if not self.tells_steps():
            return
        every = jnp.maximum(1, total // PIECES)
        lax.cond(
            (done % every == 0) | (done == total),
            lambda: jax.debug.callback(partial(at_step, name), done, total, ordered=False),
            lambda: None,
        )
        self.tells.append(name)
        self.acts = True

    def scan(
        self, body: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any, like: Any, length: int, name: str
    ) -> tuple[Any, Any]:
        """``lax.scan(body, carry, xs, length=length)``, which an interrupt ends; its results are of no use then.

        `name` is that of the loop. `like` has the structure of the second result of `body`, and the shapes and dtypes.
        """
        if self.scopes is not None:
            self.scopes.note_length(length)
        if (self.stop is None or length <= FEW_STEPS) and not self.tells_steps():
            short: tuple[Any, Any] = lax.scan(body, carry, xs, length=length)
            return short

        def step(state: tuple[Array, Any, Any]) -> tuple[Array, Any, Any]:
            i, carry, stacked = state
            carry, rows = body(carry, jax.tree.map(lambda x: lax.dynamic_index_in_dim(x, i, 0, False), xs))
            self.tell_step(name, i + 1, np.int64(length))
            return (
                i + 1,
                carry,
                jax.tree.map(lambda y, row: lax.dynamic_update_index_in_dim(y, row, i, 0), stacked, rows),
            )

        stacked = jax.tree.map(lambda row: jnp.zeros((length, *row.shape), row.dtype), like)
        start = np.int64(0), carry, stacked
        _, carry, stacked = lax.while_loop(lambda state: self.unless_stopped(state[0] < length), step, start)
        return carry, stacked

    def with_row_if(self, wanted: Array, buffer: Array, i: Array, row: Array) -> Array:
        """`buffer` with `row` at place `i` if `wanted`, a number, holds; else as it is."""
        put = lax.dynamic_update_index_in_dim
        if platform.decides_at_once:
            kept: Array = lax.cond(wanted, lambda b, i, row: put(b, row, i, 0), lambda b, i, row: b, buffer, i, row)
            return kept
        i = lax.select(wanted, i, jnp.zeros_like(i))
        return put(buffer, jnp.where(wanted, row, lax.dynamic_index_in_dim(buffer, i, 0, False)), i, 0)

    def host_callback(self, fn: Callable[..., None], *values: Array) -> None:
        """Call `fn` on the host with the run-time `values`, for its side effect."""
        self.effects.append((serving(partial(_noting, self.interrupts, fn)), values))
        self.acts = True

    def perform_effects(self) -> None:
        """Have the effects happen at the end, if all guards hold: if not, the host repeats the call and has them."""
        ok = self.ok()
        for fn, values in self.effects:
            if ok is True:
                jax.debug.callback(fn, *values, ordered=False)
            else:
                jax.debug.callback(partial(_if, fn), ok, *values, ordered=False)

    def apart(self, inputs: Sequence[Value], body: Callable[[TraceContext, list[Value]], list[Value]]) -> list[Value]:
        """``body(context, inputs)``, computed when all inputs are there, and again what has been computed before.

        Arrays that `body` computes are not the same as any outside, and take memory only while it runs.
        """
        inputs = list(inputs)
        traced = [i for i, x in enumerate(inputs) if not is_known(x)]

        def run(arrays: Sequence[jax.Array]) -> tuple[list[Value], Array]:
            given = list(inputs)
            for i, x in zip(traced, arrays, strict=True):
                given[i] = x
            with self.sub() as inner:
                inner.statics, inner.env = self.statics, dict(self.env)
                outs = [jnp.asarray(x) for x in body(inner, given)]
                return outs, jnp.asarray(inner.ok())

        arrays = lax.optimization_barrier([inputs[i] for i in traced])
        if platform.forgets_barriers and traced:
            like = jax.eval_shape(run, arrays)
            outs, ok = lax.cond(
                lax.optimization_barrier(jnp.asarray(True)),  # which XLA does not know when it looks for such constants
                run,
                lambda _: jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like),
                arrays,
            )
        else:
            outs, ok = run(arrays)
        self.guard(ok)
        return list(outs)

    def rows(
        self,
        inputs: Sequence[Value],
        moving: Sequence[int],
        body: Callable[[TraceContext, list[Value]], Value | Sequence[Value]],
    ) -> list[Value]:
        """``body(context, inputs)`` for each row of the inputs at the positions `moving`, mapped by jax."""

        def run(*arrays: jax.Array) -> tuple[list[Value], Array]:
            given = list(inputs)
            for i, x in zip(moving, arrays, strict=True):
                given[i] = x
            with self.sub() as inner:
                inner.statics = self.statics
                outs = body(inner, given)
                outs = list(outs) if isinstance(outs, (tuple, list)) else [outs]
                return [jnp.asarray(x) for x in outs], jnp.asarray(inner.ok())

        outs, ok = jax.vmap(run)(*[jnp.asarray(inputs[i]) for i in moving])
        self.guard(ok)
        return list(outs)

    @staticmethod
    def eval_shape(fn: Callable[[], Any]) -> Any:
        """The shapes and dtypes of what `fn` would return, without computing it."""
        return jax.eval_shape(fn)

    def divide(self, arrangement: Arrangement) -> None:
        """The arrays lie on several devices."""
        self.arrangement, self.xp = arrangement, arrangement.namespace(self)

    @staticmethod
    def spread(placement: Placement, value: Array) -> Array:
        """`value` on the devices that `placement` says."""
        from theanojax.runtime.parallel.arrangement import sharding_of

        if is_known(value):
            return value
        return lax.with_sharding_constraint(value, sharding_of(placement, value.shape, "a batch"))

    def unsupported(self, reason: str) -> NoReturn:
        raise Unsupported(reason)

    def check_memory(
        self, function: Callable[..., Any], args: Sequence[Array], outputs: Sequence[Variable] = ()
    ) -> None:
        """MemoryError if ``function(*args)``, which has just been traced, takes more memory than there can be.

        The `outputs` have to be there at once. For the rest XLA is asked, but only if a single array is larger than
        the memory: most often it never makes those, the terms of a sum for one.
        """
        if not platform.shares_memory:
            return
        results = sum(weight(self.value(v)) for v in outputs)
        if results > self.most and not self.oversized:
            last = outputs[-1]
            assert last.owner is not None, "a stage computes all its outputs"
            self._blame(
                last.owner,
                MemoryError(
                    "Unable to allocate %s for %d results, the last with shape %s"
                    % (memory.readable(results), len(outputs), self.value(last).shape)
                ),
            )
        if not self.oversized:
            return
        given = [jax.ShapeDtypeStruct(np.shape(a), a.dtype) for a in args]
        used = jax.jit(function).lower(*given).compile().memory_analysis()
        if used is None:  # not every backend tells
            return
        total = used.output_size_in_bytes + used.temp_size_in_bytes
        if total <= self.most:
            return
        made = [found for found in self.oversized if found[0] <= total] or self.oversized
        _, node, error = max(made, key=lambda found: found[0])
        self._blame(node, error)

    def sub(self, outside: Mapping[Variable, Variable] | None = None) -> _SubContext:
        """A context for a body that XLA runs apart (of a loop, a branch): its guards must be carried out of it.

        A body with variables of its own gives `outside`, the equal variables outside for those whose values may
        be asked for.
        """
        return _SubContext(self, outside)

    def trace(self, inputs: Sequence[Variable], outputs: Sequence[Variable], values: Sequence[Value]) -> list[Value]:
        """The values of the graph `outputs`, given those of its `inputs`."""
        outer, self.env = self.env, dict(zip(inputs, values))
        try:
            self.run(io_toposort(inputs, outputs), outputs)
            return [self.value(v) for v in outputs]
        finally:
            self.env = outer

    # ---------------------------------------------------------------- walking
    def value(self, v: Variable) -> Value:
        value = self.env.get(v)
        if value is None:
            if v in self.statics:
                return self.statics[v]
            if isinstance(v, Constant):
                return v.data
            raise KeyError(v)
        return value

    @without_test_values()
    def run(self, order: Sequence[Apply], outputs: Sequence[Variable]) -> None:
        """Trace the nodes of `order` into the environment; a branch's own nodes only inside the branch."""
        found = branches.regions(order, outputs)
        with _all_digits():
            if found:
                branches.trace(self, order, found)
            else:
                before = self.order, self.settled
                self.order, self.settled = frozenset(order), {}
                try:
                    self._run_all(order)
                finally:
                    self.order, self.settled = before

    def _run_all(self, order: Sequence[Apply]) -> None:
        """Trace what can be traced, so that all that is missing is known at once."""
        problems: list[NeedsValue | Unsupported] = []
        lost: set[Variable] = set()
        for node in order:
            if problems and not lost.isdisjoint(node.inputs):
                lost.update(node.outputs)
                continue
            try:
                self.step(node)
            except Untraceable:  # perhaps the mistake of the caller; what is known to be missing goes first
                if not problems:
                    raise
                break
            except (NeedsValue, Unsupported) as problem:
                problems.append(problem)
                lost.update(node.outputs)
        if problems:
            first = problems[0]
            first.more = problems[1:]
            raise first

    def step(self, node: Apply) -> None:
        """Trace one node."""
        if node in self.settled:
            self.env[node.outputs[0]] = self.settled[node]
            return
        values = [self.value(v) for v in node.inputs]
        try:
            outs = self._lettered(node, values) or fold(node, values)
            if outs is None:
                with nullcontext() if self.scopes is None else self.scopes.around(node):
                    outs = node.op.lower_xla(self, node, *values)
                if not isinstance(outs, (tuple, list)):
                    outs = (outs,)
                outs = [None if o is None else cast_value(o, v) for o, v in zip(outs, node.outputs)]
                self._weigh(node, outs)
        except (NeedsValue, Unsupported) as e:
            e.node, e.more = node, ()
            raise
        except (GuardFailed, TooLarge, jax.errors.JaxRuntimeError):  # the last is no fault of the Op's
            raise
        except MemoryError as e:
            self._blame(node, e)
        except Exception as e:
            if by_signal(e):
                raise
            raise Untraceable(node, e) from e
        self.env.update(zip(node.outputs, outs))

    def _lettered(self, node: Apply, values: Sequence[Value]) -> list[Value] | None:
        """The output of a node that reads lengths which are letters, or computes with them; None for all others."""
        found: Any
        which = reads_lengths(node)
        if which is not None:
            shape: Sequence[Any] = getattr(values[0], "shape", ())
            found = [shape[i] for i in which] if isinstance(which, tuple) else shape[which] if shape else 0
            if all(isinstance(n, int) for n in (found if isinstance(found, list) else [found])):
                return None
        elif not self.letters or self.letters.keys().isdisjoint(node.inputs):
            return None
        elif getattr(node.outputs[0].type, "dtype", None) != "int64":
            return None
        else:
            known = [x.tolist() if is_known(x) and getattr(x, "ndim", None) in (0, 1) else None for x in values]
            parts = [self.letters.get(v, n) for v, n in zip(node.inputs, known)]
            found = None if any(n is None for n in parts) else node.op.of_lengths(node, parts)
            if found is None:
                return None
        self.letters[node.outputs[0]] = found
        out = jnp.stack([jnp.asarray(n) for n in found]) if isinstance(found, list) else jnp.asarray(found)
        return [out.astype(np.int64)]

    def _weigh(self, node: Apply, outs: Sequence[Value]) -> None:
        """Refuse results that have no address; keep those in mind that no memory holds."""
        for value in outs:
            size = weight(value)
            if size > self.most:
                error = MemoryError(
                    "Unable to allocate %s for an array with shape %s and data type %s"
                    % (memory.readable(size), value.shape, value.dtype)
                )
                self.oversized.append((size, node, error))
                if size >= memory.ADDRESS_SPACE:  # XLA's own sums of such sizes overflow and end the process
                    raise error

    def _blame(self, node: Apply, error: MemoryError) -> NoReturn:
        """Raise TooLarge for `error`, which then describes `node`; of what is traced it gives the shape."""
        cells = []
        for v in node.inputs:
            value: Value = self.statics.get(v, self.env.get(v, getattr(v, "data", None)))
            cells.append([value if is_known(value) else SimpleNamespace(shape=value.shape)])
        try:
            raise_with_op(node, SimpleNamespace(inputs=cells), (type(error), error, None))
        except MemoryError as described:
            raise TooLarge(described) from None


class _SubContext(TraceContext):
    def __init__(self, parent: TraceContext, outside: Mapping[Variable, Variable] | None) -> None:
        super().__init__(parent.statics, parent.needs, parent.stop, parent.scopes)
        self.parent, self.outside, self.interrupts = parent, outside, parent.interrupts
        self.in_loop, self.tells = parent.in_loop, parent.tells
        if parent.arrangement is not None:
            self.divide(parent.arrangement)

    def __enter__(self) -> _SubContext:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.parent.oversized += self.oversized
        self.parent.acts |= self.acts
        if error is None:
            self.perform_effects()
        # the planner knows nothing of the variables of a body
        if isinstance(error, NeedsValue) and self.outside is not None:
            if error.variable not in self.outside:
                raise Unsupported("a shape in a loop depends on %s" % error.variable) from error
            raise NeedsValue(self.outside[error.variable]) from error


def weight(value: Value) -> int:
    """The bytes of an array, traced or known, as a Python integer."""
    if not hasattr(value, "shape") or not isinstance(value.size, int):  # it has letters while a function is exported
        return 0
    return int(value.size * value.dtype.itemsize)


def _if(fn: Callable[..., None], ok: Array, *values: Array) -> None:
    if ok:
        fn(*values)


def _noting(interrupts: list[BaseException], fn: Callable[..., None], *values: Array) -> None:
    try:
        fn(*values)
    except Exception:
        raise
    except BaseException as error:
        interrupts.append(error)
        raise


def fold(node: Apply, values: Sequence[Value]) -> list[Value] | None:
    """The outputs of a node whose inputs are all known (or only their shapes matter), else None.

    Not those of an Op that has to run at each call. One of the user's with only a ``perform`` may be such an Op.
    """
    op, which = node.op, reads_lengths(node)
    if which is not None and hasattr(values[0], "shape"):
        shape = values[0].shape
        return [np.array([shape[i] for i in which] if isinstance(which, tuple) else shape[which], dtype="int64")]
    for v in values:
        if not is_known(v):
            return None
    if op.runs_on_host(node) or op.side_effect:
        return None
    size = 1
    for v in values:
        size = max(size, getattr(v, "size", 1))
    for i in op.static_inputs:
        for d in np.ravel(values[i]):
            size *= max(1, abs(int(d)))
    if size > FOLD_LIMIT:
        return None
    cells = [[None] for _ in node.outputs]
    node.perform(list(values), cells)
    return [c[0] for c in cells]
