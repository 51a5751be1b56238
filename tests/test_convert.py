"""`theanojax convert`: what old programs print when they are converted, what the text looks like, what is said."""

import ast
import os
import subprocess
import sys
import textwrap

import pytest

from theanojax.legacy import convert, kinds, modern
from theanojax.legacy.edits import Edits

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "old_programs")


def python(*words, **options):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, **options)


def command(*words, **options):
    return python("-m", "theanojax", *words, **options)


def converted(source, **options):
    return modern.convert(textwrap.dedent(source), "x.py", **options)


# ---- programs


@pytest.mark.parametrize("name", sorted(name for name in os.listdir(PROGRAMS) if name.endswith(".py")))
def test_a_converted_program_prints_what_run_prints(tmp_path, capsys, name):
    path = os.path.join(PROGRAMS, name)
    run = command("run", path, cwd=tmp_path)
    assert run.returncode == 0 and run.stdout, run.stderr
    assert convert.main(path, str(tmp_path)) == 0
    new = python(str(tmp_path / name), cwd=tmp_path)
    assert (new.stdout, new.returncode) == (run.stdout, 0), new.stderr
    # What is in Python 3 and has today's names stays as it is.
    assert convert.main(str(tmp_path / name), None, version=3, diff=True) == 0
    assert not capsys.readouterr().out


def test_a_package(tmp_path):
    """Imports without dots, a module that could be either, a data file; to another folder."""
    package = tmp_path / "old" / "pack"
    package.mkdir(parents=True)
    for name, text in {
        "__init__.py": "import layers\n",
        "layers.py": "from sizes import half\nimport sizes, os\nimport inner.deep\n"
        "class Layer:\n    n = half(7) + inner.deep.n\nprint 'layers'\n",
        "inner/__init__.py": "",
        "inner/deep.py": "import string\nn = string.n / 2\n",
        "inner/string.py": "n = 3\n",
        "sizes.py": "def half(n):\n    return n / 2\npairs = zip([1], [2])\n",
        "said.py": "import sys\ndef say(x):\n    print(x / 2, file=sys.stderr)\n",
        "data.txt": "3\n",
    }.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text)
    main = "import os, pack\nfrom pack import layers, sizes\nprint layers.Layer.n, sizes.pairs, 3 / 2,\n"
    (tmp_path / "old" / "main.py").write_text(main + "print open(os.path.join(pack.__path__[0], 'data.txt')).read()\n")
    (package / "__pycache__").mkdir()
    done = command("convert", str(tmp_path / "old"), "-o", str(tmp_path / "new"))
    assert done.returncode == 0, done.stderr
    assert "sizes.py:2: division may be of integers" in done.stderr
    assert sorted(os.listdir(tmp_path / "new" / "pack")) == [
        "__init__.py",
        "data.txt",
        "inner",
        "layers.py",
        "said.py",
        "sizes.py",
    ]
    assert (
        (tmp_path / "new" / "pack" / "layers.py")
        .read_text()
        .startswith("from .sizes import half\nimport os\nfrom . import sizes\nfrom . import inner\n")
    )
    # What only Python 3 can read is left alone, as `run` does.
    assert (tmp_path / "new" / "pack" / "said.py").read_text() == (package / "said.py").read_text()
    run = command("run", str(tmp_path / "old" / "main.py"))
    new = python(str(tmp_path / "new" / "main.py"), cwd="/")
    assert new.stdout == run.stdout == "layers\n4 [(1, 2)] 1 3\n\n", (new.stderr, run.stderr)


# ---- text


