"""Who is who among the inputs and outputs of a Scan.

A loop has an *inner* graph, one step, and an *outer* Apply node. Both list their variables by kind:

- seqs: arrays read one row a step;
- mit_mot ("multiple input taps, multiple output taps"): states read and written at several offsets, made by
  the gradient only;
- mit_sot ("... single output tap"), sit_sot ("single input tap, ..."): states that read several earlier rows,
  or the last one, and write one;
- shared: states that are not stacked, such as random number generators;
- nit_sot ("no input tap, ..."): outputs that are only written; outside, each has its length as an input;
- non_seqs: what every step sees alike.

==========================  ===========================================================================
outer inputs                n_steps, seqs, mit_mot, mit_sot, sit_sot, shared, nit_sot lengths, non_seqs
inner inputs                seqs, taps of mit_mot, of mit_sot, of sit_sot, shared, non_seqs
inner outputs               slices of mit_mot, mit_sot, sit_sot, nit_sot, shared, the stop condition
outer outputs               mit_mot, mit_sot, sit_sot, nit_sot, shared
==========================  ===========================================================================
"""

from theanojax.graph.variable import Apply


def _outer_inputs(x):
    return x.inputs if isinstance(x, Apply) else x


def _outer_outputs(x):
    return x.outputs if isinstance(x, Apply) else x


