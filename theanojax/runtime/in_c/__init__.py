"""Small programs in C. XLA hands each of a small program's loops over some hundred numbers to threads, buffers and
clocks of its own, half a microsecond each; C has none of that. What XLA is given, a jaxpr, is written in C++, and
compiled by ``config.cxx`` in the background once a function has been called often. See docs/performance.md.
"""

from __future__ import annotations

from theanojax.runtime.in_c.cost import Cost as Cost, cost_of as cost_of
from theanojax.runtime.in_c.often import InC as InC, possible as possible
from theanojax.runtime.in_c.program import Condition as Condition, Written as Written, source_of as source_of
