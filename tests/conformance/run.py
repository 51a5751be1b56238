"""Run Theano 1.0.5's own tests on theanojax and say how many of those that pass on Theano pass here.

    python tests/conformance/run.py [FILES] [-k WORD] [--failed] [--sample] [--write]

The tests come from Theano's source distribution, by package name, into a cache outside the repository.
"""

import argparse
import datetime
import fnmatch
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "theanojax" / "conformance"
BASELINE, PASSING, NOT_APPLICABLE = HERE / "baseline.tsv", HERE / "passing.txt", HERE / "not_applicable.tsv"
CAUSES = HERE / "failing.tsv"
PAGE, OTHERS = REPO / "docs" / "conformance.md", "# Theano 1.0.5's documentation"  # which tests/docs_conformance writes
LAST = CACHE / "last.json"
TEST_SECONDS = 120
CHUNK = 60
CHUNK_SECONDS = 120
SMALL = 15


def is_test(f):
    """Whether the file of Theano's source is a test, or what one reads."""
    elsewhere = ("samples_MRG31k3p_12_7_5.txt", "test_sp.py")
    return "gpuarray" not in f.parts and ("tests" in f.parts or f.name in elsewhere)


def fetch(name="all-tests", wanted=is_test, holds="theano", package="Theano==1.0.5"):
    """The folder `name` of the cache, with the `wanted` files of Theano's folder `holds`; downloaded the first time.

    `package` says which Theano.
    """
    root = CACHE / name
    if (root / holds).exists():
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        # Its setup.py does not run on a Python of today, so pip may fail; what it unpacked before stays.
        pip = subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--no-clean",
                "--no-deps",
                "--no-binary",
                ":all:",
                "-d",
                tmp,
                package,
            ],
            env=dict(os.environ, TMPDIR=tmp),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        unpacked = next(Path(tmp).glob("pip-*/theano*/%s" % holds), None)
        if unpacked is None:
            sys.exit("pip did not download the source of " + package + ":\n" + pip.stdout[-2000:])
        part = root.with_name("%s-%d" % (name, os.getpid()))  # complete or not there at all
        for f in (f for f in unpacked.rglob("*") if f.is_file() and wanted(f)):
            copy = part / f.relative_to(unpacked.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(f, copy)
        part.rename(root)
    return root


def baseline():
    """Test id -> outcome on Theano."""
    rows = [line.split("\t") for line in BASELINE.read_text().splitlines()[1:]]
    return {r[0]: r[1] for r in rows if len(r) > 1}


def ledger(path, ids):
    """Test id -> reason, from a ledger's ids and patterns."""
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:] if line.strip()]
    found = {}
    for pattern, reason in rows:
        if any(c in pattern for c in "*?"):
            found.update((i, reason) for i in ids if fnmatch.fnmatchcase(i, pattern))
        else:
            found[pattern] = reason
    return found


class Reporter:
    """Writes each test's outcome to a file as it is known; a pytest plugin, loaded in the worker processes."""

    def __init__(self, path):
        self.path = path

    def pytest_runtest_logstart(self, nodeid):
        self.write({"id": nodeid, "outcome": "started"})

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            outcome = "xfail" if hasattr(report, "wasxfail") else report.outcome
            text = str(report.longrepr)[-3000:] if report.outcome == "failed" else ""
            self.write({"id": report.nodeid, "outcome": outcome, "text": text, "seconds": round(report.duration, 1)})

    def pytest_collectreport(self, report):
        if report.outcome == "failed":
            self.write({"id": report.nodeid, "outcome": "not collected", "text": str(report.longrepr)[-3000:]})

    def write(self, row):
        with open(self.path, "a") as f:
            f.write(json.dumps(row) + "\n")


