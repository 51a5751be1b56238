"""FunctionGraph: a graph that is being rewritten, which knows the users of each variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theanojax.errors import InconsistencyError, MissingInputError
from theanojax.graph import above
from theanojax.graph.tag import get_variable_trace_string as where_built
from theanojax.graph.traverse import as_string, clone_get_equiv, io_toposort
from theanojax.graph.type import NullType
from theanojax.graph.variable import Constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from theanojax.graph.features import BadOptimization, GetCheckpoint
    from theanojax.graph.op import PureOp
    from theanojax.graph.placement import Placement
    from theanojax.graph.variable import Apply, Client, User, Variable


class AlreadyThere(Exception):
    """A feature is attached to a graph that has it. See docs/errors.md#alreadythere."""


class CachedConstantError(Exception):
    """A graph was given a constant of a shared cache, which must not be changed.

    See docs/errors.md#cachedconstanterror.
    """


class _Clients:
    """What uses a variable, by a call or as an item."""

    def __call__(self, r: Variable) -> list[Client]:
        return r.clients

    __getitem__ = __call__


class FunctionGraph:
    """The graph between `inputs` and `outputs`, open to replacement and watched by features.

    Each variable in it has ``fgraph`` and ``clients``, a list of (Apply, input position) pairs, where an
    output's client is ("output", position). `clone` works on a copy of the graph.

    A feature may define ``on_attach, on_detach, on_import, on_prune, on_change_input, orderings``.
    """

    # What features add: ReplaceValidate, which every graph has,
    checkpoint: GetCheckpoint
    revert: Callable[[int], None]
    validate: Callable[[], None]
    consistent: Callable[[], bool]
    replace_validate: Callable[..., None]
    replace_all_validate: Callable[..., int]
    replace_all_validate_remove: Callable[..., None]
    # DestroyHandler,
    destroy_handler: object
    destroyers: Callable[[Variable], list[Apply]]
    has_destroyers: Callable[[Iterable[Variable]], bool]
    # NodeFinder, and those of rewrites.
    get_nodes: Callable[[PureOp], list[Apply]]
    change_tracker: object
    merge_feature: Any
    # What is known of the graph until it changes.
    _order: list[Apply] | None = None
    _data_order: list[Apply] | None = None
    _ops: list[PureOp] | None = None

    placements: Sequence[Placement | None] | None = None  # of the inputs, where it runs on several devices
    keeps_subnormals: bool | None = None  # what config.xla_keep_subnormals said when it was compiled

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        features: Iterable[object] | None = None,
        clone: bool = True,
        update_mapping: dict[int, int] | None = None,
    ) -> None:
        if clone:
            memo = clone_get_equiv(inputs, outputs)
            inputs, outputs = [memo[v] for v in inputs], [memo[v] for v in outputs]
        self.execute_callbacks_time = 0
        self.execute_callbacks_times: dict[Any, float] = {}
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.apply_nodes: set[Apply] = set()
        self.variables: set[Variable] = set()
        self._features: list[object] = []
        self._order = None
        self.update_mapping = update_mapping
        for f in features or ():
            self.attach_feature(f)
        from theanojax.graph.features import ReplaceValidate

        self.attach_feature(ReplaceValidate())
        for v in self.inputs:
            if v.owner is not None and not clone:
                raise ValueError(
                    "One of the provided inputs is the output of an already existing node. If that is "
                    "okay, either discard that input's owner or use graph.clone."
                )
            self._setup(v)
            self.variables.add(v)
        for v in self.outputs:
            self.import_var(v, "init")
        for i, v in enumerate(self.outputs):
            v.clients.append(("output", i))
        self.profile: Any = None

    # ---------------------------------------------------------------- growing and shrinking
    def add_input(self, input: Variable) -> None:
        """Make `input`, a variable which nothing computes, another input of the graph."""
        if input not in self.inputs:
            self.inputs.append(input)
            self._setup(input)
            self.variables.add(input)

    def _setup(self, v: Variable) -> None:
        if getattr(v, "cached", False):
            raise CachedConstantError(
                "You manually constructed a FunctionGraph, but you passed it a graph that has a "
                "cached constant. This should not happen. Clone the graph before building the "
                "FunctionGraph."
            )
        owner = getattr(v, "fgraph", None)
        if owner is not None and owner is not self:
            raise Exception("%s is already owned by another fgraph" % v)
        if owner is None or not hasattr(v, "clients"):
            v.fgraph, v.clients = self, []

    def import_var(self, variable: Variable, reason: object = None) -> None:
        """Bring `variable` and what it needs into the graph."""
        if variable.owner is not None and variable not in self.variables:
            self._import_apply(variable.owner, reason)
        elif variable not in self.variables:
            if not isinstance(variable, Constant) and variable not in self.inputs:
                _refuse_null(variable)
                raise MissingInputError("Undeclared input\n" + where_built(variable), variable=variable)
            self._setup(variable)
            self.variables.add(variable)

    __import_r__ = import_var

    def _import_apply(self, apply_node: Apply, reason: object) -> None:
        stop = self.variables
        new = io_toposort(stop, apply_node.outputs)
        for node in new:
            for v in node.inputs:
                if v.owner is None and not isinstance(v, Constant) and v not in self.variables:
                    _refuse_null(v)
                    raise MissingInputError(_missing_message(node, v), variable=v)
        for node in new:
            if getattr(node, "fgraph", None) not in (None, self):
                raise Exception("%s is already owned by another fgraph" % node)
            node.fgraph = self
            node.deps = {}
            self.apply_nodes.add(node)
            for v in node.outputs:
                self._setup(v)
                self.variables.add(v)
            for i, v in enumerate(node.inputs):
                if v not in self.variables:
                    self._setup(v)
                    self.variables.add(v)
                v.clients.append((node, i))
            self._forget()
            self.execute_callbacks("on_import", node, reason)

    def _remove_client(self, v: Variable, client: Client, reason: object = None) -> None:
        """Take one user of `v` away; what nobody uses any more leaves the graph."""
        stack = [(v, client)]
        while stack:
            v, client = stack.pop()
            v.clients.remove(client)
            if v.clients:
                continue
            node = v.owner
            if node is None:
                if v not in self.inputs:
                    self.variables.discard(v)
                    v.fgraph = None
                continue
            if node not in self.apply_nodes or any(o.clients for o in node.outputs):
                continue
            self.apply_nodes.remove(node)
            self.variables.difference_update(node.outputs)
            self._forget()
            self.execute_callbacks("on_prune", node, reason)
            node.fgraph = None
            for o in node.outputs:
                o.fgraph = None
            for i, u in enumerate(node.inputs):
                stack.append((u, (node, i)))

    def _forget(self) -> None:
        self._order = self._data_order = self._ops = None

    # Theano's method, and Theano-PyMC's dictionary and method: lists of (node, index of the input).
    clients = staticmethod(_Clients())

    def get_clients(self, var: Variable) -> list[Client]:
        """The users of `var`."""
        return self.clients(var)

    # ---------------------------------------------------------------- changing
    def change_input(self, node: User, i: int, new_r: Variable, reason: object = None) -> None:
        """Make `new_r` input `i` of `node` (or output `i` when node is "output")."""
        if node == "output":
            places = self.outputs
        elif node.fgraph is self:
            places = node.inputs
        else:
            raise Exception("Cannot operate on %s because it does not belong to this FunctionGraph" % node)
        old = places[i]
        if not old.type == new_r.type:
            raise TypeError(
                "The type of the replacement must be compatible with the type of the original Variable.", old, new_r
            )
        if old is new_r:
            return
        places[i] = new_r
        self.import_var(new_r, reason)
        new_r.clients.append((node, i))
        self._forget()
        self._remove_client(old, (node, i), reason)
        self.execute_callbacks("on_change_input", node, i, old, new_r, reason)

    def replace(self, r: Variable, new_r: Variable, reason: object = None, verbose: bool | None = None) -> None:
        """Use `new_r` wherever `r` is used."""
        owner = getattr(r, "fgraph", self)
        if owner is None:
            return  # it left the graph when another output of its node was replaced
        if owner is not self or not hasattr(r, "fgraph"):
            raise Exception("Cannot replace %s because it does not belong to this FunctionGraph" % r, str(reason))
        if r is new_r:
            return
        if r.type != new_r.type:
            new2 = r.type.convert_variable(new_r)
            if new2 is None or new2.type != r.type:
                raise _bad_replacement(r, new_r, reason)
            new_r = new2
        if r not in self.variables:
            return
        for node, i in list(r.clients):
            if (node == "output" and self.outputs[i] is r) or (node != "output" and node.inputs[i] is r):
                self.change_input(node, i, new_r, reason)

    def replace_all(self, pairs: Iterable[tuple[Variable, Variable]], reason: object = None) -> None:
        for r, new_r in pairs:
            self.replace(r, new_r, reason)

    # ---------------------------------------------------------------- features
    def attach_feature(self, feature: object) -> None:
        if feature in self._features:
            return
        attach = getattr(feature, "on_attach", None)
        if attach is not None:
            try:
                attach(self)
            except AlreadyThere:
                return
        self._features.append(feature)
        self._order = None  # it may have `orderings`

    def remove_feature(self, feature: object) -> None:
        if feature in self._features:
            self._features.remove(feature)
            self._order = None
            detach = getattr(feature, "on_detach", None)
            if detach is not None:
                detach(self)

    def execute_callbacks(self, name: str, *args: Any, **kwargs: Any) -> None:
        for feature in list(self._features):
            fn = getattr(feature, name, None)
            if fn is not None:
                fn(self, *args, **kwargs)

    def collect_callbacks(self, name: str, *args: Any) -> dict[object, Any]:
        return {f: getattr(f, name)(self, *args) for f in self._features if hasattr(f, name)}

    # ---------------------------------------------------------------- reading
    def toposort(self) -> list[Apply]:
        """The Apply nodes in an order in which they can run; an empty graph gives an empty list."""
        if not self.apply_nodes:  # a feature is attached before the first node is imported
            return []
        if self._order is None:
            orderings = self.orderings()
            self._order = io_toposort(self.inputs, self.outputs, orderings) if orderings else self.data_order()
        return list(self._order)

    def data_order(self) -> list[Apply]:
        """The Apply nodes in an order in which they have their inputs; not to be changed.

        The `orderings` of features, which may contradict the graph while it is being rewritten, do not count.
        """
        if self._data_order is None:
            self._data_order = io_toposort(self.inputs, self.outputs)
        return self._data_order

    def ops(self) -> list[PureOp]:
        """The Ops of the graph, each once; two that are equal are two. Not to be changed."""
        if self._ops is None:
            self._ops = list({id(node.op): node.op for node in self.apply_nodes}.values())
        return self._ops

    def orderings(self) -> dict[Apply, list[Apply]]:
        """Extra order constraints of the features: a dict from Apply to Applies that come earlier."""
        merged: dict[Apply, list[Apply]] = {}
        for feature in self._features:
            fn = getattr(feature, "orderings", None)
            if fn is None:
                continue
            for node, earlier in fn(self).items():
                merged.setdefault(node, []).extend(earlier)
        return merged

    def nodes(self) -> set[Apply]:
        return self.apply_nodes

    def check_integrity(self) -> None:
        """Raise unless clients, owners and membership agree everywhere."""
        nodes = set(io_toposort(self.inputs, self.outputs))
        if self.apply_nodes != nodes:
            raise Exception(
                "The nodes are inappropriately cached. missing, in excess: ",
                nodes - self.apply_nodes,
                self.apply_nodes - nodes,
            )
        for node in nodes:
            if node.fgraph is not self:
                raise Exception("Node should belong to the FunctionGraph.", node)
            for i, v in enumerate(node.inputs):
                if v.fgraph is not self:
                    raise Exception("Input of node should belong to the FunctionGraph.", v, (node, i))
                if (node, i) not in v.clients:
                    raise Exception("Inconsistent clients list.", (node, i), v.clients)
        for i, v in enumerate(self.outputs):
            if ("output", i) not in v.clients:
                raise Exception("Inconsistent clients list.", v, v.clients)
        for v in self.variables:
            if v.owner is None and v not in self.inputs and not isinstance(v, Constant):
                raise InconsistencyError("Undeclared input.", v)
            for node, i in v.clients:
                if node == "output":
                    if self.outputs[i] is not v:
                        raise Exception("Inconsistent clients list.", v, self.outputs[i])
                elif node not in nodes or node.inputs[i] is not v:
                    raise Exception("Client not in FunctionGraph or not a user.", v, (node, i))

    def disown(self) -> None:
        """Forget all nodes, so that they can join another graph."""
        for node in self.apply_nodes:
            node.fgraph = None
        for v in self.variables:
            v.fgraph = None
            v.clients = []
        self.apply_nodes, self.variables = set(), set()
        self.inputs = self.outputs = None  # type: ignore[assignment]  # it is no graph any more

    def clone(self, check_integrity: bool = True) -> FunctionGraph:
        twin, _ = self.clone_get_equiv(check_integrity)
        return twin

    def clone_get_equiv(
        self, check_integrity: bool = True, attach_feature: bool = True
    ) -> tuple[FunctionGraph, dict[Any, Any]]:
        """A copy of the graph, and the dict from old to new variables and nodes."""
        copy_of = clone_get_equiv(self.inputs, self.outputs)
        twin = FunctionGraph([copy_of[v] for v in self.inputs], [copy_of[v] for v in self.outputs], clone=False)
        if check_integrity:
            twin.check_integrity()
        for feature in self._features if attach_feature else ():
            twin.attach_feature(feature)
        return twin, copy_of

    def __str__(self) -> str:
        return "[%s]" % ", ".join(as_string(self.inputs, self.outputs))

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """What notebooks show."""
        return above.mimebundle(self)

    def __getstate__(self) -> dict[str, Any]:
        d = dict(self.__dict__)
        for feature in self._features:
            for attr in getattr(feature, "pickle_rm_attr", ()):
                d.pop(attr, None)
        d.update(_order=None, _data_order=None, _ops=None)
        return d

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_order" not in state:
            self._from_theano()
        for v in [*self.variables, *self.inputs]:  # a variable is pickled without its place in a graph
            v.fgraph, v.clients = self, []
        for node in self.apply_nodes:
            node.fgraph, node.deps = self, {}
        for node in self.toposort():
            for i, v in enumerate(node.inputs):
                v.clients.append((node, i))
        for i, v in enumerate(self.outputs):
            v.clients.append(("output", i))
        for feature in self._features:
            if hasattr(feature, "unpickle"):
                feature.unpickle(self)

    def _from_theano(self) -> None:
        """Bring the state of one of Theano's own pickles into our form; its features were for rewriting."""
        self._order, self._features = None, []
        for node in self.apply_nodes:
            node.op.upgrade_node(node)
        self.variables.update(v for node in self.apply_nodes for v in node.inputs)


def _bad_replacement(v: Variable, new_v: Variable, reason: object) -> BadOptimization:
    """The error for a replacement of another type."""
    from theanojax.graph.features import BadOptimization

    graphs = [above.debugprint(x, depth=6, print_type=True, file="str") for x in (v, new_v)]
    return BadOptimization(v, new_v, None, None, "%s. The type of the replacement must be the same." % reason, *graphs)


def _refuse_null(v: Variable) -> None:
    """TypeError when `v` stands for a gradient that does not exist."""
    if isinstance(v.type, NullType):
        raise TypeError("Computation graph contains a NaN. " + v.type.why_null)


def _missing_message(node: Apply, v: Variable) -> str:
    place = (
        "Input %d of the graph (indices start from 0), used to compute %s, was not provided and not given a "
        "value. Use the Theano flag exception_verbosity='high', for more information on this error."
    )
    return place % (node.inputs.index(v), node) + "\n" + where_built(v)
