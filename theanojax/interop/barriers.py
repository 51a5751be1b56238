"""What a graph says of its derivatives and not of its values: kept for JAX, or its derivatives refused."""

import jax
import jax.numpy as jnp

from theanojax.compile.builders import OpFromGraph
from theanojax.graph.replace import map_variables
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Variable
from theanojax.interop.from_jax import from_jax
from theanojax.loop.scan_op import Scan
from theanojax.tensor.as_tensor import constant
from theanojax.tensor.gradient_ops import DisconnectedGrad, GradClip, GradScale, UndefinedGrad, ZeroGrad
from theanojax.tensor.type import TensorType

NAMES = {
    ZeroGrad: "zero_grad",
    DisconnectedGrad: "disconnected_grad",
    GradClip: "grad_clip",
    GradScale: "grad_scale",
    UndefinedGrad: "undefined_grad",
}
KEPT = {"zero_grad", "disconnected_grad", "grad_clip", "grad_scale"}


def kept(variables):
    """(new graphs, what is still missed): `variables` with grad_clip and its like as Ops that JAX's derivatives heed.

    Rewriting would take them away. In a graph with an OpFromGraph, or a loop in a loop, they are not replaced.
    """
    lost, nodes = missed(variables), _nodes(variables)
    within = [inner.op for node in nodes if isinstance(node.op, Scan) for inner in _nodes(node.op.outputs)]
    if KEPT.isdisjoint(lost) or any(isinstance(node.op, OpFromGraph) for node in nodes):
        return variables, lost
    if any(isinstance(op, Scan) for op in within):
        return variables, lost
    return map_variables(_for_jax, variables), [name for name in lost if name not in KEPT]


def missed(variables):
    """A list of what in the graphs of `variables`, and in loops there, JAX's derivatives do not heed."""
    found = set()
    for op in {node.op for node in _nodes(variables)}:
        found.update(name for kind, name in NAMES.items() if isinstance(op, kind))
        if isinstance(op, Scan) and op.truncate_gradient != -1:
            found.add("truncate_gradient")
        if isinstance(op, OpFromGraph) and (op._lop, op._rop) != ("default", "default"):
            found.add("the overrides of an OpFromGraph")
    return sorted(found)


def _nodes(variables):
    """The nodes of the graphs of `variables`, and of those in loops and OpFromGraphs there."""
    found = io_toposort([], variables)
    for node in found:  # which grows
        if isinstance(node.op, (Scan, OpFromGraph)):
            found += io_toposort([], node.op.outputs)
    return found


def without_derivatives(error, values):
    """The `values`; to derive them raises `error`."""

    @jax.custom_jvp
    def same(*values):
        return values

    @same.defjvp
    def refuse(values, changes):
        raise error

    return same(*values)


def _for_jax(v):
    if v.owner is None or not isinstance(v.type, TensorType):
        return v
    op, x = v.owner.op, v.owner.inputs[0]
    if isinstance(op, (ZeroGrad, DisconnectedGrad)):
        return from_jax(jax.lax.stop_gradient, types=v.type, name=str(op))(x)
    if isinstance(op, GradClip):
        return from_jax(_clipped, types=v.type, name=str(op))(x, op.clip_lower_bound, op.clip_upper_bound)
    if isinstance(op, GradScale):
        by = op.multiplier if isinstance(op.multiplier, Variable) else constant(op.multiplier).clone()
        return from_jax(_scaled, types=v.type, name=str(op))(x, by)
    return v


def _clipped(x, low, high):  # pickle finds it by its name
    return _clip(x, low, high)


def _scaled(x, by):
    return _scale(x, by)


_clip = jax.custom_vjp(lambda x, low, high: x)
_clip.defvjp(
    lambda x, low, high: (x, (low, high)), lambda bounds, g: (jnp.clip(g, *bounds).astype(g.dtype), None, None)
)
_scale = jax.custom_jvp(lambda x, by: x)
_scale.defjvp(lambda values, changes: (values[0], (values[1] * changes[0]).astype(changes[0].dtype)))
