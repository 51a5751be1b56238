"""Names that Python and numpy had when old scripts were written, given to those scripts alone.

A script's module gets built-ins of its own. Their `__import__` hands out, instead of modules that have
lost names (`numpy`, `time`, `collections`), stand-ins that know them still and pass everything else
on; other code, jax included, sees the real modules, unchanged.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import io
import itertools
import math
import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from theanojax import configparser, runtime
from theanojax.devices import contexts
from theanojax.legacy import (
    array_syntax,
    byte_strings,
    moved,
    old_numpy,
    old_objects,
    old_python,
    python2,
    python2_values,
)

# What nobody replaces in a module behind our back: kept in the stand-in, as a loop asks for it in each of its steps.
LASTING = (np.ufunc, type, type(np.dot), ModuleType)


class StandIn(ModuleType):
    """A module with some names added; everything else, assignments included, is the real module's."""

    def __init__(
        self,
        real: ModuleType,
        added: dict[str, Any],
        hidden: Iterable[str] = (),
        name: str = "",
        for_python2: bool = False,
        asked: str = "",
    ):
        super().__init__(real.__name__, real.__doc__)
        # Under mangled names, and not by assignment, which goes to the real module.
        vars(self).update(
            __real=real,
            __asked=(asked or name or real.__name__, for_python2),
            __added={name: value for name, value in added.items() if name in hidden or name not in dir(real)},
            __below=(name or real.__name__, for_python2),
            __spec__=real.__spec__,
            __package__=real.__package__,
        )

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        real, added = own["__real"], own["__added"]
        if name in added:
            value = added[name]
            if isinstance(value, Late):
                return value.make()
            own[name] = value
            return value
        if name == "__all__":
            return [*_star_names(real), *(n for n in added if not hasattr(builtins, n))]
        module, for_python2 = own["__below"]
        found = stand_in(f"{module}.{name}", for_python2) or getattr(real, name)
        if isinstance(found, LASTING):
            own[name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        self.__forget(name)
        setattr(vars(self)["__real"], name, value)

    def __delattr__(self, name: str) -> None:
        self.__forget(name)
        delattr(vars(self)["__real"], name)

    def __forget(self, name: str) -> None:
        own = vars(self)
        if own["__added"].pop(name, None) is not None or isinstance(own.get(name), LASTING):
            own.pop(name, None)

    def __reduce__(self) -> Any:
        return stand_in, vars(self)["__asked"]

    def __dir__(self) -> list[str]:
        return sorted({*dir(vars(self)["__real"]), *vars(self)["__added"]})


class Late:
    """A value that is made when asked for."""

    def __init__(self, make: Callable[[], Any]):
        self.make = make


def _star_names(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None)
    return list(names) if names is not None else [name for name in vars(module) if name[0] != "_"]


# ---- Python


class _Pickle:
    """`pickle` as old scripts call it: the strings of Python 2 in it are latin-1, files may be text files."""

    def __init__(self, real: ModuleType):
        self.real = real

    @staticmethod
    def _binary(file: Any) -> Any:
        return getattr(file, "buffer", file)

    def load(self, file: Any, **options: Any) -> Any:
        """The object that `file` holds."""
        if isinstance(file, io.StringIO):
            return self.loads(file.read(), **options)
        from theanojax.legacy.pickles import CompatUnpickler

        return CompatUnpickler(self._binary(file), **options).load()

    def loads(self, text: Any, **options: Any) -> Any:
        """The object that `text` holds."""
        data = text.encode("latin1") if isinstance(text, str) else text
        return self.load(io.BytesIO(data), **options)

    def dump(self, value: Any, file: Any, protocol: int = 0, **options: Any) -> None:
        """Write `value` to `file`."""
        if isinstance(file, io.StringIO):
            file.write(self.dumps(value, protocol, **options).decode("latin-1"))
        else:
            self.real.dump(value, self._binary(file), protocol, **options)

    def dumps(self, value: Any, protocol: int = 0, **options: Any) -> Any:
        """`value` as a string."""
        return byte_strings.byte_string(self.real.dumps(value, protocol, **options))


def _pickle_names() -> dict[str, Any]:
    from theanojax.legacy.pickles import CompatUnpickler

    methods = _Pickle(importlib.import_module("pickle"))
    functions = {name: getattr(methods, name) for name in ("load", "loads", "dump", "dumps")}
    # Nobody can set `persistent_load` of a real Unpickler from Python 3.13 on; of a subclass of it, anybody can.
    return {**functions, "Pickler": type("Pickler", (pickle.Pickler,), {}), "Unpickler": CompatUnpickler}


def _numpy_names() -> dict[str, Any]:
    """`scipy` had the names of `numpy`."""
    numpy = stand_in("numpy")
    found = {name: Late(functools.partial(getattr, numpy, name)) for name in dir(numpy) if name[0] != "_"}
    parts = {"fft": ("ifft", "fft2"), "random": ("rand", "randn")}
    below = [(name, f"numpy.{part}.{name}") for part, names in parts.items() for name in names]
    return {**found, **{name: Late(functools.partial(moved.find, path)) for name, path in below}}


# Modules that have lost names, beside those that have moved: the names, as made by a function.
CHANGED: dict[str, Callable[[], dict[str, Any]]] = {
    "numpy": old_numpy.names,
    **{"numpy.random": old_numpy.random_names, "numpy.random.mtrand": old_numpy.random_names},
    "numpy.testing": lambda: {"Tester": old_numpy.Tester},
    "numpy.lib": lambda: {name: Late(functools.partial(moved.find, f"numpy.{name}")) for name in dir(np)},
    "scipy": _numpy_names,
    "scipy.linalg": lambda: {name: _from_module("theanojax.legacy.old_scipy", name) for name in ("solve", "eigh")},
    "scipy.optimize": lambda: {"fmin_l_bfgs_b": _from_module("theanojax.legacy.old_scipy", "fmin_l_bfgs_b")},
    "pickle": lambda: {name: value for name, value in _pickle_names().items() if name[:4] != "dump"},
    "random": old_numpy.library_random_names,
    "math": old_numpy.library_math_names,
    "yaml": lambda: {"load": _yaml_load},
    "h5py": lambda: _h5py_names(False),
    "sklearn.base": lambda: {"BaseEstimator": _from_module("theanojax.legacy.old_sklearn", "BaseEstimator")},
}

# Functions of bytes, which in Python 2 strings were.
TAKING_BYTES = {
    "base64": ("b64encode", "b64decode", "encodestring", "decodestring", "urlsafe_b64encode", "urlsafe_b64decode"),
    "zlib": ("compress", "decompress", "crc32", "adler32"),
    "bz2": ("compress", "decompress"),
    "binascii": ("hexlify", "unhexlify", "crc32", "b2a_hex", "a2b_hex", "b2a_base64", "a2b_base64"),
    "struct": ("pack",),
}

# What these modules still have, and we have otherwise: random_integers warns of its end.
HIDING: dict[str, Iterable[str]] = {
    **{"numpy": old_numpy.HIDDEN, "numpy.random": old_numpy.HIDDEN_RANDOM},
    "numpy.random.mtrand": old_numpy.HIDDEN_RANDOM,
    **{"pickle": ["load", "loads", "Pickler", "Unpickler"], "yaml": ["load"], "h5py": ["File"]},
    **{"sklearn.base": ["BaseEstimator"], "random": ["randint", "randrange"], "math": dir(math)},
    **{"scipy.linalg": ["solve", "eigh"], "scipy.optimize": ["fmin_l_bfgs_b"]},
    **{"csv": ["reader", "DictReader"], "gzip": ["open", "GzipFile"]},
    **{"hashlib": ["md5", "sha1", "sha256"], "subprocess": ["check_output"]},
    **{module: list(classes) for module, classes in moved.METHODS.items()},
    **{**TAKING_BYTES, "json": ["dump", "dumps"]},
}

# The same for scripts in Python 2 alone.
CHANGED_SINCE_2: dict[str, Callable[[], dict[str, Any]]] = {
    "h5py": lambda: _h5py_names(True),
    "sys": lambda: {"setdefaultencoding": lambda encoding: None, "exc_clear": lambda: None},
    "math": lambda: {"floor": old_objects.floor, "ceil": old_objects.ceil},
    **{"csv": old_objects.csv_names, "gzip": old_objects.gzip_names, "hashlib": old_objects.hashlib_names},
    "subprocess": lambda: {"check_output": old_objects.check_output},
    "json": byte_strings.json_names,
    **{
        module: functools.partial(byte_strings.of_bytes, module, *names)
        for module, names in TAKING_BYTES.items()
    },
    "string": lambda: dict.fromkeys(("join", "joinfields"), lambda words, by=" ": by.join(words)),
}

# Modules that Python 3 renamed: the new name, and names to add to or put over what it has.
RENAMED: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "__builtin__": ("builtins", lambda: python2_builtins()),
    "ConfigParser": ("configparser", lambda: {"SafeConfigParser": _from_module("configparser", "ConfigParser")}),
    "HTMLParser": ("html.parser", dict),
    "Image": ("PIL.Image", dict),
    "Queue": ("queue", dict),
    "StringIO": ("io", lambda: {"StringIO": byte_strings.StringIO}),
    "Tkinter": ("tkinter", dict),
    "cPickle": ("pickle", _pickle_names),
    "cStringIO": ("io", lambda: {"StringIO": byte_strings.StringIO}),
    "commands": ("subprocess", dict),
    "cookielib": ("http.cookiejar", dict),
    "copy_reg": ("copyreg", dict),
    "exceptions": ("builtins", lambda: {"StandardError": Exception}),
    "httplib": ("http.client", dict),
    "md5": ("hashlib", lambda: {"new": _from_module("hashlib", "md5")}),
    "pickle": ("pickle", _pickle_names),
    "sha": ("hashlib", lambda: {"new": _from_module("hashlib", "sha1")}),
    "sets": ("builtins", lambda: {"Set": set, "ImmutableSet": frozenset}),
    "thread": ("_thread", dict),
    "urllib2": ("urllib.request", lambda: {"HTTPError": _from_module("urllib.error", "HTTPError")}),
    "urlparse": ("urllib.parse", dict),
    "xmlrpclib": ("xmlrpc.client", dict),
}

