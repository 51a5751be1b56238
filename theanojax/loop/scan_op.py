"""The Scan Op: a loop over an inner graph. `theano.scan` builds it."""

from collections import OrderedDict

from theanojax.errors import MissingInputError
from theanojax.graph import above
from theanojax.graph.contract import Inside
from theanojax.graph.op import Op, ops_with_inner_function
from theanojax.graph.props import hashable
from theanojax.graph.traverse import inputs as graph_inputs, io_toposort
from theanojax.graph.variable import Apply, Constant
from theanojax.loop.checks import checked_inputs
from theanojax.loop.host import HostLoop
from theanojax.loop.inner_graph import map_inner_graph
from theanojax.loop.layout import ScanLayout
from theanojax.loop.lowering import lower
from theanojax.loop.needs import host_reason, static_needs
from theanojax.loop.profile import profile_printer as profile_printer
from theanojax.loop.scan_utils import equal_computations
from theanojax.loop.shapes import output_shapes
from theanojax.tensor.type import TensorType

_IDENTITY = (
    "truncate_gradient",
    "profile",
    "n_seqs",
    "tap_array",
    "as_while",
    "n_mit_sot",
    "destroy_map",
    "n_nit_sot",
    "n_shared_outs",
    "n_sit_sot",
    "gpua",
    "n_mit_mot_outs",
    "n_mit_mot",
    "mit_mot_out_slices",
    "windows",
)


