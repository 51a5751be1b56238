"""``python -m benchmarks.gpu``: tests, transfers and programs on a GPU, into one JSON file. benchmarks/gpu.sh calls it.

The file is written after each part, so that what there is can be read whenever it ends.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKER = ROOT / "benchmarks" / "worker" / "main.py"
SECONDS = 460  # for all of it
TESTS = (
    ("residence", "device=cuda"),
    ("beside", "device=cpu,contexts=dev0->cuda0"),
    ("contexts", "device=cpu,contexts=dev0->cuda0;dev1->cuda1"),
    ("names", "device=cuda"),
)
# The quickest first: what there is no time for is left out.
PROGRAMS = ("chain", "mlp", "lenet32", "embedding", "rnn", "logistic", "gibbs", "lenet64", "pow", "scalar", "lstm")

DEVICES = """
import jax, json
found = jax.devices()
print(json.dumps([jax.__version__, len(found), found[0].device_kind, found[0].platform]))
"""
TRANSFERS = """
import json, sys, time
import theano
from tests.on_device.count import Transfers
from tests.on_device import residence
with Transfers() as counted:
    index, cost, updates, shared = residence.classifier()
    train = theano.function([index], cost, updates=updates)
    for i in range(3):
        train(i)
    counted.begin()
    start = time.perf_counter()
    for i in range(200):
        train(i % 10)
    seconds = time.perf_counter() - start
    found = {"steps": 200, "sent": len(counted.sent), "bytes_sent": sum(counted.sent), "fetched": len(counted.fetched)}
    found.update(bytes_fetched=sum(counted.fetched), waits=counted.waits, step_s=seconds / 200)
    found["where"] = [str(residence.where(v)) for v in shared]
print(json.dumps(found))
"""


def process(arguments, flags, seconds, **variables):
    """(exit status or None if it took too long, stdout, stderr) of a Python process."""
    flags = ",".join(filter(None, [flags, "base_compiledir=" + tempfile.gettempdir() + "/theanojax-gpu"]))
    env = {**os.environ, "THEANO_FLAGS": flags, "PYTHONPATH": str(ROOT), **variables}
    try:
        done = subprocess.run(
            [sys.executable, *arguments], env=env, cwd=ROOT, capture_output=True, text=True, timeout=max(1, seconds)
        )
    except subprocess.TimeoutExpired:
        return None, "", "not done after %d s" % seconds
    return done.returncode, done.stdout, done.stderr


def tests(device, left):
    """What pytest says of tests/on_device, file by file."""
    found = {}
    for name, flags in TESTS:
        if name == "contexts" and device["count"] < 2:
            found[name] = {"status": 0, "summary": "needs two GPUs", "failed": []}
            continue
        if device["pretended"]:
            flags = "pretend_device=True," + flags
        status, out, err = process(["-m", "pytest", "-q", "tests/on_device/%s.py" % name], flags, min(150, left()))
        failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", out, re.M)
        last = (out.strip().splitlines() or [err.strip()[-300:]])[-1]
        found[name] = {"status": status, "summary": last, "failed": failed}
        print("tests, %-10s %s" % (name, last), flush=True)
    return found


def program(name, contender, family, flags, seconds):
    """What one benchmark program reports for theanojax or for jax by hand."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "results.npz")
        arguments = [str(WORKER), contender, family, name, out, "full", "measure", repr(time.time())]
        # products have as many digits in both
        status, stdout, stderr = process(arguments, flags, seconds, JAX_DEFAULT_MATMUL_PRECISION="highest")
    lines = [line for line in stdout.splitlines() if line.startswith('{"bench"')]
    report = json.loads(lines[-1]) if lines else {"failed": "status %s: %s" % (status, stderr.strip()[-300:])}
    text = report.get("failed") or "%.3g ms a call, first result after %.2g s" % (
        1e3 * report.get("call_s", float("nan")),
        report["build_s"] + report["first_s"],
    )
    print("%-10s %-14s %s" % (name, contender, text), flush=True)
    return report


def main():
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="gpu.json", help="the file to write")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for all of it")
    parser.add_argument("--pretend", action="store_true", help="try this out where CPU devices stand for GPUs")
    options = parser.parse_args()
    if options.pretend:
        os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
    end = time.monotonic() + options.seconds

    def left():
        return end - time.monotonic()

    def save():
        Path(options.out).write_text(json.dumps(found, indent=1) + "\n")

    status, out, err = process(["-c", DEVICES], "", 90)
    if status != 0:
        sys.exit("jax does not start: %s" % err.strip()[-500:])
    version, count, kind, platform = json.loads(out.splitlines()[-1])
    if platform != "gpu" and not options.pretend:
        sys.exit("jax finds no GPU here, only %s: pip install 'jax[cuda13]'" % kind)
    device = {"jax": version, "count": count, "kind": kind, "pretended": options.pretend}
    found = {"device": device, "date": time.strftime("%Y-%m-%d %H:%M"), "python": sys.version.split()[0]}
    flags = "device=cuda" + (",pretend_device=True" if options.pretend else "")
    status, out, err = process(["-c", TRANSFERS], flags, min(90, left()))
    found["transfers"] = json.loads(out.splitlines()[-1]) if status == 0 else {"failed": err.strip()[-500:]}
    print("transfers: %s" % found["transfers"], flush=True)
    save()
    found["tests"] = tests(device, left)
    save()
    found["programs"] = {}
    for name in PROGRAMS:
        for contender, family, its_flags in (("theanojax", "theano", flags), ("jax", "jax", "")):
            if left() < 10:
                found.setdefault("left_out", []).append("%s, %s" % (name, contender))
                continue
            report = program(name, contender, family, its_flags, min(60, left()))
            found["programs"].setdefault(name, {})[contender] = report
            save()
    found["seconds"] = round(options.seconds - left())
    save()
    print("written: %s" % options.out)
    bad = [name for name, report in found["tests"].items() if report["status"] != 0]
    sys.exit("tests failed: %s" % ", ".join(bad) if bad else 0)


if __name__ == "__main__":
    main()
