"""What is measured. Each program has

- ``data(rng, quick)``: the numpy arrays it works on;
- ``theano(th, data)``, ``jax(jax, data)`` and perhaps ``numpy(np, data)``: they build it for a library and return
  (step, state). ``step()`` makes one call and returns its results as numpy arrays, ``state()`` what it keeps;
- ``tolerance(contender)``: (rtol, atol) of the comparison with the first contender;
- ``limit``: seconds that a process may take;
- ``repeated``: False when only building and the first call matter.
"""

from programs import arrays, control, graphs, images, networks, sequences

PROGRAMS = {}
for _module in (arrays, control, networks, sequences, images, graphs):
    for _program in _module.PROGRAMS:
        PROGRAMS[_program.name] = _program