@pytest.mark.parametrize(
    "old, new",
    [
        ("print 'a', 1  # say so\n", "print('a', 1)  # say so\n"),
        ("n = len(x) / 2\nm = n / 3 + 1\n", "n = len(x) // 2\nm = n // 3 + 1\nprint()\n"),
        ("y = x / 2.\nz = y / 3\n", "y = x / 2.\nz = y / 3\nprint()\n"),
        ("for k, v in d.iteritems(): print k\n", "for k, v in d.items(): print(k)\n"),
        ("for k in d.keys(): print k\n", "for k in d.keys(): print(k)\n"),
        ("for k in d.keys(): del d[k]\n", "for k in list(d.keys()): del d[k]\nprint()\n"),
        ("x = d.has_key(1) or 0777 <> 10L\n", "x = 1 in d or 0o777 != 10\nprint()\n"),
        ("import numpy as np\nx = np.float(1), np.int\n", "import numpy as np\nx = float(1), int\n"),
        ("import numpy as np\nx = np.cast['int8'](3)\n", "import numpy as np\nx = np.asarray(3, dtype='int8')\n"),
        ("import numpy as np\nx = np.zeros((3., n))\n", "import numpy as np\nx = np.zeros((3, n))\n"),
        ("from numpy import product as p, pi\n", "from numpy import prod as p, pi\n"),
        ("import scipy.misc\nx = scipy.misc.comb(3, 2)\n",
         "import scipy.special\nimport scipy\nx = scipy.special.comb(3, 2)\n"),
        ("from scipy.misc import imread, logsumexp\n",
         "from theanojax.legacy.old_scipy import imread\nfrom scipy.special import logsumexp\n"),
        ("from collections import Mapping, deque\n",
         "from collections.abc import Mapping\nfrom collections import deque\n"),
        ("import imp, os\n", "import theanojax.legacy.old_imp as imp, os\n"),
        ("f = open('a')\nimport pickle\nx = pickle.load(f)\n",
         "f = open('a', 'rb')\nimport pickle\nx = pickle.load(f, encoding=\"latin1\")\n"),
        ("x = 0777L <> 010L\nprint x\n", "x = 0o777 != 0o10\nprint(x)\n"),
        ("raise ValueError, 'no'\n", "raise ValueError('no')\nprint()\n"),
        ("raise E, v, tb\n", "raise E(v).with_traceback(tb)\nprint()\n"),
        ("raise kind, v, tb\n", "raise v.with_traceback(tb)\nprint()\n"),
        ("l = sorted(l, cmp=f)\nprint l\n", "import functools\nl = sorted(l, key=functools.cmp_to_key(f))\nprint(l)\n"),
        ("def f((a, b)): return a\nprint f\n", "def f(pair): (a, b) = pair; return a\nprint(f)\n"),
        ("x = a == None or b != None\nprint x\n", "x = a is None or b is not None\nprint(x)\n"),
        ("print u'a'.encode('utf-8')\n", "print('a')\n"),
        ("print 'a\\n',\nfor line in open('a'): print line,\n",
         "print('a\\n', end='')\nfor line in open('a'): print(line, end='')\n"),
        ("import cPickle as pickle, string\nprint string.letters, string.join(w, '-')\n",
         "import pickle, string\nprint(string.ascii_letters, '-'.join(w))\n"),
        ("#!/usr/bin/env python2.7\n# -*- coding: latin-1 -*-\nprint 1\n", "#!/usr/bin/env python3\nprint(1)\n"),
        ("import subprocess as s\nx = s.check_output(['ls'])\nprint x\n",
         "import subprocess as s\nx = s.check_output(['ls'], universal_newlines=True)\nprint(x)\n"),
        ("if x:\n\tprint 1\n        print 2\n", "if x:\n        print(1)\n        print(2)\n"),
        ("x = map(None, a, b)\nprint x\n", "import itertools\nx = list(itertools.zip_longest(a, b))\nprint(x)\n"),
        ("m = (a > 0) - (b > 0)\nprint m\n",
         "from theanojax.legacy.as_in_python2 import subtract\nm = subtract((a > 0), (b > 0))\nprint(m)\n"),
        ("print numpy.zeros(3)\n", "import numpy\nprint(numpy.zeros(3))\n"),
    ],
)  # fmt: skip
def test_text(old, new):
    if new.endswith("\nprint()\n"):  # by which it is known to be in Python 2
        old += "print\n"
    assert converted(old).text == new


HELPED = """\
from theanojax.legacy.as_in_python2 import cmp, div, idiv, round
def f(a, b):
    a = idiv(a, b)
    return div(a, (b + 1)) + round(cmp(a, b))
print(f)
"""


def test_what_only_a_run_can_tell_is_left_to_a_run_and_said():
    made = converted("def f(a, b):\n    a /= b\n    return a / (b + 1) + round(cmp(a, b))\nprint f\n")
    assert made.text == HELPED
    assert made.notes == [(2, "division may be of integers"), (3, "division may be of integers")]


def test_flags_are_set_before_ours_is_imported():
    text = converted("import os\nos.environ['THEANO_FLAGS'] = ''\nimport theano\nprint a / b\n").text
    assert text.index("environ") < text.index("as_in_python2")


