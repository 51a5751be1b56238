"""An XLA stage: part of a graph that becomes one executable per specialisation."""

from time import perf_counter

import numpy as np

import jax
import jax.numpy as jnp

from theanojax.config import config
from theanojax.graph.variable import Constant
from theanojax.runtime import guards
from theanojax.runtime.trace import TraceContext
from theanojax.runtime.transfer import STAGED_BYTES, Staging, is_aligned, on_cpu, wait

EMBEDDED_BYTES = 1 << 16  # a larger constant is passed as an argument: XLA would copy it into the executable


class Patience:
    """Decides which shapes are worth an executable once a stage has ``config.specializations`` of them.

    A new shape then runs on the host until it has cost there a quarter of what compiling it is likely to cost: a
    function whose every call brings another shape never stalls, and a shape that keeps coming back gets fast.
    """

    SHARE = 0.25

    def __init__(self):
        self.limit = config.specializations
        self.compiled = {}  # signature -> seconds that the first call took
        self.spent = {}  # signature -> seconds of calls on the host

    def full(self):
        return len(self.compiled) >= self.limit

    def accepts(self, signature):
        if signature in self.compiled:
            return True
        likely = sum(self.compiled.values()) / max(1, len(self.compiled))
        return self.spent.get(signature, 0.0) >= self.SHARE * likely and signature in self.spent

    def note_host_call(self, signature, seconds):
        self.spent[signature] = self.spent.get(signature, 0.0) + seconds


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
        self.patience = Patience()

    def run(self, args, key):
        if self.patience.full():
            signature = key, tuple([np.shape(a) for a in args])
            if not self.patience.accepts(signature):
                self.plan.declined = self.patience, signature
                return None, False
        traced, start = self.plan.compilations, perf_counter()
        outs, ok = self._call(args, key)
        if self.plan.compilations != traced:
            self.patience.compiled[key, tuple([np.shape(a) for a in args])] = perf_counter() - start
        return outs, ok

    def _call(self, args, key):
        function = self.functions.get(key)
        if function is None:
            function = self._specialise(args, key)
        fn, donated, variants = function
        if variants is not None:
            shapes = tuple([a.shape for a in args])
            variant = variants.get(shapes)
            if variant is None:
                variant = variants[shapes] = self._variant(fn, args)
            check, fn, donated = variant
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
                args[i] = jnp.array(args[i], copy=True)  # numpy's memory is not ours to give away
        try:
            outs, ok = fn(*args, *self._constants())
        except GuardedShapes:
            self._specialise(args, key)
            return self.run(args, key)
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
        given_away = []

        def stage(*values):
            self.plan.compilations += 1
            context = TraceContext(statics, self.plan.needs)
            context.env.update(zip(names, values))
            context.run(self.nodes, self.outputs)
            if context.guards and given_away:
                raise GuardedShapes
            taken = {id(v) for v in values}
            outs = []
            for v in self.outputs:
                out = jnp.asarray(context.value(v))
                # an output must be a buffer of its own, not an argument handed back
                outs.append(jnp.copy(out) if id(out) in taken else out)
                taken.add(id(out))
            self.effects = self.effects or bool(context.effects)
            return tuple(outs), (jnp.asarray(context.ok()) if context.guards else None)

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
