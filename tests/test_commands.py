"""The commands: which programs `theanojax run` takes and in which Python, `info`, and what pip is told."""

import multiprocessing
import os
import subprocess
import sys
import tomllib

import pytest

from theanojax.legacy import python2

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def command(*words, folder=None, text="", **environment):
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-m", "theanojax", *words], capture_output=True, text=True, cwd=folder, env=env, input=text
    )


# ---- what is run


def test_code_standard_input_folder_and_module(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("import beside\n")  # without a dot
    (tmp_path / "pack" / "beside.py").write_text("beside = 1\n")
    (tmp_path / "pack" / "part.py").write_text("half = 3 / 2\nprint 'part'\n")
    (tmp_path / "pack" / "__main__.py").write_text("import sys\nfrom part import half\nprint half, sys.argv[1:]\n")
    cases = [
        (("-c", "import sys; print sys.argv, 3 / 2", "-x", "y"), "", "['-c', '-x', 'y'] 1\n"),
        (("-", "a"), "import sys; print __name__, sys.argv", "__main__ ['-', 'a']\n"),
        (("pack", "-m"), "", "part\n1 ['-m']\n"),
        (("-m", "pack", "-c"), "", "part\n1 ['-c']\n"),
        (("-m", "pack.part"), "", "part\n"),
    ]
    for words, text, printed in cases:
        done = command("run", *words, folder=tmp_path, text=text)
        assert (done.stdout, done.returncode) == (printed, 0), (words, done.stderr)


@pytest.mark.parametrize(
    "words, status, said",
    [
        (("run",), 2, "nothing to run"),
        (("run", "-m"), 2, "expected a module"),
        (("run", "-2", "-3", "x.py"), 2, "not allowed with"),
        (("run", "no/such.py"), 2, "can't open file 'no/such.py': no such file"),
        (("launch", "-n", "2", "no/such.py"), 2, "can't open file 'no/such.py': no such file"),
        (("launch", "-n", "two", "x.py"), 2, "argument -n: two is no positive number"),
        (("run", "-m", "no_such_module"), 1, "no module named 'no_such_module'"),
        ((), 2, "usage: theanojax"),
    ],
)
def test_usage(words, status, said):
    done = command(*words)
    assert done.returncode == status and said in done.stderr and "Traceback" not in done.stderr


def test_output_that_nobody_reads_to_the_end(tmp_path):
    (tmp_path / "long.py").write_text("print 1\n" * 10000)
    words = [sys.executable, "-m", "theanojax", "convert", "--diff", "long.py"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout.readline() == "--- long.py\n"
        process.stdout.close()
        assert process.stderr.read() == ""


# ---- which Python

BOTH = "pairs = zip([1], [2])\nprint(len([1, 2]) / 4, list(pairs), list(pairs))\n"


def test_a_script_that_reads_as_both(tmp_path):
    path = tmp_path / "both.py"
    path.write_text(BOTH)
    third, second = "0.5 [(1, 2)] []\n", "(0, [(1, 2)], [(1, 2)])\n"
    by_use = command("run", str(path))
    assert by_use.stdout == third
    (line,) = by_use.stderr.splitlines()
    assert "a list that zip made (line 1)" in line and "taken for Python 3" in line and "-2 runs it" in line
    for flag, printed in (("-3", third), ("--python2", second)):
        done = command("run", flag, str(path))
        assert (done.stdout, done.stderr) == (printed, "")
    path.write_text(BOTH + "xrange(3)\n")
    assert command("run", str(path)).stdout == second
    with pytest.raises(SyntaxError):
        python2.compile_source("print 1", "x.py", version=3)


LSTM = os.path.join(ROOT, "tests", "old_programs", "both_lstm.py")


def test_a_script_that_reads_as_both_and_works_in_python2_alone():
    """As tutorials have it: the result of zip is returned, and gone through at each epoch."""
    errors = {}
    for flag in (None, "-2", "-3"):
        done = command("run", *([flag] if flag else []), LSTM)
        assert done.returncode == 0, done.stderr
        errors[flag] = float(done.stdout.split()[-1])
        said = [line for line in done.stderr.splitlines() if line.startswith("theanojax run")]
        if flag is None:
            (line,) = said
            assert "a list that zip made (line 17): taken for Python 2; -3 runs it as Python 3" in line
        else:
            assert not said
    assert errors[None] == errors["-2"] < 0.1 and errors["-3"] == 1.0


@pytest.mark.parametrize(
    "source, what",
    [
        ("x = zip([1], [2])[0]\n", "a list that zip made"),
        ("x = map(str, [1]) + ['a']\n", "a list that map made"),
        ("x = ['a'] + range(3)\n", "a list that range made"),
        ("print(len(filter(None, [1])))\n", "a list that filter made"),
        ("from __future__ import print_function\nx = zip([1])[0]\n", "a list that zip made"),
        ("def f(): return zip([1])\nx = f()\nfor i in 1, 2: print(list(x))\n", "a list that zip made"),
        ("def f(): return zip([1])\nfor i in 1, 2:\n    x = f()\n    print(list(x))\n", None),
        ("def zip(a): return a\nx = zip([1])[0]\n", None),
        ("x = range(3)[0] + len(range(3))\n", None),
        ("x = zip([1])[0]\nprint(f'{x}')\n", None),
    ],
)
def test_what_works_in_python2_alone(source, what):
    said = []
    _, is_python2 = python2.compile_source(source, "x.py", notice=said.append)
    assert is_python2 is (what is not None)
    if what:
        assert len(said) == 1 and what in said[0] and "taken for Python 2" in said[0]


@pytest.mark.parametrize(
    "source, what",
    [
        ("d = {}\nk = d.keys()\n", "a list that .keys() made"),
        ("print(len(filter(None, [1])))\n", "a list that filter made"),
        ("x = range(3) + [4]\n", "a list that range made"),
        ("first = map(str, [1])[0]\n", "a list that map made"),
        ("def f(n):\n    return n / 2\n", "a quotient of whole numbers"),
        ("for a, b in zip([1], [2]): print(a)\n", None),
        ("x = list(zip([1], [2]))\n", None),
        ("x = 1.0 / y\n", None),
        ("from __future__ import print_function\nx = zip([1], [2])\n", None),
        ("x = zip([1], [2])\nprint(f'{x}')\n", None),
        (
            "class C(object):\n    def __init__(self):\n        super().__init__()\n        self.x = map(str, [1])\n",
            None,
        ),
    ],
)
def test_what_reads_as_both_and_differs(source, what):
    said = []
    python2.compile_source(source, "x.py", notice=said.append)
    assert what in said[0] if what else not said, said


def test_installed_packages_that_import_theano_get_the_old_names(tmp_path):
    """As if pip had put them there: beside the script's folder, on the path."""
    for name, text in (
        ("old_library", "import theano, arviz\nimport numpy as np\nkind = np.float(1), arviz.kind\n"),
        # as old, and known by its name
        ("arviz", "import numpy as np, pkgutil\nkind = np.float(2), pkgutil.get_data('arviz', '__init__.py')[:6]\n"),
        ("new_library", "import numpy as np\nkind = hasattr(np, 'float')\n"),
    ):
        package = tmp_path / "site" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text + "half = 1 / 2\n")
    (tmp_path / "script").mkdir()
    path = tmp_path / "script" / "run_me.py"
    path.write_text(
        "import old_library, new_library\nprint old_library.kind, old_library.half, new_library.kind, 1 / 2\n"
    )
    done = command("run", str(path), PYTHONPATH=os.pathsep.join([str(tmp_path / "site"), ROOT]))
    assert done.stdout == "(1.0, (2.0, b'import')) 0.5 False 0\n", done.stderr


SPAWNS = """
import multiprocessing, sys, theano
import numpy as np
def double(x):
    return np.float(x) / 1 * 2, 1 / 2, __name__
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        print pool.map(double, [1, 2])
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_that_a_script_starts_run_as_it_does(tmp_path, method):
    (tmp_path / "script.py").write_text(SPAWNS)
    done = command("run", str(tmp_path / "script.py"), method)
    name = "__main__" if method == "fork" else "__mp_main__"
    assert done.stdout == f"[(2.0, 0, {name!r}), (4.0, 0, {name!r})]\n", done.stderr


def test_tracebacks_of_chained_errors_show_the_script_alone(tmp_path):
    (tmp_path / "helper.py").write_text("def half(n):\n    return n / 0\nvalue = 1\n")
    path = tmp_path / "script.py"
    path.write_text(
        "import helper\ntry:\n    helper.half(1)\nexcept ZeroDivisionError:\n    print 'in'\n"
        "    raise KeyError('x'), None\n"
    )
    done = command("run", str(path))
    shown = [line.strip() for line in done.stderr.splitlines() if "File" in line]
    assert shown == [
        f'File "{path}", line 3, in <module>',
        f'File "{tmp_path}/helper.py", line 2, in half',
        f'File "{path}", line 6, in <module>',
    ]
    assert done.stderr.splitlines()[-1] == "KeyError: 'x'"


def test_a_library_that_is_not_there_is_said_with_what_brings_it(tmp_path):
    """Image, which became PIL.Image; without the frames that import it."""
    (tmp_path / "script.py").write_text("import sys\nsys.modules['PIL'] = None\nprint 'in'\nimport Image\n")
    done = command("run", str(tmp_path / "script.py"))
    assert done.stdout == "in\n"
    lines = done.stderr.splitlines()
    assert [line.strip() for line in lines if "File" in line] == [f'File "{tmp_path}/script.py", line 4, in <module>']
    assert lines[-1].startswith("pip install 'theanojax[legacy]' brings it") and "PIL" in lines[-2]
    done = command("run", "-c", "import some_other_library")
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'some_other_library'"


def test_a_pickle_of_python_2_in_code_of_today(tmp_path):
    """A library that is neither the script's nor of Theano's time is not read for it; the error says what to do."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "today.py").write_text(
        "import pickle\n\ndef read():\n    return pickle.loads(b'U\\x01\\xe9.')\n"
    )
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.py").write_text("import today\nprint today.read()\n")
    done = command("run", "old.py", folder=tmp_path / "run", PYTHONPATH=str(tmp_path / "lib"))
    assert done.returncode == 1 and done.stderr.splitlines()[-1].endswith(
        "pickle.load(file, encoding='latin1') reads it"
    )


