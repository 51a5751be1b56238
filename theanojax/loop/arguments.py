"""The inputs and outputs of a Scan as lists by kind, which rewrites change and put together again."""

import copy
from collections import OrderedDict

from theanojax.graph.traverse import inputs as graph_inputs
from theanojax.loop.inner_graph import reconstruct_graph

_OTHER_INFO = ("truncate_gradient", "name", "mode", "destroy_map", "gpua", "as_while", "profile", "allow_gc")
_SLICES = ("mit_mot_out_slices", "mit_mot_in_slices", "mit_sot_in_slices")
_PARTS = ("inner_in", "inner_out", "outer_in", "outer_out")


class _Cursor:
    """Takes pieces off a list, from the left."""

    def __init__(self, items):
        self.items, self.at = list(items), 0

    def take(self, n):
        self.at += n
        return self.items[self.at - n : self.at]

    def groups(self, sizes):
        return [self.take(n) for n in sizes]

    def rest(self):
        return self.take(len(self.items) - self.at)


class scan_args:
    """The variables of a Scan node by kind; the inner graph is a copy.

    ``outer_in_*, inner_in_*, outer_out_*, inner_out_*`` with ``seqs mit_mot mit_sot sit_sot shared nit_sot
    non_seqs`` are lists, open to change; `inner_inputs`, `outer_inputs`, `inner_outputs`, `outer_outputs` and
    `info` put them together.
    """

    def __init__(self, outer_inputs, outer_outputs, _inner_inputs, _inner_outputs, info):
        inner_inputs, inner_outputs = reconstruct_graph(_inner_inputs, _inner_outputs, "")
        n_cond = int(bool(info["as_while"]))
        self.cond = inner_outputs[len(inner_outputs) - n_cond :]
        n_mit_mot, n_mit_sot, n_sit_sot = info["n_mit_mot"], info["n_mit_sot"], info["n_sit_sot"]
        n_shared, n_nit_sot = info["n_shared_outs"], info["n_nit_sot"]
        self.mit_mot_in_slices = info["tap_array"][:n_mit_mot]
        self.mit_sot_in_slices = info["tap_array"][n_mit_mot : n_mit_mot + n_mit_sot]
        self.mit_mot_out_slices = info["mit_mot_out_slices"]

        outer, inner = _Cursor(outer_inputs), _Cursor(inner_inputs)
        (self.n_steps,) = outer.take(1)
        self.outer_in_seqs, self.inner_in_seqs = outer.take(info["n_seqs"]), inner.take(info["n_seqs"])
        self.outer_in_mit_mot = outer.take(n_mit_mot)
        self.inner_in_mit_mot = inner.groups([len(s) for s in self.mit_mot_in_slices])
        self.outer_in_mit_sot = outer.take(n_mit_sot)
        self.inner_in_mit_sot = inner.groups([len(s) for s in self.mit_sot_in_slices])
        self.outer_in_sit_sot, self.inner_in_sit_sot = outer.take(n_sit_sot), inner.take(n_sit_sot)
        self.outer_in_shared, self.inner_in_shared = outer.take(n_shared), inner.take(n_shared)
        self.outer_in_nit_sot = outer.take(n_nit_sot)
        self.outer_in_non_seqs, self.inner_in_non_seqs = outer.rest(), inner.rest()

        outer, inner = _Cursor(outer_outputs), _Cursor(inner_outputs[: len(inner_outputs) - n_cond])
        self.outer_out_mit_mot = outer.take(n_mit_mot)
        self.inner_out_mit_mot = inner.groups([len(s) for s in self.mit_mot_out_slices])
        self.outer_out_mit_sot, self.inner_out_mit_sot = outer.take(n_mit_sot), inner.take(n_mit_sot)
        self.outer_out_sit_sot, self.inner_out_sit_sot = outer.take(n_sit_sot), inner.take(n_sit_sot)
        self.outer_out_nit_sot, self.inner_out_nit_sot = outer.take(n_nit_sot), inner.take(n_nit_sot)
        self.outer_out_shared, self.inner_out_shared = outer.take(n_shared), inner.take(n_shared)
        if outer.rest() or inner.rest():
            raise ValueError("The variables of the scan do not agree with its info")
        self.other_info = OrderedDict((k, info[k]) for k in _OTHER_INFO if k in info)

    @property
    def inner_inputs(self):
        return (
            self.inner_in_seqs
            + sum(self.inner_in_mit_mot, [])
            + sum(self.inner_in_mit_sot, [])
            + self.inner_in_sit_sot
            + self.inner_in_shared
            + self.inner_in_non_seqs
        )

    @property
    def outer_inputs(self):
        return (
            [self.n_steps]
            + self.outer_in_seqs
            + self.outer_in_mit_mot
            + self.outer_in_mit_sot
            + self.outer_in_sit_sot
            + self.outer_in_shared
            + self.outer_in_nit_sot
            + self.outer_in_non_seqs
        )

    @property
    def inner_outputs(self):
        return (
            sum(self.inner_out_mit_mot, [])
            + self.inner_out_mit_sot
            + self.inner_out_sit_sot
            + self.inner_out_nit_sot
            + self.inner_out_shared
            + self.cond
        )

    @property
    def outer_outputs(self):
        return (
            self.outer_out_mit_mot
            + self.outer_out_mit_sot
            + self.outer_out_sit_sot
            + self.outer_out_nit_sot
            + self.outer_out_shared
        )

    @property
    def info(self):
        return OrderedDict(
            n_seqs=len(self.outer_in_seqs),
            n_mit_mot=len(self.outer_in_mit_mot),
            n_mit_sot=len(self.outer_in_mit_sot),
            tap_array=self.mit_mot_in_slices + self.mit_sot_in_slices + [[-1]] * len(self.inner_in_sit_sot),
            n_sit_sot=len(self.outer_in_sit_sot),
            n_nit_sot=len(self.outer_in_nit_sot),
            n_shared_outs=len(self.outer_in_shared),
            n_mit_mot_outs=sum(map(len, self.mit_mot_out_slices)),
            mit_mot_out_slices=self.mit_mot_out_slices,
            **self.other_info,
        )

    def __copy__(self):
        twin = object.__new__(type(self))
        for name, value in self.__dict__.items():
            twin.__dict__[name] = copy.copy(value) if _is_list(name) or name == "other_info" else value
        return twin

    def merge(self, other):
        """These arguments followed, kind by kind, by those of `other`."""
        both = copy.copy(self)
        for name in self.__dict__:
            if _is_list(name):
                getattr(both, name).extend(getattr(other, name))
        return both


