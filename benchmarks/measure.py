"""One process per program and contender, killed at its time limit."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

WORKER = Path(__file__).parent / "worker" / "main.py"


def run(contender, program, cache, limit, quick, measured):
    """What one process reports (a dict), or {"failed": reason}.

    With `measured` false the process stops after the first call. The results of its program come as "results".
    """
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "results.npz")
        command = [
            contender.python,
            str(WORKER),
            contender.name,
            contender.family,
            program,
            out,
            "quick" if quick else "full",
            "measure" if measured else "first",
            repr(time.time()),
        ]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=contender.environment(cache),
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            return {"failed": "not done after %d s" % limit}
        lines = [line for line in stdout.splitlines() if line.startswith('{"bench"')]
        if not lines:
            last = [line for line in stderr.strip().splitlines() if line.strip()][-1:] or ["no output"]
            return {"failed": "exit status %d: %s" % (process.returncode, last[0][:200])}
        report = json.loads(lines[-1])
        if os.path.exists(out):
            with np.load(out) as arrays:
                report["results"] = [arrays["a%d" % i] for i in range(len(arrays.files))]
        return report


def contest(contender, program, limit, quick, rounds):
    """Runs a program with an empty compilation cache, then with the cache that this left; merges the reports."""
    with tempfile.TemporaryDirectory(prefix="theanojax-bench-") as cache:
        cold = run(contender, program, cache, limit, quick, measured=False)
        if "failed" in cold:
            return cold
        warm = [run(contender, program, cache, limit, quick, measured=True) for _ in range(rounds)]
    good = [w for w in warm if "failed" not in w]
    if not good:
        return warm[0]
    merged = dict(good[0])
    merged["cold_s"] = cold["build_s"] + cold["first_s"]
    merged["import_s"] = float(np.median([w["import_s"] for w in [cold, *good]]))
    for key in ("call_s", "start_s"):
        if key in merged:
            merged[key] = float(np.median([w[key] for w in good]))
    merged["peak_bytes"] = max(w["peak_bytes"] for w in [cold, *good])
    return merged


def compare(results, tolerances):
    """Compares each contender's results with the first one's; adds "differs" to reports that are not equal."""
    for report in results.values():
        report.pop("differs", None)
    names = [n for n, r in results.items() if "results" in r]
    if not names:
        return
    first = results[names[0]]["results"]
    for name in names[1:]:
        rtol, atol = tolerances(name)
        mine = results[name]["results"]
        problem = None
        if len(mine) != len(first):
            problem = "%d results, not %d" % (len(mine), len(first))
        for a, b in zip(mine, first):
            if problem is None and a.shape != b.shape:
                problem = "shape %s, not %s" % (a.shape, b.shape)
            elif problem is None and not np.allclose(a, b, rtol=rtol, atol=atol):
                with np.errstate(all="ignore"):
                    problem = "off by up to %.2g" % np.nanmax(np.abs(np.asarray(a, float) - np.asarray(b, float)))
        if problem:
            results[name]["differs"] = problem
