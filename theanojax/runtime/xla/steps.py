"""The three steps from a stage to what runs, each a value that can be looked at: Traced, Lowered, Compiled.

They are jax's own (jax.stages), with the part of the plan that they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax
    from jax.extend.core import ClosedJaxpr

    from theanojax.runtime.hints import Key, Shape
    from theanojax.runtime.planning.plan import StagePlan


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

    plan: StagePlan
    shapes: tuple[Shape, ...]
    statics: Key
    step: jax.stages.Traced

    @property
    def jaxpr(self) -> ClosedJaxpr:
        """The operations (a ClosedJaxpr); `print` shows them."""
        return self.step.jaxpr

    def lower(self) -> Lowered:
        """The Lowered that XLA is given."""
        return Lowered(self.step.lower())

    def __str__(self) -> str:
        return "%s\n   for shapes %s" % (self.plan, ", ".join(map(str, self.shapes)) or "()")


@dataclass(frozen=True, eq=False)
class Lowered:
    """A stage in the language of XLA. `step` is a jax.stages.Lowered."""

    step: jax.stages.Lowered

    def as_text(self) -> str:
        """StableHLO."""
        text: str = self.step.as_text()
        return text

    def compile(self) -> Compiled:
        """The Compiled, from the caches if calls have compiled it already."""
        return Compiled(self.step.compile())


@dataclass(frozen=True, eq=False)
class Compiled:
    """A stage as XLA runs it. `step` is a jax.stages.Compiled."""

    step: jax.stages.Compiled

    def as_text(self) -> str | None:
        """HLO after XLA's rewrites: what is fused with what, and who gets whose buffer; None where nobody tells."""
        text: str | None = self.step.as_text()
        return text

    @property
    def memory(self) -> Any:
        """Sizes in bytes of arguments, outputs and what lies between (jax's ``memory_analysis``)."""
        return self.step.memory_analysis()

    @property
    def cost(self) -> Any:
        """XLA's estimates, "flops" and "bytes accessed" among them (jax's ``cost_analysis``)."""
        return self.step.cost_analysis()
