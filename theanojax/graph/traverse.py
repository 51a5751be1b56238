"""Walking, ordering, copying and comparing graphs. Nothing here recurses: graphs may be thousands deep."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from theanojax.graph.copying import copy_graph
from theanojax.graph.variable import Apply, Constant, Variable, default_leaf_formatter, default_node_formatter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Literal, TypeVar, overload

    T = TypeVar("T", bound=Hashable)


if TYPE_CHECKING:

    @overload
    def stack_search(
        start: deque[T], expand: Callable[[T], Iterable[T] | None], mode: str = ..., build_inv: Literal[False] = ...
    ) -> list[T]: ...
    @overload
    def stack_search(
        start: deque[T], expand: Callable[[T], Iterable[T] | None], mode: str = ..., build_inv: bool = ...
    ) -> list[T] | tuple[list[T], dict[T, list[T]]]: ...


def stack_search(
    start: deque[T], expand: Callable[[T], Iterable[T] | None], mode: str = "bfs", build_inv: bool = False
) -> list[T] | tuple[list[T], dict[T, list[T]]]:
    """Every node reachable from the deque `start` by `expand`, each once, breadth (bfs) or depth (dfs) first.

    With ``build_inv`` also a dict from each node to the list of nodes that led to it.
    """
    if mode not in ("bfs", "dfs"):
        raise ValueError("mode should be bfs or dfs", mode)
    pop = start.popleft if mode == "bfs" else start.pop
    seen: set[int] = set()
    found: list[T] = []
    inverse: dict[T, list[T]] = {}
    while start:
        item = pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        found.append(item)
        neighbours = expand(item)
        if neighbours:
            if build_inv:
                for n in neighbours:
                    inverse.setdefault(n, []).append(item)
            start.extend(neighbours)
    return (found, inverse) if build_inv else found


def ancestors(variable_list: Iterable[Variable], blockers: Collection[Variable] | None = None) -> list[Variable]:
    """The variables that `variable_list` is computed from, themselves included; not looking past `blockers`."""

    def expand(v: Variable) -> Iterable[Variable] | None:
        if v.owner and (not blockers or v not in blockers):
            return reversed(v.owner.inputs)
        return None

    return stack_search(deque(variable_list), expand, "dfs")


def inputs(variable_list: Iterable[Variable], blockers: Collection[Variable] | None = None) -> list[Variable]:
    """The variables without owner (constants and shared ones too) that `variable_list` needs."""
    return [v for v in ancestors(variable_list, blockers) if v.owner is None]


def variables_and_orphans(i: Collection[Variable], o: Sequence[Variable]) -> tuple[list[Variable], list[Variable]]:
    """All variables between inputs `i` and outputs `o`, and those among them that are neither in `i` nor computed."""

    ends = set(i)
    found = stack_search(
        deque(o), lambda v: () if v.owner is None or v in ends else [*v.owner.inputs, *v.owner.outputs], "dfs"
    )
    return found, [v for v in found if v.owner is None and v not in ends]


def variables(i: Collection[Variable], o: Sequence[Variable]) -> list[Variable]:
    return variables_and_orphans(i, o)[0]


def orphans(i: Collection[Variable], o: Sequence[Variable]) -> list[Variable]:
    return variables_and_orphans(i, o)[1]


def ops(i: Collection[Variable], o: Sequence[Variable]) -> set[Apply]:
    """The set of Apply nodes between inputs `i` and outputs `o`."""
    return {v.owner for v in variables(i, o) if v not in i and v.owner is not None}


def list_of_nodes(inputs: Iterable[Variable], outputs: Iterable[Variable]) -> list[Apply]:
    """The Apply nodes needed for `outputs`, not going past `inputs`."""
    stop = set(inputs)
    return stack_search(
        deque([o.owner for o in outputs if o.owner is not None]),
        lambda n: [v.owner for v in n.inputs if v.owner is not None and not any(o in stop for o in v.owner.outputs)],
    )


def general_toposort(
    outputs: Iterable[T],
    deps: Callable[[T], Sequence[T] | None],
    debug_print: bool = False,
    compute_deps_cache: Callable[[T], Sequence[T] | None] | None = None,
    deps_cache: object = None,
    clients: dict[T, list[T]] | None = None,
) -> list[T]:
    """`outputs` and all they depend on by `deps(node)`, each after its dependencies; ValueError on a cycle.

    What depends on nothing comes first, then what depends on that alone, and so on. `compute_deps_cache` is used
    instead of `deps` when given; `clients` is filled with a list of users for each node.
    """
    look = compute_deps_cache or deps
    found, users, waiting = [], {} if clients is None else clients, {}
    stack, seen = list(outputs), set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        found.append(node)
        needed = look(node)
        if needed:
            count = 0
            for d in needed:
                row = users.setdefault(d, [])
                if not row or row[-1] is not node:  # a node counts once as a user
                    row.append(node)
                    count += 1
            waiting[node] = count
            stack.extend(needed)
    order = [node for node in found if node not in waiting]
    for node in order:  # grows while it is read
        for user in users.get(node, ()):
            waiting[user] -= 1
            if not waiting[user]:
                order.append(user)
    if len(order) != len(found):
        raise ValueError("graph contains cycles")
    return order


def io_toposort(
    inputs: Iterable[Variable],
    outputs: Sequence[Variable],
    orderings: Mapping[Apply, Iterable[Apply]] | None = None,
    clients: dict[Any, list[Any]] | None = None,
) -> list[Apply]:
    """The Apply nodes from `inputs` (any collection; a set or dict is not copied) to `outputs`, in running order.

    `orderings` is a dict from node to nodes that have to come earlier. Without any the order is depth first: what
    the first output needs comes first, and of a node's inputs the last is computed first.
    """
    stop = inputs if isinstance(inputs, (dict, set)) else set(inputs)
    if not orderings and clients is None:
        return _depth_first(stop, outputs)

    def deps(x: Apply | Variable) -> Sequence[Apply | Variable] | None:
        if isinstance(x, Apply):
            return x.inputs + list(orderings[x]) if orderings and x in orderings else x.inputs
        owner = x.owner
        return (owner,) if owner is not None and x not in stop else None

    return [x for x in general_toposort(outputs, deps, clients=clients) if isinstance(x, Apply)]


def _depth_first(stop: Collection[Variable], outputs: Sequence[Variable]) -> list[Apply]:
    order: list[Apply] = []
    done: set[Apply] = set()
    open_: set[Apply] = set()  # what the path to where we are leads through
    path: list[tuple[Apply | None, Iterator[Variable]]] = [(None, iter(outputs))]
    while path:
        node, rest = path[-1]
        for v in rest:
            needed = v.owner
            if needed is not None and needed not in done and v not in stop:
                if needed in open_:
                    raise ValueError("graph contains cycles")
                open_.add(needed)
                path.append((needed, reversed(needed.inputs)))
                break
        else:
            path.pop()
            if node is not None:
                open_.remove(node)
                done.add(node)
                order.append(node)
    return order


def view_roots(r: Variable) -> list[Variable]:
    """The variables whose memory `r` may be a view of."""
    owner = r.owner
    if owner is not None:
        view_map = getattr(owner.op, "view_map", {})
        if owner.outputs.index(r) in view_map:
            return [root for i in view_map[owner.outputs.index(r)] for root in view_roots(owner.inputs[i])]
    return [r]


def clone_get_equiv(
    inputs: Iterable[Variable],
    outputs: Sequence[Variable],
    copy_inputs: bool = True,
    copy_orphans: bool = True,
    memo: dict[Any, Any] | None = None,
) -> dict[Any, Any]:
    """Copy a graph; returns a dict from each old variable and Apply to the new one.

    `memo` may hold replacements decided beforehand. Without `copy_inputs` the copy shares its inputs, without
    `copy_orphans` its constants and other free variables.
    """
    memo = {} if memo is None else memo

    for v in inputs:
        if v not in memo:
            memo[v] = v.clone() if copy_inputs else v
    copy_graph(outputs, memo, (lambda v, user: v.clone()) if copy_orphans else (lambda v, user: v))
    return memo


def clone(
    i: Collection[Variable], o: Sequence[Variable], copy_inputs: bool = True, copy_orphans: bool | None = None
) -> tuple[list[Variable], list[Variable]]:
    """A copy of the graph from inputs `i` to outputs `o`: a pair of lists."""
    copy_of = clone_get_equiv(i, o, copy_inputs, copy_inputs if copy_orphans is None else copy_orphans)
    return [copy_of[v] for v in i], [copy_of[v] for v in o]


def equal_computations(
    xs: Sequence[Any],
    ys: Sequence[Any],
    in_xs: Sequence[Variable] | None = None,
    in_ys: Sequence[Variable] | None = None,
) -> bool:
    """Whether the expressions `xs` and `ys` compute the same thing node for node, given that `in_xs` are `in_ys`."""
    in_xs, in_ys = in_xs or [], in_ys or []
    if len(xs) != len(ys):
        raise ValueError("The number of graphs in each argument must match.")
    same = dict(zip(in_xs, in_ys))
    pairs, done = list(zip(xs, ys)), set()
    while pairs:
        x, y = pairs.pop()
        if not isinstance(x, Variable) or not isinstance(y, Variable):
            equal = _equal_values(x, y)
        elif (id(x), id(y)) in done or (x is y and not same):
            continue
        elif x in same or y in same.values():
            equal = same.get(x) is y
        elif x.type != y.type:
            equal = False
        elif x.owner is None or y.owner is None:
            equal = _equal_leaves(x, y)
        else:
            equal = x.owner.op == y.owner.op and x.index == y.index and len(x.owner.inputs) == len(y.owner.inputs)
            pairs.extend(zip(x.owner.inputs, y.owner.inputs))
        if not equal:
            return False
        done.add((id(x), id(y)))
    return True


def _equal_values(x: Any, y: Any) -> bool:
    """Whether two values, of which one may be a Constant, are the same."""
    if not isinstance(x, Variable) and not isinstance(y, Variable):
        return np.array_equal(np.asarray(x), np.asarray(y))
    sym, val = (x, y) if isinstance(x, Variable) else (y, x)
    return isinstance(sym, Constant) and sym.equals(sym.type.make_constant(sym.type.filter(val)))


def _equal_leaves(x: Variable, y: Variable) -> bool:
    """Whether two variables, of which one at least was not computed, are the same."""
    if isinstance(x, Constant) and isinstance(y, Constant):
        return x.owner is y.owner and x.equals(y)
    return x is y


def is_same_graph(
    var1: Variable,
    var2: Variable,
    givens: Mapping[Variable, Variable] | Iterable[tuple[Variable, Variable]] | None = None,
    debug: bool = False,
) -> bool:
    """Whether two variables are computed by equal graphs, once those in `givens` are replaced by their stand-ins."""
    memo = clone_get_equiv([], [var1, var2], copy_inputs=False, copy_orphans=False, memo=dict(givens or {}))
    return equal_computations([memo[var1]], [memo[var2]])


def is_in_ancestors(l_node: Apply, f_node: Apply) -> bool:
    """Whether the Apply `l_node` depends on the Apply `f_node`."""
    return f_node in {v.owner for v in ancestors(l_node.inputs)} or l_node is f_node


def op_as_string(
    i: Collection[Variable],
    op: Apply,
    leaf_formatter: Callable[[Variable], str] = default_leaf_formatter,
    node_formatter: Callable[[Apply, list[str]], str] = default_node_formatter,
) -> str:
    """The Apply `op` as text: its inputs are expressions over the variables `i`, as in `as_string`."""
    return node_formatter(op, as_string(i, op.inputs, leaf_formatter, node_formatter))


def as_string(
    i: Collection[Variable],
    o: Sequence[Variable],
    leaf_formatter: Callable[[Variable], str] = default_leaf_formatter,
    node_formatter: Callable[[Apply, list[str]], str] = default_node_formatter,
) -> list[str]:
    """Each of the expressions `o` over inputs `i` as text; a part used twice is ``*1 -> ...`` once, then ``*1``."""
    multi: list[Apply] = []

    def visit(v: Variable) -> None:
        if v in i or v.owner is None:
            return
        key = v.owner
        if key in seen:
            if key not in multi:
                multi.append(key)
            return
        seen.add(key)
        for u in v.owner.inputs:
            visit(u)

    seen: set[Apply] = set()
    for v in o:
        visit(v)
    done: set[Apply] = set()

    def text(v: Variable) -> str:
        if v in i or v.owner is None or v in orphans_:
            return leaf_formatter(v)
        node = v.owner
        idx = multi.index(node) + 1 if node in multi else None
        if idx is not None and node in done:
            return "*%i" % idx if len(node.outputs) == 1 else "*%i::%i" % (idx, node.outputs.index(v))
        done.add(node)
        args = [text(u) for u in node.inputs]
        s = node_formatter(node, args)
        if idx is None:
            return s if len(node.outputs) == 1 else "%s::%i" % (s, node.outputs.index(v))
        return "*%i -> %s" % (idx, s)

    orphans_ = set(orphans(i, o))
    return [text(v) for v in o]


def view_tree_set(v: Variable, treeset: set[Variable]) -> None:
    """Add to `treeset` every variable that may be a view of `v`."""
    treeset.add(v)
    for client, pos in getattr(v, "clients", ()):
        if client == "output":
            continue
        for out, ins in getattr(client.op, "view_map", {}).items():
            if pos in ins and client.outputs[out] not in treeset:
                view_tree_set(client.outputs[out], treeset)


def nodes_constructed() -> _Construction:
    """A context manager giving the list of variables made while it is open."""
    return _Construction()


class _Construction:
    def __enter__(self) -> list[Variable]:
        self.made: list[Variable] = []
        self._init = Variable.__init__

        def init(var: Variable, *args: Any, **kwargs: Any) -> None:
            self._init(var, *args, **kwargs)
            self.made.append(var)

        Variable.__init__ = init  # type: ignore[method-assign, assignment]  # this is what is watched
        return self.made

    def __exit__(self, *exc: object) -> None:
        Variable.__init__ = self._init  # type: ignore[method-assign]  # as above
