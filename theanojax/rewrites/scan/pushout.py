"""Work that need not be done in every step leaves the loop.

What depends on non-sequences alone is done once before it; elementwise work on sequences is done for all steps
at once; a sum over the steps of matrix products becomes one product of larger matrices.
"""

import theanojax.tensor as T
from theanojax.graph.replace import clone
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.loop.inner_graph import safe_new
from theanojax.rewrites.scan.base import ScanRewrite, arguments, cut_at, last_step_client, rebuilt, replace_node
from theanojax.scalar import Add
from theanojax.tensor.elemwise import DimShuffle, Elemwise
from theanojax.tensor.function_ops import DeepCopyOp, ViewOp
from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.type import TensorType


class _PushOut(ScanRewrite):
    """Moves nodes of the inner graph outside.

    A subclass says which (`lift`), and where the new inputs go (`add_input`).
    """

    reason = None

    def process_node(self, fgraph, node):
        args = arguments(node)
        order = io_toposort(args.inner_inputs, args.inner_outputs)
        outside = self.known_outside(args)
        moved = {}
        for inner in order:
            values = self.lift(args, inner, outside, moved)
            if values is not None:
                moved.update(zip(inner.outputs, values))
        if not moved:
            return False
        left = [n for n in order if n.outputs[0] not in moved]
        used = {v for n in left for v in n.inputs}
        wanted = [v for v in moved if v in used and _same_rank(v, moved[v], self.extra_dims)]
        if wanted:
            return self._as_inputs(fgraph, node, args, wanted, moved)
        if used or node.op.as_while or node.op.n_mit_mot:
            return False
        return self._without_loop(fgraph, node, args, moved)

    def _as_inputs(self, fgraph, node, args, wanted, moved):
        outputs, givens = args.inner_outputs, []
        for v in wanted:
            if isinstance(moved[v], Constant) and not self.extra_dims:
                givens.append((v, moved[v].clone()))
            else:
                inner = safe_new(v, "_replace")
                givens.append((v, inner))
                self.add_input(args, inner, moved[v])
        outs = rebuilt(args, clone(outputs, replace=givens))
        return replace_node(fgraph, node, zip(node.outputs, outs), self.reason)

    def _without_loop(self, fgraph, node, args, moved):
        """Replace the whole loop, when every output is computed outside now."""
        pairs = []
        states = list(zip(args.mit_sot_in_slices, args.outer_in_mit_sot, args.inner_out_mit_sot))
        states += [([-1], o, i) for o, i in zip(args.outer_in_sit_sot, args.inner_out_sit_sot)]
        for out, (taps, buffer, result) in zip(node.outputs, states):
            if result not in moved:
                return False
            rows = self.rows(moved[result], node.inputs[0])
            pairs.append((out, T.set_subtensor(buffer[-min(taps) :], rows)))
        for out, length, result in zip(args.outer_out_nit_sot, args.outer_in_nit_sot, args.inner_out_nit_sot):
            if result not in moved or length is not node.inputs[0]:  # there are more rows than steps
                return False
            rows = self.rows(moved[result], length)
            if rows.type != out.type:
                rows = T.patternbroadcast(rows, out.broadcastable)
            pairs.append((out, rows))
        if args.outer_out_shared:
            return False
        return replace_node(fgraph, node, pairs, self.reason)


def _same_rank(inner, outer, extra):
    """Whether `outer` has a row, or the value, of `inner`; numbers that are no tensors are left where they are."""
    if not isinstance(inner.type, TensorType):
        return False
    return outer.type.dtype == inner.type.dtype and outer.type.broadcastable[extra:] == inner.type.broadcastable


class PushOutNonSeqScan(_PushOut):
    """Moves out what depends on non-sequences and constants only."""

    reason = "scanOp_pushout_nonseqs_ops"
    extra_dims = 0

    def known_outside(self, args):
        return dict(zip(args.inner_in_non_seqs, args.outer_in_non_seqs))

    def lift(self, args, inner, outside, moved):
        if isinstance(inner.op, (ViewOp, DeepCopyOp)):
            return None
        if not all(v in outside or v in moved or isinstance(v, Constant) for v in inner.inputs):
            return None
        values = [
            v.clone() if isinstance(v, Constant) else outside[v] if v in outside else moved[v] for v in inner.inputs
        ]
        values = [v.type.filter_variable(value) for v, value in zip(inner.inputs, values)]
        return inner.op(*values, return_list=True)[0].owner.outputs

    def add_input(self, args, inner, outer):
        args.inner_in_non_seqs.append(inner)
        args.outer_in_non_seqs.append(outer)

    def rows(self, value, length):
        return T.alloc(value, length, *[value.shape[i] for i in range(value.ndim)])


