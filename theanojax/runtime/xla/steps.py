"""The three steps from a stage to what runs, each a value that can be looked at: Traced, Lowered, Compiled.

They are jax's own (jax.stages), with the part of the plan that they belong to.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Traced:
    """A stage for arguments of certain shapes, as the operations of jax.

    Attributes
    ----------
    plan : StagePlan
    shapes : tuple of the shapes of its inputs.
    statics : values of the variables that its plan names so.
    step : jax.stages.Traced
    """

    plan: Any
    shapes: tuple
    statics: tuple
    step: Any

    @property
    def jaxpr(self):
        """The operations (a ClosedJaxpr); `print` shows them."""
        return self.step.jaxpr

    def lower(self):
        """The Lowered that XLA is given."""
        return Lowered(self, self.step.lower())

    def __str__(self):
        return "%s\n   for shapes %s" % (self.plan, ", ".join(map(str, self.shapes)) or "()")


@dataclass(frozen=True, eq=False)
class Lowered:
    """A stage in the language of XLA. `step` is a jax.stages.Lowered."""

    traced: Traced
    step: Any

    def as_text(self):
        """StableHLO."""
        return self.step.as_text()

    def compile(self):
        """The Compiled, from the caches if calls have compiled it already."""
        return Compiled(self, self.step.compile())


@dataclass(frozen=True, eq=False)
class Compiled:
    """A stage as XLA runs it. `step` is a jax.stages.Compiled."""

    lowered: Lowered
    step: Any

    def as_text(self):
        """HLO after XLA's rewrites: what is fused with what, and who gets whose buffer."""
        return self.step.as_text()

    @property
    def memory(self):
        """Sizes in bytes of arguments, outputs and what lies between (jax's ``memory_analysis``)."""
        return self.step.memory_analysis()

    @property
    def cost(self):
        """XLA's estimates, "flops" and "bytes accessed" among them (jax's ``cost_analysis``)."""
        return self.step.cost_analysis()