@pytest.mark.parametrize(
    "source, line, said",
    [
        ("print 1\nexec code\n", 2, "the text that exec runs has to be in Python 3"),
        ("exec 'half = 5 / 2'\n", 1, "the text that exec runs has to be in Python 3"),
        ("print 1\nexecfile('a.py')\n", 2, "the file that is run here has to be converted, too"),
        ("class C(Base):\n    def __eq__(self, o): print 1\n", 1, "without __hash__ has no hash"),
        ("def g(it):\n    print 1\n    yield it.next()\n", 3, "StopIteration from next"),
        ("print 1\nx = u'a'.encode('utf-8')\n", 2, "encode gives bytes"),
        ("print x,\n", 1, "the blank at the end"),
        ("import sets\nprint 1\n", 1, "no module sets"),
        ("print 1\nf = open('a', 'wb')\nf.write('a')\n", 2, "a binary file reads and writes bytes"),
        ("x = zip([1], [2])\n", 1, "taken for Python 3; -2 takes it for the other"),
        ("print 1\nraise 'text'\n", 2, "string exceptions"),
    ],
)
def test_notes(source, line, said):
    notes = converted(source).notes
    assert any(at == line and said in what for at, what in notes), notes


def test_what_a_number_is():
    source = """
    import numpy as np, theano.tensor as T
    a, b = 3, 2.5
    for i in range(3): c = i + a
    n, m = X.shape
    d = e = 0
    d += 1
    e += 0.5
    def f(p, q=3):
        a = p
        return a
    x = T.dmatrix('x')
    k = T.iscalar()
    g = np.mean(X) * a
    h = np.zeros(3, dtype='int32')
    """
    tree = ast.parse(textwrap.dedent(source))
    kind = kinds.Kinds(tree)
    found = {name: kind(ast.Name(name, ast.Load())) for name in "abcnmdexkgh"}
    want = dict.fromkeys("acnmdkh", "int") | dict.fromkeys("bxg", "float") | {"e": None}
    assert found == want
    assert kind(tree.body[-5].body[0].value) is None  # a parameter


def test_changes_of_a_text():
    edits = Edits("f(a, (b), # a comment\n  c,)\n", "x.py")
    call = edits.tree.body[0].value
    edits.wrap(call, "g(")
    edits.wrap(call.args[0], "h(")
    edits.add_argument(call, "d=1")
    assert edits.result() == "g(f(h(a), (b), # a comment\n  c,d=1))\n"
    edits.replace_node(call.args[0], "x")
    edits.replace_node(call.args[0], "y")
    with pytest.raises(ValueError, match="two changes at one place"):
        edits.result()


# ---- the command


def test_diff_and_check_and_standard_output(tmp_path):
    path = tmp_path / "old.py"
    path.write_text("print 1 / x\n")
    text = "from theanojax.legacy.as_in_python2 import div\nprint(div(1, x))\n"
    assert command("convert", str(path)).stdout == text
    diff = command("convert", "--diff", str(path)).stdout
    assert diff.startswith(f"--- {path}\n+++ {path}\n") and "-print 1 / x\n" in diff
    check = command("convert", "--check", str(path))
    assert (check.returncode, check.stdout) == (1, "")
    assert check.stderr == f"{path}:1: division may be of integers\n"
    (tmp_path / "new.py").write_text("print(1)\n")
    assert command("convert", "--check", str(tmp_path / "new.py")).returncode == 0
    (tmp_path / "out").mkdir()
    path.chmod(0o755)
    assert command("convert", str(path), "-o", str(tmp_path / "out")).returncode == 0
    assert (tmp_path / "out" / "old.py").read_text() == text and os.access(tmp_path / "out" / "old.py", os.X_OK)
    assert path.read_text() == "print 1 / x\n"


@pytest.mark.parametrize(
    "words, status, said",
    [
        (("no_such.py",), 2, "can't open file 'no_such.py': no such file"),
        (("bad.py",), 1, "bad.py:2: invalid syntax: x = = 2"),
        ((".",), 2, "a folder needs -o"),
        (("good.py", "-o", "none/good.py"), 2, "can't write 'none/good.py'"),
        (("--diff", "--check", "bad.py"), 2, "not allowed with"),
        (("bad.ipynb",), 2, "is no notebook"),
        ((), 2, "usage: theanojax convert"),
    ],
)
def test_what_cannot_be_converted(tmp_path, words, status, said):
    (tmp_path / "bad.py").write_text("print 1\nx = = 2\n")
    (tmp_path / "good.py").write_text("print 1\n")
    (tmp_path / "bad.ipynb").write_text("{")
    pytest.importorskip("nbformat")
    done = command("convert", *words, cwd=tmp_path)
    assert done.returncode == status and said in done.stderr and "Traceback" not in done.stderr, done.stderr