# ---- what is here


@pytest.mark.parametrize("flags", ["", "floatX=float32"])
def test_listing_of_the_readme(tmp_path, flags):
    with open(os.path.join(ROOT, "README.md")) as file:
        listing = file.read().split("```python\n")[1].split("```")[0]
    (tmp_path / "listing.py").write_text(listing)
    done = command("run", "listing.py", folder=tmp_path, THEANO_FLAGS=flags)
    shown = [line.partition(")  # ")[2] for line in listing.splitlines() if line.startswith("print(")]
    assert done.stdout.splitlines() == shown and shown, done.stderr


def test_info_and_version():
    done = command("info", THEANO_FLAGS="floatX=float32")
    assert done.returncode == 0
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert {"theanojax", "Python", "jax", "numpy", "device", "compiledir"} <= set(rows)
    assert rows["device"].startswith("cpu (") and done.stdout.endswith("flags given: floatX=float32\n")
    assert command("info", THEANO_FLAGS="device=gpu0").stdout.endswith("flags given: device=gpu0\n")  # there or not
    assert command("--version").stdout.startswith("theanojax 0.")
    old_name = subprocess.run(
        [sys.executable, "-m", "theano", "run", "-c", "print 3 / 2"], capture_output=True, text=True
    )
    assert old_name.stdout == "1\n"


@pytest.mark.parametrize("name, version", [("theano", "1.0.5"), ("theano-pymc", "1.1.2")])
def test_stand_ins_for_pip_have_no_files(name, version):
    with open(os.path.join(ROOT, "stubs", name, "pyproject.toml"), "rb") as file:
        found = tomllib.load(file)
    assert found["project"]["name"].lower() == name and found["project"]["version"] == version + "+theanojax"
    assert found["project"]["dependencies"] == ["theanojax"]
    assert found["tool"]["setuptools"] == {"packages": [], "py-modules": []}


def test_another_theano_on_the_path(tmp_path):
    (tmp_path / "theano").mkdir()
    (tmp_path / "theano" / "__init__.py").write_text("version = '1.0.5'\n")
    for path, said in ((str(tmp_path), True), (ROOT, False)):
        code = "import theanojax; print(theanojax.__name__)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            cwd="/",
        )
        assert done.stdout == "theanojax\n"
        assert ("which is not theanojax's" in done.stderr and "stubs/theano" in done.stderr) is said, done.stderr
