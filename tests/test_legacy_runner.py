"""`python -m theanojax run`: Python 2 scripts, and names that Python and numpy have removed."""

import copy
import io
import os
import pickle
import subprocess
import sys
import textwrap
import types
import warnings

import numpy as np
import pytest

from theanojax.legacy import python2, runner, script_names


def evaluate(source, name="result", version=None):
    """What `source`, in Python 2 or 3, leaves in `name`."""
    first = "# python 2\nbackticks = `0`\n" if version is None else ""
    code, is_python2 = python2.compile_source(first + textwrap.dedent(source), "script.py", version=version)
    assert is_python2 == (version != 3)
    names = {"__name__": "script", "__builtins__": script_names.script_builtins(is_python2)}
    exec(code, names)
    return names[name]


def run_script(folder, text, *arguments, name="script.py", encoding="utf-8", **files):
    """Run a script, with other modules beside it, in a process of its own."""
    for module, content in files.items():
        (folder / f"{module}.py").write_text(textwrap.dedent(content))
    path = folder / name
    path.write_bytes(textwrap.dedent(text).encode(encoding))
    command = [sys.executable, "-m", "theanojax", "run", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HOME": str(folder)})


# ---- syntax


@pytest.mark.parametrize(
    "source, value",
    [
        ("result = 3 <> 4", True),
        ("result = 0777 + 10L", 521),
        ("result = 010L + 0xFFL + 0L + 0", 263),
        ("result = {1: 2}.has_key(1)", True),
        ("try:\n    raise ValueError, 'no'\nexcept ValueError, e:\n    result = str(e)", "no"),
        ("def f((a, b), c): return a + b + c\nresult = f((1, 2), 3)", 6),
        ("result = (lambda (a, b): a * b)((2, 3))", 6),
        ("exec 'result = 5'", 5),
        ("result = ur'\\d'", "\\d"),
        ("result = []\nfor k in {1: 2}.iteritems(): result.append(k)", [(1, 2)]),
        ("result = {1: 2}.keys() + [3]", [1, 3]),
        ("result = {1: 2}\nfor k in result.keys(): del result[k]", {}),
        ("class C:\n    def next(self): return 7\nresult = C().next()", 7),
        ("class C:\n    def __nonzero__(self): return False\nresult = bool(C())", False),
        ("try:\n    raise KeyError('x'), None\nexcept KeyError, e:\n    result = e.args", ("x",)),
        ("try:\n    raise OSError, (2, 'no')\nexcept OSError, e:\n    result = e.errno", 2),
        ("try:\n    raise KeyError, KeyError('y')\nexcept KeyError, e:\n    result = e.args", ("y",)),
        ("try:\n    raise KeyError('x'), 'y'\nexcept TypeError, e:\n    result = str(e)[:18]", "instance exception"),
        (
            "import sys\ndef f(): raise IndexError\ntry:\n    try:\n        f()\n    except IndexError:\n"
            "        kind, value, where = sys.exc_info()\n        raise ValueError, 'v', where\n"
            "except ValueError, e:\n    where = sys.exc_info()[2]\n    while where.tb_next: where = where.tb_next\n"
            "    result = where.tb_frame.f_code.co_name",
            "f",
        ),
        ("if 1:\n\tresult = 1\n        result += 1", 2),
    ],
)
def test_syntax(source, value):
    assert evaluate(source) == value


@pytest.mark.parametrize(
    "source, value",
    [
        ("result = 7 / 2", 3),
        ("result = -7 / 2", -4),
        ("result = 7 / 2.", 3.5),
        ("result = 7\nresult /= 2", 3),
        ("result = [7]\nresult[0] /= 2", [3]),
        ("class C: pass\nc = C()\nc.x = 7\nc.x /= 2\nresult = c.x", 3),
        ("result = True / 2", 0),
        ("class C:\n    def __div__(self, other): return 'div'\nresult = C() / 2", "div"),
        ("class C:\n    def __rdiv__(self, other): return 'rdiv'\nresult = 2 / C()", "rdiv"),
        ("class C:\n    def __idiv__(self, other): return 'idiv'\nresult = C()\nresult /= 2", "idiv"),
        ("result = (numpy.array([7, 8]) / 2).tolist()", [3, 4]),
        ("result = (numpy.array([7, 8]) / numpy.float32(2)).tolist()", [3.5, 4.0]),
        ("a = result = numpy.array([7., 8.])\nresult /= 2\nresult = a.tolist()", [3.5, 4.0]),
    ],
)
def test_division(source, value):
    assert evaluate(source) == value
    assert type(evaluate(source)) is type(value)


def test_future_division():
    code, _ = python2.compile_source("from __future__ import division\nprint >>out\nresult = 1 / 2\n", "script.py")
    names = {"__builtins__": script_names.script_builtins(True), "out": open(os.devnull, "w")}
    with names["out"]:
        exec(code, names)
    assert names["result"] == 0.5


@pytest.mark.parametrize(
    "source, value",
    [
        ("result = range(3) + [4]", [0, 1, 2, 4]),
        ("result = sum(xrange(4))", 6),
        ("result = map(None, [1, 2], [3])", [(1, 3), (2, None)]),
        ("result = map(lambda x: x + 1, (1, 2))", [2, 3]),
        ("result = filter(lambda c: c != 'a', 'abc')", "bc"),
        ("result = filter(None, (0, 1))", (1,)),
        ("result = zip([1], [2])", [(1, 2)]),
        ("result = reduce(lambda a, b: a * b, [2, 3])", 6),
        ("result = sorted([1, 3, 2], cmp=lambda a, b: b - a)", [3, 2, 1]),
        ("result = cmp(2, 1), round(2.5), round(-0.5), unichr(65)", (1, 3.0, -1.0, "A")),
        ("result = isinstance(u'a', basestring), unicode(3), long(4)", (True, "3", 4)),
        ("result = apply(max, (1, 2)), intern('a'), coerce(1, 2.)", (2, "a", (1.0, 2.0))),
        ("import itertools\nresult = list(itertools.izip([1], [2]))", [(1, 2)]),
        ("from itertools import imap\nresult = list(imap(abs, [-1]))", [1]),
        ("import string\nresult = string.join(['a', 'b'], '-') + string.letters[:2]", "a-bab"),
        ("import sys\nresult = sys.maxint > 2 ** 30", True),
        ("import cPickle as pickle\nresult = pickle.loads(pickle.dumps([1]))", [1]),
        ("from StringIO import StringIO\nresult = StringIO('x').read()", "x"),
        ("import Queue\nresult = Queue.Queue().empty()", True),
        ("from urllib import quote\nresult = quote('a b')", "a%20b"),
        ("import operator\nresult = operator.div(7, 2)", 3),
    ],
)
def test_names(source, value):
    assert evaluate(source) == value


def test_dumps_of_python2_strings(tmp_path):
    path = tmp_path / "data.pkl"
    path.write_bytes(b"S'\\xe9'\np0\n.")  # what Python 2 wrote for the byte string '\xe9'
    assert evaluate(f"import cPickle\nwith open({str(path)!r}) as f: result = cPickle.load(f)") == "\xe9"


def test_numpy_names():
    numpy = script_names.stand_in("numpy")
    assert (numpy.int, numpy.float, numpy.object) == (int, float, object)
    assert numpy.cast["float32"]([1]).dtype == np.float32
    assert numpy.float_ is np.float64 and np.isnan(numpy.NaN)
    assert numpy.product([2, 3]) == 6 and numpy.alltrue([1, 1])
    assert numpy.asscalar(np.ones(1)) == 1.0 and numpy.MachAr().eps == 2.0**-52
    assert numpy.find_common_type([np.float32], [np.int64]) == np.float32
    assert numpy.asfarray([1]).dtype == np.float64
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numpy.random.random_integers(1, 1) == 1
    assert numpy.dot is np.dot and "cast" in dir(numpy) and "cast" in numpy.__all__
    with pytest.raises(AttributeError, match="no_such_name"):
        numpy.no_such_name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # scipy's own, where it has them still
def test_scipy_names():
    scipy = script_names.stand_in("scipy")
    assert scipy.array([1.0])[0] == 1.0 and scipy.integrate.trapz([1.0, 3.0]) == 2.0
    assert scipy.integrate.simps([1.0, 1.0, 1.0], dx=2) == 4.0
    assert scipy.linalg.kron(np.eye(2), np.eye(2)).shape == (4, 4)
    assert round(float(scipy.misc.logsumexp([0.0, 0.0])), 6) == 0.693147 and scipy.misc.comb(4, 2) == 6
    assert scipy.stats.binom_test(1, 2) == 1.0 and scipy.signal.gaussian(3, 1.0)[1] == 1.0
    assert scipy.stats.norm is __import__("scipy.stats").stats.norm


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # numpy's own, where it has it still
def test_modules_that_are_gone():
    for line in ("import numpy.distutils", "import numpy, numpy.distutils as d", "from numpy import distutils"):
        assert evaluate(f"{line}\nresult = numpy.distutils.__name__").endswith("distutils")
    with pytest.raises(ModuleNotFoundError, match="numpy.no_such"):
        evaluate("import numpy.no_such")


def test_stand_ins_can_be_copied_and_pickled():
    for module in (
        script_names.stand_in("numpy"),
        script_names.stand_in("scipy"),
        script_names.stand_in("math", True),
        script_names.stand_in("urllib2", True),
    ):
        for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
            assert type(twin) is type(module) and dir(twin) == dir(module)


def test_a_stand_in_keeps_what_lasts():
    """A function of numpy is looked up once; what the program, or another, sets is seen."""
    numpy = script_names.stand_in("numpy")
    assert numpy.dot is np.dot and "dot" in vars(numpy) and numpy.random is numpy.random
    before = np.dot
    try:
        numpy.dot = max
        assert np.dot is max and numpy.dot is max
    finally:
        numpy.dot = before
    assert np.dot is before and numpy.dot is before
    np.own_of_this_test = 1
    assert numpy.own_of_this_test == 1
    np.own_of_this_test = 2
    assert numpy.own_of_this_test == 2
    del numpy.own_of_this_test
    assert not hasattr(np, "own_of_this_test") and not hasattr(numpy, "own_of_this_test")


def test_a_program_may_replace_what_a_stand_in_adds():
    real = types.ModuleType("real")
    module = script_names.StandIn(real, {"clock": max, "made": script_names.Late(list), "never": min})
    assert module.clock is max and module.made == []
    module.clock, module.made = min, 2
    assert (module.clock, module.made, real.clock) == (min, 2, min)
    del module.clock
    assert not hasattr(module, "clock") and module.never is min


def test_arguments_that_numpy_took(tmp_path):
    """Floats for sizes and indices, lists of slices, ragged lists, integers that wrap; for these scripts alone."""
    values = evaluate(
        """
        import numpy as np
        from numpy.random import RandomState
        n, a, rng = 4.0, np.arange(10), np.random.RandomState(3)
        same = RandomState(3).uniform(size=2)
        b = np.zeros((3., n - 1)); b[1.0, 2.0] = 5; b[[slice(0, 1), 0]] += 1
        class Part: pass
        part = Part(); part.rows = [np.arange(4)]; part.rows[0][n - 3] = 7
        d = {2.0: 1}; d[3.0] = 2; del d[2.0]
        result = [
            a[n], list(a[:n]), list(a[n:8.0:2]), list(a[[slice(0, 2.0)]]), list(a.reshape(2, 5)[1, :2.0]), b.sum(),
            a[[0.0, n]].tolist(), a[[...]].size, np.ones((3, 2))[[None, 2]].shape,
            list(part.rows[0]), d, len(np.linspace(0, 1, 1e1)), np.tile([1], 2.0).tolist(), np.eye(2.0).trace(),
            np.array([[1], [1, 2]]).dtype.kind, np.asarray([-1], 'uint8').tolist(), np.array(a, copy=False) is a,
            np.fromstring('\\x01\\x00', 'int16').tolist(), np.fromstring('1 2', sep=' ').tolist(),
            rng.uniform(size=2.0).tolist() == same.tolist(), rng.random_integers(2, 2, 3.0).tolist(),
            isinstance(np.random.mtrand._rand, RandomState), np.random.permutation(3.0).shape,
        ]
        """
    )
    assert values == [
        *[4, [0, 1, 2, 3], [4, 6], [0, 1], [5, 6], 6.0, [0, 4], 10, (1, 2), [0, 7, 2, 3], {3.0: 2}, 10, [1, 1], 2.0],
        *["O", [255], True, [1], [1.0, 2.0], True, [2, 2, 2], True, (3,)],
    ]
    with pytest.raises(TypeError):
        np.zeros(3.0)
    with pytest.raises(IndexError):
        np.arange(3)[1.0]


@pytest.mark.parametrize("version", [None, 3], ids=["2", "3"])
def test_masks_and_methods_of_arrays(version):
    """What numpy took until 1.12, and 2.0: in programs in Python 3, too."""
    values = evaluate(
        """
import numpy as np
import theano.tensor as T
a = np.arange(6)
mask = a > 2
b = a.copy()
b[-mask] = 9
n = len(a) / 2.0
class Own:
    def reshape(self, *shape): return shape
result = [
    b.tolist(), a[-mask].tolist(), (-a).tolist(), bool(-mask[0]), a.reshape(2, n).shape, a.reshape((n, 2)).shape,
    Own().reshape(1.5), a[np.floor([1.5, 2.5])].tolist(), a.ptp(), a.astype('int8').tostring() == bytes(range(6)),
    T.neg(T.arange(3))[-1].eval().tolist(), (-T.arange(3)).eval().tolist(),
]
""",
        version=version,
    )
    assert values == [
        *[[9, 9, 9, 3, 4, 5], [0, 1, 2], [0, -1, -2, -3, -4, -5], True, (2, 3), (3, 2)],
        *[(1.5,), [1, 2], 5, True, -2, [0, -1, -2]],
    ]
    with pytest.raises(TypeError):
        -np.array([True])


@pytest.mark.parametrize(
    "source, value",
    [
        ("result = (lambda a, (b, c), d=4: [a, b, c, d])(1, (2, 3))", [1, 2, 3, 4]),
        ("try:\n    raise ValueError, 'no'\nexcept ValueError, e: pass\nresult = e.message", "no"),
        ("class E(Exception):\n    message = 5\nresult = E('a', 'b').message, ValueError('a', 'b').message", (5, "")),
        (
            "def g(it):\n    'doc'\n    while True: yield it.next()\nresult = list(g(iter([1, 2]))), g.__doc__",
            ([1, 2], "doc"),
        ),
        ("def g():\n    yield 1\n    raise StopIteration\nresult = list(g())", [1]),
        (
            "import numpy\na = numpy.arange(3)\nresult = [a == None, a != None, None == 3, 3 != None]",
            [False, True, False, True],
        ),
        ("result = unicode('a', 'utf-8') + unicode() + unicode(b'b', errors='ignore') + 'c'.decode('utf-8')", "abc"),
        (
            "class C:\n    def __unicode__(self): return u'x'\nresult = unicode(C()), isinstance('a', unicode)",
            ("x", True),
        ),
        (
            "result = ['ab'.encode('hex'), '6162'.decode('hex'), 'YWI='.decode('base64'), 'n'.encode('rot13')]",
            ["6162", "ab", "ab", "a"],
        ),
        ("import string\nresult = 'a,b'.translate(None, ',') + 'ab'.translate(string.maketrans('a', 'c'))", "abcb"),
        ("result = sorted([3, None, 'a', 1]), cmp(None, 1)", ([None, 1, 3, "a"], -1)),
        ("result = [2, None]\nresult.sort()", [None, 2]),
        (
            "class C:\n    def __init__(self, n): self.n = n\n    def __cmp__(self, o): return cmp(self.n, o.n)\n"
            "result = C(1) < C(2), C(1) == C(1), max(C(1), C(3)).n, C(2) >= C(3)",
            (True, True, 3, False),
        ),
        ("class C(object):\n    def __eq__(self, o): return True\nresult = len({C(): 1})", 1),
        ("class C:\n    def __eq__(self, o): return 1\n    def __hash__(self): return 3\nresult = hash(C())", 3),
        ("result = eval('7 / 2'), eval(' `1`'), eval('a / 2', {'a': 9})", (3, "1", 4)),
        ("exec 'result = [7 / 2, `1`]'", [3, "1"]),
        ("import math\nresult = math.floor(7.5) / 2, math.ceil(4.5) / 2, math.sqrt(4)", (3.5, 2.5, 2.0)),
        ("import sys\nreload(sys)\nsys.setdefaultencoding('utf-8')\nresult = 1", 1),
        ("import subprocess\nresult = subprocess.check_output(['echo', 'a']).split('\\n')", ["a", ""]),
        ("import hashlib\nresult = hashlib.md5('abc').hexdigest()[:4]", "9001"),
        ("import numpy\na = numpy.arange(3, dtype='int8')\nresult = a.tostring(), a.ptp()", (b"\0\1\2", 2)),
        (
            "import numpy as np\nresult = np.floor(5 / 2) / 4, (np.ceil(np.arange(3)) / 2).tolist()",
            (0.5, [0.0, 0.5, 1.0]),
        ),
        ("class C(dict):\n    def __eq__(self, o): return 1\nresult = C.__hash__", None),
        ("import exceptions\nresult = exceptions.ValueError('x').args", ("x",)),
    ],
)
def test_objects(source, value):
    assert evaluate(source) == value


@pytest.mark.parametrize(
    "source, shown",
    [
        ("raise ValueError, 'no'", "raise ValueError('no')"),
        ("raise a.E, 'no %d' % n", "raise a.E('no %d' % n)"),
        *[(f"raise {E}, {V}", f"raise __python2_raised__({E}, {V})") for E, V in [("e", "'a'"), ("E", "(1, 2)")]],
    ],
)
def test_what_a_notebook_shows(source, shown):
    assert python2.to_python3(source, "<cell>", True) == shown


def test_where_a_variable_was_made_shows_the_script_alone(tmp_path):
    source = """
        import theano.tensor as T
        def half(x): return x / T.vector()
        print [(row[1], row[2]) for row in half(T.vector()).tag.trace[0]]
    """
    run = run_script(tmp_path, source)
    assert run.stdout == "[(4, '<module>'), (3, 'half')]\n", run.stderr


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_files_take_strings_and_bytes(tmp_path):
    source = """
        import csv, gzip, os
        folder = %r
        def path(name): return os.path.join(folder, name)
        for mode in 'w', 'wb', 'a', 'ab', 'r+b':
            f = open(path('mixed'), mode)
            print >>f, mode, 7 / 2
            f.write('a' + u'b'.encode('utf-8').decode('utf-8'))
            f.write(u'\\xe9'.encode('utf-8'))
            f.close()
        result = [file(path('mixed'), 'rU').read()]
        f = open(path('table'), 'wb')
        csv.writer(f).writerow([1, 'a'])
        f.close()
        result += list(csv.reader(open(path('table'), 'rb'))) + list(csv.DictReader(open(path('table'), 'rb'), 'xy'))
        f = gzip.open(path('z'), 'wb')
        f.write('text')
        f.close()
        result.append(gzip.open(path('z')).read())
        result += [line for line in gzip.open(path('z'))] + gzip.open(path('z')).readlines()
        result += [line.strip().split(',') for line in open(path('table'), 'rb')]
        result += open(path('table'), 'rb').readlines()
        open(path('old'), 'wb').write('caf\\xe9')
        text = open(path('old')).read()
        result.append(len(text))
    """
    mixed, *rest = evaluate(source % str(tmp_path))
    assert mixed == "r+b 3\nab\xe9" + "wb 3\nab\xe9a 3\nab\xe9ab 3\nab\xe9"[len("r+b 3\nab\xe9") :]
    assert rest == [["1", "a"], {"x": "1", "y": "a"}, b"text", "text", "text", ["1", "a"], "1,a\r\n", 4]


def test_the_print_statement(tmp_path):
    (tmp_path / "lines").write_text("one\ntwo\n")
    source = """
        import sys
        for line in open(sys.argv[1]): print line,
        for i in range(3): print i,
        print
        print 'a\\t',
        print 'b', u'c'.encode('utf-8')
        print ('a', 'b')
        print >>sys.stderr, 'e',
        print >>sys.stderr, 'f'
    """
    run = run_script(tmp_path, source, str(tmp_path / "lines"))
    assert run.stdout == "one\ntwo\n0 1 2 \na\tb c\n('a', 'b')\n"
    assert run.stderr == "e f\n"


def test_execfile_is_in_the_python_of_the_script(tmp_path):
    script = "import os\nexecfile(os.path.join(os.path.dirname(__file__), 'settings.py'))\nprint n"
    script += "\nnames = {}\nexecfile(os.path.join(os.path.dirname(__file__), 'settings.py'), names)\nprint names['n']"
    run = run_script(tmp_path, script, settings="n = 7 / 2\n")
    assert run.stdout == "3\n3\n", run.stderr


def test_lists_sorted_by_comparing():
    source = "l = [3, 1, 2]\n%s\nresult = l"
    for call, want in (
        ("l.sort(lambda a, b: cmp(b, a))", [3, 2, 1]),
        ("l.sort(cmp=lambda a, b: a - b)", [1, 2, 3]),
        ("l.sort(None, lambda a: -a)", [3, 2, 1]),
        ("l.sort(lambda a, b: a - b, lambda a: -a, True)", [1, 2, 3]),
        ("l.sort(reverse=True)", [3, 2, 1]),
        ("import numpy; l = numpy.array(l); l.sort(0); l = list(l)", [1, 2, 3]),
    ):
        assert evaluate(source % call) == want


def test_pickles_and_files_of_python2_in_python3_scripts(tmp_path):
    """A string of Python 2, and a file of objects, as the data sets of the tutorials are."""
    (tmp_path / "old.pkl").write_bytes(b"\x80\x02U\x02\xe9aq\x00.")
    np.save(tmp_path / "old.npy", np.array([[1], [1, 2]], dtype=object))
    text = "import pickle, numpy\nprint(ascii(pickle.load(open('old.pkl', 'rb'))), numpy.load('old.npy')[1])\n"
    done = run_script(tmp_path, "import os\nos.chdir(os.path.dirname(__file__))\n" + text)
    assert done.stdout == "'\\xe9a' [1, 2]\n", done.stderr


def test_picklers_whose_objects_say_what_is_kept_elsewhere():
    names = script_names.stand_in("pickle")
    kept, file = [1, 2], io.BytesIO()
    pickler = names.Pickler(file, 2)
    pickler.persistent_id = lambda value: "kept" if value is kept else None
    pickler.dump([kept, b"other"])
    file.seek(0)
    unpickler = names.Unpickler(file)
    unpickler.persistent_load = {"kept": kept}.get
    assert unpickler.load()[0] is kept
    assert names.Unpickler(io.BytesIO(b"S'\\xe9'\n.")).load() == "\xe9"  # of Python 2


def test_names_of_the_old_gpu_back_end(tmp_path):
    """What could be imported without a GPU in Theano 0.9; the rest fails, as programs expect."""
    text = """
        from theano.sandbox.cuda import cuda_available, cuda_enabled
        from theano.sandbox.cuda.type import CudaNdarrayType
        from theano.sandbox.cuda.dnn import dnn_available, dnn_pool
        import theano.tensor as T
        print(cuda_available, cuda_enabled, dnn_available(), isinstance(T.scalar().type, CudaNdarrayType))
        try:
            from theano.sandbox.cuda import gpu_from_host
        except ImportError as error:
            print(error)
        CudaNdarrayType((False,))
    """
    done = run_script(tmp_path, text)
    assert done.stdout.startswith("False False False False\ntheano.sandbox.cuda is the old GPU back-end"), done.stderr
    assert "RuntimeError: CudaNdarrayType: theanojax has no CUDA back-end" in done.stderr


def test_real_modules_are_left_alone():
    evaluate("import numpy, time, collections\nresult = numpy.cast, time.clock, collections.Mapping")
    import collections
    import time

    assert not hasattr(np, "cast") and not hasattr(time, "clock") and not hasattr(collections, "Mapping")


def test_assignments_reach_the_real_module(monkeypatch):
    monkeypatch.setattr(np, "an_attribute", 1, raising=False)
    evaluate("import numpy\nnumpy.an_attribute = 2\nresult = 0")
    assert np.an_attribute == 2


# ---- which Python a script is for


@pytest.mark.parametrize(
    "source, is_python2",
    [
        ("print('a')\n", False),
        ("print 'a'\n", True),
        ("print\n", True),
        ("import sys\nprint >>sys.stderr, 'a'\n", True),
        ("x = 1 / 2\n", False),
        ("for i in xrange(3): pass\n", True),
        ("xrange = range\nfor i in xrange(3): pass\n", False),
        ("from six.moves import xrange\nxrange(3)\n", False),
        ("import cPickle\n", True),
        ("try:\n    import cPickle\nexcept ImportError:\n    import pickle\n", False),
        ("whole = int if six.PY3 else (int, long)\n", False),
        ("if sys.version_info[0] < 3:\n    text = unicode\n", False),
        ("try:\n    text = unicode\nexcept NameError:\n    text = str\n", False),
        ("if six.PY3:\n    pass\nunicode(1)\n", True),
        ("for k, v in d.iteritems(): pass\n", True),
        ("six.iteritems(d)\n", False),
        ("#!/usr/bin/env python2.7\nprint('a')\n", True),
        ("import sys\ntext = unicode if sys.version_info[0] == 2 else str\n", False),
        ("try:\n    text = unicode\nexcept NameError:\n    text = str\n", False),
        ("if __name__ == '__main__':\n    unicode(1)\n", True),
    ],
)
def test_detection(source, is_python2):
    assert python2.compile_source(source, "script.py")[1] is is_python2


@pytest.mark.parametrize(
    "source, line",
    [("print 'a'\nx = = 2\n", 2), ("x = 1\ny = (\n", 2), ("def f():\nreturn 1\n", 2), ("print 'a'\nx = 'open\n", 2)],
)
def test_syntax_errors(source, line):
    with pytest.raises(SyntaxError) as info:
        python2.compile_source(source, "script.py")
    assert (info.value.filename, info.value.lineno) == ("script.py", line)


# ---- running


def test_arguments_and_main(tmp_path):
    done = run_script(tmp_path, "import sys\nprint __name__, sys.argv[1:], __file__ == sys.argv[0]\n", "a", "--b")
    assert done.stdout == "__main__ ['a', '--b'] True\n", done.stderr


@pytest.mark.parametrize("end, status", [("sys.exit(3)", 3), ("sys.exit()", 0), ("raise SystemExit, 'no'", 1), ("", 0)])
def test_exit_status(tmp_path, end, status):
    assert run_script(tmp_path, f"import sys\nprint 'x'\n{end}\n").returncode == status


def test_missing_script():
    assert runner.run("no/such/script.py", []) == 2


def test_traceback_shows_the_script(tmp_path):
    done = run_script(
        tmp_path,
        """\
        import sys
        def g((a, b)):
            print >>sys.stderr, "in g"; return a / b
        def f(n):
            return g((1, n))
        print f(0)
        """,
    )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if not set(line) <= set(" ^~")]
    path = tmp_path / "script.py"
    assert lines == [
        "in g",
        "Traceback (most recent call last):",
        f'  File "{path}", line 6, in <module>',
        "    print f(0)",
        f'  File "{path}", line 5, in f',
        "    return g((1, n))",
        f'  File "{path}", line 3, in g',
        '    print >>sys.stderr, "in g"; return a / b',
        "ZeroDivisionError: integer division or modulo by zero",
    ]


