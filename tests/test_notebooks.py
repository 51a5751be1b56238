"""Old notebooks: the extension in a shell, its kernel, and notebooks run from the command line."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("IPython")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


# ---- a shell


@pytest.fixture
def shell(tmp_path, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.history_manager.enabled = False
    yield made
    made.run_line_magic("unload_ext", "theanojax")
    InteractiveShell.clear_instance()


def run(shell, cell):
    result = shell.run_cell(cell)
    result.raise_error()
    return result.result


def test_cells_of_both_pythons(shell, capsys):
    run(shell, "%load_ext theanojax")
    assert run(shell, "1 / 2") == 0.5 and run(shell, "type(zip())") is zip  # nothing is in Python 2 yet
    run(shell, "print 'old'\n%timeit -n1 -r1 3 / 2")
    assert "old" in capsys.readouterr().out
    assert run(shell, "7 / 2") == 3 and run(shell, "zip([1], [2])[0]") == (1, 2)
    assert run(shell, "import numpy as np\nnp.int(3.7), np.arange(4)[2.0]") == (3, 2)
    run(shell, "%%time\nfor i in xrange(2): print i,")
    assert "\n0 1 CPU times" in capsys.readouterr().out
    run(shell, "from __future__ import division\nprint 1")
    assert run(shell, "7 / 2") == 3.5
    assert shell.run_cell("print 'open").error_before_exec is not None  # in neither, and said by IPython
    assert run(shell, "print(f'{1}')\n2") == 2  # a cell that is in Python 3 alone stays so


def test_a_cell_after_one_that_imports_print_function(shell, capsys):
    run(shell, "%load_ext theanojax")
    run(shell, "from __future__ import print_function, division\nimport cPickle")
    run(shell, "print('a', len(xrange(3)), 7 / 2)\nprint('b', {}.has_key(1), sep='-', end='.')")
    assert capsys.readouterr().out == "a 3 3.5\nb-False."


def test_modules_beside_the_notebook_and_the_end(shell, tmp_path):
    import numpy as np

    (tmp_path / "beside_it.py").write_text("import numpy\nhalf = numpy.int(3) / 2\nprint 'x'\n")
    run(shell, "%load_ext theanojax")
    assert run(shell, "import beside_it\nbeside_it.half") == 1
    before = len(sys.meta_path)
    run(shell, "%unload_ext theanojax")
    assert len(sys.meta_path) == before - 1
    assert shell.run_cell("print 'old'").error_before_exec is not None
    assert run(shell, "import numpy\nnumpy") is np and run(shell, "1 / 2") == 0.5
    run(shell, "%load_ext theanojax")
    assert run(shell, "numpy = __import__('numpy')\nnumpy.int") is int


def test_what_replaces_the_built_ins_of_a_shell(shell, capsys):
    run(shell, "%load_ext theanojax")
    run(shell, "print 'old'")
    shell.user_ns["__builtins__"] = __builtins__  # as %pylab does
    assert run(shell, "print 7 / 2, xrange(3)[2];") is None
    assert capsys.readouterr().out == "old\n3 2\n"


def test_files_that_run_runs(shell, tmp_path, capsys):
    (tmp_path / "script.py").write_text("import sys\nprint 'script', sys.argv[1:], 3 / 2\n")
    (tmp_path / "fails.py").write_text("print 1 / 0\n")
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(3)\n")
    run(shell, "%load_ext theanojax")
    run(shell, "%run script.py 4")
    assert capsys.readouterr().out == "script ['4'] 1\n"
    shell.run_cell("%run fails.py")
    said = capsys.readouterr().out
    assert "ZeroDivisionError" in said and "print 1 / 0" in said and "in div" not in said
    shell.run_cell("%run ends.py")
    assert "SystemExit" in capsys.readouterr().out


def test_a_module_in_python2_beside_cells_in_python3(shell, tmp_path):
    (tmp_path / "old_module.py").write_text("half = 3 / 2\nprint\n")
    run(shell, "%load_ext theanojax")
    assert run(shell, "import old_module\nold_module.half, 3 / 2") == (1, 1.5)
    assert run(shell, "print(7)\n7 / 2") == 3.5


# ---- notebooks

TUTORIAL = [
    "import numpy\nimport theano\nimport theano.tensor as T\nfrom theano import function, pp\nrng = numpy.random",
    "x = T.dmatrix('x')\ns = 1 / (1 + T.exp(-x))\nlogistic = function([x], s)\nprint pp(s)",
    "print logistic([[0, 1], [-1, -2]]).shape, numpy.float(7) / 2, 7 / 2",
]
SCAN = [
    "import theano, numpy as np\nT = theano.tensor\nk, A = T.iscalar('k'), T.vector('A')",
    "result, updates = theano.scan(fn=lambda prior, A: prior * A, outputs_info=T.ones_like(A), non_sequences=A, "
    "n_steps=k)\npower = theano.function(inputs=[A, k], outputs=result[-1], updates=updates)",
    "%%time\nfor n in xrange(2, 4): print power(range(4), n)",
]
LENET = [
    "import numpy, theano\nfrom theano import tensor as T\nfrom theano.tensor.signal import downsample\n"
    "from theano.tensor.nnet import conv\nrng = numpy.random.RandomState(23455)",
    "x = T.ftensor4('x')\nbound = numpy.sqrt(3 * 5 * 5)\n"
    "W = theano.shared(numpy.asarray(rng.uniform(-1 / bound, 1 / bound, (2., 3, 5, 5)), dtype='float32'), name='W')\n"
    "out = T.tanh(downsample.max_pool_2d(conv.conv2d(x, W), (2, 2), ignore_border=True))",
    "cost = T.mean(out ** 2)\ng = T.grad(cost, W)\n"
    "train = theano.function([x], cost, updates=[(W, W - numpy.float32(.001) * g)])\n"
    "costs = [train(numpy.ones((1, 3, 12, 12), 'float32')) for i in range(3)]\nprint costs[2] < costs[0], W.ndim",
]
DEBUGGING = [
    "import theano, theano.tensor as T\nimport numpy\ntheano.config.compute_test_value = 'off'",
    "x, y = T.dvectors('x', 'y')\nf = theano.function([x, y], theano.printing.Print('product')(x * y) + 1)",
    "try:\n    f([1, 2], [1, 2, 3])\nexcept ValueError, e:\n    print str(e).splitlines()[0][:20]",
    "f([1, 2], [3, 4])",
    "theano.printing.debugprint(x * y)",
]
SAID = {
    "tutorial": (TUTORIAL, ["(TensorConstant{1} / (TensorConstant{1} + exp((-x))))", "(2, 2) 3.5 3"]),
    "scan": (SCAN, ["[ 0.  1.  4.  9.]", "[  0.   1.   8.  27.]"]),
    "lenet": (LENET, ["True 4"]),
    "debugging": (
        DEBUGGING,
        ["Input dimension mis-", "product __str__ = [ 3.  8.]", "Elemwise{mul,no_inplace} [id A] ''"],
    ),
}


def write(path, cells, version=4, **metadata):
    if version == 3:
        v3 = nbformat.v3
        cells = [v3.new_code_cell(input=cell) for cell in cells]
        notebook = v3.new_notebook(worksheets=[v3.new_worksheet(cells=cells)])
    else:
        v4 = nbformat.v4
        notebook = v4.new_notebook(
            cells=[v4.new_markdown_cell("# old"), *map(v4.new_code_cell, cells)], metadata=metadata
        )
    nbformat.write(notebook, str(path), version=nbformat.NO_CONVERT)


def command(*words, **environment):
    env = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-m", "theanojax", *words], capture_output=True, text=True, env=env)


@pytest.mark.parametrize("name", SAID)
def test_notebooks(tmp_path, name):
    cells, said = SAID[name]
    version = 3 if name == "scan" else 4
    write(
        tmp_path / "old.ipynb",
        cells,
        version,
        **({"kernelspec": {"name": "python2", "display_name": "Python 2"}} if version == 4 else {}),
    )
    done = command("run", str(tmp_path / "old.ipynb"))
    assert done.returncode == 0, done.stderr
    for line in said:
        assert line.replace(" ", "") in done.stdout.replace(" ", ""), done.stdout
    assert "Kernel" not in done.stderr  # it came and went in order


def test_the_cell_that_fails(tmp_path):
    write(tmp_path / "old.ipynb", ["print 'one'", "value = 1 / 0\nprint value", "print 'two'"])
    done = command("run", str(tmp_path / "old.ipynb"))
    assert done.returncode == 1 and done.stdout == "one\n"
    assert "ZeroDivisionError" in done.stderr and "cell 3 failed:\nvalue = 1 / 0" in done.stderr


def test_going_on_after_cells_that_fail(tmp_path):
    write(tmp_path / "old.ipynb", ["half = 7 / 2", "print half / 0", "print half", "print 'open"])
    done = command("run", "--allow-errors", str(tmp_path / "old.ipynb"))
    assert (done.returncode, done.stdout) == (0, "3\n")
    assert "cell 3 failed:\nprint half / 0" in done.stderr and "cell 5 failed" in done.stderr
    assert "in div" not in done.stderr and "\x1b" not in done.stderr
    assert command("run", str(tmp_path / "old.ipynb"), "-x").returncode == 2
    assert command("run", str(tmp_path / "old.ipynb"), "--allow-errors").returncode == 0
    assert command("run", "--allow-errors", "-c", "print 1").returncode == 2


# ---- converted

CONVERTED = [
    ("%matplotlib inline\nimport cPickle, numpy as np", None),
    ("half = 7 / 2\nhalf", "half = 7 // 2\nhalf"),
    ("files = !ls\nfor i in xrange(2):\n    %time print i", "files = !ls\nfor i in range(2):\n    %time print(i)"),
    ("%%time\nprint np.product([2, 3]), half / 2", "%%time\nprint(np.prod([2, 3]), half // 2)"),
    ("%timeit -n 1 -r 1 sum(xrange(10))", "%timeit -n 1 -r 1 sum(range(10))"),
    ("%%bash\necho 'print 1'", "%%bash\necho 'print 1'"),
    ("%%writefile part.py\nprint 'part'", "%%writefile part.py\nprint('part')"),
    ("print 'open", "print 'open"),
    ("np.product?", "np.product?"),
    ("from __future__ import print_function, division", ""),
    ("print('a', sep='')\nx = 7 / 2", "print('a', sep='')\nx = 7 / 2"),
]
SCRIPT = """\
# %% [markdown]
# # old

