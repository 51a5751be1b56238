"""Features: what may be attached to a FunctionGraph to watch, check, undo or annotate its changes."""

import sys
from functools import partial
from io import StringIO

import numpy as np

from theanojax.config import config
from theanojax.errors import InconsistencyError, ReplacementDidntRemovedError
from theanojax.graph.fgraph import AlreadyThere
from theanojax.graph.signals import by_signal


class BadOptimization(Exception):
    """A variable and the one that a rewrite put in its place took different values.

    `old_r` may also be a ready-made message, when it is the only argument.
    """

    new_r = old_r = old_r_val = new_r_val = reason = None
    old_graph = new_graph = ""

    def __init__(self, old_r, new_r=None, old_r_val=None, new_r_val=None, reason=None, old_graph=None,
                 new_graph=None):
        super().__init__()
        self.old_r, self.new_r = old_r, new_r
        self.old_r_val, self.new_r_val = old_r_val, new_r_val
        self.reason, self.old_graph, self.new_graph = reason, old_graph, new_graph
        self.full_err = old_r if isinstance(old_r, str) else None

    def __str__(self):
        return self.str_diagnostic()

    def str_diagnostic(self):
        """The disagreement as several lines of text: values, how far apart, why, and both graphs."""
        if self.full_err is not None:
            return self.full_err
        out = StringIO()
        print("BadOptimization Error", Exception.__str__(self), file=out)
        print("  Variable: id", id(self.new_r), self.new_r, file=out)
        print("  Op", self.new_r.owner, file=out)
        print("  Value Type:", type(self.new_r_val), file=out)
        for word, value in (("Old", self.old_r_val), ("New", self.new_r_val)):
            if isinstance(value, np.ndarray):
                print("  %s Value shape, dtype, strides: %s %s %s" % (word, value.shape, value.dtype, value.strides),
                      file=out)
            text = str(value)
            print("  %s Value: " % word, text if len(text) <= 800 else text[:800] + " ...", file=out)
        self._print_difference(out)
        print("  Reason: ", str(self.reason), file=out)
        print("  Old Graph:", file=out)
        print(self.old_graph, file=out)
        print("  New Graph:", file=out)
        print(self.new_graph, file=out)
        print("", file=out)
        print("Hint: relax the tolerance by setting tensor.cmp_sloppy=1", file=out)
        print("  or even tensor.cmp_sloppy=2 for less-strict comparison", file=out)
        return out.getvalue()

    def _print_difference(self, out):
        old, new = np.asarray(self.old_r_val), np.asarray(self.new_r_val)
        if old.shape != new.shape or old.size == 0 or old.dtype.kind not in "biufc" or new.dtype.kind not in "biufc":
            return
        if old.dtype.kind == "b":
            old, new = old.astype("int8"), new.astype("int8")
        absolute = np.absolute(new - old)
        relative = absolute / np.maximum(np.absolute(new) + np.absolute(old), 1e-8)
        for word, diff in (("Abs", absolute), ("Rel", relative)):
            at = np.argmax(diff)
            print("  Max %s Diff: " % word, np.max(diff), file=out)
            print("  Mean %s Diff: " % word, np.mean(diff), file=out)
            print("  Median %s Diff: " % word, np.median(diff), file=out)
            print("  Std %s Diff: " % word, np.std(diff), file=out)
            print("  Value at Max Diff: ", (new.flatten()[at], old.flatten()[at]), file=out)


class Feature:
    """Base of what may be attached to a FunctionGraph. Every method is optional.

    ``on_attach`` sees the graph as it is (and may raise AlreadyThere to be left out); the others are called at each
    change. ``orderings`` returns a dict from Apply nodes to lists of nodes that have to run before them. A feature
    that defines ``validate(fgraph)`` can refuse a replacement by raising InconsistencyError.
    """

    def on_attach(self, function_graph):
        """The feature joins `function_graph`; it may add attributes to it."""

    def on_detach(self, function_graph):
        """The feature leaves; undo what ``on_attach`` added."""

    def on_import(self, function_graph, node, reason):
        """`node` is entering the graph."""

    def on_prune(self, function_graph, node, reason):
        """`node` has left the graph."""

    def on_change_input(self, function_graph, node, i, r, new_r, reason=None):
        """``node.inputs[i]`` was `r` and is `new_r` now (an output of the graph when `node` is "output")."""

    def orderings(self, function_graph):
        return {}


class Bookkeeper(Feature):
    """A feature that treats the nodes present when it is attached as if they were imported then."""

    def on_attach(self, fgraph):
        for node in fgraph.toposort():
            self.on_import(fgraph, node, "on_attach")

    def on_detach(self, fgraph):
        for node in fgraph.toposort():
            self.on_prune(fgraph, node, "Bookkeeper.detach")


class GetCheckpoint:
    """``fgraph.checkpoint``: start a new page of the history and return its number."""

    def __init__(self, history, fgraph):
        self.h, self.fgraph, self.nb = history, fgraph, 0

    def __call__(self):
        self.h.history[self.fgraph] = []
        self.nb += 1
        return self.nb


