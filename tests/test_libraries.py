"""Libraries of Theano's time: installed beside the stub, and what other libraries were to them."""

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from theanojax.legacy import old_pkg_resources, python2, script_names

STUBS = Path(__file__).resolve().parent.parent / "stubs"


def evaluate(source, name="result", for_python2=False):
    """What `source`, of an old program in Python 3, leaves in `name`."""
    tree, _ = python2.parse_source(source, "program.py", version=2 if for_python2 else 3)
    names = {"__name__": "program", "__builtins__": script_names.script_builtins(for_python2)}
    exec(python2.compile_tree(tree, "program.py", for_python2), names)
    return names[name]


# ---- a library that pip installs

LIBRARY = """
import collections
import numpy as np
import theano
import theano.tensor as T
from pkg_resources import get_distribution

assert get_distribution("Theano").version.startswith("1.0.5")


class Regression(object):
    def __init__(self, n, rate=0.1):
        assert not isinstance(n, collections.Iterable)
        x, y = T.matrix(), T.vector()
        self.w = theano.shared(np.zeros(n, dtype=np.float), name="w")
        cost = ((T.dot(x, self.w) - y) ** 2).mean()
        self.step = theano.function([x, y], cost, updates=[(self.w, self.w - rate * T.grad(cost, self.w))])

    def fit(self, x, y, epochs=200):
        for _ in range(epochs):
            cost = self.step(x[[slice(None), slice(0, x.shape[1])]], y)
        return float(cost)
"""

TRAIN = """
import numpy as np
from old_library import Regression

x = np.random.RandomState(0).randn(50, 3)
model = Regression(3)
assert model.fit(x, x.dot([1., -2., 3.])) < 1e-6
print(np.round(model.w.get_value(), 3).tolist())
"""


