"""Composite: a scalar expression as one Op, which elementwise fusion makes."""

from theanojax.graph.contract import Inside
from theanojax.graph.copying import copy_graph
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.traverse import clone, io_toposort, orphans
from theanojax.graph.variable import Constant
from theanojax.printing import pprint
from theanojax.scalar.arithmetic import Cast, cast
from theanojax.scalar.op import ScalarOp
from theanojax.scalar.types import ScalarConstant, float16, float32, get_scalar_type


class Composite(ScalarOp):
    """The scalar Op that computes `outputs` from `inputs`, all variables of a scalar graph.

    A lone output that is itself made by a Composite is unfolded.

    Raises
    ------
    ValueError : some Op in the graph is not a ScalarOp, or it needs a variable that is neither input nor constant.
    """

    init_param = ("inputs", "outputs")
    work = "own"
    vectorize_node = ScalarOp.vectorize_node

    def __init__(self, inputs, outputs):
        inputs, outputs = list(inputs), list(outputs)
        if any(v in outputs for v in inputs):
            raise AssertionError("an output of a Composite may not be one of its inputs")
        if len(outputs) == 1 and isinstance(outputs[0].owner.op, Composite):
            outputs = _unfold(outputs[0])
        self.inputs, self.outputs = _merged_copy(inputs, outputs)
        self.inputs_type = tuple([v.type for v in self.inputs])
        self.outputs_type = tuple([v.type for v in self.outputs])
        self.nin, self.nout = len(self.inputs), len(self.outputs)
        self.name = None
        self.init_fgraph()

    def init_fgraph(self):
        """Build ``fgraph`` and what is derived from it; a pickled Composite does so when it is loaded."""
        if any(not isinstance(v, Constant) for v in orphans(self.inputs, self.outputs)):
            raise ValueError("All orphans in the fgraph to Composite must be Constant instances.")
        self.fgraph = FunctionGraph(self.inputs, self.outputs)
        self._nodes = self.fgraph.toposort()
        for node in self._nodes:
            if not isinstance(node.op, ScalarOp):
                raise ValueError("The fgraph to Composite must be exclusively composed of ScalarOp instances.")
        self._key = self._signature()

    def _signature(self):
        """What the graph computes, as something hashable; equal for equal graphs on other variables."""
        label = {v: ("i", i) for i, v in enumerate(self.fgraph.inputs)}
        rows = []
        for n, node in enumerate(self._nodes):
            args = tuple([label[v] if v in label else (str(v.type), v.data.tobytes()) for v in node.inputs])
            rows.append((node.op, args))
            label.update((v, (n, k)) for k, v in enumerate(node.outputs))
        return tuple(rows), tuple([label.get(v) for v in self.fgraph.outputs]), self.inputs_type, self.outputs_type

    # ---------------------------------------------------------------- names
    def init_name(self):
        """Name the variables inside, and the Op after its expressions."""
        if self.name is not None:
            return
        for i, v in enumerate(self.fgraph.inputs):
            v.name = "i%i" % i
        for i, v in enumerate(self.fgraph.outputs):
            v.name = "o%i" % i
        shared = [v for node in self._nodes for v in node.outputs if len(v.clients) > 1]
        for i, v in enumerate(v for v in shared if v not in self.fgraph.outputs):
            v.name = "t%i" % i
        self.name = "Composite{%s}" % ", ".join([pprint(v) for v in self.fgraph.outputs])

    def __str__(self):
        if self.name is None:
            self.init_name()
        return self.name

    def inside(self, node):
        enters, leaves = ([(i, i) for i in range(n)] for n in (self.nin, self.nout))
        return Inside(self.fgraph.inputs, self.fgraph.outputs, lambda: self.fgraph, enters, leaves)

    # ---------------------------------------------------------------- building
    def make_new_inplace(self, output_types_preference=None, name=None):
        out = self.__class__(**{k: getattr(self, k) for k in self.init_param})
        ScalarOp.__init__(out, output_types_preference, name or out.name)
        return out

    def output_types(self, input_types):
        given = tuple(input_types)
        if given != self.inputs_type:
            raise TypeError("Wrong types for Composite. Expected %s, got %s." % (self.inputs_type, given))
        return self.outputs_type

    def make_node(self, *inputs):
        if tuple([v.type for v in inputs]) == self.inputs_type or len(inputs) != self.nin:
            return super().make_node(*inputs)
        # Other types than the graph was made for: the same graph is built on these.
        fresh = [v.type() for v in inputs]
        return Composite(fresh, _rebuild(self, fresh)).make_node(*inputs)

    def clone_float32(self):
        """This expression computed in float32 where it was in float16."""
        return Composite(*composite_f32.apply(self.fgraph))

    # ---------------------------------------------------------------- values
    @property
    def host_only(self):
        return any(node.op.runs_on_host(node) for node in self._nodes)

    def has_array_body(self):
        return all(node.op.has_array_body() for node in self._nodes)

    def takes_arrays(self):
        return all(node.op.takes_arrays() for node in self._nodes)

    def compile_loops(self, dtypes):
        for node in self._nodes:
            node.op.compile_loops(v.type.dtype for v in node.inputs)

    def compute(self, xp, node, *inputs):
        values = dict(zip(self.fgraph.inputs, [xp.astype(x, t.dtype) for x, t in zip(inputs, self.inputs_type)]))
        for inner in self._nodes:
            args = [values[v] if v in values else v.data for v in inner.inputs]
            results = inner.op.compute(xp, inner, *args)
            if len(inner.outputs) == 1 and not isinstance(results, tuple):
                results = (results,)
            for v, result in zip(inner.outputs, results):
                values[v] = xp.astype(result, v.type.dtype)
        outs = [values[v] if v in values else v.data for v in self.fgraph.outputs]
        return outs[0] if self.nout == 1 else tuple(outs)

    def impl(self, *inputs):
        values = dict(zip(self.fgraph.inputs, inputs))
        for inner in self._nodes:
            results = inner.op.impl(*[values[v] if v in values else v.data for v in inner.inputs])
            values.update(zip(inner.outputs, (results,) if len(inner.outputs) == 1 else results))
        outs = [values[v] if v in values else v.data for v in self.fgraph.outputs]
        return outs[0] if self.nout == 1 else tuple(outs)

    def grad(self, inputs, output_gradients):
        raise NotImplementedError("grad is not implemented for Composite")

    # ---------------------------------------------------------------- identity
    def __eq__(self, other):
        return self is other or (type(self) is type(other) and self._key == other._key)

    def __hash__(self):
        return hash((type(self), self._key))

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k not in ("fgraph", "_nodes", "_key")}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.init_fgraph()