# What could be imported of the old GPU back-end where there was no GPU. All else raises then, as in Theano 1.0.
OLD_GPU: dict[str, set[str]] = {
    "theano.sandbox.cuda": {"cuda_available", "cuda_enabled", "use", "unuse", "CudaNdarrayType"},
    "theano.sandbox.cuda.type": {"CudaNdarrayType"},
    "theano.sandbox.cuda.dnn": {"dnn_available", "dnn_conv", "dnn_pool"},
    **{f"theano.sandbox.cuda.{name}": set() for name in ("basic_ops", "blas", "var")},
}


def _serves_old_gpu(module: str, names: Sequence[str]) -> bool:
    """Whether a program may import `names`, or a module, of the old back-end: all that it had, where there is a GPU."""
    if contexts:
        old_gpu = importlib.import_module("theanojax.legacy.old_gpu")
        return all(name == "*" or hasattr(old_gpu, name) for name in names)
    return bool(names) and OLD_GPU[module].issuperset(names)


def _yaml_load(stream: Any, Loader: Any = None) -> Any:
    """The loader had a default."""
    yaml = importlib.import_module("yaml")
    return yaml.load(stream, Loader or yaml.Loader)


def _h5py_names(for_python2: bool) -> dict[str, Any]:
    from theanojax.legacy import old_h5py  # which imports h5py

    return {"File": old_h5py.FileOfPython2 if for_python2 else old_h5py.File}


