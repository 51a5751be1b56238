"""Symbolic shapes of the outputs of a Scan."""

from collections import OrderedDict

from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.variable import Constant
from theanojax.tensor.shape import Shape_i
from theanojax.tensor.var import TensorConstant


def infer_shape(outs, inputs, input_shapes):
    """The shapes of `outs` as expressions, given tuples of expressions for the shapes of `inputs`."""
    from theanojax.tensor.shape_feature import ShapeFeature

    for v, shape in zip(inputs, input_shapes):
        if shape is not None and len(shape) != v.ndim:
            raise ValueError("The shape of %s has %d entries, it should have %d" % (v, len(shape), v.ndim))
    feature = ShapeFeature()
    feature.on_attach(FunctionGraph([], []))
    for v, shape in zip(inputs, input_shapes):
        feature.set_shape(v, shape)
    return [feature.shape_of[v] for v in outs]


class Validator:
    """Tells whether a variable can be computed without the variables in `invalid`.

    `valid_equivalent` maps some invalid variables to valid ones that may stand for them.
    """

    def __init__(self, valid=None, invalid=None, valid_equivalent=None):
        self.valid_equivalent = OrderedDict(valid_equivalent or ())
        self.valid = set(valid or ()) | set(self.valid_equivalent.values())
        self.invalid = set(invalid or ()) | set(self.valid_equivalent)

    def check(self, out):
        """(out, True) when `out` is valid, (equivalent, False) when another variable may stand for it, else None."""
        todo = [out]
        while todo:
            v = todo.pop()
            if v in self.valid or v in self.invalid:
                continue
            if v.owner is None:
                self._leaf(v)
                continue
            open_inputs = [u for u in v.owner.inputs if u not in self.valid and u not in self.invalid]
            if open_inputs:
                todo.append(v)
                todo.extend(open_inputs)
            else:
                self._computed(v)
        return self._value(out)

    def _value(self, v):
        if v in self.valid:
            return v, True
        return (self.valid_equivalent[v], False) if v in self.valid_equivalent else None

    def _leaf(self, v):
        if isinstance(v, TensorConstant) and (getattr(v, "fgraph", None) or getattr(v, "cached", False)):
            self._stand_in(v, v.clone())  # it may belong to another graph
        else:
            self.valid.add(v)

    def _computed(self, v):
        values = [self._value(u) for u in v.owner.inputs]
        if None in values:
            self.invalid.add(v)
        elif all(same for _, same in values):
            self.valid.add(v)
        else:
            self._stand_in(v, v.owner.clone_with_new_inputs([u for u, _ in values]).outputs[v.index])

    def _stand_in(self, v, twin):
        self.invalid.add(v)
        self.valid.add(twin)
        self.valid_equivalent[v] = twin


def output_shapes(op, node, shapes):
    """`Scan.infer_shape`: states keep the shape of their buffers; a row of the others is inferred inside.

    Every step gives rows of one shape, so a row's shape may depend on the inner graph's non-sequences only.
    """
    state_shapes = shapes[op.seqs_arg_offset : op.shared_arg_offset]
    inner = [s[1:] for s in op.outer_seqs(shapes)]
    inner += [s[1:] for s, taps in zip(state_shapes, op.tap_array) for _ in taps]
    inner += list(op.outer_shared(shapes)) + list(op.outer_non_seqs(shapes))
    rows = infer_shape(op.outputs[: len(op.outputs) - bool(op.as_while)], op.inputs, inner)
    validator = Validator(
        valid=[d for s in shapes if s is not None for d in s if not isinstance(d, (int, Constant))],
        invalid=op.inputs,
        valid_equivalent=dict(zip(op.inner_non_seqs(op.inputs), op.outer_non_seqs(node))),
    )
    result = list(state_shapes)
    for row, length, out in zip(op.inner_nitsot_outs(rows), op.outer_nitsot(node), op.outer_nitsot_outs(node)):
        if row is None:
            result.append(None)
            continue
        dims = [length]
        for axis, d in enumerate(row, 1):
            found = validator.check(d)
            if found is not None:
                dims.append(found[0])
            else:
                dims.append(1 if out.type.broadcastable[axis] else Shape_i(axis)(out))
        result.append(tuple(dims))
    result += list(op.outer_shared(shapes))
    if op.as_while:  # the number of steps is only known afterwards
        result = [s if s is None else (Shape_i(0)(out), *s[1:]) for s, out in zip(result, node.outputs)]
    return result
