"""``python -m benchmarks.growth [series ...]``: how time, memory and compiling grow, and what a second core gives.

Writes docs/growth.json after each point, and from it docs/growth.md and its pictures. One process for each point, with
nothing compiled before.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile
import time

from benchmarks import contenders as found, growth_page, measure, report

# series -> (sizes, the largest that JAX by hand is measured with)
SERIES = {
    "data": ([10**k for k in range(3, 9)], 10**8),
    "nodes": ([100, 400, 1600, 6400, 20000], 1600),
    "steps": ([10**k for k in range(1, 7)], 10**6),
    "shapes": ([1, 5, 20, 100, 500], 100),
    "functions": ([1, 10, 100, 1000], 1000),
}
QUICK = {"data": [10**3, 10**5], "nodes": [40, 80], "steps": [10, 100], "shapes": [1, 5], "functions": [1, 5]}
KEPT = ("build_s", "first_s", "call_s", "peak_bytes")
PROGRAMS = ("mlp", "chain", "lenet32", "rnn")
# How a process comes to have one core, and two: variables, and the processors that it may run on.
WAYS = {"all cores": ({}, None), "taskset -c 0": ({}, {0}), "OMP_NUM_THREADS=1": ({"OMP_NUM_THREADS": "1"}, None)}
LIMIT = 600  # seconds for a point


class Restricted(found.Contender):
    """A contender with further environment variables."""

    def __init__(self, contender, variables):
        super().__init__(contender.name, contender.python)
        self.variables = variables

    def environment(self, cache):
        return {**super().environment(cache), **self.variables}


def point(contender, program, quick, rounds=1):
    """What the process of one point says; the median over `rounds` of them of the time of a call."""
    with tempfile.TemporaryDirectory(prefix="theanojax-bench-") as cache:
        runs = [measure.run(contender, program, cache, LIMIT, quick, measured=True) for _ in range(rounds)]
    if "failed" in runs[0]:
        return {"failed": runs[0]["failed"]}
    calls = sorted(r["call_s"] for r in runs if "call_s" in r)
    return {**{k: runs[0][k] for k in KEPT}, "call_s": calls[len(calls) // 2]}


def grow(contenders, names, quick, kept):
    for name in names:
        sizes, most = SERIES[name]
        for size in QUICK[name] if quick else sizes:
            for contender in contenders:
                if contender.name == "jax" and size > most:
                    continue
                begin = time.perf_counter()
                there = kept["series"].setdefault(name, {}).setdefault(contender.name, {})
                there[str(size)] = point(contender, "%s:%d" % (name, size), quick)
                say("%s:%d" % (name, size), contender, there[str(size)], begin)
                yield


def on_cores(contenders, quick, kept):
    everywhere = os.sched_getaffinity(0)
    for program in PROGRAMS:
        for way, (variables, processors) in WAYS.items():
            for contender in contenders:
                begin = time.perf_counter()
                os.sched_setaffinity(0, processors or everywhere)  # which the processes that it starts inherit
                try:
                    done = point(Restricted(contender, variables), program, quick, 1 if quick else 3)
                finally:
                    os.sched_setaffinity(0, everywhere)
                kept["cores"].setdefault(program, {}).setdefault(contender.name, {})[way] = done
                say("%s, %s" % (program, way), contender, done, begin)
                yield


def say(what, contender, done, begin):
    text = done.get("failed") or "first %s, %s a call" % (
        report.amount(done["build_s"] + done["first_s"], "s"),
        report.amount(done["call_s"], "call_s"),
    )
    print("%-26s %-10s %s  [%d s]" % (what, contender.name, text, time.perf_counter() - begin), file=sys.stderr)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=__doc__.splitlines()[0])
    parser.add_argument("series", nargs="*", help="of %s, cores; all by default" % ", ".join(SERIES))
    parser.add_argument("--quick", action="store_true", help="two small sizes; leaves docs/ alone")
    parser.add_argument("--tables", action="store_true", help="measure nothing: write the page and its pictures anew")
    options = parser.parse_args(argv)
    names = options.series or [*SERIES, "cores"]
    if not set(names) <= {*SERIES, "cores"}:
        parser.error("there are %s, cores" % ", ".join(SERIES))
    file = growth_page.DOCS / "growth.json"
    kept = {"series": {}, "cores": {}}
    if file.exists() and not options.quick:
        kept = json.loads(file.read_text())
    if not options.tables:
        contenders, _ = found.find(["theanojax", "jax"])
        loads = []
        for part in (
            grow(contenders, [n for n in names if n != "cores"], options.quick, kept),
            on_cores(contenders if "cores" in names else [], options.quick, kept),
        ):
            for _ in part:
                loads.append(os.getloadavg()[0])
                kept["about"] = {
                    "date": datetime.datetime.now().isoformat(" ", "minutes"),
                    "cores": os.cpu_count(),
                    "processor": report.processor(),
                    "load": round(sorted(loads)[len(loads) // 2], 1),
                }
                if not options.quick:
                    file.write_text(json.dumps(kept, indent=1) + "\n")
    if options.quick:
        return print(json.dumps(kept, indent=1))
    return growth_page.write(kept)


if __name__ == "__main__":
    main()