def _from_module(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


@functools.cache
def _known(for_python2: bool) -> frozenset[str]:
    """The modules that have a stand-in; those above them are among them."""
    tables: tuple[dict[str, Any], ...] = (moved.MODULES, moved.NAMES, moved.METHODS, CHANGED)
    if for_python2:
        tables += (moved.NAMES_SINCE_2, CHANGED_SINCE_2)
    return frozenset("/".join(name.split(".")[:n]).replace("/", ".") for t in tables for name in t for n in range(1, 9))


@functools.cache
def stand_in(name: str, for_python2: bool = False) -> StandIn | None:
    """The module to hand out for `name`; None where the real one will do."""
    if for_python2 and name in RENAMED:
        real, make = RENAMED[name]
        added: dict[str, Any] = make()
        return StandIn(importlib.import_module(real), added, added, "", for_python2, name)
    if name not in _known(for_python2):
        return None
    today = moved.today(name)
    added = {}
    for module in dict.fromkeys((today, name)):
        for table in (moved.NAMES, *((moved.NAMES_SINCE_2,) if for_python2 else ())):
            added |= {old: Late(functools.partial(moved.find, new)) for old, new in table.get(module, {}).items()}
        for cls, methods in moved.METHODS.get(module, {}).items():
            added[cls] = old_python.with_methods(moved.find(f"{module}.{cls}"), methods)
        for changed in (CHANGED, *((CHANGED_SINCE_2,) if for_python2 else ())):
            added |= changed.get(module, dict)()
    return StandIn(importlib.import_module(today), added, HIDING.get(today, ()), name, for_python2)


# ---- Built-ins


def _listing(function: Callable[..., Iterable]) -> Callable[..., list]:
    @functools.wraps(function)
    def listed(*args: Any) -> list:
        return list(function(*args))

    return listed


def _map(function: Callable | None, *sequences: Iterable) -> list:
    """`map` as it was: a list, the shorter sequences filled up with None, and None for no function."""
    if len(sequences) == 1:
        return list(sequences[0]) if function is None else [function(item) for item in sequences[0]]
    rows = itertools.zip_longest(*sequences)
    return [row if function is None else function(*row) for row in rows]


def _filter(function: Callable | None, sequence: Any) -> Any:
    kept = [item for item in sequence if (item if function is None else function(item))]
    if isinstance(sequence, str):
        return "".join(kept)
    return tuple(kept) if isinstance(sequence, tuple) else kept


def _execfile(filename: str, globals: dict | None = None, locals: dict | None = None) -> None:
    """Run a file in the caller's names."""
    frame = sys._getframe(1)
    names = frame.f_globals if globals is None else globals
    with open(filename, encoding="utf-8", errors="surrogateescape") as file:
        code, _ = python2.compile_source(file.read(), filename, default_python2=True)
    names.setdefault("__builtins__", frame.f_builtins)
    exec(code, names, locals if locals is not None else (frame.f_locals if globals is None else names))


def _exec(source: Any, globals: Any = None, locals: Any = None, /, **options: Any) -> None:
    """`exec`: a name that it defines in a function is one for a later `eval` there, as up to Python 3.12."""
    if globals is None:
        frame = sys._getframe(1)
        globals, locals = frame.f_globals, frame.f_locals if locals is None else locals
    exec(source, globals, locals, **options)


@functools.cache
def python2_builtins() -> dict[str, Any]:
    """The built-ins that Python 3 dropped or changed, as Python 2 had them."""
    return {
        **{"xrange": range, "range": _listing(range), "zip": _listing(zip), "map": _map, "filter": _filter},
        **{"basestring": str, "unicode": str, "unichr": chr, "long": int, "buffer": memoryview},
        **{"reduce": functools.reduce, "intern": sys.intern, "reload": old_objects.reload},
        **{"open": old_objects.open, "file": old_objects.open, "__build_class__": old_objects.build_class},
        **{"cmp": old_objects.cmp, "sorted": old_objects.sorted, "round": old_objects.round},
        **{ "execfile": _execfile, "StandardError": Exception},
        "raw_input": lambda prompt="": builtins.input(prompt),  # a kernel puts its own there
        "input": lambda prompt="": eval(input(prompt), sys._getframe(1).f_globals),
        "apply": lambda function, args=(), kwargs=None: function(*args, **(kwargs or {})),
        "coerce": lambda a, b: (a, b) if type(a) is type(b) else (a + 0 * b, b + 0 * a),
        python2.RAISED: python2_values.raised,
        python2.CODE: python2.code,
        **{python2.METHOD % name: function for name, function in old_objects.METHODS_OF_PYTHON2.items()},
        **{python2.MESSAGE: old_objects.message, python2.UNICODE: old_objects.unicode},
        **{python2.IS_NONE: old_objects.is_none, python2.IS_NOT_NONE: old_objects.is_not_none},
        python2.BYTES: byte_strings.byte_string,
        **{python2.PRINT: old_objects.print_, "isinstance": byte_strings.isinstance_},
        python2.DIVIDE: python2_values.div,
        python2.DIVIDE_IN_PLACE: python2_values.idiv,
    }


def script_builtins(for_python2: bool, live: bool = False) -> dict[str, Any]:
    """The built-ins of a script's module; `live` are those that somebody may replace while it runs.

    `numpy` and `np` are among them: listings in tutorials start with the imports of the listing before.
    """

    def import_(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> ModuleType:
        if level == 0 and name.partition(".")[0] == "theano":
            _flags_before_the_first_import()
        if level == 0 and not _is_shadowed(top := name.partition(".")[0]):
            if for_python2 and name in RENAMED:
                return stand_in(name, True)  # type: ignore[return-value]
            if name in OLD_GPU and _serves_old_gpu(name, fromlist or ()):
                return importlib.import_module("theanojax.legacy.old_gpu" if fromlist else "theano")
            if name in moved.MODULES:
                return stand_in(name if fromlist else top, for_python2)  # type: ignore[return-value]
        try:
            if level == 0 and fromlist and not _is_shadowed(name) and name in _known(for_python2):
                # The real module may have an error to raise when it is asked for a name that we have.
                given = vars(stand_in(name, for_python2))["__added"]
                fromlist = [n for n in fromlist if n not in given] or ["__name__"]
            module = builtins.__import__(name, globals, locals, fromlist, level)
        except ModuleNotFoundError as error:
            package = (globals or {}).get("__package__")
            if level or not package or error.name != name.partition(".")[0]:
                raise
            try:  # Python 2 looked beside the importing module, too
                return builtins.__import__(name, globals, locals, fromlist, 1)
            except ModuleNotFoundError:
                raise error from None
        if level or _is_shadowed(module.__name__):
            return module
        return stand_in(module.__name__, for_python2) or module

    given = {
        **array_syntax.FUNCTIONS,
        **{python2.METHOD % name: function for name, function in old_objects.METHODS.items()},
        **(python2_builtins() if for_python2 else {}),
        **({"exec": _exec} if sys.version_info >= (3, 13) else {}),
        "__import__": import_,
        "numpy": stand_in("numpy", for_python2),
        "np": stand_in("numpy", for_python2),
    }
    return LiveBuiltins(given) if live else {**vars(builtins), **given}


class LiveBuiltins(dict[str, Any]):
    """Built-ins of which the real ones are looked up each time, as tests may replace them; that is slower."""

    def __missing__(self, name: str) -> Any:
        return vars(builtins)[name]


@functools.cache
def _flags_before_the_first_import() -> None:
    """A program may set THEANO_FLAGS and then import theano, which is here already."""
    if configparser.read_environment_again():
        runtime.start_devices()


# Modules that come with the script; a file `time.py` beside it is not ours to dress up.
_own_modules: set[str] = set()


def note_own_module(name: str) -> None:
    """Say that `name` is a module of the script's own."""
    _own_modules.add(name)


def _is_shadowed(name: str) -> bool:
    return name in _own_modules
