"""An XLA stage: part of a graph that becomes one executable per specialisation."""

from functools import partial
from time import perf_counter

import numpy as np

import jax
import jax.numpy as jnp

from theanojax.config import config
from theanojax.graph.variable import Constant
from theanojax.loop.scan_op import Scan
from theanojax.runtime import background, guards, long_sums
from theanojax.runtime.patience import Patience
from theanojax.runtime.trace import TraceContext
from theanojax.runtime.transfer import STAGED_BYTES, Staging, is_aligned, on_cpu, wait

SHAPES_OF_LOOPS = 2  # shapes of a stage with loops that are compiled at once: it runs well without, at any length
EMBEDDED_BYTES = 1 << 16  # a larger constant is passed as an argument: XLA would copy it into the executable


class GuardedShapes(Exception):
    """A program that gives buffers away has met shapes for which it may need them again."""


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
        loops = on_cpu and any(isinstance(n.op, Scan) for n in nodes)
        self.patience = Patience(config.specializations, SHAPES_OF_LOOPS if loops else None)
        self.ahead = {}  # signature -> (check, executable, donated) compiled in the background, or why that failed

    def run(self, args, key):
        if self.patience.full():
            signature = key, tuple([np.shape(a) for a in args])
            ready = signature in self.patience.compiled or isinstance(self.ahead.get(signature), Exception)
            if not ready:
                if self.patience.accepts(signature):
                    given = [jax.ShapeDtypeStruct(np.shape(a), a.dtype) for a in args]
                    background.start(lambda: self._compile_ahead(signature, given))
                self.plan.declined = self.patience, signature
                return None, False
        traced, start = self.plan.compilations, perf_counter()
        outs, ok = self._call(args, key)
        if self.plan.compilations != traced:
            self.patience.note_compilation((key, tuple([np.shape(a) for a in args])), perf_counter() - start)
        return outs, ok

    def _call(self, args, key):
        check, fn, donated = self._function(args, key)
        if check is not None and not check(args):
            return None, False
        borrowed = False
        if on_cpu:
            for i, a in enumerate(args):
                if type(a) is np.ndarray and a.nbytes > 256:
                    borrowed = True
                    if a.nbytes > STAGED_BYTES and not is_aligned(a):
                        args[i] = self.staging.stage(i, a)
        for i in donated:
            if isinstance(args[i], np.ndarray):
                args[i] = jax.device_put(args[i].copy())  # numpy's memory is not ours to give away
        try:
            outs, ok = fn(*args, *self._constants())
        except GuardedShapes:
            self._specialise(args, key)
            return self.run(args, key)
        if self.effects:
            jax.effects_barrier()
        if borrowed:
            wait(outs)
        elif on_cpu and (outs or ok is not None):
            # One tells of all. To read a result for which there was no memory hangs, or ends the process.
            (outs[0] if ok is None else ok).block_until_ready()
        return outs, ok is None or bool(ok)

    def _function(self, args, key):
        """(check to do before or None, function, positions to donate) for arguments of these shapes."""
        if self.ahead:
            found = self.ahead.get((key, tuple([a.shape for a in args])))
            if type(found) is tuple:
                return found
        function = self.functions.get(key)
        if function is None:
            function = self._specialise(args, key)
        fn, donated, variants = function
        if variants is None:
            return None, fn, donated
        shapes = tuple([a.shape for a in args])
        variant = variants.get(shapes)
        if variant is None:
            variant = variants[shapes] = self._variant(fn, args)
        return variant

    def _compile_ahead(self, signature, args):
        """Have an executable ready for arguments like `args`, which are shapes and dtypes."""
        start = perf_counter()
        try:
            check, fn, donated = self._function(args, signature[0])
            found = check, fn.lower(*args, *self._constants()).compile(), donated
        except Exception as error:  # the call itself will meet it again, and knows what to do
            self.ahead[signature] = error
            return
        self.ahead[signature] = found
        self.plan.compilations += 1
        self.patience.note_compilation(signature, perf_counter() - start)

    def _constants(self):
        if not self.constants:
            return ()
        if self.constant_values is None:
            self.constant_values = tuple(jnp.asarray(v.data) for v in self.constants)
        return self.constant_values

    def _specialise(self, args, key):
        statics = {v: np.asarray(k, dtype=v.type.dtype) for v, k in zip(self.statics, key)}
        names = self.inputs + self.constants
        given_away = []

        def nodes(*values, weighed=False):
            if not background.is_current():
                self.plan.compilations += 1
            context = TraceContext(statics, self.plan.needs)
            context.env.update(zip(names, values))
            context.run(self.nodes, self.outputs)
            if not weighed:
                context.check_memory(partial(nodes, weighed=True), values, self.outputs)
            if context.guards and given_away:
                raise GuardedShapes
            context.perform_effects()
            taken = {id(v) for v in values}
            outs = []
            for v in self.outputs:
                out = jnp.asarray(context.value(v))
                # an output must be a buffer of its own, not an argument handed back
                outs.append(jnp.copy(out) if id(out) in taken else out)
                taken.add(id(out))
            self.effects = self.effects or context.acts
            return tuple(outs), (jnp.asarray(context.ok()) if context.guards else None)

        def stage(*values):
            return long_sums.with_loops(nodes, values) if large else nodes(*values)

        large = on_cpu and sum(len(n.inputs) for n in self.nodes) > 2 * long_sums.MOST_FUSED
        outs, ok = jax.eval_shape(stage, *args, *self._constants())  # jit finds this trace again
        if ok is None:
            donated = self._donated(outs, args)
            given_away.extend(donated)
            function = jax.jit(stage, donate_argnums=donated), donated, None
        else:
            function = jax.jit(stage), (), {}
        self.functions[key] = function
        return function

    def _variant(self, fn, args):
        """(check, function, positions to donate) for arguments of these shapes.

        A guard that is a little arithmetic on inputs is checked before; no other allows donations, because a
        replay needs the old values.
        """
        everything = (*args, *self._constants())
        outs, ok = jax.eval_shape(fn, *everything)
        found = None if ok is None or self.effects else guards.split(jax.make_jaxpr(fn)(*everything))
        if found is None:
            return None, fn, ()
        donated = self._donated(outs, args)
        if found.by_numpy is None and not donated:
            return None, fn, ()  # asking XLA twice takes longer than reading the answer off
        rest = found.rest()
        constants = self._constants()
        check = found.check()
        return ((lambda values: check((*values, *constants))) if constants else check,
                jax.jit(lambda *values: (rest(*values), None), donate_argnums=donated), donated)

    def _donated(self, outs, args):
        """Positions of the arguments whose buffers outputs take over."""
        place = {v: i for i, v in enumerate(self.outputs)}
        return tuple(i for i, v in enumerate(self.inputs) if v in self.donate
                     and outs[place[self.donate[v]]].shape == args[i].shape
                     and outs[place[self.donate[v]]].dtype == args[i].dtype)
