"""Elementwise Ops that follow one another -> one, of a Composite: what the graphs of compiled functions show.

XLA fuses by itself, so none of this runs.
"""

from collections import Counter

from theanojax import scalar as scal
from theanojax.config import config
from theanojax.errors import InconsistencyError, MethodNotDefined
from theanojax.graph.copying import substitute
from theanojax.graph.features import ReplaceValidate
from theanojax.graph.op import get_test_value
from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.profile import RewriteProfile
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.common import may_have_wrapped
from theanojax.scalar.types import complex_types, discrete_types, float16, get_scalar_type
from theanojax.tensor.elemwise import Elemwise

# Scalar Ops of which Theano had no C code, for any inputs or for those of some types: they stay on their own.
_NO_C = set("Angle Complex ComplexFromPolar Erfcinv Erfcx Erfinv I0 I1 Imag Iv Jv Real".split())
_NO_C_DISCRETE = set(
    "Chi2SF Gamma GammaInc GammaIncC GammaL GammaU J0 J1 Psi ScalarSigmoid ScalarSoftplus "
    "ScalarSoftsign TriGamma XlogX XlogY0".split()
)
_NO_C_HALF = set("IntDiv RoundHalfAwayFromZero RoundHalfToEven ScalarSoftsign XlogX XlogY0".split())
_C_COMPLEX = set(
    "AND Abs Add Angle Cast Ceil Clip Complex ComplexFromPolar EQ Erfc Floor Identity InRange Invert Mul "
    "Neg OR RoundHalfAwayFromZero RoundHalfToEven Second Sgn Sqr Sub Switch TrueDiv Trunc "
    "UltraFastScalarSigmoid XOR".split()
)


def _has_c_code(node):
    """Whether Theano could compile the scalar Op of `node`, applied to scalars."""
    op = node.op
    if isinstance(op, scal.Composite):
        return all(_has_c_code(inner) for inner in op.fgraph.apply_nodes)
    for cls in type(op).__mro__:
        if cls.__module__.startswith(("theanojax.", "theano.")):
            return _table_says(cls.__name__, [v.type for v in node.inputs])
        if "c_code" in cls.__dict__:
            break
    try:
        op.c_code(
            node,
            "test_presence_of_c_code",
            ["x" for _ in node.inputs],
            ["z" for _ in node.outputs],
            {"fail": "%(fail)s"},
        )
    except (MethodNotDefined, NotImplementedError):
        return False
    return True


def _table_says(name, types):
    if name in _NO_C:
        return False
    if any(t in complex_types for t in types):
        return name in _C_COMPLEX
    if types and types[0] in discrete_types:
        return name not in _NO_C_DISCRETE
    return not (float16 in types and name in _NO_C_HALF)


def elemwise_max_input_fct(node):
    """How many inputs a fused Op may have."""
    return 1024


def local_elemwise_fusion_op(OP, max_input_fct=lambda node: 32, maker=None):
    """A function that fuses a node with the Ops before it: it returns a list with the new output, or False.

    Parameters
    ----------
    OP : the class of Ops to fuse, Elemwise or one like it.
    max_input_fct : how many inputs the result for a node may have.
    maker : ``maker(node, scalar_op)``, the Op to put in the place of that of `node`; ``OP(scalar_op)`` by default.
    """

    def local_fuse(node):
        if type(node.op) is not OP or len(node.outputs) > 1:
            return False
        region = _Region(node, OP, max_input_fct(node))
        if not _has_c_code(region.out.owner) or not region.grow():
            return False
        while region.grow():
            pass
        composite = region.composite()
        op = OP(composite) if maker is None else maker(node, composite)
        out = op(*region.inputs)
        copy_stack_trace(node.outputs[0], out)
        return [out] if out.dtype == node.outputs[0].dtype else False

    return local_fuse


