"""A pytest plugin: all that a test has XLA compile is lowered for GPUs and TPUs, too, which needs none of them.

``python -m pytest -p tests.lowering tests/test_every_op.py``; `make lower` does it for more. Programs are traced
as for a GPU, and run on the CPU. A test fails where something cannot be lowered that is not in KNOWN.
"""

import pytest

PLATFORMS = ("cuda", "tpu")

# part of the error: why it cannot be lowered. What XLA refuses when a program is run, the host answers.
KNOWN = {
    "the platform for the specified backend cpu is different from": "jax makes a callback into Python (of Print, of a "
    "loop that says its step) for the devices of the process that it is in"
}
# test: why it does not hold on such a device
OTHERWISE = {
    "test_program[xla-shared_set_value_inplace_mutation_visible]": "a value on a device is a copy, as on Theano's GPU"
}

problems, lowered, excused, current = [], set(), set(), [None]


class _Lowered:
    """A jitted function that is lowered for PLATFORMS before it is called with arguments of new types."""

    def __init__(self, jitted):
        self.jitted, self.seen = jitted, set()
        self.trace, self.lower, self.__wrapped__ = jitted.trace, jitted.lower, jitted.__wrapped__

    def __call__(self, *args):
        import jax

        if not any(isinstance(a, jax.core.Tracer) for a in args):
            kinds = tuple((a.shape, str(a.dtype)) for a in args)
            if kinds not in self.seen:
                self.seen.add(kinds)
                self.lower_all(args)
        return self.jitted(*args)

    def lower_all(self, args):
        traced = self.jitted.trace(*args)  # what cannot be traced, the call says
        for platform in PLATFORMS:
            try:
                traced.lower(lowering_platforms=(platform,))
                lowered.add((platform, id(self)))
            except Exception as error:
                text = "%s: %s" % (type(error).__name__, error)
                if any(part in text for part in KNOWN):
                    excused.add(current[0])
                else:
                    problems.append((platform, text.partition("\n")[0][:300]))


def pytest_sessionstart(session):
    from theanojax.runtime.xla import devices, platform

    jit = devices.jit
    devices.jit = lambda *args, **options: _Lowered(jit(*args, **options))
    platform.forget()
    platform.backend = lambda: "gpu"


def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if item.name not in OTHERWISE]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    current[0] = item.nodeid
    del problems[:]
    result = yield
    if problems:
        pytest.fail("cannot be lowered: " + "; ".join("%s: %s" % p for p in dict.fromkeys(problems)), pytrace=False)
    return result


def pytest_terminal_summary(terminalreporter):
    counts = ["%d for %s" % (sum(p == name for p, _ in lowered), name) for name in PLATFORMS]
    terminalreporter.write_line("programs lowered: " + ", ".join(counts))
    for name in sorted(excused):
        terminalreporter.write_line("not lowered, see KNOWN: %s" % name)
