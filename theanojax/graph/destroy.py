"""In-place Ops: the feature that orders a graph so that nothing is overwritten before its last use."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from theanojax.errors import InconsistencyError
from theanojax.graph.features import AlreadyThere, Bookkeeper
from theanojax.graph.variable import Constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.variable import Apply, User, Variable


class ProtocolError(Exception):
    """A DestroyHandler was told of changes to nodes that it does not know."""


class DestroyHandler(Bookkeeper):
    """Makes every user of a variable run before the node that overwrites it.

    An Op declares ``destroy_map = {output: [input]}`` for inputs it overwrites and ``view_map`` for outputs that
    share memory with an input; overwriting a variable overwrites everything that shares its memory. ``validate``
    refuses a graph in which no order of the nodes is right, or in which a constant, a variable tagged
    ``indestructible``, or one variable twice would be overwritten.
    """

    pickle_rm_attr = ["destroyers", "has_destroyers"]

    def __init__(self, do_imports_on_attach: bool = True, algo: object = None) -> None:
        self.fgraph: FunctionGraph | None = None
        self.do_imports_on_attach = do_imports_on_attach
        self.destroyers: dict[Apply, None] = {}
        self.droot: dict[Variable, Variable] = {}
        self.impact: dict[Variable, dict[Variable, None]] = {}
        self.root_destroyer: dict[Variable, Apply] = {}
        self.stale_droot = True

    def on_attach(self, fgraph: FunctionGraph) -> None:
        if hasattr(fgraph, "destroy_handler"):
            raise AlreadyThere("DestroyHandler feature is already present or in conflict with another plugin.")
        if self.fgraph not in (None, fgraph):
            raise Exception("A DestroyHandler instance can only serve one FunctionGraph.")
        self.fgraph = fgraph
        fgraph.destroy_handler = self
        self.unpickle(fgraph)
        if self.do_imports_on_attach:
            Bookkeeper.on_attach(self, fgraph)

    def unpickle(self, fgraph: FunctionGraph) -> None:
        fgraph.destroyers = self._destroyers_of
        fgraph.has_destroyers = self._any_destroyed

    def _destroyers_of(self, r: Variable) -> list[Apply]:
        owner_of, _, overwriting = self.refresh_droot_impact()
        root = owner_of.get(r)
        node = None if root is None else overwriting.get(root)
        return [] if node is None else [node]

    def _any_destroyed(self, variables: Iterable[Variable]) -> bool:
        return any(map(self._destroyers_of, variables))

    def on_detach(self, fgraph: FunctionGraph) -> None:
        if fgraph is not self.fgraph:
            raise Exception("detaching wrong fgraph", fgraph)
        for name in (*self.pickle_rm_attr, "destroy_handler"):
            delattr(fgraph, name)
        self.fgraph, self.destroyers = None, {}

    def on_import(self, fgraph: FunctionGraph, app: Apply, reason: object) -> None:
        destroys = bool(getattr(app.op, "destroy_map", None))
        if destroys:
            self.destroyers[app] = None
        if _is_view(app):
            self.stale_droot = True
        elif destroys and not self.stale_droot:
            try:
                self._add_destroyer(app)
            except (InconsistencyError, NotImplementedError):
                self.stale_droot = True  # it stands beside what it is to replace; or whoever asks is told

    def on_prune(self, fgraph: FunctionGraph, app: Apply, reason: object) -> None:
        destroyed = app in self.destroyers
        self.destroyers.pop(app, None)
        if _is_view(app):
            self.stale_droot = True
        elif destroyed and not self.stale_droot:
            for positions in app.op.destroy_map.values():
                root = self.droot.get(app.inputs[positions[0]])
                if root is None or self.root_destroyer.get(root) is not app:
                    self.stale_droot = True
                    return
                del self.root_destroyer[root]
                for v in self.impact.pop(root):
                    del self.droot[v]

    def on_change_input(
        self, fgraph: FunctionGraph, app: User, i: int, old_r: Variable, new_r: Variable, reason: object = None
    ) -> None:
        if app != "output" and (app in self.destroyers or _is_view(app)):
            self.stale_droot = True

    def fast_destroy(self, app: Apply, reason: object) -> None:
        """Raise InconsistencyError when the node `app` overwrites what others use; a check of one level."""
        for positions in getattr(app.op, "destroy_map", {}).values():
            v = app.inputs[positions[0]]
            if getattr(v.tag, "indestructible", False) or isinstance(v, Constant):
                raise InconsistencyError("Attempting to destroy indestructible variables: %s" % v)
            if len(v.clients) > 1:
                raise InconsistencyError("Destroyed variable has more than one client. " + str(reason))

    def refresh_droot_impact(
        self,
    ) -> tuple[dict[Variable, Variable], dict[Variable, dict[Variable, None]], dict[Variable, Apply]]:
        """``droot`` (shared memory -> its owner), ``impact`` (owner -> all that shares it), ``root_destroyer``."""
        if self.stale_droot:
            self.droot, self.impact, self.root_destroyer = {}, {}, {}
            for app in self.destroyers:
                self._add_destroyer(app)
            self.stale_droot = False
        return self.droot, self.impact, self.root_destroyer

    def _add_destroyer(self, app: Apply) -> None:
        for positions in app.op.destroy_map.values():
            if len(positions) != 1:
                raise NotImplementedError("an output that overwrites several inputs", app)
            root = memory_of(app.inputs[positions[0]])
            if root in self.droot:
                raise InconsistencyError("Multiple destroyers of %s" % root)
            self.impact[root] = sharing(root)
            self.droot.update(dict.fromkeys(self.impact[root], root))
            self.root_destroyer[root] = app

    def validate(self, fgraph: FunctionGraph) -> bool:
        if self.destroyers:
            try:
                fgraph._order = None
                fgraph.toposort()
            except ValueError as e:
                raise InconsistencyError("Dependency graph contains cycles") from e
        return True

    def orderings(self, fgraph: FunctionGraph, ordered: bool = True) -> dict[Apply, list[Apply]]:
        """A dict from each node that overwrites something to the nodes that have to run before it."""
        if not self.destroyers:
            return {}
        droot, impact, _ = self.refresh_droot_impact()
        forbidden = [r for r in droot if getattr(r.tag, "indestructible", False) or isinstance(r, Constant)]
        if forbidden:
            raise InconsistencyError("Attempting to destroy indestructible variables: %s" % forbidden)
        result = {}
        for app in self.destroyers:
            earlier: dict[Apply, None] = {}
            for positions in app.op.destroy_map.values():
                self._check_aliases(app, positions[0], impact[droot[app.inputs[positions[0]]]])
                for v in impact[droot[app.inputs[positions[0]]]]:
                    earlier.update((c, None) for c, _ in v.clients if c != "output" and c is not app)
            if earlier:
                result[app] = list(earlier)
        return result

    @staticmethod
    def _check_aliases(app: Apply, destroyed: int, sharing: dict[Variable, None]) -> None:
        """No other input of `app` may share the memory it overwrites, unless the Op says it can cope."""
        same = {j for i, j in getattr(app.op, "destroyhandler_tolerate_same", []) if i == destroyed} | {destroyed}
        ignored = {j for i, j in getattr(app.op, "destroyhandler_tolerate_aliased", []) if i == destroyed}
        for i, v in enumerate(app.inputs):
            if i not in ignored and v in sharing and not (i in same and v is app.inputs[destroyed]):
                raise InconsistencyError("Input aliasing: %s (%i, %i)" % (app, destroyed, i))


def _is_view(node: Apply) -> bool:
    return bool(getattr(node.op, "view_map", None))


def memory_of(v: Variable) -> Variable:
    """The variable whose memory `v` is a view of (itself when it is none)."""
    while v.owner is not None:
        positions = getattr(v.owner.op, "view_map", {}).get(v.owner.outputs.index(v))
        if not positions:
            break
        v = v.owner.inputs[positions[0]]
    return v


def sharing(root: Variable) -> dict[Variable, None]:
    """`root` and all that is a view of it."""
    found, queue = {root: None}, deque([root])
    while queue:
        for view in _views_of(queue.popleft()):
            if view not in found:
                found[view] = None
                queue.append(view)
    return found


def _views_of(v: Variable) -> Iterator[Variable]:
    for client, i in v.clients:
        if client != "output":
            for out, positions in getattr(client.op, "view_map", {}).items():
                if i in positions:
                    yield client.outputs[out]


def fast_inplace_check(inputs: Sequence[Variable]) -> list[Variable]:
    """Those of `inputs` (variables of one graph) that an in-place Op might overwrite."""
    fgraph = inputs[0].fgraph
    assert fgraph is not None
    protected = [v for f in fgraph._features for v in getattr(f, "protected", ())] + list(fgraph.outputs)
    return [v for v in inputs if not isinstance(v, Constant) and not fgraph.has_destroyers([v]) and v not in protected]