def _is_list(name):
    return name.startswith(_PARTS) or name in _SLICES


def _rows(op):
    """Of each outer output: its kind, its inner inputs and its inner outputs."""
    maps = op.var_mappings
    ends = [
        ("mit_mot", op.n_mit_mot),
        ("mit_sot", op.n_mit_sot),
        ("sit_sot", op.n_sit_sot),
        ("nit_sot", op.n_nit_sot),
        ("shared_outs", op.n_shared_outs),
    ]
    kinds = [kind for kind, n in ends for _ in range(n)]
    return [
        (kind, maps["inner_inp_from_outer_out"][i], maps["inner_out_from_outer_out"][i]) for i, kind in enumerate(kinds)
    ]


def scan_can_remove_outs(op, out_idxs):
    """Which of the outer outputs `out_idxs` of a Scan are needed by its other outputs, and which are not.

    Returns (needed, not needed), two lists of positions.
    """
    rows = _rows(op)
    optional = {k for i in out_idxs for k in rows[i][2]}
    needed = graph_inputs([o for k, o in enumerate(op.outputs) if k not in optional])
    kept = []
    grew = True
    while grew:
        grew = False
        for i in out_idxs:
            if i not in kept and any(op.inputs[k] in needed for k in rows[i][1]):
                kept.append(i)
                needed += graph_inputs([op.outputs[k] for k in rows[i][2]])
                grew = True
    return [i for i in out_idxs if i in kept], [i for i in out_idxs if i not in kept]


def compress_outs(op, not_required, inputs):
    """A Scan without the outer outputs `not_required`, applied to what is left of the outer `inputs`.

    Returns
    -------
    inner inputs, inner outputs, info, outer inputs, and an OrderedDict from old to new outer output positions.
    """
    maps, n_inner = op.var_mappings, op.n_seqs
    info = OrderedDict(
        (k, op.info[k])
        for k in ("n_seqs", "truncate_gradient", "name", "gpua", "mode", "as_while", "profile", "allow_gc")
        if k in op.info
    )
    info.update(
        tap_array=[],
        mit_mot_out_slices=[],
        n_mit_mot=0,
        n_mit_mot_outs=0,
        n_mit_sot=0,
        n_sit_sot=0,
        n_shared_outs=0,
        n_nit_sot=0,
    )
    inner_in, inner_out, outer_in = list(op.inputs[: op.n_seqs]), [], list(inputs[: op.n_seqs + 1])
    late = {"shared_outs": [], "nit_sot": []}  # outside, shared states come before the lengths of nit_sots
    old_to_new = OrderedDict()
    for i, (kind, taken, given) in enumerate(_rows(op)):
        n_inner += len(taken)
        if i in not_required:
            continue
        old_to_new[i] = len(old_to_new)
        info["n_" + kind] += 1
        inner_in += [op.inputs[k] for k in taken]
        inner_out += [op.outputs[k] for k in given]
        late.get(kind, outer_in).append(inputs[maps["outer_inp_from_outer_out"][i]])
        if i < op.n_outs:
            info["tap_array"].append(op.tap_array[i])
        if kind == "mit_mot":
            info["mit_mot_out_slices"].append(op.mit_mot_out_slices[i])
            info["n_mit_mot_outs"] += len(given)
    inner_in += op.inputs[n_inner:]
    outer_in += late["shared_outs"] + late["nit_sot"] + list(op.outer_non_seqs(inputs))
    if op.as_while:
        inner_out.append(op.outputs[-1])
        old_to_new[len(op.outputs) - 1] = len(inner_out) - 1
    return inner_in, inner_out, info, outer_in, old_to_new