class LambdExtract:
    """One change, kept so that calling it undoes it."""

    def __init__(self, fgraph, node, i, r, reason=None):
        self.fgraph, self.node, self.i, self.r, self.reason = fgraph, node, i, r, reason

    def __call__(self):
        return self.fgraph.change_input(self.node, self.i, self.r, reason=("Revert", self.reason))


class History(Feature):
    """Remembers changes since the last ``fgraph.checkpoint()``, so that ``fgraph.revert(checkpoint)`` undoes them.

    Only the last checkpoint can be returned to.
    """

    pickle_rm_attr = ["checkpoint", "revert"]

    def __init__(self):
        self.history = {}

    def on_attach(self, fgraph):
        if hasattr(fgraph, "checkpoint") or hasattr(fgraph, "revert"):
            raise AlreadyThere("History feature is already present or in conflict with another plugin.")
        self.history[fgraph] = []
        History.unpickle(self, fgraph)

    def unpickle(self, fgraph):
        fgraph.checkpoint = GetCheckpoint(self, fgraph)
        fgraph.revert = partial(self.revert, fgraph)

    def on_detach(self, fgraph):
        del fgraph.checkpoint
        del fgraph.revert
        del self.history[fgraph]

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        page = self.history[fgraph]
        if page is not None:
            page.append((node, i, r, reason))

    def revert(self, fgraph, checkpoint):
        """Undo every change since `checkpoint`, latest first."""
        page = self.history[fgraph]
        self.history[fgraph] = None
        if fgraph.checkpoint.nb != checkpoint:
            self.history[fgraph] = page
            raise ValueError("Only the last checkpoint can be reverted to", checkpoint, fgraph.checkpoint.nb)
        while page:
            LambdExtract(fgraph, *page.pop())()
        self.history[fgraph] = page


class Validator(Feature):
    """Adds ``fgraph.validate()``, which asks every feature, and ``fgraph.consistent()``, which is True or False."""

    pickle_rm_attr = ["validate", "consistent"]

    def on_attach(self, fgraph):
        if hasattr(fgraph, "validate"):
            raise AlreadyThere("Validator feature is already present or in conflict with another plugin.")
        Validator.unpickle(self, fgraph)

    def unpickle(self, fgraph):
        fgraph.validate = partial(self.validate_, fgraph)
        fgraph.consistent = partial(self.consistent_, fgraph)

    def on_detach(self, fgraph):
        del fgraph.validate
        del fgraph.consistent

    def validate_(self, fgraph):
        return fgraph.execute_callbacks("validate")

    def consistent_(self, fgraph):
        try:
            fgraph.validate()
        except Exception as e:
            if by_signal(e):
                raise
            return False
        return True


class ReplaceValidate(History, Validator):
    """Adds ``fgraph.replace_validate`` and its relatives: replacements that are undone when a feature objects."""

    pickle_rm_attr = (["replace_validate", "replace_all_validate", "replace_all_validate_remove"]
                      + History.pickle_rm_attr + Validator.pickle_rm_attr)

    def on_attach(self, fgraph):
        for attr in ("replace_validate", "replace_all_validate", "replace_all_validate_remove"):
            if hasattr(fgraph, attr):
                raise AlreadyThere("ReplaceValidate feature is already present or in conflict with another plugin.")
        self._nodes_removed = set()
        self.fail_validate = False
        History.on_attach(self, fgraph)
        Validator.on_attach(self, fgraph)
        self.unpickle(fgraph)

    def unpickle(self, fgraph):
        History.unpickle(self, fgraph)
        Validator.unpickle(self, fgraph)
        fgraph.replace_validate = partial(self.replace_validate, fgraph)
        fgraph.replace_all_validate = partial(self.replace_all_validate, fgraph)
        fgraph.replace_all_validate_remove = partial(self.replace_all_validate_remove, fgraph)

    def on_detach(self, fgraph):
        History.on_detach(self, fgraph)
        Validator.on_detach(self, fgraph)
        self._nodes_removed = set()
        del fgraph.replace_validate
        del fgraph.replace_all_validate
        del fgraph.replace_all_validate_remove

    def replace_validate(self, fgraph, r, new_r, reason=None):
        self.replace_all_validate(fgraph, [(r, new_r)], reason=reason)

    def replace_all_validate(self, fgraph, replacements, reason=None, verbose=None):
        """Replace each (old, new) pair; undo all and raise when a feature or the graph objects."""
        mark = fgraph.checkpoint()
        if verbose is None:
            verbose = config.optimizer_verbose
        try:
            for r, new_r in replacements:
                fgraph.replace(r, new_r, reason=reason, verbose=False)
            fgraph.validate()
        except Exception as e:
            fgraph.revert(mark)
            if verbose:
                print("validate failed on node %s.\n Reason: %s, %s" % (r, reason, e))
            raise
        if verbose:
            print(reason, r, new_r)
        return mark

    def replace_all_validate_remove(self, fgraph, replacements, remove, reason=None, warn=True):
        """As ``replace_all_validate``; undo it too when a node or variable of `remove` is still in the graph."""
        mark = fgraph.replace_all_validate(replacements, reason)
        if not remove:
            return
        self._nodes_removed.update(remove)
        for rm in remove:
            if rm in fgraph.apply_nodes or rm in fgraph.variables:
                fgraph.revert(mark)
                if warn:
                    print("WARNING: An optimization wanted to replace a Variable in the graph, but the replacement for "
                          "it doesn't remove it. We disabled the optimization. Your function runs correctly, but it "
                          "would be appreciated if you submit this problem to the mailing list theano-users so that "
                          "we can fix it.", file=sys.stderr)
                    print(reason, replacements, file=sys.stderr)
                raise ReplacementDidntRemovedError()

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k != "history"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__dict__.setdefault("history", {})

    def on_import(self, fgraph, node, reason):
        if self._nodes_removed and node in self._nodes_removed:
            self.fail_validate = True

    def validate(self, fgraph):
        if self.fail_validate:
            self.fail_validate = False
            raise InconsistencyError("Trying to reintroduce a removed node")


