"""Programs that `theanojax run` runs: what Python, numpy and scipy have removed or moved, and strings of Python 2."""

import importlib.util
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tests.test_legacy_runner import evaluate
from theanojax.legacy import moved, old_numpy, old_scipy, script_names
from theanojax.legacy.byte_strings import ByteString

# One program a line, in either Python.
NAMES = """
import collections; collections.Iterable, collections.Mapping
from collections import MutableMapping, Callable
from time import clock; assert clock() >= 0
import fractions; assert fractions.gcd(4, 6) == 2
import inspect; assert inspect.getargspec(lambda a, b=1: 0) == (['a', 'b'], None, None, (1,))
import theano; assert inspect.getargspec(theano.function).args[:3] == ['inputs', 'outputs', 'mode']
import platform; len(platform.linux_distribution()) == 3, platform.dist()
import cgi; assert cgi.escape('<"') == '&lt;"' and cgi.escape('"', True) == '&quot;'
import imp; assert imp.new_module('x').__name__ == 'x'; assert imp.find_module('json')[2][2] == imp.PKG_DIRECTORY
import distutils.version as v; assert v.LooseVersion('1.10') > v.LooseVersion('1.9')
import distutils.version; assert distutils.version.LooseVersion('0.9') < '1.0'
from distutils.spawn import find_executable; find_executable('ls')
from distutils.util import strtobool; assert strtobool('yes') == 1
import asyncio; asyncio.coroutine
from unittest import TestCase; TestCase.assertItemsEqual, TestCase.assertEquals, TestCase.assertRegexpMatches
import xml.etree.cElementTree as ET; assert ET.fromstring('<a/>').tag == 'a'
from xml.etree import cElementTree; cElementTree.fromstring
import random; random.seed(1); random.jumpahead(3)
import threading as t; s = t.Thread(target=int); s.start(); s.join(); assert not s.isAlive()
import threading as t; assert isinstance(t.current_thread(), t.Thread) and not isinstance(t.current_thread(), t.Timer)
from threading import Thread; X = type('X', (Thread,), {}); assert not isinstance(Thread(), X) and not X().isAlive()
import array; a = array.array('b', [1]); a.fromstring(b'a'); assert len(a.tostring()) == 2
import scipy.misc; assert scipy.misc.comb(4, 2) == 6 and scipy.misc.factorial(3) == 6; scipy.misc.imread
from scipy.misc import logsumexp, imread, imresize, imsave, toimage, derivative
from scipy import misc; assert misc.central_diff_weights(3)[2] == .5 and misc.derivative(lambda x: x ** 2, 1., .1) > 1.9
import scipy; assert scipy.zeros(3).shape == (3,) and scipy.dot([1], [2]) == 2; scipy.random.rand(2); scipy.exp(1)
from scipy import *; zeros(2)
import scipy.signal; assert scipy.signal.gaussian(3, 1.).shape == (3,); scipy.signal.hanning(3)
from scipy.signal import gaussian, convolve2d
from scipy.integrate import simps, cumtrapz, trapz; assert simps([1., 1.]) == 1
from scipy.stats import nanmean; from scipy.linalg import pinv2
import numpy as np; assert np.random.random_integers(1, 1) == 1
import numpy as np; assert np.asscalar(np.array([1])) == 1 and np.rank([1]) == 1 and np.product([2, 3]) == 6
import numpy as np; assert np.float is float and np.int is int and np.float_ is np.float64 and np.Inf > 1
import numpy as np; assert len(np.lib.pad([1], 1, 'constant')) == 3; np.lib.stride_tricks.as_strided
from numpy.lib.function_base import meshgrid; from numpy.lib.stride_tricks import as_strided
import numpy.lib.index_tricks as it; it.r_
from numpy.core.umath_tests import inner1d; assert inner1d(np.ones(2), np.ones(2)) == 2
import numpy.core.multiarray; numpy.core.multiarray.array; numpy.core.numeric.ones; numpy.core.defchararray.add
import numpy as np; np.array([[1], [1, 2]]); np.array(np.ones(2), copy=False)
import numpy as np; np.zeros(3.), np.ones((2., 3)), np.linspace(0, 1, 1e1); np.random.uniform(size=2.)
import numpy as np; np.testing.Tester; np.testing.utils.assert_equal; from numpy.testing.decorators import *
import numpy as np; np.fromstring('ab', dtype='uint8'); np.asfarray([1]); np.cast['float32'](3)
from _ast import Num; import ast; assert issubclass(Num, ast.AST) and ast.Str
import numpy as np; assert np.core.numerictypes.find_common_type([], ['f4', 'i8']) == np.float64
import numpy.dual; numpy.linalg.linalg.LinAlgError; np.alen([1])
import base64; base64.encodestring(b'a'), base64.decodestring(b'YQ==')
import pipes; assert pipes.quote('a b') == "'a b'"
import numpy as np; assert repr([np.float64(1.0)]) == '[1.0]' and str([np.float32(2)]) == '[2.0]'
"""

