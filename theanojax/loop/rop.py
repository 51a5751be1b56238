"""The R-operator of a Scan: one Scan that computes the outputs and their derivatives side by side."""

from collections import OrderedDict

from theanojax.gradient import Rop
from theanojax.loop.inner_graph import safe_new


def push_forward(op, inputs, eval_points):
    """The derivative of each outer output along `eval_points` (None where an input does not move)."""

    def cut(kind, values):
        return list(getattr(op, kind)(values))

    def doubled(kind, values, moved):
        return cut(kind, values) + cut(kind, moved)

    shared = set(op.inner_shared(op.inputs))
    # Shared states do not move; they keep their place in the lists so that these can be cut alike.
    points = [v if v in shared else safe_new(v, "_evalpoint") for v in op.inputs]
    moving = [(v, p) for v, p in zip(op.inputs, points) if v not in shared]
    n_results = len(op.outputs) - op.n_shared_outs - bool(op.as_while)
    derivatives = Rop(
        op.outputs[:n_results], [v for v, _ in moving], [p for _, p in moving], disconnected_outputs="ignore"
    )
    moved_in = [v.zeros_like() if p is None and hasattr(v, "zeros_like") else p for v, p in zip(inputs, eval_points)]

    inner_in, outer_in, inner_out = [], [inputs[0]], []
    for kind in ("seqs", "mitmot", "mitsot", "sitsot"):
        inner_in += doubled("inner_" + kind, op.inputs, points)
        outer_in += doubled("outer_" + kind, inputs, moved_in)
    inner_in += cut("inner_shared", op.inputs) + doubled("inner_non_seqs", op.inputs, points)
    outer_in += cut("outer_shared", inputs) + cut("outer_nitsot", inputs) * 2
    outer_in += doubled("outer_non_seqs", inputs, moved_in)
    for kind in ("mitmot", "mitsot", "sitsot", "nitsot"):
        inner_out += doubled("inner_%s_outs" % kind, op.outputs, derivatives)
    inner_out += op.outputs[n_results:]

    ends = (op.n_mit_mot, op.n_tap_outs, op.n_outs)
    taps = []
    for start, end in zip((0, *ends), ends):
        taps += op.tap_array[start:end] * 2
    info = OrderedDict(
        n_seqs=op.n_seqs * 2,
        n_mit_mot=op.n_mit_mot * 2,
        n_mit_sot=op.n_mit_sot * 2,
        n_sit_sot=op.n_sit_sot * 2,
        n_nit_sot=op.n_nit_sot * 2,
        n_shared_outs=op.n_shared_outs,
        n_mit_mot_outs=op.n_mit_mot_outs * 2,
        mit_mot_out_slices=op.mit_mot_out_slices * 2,
        tap_array=taps,
        gpua=False,
        as_while=op.as_while,
        profile=op.profile,
        truncate_gradient=op.truncate_gradient,
        name="rop_of_" + op.name if op.name else None,
        mode=op.mode,
        allow_gc=op.allow_gc,
        destroy_map=OrderedDict(),
    )
    outputs = type(op)(inner_in, inner_out, info)(*outer_in, return_list=True)
    result, at = [], 0
    for n in (op.n_mit_mot, op.n_mit_sot, op.n_sit_sot, op.n_nit_sot):
        result += outputs[at + n : at + 2 * n]
        at += 2 * n
    return result + [None] * op.n_shared_outs
