"""Functions on several devices.

How many devices a process has is said before jax starts, so all of this runs in processes of its own: the tests of
parallel_cases.py in one with four CPU devices, the programs of parallel_programs.py with one, two and four. Several
processes at a time are in test_processes.py.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PROGRAMS = os.path.join(HERE, "parallel_programs.py")
FOUR = "--xla_force_host_platform_device_count=4"


def environment(**variables):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "XLA"))}
    env.update(PYTHONPATH=ROOT, PYTHONWARNINGS="error,ignore::DeprecationWarning", **variables)
    return env


def python(*arguments, cwd=None, **variables):
    return subprocess.run(
        [sys.executable, *arguments], env=environment(**variables), capture_output=True, text=True, timeout=280, cwd=cwd
    )


def test_cases():
    done = python("-m", "pytest", "-q", os.path.join(HERE, "parallel_cases.py"), XLA_FLAGS=FOUR)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_losses_of_100_steps_are_those_of_one_device():
    done = python(PROGRAMS, "compare", "100", XLA_FLAGS=FOUR)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(name, devices) for name, devices, *_ in rows} == {
        (name, n) for name in ("logistic", "mlp", "lstm", "lenet", "embedding") for n in (2, 4)
    }
    for name, devices, difference, early, late in rows:
        assert difference < 1e-12, (name, devices)
        assert late < early, name  # it learns