def write_wheel(folder, name, version, requires, files=()):
    """A wheel, as a build would write it; nothing is fetched to build it."""
    about = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {r}" for r in requires)]
    files = {
        **dict(files),
        f"{about}/METADATA": "\n".join(metadata) + "\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, text in {**files, f"{about}/RECORD": record}.items():
            wheel.writestr(file, text)


def test_a_library_that_pip_installs(tmp_path):
    """It requires Theano; pip takes the stub for it, leaves `theano` alone, and the library trains."""
    stub = tomllib.loads((STUBS / "theano" / "pyproject.toml").read_text())["project"]
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, stub["name"], stub["version"], stub["dependencies"])
    write_wheel(wheels, "old_library", "0.1", ["Theano>=1.0", "six"], {"old_library/__init__.py": LIBRARY})
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    ).stdout.strip()
    # Everything else that is installed here is there, too, theanojax for one.
    folders = [path for path in sys.path if "site-packages" in path]
    Path(site, "here.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in folders))
    pip = [sys.executable, "-m", "pip", "--python", python]
    done = subprocess.run(
        [*pip, "install", "-q", "--no-index", "--find-links", wheels, "old_library"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (tmp_path / "train.py").write_text(TRAIN)
    done = subprocess.run(
        [python, "-m", "theanojax", "run", "train.py"], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert done.stdout == "[1.0, -2.0, 3.0]\n", done.stderr


# ---- what Python 3 and numpy were


@pytest.mark.parametrize(
    "source, value",
    [
        ("a = np.eye(3)\nresult = a[[slice(0, 2), slice(0, 1)]].tolist()", [[1], [0]]),
        ("a = np.arange(4)\ni = 2.0\nresult = int(a[i])", 2),
        ("a = np.arange(4)\ni = [slice(1.0, 3)]\na[i] = 0\nresult = a.tolist()", [0, 0, 0, 3]),
        ("def first(i):\n    while True:\n        yield next(i)\nresult = list(first(iter([1, 2])))", [1, 2]),
        ("def first(i):\n    yield 0\n    yield from map(next, [i])\nresult = list(first(iter([])))", [0]),
        ("d = {'a': {(1, 2): 3}}\nk = 'a'\nresult = d[k][1, 2]", 3),
        ("from typing import get_type_hints\ndef f(x: 'list[int]') -> list[int]: ...\n"
         "result = get_type_hints(f)['return']", list[int]),
        ("from pkg_resources import parse_version as v\nresult = v('1.10') > v('1.9.0rc1')", True),
        ("import configparser\nresult = hasattr(configparser.ConfigParser(), 'readfp')", True),
    ],
)  # fmt: skip
def test_python3_programs(source, value):
    assert evaluate(source) == value


def test_generators_of_python_3_7(recwarn):
    source = "from __future__ import generator_stop\ndef g(i): yield next(i)\nresult = g(iter([]))"
    with pytest.raises(RuntimeError):
        list(evaluate(source))


def test_builtins_that_a_test_replaces(monkeypatch):
    names = {"__builtins__": script_names.script_builtins(False, live=True)}
    exec("def f():\n    import collections\n    return open, len, collections.Iterable", names)
    monkeypatch.setattr("builtins.open", "another")
    assert names["f"]()[:2] == ("another", len)
    with pytest.raises(NameError):
        exec("missing", names)


@pytest.mark.parametrize(
    "earlier, later",
    [
        ("1.0", "1.0.1"), ("1.0rc1", "1.0"), ("1.0a2", "1.0b1"), ("1.0.dev5", "1.0a1"), ("1.0", "1.0.post1"),
        ("0.9", "0.10"),
    ],
)  # fmt: skip
def test_versions(earlier, later):
    earlier, later = map(old_pkg_resources.parse_version, (earlier, later))
    assert earlier < later and later > earlier and earlier != later
    assert old_pkg_resources.parse_version("1.0") == old_pkg_resources.parse_version("1.0.0")


def test_distributions_and_resources():
    assert old_pkg_resources.get_distribution("numpy>=1.0").version == np.__version__
    with pytest.raises(old_pkg_resources.DistributionNotFound):
        old_pkg_resources.require("a-library-that-is-nowhere")
    assert b"Version" in old_pkg_resources.resource_string("theanojax", "legacy/old_pkg_resources.py")
    assert old_pkg_resources.resource_isdir("theanojax", "legacy")
    assert not old_pkg_resources.resource_exists("theanojax", "legacy/nothing")


# ---- h5py


H5PY = """
import h5py
with h5py.File("a.h5") as f:
    f.attrs["ascii"] = b"a"
    f.attrs["text"] = u"t"
    f.attrs["names"] = np.array([b"x", b"yy"])
    f.attrs["list"] = [b"x", b"yy"]
    g = f.create_group("g")
    g.attrs["ascii"] = b"b"
    g["x"] = np.arange(3)
    g.create_dataset("text", (2,), dtype=h5py.special_dtype(vlen=type(u"")))[:] = [u"u", u"v"]
f = h5py.File("a.h5")
f["g/x"].ndim = 1  # as pylearn2 does
result = [f.mode, f.attrs["ascii"], f.attrs["text"], [n.decode("utf8") for n in f.attrs["names"]],
          f["g"].attrs["ascii"], f["g/x"].value.tolist(), list(f["g"]["text"][:]), f["g/x"].parent.attrs.get("ascii"),
          isinstance(f, h5py.File), str(f.attrs["list"].dtype), f.fid is f.id,
          sorted(k for k, v in f["g"].items() if isinstance(v, h5py.Dataset)), dict(f["g/x"].file.attrs)["text"]]
f.close()
"""


@pytest.mark.parametrize("for_python2, ascii", [(False, bytes), (True, lambda text: text.decode())])
def test_files_of_h5py(tmp_path, monkeypatch, for_python2, ascii):
    h5py = pytest.importorskip("h5py")
    monkeypatch.chdir(tmp_path)
    a, b = ascii(b"a"), ascii(b"b")
    expected = ["r+", a, "t", ["x", "yy"], b, [0, 1, 2], ["u", "v"], b, True, "|S2", True, ["text", "x"], "t"]
    assert evaluate(H5PY, for_python2=for_python2) == expected
    with h5py.File("a.h5") as file:  # as it is for everyone else
        assert file.mode == "r" and file.attrs["ascii"] == "a" and not hasattr(file["g/x"], "value")
        assert (
            evaluate("import h5py\nresult = h5py.File('a.h5').mode") == "r"
        )  # it is being read, and not to be written


# ---- scikit-learn


SKLEARN = """
from sklearn.cross_validation import KFold, ShuffleSplit, StratifiedKFold, train_test_split, cross_val_score
from sklearn.grid_search import GridSearchCV
from sklearn.datasets import fetch_mldata, load_boston
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import Ridge

class Mean(BaseEstimator):
    def __init__(self, shift=0.0, names=(), unset=None):
        self.shift, self.names = shift, list(names)

    def fit(self, X, y):
        self.mean = y.mean()
        return self

    def score(self, X, y):
        return -abs(y.mean() - self.mean - self.shift)

y = np.arange(12) % 2
X = y.reshape(-1, 1)
folds = [(len(train), y[test].tolist()) for train, test in StratifiedKFold(y, 3.0)]
search = GridSearchCV(Mean(names=["a"]), {"shift": [1.0, 0.0]}, cv=KFold(12, 2)).fit(X, y)
scores = [(s.parameters["shift"], s.mean_validation_score) for s in search.grid_scores_]
result = (folds, len(KFold(12, n_folds=4)), len(list(ShuffleSplit(12, n_iter=2, random_state=0))), scores,
          clone(Mean(2.0)).get_params(), len(cross_val_score(Ridge(), X, y, cv=KFold(12, 3))))
"""


def test_scikit_learn():
    pytest.importorskip("sklearn")
    parameters = {"shift": 2.0, "names": [], "unset": None}
    assert evaluate(SKLEARN) == ([(8, [0, 1, 0, 1])] * 3, 4, 2, [(1.0, -1.0), (0.0, 0.0)], parameters, 3)


SPLITS = """
from sklearn.cross_validation import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit
y = [0, 1] * 10
splits = [ShuffleSplit(20), StratifiedShuffleSplit(y, 3, test_size=0.25, train_size=0.5), ShuffleSplit(20, test_size=4),
          ShuffleSplit(20, test_size=None, train_size=15)]
sizes = [(s.n, s.n_iter, s.test_size, s.n_test, s.n_train, [len(part) for part in list(s)[0]]) for s in splits]
result = sizes, KFold(20, 4).n_folds, StratifiedKFold(y, 5, shuffle=True).shuffle, splits[1].y[:2].tolist()
"""


def test_folds_of_scikit_learn_know_what_they_were_made_with():
    pytest.importorskip("sklearn")
    sizes, *rest = evaluate(SPLITS)
    assert sizes == [
        *((20, 10, 0.1, 2, 18, [18, 2]), (20, 3, 0.25, 5, 10, [10, 5]), (20, 10, 4, 4, 16, [16, 4])),
        (20, 10, None, 5, 15, [15, 5]),
    ]
    assert rest == [4, True, [0, 1]]


def test_data_of_mldata(monkeypatch):
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.utils import Bunch

    def fetch_openml(name, as_frame, **options):
        return Bunch(name=name, data=np.zeros((2, 3)), target=np.array(["5", "0"], object))

    monkeypatch.setattr(datasets, "fetch_openml", fetch_openml)
    source = "from sklearn.datasets import fetch_mldata\nresult = fetch_mldata('MNIST original', data_home='x')"
    found = evaluate(source)
    assert found.name == "mnist_784" and found.target.tolist() == [5.0, 0.0]
