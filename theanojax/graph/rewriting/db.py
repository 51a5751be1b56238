"""Databases of rewrites, from which tags choose: DB, Query, and the kinds of optimizer that a query gives."""

from __future__ import annotations

import copy
import sys
from collections import defaultdict
from io import StringIO
from typing import TYPE_CHECKING, Any, TypeVar

from theanojax.config import config
from theanojax.graph.rewriting.base import Optimizer, SeqOptimizer
from theanojax.graph.rewriting.equilibrium import EquilibriumOptimizer
from theanojax.graph.rewriting.local import LocalOptGroup, LocalOptimizer
from theanojax.graph.rewriting.walk import NavigatorOptimizer, TopoOptimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO, TypeAlias

    from theanojax.graph.rewriting.walk import Failure

    # A local rewrite, one of a whole graph, or a database of them.
    Rewrite: TypeAlias = "Optimizer | LocalOptimizer | DB"


_K = TypeVar("_K")


class TagSet(dict[_K, None]):
    """A set that remembers the order of insertion."""

    def __init__(self, items: Iterable[_K] = ()) -> None:
        super().__init__()
        self.update(items)

    def add(self, item: _K) -> None:
        self[item] = None

    def update(self, items: Iterable[_K]) -> None:  # type: ignore[override]  # as of a set
        for item in items:
            self[item] = None

    def remove(self, item: _K) -> None:
        del self[item]

    def discard(self, item: _K) -> None:
        self.pop(item, None)

    def union(self, items: Iterable[_K]) -> TagSet[_K]:
        return TagSet([*self, *items])

    def copy(self) -> TagSet[_K]:
        return TagSet(self)

    def __str__(self) -> str:
        return "OrderedSet(%s)" % (list(self) or "")

    __repr__ = __str__


class DB:
    """Rewrites by name and tag. ``query`` gives those that a Query, or tags like "+fast_run", "-inplace", choose."""

    def __init__(self) -> None:
        self.__db__: defaultdict[str, TagSet[Rewrite]] = defaultdict(TagSet)
        self._names: set[str] = set()
        self.name: str | None = None

    def register(self, name: str, obj: Rewrite, *tags: str, use_db_name_as_tag: bool = True) -> None:
        """Add `obj` under `name`, chosen by that name, by `tags` and by its class name.

        With `use_db_name_as_tag` (the only other value is False) the name of this database is a tag too. Raises
        TypeError for what is no rewrite, ValueError for a name that is taken.
        """
        if not isinstance(obj, (DB, Optimizer, LocalOptimizer)):
            raise TypeError("Object cannot be registered in OptDB", obj)
        if name in self.__db__:
            raise ValueError(
                "The name of the object cannot be an existing tag or the name of another existing object.", obj, name
            )
        if use_db_name_as_tag and self.name is not None:
            tags = tags + (self.name,)
        obj.name = name
        self._names.add(name)
        for key in (name, type(obj).__name__):
            self.__db__[key].add(obj)
        self.add_tags(name, *tags)

    def _check_tag(self, obj: Rewrite, tag: str) -> None:
        if tag in self._names:
            raise ValueError("The tag of the object collides with a name.", obj, tag)

    def add_tags(self, name: str, *tags: str) -> None:
        obj = self[name]
        for tag in tags:
            self._check_tag(obj, tag)
            self.__db__[tag].add(obj)

    def remove_tags(self, name: str, *tags: str) -> None:
        obj = self[name]
        for tag in tags:
            self._check_tag(obj, tag)
            self.__db__[tag].remove(obj)

    def __query__(self, q: Query) -> TagSet[Optimizer | LocalOptimizer]:
        if not isinstance(q, Query):
            raise TypeError("Expected a Query.", q)
        db = self.__db__
        chosen: TagSet[Rewrite] = TagSet()
        for tag in q.include:
            chosen.update(db.get(tag, ()))
        required = [db.get(tag, ()) for tag in q.require]
        excluded = [db.get(tag, ()) for tag in q.exclude]
        chosen = TagSet(o for o in chosen if all(o in r for r in required) and not any(o in e for e in excluded))
        result = TagSet(o for o in chosen if not isinstance(o, DB))
        for obj in chosen:
            if isinstance(obj, DB):
                sub = q
                if q.extra_optimizations:
                    sub = copy.copy(q)
                    sub.extra_optimizations = []
                replacement = obj.query(q.subquery.get(obj.name, sub))
                replacement.name = obj.name
                result.add(replacement)
        return result

    def query(self, *tags: str | Query, **kwtags: Any) -> Any:
        """The rewrites chosen by one Query, or by tags that start with "+" (include), "&" (require), "-" (exclude)."""
        if tags and isinstance(tags[0], Query):
            if len(tags) > 1 or kwtags:
                raise TypeError(
                    "If the first argument to query is a Query, there should be no other arguments.", tags, kwtags
                )
            return self.__query__(tags[0])
        words: tuple[Any, ...] = tags
        if any(tag[:1] not in ("+", "&", "-") or not tag for tag in words):
            raise ValueError("All tags must start with one of the following characters: '+', '&' or '-'", tags)
        include, require, exclude = [[tag[1:] for tag in words if tag[0] == sign] for sign in "+&-"]
        return self.__query__(Query(include=include, require=require, exclude=exclude, subquery=kwtags))

    def __getitem__(self, name: str) -> Rewrite:
        found = self.__db__.get(name, ())
        if not found:
            raise KeyError("Nothing registered for '%s'" % name)
        if len(found) > 1:
            raise ValueError("More than one match for %s (please use query)" % name)
        return next(iter(found))

    def __contains__(self, name: object) -> bool:
        return name in self.__db__

    def print_summary(self, stream: TextIO = sys.stdout) -> None:
        print("%s (id %i)" % (type(self).__name__, id(self)), file=stream)
        for what, content in self._summary():
            print(" ", what, content, file=stream)

    def _summary(self) -> list[tuple[str, Any]]:
        return [("names", self._names), ("db", dict(self.__db__))]