# %%
import numpy as np
import matplotlib.pyplot as plt
from pylab import *

# %%
# files = !ls
files = None
print(3 // 2)

# %%
# %%bash
# echo 1

# %%
# %%capture cap
print(1)
"""


def test_a_notebook_converted(tmp_path):
    path = tmp_path / "old.ipynb"
    write(path, [old for old, _ in CONVERTED], 3)
    done = command("convert", str(path), "-o", str(tmp_path / "new.ipynb"))
    assert done.returncode == 0 and done.stderr.count("\n") == 1 and "cell 8, line 1: left as it is" in done.stderr
    book = nbformat.read(str(tmp_path / "new.ipynb"), as_version=nbformat.NO_CONVERT)
    nbformat.validate(book)
    assert book.nbformat == 4 and book.metadata.kernelspec.name == "python3"
    assert [cell.source for cell in book.cells][1:] == [new for _, new in CONVERTED][1:]
    assert book.cells[0].source == "%matplotlib inline\nimport pickle, numpy as np"
    assert command("convert", "--check", str(path)).returncode == 1


def test_a_notebook_that_becomes_a_script(tmp_path):
    write(
        tmp_path / "old.ipynb",
        ["%pylab inline", "files = !ls\nprint 3 / 2", "%%bash\necho 1", "%%capture cap\nprint 1"],
    )
    done = command("convert", "--to", "py", str(tmp_path / "old.ipynb"))
    assert done.stdout == SCRIPT, done.stderr
    assert [line.rpartition(": ")[2] for line in done.stderr.splitlines()] == ["!ls", "%%bash", "%%capture cap"]


@pytest.mark.parametrize("name", SAID)
def test_converted_notebooks_print_the_same(tmp_path, name):
    cells, said = SAID[name]
    write(tmp_path / "old.ipynb", cells)
    assert command("convert", "--to", "py", str(tmp_path / "old.ipynb"), "-o", str(tmp_path / "new.py")).returncode == 0
    done = subprocess.run([sys.executable, str(tmp_path / "new.py")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for line in said:
        assert line.replace(" ", "") in done.stdout.replace(" ", ""), done.stdout


@pytest.mark.parametrize("text, said", [(None, "can't open file"), ("{", "is no notebook"), ("[]", "is no notebook")])
def test_what_is_no_notebook(tmp_path, text, said):
    path = tmp_path / "a.ipynb"
    if text is not None:
        path.write_text(text)
    done = subprocess.run([sys.executable, "-m", "theanojax", "run", str(path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("theanojax: ") and said in done.stderr and "Traceback" not in done.stderr


def test_install_kernel(tmp_path):
    for name, shown in (("theanojax", "Python (theanojax)"), ("python2", "Python 2 (theanojax)")):
        done = command("install-kernel", "--user", "--name", name, JUPYTER_DATA_DIR=str(tmp_path))
        with open(os.path.join(done.stdout.strip(), "kernel.json")) as file:
            spec = json.load(file)
        assert spec["display_name"] == shown and spec["argv"][-2:] == ["--ext", "theanojax"]
        assert spec["argv"][0] == sys.executable and bool(spec["env"]) is (name == "python2")
    done = command("install-kernel", "--user", "--name", "no name", JUPYTER_DATA_DIR=str(tmp_path))
    assert done.returncode == 2 and done.stderr.startswith("theanojax install-kernel: Invalid kernel name")