def test_modules_beside_the_script(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("print 'package'\nimport inner\n")
    (tmp_path / "package" / "inner.py").write_text("import numpy as np\nvalue = np.int(7) / 2\n")
    done = run_script(
        tmp_path,
        "from helper import half\nimport package.inner\nimport time\nprint half(5), package.inner.value, time.mine\n",
        helper="def half(n):\n    print 'helper',\n    return n / 2\n",
        time="mine = True\n",
    )
    # `time` is built in, and wins over a file, as it always has.
    assert "module 'time' has no attribute 'mine'" in done.stderr
    done = run_script(tmp_path, "from helper import half\nimport package.inner\nprint half(5), package.inner.value\n")
    assert done.stdout == "package\nhelper 2 3\n", done.stderr


def test_packages_as_old_as_those_that_need_them(tmp_path, monkeypatch):
    for name in ("fuel", "other"):
        (tmp_path / "site-packages" / name).mkdir(parents=True)
        (tmp_path / "site-packages" / name / "__init__.py").write_text("from collections import Iterable\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    finder = runner.ScriptFinder(str(tmp_path / "program"))
    assert isinstance(finder.find_spec("fuel").loader, runner.ScriptLoader) and finder.find_spec("other") is None


def test_modules_of_a_package_import_each_other_without_dots(tmp_path):
    package = tmp_path / "library"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helpers.py").write_text("def double(x):\n    return 2 * x\n")
    (package / "model.py").write_text("import helpers\nfrom helpers import double\nassert helpers.double is double\n")
    (package / "broken.py").write_text("import no_such_module\n")
    text = """
        from library.model import double
        print(double(21))
        try:
            import library.broken
        except ImportError as error:
            print(error)
        """
    done = run_script(tmp_path, text)
    assert done.stdout.splitlines() == ["42", "No module named 'no_such_module'"], done.stderr


def test_python3_scripts_run_as_they_are(tmp_path):
    done = run_script(
        tmp_path,
        "import numpy as np, time\nprint(1 / 2, range(2), np.float(3), time.clock() >= 0, np.cast['int8'](1).dtype)\n",
    )
    assert done.stdout == "0.5 range(0, 2) 3.0 True int8\n", done.stderr


def test_encodings(tmp_path):
    text = "# -*- coding: latin-1 -*-\nprint len(u'\xe9')\n"
    assert run_script(tmp_path, text, encoding="latin-1").stdout == "1\n"
    assert run_script(tmp_path, "# \xe9\nprint 1\n", encoding="latin-1").stdout == "1\n"


def test_numpy_without_an_import(tmp_path):
    done = run_script(tmp_path, "print numpy.asarray([1]), np.float\n")
    assert done.stdout == "[1] <class 'float'>\n", done.stderr


def test_import_theano(tmp_path):
    done = run_script(
        tmp_path,
        "import theano, theanojax\n"
        "from theano import tensor as T\n"
        "print theano.config is theanojax.config, T is theanojax.tensor\n",
    )
    assert done.stdout == "True True\n", done.stderr


EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples")


def run_example(name, *arguments):
    command = [sys.executable, "-m", "theanojax", "run", os.path.join(EXAMPLES, name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "name, printed", [("scan_pow.py", "[ 0.  1.  4.  9. 16. 25. 36. 49. 64. 81.]\n"), ("scan_polynomial.py", "19.0\n")]
)
def test_listings(name, printed):
    assert run_example(name) == printed


def test_ifelse_listing():
    both, one = (float(line.split()[-2]) for line in run_example("ifelse_switch.py").splitlines())
    assert one < both


def test_logistic_regression():
    assert "training examples predicted wrong: " in run_example("logistic_regression.py", "20")


def test_printing_listing(tmp_path):
    shown = run_example("printing.py", str(tmp_path))
    assert "gt((TensorConstant{1} / (TensorConstant{1} + exp(((-(x \\dot w)) - b)))), TensorConstant{0.5})" in shown
    assert sorted(os.listdir(tmp_path)) == ["predict.png", "prediction.png", "train.png"]


def test_the_profile_of_the_tutorial():
    command = [sys.executable, os.path.join(EXAMPLES, "profile.py"), "30"]
    environment = {k: v for k, v in os.environ.items() if k != "THEANO_FLAGS"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    for line in (
        "31 Theano fct call, ",
        " 30 train\n",
        " 1 predict\n",
        "Single Op-wise summary:",
        "Op-wise summary:",
        "Apply-wise summary:",
        " dot(x, w)\n",
        "Profile of Theano functions memory:",
        "    Memory saved by view (KB) 2450\n",
        "         2508800B  [2508800] v InplaceDimShuffle{1,0}(x)\n",
        "            6272B  [6272] i CGemv{inplace}(w, ",
        "  - Try the Theano flag floatX=float32\n",
    ):
        assert line in done.stdout, line


def test_the_tour_of_the_core():
    done = subprocess.run([sys.executable, os.path.join(EXAMPLES, "tour.py")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("docs/architecture.md says why.\n")
