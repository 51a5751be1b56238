"""What the profiler says about loops."""


def profile_printer(message, compile_time, fct_call_time, apply_time, apply_cimpl, outputs_size, file):
    """Print, for each Scan node of a profile, how much of its time its steps took.

    `apply_time` maps Apply nodes to seconds. Steps that ran inside XLA have no times of their own.
    """
    from theanojax.loop.scan_op import Scan

    rows = [(node, seconds) for node, seconds in apply_time.items() if isinstance(node.op, Scan)]
    if not any(seconds > 0 for _, seconds in rows):
        return
    print("\nScan overhead:", file=file)
    print(
        "<Scan op time(s)> <sub scan fct time(s)> <sub scan op time(s)> <sub scan fct time(% scan op time)> "
        "<sub scan op time(% scan op time)> <node>",
        file=file,
    )
    totals = [0.0, 0.0, 0.0]
    for node, seconds in rows:
        profile = getattr(getattr(node.op, "fn", None), "profile", None)
        if not profile:
            print(
                "  One scan node do not have its inner profile enabled. If you enable Theano profiler with "
                "'theano.function(..., profile=True)', you must manually enable the profiling for each scan too: "
                "'theano.scan_module.scan(...,profile=True)'. Or use Theano flag 'profile=True'.",
                file=file,
            )
        elif seconds > 0:
            times = seconds, profile.call_time, sum(profile.apply_time.values())
            totals = [a + b for a, b in zip(totals, times)]
            print("    %s" % _row(times), node, file=file)
        else:
            print(" The node took 0s, so we can not compute the overhead", node, file=file)
    if totals[0]:
        print("total %s" % _row(totals), file=file)
    else:
        print("  No scan have its inner profile enabled.", file=file)


def _row(times):
    whole, calls, ops = times
    return "%5.1fs  %5.1fs  %5.1fs  %5.1f%%  %5.1f%%" % (whole, calls, ops, calls / whole * 100, ops / whole * 100)
