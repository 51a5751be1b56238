"""OpFromGraph: a graph as an Op."""

from theanojax.compile.maker import orig_function
from theanojax.compile.overrides import gradients, r_operator
from theanojax.config import config, flags_of_thread
from theanojax.graph import above
from theanojax.graph.connection import io_connection_pattern
from theanojax.graph.contract import Inside
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op, ops_with_inner_function
from theanojax.graph.rebuild import rebuild_collect_shared
from theanojax.graph.replace import clone
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.walk import in2out
from theanojax.graph.shared import SharedVariable
from theanojax.graph.traverse import inputs as graph_inputs, io_toposort
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.loop.inner_graph import map_inner_graph
from theanojax.rewrites.registry import optdb
from theanojax.runtime.host import HostExecutor
from theanojax.tensor.type import discrete_dtypes


class OpFromGraph(Op):
    """An Op that computes the expressions `outputs` of `inputs`.

    Parameters
    ----------
    inputs : list of Variables
    outputs : list of Variables. Shared variables in them become hidden inputs of the Op.
    inline : bool
        Replace the Op by its graph when a function is compiled.
    lop_overrides : 'default', OpFromGraph, callable ``f(inputs, outputs, output_grads)``, or a Variable of
        NullType or DisconnectedType; or a list with one of these for each input, whose callables give one gradient
    grad_overrides : the same, with ``f(inputs, output_grads)``. At most one of the two may be given.
    rop_overrides : the same for the R-operator, with ``f(inputs, eval_points)``; a list has one for each output.
    connection_pattern : list of lists of bool, optional
        Instead of the one found from the graph and its gradient.
    name : str, optional
    **kwargs : for the function that is compiled inside, see `orig_function`.

    Raises TypeError for inputs and outputs that are no Variables, and for `updates` and `givens`.
    """

    def __init__(
        self,
        inputs,
        outputs,
        inline=False,
        lop_overrides="default",
        grad_overrides="default",
        rop_overrides="default",
        connection_pattern=None,
        name=None,
        **kwargs,
    ):
        if not isinstance(outputs, list):
            raise TypeError("outputs must be list, got %s" % type(outputs))
        for v in inputs + outputs:
            if not isinstance(v, Variable):
                raise TypeError("inputs and outputs must be Variable instances", v)
        if "updates" in kwargs or "givens" in kwargs:
            raise TypeError("updates and givens are not allowed here")
        if name is not None and not isinstance(name, str):
            raise AssertionError("name must be None or string object")
        self.is_inline, self.name, self.kwargs = inline, name, kwargs
        self.inputs, self.outputs = inputs, outputs
        self.shared_inputs = [
            v for v in graph_inputs(outputs, blockers=inputs) if isinstance(v, SharedVariable) and v not in inputs
        ]
        # Inside, inputs are neither shared nor constant, and each is given once: the first one counts.
        stand_ins = {v: v.type() for v in [*inputs, *self.shared_inputs] if isinstance(v, (SharedVariable, Constant))}
        local = [v.type() if v in inputs[:i] else stand_ins.get(v, v) for i, v in enumerate(inputs)]
        local += [stand_ins[v] for v in self.shared_inputs]
        if len({*inputs}) < len(inputs):
            self.kwargs = {"on_unused_input": "ignore", **kwargs}
        self.local_inputs, self.local_outputs, _ = rebuild_collect_shared(
            outputs, inputs=local, replace=list(stand_ins.items()), copy_inputs_over=False, no_default_updates=True
        )
        self.input_types = [v.type for v in inputs]
        self.output_types = [v.type for v in outputs]
        if lop_overrides != "default" and grad_overrides != "default":
            raise ValueError("lop_overrides and grad_overrides are mutually exclusive")
        if grad_overrides != "default":
            self.set_grad_overrides(grad_overrides)
        else:
            self.set_lop_overrides(lop_overrides)
        self.set_rop_overrides(rop_overrides)
        self._connection_pattern = connection_pattern

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return id(self)

    def __str__(self):
        return "%s{inline=%s}" % (self.__class__.__name__ if self.name is None else self.name, self.is_inline)

    def make_node(self, *inputs):
        types = self.input_types
        if len(inputs) != len(types):
            raise ValueError("Expected %d inputs, got %d" % (len(types), len(inputs)))
        arguments = [kind.filter_variable(v) for kind, v in zip(types, inputs)]
        node = Apply(self, [*arguments, *self.shared_inputs], [kind() for kind in self.output_types])
        node.local_inputs, node.local_outputs = self.local_inputs, self.local_outputs
        return node

    def map_inner(self, node, replacer):
        """`node` with the variables of its inner graph replaced; see `theanojax.graph.replace.map_variables`."""
        given = node.inputs[: len(self.inputs)]
        inner, outer, outputs = map_inner_graph(replacer, self.inputs, given, self.outputs, self)
        return type(self)(inner, outputs, **self.kwargs).make_node(*outer)

    def vectorize_node(self, node, inputs, batch):
        """The same Op of the graph for many rows; a loop where it has derivatives of its own."""
        if (self._lop, self._rop) != ("default", "default"):
            return None
        moving = batch.moving(node, inputs)
        inner = [inputs[i].type() if i in moving else v for i, v in enumerate(self.local_inputs)]
        outputs, _ = batch.inner(self.local_outputs, {self.local_inputs[i]: inner[i] for i in moving})
        op = type(self)(inner, outputs, inline=self.is_inline, name=self.name, **self.kwargs)
        return op(*inputs, return_list=True)

    def inner_nodes(self):
        return io_toposort(self.local_inputs, self.local_outputs)

    def inside(self, node):
        enters = [(i, i) for i in range(len(node.inputs))]
        leaves = [(i, i) for i in range(len(node.outputs))]
        return Inside(self.local_inputs, self.local_outputs, lambda: self.fn.maker.fgraph, enters, leaves)

    def default_update(self, node, v):
        """The next value of the shared variable `v`, for `node`; of random numbers it may depend on the inputs."""
        update = v.default_update
        for inner in io_toposort([], self.outputs):
            own = inner.op.default_update(inner, v) if v in inner.inputs else update
            update = update if own is v.default_update else own
        return clone(update, replace=list(zip(self.inputs, node.inputs)))

    # ---------------------------------------------------------------- running
    @property
    def fn(self):
        """The inner graph as a compiled function."""
        if "_fn" not in self.__dict__:
            with flags_of_thread(compute_test_value="off"):
                self._fn = orig_function(self.local_inputs, self.local_outputs, **self.kwargs)
            self._fn.trust_input = True
        return self._fn

    @property
    def inner_graph(self):
        """The inner graph after rewriting, a FunctionGraph."""
        return self.fn.maker.executed_fgraph

    def runs_on_host(self, node):
        return any(n.op.runs_on_host(n) for n in self.inner_graph.apply_nodes)

    def _inner_needs(self):
        """(inner node, the variables whose value it needs before it can be traced), found once."""
        if "_needs" not in self.__dict__:
            found = [(n, list(n.op.static_needs(n))) for n in self.inner_graph.toposort()]
            self._needs = [(n, needs) for n, needs in found if needs]
        return self._needs

    def static_needs(self, node):
        wanted = [v for _, needs in self._inner_needs() for v in needs]
        return clone(wanted, replace=list(zip(self.inner_graph.inputs, node.inputs))) if wanted else []

    def lower_xla(self, ctx, node, *inputs):
        from theanojax.runtime.xla.problems import NeedsValue

        graph, statics = self.inner_graph, ctx.statics
        outer = iter(ctx.node_needs(node))
        known = dict(statics)
        for inner_node, needs in self._inner_needs():
            ctx.needs[inner_node] = needs
            for v in needs:
                value = ctx.static(next(outer))
                known.pop(v, None)  # of another application of this Op
                if value is not None:
                    known[v] = value
        ctx.statics = known
        try:
            outs = ctx.trace(graph.inputs, graph.outputs, inputs)
        except NeedsValue as e:
            ctx.unsupported("the value of %s inside %s fixes a shape" % (e.variable, self))
        finally:
            ctx.statics = statics
        return tuple(outs)

    def perform(self, node, inputs, output_storage, params=None):
        if "_host" not in self.__dict__:
            self._host = HostExecutor(self.inner_graph)
        for cell, value in zip(output_storage, self._host(inputs)):
            cell[0] = value

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k not in ("_fn", "_host", "_needs")}

    def infer_shape(self, node, shapes):
        from theanojax.loop.shapes import infer_shape

        inner = infer_shape(self.local_outputs, self.local_inputs, shapes)
        # All at once, so that what the shapes have in common is copied once.
        flat = iter(clone([n for shape in inner for n in shape], replace=list(zip(self.local_inputs, node.inputs))))
        return [tuple(next(flat) for _ in shape) for shape in inner]

    # ---------------------------------------------------------------- derivatives
    def set_grad_overrides(self, grad_overrides):
        """Replace the gradient; see the class. Whatever was set before is forgotten."""
        self._lop, self._lop_type, self._lop_op = grad_overrides, "grad", None

    def set_lop_overrides(self, lop_overrides):
        """Replace the L-operator; see the class. Whatever was set before is forgotten."""
        self._lop, self._lop_type, self._lop_op = lop_overrides, "lop", None

    def set_rop_overrides(self, rop_overrides):
        """Replace the R-operator; see the class. Whatever was set before is forgotten."""
        self._rop, self._rop_op = rop_overrides, None

    def get_lop_op(self):
        """The OpFromGraph of inputs, outputs and output gradients that computes the gradients of all inputs."""
        if self._lop_op is None:
            with flags_of_thread(compute_test_value="off"):
                self._lop_op, self._lop_special = self._make_lop()
        return self._lop_op

    def get_rop_op(self):
        """The OpFromGraph of inputs and evaluation points that computes the R-operator of all outputs."""
        if self._rop_op is None:
            with flags_of_thread(compute_test_value="off"):
                self._rop_op, self._rop_special = self._make_rop()
        return self._rop_op

    def _make_lop(self):
        ins, outs, override = self.local_inputs, self.local_outputs, self._lop
        expected = len(ins) + (1 if self._lop_type == "grad" else 2) * len(outs)
        if isinstance(override, OpFromGraph):
            given = len(override.local_inputs)
            if given != expected:
                raise ValueError("expect overrider with %d inputs, got %d" % (expected, given))
            if self._lop_type == "lop":
                override.kwargs["on_unused_input"] = "ignore"
                return override, [None] * len(ins)
            op = override

            def override(inputs, grads):
                return op(*(list(inputs) + list(grads)), return_list=True)

        out_grads = [_of_gradient(t)() for t in self.output_types]
        args = (ins, outs, out_grads) if self._lop_type == "lop" else (ins, out_grads)
        results, special = gradients(override, ins, outs, out_grads, args)
        return self._sub_op(self._lop_inputs(ins, outs, out_grads), results, "_" + self._lop_type), special

    def _lop_inputs(self, inputs, outputs, output_grads):
        """What the gradient is computed from."""
        return [*inputs, *outputs, *output_grads]

    def _make_rop(self):
        if isinstance(self._rop, OpFromGraph):
            return self._rop, [None] * len(self.local_outputs)
        points = [v.type() for v in self.local_inputs]
        results, special = r_operator(self._rop, self.local_inputs, self.local_outputs, points)
        return self._sub_op(self.local_inputs + points, results, "_rop"), special

    def _sub_op(self, inputs, outputs, suffix):
        return type(self)(
            inputs=inputs,
            outputs=outputs,
            inline=self.is_inline,
            name=None if self.name is None else self.name + suffix,
            on_unused_input="ignore",
        )

    def L_op(self, inputs, outputs, output_grads):
        op = self.get_lop_op()
        unused = [isinstance(g.type, DisconnectedType) for g in output_grads]
        grads = [_no_gradient(v) if none else g for v, g, none in zip(outputs, output_grads, unused)]
        results = op(*self._lop_inputs(inputs, outputs, grads), return_list=True)
        terms = [r if s is None else s for r, s in zip(results, self._lop_special)]
        for i, reaches in enumerate(self.connection_pattern(outputs[0].owner)):
            if not any(reached and not none for reached, none in zip(reaches, unused)):
                terms[i] = DisconnectedType()()
        return terms

    def R_op(self, inputs, eval_points):
        op = self.get_rop_op()
        points = [v.zeros_like() if p is None else p for v, p in zip(inputs, eval_points)]
        results = op(*(list(inputs) + points), return_list=True)
        return [r if s is None else s for r, s in zip(results, self._rop_special)]

    def connection_pattern(self, node):
        """Input i is connected to output o if the graph of the output, or of the input's gradient, says so."""

        if self._connection_pattern is not None:
            return self._connection_pattern
        pattern = io_connection_pattern(self.local_inputs, self.local_outputs)
        lop = self.get_lop_op()
        backward = io_connection_pattern(lop.local_inputs[len(self.local_inputs) :], lop.local_outputs)
        for i, special in enumerate(self._lop_special):
            cut = special is not None and isinstance(special.type, DisconnectedType)
            for o in range(len(self.local_outputs)):
                pattern[i][o] = bool((pattern[i][o] and not cut) or backward[o][i])
        return pattern


def _of_gradient(kind):
    """The type of the gradient of an output; that of integers is one of floats."""
    return kind.clone(dtype=config.floatX) if getattr(kind, "dtype", None) in discrete_dtypes else kind


def _no_gradient(v):
    kind = _of_gradient(v.type)
    return v.zeros_like() if kind == v.type else v.zeros_like(dtype=kind.dtype)


@local_optimizer([OpFromGraph])
def inline_ofg_expansion(node):
    """Replace an OpFromGraph that is to be inlined by the graph that it stands for."""
    if not isinstance(node.op, OpFromGraph) or not node.op.is_inline:
        return False
    return clone(node.op.local_outputs, replace=list(zip(node.op.local_inputs, node.inputs)))


# Before everything else, so that the expanded graph is rewritten as a whole.
optdb.register("inline_ofg_expansion", in2out(inline_ofg_expansion), -0.01, "fast_compile", "fast_run")
ops_with_inner_function[OpFromGraph] = "fn"


above.OpFromGraph = OpFromGraph
