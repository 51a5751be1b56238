"""What the library asks of an Op beside Theano's own protocol: each question with the answer of most Ops.

Executors, loops and rewrites know no Op by its class: what sets one apart it says here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from theanojax.graph.fgraph_first import take_fgraph

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Any, Protocol

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.variable import Apply, Variable

    class Shared(Protocol):
        """A shared variable that has a next value by itself."""

        default_update: Variable


# What a class says in place of its values: it holds for no class derived from it that computes others. What one that
# computes nothing says, it says of those that are derived from it.
_OF_VALUES = ("array_role", "plain_value", "numpy_code", "vectorize_node", "of_lengths")


class Inside(NamedTuple):
    """The graph that an Op is made of, for pictures. `enters` and the other pairs are positions.

    Attributes
    ----------
    inputs, outputs : the graph as it was written.
    rewritten : a function that gives the FunctionGraph that runs in its place, with the same inputs and outputs.
    enters : (input of the node, input of the graph)
    leaves : (output of the graph, output of the node)
    again : (output of the graph, input that it is in the next step)
    """

    inputs: list[Variable]
    outputs: list[Variable]
    rewritten: Callable[[], FunctionGraph]
    enters: list[tuple[int, int]]
    leaves: list[tuple[int, int]]
    again: Sequence[tuple[int, int]] = ()


class Contract:
    """The questions. Theano's own (``make_node``, ``grad``, ``view_map`` ...) are in `PureOp` and `Op`.

    Attributes
    ----------
    side_effect : it prints, or stops in a debugger: it runs once at each call, even where its value is known before.
    cheap_on_host : of numbers and short vectors that the host holds, the host computes it quicker than XLA is called.
    reads_part : it takes elements of its first input at places that the others give. On the host that is a view, or a
        copy of those alone; XLA would need the whole array.
    array_role : what it does to arrays, for those who write numpy code for it: "elementwise" (by `scalar_op`),
        "reduction" (by `scalar_op`, over `axis`), "product" (of matrices and vectors), "view" (as `new_order` says), or
        None.
    plain_value : a function of Python numbers, in place of ``perform`` on arrays of no dimension, or None.
    """

    _computes = False  # whether this class, or one above it, says what the values are

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        take_fgraph(cls, "infer_shape", "do_constant_folding")
        if ("compute" in vars(cls) or "perform" in vars(cls)) and "_computes" not in vars(cls):
            for name in _OF_VALUES:
                said = next(c for c in cls.__mro__ if name in vars(c))
                if said is not cls and getattr(said, "_computes", False):
                    setattr(cls, name, vars(Contract)[name])
            cls._computes = True

    side_effect = False
    cheap_on_host = False
    reads_part = False
    array_role: str | None = None
    plain_value: Callable[..., Any] | None = None

    def lengths_read(self, ndim: int) -> int | tuple[int, ...] | None:
        """For an Op that only looks at the shape of its input, of `ndim` dimensions: which lengths it returns.

        The number of one dimension, or a tuple of them for a vector; None for all other Ops.
        """
        return None

    def numpy_code(self, node: Apply, args: Sequence[str], source: Any, spare: Sequence[int]) -> str | None:
        """For generated Python: an expression that gives what the host computes for the one output of `node`.

        None if there is none shorter than a call of ``perform``, with which it fails. Its result is an array of its
        own, or a view of the first input if the Op has a ``view_map``.

        `args` are the texts of the inputs: numpy arrays; of one of no dimension also numpy's scalars and, but for the
        first, Python numbers. Into the arrays of the positions `spare` it may write. `source` takes lines before it:
        `let(expression)` gives the name of the result, `bind(value)` names a value, `refuse(condition)` is for what is
        to be left to ``perform``.
        """
        return None

    def of_lengths(self, node: Apply, lengths: Sequence[Any]) -> Any:
        """The output of `node`, of int64, for inputs that are lengths, which may be letters such as jax.export has.

        Each is a number, or the list of those in a vector; None if the Op computes no such thing.
        """
        return None

    def why_on_host(self, node: Apply) -> str:
        """For whoever reads a plan: why only the host can run `node`, where `runs_on_host` says so."""
        return "%s has no XLA form" % self

    def xla_form(self, node: Apply) -> dict[Variable, Variable] | None:
        """A dict from the outputs of `node` to variables that XLA may compute in their place; None if there is none.

        It is asked when `node` turned out to be one that XLA cannot run.
        """
        return None

    def lazy_branches(self, node: Apply) -> tuple[Variable, Sequence[Variable], Sequence[Variable]] | None:
        """(condition, variables if it holds, variables if not) if `node` returns one of two lists of its inputs."""
        return None

    def loop_steps(self, node: Apply) -> Variable | None:
        """The variable that says how often a loop runs its body; None for an Op that is no loop."""
        return None

    def inner_fgraph(self) -> FunctionGraph | None:
        """The rewritten graph that each step of a loop runs."""
        return None

    def inner_nodes(self) -> Collection[Apply]:
        """The nodes of the graph that an Op is made of, which is compiled with it."""
        return ()

    def inside(self, node: Apply) -> Inside | None:
        """What a picture shows where `node` is opened, an `Inside`; None for an Op that is not made of a graph."""
        return None

    def map_inner(self, node: Apply, replacer: Callable[[Variable], Variable]) -> Apply | None:
        """`node` with what is inside its Op replaced, as `map_variables` of graph.replace says; None: nothing is."""
        return None

    def vectorize_node(self, node: Apply, inputs: Sequence[Variable], batch: Any) -> Sequence[Variable] | None:
        """The outputs of `node` for many rows at once; None if it is to be done row by row, and NotImplemented if that
        has to go on to the end of the graph: these outputs may have as many shapes as there are rows.

        `inputs` are those of `node`; one that is not the same for all rows has a leading dimension more, in which the
        rows lie. So may the outputs: one without that dimension is common to all rows. `batch`, a Batch of
        theanojax.vectorizing, has what is needed for it; the usual answers are in tensor/batch_rules.py.
        """
        return None

    def default_update(self, node: Apply, v: Shared) -> Variable:
        """The next value of the shared variable `v`, an input of `node` that has one by itself."""
        return v.default_update

    def upgrade_node(self, node: Apply) -> None:
        """Bring `node`, from one of Theano's own pickles, into the form that it has here."""

    def compile_step(self) -> None:
        """Called before a function with this Op is made: what it compiles itself, it compiles now."""


def same(number: Any) -> Any:
    """The `plain_value` of an Op that changes the type alone."""
    return number
