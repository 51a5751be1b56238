"""The command `theano-nose` and ``theano.test()``."""

import os
import subprocess
import sys

import pytest

import theano
from theanojax.legacy import nose_program

SUITE = """
import unittest
import theano
from nose.tools import assert_equal

def test_generated():
    for n in range(2):
        yield assert_equal, n, n

class TestDots(unittest.TestCase):
    def test_dot(self):
        print("heard")

    def test_not_asked_for(self):
        assert 0
"""


def nose(*words, folder):
    code = "import sys; from theanojax.legacy.nose_program import main; sys.exit(main())"
    env = {**os.environ, "PYTHONPATH": str(nose_program.ROOT)}
    return subprocess.run([sys.executable, "-c", code, *words], cwd=folder, env=env, capture_output=True, text=True)


def test_words_of_nose_and_of_pytest(tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)
    done = nose("test_suite.py:TestDots.test_dot", "--nocapture", "--batch=10", "-q", folder=tmp_path)
    assert done.returncode == 0 and "heard" in done.stdout and "1 passed" in done.stdout
    done = nose("-k", "generated or asked", folder=tmp_path)
    assert done.returncode == 1 and "1 failed, 2 passed" in done.stdout
    assert "theanojax" in done.stdout  # the plugin's header


def test_tests_of_this_package(capfd):
    assert theano.test(extra_argv=["tests/test_sort.py", "-k", "argsort", "--collect-only"]) is True
    assert "test_argsort" in capfd.readouterr().out
    assert theano.test(verbose=0, capture=False, extra_argv=["-k", "no_such_test", "tests/test_sort.py"]) is False
    assert nose_program.main(["--theano", "tests/test_sort.py", "--collect-only", "-q"]) == 0


def test_where_there_are_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(nose_program, "ROOT", tmp_path)
    with pytest.raises(ImportError, match="in its repository"):
        theano.test()
    assert nose_program.main(["--theano"]) == 2
    assert "theano-nose: The tests of theanojax" in capsys.readouterr().err