def work(root, ids, log, limit):
    """Run `ids` in fresh processes until each has an outcome; a crash or a hang costs one test."""
    results = {}
    left = list(ids)
    while left:
        log.write_text("")
        env = dict(
            os.environ,
            PYTHONPATH=str(REPO),
            CONFORMANCE_LOG=str(log),
            PYTHONWARNINGS="ignore",
            THEANO_FLAGS=",".join(
                filter(None, ["base_compiledir=%s" % (CACHE / "compiled"), os.environ.get("THEANO_FLAGS")])
            ),
        )
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "theanojax.pytest_plugin",
            "-p",
            "tests.conformance.run",
            "--theano-tests",
            str(root),
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(root),
            "-c",
            os.devnull,
            "--timeout",
            str(limit),
            *left,
        ]
        process = subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            time.sleep(0.2)
            if time.time() - log.stat().st_mtime > limit + 60:
                process.kill()  # it hangs where no signal reaches it
        running = None
        for line in log.read_text().splitlines():
            row = json.loads(line)
            if row["outcome"] == "started":
                running = row["id"]
            elif row["outcome"] == "not collected":
                results.update((i, dict(row, outcome="failed")) for i in left if i.startswith(row["id"]))
            else:
                running = None
                results[row["id"]] = row
        if running is not None:
            results[running] = {"id": running, "outcome": "failed", "text": "crashed or timed out"}
        rest = [i for i in left if i not in results]
        if len(rest) == len(left):
            # pytest refuses a whole call for one unknown id: then try one by one
            if len(left) == 1:
                results[left[0]] = {"id": left[0], "outcome": "missing", "text": "not collected"}
                return results
            half = len(left) // 2
            results.update(work(root, left[:half], log, limit))
            results.update(work(root, left[half:], log, limit))
            return results
        left = rest
    return results


def pytest_configure(config):
    """In a worker: report to the log that the parent reads."""
    if "CONFORMANCE_LOG" in os.environ:
        config.pluginmanager.register(Reporter(os.environ["CONFORMANCE_LOG"]))


def known():
    """The latest outcome row of every test that ever ran."""
    return json.loads(LAST.read_text()) if LAST.exists() else {}


def record(rows):
    """Add outcome rows to the known ones, in one step, so that a run that is cut off loses nothing."""
    new = LAST.with_name("last-%d" % os.getpid())
    new.write_text(json.dumps({**known(), **rows}))
    new.replace(LAST)


def chunked(files, seconds):
    """Lists of tests for one process each, the longest first.

    Large files in parts, small ones together, since a start takes seconds. `seconds` tells what tests took before.
    """
    chunks, together = [], []
    for tests in files:
        if len(tests) > SMALL or sum(seconds(i) for i in tests) > CHUNK_SECONDS:
            chunks.extend(parts(tests, seconds))
        else:
            together = [*together, *tests]
            if len(together) > SMALL:
                chunks.append(together)
                together = []
    return sorted([*chunks, together] if together else chunks, key=lambda c: -sum(seconds(i) for i in c))


def parts(tests, seconds):
    """`tests` cut where CHUNK of them, or CHUNK_SECONDS, are together."""
    part, spent = [], 0.0
    for i in tests:
        if part and (len(part) == CHUNK or spent + seconds(i) > CHUNK_SECONDS):
            yield part
            part, spent = [], 0.0
        part.append(i)
        spent += seconds(i)
    if part:
        yield part