class Scan(ScanLayout, Op):
    """A loop. See `theanojax.loop.layout` for the order of its inputs and outputs.

    Parameters
    ----------
    inputs, outputs : the inner graph, one step of the loop; its constants are the only free variables.
    info : dict with the counts ``n_seqs n_mit_mot n_mit_mot_outs n_mit_sot n_sit_sot n_shared_outs n_nit_sot``,
        ``tap_array`` (input taps of each state), ``mit_mot_out_slices`` (output taps), ``as_while``,
        ``truncate_gradient``, ``name``, ``mode``, ``profile``, ``allow_gc``, ``gpua``, ``destroy_map``.
    typeConstructor : makes an output type from `broadcastable` and `dtype`; TensorType by default.
    """

    windows: tuple = ()  # see `theanojax.loop.windows`

    def __init__(self, inputs, outputs, info, typeConstructor=None):
        self.inputs, self.outputs, self.info = inputs, outputs, info
        self.__dict__.update(info)
        self.destroy_map = info.get("destroy_map") or OrderedDict()
        if not getattr(self, "name", None):
            self.name = info["name"] = "scan_fn"
        self._set_output_types(typeConstructor or TensorType)
        self.mintaps = [min(taps) for taps in self.tap_array] + [0] * self.n_nit_sot
        self.n_outs, self.n_tap_outs = self._n_states, self.n_mit_mot + self.n_mit_sot
        self.seqs_arg_offset = 1 + self.n_seqs
        self.shared_arg_offset = self.seqs_arg_offset + self.n_outs
        self.nit_sot_arg_offset = self.shared_arg_offset + self.n_shared_outs
        self.mitmots_preallocated = [False] * self.n_mit_mot_outs
        if self.mode is not None:
            self.mode_instance  # an unknown mode is reported here  # noqa: B018
        for v in graph_inputs(outputs, inputs):
            if v not in inputs and not isinstance(v, Constant):
                raise MissingInputError("ScanOp is missing an input: %s" % repr(v))
        self.var_mappings = self.get_oinp_iinp_iout_oout_mappings()

    def _set_output_types(self, make_type):
        outs, types, k = self.outputs, [], 0
        for slices in self.mit_mot_out_slices[: self.n_mit_mot]:
            types.append(outs[k])
            k += len(slices)
        end = k + self.n_mit_sot + self.n_sit_sot + self.n_nit_sot
        types = [
            make_type(broadcastable=(False, *o.type.broadcastable), dtype=o.type.dtype)
            for o in types + list(outs[k:end])
        ]
        self.output_types = types + [o.type for o in outs[end : end + self.n_shared_outs]]

    # ---------------------------------------------------------------- identity
    def _identity(self, key):
        return self.destroy_map if key == "destroy_map" else self.info.get(key)

    def __eq__(self, other):
        if self is other:
            return True
        if type(self) is not type(other):
            return False
        if len(self.inputs) != len(other.inputs) or len(self.outputs) != len(other.outputs):
            return False
        if any(self._identity(k) != other._identity(k) for k in _IDENTITY):
            return False
        if any(a.type != b.type for a, b in zip(self.inputs, other.inputs)):
            return False
        return equal_computations(self.outputs, other.outputs, self.inputs, other.inputs)

    def __hash__(self):
        if not hasattr(self, "_hash"):
            sizes = tuple(hashable(self._identity(k)) for k in _IDENTITY if k not in ("profile", "destroy_map"))
            self._hash = hash((type(self), sizes, _graph_hash(self.inputs, self.outputs)))
        return self._hash

    def __str__(self):
        words = "do_while" if self.as_while else "for", "gpu" if self.gpua else "cpu", self.name
        if not self.destroy_map:
            return "%s{%s,%s}" % words
        if sorted(self.destroy_map) == list(range(self.n_outs)):
            return "%sall_inplace,%s,%s}" % words
        inplace = "".join("%s," % k for k in self.destroy_map)
        return "%s{inplace{%s},%s,%s}" % (words[0], inplace, *words[1:])

    def __getstate__(self):
        d = dict(self.__dict__)
        for name in ("fn", "_hash", "_host_loop", "_host_reason", "_mode_instance"):
            d.pop(name, None)
        return d

    def __setstate__(self, d):
        self.__dict__.update(d)
        self.validate_inner_graph()

    # ---------------------------------------------------------------- graph
    def make_node(self, *inputs):
        """The loop applied to outer `inputs`; ValueError or TypeError when they disagree with the inner graph."""
        inputs = checked_inputs(self, inputs)
        self.vector_seqs = [_has_ndim(v, 1) for v in self.outer_seqs(inputs)]
        self.vector_outs = [_has_ndim(v, 1) for v in inputs[self.seqs_arg_offset : self.shared_arg_offset]]
        self.vector_outs += [_has_ndim(v, 0) for v in self.inner_nitsot_outs(self.outputs)]
        return Apply(self, inputs, [t() for t in self.output_types])

    def validate_inner_graph(self):
        """Raise TypeError unless each state keeps its type from step to step."""
        maps = self.var_mappings
        for k in range(self.n_outs):
            for i in maps["inner_inp_from_outer_out"][k]:
                for o in maps["inner_out_from_outer_out"][k]:
                    before, after = self.inputs[i].type, self.outputs[o].type
                    if before != after:
                        raise TypeError(
                            "Inconsistency in the inner graph of scan '%s' : an input and an output are "
                            "associated with the same recurrent state and should have the same type but "
                            "have type '%s' and '%s' respectively." % (self.name, before, after)
                        )

    def infer_shape(self, node, input_shapes):
        return output_shapes(self, node, input_shapes)

    def connection_pattern(self, node):
        from theanojax.loop.gradient import connection_pattern

        if not hasattr(node.tag, "connection_pattern"):  # slow for nested loops
            node.tag.connection_pattern = connection_pattern(self, node)
        return node.tag.connection_pattern

    def L_op(self, inputs, outs, dC_douts):
        from theanojax.loop.gradient import pull_back

        return pull_back(self, list(inputs), outs if isinstance(outs, (list, tuple)) else [outs], dC_douts)

    def map_inner(self, node, replacer):
        """`node` with the variables of its inner graph replaced; see `map_variables`."""
        inner, outer, outs = map_inner_graph(replacer, self.inputs, node.inputs, self.outputs, self)
        return Scan(inner, outs, self.info).make_node(*outer)

    def vectorize_node(self, node, inputs, batch):
        from theanojax.loop.rows import rows_of_loop

        return rows_of_loop(self, node, inputs, batch)

    def R_op(self, inputs, eval_points):
        from theanojax.loop.rop import push_forward

        return push_forward(self, list(inputs), list(eval_points))

    # ---------------------------------------------------------------- running
    @property
    def mode_instance(self):
        """The mode that the inner graph is compiled in."""
        if not hasattr(self, "_mode_instance"):
            message = (self.name or "Scan") + " sub profile"
            mode = above.get_mode(self.mode)
            self._mode_instance = mode.clone(link_kwargs={"allow_gc": self.allow_gc}, message=message)
        return self._mode_instance

    def loop_steps(self, node):
        return node.inputs[0]

    def compile_step(self):
        """The inner graph as a compiled function, which is also kept as ``fn``."""
        if not hasattr(self, "fn"):
            self.validate_inner_graph()
            self.fn = above.compiled_step(self)
        return self.fn

    def inner_fgraph(self):
        """The rewritten inner graph, which both executors run. It must not be changed."""
        return self.compile_step().maker.executed_fgraph

    def inside(self, node):
        rows = list(self._correspondence())
        return Inside(
            self.inputs,
            self.outputs,
            self.inner_fgraph,
            [(outer, i) for outer, inner, _, _ in rows for i in inner],
            [(o, outer) for _, _, out, outer in rows for o in out if outer != -1],
            [(out[0], i) for _, inner, out, _ in rows if len(out) == 1 for i in inner],
        )

    def prepare_node(self, node, storage_map, compute_map, impl):
        self.compile_step()

    def perform(self, node, inputs, output_storage, params=None):
        if not hasattr(self, "_host_loop"):
            fn = self.compile_step()
            step = (lambda values: fn(*values)) if above.is_watched(self) else None
            self._host_loop = HostLoop(self, fn.maker.executed_fgraph, step)
        profile = self.fn.maker.profile
        if profile:
            profile.run_loop(self._host_loop, node, inputs, output_storage)
        else:
            self._host_loop.run(node, inputs, output_storage)

    def runs_on_host(self, node):
        if not hasattr(self, "_host_reason"):
            self._host_reason = host_reason(self)
        return self._host_reason is not None

    def why_on_host(self, node):
        return "in %s, %s" % (self, self._host_reason)

    def xla_form(self, node):
        """What the XLA executor may compute in place of the outputs of `node`: a dict, or None."""
        from theanojax.loop.counted import counted_form

        return counted_form(self, node)

    def static_needs(self, node):
        return static_needs(self, node)

    def lower_xla(self, ctx, node, *inputs):
        return lower(self, ctx, node, inputs)


def _has_ndim(v, ndim):
    return isinstance(v.type, TensorType) and v.type.ndim == ndim


def _graph_hash(inputs, outputs):
    """A hash that equal computations share: each variable is hashed by what computes it."""
    seen = {v: hash((i, v.type)) for i, v in enumerate(inputs)}
    nodes = io_toposort(inputs, outputs)
    for v in [u for n in nodes for u in n.inputs] + list(outputs):
        if v.owner is None and v not in seen:
            seen[v] = hash(v.signature()) if isinstance(v, Constant) else hash(v.type)
    for n in nodes:
        key = hash((n.op, tuple(seen[v] for v in n.inputs)))
        for i, v in enumerate(n.outputs):
            seen.setdefault(v, hash((key, i)))
    return hash(tuple(seen[v] for v in outputs))


ops_with_inner_function[Scan] = "fn"
