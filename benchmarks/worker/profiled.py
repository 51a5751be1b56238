"""Runs one program with profiles and without, by turns in one process, and prints one line of JSON.

Arguments: program, quick|full, seconds. Runs on Theano and on theanojax.
"""

import json
import statistics
import sys
import time


def told(profiles):
    """The seconds that all rows of profiles are of."""
    return sum(p.fct_call_time + getattr(p, "making_time", 0.0) + getattr(p, "measuring_time", 0.0) for p in profiles)


def main(name, quick, seconds):
    import numpy as np
    import peers

    peer = peers.load("theanojax")
    from programs import PROGRAMS

    program = PROGRAMS[name]
    steps = {}
    for profiled in (False, True):
        peer.theano.config.profile = profiled
        step, _ = program.theano(peer, program.data(np.random.RandomState(20), quick == "quick"))
        steps[profiled] = step
    listed = peer.theano.compile.profiling._atexit_print_list
    profiles = [p for p in listed if type(p).__name__ == "ProfileStats"]
    begin = time.perf_counter()
    steps[True]()
    wall, calls, on, off = time.perf_counter() - begin, 1, [], []
    for _ in range(2):
        steps[False]()
    begin = time.perf_counter()
    steps[False]()
    block = range(max(1, int(1e-3 / (time.perf_counter() - begin))))  # calls: fewer than another process waits for
    nothing, loops = (lambda: None), []
    for _ in range(9):
        begin = time.perf_counter()
        for _ in block:
            nothing()
        loops.append(time.perf_counter() - begin)
    loop = statistics.median(loops)  # which is no part of any call
    parts = []
    end = time.perf_counter() + seconds
    while len(on) < 5 or time.perf_counter() < end:
        before = told(profiles)
        begin = time.perf_counter()
        for _ in block:
            steps[True]()
        middle = time.perf_counter()
        for _ in block:
            steps[False]()
        on.append(middle - begin - loop)
        off.append(time.perf_counter() - middle - loop)
        wall += on[-1]
        parts.append((told(profiles) - before) / on[-1])
        calls += len(block)
    ratio = statistics.median([mine / its for mine, its in zip(on, off)])
    report = {"bench": name, "calls": calls, "wall": wall, "ratio": ratio}
    report["on"] = statistics.median(on) / len(block)
    times = {}
    for p in profiles:
        for node, spent in p.apply_time.items():
            times[str(node.op)] = times.get(str(node.op), 0.0) + spent
    nodes = sum(times.values())
    report["nodes"] = nodes
    report["top"] = [(op, spent / nodes) for op, spent in sorted(times.items(), key=lambda item: -item[1])[:2]]
    if hasattr(profiles[0], "other_time"):
        apart = sum(p.making_time + p.measuring_time for p in profiles)
        other = sum(sum(p.other_time.values()) for p in profiles)
        report.update(rows=nodes + other + apart, apart=apart, other=other, part=statistics.median(parts))
    else:
        report.update(rows=nodes, apart=0.0, other=0.0)
    peer.theano.config.profile = False  # nothing is printed at exit
    return report


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