class Query:
    """Which rewrites of a DB to take: those with a tag of `include`, all of `require` and none of `exclude`.

    Parameters
    ----------
    subquery : dict from the name of a database within the database to the Query for it (default: this one).
    position_cutoff : number; SequenceDB leaves out what stands at or after it.
    extra_optimizations : list of (optimizer, position) pairs to put into the sequence.
    """

    def __init__(
        self,
        include: Iterable[str],
        require: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        subquery: dict[str, Query] | None = None,
        position_cutoff: float = float("inf"),
        extra_optimizations: Iterable[tuple[Optimizer, float]] | None = None,
    ) -> None:
        self.include, self.require, self.exclude = TagSet(include), TagSet(require or ()), TagSet(exclude or ())
        self.subquery: dict[Any, Query] = subquery or {}
        self.position_cutoff = position_cutoff
        self.extra_optimizations = list(extra_optimizations or [])

    def __str__(self) -> str:
        return "Query{inc=%s,ex=%s,require=%s,subquery=%s,position_cutoff=%f,extra_opts=%s}" % (
            self.include,
            self.exclude,
            self.require,
            self.subquery,
            self.position_cutoff,
            self.extra_optimizations,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.setdefault("extra_optimizations", [])

    def _with(self, **changes: Any) -> Query:
        new = Query(
            self.include, self.require, self.exclude, self.subquery, self.position_cutoff, self.extra_optimizations
        )
        new.__dict__.update(changes)
        return new

    def including(self, *tags: str) -> Query:
        """A Query that takes also what has one of `tags`."""
        return self._with(include=self.include.union(tags))

    def excluding(self, *tags: str) -> Query:
        """A Query that leaves out what has one of `tags`."""
        return self._with(exclude=self.exclude.union(tags))

    def requiring(self, *tags: str) -> Query:
        """A Query that takes only what has all of `tags`."""
        return self._with(require=self.require.union(tags))

    def register(self, *optimizations: tuple[Optimizer, float]) -> Query:
        """A Query with further (optimizer, position) pairs."""
        return self._with(extra_optimizations=self.extra_optimizations + list(optimizations))


class EquilibriumDB(DB):
    """Rewrites that are applied together until none applies; a query gives an EquilibriumOptimizer.

    Parameters
    ----------
    ignore_newtrees, tracks_on_change_inputs : bool; see EquilibriumOptimizer.
    """

    def __init__(self, ignore_newtrees: bool = True, tracks_on_change_inputs: bool = False) -> None:
        super().__init__()
        self.ignore_newtrees, self.tracks_on_change_inputs = ignore_newtrees, tracks_on_change_inputs
        self.__final__: dict[str, bool] = {}
        self.__cleanup__: dict[str, bool] = {}

    def register(
        self, name: str, obj: Rewrite, *tags: str, final_opt: bool = False, cleanup: bool = False, **kwtags: bool
    ) -> None:
        """As ``DB.register``; a `final_opt` runs at the end of each round, a `cleanup` after each replacement."""
        if final_opt and cleanup:
            raise ValueError("a rewrite cannot be both final_opt and cleanup", name)
        super().register(name, obj, *tags, **kwtags)
        self.__final__[name], self.__cleanup__[name] = final_opt, cleanup

    def query(self, *tags: str | Query, **kwtags: Any) -> EquilibriumOptimizer:
        found = super().query(*tags, **kwtags)
        final, cleanup = ([o for o in found if marked.get(o.name)] for marked in (self.__final__, self.__cleanup__))
        rest = [o for o in found if o not in final and o not in cleanup]
        return EquilibriumOptimizer(
            rest,
            max_use_ratio=config.optdb.max_use_ratio,
            ignore_newtrees=self.ignore_newtrees,
            tracks_on_change_inputs=self.tracks_on_change_inputs,
            failure_callback=NavigatorOptimizer.warn_inplace,
            final_optimizers=final or None,
            cleanup_optimizers=cleanup or None,
        )


def _place(positions: dict[str, float], name: str, position: float | str) -> None:
    if position == "last":
        positions[name] = max(positions.values()) + 1 if positions else 0
    elif isinstance(position, (int, float)) and not isinstance(position, bool):
        positions[name] = position
    else:
        raise TypeError("a position is a number or 'last'", name, position)


class SequenceDB(DB):
    """Rewrites applied one after another, in the order of their positions; a query gives a SeqOptimizer."""

    seq_opt = SeqOptimizer

    def __init__(self, failure_callback: Callable[..., None] | None = SeqOptimizer.warn) -> None:
        super().__init__()
        self.__position__: dict[str, float] = {}
        self.failure_callback = failure_callback

    def register(  # type: ignore[override]  # a position is asked for
        self, name: str, obj: Rewrite, position: float | str, *tags: str, **kwargs: bool
    ) -> None:
        """As ``DB.register``, at `position` (a number, or "last")."""
        super().register(name, obj, *tags, **kwargs)
        _place(self.__position__, name, position)

    def query(self, *tags: str | Query, **kwtags: Any) -> SeqOptimizer:
        """As ``DB.query``; `position_cutoff` leaves out what stands at or after it."""
        cutoff = kwtags.pop("position_cutoff", config.optdb.position_cutoff)
        opts = super().query(*tags, **kwtags)
        positions = self.__position__
        if tags and isinstance(tags[0], Query):
            q = tags[0]
            if q.position_cutoff:
                cutoff = q.position_cutoff
            if q.extra_optimizations:
                positions = dict(positions)
                for extra, position in q.extra_optimizations:
                    extra.name = "%s_%i" % (extra.__class__, id(extra))
                    if position < cutoff:
                        opts.add(extra)
                        positions[extra.name] = position
        chosen = sorted((o for o in opts if positions[o.name] < cutoff), key=lambda o: (positions[o.name], o.name))
        kwargs = {"failure_callback": self.failure_callback} if self.failure_callback else {}
        ret = self.seq_opt(chosen, **kwargs)
        if tags and hasattr(tags[0], "name"):
            ret.name = tags[0].name
        return ret

    def _summary(self) -> list[tuple[str, Any]]:
        return [("position", sorted(self.__position__.items(), key=lambda item: item[1])), *super()._summary()]

    def __str__(self) -> str:
        with StringIO() as text:
            self.print_summary(text)
            return text.getvalue()


class LocalGroupDB(DB):
    """Local rewrites of which, on each node, the first that applies is taken; a query gives a LocalOptGroup."""

    def __init__(
        self, apply_all_opts: bool = False, profile: bool = False, local_opt: type[LocalOptGroup] = LocalOptGroup
    ) -> None:
        super().__init__()
        self.failure_callback = None
        self.apply_all_opts, self.profile, self.local_opt = apply_all_opts, profile, local_opt
        self.__position__: dict[str, float] = {}

    def register(self, name: str, obj: Rewrite, *tags: str, position: float | str = "last", **kwargs: bool) -> None:
        """As ``DB.register``, tried in the order of `position` (a number, or "last")."""
        super().register(name, obj, *tags, **kwargs)
        _place(self.__position__, name, position)

    def query(self, *tags: str | Query, **kwtags: Any) -> LocalOptGroup:
        opts = sorted(super().query(*tags, **kwtags), key=lambda o: (self.__position__[o.name], o.name))
        return self.local_opt(*opts, apply_all_opts=self.apply_all_opts, profile=self.profile)


class TopoDB(DB):
    """Makes the local optimizer that a query to `db` gives into a TopoOptimizer."""

    def __init__(
        self, db: DB, order: str = "in_to_out", ignore_newtrees: bool = False, failure_callback: Failure | None = None
    ) -> None:
        super().__init__()
        self.db, self.order = db, order
        self.ignore_newtrees, self.failure_callback = ignore_newtrees, failure_callback

    def register(self, name: str, obj: Rewrite, *tags: str, **kwargs: Any) -> None:
        self.db.register(name, obj, *tags, **kwargs)

    def query(self, *tags: str | Query, **kwtags: Any) -> TopoOptimizer:
        return TopoOptimizer(self.db.query(*tags, **kwtags), self.order, self.ignore_newtrees, self.failure_callback)


class ProxyDB(DB):
    """Stands for `db`, so that it can be registered at several positions of a SequenceDB."""

    def __init__(self, db: DB) -> None:
        if not isinstance(db, DB):
            raise TypeError("ProxyDB wraps a DB", db)
        super().__init__()
        self.db = db

    def query(self, *tags: str | Query, **kwtags: Any) -> Any:
        return self.db.query(*tags, **kwtags)
