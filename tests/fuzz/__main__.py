"""Compare the executors on many random graphs: `python -m tests.fuzz`, or `make fuzz`.

Blocks of graphs run in processes of their own. Compiling takes nearly all of the time, so XLA is told to make little
effort, except in every tenth block, which is compiled as users' programs are. A block that is done is kept in the
folder --state, so that a run which was stopped goes on where it was; the code, the generator's included, is part of
what a block is known by. The run adds a line to docs/fuzz.md.
"""

import argparse
import datetime
import gc
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from .coverage import EXPECTED, RARE, ops_of

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REPORT = os.path.join(ROOT, "docs", "fuzz.md")
BLOCK = 250  # graphs for each process: jax keeps every executable, and starting takes 3 seconds
LONGEST = 300  # seconds for one graph
FULL_EFFORT = 10  # every so many blocks are compiled with XLA's defaults
LITTLE_EFFORT = (
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1 --xla_backend_optimization_level=0"
)
HEAD = """# Random graphs through both executors

`make fuzz` builds random graphs of the Ops of theano.tensor (tests/fuzz) and runs each of them on the host executor
and on XLA after the rewrites of FAST_RUN; one in three as written as well, also with other values and shapes. Values,
shapes, dtypes and the types of exceptions must be the same. A graph whose outputs noise of the size of rounding
errors changes as much as the executors differ is counted as sensitive. Each run adds a line; its minutes are those of
all processes together.

| date | versions | graphs | first seed | XLA's defaults | sensitive | errors | kinds of Ops | disagreements | minutes |
|---|---|---|---|---|---|---|---|---|---|
"""


def fingerprint():
    """A hash of all the code that a result depends on."""
    digest = hashlib.sha256()
    for top in ("theanojax", os.path.join("tests", "fuzz")):
        for folder, _, files in sorted(os.walk(os.path.join(ROOT, top))):
            for name in sorted(files):
                if name.endswith(".py"):
                    with open(os.path.join(folder, name), "rb") as file:
                        digest.update(file.read())
    return digest.hexdigest()[:12]


class TooLong(BaseException):
    """Not an Exception: the executors would take it for one of the graph."""


def _too_long(number, frame):
    raise TooLong("not done after %d seconds" % LONGEST)


def run_block(first, count, in_c):
    """One process's work: check the graphs, print the result as JSON."""
    from theanojax.runtime.in_c import often

    from .check import check

    if in_c:
        often.OFTEN = often.TAKES_OVER = 0

    notes, ops, failures, start = Counter(), Counter(), [], time.time()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)  # a sixth of the time goes to looking for garbage where there is none
    signal.signal(signal.SIGALRM, _too_long)
    for seed in range(first, first + count):
        signal.alarm(LONGEST)
        try:
            ops.update(ops_of(*check(seed, notes, whole=False)).keys())
        except (Exception, TooLong) as e:
            failures.append([seed, "%s: %s" % (type(e).__name__, e)])
            print("graph %d: %s: %s\n" % (seed, type(e).__name__, e), file=sys.stderr, flush=True)
    signal.alarm(0)
    print(
        json.dumps(
            {
                "first": first,
                "graphs": count,
                "notes": notes,
                "ops": ops,
                "failures": failures,
                "minutes": (time.time() - start) / 60,
            }
        )
    )


def start_block(first, count, full_effort, state, code, in_c=False):
    path = os.path.join(state, "%s-%d-%d-%d%s.json" % (code, first, count, full_effort, "-c" * in_c))
    if not os.path.exists(path):
        flags = "xla_cache=False,traceback.limit=0,%s" % ("gcc.cxxflags=-O1," * in_c) + os.environ.get(
            "THEANO_FLAGS", ""
        )
        env = dict(os.environ, THEANO_FLAGS=flags, PYTHONWARNINGS="ignore", JAX_TRACEBACK_IN_LOCATIONS_LIMIT="0")
        if not full_effort:
            env["XLA_FLAGS"] = "%s %s" % (os.environ.get("XLA_FLAGS", ""), LITTLE_EFFORT)
        command = [sys.executable, "-m", "tests.fuzz", "--block", str(first), "--graphs", str(count)]
        command += ["--in-c"] * in_c
        done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            return {
                "first": first,
                "graphs": 0,
                "notes": {},
                "ops": {},
                "minutes": 0,
                "failures": [[first, "the process of graphs from %d on ended with %d" % (first, done.returncode)]],
            }
        with open(path + ".part", "w") as file:
            file.write(done.stdout.splitlines()[-1])
        os.replace(path + ".part", path)
    with open(path) as file:
        return json.load(file)


def record(line):
    if not os.path.exists(REPORT):
        with open(REPORT, "w", encoding="utf-8") as file:
            file.write(HEAD)
    with open(REPORT, "a", encoding="utf-8") as file:
        file.write("| %s |\n" % " | ".join(str(word) for word in line))


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=20000, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--state", default=os.path.join(tempfile.gettempdir(), "theanojax-fuzz"), metavar="FOLDER")
    parser.add_argument("--in-c", action="store_true", help="run each program in C, too, at once")
    parser.add_argument("--no-record", action="store_true", help="leave docs/fuzz.md as it is")
    parser.add_argument("--block", type=int, metavar="SEED", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.block is not None:
        run_block(args.block, args.graphs, args.in_c)
        return 0
    os.makedirs(args.state, exist_ok=True)
    start, code = time.time(), fingerprint()
    end = args.first + args.graphs
    blocks = [(s, min(BLOCK, end - s), k % FULL_EFFORT == 0) for k, s in enumerate(range(args.first, end, BLOCK))]
    notes, ops, failures, graphs, defaults, minutes = Counter(), Counter(), [], 0, 0, 0.0
    with ThreadPoolExecutor(args.jobs) as pool:
        for block, result in zip(blocks, pool.map(lambda b: start_block(*b, args.state, code, args.in_c), blocks)):
            graphs += result["graphs"]
            defaults += result["graphs"] * block[2]
            notes.update(result["notes"])
            ops.update(result["ops"])
            failures += result["failures"]
            minutes += result["minutes"]
            print(
                "%d graphs, %d disagreements, %.1f minutes" % (graphs, len(failures), (time.time() - start) / 60),
                flush=True,
            )
    told = {note: n for note, n in notes.items() if "in C" in note}
    for note, n in sorted(told.items(), key=lambda item: -item[1]):
        print("%7d  %s" % (n, note))
    print("\nOps, and the number of graphs that have them:")
    for name, count in sorted(ops.items()):
        print("%7d  %s" % (count, name))
    missing = sorted(set(EXPECTED + RARE) - set(ops)) if graphs >= 5000 else []
    if missing:
        print("\nno graph has", ", ".join(missing))
    if not args.no_record:
        import importlib.metadata as metadata

        versions = ", ".join("%s %s" % (p, metadata.version(p)) for p in ("jax", "numpy", "scipy"))
        record(
            [
                datetime.date.today(),
                "%s, Python %s, code %s" % (versions, platform.python_version(), code),
                graphs,
                args.first,
                defaults,
                notes["sensitive to rounding"],
                notes["errors"],
                len(ops),
                len(failures),
                "%.0f" % minutes,
            ]
        )
    return bool(failures or missing)


if __name__ == "__main__":
    sys.exit(main())