class NodeFinder(Bookkeeper):
    """Adds ``fgraph.get_nodes(op)``: the nodes that apply an Op equal to `op`."""

    def __init__(self):
        self.fgraph = None
        self.d = {}

    def on_attach(self, fgraph):
        if self.fgraph is not None:
            raise Exception("A NodeFinder instance can only serve one FunctionGraph.")
        if hasattr(fgraph, "get_nodes"):
            raise AlreadyThere("NodeFinder is already present or in conflict with another plugin.")
        self.fgraph = fgraph
        fgraph.get_nodes = partial(self.query, fgraph)
        Bookkeeper.on_attach(self, fgraph)

    def on_detach(self, fgraph):
        if self.fgraph is not fgraph:
            raise Exception("This NodeFinder instance was not attached to the provided fgraph.")
        self.fgraph = None
        del fgraph.get_nodes
        Bookkeeper.on_detach(self, fgraph)

    def on_import(self, fgraph, node, reason):
        if _hashable(node.op):
            self.d.setdefault(node.op, []).append(node)

    def on_prune(self, fgraph, node, reason):
        if _hashable(node.op):
            nodes = self.d[node.op]
            nodes.remove(node)
            if not nodes:
                del self.d[node.op]

    def query(self, fgraph, op):
        if not _hashable(op):
            raise TypeError("%s in unhashable and cannot be queried by the optimizer" % op)
        return list(self.d.get(op, ()))


def _hashable(op):
    try:
        hash(op)
    except TypeError:
        return False
    return True


class PrintListener(Feature):
    """Prints every change of the graph while `active`."""

    def __init__(self, active=True):
        self.active = active

    def on_attach(self, fgraph):
        if self.active:
            print("-- attaching to: ", fgraph)

    def on_detach(self, fgraph):
        if self.active:
            print("-- detaching from: ", fgraph)

    def on_import(self, fgraph, node, reason):
        if self.active:
            print("-- importing: %s, reason: %s" % (node, reason))

    def on_prune(self, fgraph, node, reason):
        if self.active:
            print("-- pruning: %s, reason: %s" % (node, reason))

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        if self.active:
            print("-- changing (%s.inputs[%s]) from %s to %s" % (node, i, r, new_r))


class PreserveNames(Feature):
    """A replacement without a name takes the name of what it replaces."""

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        if r.name is not None and new_r.name is None:
            new_r.name = r.name


class PreserveVariableAttributes(Feature):
    """As PreserveNames, and keeps the mark that NanGuardMode has to look at a variable."""

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        if r.name is not None and new_r.name is None:
            new_r.name = r.name
        if getattr(r.tag, "nan_guard_mode_check", False) and not getattr(new_r.tag, "nan_guard_mode_check", False):
            new_r.tag.nan_guard_mode_check = r.tag.nan_guard_mode_check


class NoOutputFromInplace(Feature):
    """Refuses graphs whose outputs (from `first_output_idx` to `last_output_idx`) overwrite other variables."""

    def __init__(self, first_output_idx=0, last_output_idx=None):
        self.first_idx, self.last_idx = first_output_idx, last_output_idx

    def validate(self, fgraph):
        if not hasattr(fgraph, "destroyers"):
            return True
        for out in list(fgraph.outputs)[self.first_idx:self.last_idx]:
            node = out.owner
            if node is not None and node.outputs.index(out) in getattr(node.op, "destroy_map", {}):
                raise InconsistencyError(
                    "A function graph Feature has requested (probably for ", "efficiency reasons for scan) that "
                    "outputs of the graph", "be prevented from being the result of inplace ",
                    "operations. This has prevented output ", out, " from ",
                    "being computed by modifying another variable ", "inplace.")


__all__ = ["AlreadyThere", "BadOptimization", "Bookkeeper", "Feature", "GetCheckpoint", "History", "LambdExtract",
           "NoOutputFromInplace", "NodeFinder", "PreserveNames", "PreserveVariableAttributes", "PrintListener",
           "ReplaceValidate", "ReplacementDidntRemovedError", "Validator"]