class ScanLayout:
    """Methods that cut the four lists of variables by kind.

    Expects ``n_seqs, n_mit_mot, n_mit_sot, n_sit_sot, n_nit_sot, n_shared_outs, tap_array,
    mit_mot_out_slices`` as attributes. The ``inner_*`` methods take a list of inner variables, the
    ``outer_*`` methods a list of outer ones or the Apply.
    """

    def _taps_before(self, n):
        return sum(len(taps) for taps in self.tap_array[:n])

    @property
    def _n_slices(self):
        return sum(len(s) for s in self.mit_mot_out_slices)

    # ---------------------------------------------------------------- taps
    def mitmot_taps(self):
        return self.tap_array[: self.n_mit_mot]

    def mitmot_out_taps(self):
        return list(self.mit_mot_out_slices)  # nothing else has several output taps

    def mitsot_taps(self):
        return self.tap_array[self.n_mit_mot : self.n_mit_mot + self.n_mit_sot]

    # ---------------------------------------------------------------- inner inputs
    def inner_seqs(self, list_inputs):
        return list_inputs[: self.n_seqs]

    def inner_mitmot(self, list_inputs):
        return list_inputs[self.n_seqs : self.n_seqs + self._taps_before(self.n_mit_mot)]

    def inner_mitsot(self, list_inputs):
        return list_inputs[
            self.n_seqs + self._taps_before(self.n_mit_mot) : self.n_seqs
            + self._taps_before(self.n_mit_mot + self.n_mit_sot)
        ]

    def inner_sitsot(self, list_inputs):
        start = self.n_seqs + self._taps_before(self.n_mit_mot + self.n_mit_sot)
        return list_inputs[start : start + self.n_sit_sot]

    def inner_shared(self, list_inputs):
        start = self.n_seqs + self._taps_before(self.n_mit_mot + self.n_mit_sot) + self.n_sit_sot
        return list_inputs[start : start + self.n_shared_outs]

    def inner_non_seqs(self, list_inputs):
        start = self.n_seqs + self._taps_before(self.n_mit_mot + self.n_mit_sot) + self.n_sit_sot
        return list_inputs[start + self.n_shared_outs :]

    # ---------------------------------------------------------------- inner outputs
    def inner_mitmot_outs(self, list_outputs):
        return list_outputs[: self._n_slices]

    def inner_mitsot_outs(self, list_outputs):
        return list_outputs[self._n_slices : self._n_slices + self.n_mit_sot]

    def inner_sitsot_outs(self, list_outputs):
        start = self._n_slices + self.n_mit_sot
        return list_outputs[start : start + self.n_sit_sot]

    def inner_nitsot_outs(self, list_outputs):
        start = self._n_slices + self.n_mit_sot + self.n_sit_sot
        return list_outputs[start : start + self.n_nit_sot]

    def inner_shared_outs(self, list_outputs):
        start = self._n_slices + self.n_mit_sot + self.n_sit_sot + self.n_nit_sot
        return list_outputs[start : start + self.n_shared_outs]

    # ---------------------------------------------------------------- outer inputs
    def outer_seqs(self, list_inputs):
        return _outer_inputs(list_inputs)[1 : 1 + self.n_seqs]

    def _outer_states(self, list_inputs, skip, count):
        start = 1 + self.n_seqs + skip
        return _outer_inputs(list_inputs)[start : start + count]

    def outer_mitmot(self, list_inputs):
        return self._outer_states(list_inputs, 0, self.n_mit_mot)

    def outer_mitsot(self, list_inputs):
        return self._outer_states(list_inputs, self.n_mit_mot, self.n_mit_sot)

    def outer_sitsot(self, list_inputs):
        return self._outer_states(list_inputs, self.n_mit_mot + self.n_mit_sot, self.n_sit_sot)

    def outer_shared(self, list_inputs):
        return self._outer_states(list_inputs, self._n_states, self.n_shared_outs)

    def outer_nitsot(self, list_inputs):
        return self._outer_states(list_inputs, self._n_states + self.n_shared_outs, self.n_nit_sot)

    def outer_non_seqs(self, list_inputs):
        return _outer_inputs(list_inputs)[1 + self.n_seqs + self._n_states + self.n_shared_outs + self.n_nit_sot :]

    @property
    def _n_states(self):
        return self.n_mit_mot + self.n_mit_sot + self.n_sit_sot

    # ---------------------------------------------------------------- outer outputs
    def outer_mitmot_outs(self, list_outputs):
        return _outer_outputs(list_outputs)[: self.n_mit_mot]

    def outer_mitsot_outs(self, list_outputs):
        return _outer_outputs(list_outputs)[self.n_mit_mot : self.n_mit_mot + self.n_mit_sot]

    def outer_sitsot_outs(self, list_outputs):
        return _outer_outputs(list_outputs)[self._n_states - self.n_sit_sot : self._n_states]

    def outer_nitsot_outs(self, list_outputs):
        return _outer_outputs(list_outputs)[self._n_states : self._n_states + self.n_nit_sot]

    def outer_shared_outs(self, list_outputs):
        start = self._n_states + self.n_nit_sot
        return _outer_outputs(list_outputs)[start : start + self.n_shared_outs]

    # ---------------------------------------------------------------- correspondence
    def get_oinp_iinp_iout_oout_mappings(self):
        """Twelve dicts ``<role>_from_<role>`` between positions of outer/inner inputs/outputs of the same thing.

        Values that lead inside are lists of positions; values that lead outside are one position, -1 for none.
        """
        names = ("outer_inp", "inner_inp", "inner_out", "outer_out")
        maps = {"%s_from_%s" % (a, b): {} for a in names for b in names if a != b}
        for entry in self._correspondence():
            roles = dict(zip(names, entry))
            for b in names:
                keys = roles[b] if isinstance(roles[b], list) else [roles[b]] if roles[b] != -1 else []
                for a in names:
                    if a != b:
                        for key in keys:
                            maps["%s_from_%s" % (a, b)][key] = roles[a]
        return maps

    def _correspondence(self):
        """(outer input, inner inputs, inner outputs, outer output) for each thing the loop handles."""
        rows = [(0, [], [], -1)]
        rows += [(1 + i, [i], [], -1) for i in range(self.n_seqs)]
        outer, inner, out, outer_out = 1 + self.n_seqs, self.n_seqs, 0, 0
        for i, taps in enumerate(self.tap_array):
            written = len(self.mit_mot_out_slices[i]) if i < self.n_mit_mot else 1
            rows.append((outer, list(range(inner, inner + len(taps))), list(range(out, out + written)), outer_out))
            outer, inner, out, outer_out = outer + 1, inner + len(taps), out + written, outer_out + 1
        shared = outer
        outer += self.n_shared_outs
        for i in range(self.n_nit_sot):
            rows.append((outer + i, [], [out + i], outer_out + i))
        outer, out, outer_out = outer + self.n_nit_sot, out + self.n_nit_sot, outer_out + self.n_nit_sot
        for i in range(self.n_shared_outs):
            rows.append((shared + i, [inner + i], [out + i], outer_out + i))
        inner += self.n_shared_outs
        rows += [(outer + i, [k], [], -1) for i, k in enumerate(range(inner, len(self.inputs)))]
        return rows
