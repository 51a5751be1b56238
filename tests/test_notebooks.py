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
