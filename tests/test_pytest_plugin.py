"""A test suite in the style of Theano's time, run as a legacy project would run it."""

import subprocess
import sys

SUITE = """
import unittest
import numpy as np
from nose.plugins.skip import SkipTest
from nose.plugins.attrib import attr
from nose.tools import assert_equal, assert_raises, raises
import theano
import theano.tensor as T


def check(n):
    x = T.dscalar()
    assert_equal(theano.function([x], x + n)(1), n + 1)


def test_generated():
    for n in range(3):
        yield check, n


class TestClass(object):
    def setUp(self):
        self.count = 10

    def check_method(self, n):
        assert self.count == 10
        self.count += n

    def test_generated(self):
        for n in range(2):
            yield self.check_method, n
        yield self.check_method, -1

    def test_plain(self):
        assert self.count == 10


@attr("slow")
def test_attr():
    assert np.zeros(2, dtype=np.int).dtype == np.int64


def test_skip():
    raise SkipTest("not today")


@raises(ValueError)
def test_raises():
    raise ValueError


class TestUnit(unittest.TestCase):
    def test_old_names(self):
        self.assertEquals(np.float, float)
        assert_raises(TypeError, theano.function, [3], [])
"""


def test_a_suite_of_its_time(tmp_path):
    (tmp_path / "test_old.py").write_text(SUITE)
    plugins = "-p", "theanojax.pytest_plugin", "-p", "no:cacheprovider"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", *plugins, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert "10 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "theanojax" in done.stdout.split("collected")[0]
    for name in ("test_generated[2]", "TestClass::test_generated[2]", "test_old_names"):
        assert name in done.stdout


def test_a_conftest_may_import_old_code(tmp_path):
    library = "from numpy import asscalar\nfrom collections import Iterable\nimport theano\n"
    (tmp_path / "library.py").write_text(library)
    (tmp_path / "conftest.py").write_text("import library\n")
    (tmp_path / "test_it.py").write_text("import library\n\ndef test():\n    assert library.asscalar is not None\n")
    plugins = "-p", "theanojax.pytest_plugin", "-p", "no:cacheprovider"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
