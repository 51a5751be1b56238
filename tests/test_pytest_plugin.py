"""A test suite in the style of Theano's time, run as a legacy project would run it."""

import subprocess
import sys

import pytest

pytest_plugins = "pytester"

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


def params(*values):  # as nose2.tools has it
    def decorate(function):
        function.paramList = values
        return function

    return decorate


@params(1, (2,))
def test_params(n):
    check(n)


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


def assert_passed(outcome, folder, *options):
    """Run the tests in `folder` under the plugin, in a process of their own, which says `outcome`: what it prints."""
    plugins = "-p", "theanojax.pytest_plugin", "-p", "no:cacheprovider"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *plugins, "--rootdir", str(folder), str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert outcome in done.stdout, done.stdout + done.stderr
    return done.stdout


def test_a_suite_of_its_time(tmp_path):
    (tmp_path / "test_old.py").write_text(SUITE)
    printed = assert_passed("12 passed, 1 skipped", tmp_path, "-v")
    assert "theanojax" in printed.split("collected")[0]
    for name in ("test_generated[2]", "test_params[1]", "TestClass::test_generated[2]", "test_old_names"):
        assert name in printed


def test_a_conftest_may_import_old_code(tmp_path):
    library = "from numpy import asscalar\nfrom collections import Iterable\nimport theano\n"
    (tmp_path / "library.py").write_text(library)
    (tmp_path / "conftest.py").write_text("import library\n")
    (tmp_path / "test_it.py").write_text("import library\n\ndef test():\n    assert library.asscalar is not None\n")
    assert_passed("1 passed", tmp_path)


def test_processes_that_tests_spawn_are_served_too(tmp_path):
    """Keras' and PyMC3's tests start such: a process that cannot import its library ends, and a pool waits for ever."""
    (tmp_path / "library.py").write_text(
        "from collections import Iterable\nimport numpy as np\nimport theano.tensor as T\n"
        "def work(n): return np.asscalar(T.constant(n).eval()), -np.array([True, False])\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import multiprocessing\nimport pytest\nfrom library import work\nprint 'Python 2'\n"
        "@pytest.mark.parametrize('way', ['spawn', 'forkserver'])\n"
        "def test(way):\n    pool = multiprocessing.get_context(way).Pool(1)\n"
        "    number, mask = pool.apply_async(work, (7,)).get(100)\n"
        "    assert number == 7 and mask.tolist() == [False, True]\n    pool.terminate()\n"
    )
    assert_passed("2 passed", tmp_path)


# ---- pytest of its time

CONFTEST = """
import pytest


def pytest_addoption(parser):
    parser.addoption("--runslow", action="store_true", help="run slow tests")


def pytest_namespace():
    return {"given": 7}


def pytest_report_header(config, startdir):
    return "began in %s" % startdir.basename


def pytest_ignore_collect(path, config):
    return any(path.fnmatch(name) for name in ["*/broken.py"])


def pytest_collect_file(path, parent):
    if path.ext == ".words":
        return Words(path, parent)


def pytest_runtest_setup(item):
    if item.get_marker("slow") and not item.config.getoption("--runslow"):
        pytest.skip("need --runslow option to run")


class Words(pytest.File):
    def collect(self):
        for word in self.fspath.read().split():
            yield Word(word, self)


class Word(pytest.Item):
    def runtest(self):
        assert self.name.islower()
"""

OF_ITS_TIME = """
import unittest
import numpy as np
import pytest

calls = []


def setup():
    calls.append("module")


class TestClass(object):
    @classmethod
    def setUpClass(cls):
        calls.append("class")

    def test_calls(self):
        assert calls == ["module", "class"]


@pytest.yield_fixture
def seven():
    yield pytest.given


def test_fixture(seven, request):
    assert seven == request.getfuncargvalue("seven") == 7
    assert not pytest.config.getoption("--runslow")


@pytest.mark.slow
def test_slow():
    assert False


@pytest.mark.skipif("sys.version_info > (3,)")
def test_condition_in_words():
    assert False


def test_code_in_words():
    zero = 0
    pytest.raises(ZeroDivisionError, "1 / zero")
    with pytest.raises(ValueError, message="should have failed"):
        int("x")
    with pytest.warns(None) as record:
        np.array([[1], [2, 3]])
    assert len(record) == 0


def test_what_numpy_took():
    a = np.ones((2., 3.))
    assert a[[slice(1, 2), slice(0, 1)]].tolist() == [[1]]
    assert repr([a.max()]) == "[1.0]"
"""


@pytest.fixture
def project(pytester):
    """A project of its time, with a configuration that asks for plugins that are not there."""
    pytester.makeconftest(CONFTEST)
    pytester.makefile(
        ".cfg", setup="[tool:pytest]\naddopts = -v --pep8 --cov=x\n  --cov-report term-missing -n 2 tests\n"
    )
    tests = pytester.mkdir("tests")
    (tests / "test_it.py").write_text(OF_ITS_TIME)
    (tests / "broken.py").write_text("import missing\n")
    (tests / "a.words").write_text("lower Upper")
    return pytester


def run_plugin(pytester, *arguments):
    plugins = "-p", "theanojax.pytest_plugin", "-p", "no:xdist", "-p", "no:cacheprovider"
    return pytester.runpytest_subprocess(*plugins, *arguments, timeout=200)


def test_a_project_of_its_time(project):
    done = run_plugin(project, "--doctest-modules", "--doctest-glob=*.py")
    done.assert_outcomes(passed=5, skipped=2, failed=1)
    done.stdout.fnmatch_lines(
        [
            "theanojax ignores options of plugins that are not here: --pep8, --cov=x, --cov-report term-missing, -n 2",
            "began in test_a_project_of_its_time0",
            "*lower PASSED*",
            "*Upper FAILED*",
        ]
    )


def test_an_unknown_option_that_was_typed(project):
    done = run_plugin(project, "--pep9")
    assert "unrecognized arguments: --pep9" in done.stderr.str()


def test_the_library_gets_what_a_script_gets(pytester):
    """The project's own modules, its tests and conftest, in Python 2 even, and no other."""
    pytester.makepyfile(
        conftest="import library\n",
        library="""
            import theano
            import numpy as np

            def ragged():
                print "in Python 2"
                return np.array([[1], [2, 3]]), 7 / 2

            def first(iterable):
                iterator = iter(iterable)
                while True:
                    yield next(iterator)
        """,
        test_library="""
            import library

            def test_ragged():
                a, half = library.ragged()
                assert a.dtype == object
                assert half == 3
                assert list(library.first([1])) == [1]

            def test_explained():
                a = [1, 2]
                i = 1
                assert a[i] == 3
        """,
    )
    done = run_plugin(pytester)
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["E*assert 2 == 3"])