NAMES_OF_2 = """
import string; assert string.maketrans('a', 'b'); string.letters; string.join(['a']); string.upper('a')
import os, sys; assert os.getcwdu() and sys.maxint
import itertools; itertools.izip, itertools.imap; import operator; assert operator.div(3, 2) == 1
import types; types.StringType, types.StringTypes, types.ListType
import urllib; assert urllib.quote('a b') == 'a%20b' and urllib.urlencode({'a': 1}) == 'a=1'
import xml.etree.ElementTree as E; e = E.fromstring('<a/>'); assert e.getchildren() == [] and list(e.getiterator())
import HTMLParser; assert HTMLParser.HTMLParser().unescape('&lt;') == '<'
import numpy as np; a = np.arange(10); a[2.0], a[:3.0]; a.reshape(2., 5)[[slice(0, 1), slice(0, 2)]]
import numpy as np; assert not (-np.array([True]))[0] and (-np.arange(2)).tolist() == [0, -1]
import os.path; assert os.path.join('a', u'b'.encode('ascii')) == 'a/b'
"""

PROGRAM = """
import sys
failed = []
for line in %r.strip().split(chr(10)):
    try:
        exec(line)
    except BaseException:
        failed.append((line, sys.exc_info()[1]))
print(failed)
"""


@pytest.mark.parametrize("python, lines", [("-2", NAMES + NAMES_OF_2), ("-3", NAMES)])
def test_removed_names(tmp_path, python, lines):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM % lines)
    done = subprocess.run(
        [sys.executable, "-m", "theanojax", "run", python, str(path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout == "[]\n", (done.stdout, done.stderr)


def test_every_row_of_the_table_leads_somewhere():
    installed_by_some = ("sklearn", "joblib", "numpy.polynomial", "matplotlib")
    for rows in (*moved.NAMES.values(), *moved.NAMES_SINCE_2.values()):
        for path in rows.values():
            if not path.startswith(installed_by_some) or importlib.util.find_spec(path.partition(".")[0]):
                assert moved.find(path) is not None
    for path in moved.MODULES.values():
        if not path.startswith(installed_by_some):
            moved.find(path)


def test_images_of_scipy():
    picture = np.arange(12.0).reshape(3, 4)
    stretched = old_scipy.bytescale(picture)
    assert stretched.dtype == np.uint8 and (stretched.min(), stretched.max()) == (0, 255)
    pytest.importorskip("PIL")
    assert old_scipy.imresize(picture, (6, 8)).shape == (6, 8) and old_scipy.imresize(picture, 0.5).shape == (1, 2)


def test_arguments_that_scipy_took():
    linalg = script_names.stand_in("scipy.linalg")
    matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(matrix @ linalg.solve(matrix, [1.0, 2.0], sym_pos=True), [1, 2])
    optimize = script_names.stand_in("scipy.optimize")
    found = optimize.fmin_l_bfgs_b(lambda x: (x[0] ** 2, 2 * x), np.array([3.0]), disp=0, iprint=-1, maxiter=20)
    np.testing.assert_allclose(found[0], 0, atol=1e-5)
    np.testing.assert_allclose(linalg.eigh(matrix, eigvals=(1, 1))[0], np.linalg.eigvalsh(matrix)[1:])


def test_what_exec_defines_in_a_function():
    text = "def f():\n    exec('import decimal as d')\n    return eval('d.Decimal')\nvalue = f()\nexec('other = 1')\n"
    names = {"__builtins__": script_names.script_builtins(False)}
    exec(text, names)
    assert names["value"].__name__ == "Decimal" and names["other"] == 1


def test_the_setting_of_printing_is_left_as_it_was():
    before = np.get_printoptions()
    setting = old_numpy.print_as_then()
    assert repr(np.float64(1)) == "1.0"
    old_numpy.print_as(setting)
    assert np.get_printoptions() == before


# ---- strings

B = "b = u'h\\u00e9'.encode('utf-8')\n"


@pytest.mark.parametrize(
    "source, value",
    [
        ("result = 'a'.encode('utf-8') + 'b' + u'c'.encode('ascii')", "abc"),
        (B + "result = len(b), b == u'h\\xe9', b.decode('utf-8'), '<%s>' % b", (3, True, "hé", "<hé>")),
        (B + "result = isinstance(b, str), isinstance(b, (int, basestring)), isinstance(b, int)", (True, True, False)),
        (B + "result = {b: 1}[u'h\\xe9'], {'h\\xe9': 2}[b], 'h' in b, '{0}'.format(b)", (1, 2, True, "hé")),
        (B + "result = ', '.join(['a', b]), b[0], b[:1] + 'x'", ("a, hé", "h", "hx")),
        (B + "result = 'oh\\xe9'.endswith(b), 'ah\\xe9a'.split(b), b.startswith('h')", (True, ["a", "a"], True)),
        ("b = 'a,b'.encode('ascii')\nresult = b.split(','), [b], ord(b[0])", (["a", "b"], ["a,b"], 97)),
        (
            "result = repr('a'.encode('ascii')), str('a'.encode('ascii')), b'a' + 'b', 'b' + b'a'",
            ("'a'", "a", "ab", "ba"),
        ),
        (r"result = '\\n'.decode('string_escape'), '\n'.encode('string_escape')", ("\n", "\\n")),
        ("result = 'é'.decode('utf-8'), 'Ã©'.decode('utf-8')", ("é", "é")),  # the second: bytes of an old pickle
        ("import struct\nresult = struct.pack('2B', 1, 65)[1] + 'b', struct.unpack('B', b'\\x05')", ("Ab", (5,))),
        ("import base64\nresult = base64.b64encode('ab') + '!', [c for c in b'ab']", ("YWI=!", ["a", "b"])),
        ("import zlib\nresult = zlib.decompress(zlib.compress('ab')) + '.'", "ab."),
        ("import json\nresult = json.dumps({'a': 'b'.encode('ascii')})", '{"a": "b"}'),
        ("import cPickle as p\nresult = p.loads(p.dumps({'a': 1})), isinstance(p.dumps(1), str)", ({"a": 1}, True)),
        (
            "from StringIO import StringIO\nimport cPickle\ns = StringIO()\ncPickle.dump([1], s)\ns.seek(0)\n"
            "result = cPickle.load(s)",
            [1],
        ),
        (
            "import subprocess as s\np = s.Popen(['cat'], stdin=s.PIPE, stdout=s.PIPE)\n"
            "result = p.communicate('a\\nb')[0].split('\\n')",
            ["a", "b"],
        ),
        ("import hashlib\nresult = hashlib.md5('a'.encode('utf-8') + 'b').hexdigest()[:1] < 'x'", True),
    ],
)
def test_byte_strings(source, value):
    assert evaluate("# coding: utf-8\n" + source) == value


def test_a_file_gives_byte_strings_to_the_program_alone(tmp_path):
    (tmp_path / "data").write_bytes(b"one\ntwo\n")
    source = f"f = open({str(tmp_path / 'data')!r}, 'rb')\nresult = [f, f.read().split('\\n')]"
    file, lines = evaluate(source)
    assert lines == ["one", "two", ""]
    file.seek(0)
    assert type(file.read()) is bytes  # what a library reads
    file.close()


def test_what_bytes_do():
    data = ByteString(b"ab")
    assert data == b"ab" and data != "a" and data < "b" and data <= "ab" and data > b"a" and data >= "ab"
    assert data * 2 == "abab" and data.upper() == "AB" and data.partition("b") == ("a", "b", "")
    assert bytes(data) == b"ab" and type(data.decode()) is str and data.encode("utf-8") is data
    with pytest.raises(IndexError):
        data[5]
    with pytest.raises(TypeError):
        3 + data


def test_modules_that_imp_loads_are_in_the_python_of_the_program(tmp_path):
    (tmp_path / "part.py").write_text("half = 3 / 2\n")
    path = tmp_path / "program.py"
    path.write_text(
        textwrap.dedent(
            """
            import imp
            m = imp.load_source('part', 'part.py')
            print m.half, imp.load_module('part', *imp.find_module('part')).half, reload(m).half
            """
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "theanojax", "run", str(path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout == "1 1 1\n", done.stderr
