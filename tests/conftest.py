"""What holds for every test: nothing is written into the user's home, no executable outlives the run, and what XLA
should have been able to do is not left to the host, unless a test says so.
"""

import os
import shutil
import tempfile

import pytest

FLAGS = "THEANO_FLAGS"
FOLDER = "THEANOJAX_TEST_COMPILEDIR"  # set by the first process, for the workers that it starts


def pytest_configure(config):
    # Before anything imports theanojax, which reads its flags once.
    if FOLDER not in os.environ:
        folder = os.environ[FOLDER] = tempfile.mkdtemp(prefix="theanojax-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        flags = "base_compiledir=%s,xla_cache=False,xla_strict=True,numpy_elements=0" % folder
        os.environ[FLAGS] = ",".join(filter(None, [flags, os.environ.get(FLAGS)]))


@pytest.fixture
def soon(monkeypatch):
    """A call costs 1, as do eight steps of a loop, and C takes over after four."""
    from theanojax.runtime.in_c import Cost, often

    monkeypatch.setattr(often, "OFTEN", 2)
    monkeypatch.setattr(often, "TAKES_OVER", 4)
    monkeypatch.setattr(often, "CALL", 0)
    monkeypatch.setattr("theanojax.runtime.in_c.cost_of", lambda program: Cost(1, 1 / 8))
