"""Runs one program in one contender's interpreter and prints what it measured as one line of JSON.

Arguments: contender, family, program, file for the results, quick|full, measure|first, time the parent started it.
Runs on Python 3.8 to today's.
"""

import json
import resource
import statistics
import sys
import threading
import time

CHECKED = 3  # calls after which results are compared
WARM = 4.0  # seconds of calls before any is timed: what is compiled in the background is there by then


def main(contender, family, name, out, quick, measured, started):
    import numpy as np

    begin = time.perf_counter()
    import peers

    peer = peers.load(contender)
    import_s = time.perf_counter() - begin
    from programs import find

    quick, measured = quick == "quick", measured == "measure"
    report = {"bench": name, "import_s": import_s, "versions": peers.versions(contender)}
    program = find(name)
    make = getattr(program, family, None)
    if make is None:
        return {"bench": name, "failed": "not written for this contender"}
    data = program.data(np.random.RandomState(20), quick)
    try:
        begin = time.perf_counter()
        step, state = make(peer, data)
        report["build_s"] = time.perf_counter() - begin
        begin = time.perf_counter()
        outputs = step()
        report["first_s"] = time.perf_counter() - begin
        report["start_s"] = time.time() - float(started)
        if measured and program.repeated:
            for _ in range(CHECKED - 1):
                outputs = step()
        values = [digest(np.asarray(v)) for v in list(outputs) + list(state())]
        np.savez(out, **{"a%d" % i: v for i, v in enumerate(values)})
        if measured and program.repeated:
            warm_up(step, 0.3 if quick else WARM)
            report.update(timings(step, 0.3 if quick else 1.5))
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        return {"bench": name, "failed": ("%s: %s" % (type(error).__name__, lines[0].strip()))[:200]}
    report["blas"] = blas_library()
    unit = 1 if sys.platform == "darwin" else 1024
    report["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return report


def blas_library():
    """The OpenBLAS that the process has loaded, besides those that numpy and scipy bring; "" if none."""
    try:
        with open("/proc/self/maps") as maps:
            paths = {line.split()[-1] for line in maps if "openblas" in line}
    except OSError:
        return ""
    return next((p for p in sorted(paths) if ".libs/" not in p), "")


def digest(value):
    """At most a few thousand elements of an array, spread over it."""
    flat = value.ravel()
    return flat[:: max(1, flat.size // 2000)].astype("float64") if flat.size > 4000 else value


def warm_up(step, seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        step()


def timings(step, seconds):
    """Median time of a call, over batches long enough for the clock, for about `seconds`."""
    begin = time.perf_counter()
    step()
    once = time.perf_counter() - begin
    size = max(1, int(0.005 / max(once, 1e-7)))
    samples, end = [], time.perf_counter() + seconds
    while len(samples) < 3 or (time.perf_counter() < end and len(samples) < 200):
        begin = time.perf_counter()
        for _ in range(size):
            step()
        samples.append((time.perf_counter() - begin) / size)
        if len(samples) >= 1 and samples[0] > 10 * seconds:
            break
    return {"call_s": statistics.median(samples), "best_s": min(samples), "calls": size * len(samples)}


if __name__ == "__main__":
    # Theano and PyTensor walk graphs by recursion: graphs of hundreds of layers need more than Python's 1000 frames.
    sys.setrecursionlimit(10**6)
    threading.stack_size(512 * 2**20)
    thread = threading.Thread(target=lambda: print(json.dumps(main(*sys.argv[1:])), flush=True))
    thread.start()
    thread.join()
