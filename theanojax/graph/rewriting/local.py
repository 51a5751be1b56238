"""Local optimizers: rewrites that look at one Apply node and offer replacements for its outputs."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING

from theanojax.errors import MethodNotDefined
from theanojax.graph.fgraph_first import by_node, take_fgraph
from theanojax.graph.op import PureOp
from theanojax.graph.per_op import PerOp
from theanojax.graph.rewriting.base import FromFunction, print_parts, require_destroy_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Literal, TextIO

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.rewriting.base import Requirement
    from theanojax.graph.rewriting.profile import RewriteReport
    from theanojax.graph.variable import Apply, Variable

    # What a rewrite may look for: Ops or classes of Ops; and what it may answer.
    Tracked = Sequence[PureOp | type[PureOp]]
    Replacement = Sequence[Variable | None] | dict[Any, Any] | Literal[False] | None


class LocalOptimizer:
    """A rewrite of one node.

    ``transform(node)`` returns False or None (nothing to do), a list of variables that replace the node's outputs
    in order (None for an output that nobody uses), or a dict from old variables to new ones, whose key "remove"
    may list nodes that have to be gone afterwards.
    """

    name: str | None = None
    __name__: str
    # Whether `transform` counts on being called for what it tracks, and nothing else.
    only_tracked = False
    # What some have besides: the classes of scalar Ops that they are for, and the Ops that OpKeyOptimizer looks for.
    only_scalar: tuple[type, ...] | None
    op_key: Callable[[], Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        take_fgraph(cls, "transform")

    def tracks(self) -> Tracked | None:
        """The Op classes and Op instances whose nodes are worth trying; None for all nodes."""
        return None

    def transform(self, node: Apply) -> Replacement:
        raise MethodNotDefined.of(self, "transform")

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach to `fgraph` the features that ``transform`` relies on."""

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        print("%s%s id=%i" % (" " * level, type(self).__name__, id(self)), file=stream)


class FromFunctionLocalOptimizer(FromFunction, LocalOptimizer):
    """A local optimizer whose ``transform`` is the function `fn`.

    `only_scalar` narrows a rewrite that tracks Elemwise to nodes with a scalar Op of these classes.
    """

    only_scalar = None

    def __init__(
        self,
        fn: Callable[[Apply], Replacement],
        tracks: Tracked | None = None,
        requirements: Sequence[Requirement] = (),
    ) -> None:
        self.transform = by_node(fn)  # type: ignore[method-assign]  # it prints as the function
        self._tracks, self.requirements = tracks, requirements

    def tracks(self) -> Tracked | None:
        return self._tracks

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        print("%s%s id=%i" % (" " * level, self.transform, id(self)), file=stream)


def _what_is_wrong_with(tracks: Tracked | None) -> str | None:
    if tracks is None:
        return None
    if len(tracks) == 0:
        return "Use None instead of an empty list to apply to all nodes."
    if all(isinstance(t, PureOp) or isinstance(t, type) and issubclass(t, PureOp) for t in tracks):
        return None
    return "Tracks are op classes or instances"


def local_optimizer(
    tracks: Tracked | None, inplace: bool = False, requirements: Sequence[Requirement] = ()
) -> Callable[[Callable[[Apply], Any]], FromFunctionLocalOptimizer]:
    """Decorator: make ``f(node)`` a LocalOptimizer tried on nodes whose Op, or its class, is in `tracks`.

    It may be ``f(fgraph, node)``, as in Theano-PyMC.

    `tracks` None means all nodes. `inplace` says that it puts in-place Ops into the graph. Each of `requirements`
    is called with the graph before.
    """

    def decorator(f: Callable[[Apply], Any]) -> FromFunctionLocalOptimizer:
        wrong = _what_is_wrong_with(tracks)
        if wrong:
            raise ValueError(wrong, f.__module__, f.__name__)
        needs = (*requirements, require_destroy_handler) if inplace else tuple(requirements)
        made = FromFunctionLocalOptimizer(f, tracks, needs)
        made.__name__, made.__doc__ = f.__name__, f.__doc__
        # a user's function looks at the Op itself
        made.only_tracked = str(getattr(f, "__module__", "")).startswith("theanojax.")
        return made

    return decorator


