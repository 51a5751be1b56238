"""Tips of a profile: what might make functions faster, on XLA."""

from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.random.raw_random import DrawFromState

MUCH = 0.2  # of the time of calls, so that it is worth a tip
MANY = 3  # executables of one function, after which its shapes are worth a tip


def print_tips(profiles, file):
    """Print, for functions with these profiles, what their times suggest."""
    print("Here are tips to potentially make your code run faster", file=file)
    print("                 (if you think of new ones, suggest them on the mailing list).", file=file)
    print("                 Test them first, as they are not guaranteed to always provide a speedup.", file=file)
    found = list(dict.fromkeys(tip for profile in profiles for tip in _tips(profile)))
    for tip in found:
        print("  - %s" % tip, file=file)
    if not found:
        print("  Sorry, no tip for today.", file=file)


def _tips(profile):
    times = profile.apply_time
    whole = profile.fct_call_time
    if not whole:
        return
    if any(getattr(v.type, "dtype", None) == "float64" and v.type.ndim for node in times for v in node.outputs):
        yield "Try the Theano flag floatX=float32"
    yield from _of_nodes(times, whole)
    yield from _of_the_rest(profile.other_time, whole)
    made = {}
    for executable in list(profile.recorder.runs):
        made[executable.module] = made.get(executable.module, 0) + 1
    if max(made.values(), default=0) > MANY and profile.making_time > whole:
        yield (
            "%d executables were made, which took longer than the calls: each new shape of an argument, and each new "
            "number that fixes a shape, needs one. Pad arguments to a few shapes." % max(made.values())
        )


def _of_nodes(times, whole):
    python, strange = {}, {}
    for node, seconds in times.items():
        if node.op.runs_on_host(node):
            python[str(node.op)] = python.get(str(node.op), 0.0) + seconds
        if isinstance(node.op, Dot):
            dtypes = [v.type.dtype for v in node.inputs]
            if len(set(dtypes)) > 1 or dtypes[0].startswith(("int", "uint", "bool")):
                strange[str(dtypes)] = strange.get(str(dtypes), 0.0) + seconds
    if any(isinstance(node.op, DrawFromState) for node in times):
        yield (
            "Replace the default random number generator by 'from theano.sandbox.rng_mrg import MRG_RandomStreams as "
            "RandomStreams', as this is is faster: XLA runs it, and numpy the other one."
        )
    if sum(python.values()) > MUCH * whole:
        slowest = max(python, key=python.get)
        yield (
            "%.0f%% of the time is spent in Ops that XLA cannot run, such as %s: give yours a 'compute'."
            % (100 * sum(python.values()) / whole, slowest)
        )
    for dtypes, seconds in strange.items():
        if seconds > MUCH * whole:
            yield (
                "You have a dot operation on %s. Libraries for fast matrix products know floats of one dtype only: "
                "cast the inputs, if the numbers are small enough." % dtypes
            )


def _of_the_rest(other, whole):
    starting = other.get("starting executables, waiting for results", 0.0)
    python = sum(s for what, s in other.items() if what.startswith(("Python", "arguments", "numbers", "guards")))
    transfers = other.get("transfers to the device", 0.0)
    if starting + python > 0.5 * whole:
        yield (
            "%.0f%% of the time is spent around the computation, which a call costs whatever it computes: do more in "
            "one call, with larger minibatches or a scan over several." % (100 * (starting + python) / whole)
        )
    if transfers > MUCH * whole:
        yield (
            "%.0f%% of the time is spent copying arguments to the device: keep data in shared variables, and pass "
            "indices." % (100 * transfers / whole)
        )
