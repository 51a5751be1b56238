"""What is measured. Each program has

- ``data(rng, quick)``: the numpy arrays it works on;
- ``theano(th, data)``, ``jax(jax, data)`` and perhaps ``numpy(np, data)``: they build it for a library and return
  (step, state). ``step()`` makes one call and returns its results as numpy arrays, ``state()`` what it keeps;
- ``tolerance(contender)``: (rtol, atol) of the comparison with the first contender;
- ``limit``: seconds that a process may take, and in ``limits`` those of a contender that needs other ones;
- ``repeated``: False when only building and the first call matter.
"""

from programs import arrays, control, deep, graphs, growth, images, many, models, networks, sequences, speech

MODULES = {"basic": (arrays, control, networks, sequences, images, graphs), "whole": (deep, models, speech, many)}
PROGRAMS = {p.name: p for modules in MODULES.values() for module in modules for p in module.PROGRAMS}
# group -> its programs, and what they are
GROUPS = {group: [p.name for module in modules for p in module.PROGRAMS] for group, modules in MODULES.items()}
TITLES = {"basic": "One thing each", "whole": "Whole programs"}


def find(name):
    """The program of that name, also one of a size, as "data:1000"."""
    return growth.of_size(name) if ":" in name else PROGRAMS[name]