def _rebuild(composite, inputs):
    """The outputs of the graph of `composite` on other `inputs`, which may have other types."""
    return copy_graph(composite.outputs, dict(zip(composite.inputs, inputs)), strict=False)


def _unfold(output):
    return _rebuild(output.owner.op, output.owner.inputs)


def _merged_copy(inputs, outputs):
    """A copy of a graph, in which equal computations are done once and equal constants are one."""
    inputs, outputs = clone(inputs, outputs)
    known, mapping = {}, {}

    def representative(v):
        if v in mapping:
            return mapping[v]
        if isinstance(v, Constant):
            return known.setdefault((str(v.type), v.data.tobytes()), v)
        return v

    for node in io_toposort(inputs, outputs):
        node.inputs[:] = [representative(v) for v in node.inputs]
        twin = known.setdefault((node.op, *node.inputs), node)
        if twin is not node:
            mapping.update(zip(node.outputs, twin.outputs))
    return inputs, [representative(v) for v in outputs]


# -------------------------------------------------------------------- float16
class Compositef32:
    """Turns graphs that compute in float16 into graphs that do so in float32. ``special`` has rules by Op class."""

    special: dict = {}

    def apply(self, fgraph):
        """(inputs, outputs) of the float32 version of `fgraph`."""
        mapping = {}
        for v in fgraph.inputs:
            mapping[v] = v
            if v.dtype == "float16":
                mapping[v] = get_scalar_type("float32")()
                if hasattr(v.tag, "test_value"):
                    mapping[v].tag.test_value = v.tag.test_value
        for node in fgraph.toposort():
            for v in node.inputs:
                if v not in mapping:
                    if type(v) is not ScalarConstant:
                        raise AssertionError("%s is neither an input nor a constant" % v)
                    mapping[v] = ScalarConstant(float32, v.data) if v.type == float16 else v
            self.special.get(type(node.op), handle_other)(node, mapping)
        return [mapping[v] for v in fgraph.inputs], [mapping[v] for v in fgraph.outputs]


composite_f32 = Compositef32()


def handle_other(node, mapping):
    twin = node.clone_with_new_inputs([mapping[v] for v in node.inputs], strict=False)
    mapping.update(zip(node.outputs, twin.outputs))


def handle_cast(node, mapping):
    """A cast to or from float16 becomes one to or from float32, or nothing."""
    source, out = mapping[node.inputs[0]], node.outputs[0]
    if node.op.o_type == float16:
        mapping[out] = cast(source, "float32")
    elif node.inputs[0].type == float16 and node.op.o_type == source.type:
        mapping[out] = source
    else:
        mapping[out] = node.clone_with_new_inputs([source], strict=False).outputs[0]


def handle_composite(node, mapping):
    """A Composite becomes its float32 version."""
    twin = node.op.clone_float32()
    mapping.update(zip(node.outputs, twin(*[mapping[v] for v in node.inputs], return_list=True)))


Compositef32.special.update({Cast: handle_cast, Composite: handle_composite})
