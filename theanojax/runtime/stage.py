"""An XLA stage: part of a graph that becomes one executable per specialisation."""

import numpy as np

import jax
import jax.numpy as jnp

from theanojax.graph.variable import Constant
from theanojax.runtime.trace import TraceContext
from theanojax.runtime.transfer import STAGED_BYTES, Staging, is_aligned, on_cpu, wait

EMBEDDED_BYTES = 1 << 16  # a larger constant is passed as an argument: XLA would copy it into the executable


class XlaStage:
    """Nodes traced together.

    ``run(args, key)`` gives (outputs, ok): device arrays and whether the guards held. `key` holds the values of
    `statics`; there is one jitted function per key, and jax keeps one executable per shapes and dtypes.
    `donate` maps inputs to the outputs that may take over their buffers.
    """

    def __init__(self, inputs, outputs, nodes, statics, plan, donate):
        self.inputs, self.outputs, self.nodes = list(inputs), list(outputs), nodes
        self.statics, self.plan, self.donate = list(statics), plan, donate
        big = {v: None for n in nodes for v in n.inputs
               if isinstance(v, Constant) and getattr(v.data, "nbytes", 0) > EMBEDDED_BYTES}
        self.constants = list(big)
        self.constant_values = None
        self.functions = {}
        self.staging = Staging()
        self.effects = False

    def run(self, args, key):
        function = self.functions.get(key)
        if function is None:
            function = self._specialise(args, key)
        fn, donated = function
        borrowed = False
        if on_cpu:
            for i, a in enumerate(args):
                if type(a) is np.ndarray and a.nbytes > 256:
                    borrowed = True
                    if a.nbytes > STAGED_BYTES and not is_aligned(a):
                        args[i] = self.staging.stage(i, a)
        for i in donated:
            if isinstance(args[i], np.ndarray):
                args[i] = jnp.array(args[i], copy=True)  # numpy's memory is not ours to give away
        outs, ok = fn(*args, *self._constants())
        if self.effects:
            jax.effects_barrier()
        if borrowed:
            wait(outs)
        return outs, ok is None or bool(ok)

    def _constants(self):
        if not self.constants:
            return ()
        if self.constant_values is None:
            self.constant_values = tuple(jnp.asarray(v.data) for v in self.constants)
        return self.constant_values

    def _specialise(self, args, key):
        statics = {v: np.asarray(k, dtype=v.type.dtype) for v, k in zip(self.statics, key)}
        names = self.inputs + self.constants

        def stage(*values):
            self.plan.compilations += 1
            context = TraceContext(statics, self.plan.needs)
            context.env.update(zip(names, values))
            context.run(self.nodes, self.outputs)
            taken = {id(v) for v in values}
            outs = []
            for v in self.outputs:
                out = jnp.asarray(context.value(v))
                # an output must be a buffer of its own, not an argument handed back
                outs.append(jnp.copy(out) if id(out) in taken else out)
                taken.add(id(out))
            self.effects = self.effects or bool(context.effects)
            return tuple(outs), (jnp.asarray(context.ok()) if context.guards else None)

        donated = self._donated(stage, args) if self.donate else ()
        function = jax.jit(stage, donate_argnums=donated), donated
        self.functions[key] = function
        return function

    def _donated(self, stage, args):
        """Positions to donate: none when a guard may ask for a replay, which needs the old values."""
        outs, ok = jax.eval_shape(stage, *args, *self._constants())  # jit finds this trace again
        if ok is not None:
            return ()
        place = {v: i for i, v in enumerate(self.outputs)}
        return tuple(i for i, v in enumerate(self.inputs) if v in self.donate
                     and outs[place[self.donate[v]]].shape == args[i].shape
                     and outs[place[self.donate[v]]].dtype == args[i].dtype)
