"""The example with real data reaches the accuracy that it states."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("sklearn")
DIGITS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples", "digits.py")


@pytest.mark.parametrize("network", ["mlp", "lenet"])
def test_accuracy(network):
    done = subprocess.run([sys.executable, DIGITS, network], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "%s: 9" % network in done.stdout and "are asked for" in done.stdout