def run(ids, workers, limit):
    """Outcome rows of `ids`, run by `workers` at a time."""
    root = fetch()
    by_file = defaultdict(list)
    for i in ids:
        by_file[i.split("::")[0]].append(i)
    last = known()
    jobs: queue.Queue = queue.Queue()
    for chunk in chunked(by_file.values(), lambda i: last.get(i, {}).get("seconds", 1)):
        jobs.put(chunk)
    results, lock = {}, threading.Lock()

    def loop(k):
        log = CACHE / ("log-%d-%d" % (os.getpid(), k))
        while True:
            try:
                chunk = jobs.get_nowait()
            except queue.Empty:
                log.unlink(missing_ok=True)
                return
            rows = work(root, chunk, log, limit)
            with lock:
                results.update(rows)
                record(rows)
                print("%5d/%d  %s" % (len(results), len(ids), chunk[0].split("::")[0]), file=sys.stderr, flush=True)

    threads = [threading.Thread(target=loop, args=(k,)) for k in range(workers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def table(results, reference, skip):
    """The table of results, a row per file; tests without a result count as not run."""
    rows = defaultdict(lambda: [0, 0, 0, 0, 0])
    for i, outcome in reference.items():
        if outcome != "passed":
            continue
        row = rows[i.split("::")[0]]
        if i in skip:
            row[4] += 1
            continue
        row[0] += 1
        row[{"passed": 1, None: 3}.get(results.get(i, {}).get("outcome"), 2)] += 1
    lines = [
        "| file | applicable, passed on Theano | passed here | failed | not run | not applicable | share |",
        "|---|---|---|---|---|---|---|",
    ]
    total = [sum(column) for column in zip(*rows.values())]
    for name, r in [*sorted(rows.items()), ("**all**", total)]:
        share = "%.1f%%" % (100 * r[1] / (r[0] - r[3])) if r[0] > r[3] else "-"
        lines.append("| %s | %d | %d | %d | %d | %d | %s |" % (name, *r, share))
    return "\n".join(lines)


def sample(ids, count=150):
    """A fixed sample: another id more or less changes one of it."""
    return sorted(ids, key=lambda i: hashlib.sha1(i.encode()).hexdigest())[:count]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("files", nargs="*", help="parts of file names; all files without")
    ap.add_argument("-k", dest="word", default="", help="only ids that contain this")
    ap.add_argument("--failed", action="store_true", help="only what failed last time")
    ap.add_argument("--sample", action="store_true", help="a fixed sample of passing.txt; exit 1 if one fails")
    ap.add_argument("--write", action="store_true", help="update passing.txt and docs/conformance.md")
    ap.add_argument("--only-write", action="store_true", help="the same from the outcomes known, without a run")
    ap.add_argument("--show", action="store_true", help="print the end of each failure's traceback")
    ap.add_argument("-n", dest="workers", type=int, default=2)
    ap.add_argument("--limit", type=int, default=TEST_SECONDS, help="seconds for one test")
    args = ap.parse_args()
    reference = baseline()
    skip = ledger(NOT_APPLICABLE, reference)
    last = known()
    ids = [
        i for i in reference if (not args.files or any(f in i.split("::")[0] for f in args.files)) and args.word in i
    ]
    ids = [i for i in ids if i not in skip and reference[i] == "passed"]
    if args.only_write:
        write(last, reference, skip)
        return 0
    if args.sample:
        ids = sample(PASSING.read_text().split())
    if args.failed:
        ids = [i for i in ids if last.get(i, {}).get("outcome") not in ("passed", None) and reference[i] == "passed"]
    results = run(ids, args.workers, args.limit)
    print(table(results, {i: reference[i] for i in ids if i in reference}, skip))
    bad = [i for i in ids if results.get(i, {}).get("outcome") != "passed" and reference.get(i) == "passed"]
    for i in bad:
        print("FAILED", i)
        if args.show:
            print("   ", results.get(i, {}).get("text", "")[-1500:].replace("\n", "\n    "))
    good = [i for i in ids if results.get(i, {}).get("outcome") == "passed"]
    print("%d passed, %d failed" % (len(good), len(bad)))
    if args.write:
        write(known(), reference, skip)
    return 1 if args.sample and bad else 0


def write(last, reference, skip):
    """Record the latest outcome of every test, from this run or an earlier one."""
    import numpy

    import jax

    good = [i for i, row in last.items() if row["outcome"] == "passed" and i in reference and i not in skip]
    bad = sorted(
        i for i, row in last.items() if row["outcome"] != "passed" and reference.get(i) == "passed" and i not in skip
    )
    causes = ledger(CAUSES, reference)
    PASSING.write_text("\n".join(sorted(good)) + "\n")
    text = (
        "# Theano 1.0.5's own tests on theanojax\n\n"
        "`make conformance` makes this table. It counts the tests that pass on Theano 1.0.5 itself; those that cannot\n"
        "apply here, and why, are listed in `tests/conformance/not_applicable.tsv`. The share is of those that ran.\n"
        "Left out of Theano's test files are those of `theano/gpuarray`, which need its GPU back-end (what is here of\n"
        "that has tests of its own, `tests/test_devices.py`); `tests/test_flake8.py`, which looks at Theano's source;\n"
        "`tensor/nnet/tests/speed_test_conv.py`, a benchmark without a test.\n\n"
        "%s, Python %s, jax %s, numpy %s, %d cores.\n\n%s\n\n"
        "## What fails, and why\n\n"
        "The causes are kept in `tests/conformance/failing.tsv`.\n\n%s\n"
    ) % (
        datetime.date.today(),
        sys.version.split()[0],
        jax.__version__,
        numpy.__version__,
        os.cpu_count(),
        table(last, reference, skip),
        "\n".join("- `%s`: %s" % (i, causes.get(i, "not looked into")) for i in bad) or "Nothing.",
    )
    PAGE.write_text(text + "".join(PAGE.read_text().partition("\n" + OTHERS)[1:]))


if __name__ == "__main__":
    sys.exit(main())