class PushOutSeqScan(_PushOut):
    """Moves out elementwise work that depends on sequences, non-sequences and constants only."""

    reason = "scanOp_pushout_seqs_ops"
    extra_dims = 1

    def known_outside(self, args):
        return dict(zip(args.inner_in_non_seqs + args.inner_in_seqs, args.outer_in_non_seqs + args.outer_in_seqs))

    def lift(self, args, inner, outside, moved):
        if isinstance(inner.op, DimShuffle):
            (v,) = inner.inputs
            rows = outside[v] if v in args.inner_in_seqs else moved.get(v)
            if rows is None:
                return None
            return [rows.dimshuffle(0, *["x" if d == "x" else d + 1 for d in inner.op.new_order])]
        if not isinstance(inner.op, Elemwise):
            return None
        if not all(v in outside or v in moved or isinstance(v, Constant) for v in inner.inputs):
            return None
        if not any(v in args.inner_in_seqs or v in moved for v in inner.inputs):
            return None  # PushOutNonSeqScan sees to it
        values = [
            v.clone() if isinstance(v, Constant) else outside[v] if v in outside else moved[v] for v in inner.inputs
        ]
        return inner.op(*values, return_list=True)[0].owner.outputs

    def add_input(self, args, inner, outer):
        args.inner_in_seqs.insert(0, inner)
        args.outer_in_seqs.insert(0, outer)

    def rows(self, value, length):
        return value


class PushOutScanOutput(ScanRewrite):
    """``s = s + dot(a, b)``, of which only the last value is used, becomes one product over all steps."""

    reason = "scanOp_pushout_output"
    only_sequences = False

    def process_node(self, fgraph, node):
        while node is not None and not node.op.as_while:
            node = self._push_one(fgraph, node)

    def _push_one(self, fgraph, node):
        """Push out one product; returns the node of the loop that is left, None when there is nothing to push."""
        args = arguments(node)
        for k, (state, total) in enumerate(zip(args.inner_in_sit_sot, args.inner_out_sit_sot)):
            last = last_step_client(args.outer_out_sit_sot[k])
            factors = self._factors(args, state, total) if last is not None else None
            if factors is None:
                continue
            outer, left = self._outside(fgraph, node, args, factors)
            outer = [_first_rows(v, left) for v in outer]
            a = T.flatten(outer[0].dimshuffle(1, 0, 2), 2)
            shape = T.shape(outer[1])
            b = outer[1].reshape((shape[0] * shape[1], shape[2]))
            initial = arguments(left).outer_in_sit_sot[k][0]
            current = last_step_client(left.op.outer_sitsot_outs(left)[k])
            fgraph.replace_all([(current, T.dot(a, b) + initial)], reason=self.reason)
            return left if left in fgraph.apply_nodes else None
        return None

    def _factors(self, args, state, total):
        """The two matrices whose product is added to `state`, if both change from step to step."""
        add = total.owner
        if add is None or not isinstance(add.op, Elemwise) or not isinstance(add.op.scalar_op, Add):
            return None
        if len(add.inputs) != 2 or state not in add.inputs:
            return None
        product = add.inputs[1 if add.inputs[0] is state else 0]
        if product.owner is None or not isinstance(product.owner.op, Dot):
            return None
        order = io_toposort(args.inner_inputs, args.inner_outputs)
        uses = sum(n.inputs.count(product) for n in order) + args.inner_outputs.count(product)
        factors = product.owner.inputs
        if uses != 1 or any(v.ndim != 2 or isinstance(v, Constant) or v in args.inner_in_non_seqs for v in factors):
            return None
        if self.only_sequences and not any(v in args.inner_in_seqs for v in factors):
            return None
        return list(factors)

    def _outside(self, fgraph, node, args, factors):
        """The rows of `factors` outside the loop, and the node of the loop, which may have become another one."""
        outer, missing = [], []
        for v in factors:
            if v in args.inner_in_seqs:
                outer.append(args.outer_in_seqs[args.inner_in_seqs.index(v)])
            elif v in args.inner_out_nit_sot:
                outer.append(args.outer_out_nit_sot[args.inner_out_nit_sot.index(v)])
            else:
                outer.append(None)
                missing.append(v)
        if not missing:
            return outer, node
        n_old = len(args.outer_out_nit_sot)
        args.inner_out_nit_sot.extend(missing)
        args.outer_in_nit_sot.extend([node.inputs[0]] * len(missing))
        outs = rebuilt(args)
        new = outs[0].owner
        first = node.op.n_outs + n_old
        added = outs[first : first + len(missing)]
        fgraph.replace_all_validate_remove(
            list(zip(node.outputs, outs[:first] + outs[first + len(missing) :])), remove=[node], reason=self.reason
        )
        rows = new.op.outer_nitsot_outs(new)
        for i, v in enumerate(factors):
            if outer[i] is None:
                outer[i] = added[missing.index(v)]
            elif v in args.inner_out_nit_sot[:n_old]:
                outer[i] = rows[args.inner_out_nit_sot.index(v)]
        return outer, new


def _first_rows(v, node):
    """The rows of `v` that the loop `node` reads or writes: there are more where a gradient is truncated."""
    n_steps = node.inputs[0]
    if v.owner is not None and isinstance(v.owner.op, DimShuffle) and v.owner.op.new_order[0] == 0:
        return v.owner.op(_first_rows(v.owner.inputs[0], node))  # cut below it, where slices are merged
    if v in node.outputs and node.inputs[node.op.nit_sot_arg_offset + v.index - node.op.n_outs] is n_steps:
        return v
    return v if cut_at(v, n_steps) is not None else v[:n_steps]


class PushOutDot1(PushOutScanOutput):
    """`PushOutScanOutput` where one of the factors is a sequence, so that no more memory is needed for it."""

    reason = "scan_pushout_dot1"
    only_sequences = True