class _Region:
    """A node and what is fused into it: an expression in scalars that stand for `inputs`."""

    def __init__(self, node, op_class, max_inputs):
        self.op_class, self.max_inputs = op_class, max_inputs
        self.pattern = node.outputs[0].broadcastable
        self.inputs = list(node.inputs)
        self.scalars = [_stand_in(v) for v in self.inputs]
        self.made_by: dict = {}  # scalar -> the expression that took its place
        self.out = node.op.scalar_op(*self.scalars)

    def _fusible(self, v):
        node = v.owner
        return (
            node is not None
            and isinstance(node.op, self.op_class)
            and len(node.outputs) == 1
            and len({client for client, _ in getattr(v, "clients", ())}) == 1
            and v.broadcastable == self.pattern
        )  # otherwise the same would be computed several times

    def grow(self):
        """Replace every input that can be by what computes it; whether there was one."""
        before, wanted = self.inputs, Counter(self.inputs)
        inputs, scalars, room = [], [], len(before)
        place, have = {}, Counter()  # of what is in `inputs`: where it is first, and how often
        grown = False

        def add(v, s):
            place.setdefault(v, len(inputs))
            have[v] += 1
            inputs.append(v)
            scalars.append(s)

        for v, s in zip(before, self.scalars):
            fresh = {}
            if self._fusible(v):
                args = []
                for u in v.owner.inputs:
                    if u not in place and u not in fresh:
                        fresh[u] = _stand_in(u)
                    args.append(fresh[u] if u in fresh else scalars[place[u]])
                taken = room + len(fresh) - 1 - sum(1 for u in fresh if u in wanted)
                value = v.owner.op.scalar_op(*args)
                if taken <= self.max_inputs and _has_c_code(value.owner):
                    grown, room = True, taken
                    for u, stand_in in fresh.items():
                        add(u, stand_in)
                    self.made_by[s] = value
                    continue
            if have[v] == wanted[v]:
                self.made_by[s] = scalars[place[v]]
            else:
                add(v, s)
        if grown:
            self.inputs, self.scalars = inputs, scalars
        return grown

    def composite(self):
        return scal.Composite(self.scalars, substitute([], [self.out], self.made_by))


def _stand_in(v):
    s = get_scalar_type(v.dtype).make_variable()
    if config.compute_test_value != "off":
        try:
            value = get_test_value(v)
        except AttributeError:
            return s
        if value.size > 0:
            s.tag.test_value = value.flatten()[0]
    return s


local_elemwise_fusion = local_elemwise_fusion_op(Elemwise, elemwise_max_input_fct)


def local_add_mul_fusion(node):
    """Sums of sums and products of products -> one with more inputs, which keeps Composites small."""
    if not isinstance(node.op, Elemwise) or not isinstance(node.op.scalar_op, (scal.Add, scal.Mul)):
        return False
    kind = type(node.op.scalar_op)
    inputs, joined = list(node.inputs), False
    changed = True
    while changed:
        changed, before, inputs = False, inputs, []
        for v in before:
            inner = v.owner
            if (
                inner is not None
                and isinstance(inner.op, Elemwise)
                and isinstance(inner.op.scalar_op, kind)
                and not may_have_wrapped(v, node.outputs[0].dtype)
                and len(getattr(v, "clients", ())) == 1
            ):
                inputs.extend(inner.inputs)
                joined = changed = True
            else:
                inputs.append(v)
    if not joined:
        return False
    out = node.op(*inputs)
    copy_stack_trace(node.outputs[0], out)
    return [out]


class FusionOptimizer(Optimizer):
    """Applies `local_optimizer`, a function of a node, from the outputs up until nothing changes any more."""

    def __init__(self, local_optimizer):
        self.optimizer = local_optimizer

    def add_requirements(self, fgraph):
        fgraph.attach_feature(ReplaceValidate())

    def apply(self, fgraph):
        profile = RewriteProfile(self, fgraph)
        changed = True
        while changed:
            changed = False
            for node in reversed(fgraph.toposort()):
                new = self.optimizer(node) if node in fgraph.apply_nodes else None
                if not new:
                    continue
                try:
                    fgraph.replace_all_validate(list(zip(node.outputs, new)), reason=type(self).__name__)
                except InconsistencyError:
                    continue
                changed = True
                profile.add_use(self.optimizer)
        return profile.close(fgraph)
