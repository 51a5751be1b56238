"""Loops with fewer inputs: constants move inside, unused inputs vanish, equal inputs and outputs become one."""

from collections import OrderedDict

from theanojax.graph.replace import clone
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.traverse import equal_computations, inputs as graph_inputs
from theanojax.graph.variable import Constant
from theanojax.loop.scan_op import Scan
from theanojax.rewrites.scan.base import arguments, rebuilt


@local_optimizer([Scan])
def remove_constants_and_unused_inputs_scan(node):
    """Constant non-sequences, and sequences whose rows are all the same constant, move into the inner graph.

    Inputs that the step does not use, or that come twice, are removed. Initial states stay as they are.
    """
    if not isinstance(node.op, Scan):
        return False
    op = node.op
    used = set(graph_inputs(op.outputs))
    givens = OrderedDict()
    seqs = _needed(op.inner_seqs(op.inputs), op.outer_seqs(node), used, givens, _constant_row)
    rest = _needed(op.inner_non_seqs(op.inputs), op.outer_non_seqs(node), used, givens, lambda c: c.clone())
    if len(seqs) == op.n_seqs and len(rest) == len(op.inner_non_seqs(op.inputs)):
        return False
    states = op.inputs[op.n_seqs : len(op.inputs) - len(op.inner_non_seqs(op.inputs))]
    outer_states = node.inputs[1 + op.n_seqs : len(node.inputs) - len(op.outer_non_seqs(node))]
    info = op.info.copy()
    info["n_seqs"] = len(seqs)
    new = Scan([i for i, _ in seqs] + states + [i for i, _ in rest], clone(op.outputs, replace=givens), info)
    outs = new(node.inputs[0], *[o for _, o in seqs], *outer_states, *[o for _, o in rest], return_list=True)
    return OrderedDict([("remove", [node]), *zip(node.outputs, outs)])


def _constant_row(v):
    """A row of the constant sequence `v`, if all its entries are equal."""
    if getattr(v.tag, "unique_value", None) is None:
        return None
    return v.clone()[0]


def _needed(inner, outer, used, givens, inside):
    """The (inner, outer) pairs that have to stay inputs; what the others are replaced by goes into `givens`."""
    kept = []
    for i, o in zip(inner, outer):
        constant = inside(o) if isinstance(o, Constant) else None
        if constant is not None:
            givens[i] = constant
        elif i in used:
            same = [k for k, other in kept if other is o or equal_computations([other], [o])]
            if same:
                givens[i] = same[0]
            else:
                kept.append((i, o))
    return kept


def has_duplicates(l):
    """Whether two elements of `l` are equal."""
    return len(set(l)) < len(l)


def make_equiv(lo, li):
    """Two lists of inner variables that are equal, pair by pair, because their outer variables are the same."""
    seen, left, right = OrderedDict(), [], []
    for o, i in zip(lo, li):
        if o in seen:
            left.append(i)
            right.append(seen[o])
        else:
            seen[o] = i
    return left, right


@local_optimizer([Scan])
def scan_merge_inouts(node):
    """Inputs that come twice become one, outputs that compute the same too."""
    if not isinstance(node.op, Scan):
        return False
    args = arguments(node)
    givens = OrderedDict()
    for kind in ("seqs", "non_seqs"):
        outer, inner = getattr(args, "outer_in_" + kind), getattr(args, "inner_in_" + kind)
        givens.update(zip(*make_equiv(outer, inner)))
        setattr(args, "outer_in_" + kind, list(OrderedDict.fromkeys(outer)))
        setattr(args, "inner_in_" + kind, [v for v in inner if v not in givens])
    removed = []
    if givens:
        outputs = rebuilt(args, clone(args.inner_outputs, replace=givens))
        args = arguments(outputs[0].owner)
        removed = [node]
    outputs = _merged_outputs(args)
    if not removed and all(a is b for a, b in zip(outputs, node.outputs)):
        return False
    return OrderedDict([("remove", removed), *zip(node.outputs, outputs)] if removed else zip(node.outputs, outputs))


def _merged_outputs(args):
    """The outer outputs, each replaced by an earlier one that is equal."""
    left, right = make_equiv(args.outer_in_shared, args.inner_in_shared)
    for kind in ("sit_sot", "mit_mot", "mit_sot"):
        outer, inner = getattr(args, "outer_in_" + kind), getattr(args, "inner_in_" + kind)
        if kind == "sit_sot":
            inner = [[v] for v in inner]
            keys = outer
        else:
            slices = args.mit_mot_in_slices if kind == "mit_mot" else args.mit_sot_in_slices
            keys = [(o, tuple(s)) for o, s in zip(outer, slices)]
        more_left, more_right = make_equiv(keys, inner)
        left += [v for group in more_left for v in group]
        right += [v for group in more_right for v in group]

    def first_equal(outer_in, inner_out, outer_out, keys):
        seen, result = [], []
        for o_in, i_out, o_out, key in zip(outer_in, inner_out, outer_out, keys):
            for s_in, s_out, s_o, s_key in seen:
                if o_in is s_in and key == s_key and equal_computations(i_out, s_out, left, right):
                    result.append(s_o)
                    break
            else:
                seen.append((o_in, i_out, o_out, key))
                result.append(o_out)
        return result

    outputs = first_equal(
        args.outer_in_mit_mot, args.inner_out_mit_mot, args.outer_out_mit_mot, args.mit_mot_out_slices
    )
    for kind, keys in (("mit_sot", args.mit_sot_in_slices), ("sit_sot", None), ("nit_sot", None)):
        outer_in = getattr(args, "outer_in_" + kind)
        outputs += first_equal(
            outer_in,
            [[v] for v in getattr(args, "inner_out_" + kind)],
            getattr(args, "outer_out_" + kind),
            keys or [None] * len(outer_in),
        )
    return outputs + args.outer_out_shared