class LocalOptGroup(LocalOptimizer):
    """Several local optimizers as one: the first that applies is taken.

    With `apply_all_opts` the rest are then tried on the new node, until none applies.
    """

    def __init__(self, *optimizers: Any, apply_all_opts: bool = False, profile: bool = False) -> None:
        given_as_one = len(optimizers) == 1 and isinstance(optimizers[0], list)
        self.opts: tuple[LocalOptimizer, ...] = tuple(optimizers[0] if given_as_one else optimizers)
        self.reentrant = any(getattr(opt, "reentrant", True) for opt in self.opts)
        self.retains_inputs = all(getattr(opt, "retains_inputs", False) for opt in self.opts)
        self.apply_all_opts, self.profile = apply_all_opts, profile
        self.process_count: dict[LocalOptimizer, int] = {}
        self.applied_true: dict[LocalOptimizer, int] = {}
        self.dispatch = Dispatch(self.opts)

    @property
    def track_map(self) -> dict[PureOp | type[PureOp] | None, list[LocalOptimizer]]:
        return self.dispatch.by_key

    def __str__(self) -> str:
        return getattr(self, "__name__", "LocalOptGroup(%s)" % ",".join(str(o) for o in self.opts))

    def tracks(self) -> Tracked | None:
        found: list[PureOp | type[PureOp]] = []
        for opt in self.opts:
            tracked = opt.tracks()
            if tracked is None:
                return None
            found.extend(tracked)
        return found or None

    def transform(self, node: Apply) -> Replacement:
        result = None
        while True:
            new = self._first_that_applies(node)
            if not new:
                return result
            if not self.apply_all_opts:
                return new
            new_vars = list(new.values()) if isinstance(new, dict) else list(new)
            owner = new_vars[0].owner if new_vars[0] is not None else None
            if owner is None or isinstance(new, dict) or len(owner.outputs) != len(new_vars):
                return new
            result, node = new, owner

    def _first_that_applies(self, node: Apply) -> Replacement:
        for opt in self.dispatch.rows(node.op):
            new = opt.transform(node)
            if self.profile:
                self.process_count[opt] = self.process_count.get(opt, 0) + 1
            if new:
                if self.profile:
                    self.applied_true[opt] = self.applied_true.get(opt, 0) + 1
                return new
        return None

    @staticmethod
    def print_profile(stream: TextIO, prof: Any, level: int = 0) -> None:
        if prof is not None:
            prof.print(stream, level)

    @staticmethod
    def merge_profile(prof1: RewriteReport, prof2: RewriteReport) -> RewriteReport:
        return prof1.merged_with(prof2)

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        LocalOptimizer.print_summary(self, stream, level)
        print_parts(self.opts, stream, level, depth)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        for opt in self.opts:
            opt.add_requirements(fgraph)


class Dispatch:
    """Which local optimizers are worth trying on a node: a table from Op class and Op instance to optimizers."""

    def __init__(self, opts: Iterable[LocalOptimizer], all_first: bool = False) -> None:
        self.opts, self.all_first = list(opts), all_first
        self.by_key: dict[PureOp | type[PureOp] | None, list[LocalOptimizer]] = {None: []}
        # Op -> the optimizers to try: those of its class, then its own, then (or first) those of all
        self.rows = PerOp(self._find)
        for opt in self.opts:
            tracked = opt.tracks()
            for key in [None] if tracked is None else tracked:
                row = self.by_key.setdefault(key, [])
                if opt not in row:
                    row.append(opt)

    def _find(self, op: PureOp) -> list[LocalOptimizer]:
        try:
            own = self.by_key.get(op, [])
        except TypeError:  # an Op that cannot be hashed is tracked by its class only
            own = []
        every = self.by_key[None]
        rows = self.by_key.get(type(op), []) + own
        rows = every + rows if self.all_first else rows + every
        scalar = getattr(op, "scalar_op", None)
        return [o for o in rows if (only := getattr(o, "only_scalar", None)) is None or isinstance(scalar, only)]


class GraphToGPULocalOptGroup(LocalOptGroup):
    """A group whose members take ``(op, context_name, inputs, outputs)`` instead of a node."""

    def __init__(self, *optimizers: Any, **kwargs: Any) -> None:
        super().__init__(*optimizers, **kwargs)
        if self.apply_all_opts:
            raise ValueError("GraphToGPULocalOptGroup does not support apply_all_opts")

    def transform(  # type: ignore[override]  # this is another protocol
        self, op: PureOp, context_name: str, inputs: Sequence[Variable], outputs: Sequence[Variable]
    ) -> Replacement:
        rows: dict[Any, list[Any]] = self.dispatch.by_key
        for opt in [*rows.get(type(op), []), *rows.get(op, []), *rows[None]]:
            new: Replacement = opt.transform(op, context_name, inputs, outputs)
            if new:
                return new
        return None


class OneOpOptimizer(LocalOptimizer):
    """A rewrite of all applications of one Op: ``op_key()`` is the Op, ``instead(node)`` what replaces the outputs."""

    reentrant = False
    op_key: Callable[[], PureOp]
    instead: Callable[[Apply], Replacement]

    def tracks(self) -> Tracked:
        return [self.op_key()]

    def transform(self, node: Apply) -> Replacement:
        return self.instead(node) if node.op == self.op_key() else False


class OpSub(OneOpOptimizer):
    """Replaces each application of `op1` by one of `op2` to the same inputs.

    With `transfer_tags` the new node and its outputs keep the tags of the old ones.
    """

    retains_inputs = True

    def __init__(self, op1: PureOp, op2: PureOp, transfer_tags: bool = True) -> None:
        self.op1, self.op2, self.transfer_tags = op1, op2, transfer_tags

    def op_key(self) -> PureOp:
        return self.op1

    def instead(self, node: Apply) -> list[Variable]:
        new = self.op2.make_node(*node.inputs)
        if self.transfer_tags:
            for target, source in zip((new, *new.outputs), (node, *node.outputs)):
                target.tag = copy.copy(source.tag)
        return new.outputs

    def __str__(self) -> str:
        return "%s -> %s" % (self.op1, self.op2)


class OpRemove(OneOpOptimizer):
    """Replaces the outputs of each application of `op` by its inputs."""

    def __init__(self, op: PureOp) -> None:
        self.op = op

    def op_key(self) -> PureOp:
        return self.op

    def instead(self, node: Apply) -> list[Variable]:
        return list(node.inputs)

    def __str__(self) -> str:
        return "%s(x) -> x" % (self.op,)

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        print("%s%s(%s) id=%i" % (" " * level, type(self).__name__, self.op, id(self)), file=stream)
