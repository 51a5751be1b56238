"""A pytest plugin under which a test suite written for Theano, of any project, runs on theanojax.

It serves ``import theano``, gives numpy and Python the names back that they have lost since (to the whole test
process), and to the project's own modules, and to packages that import theano, all that `theanojax run` gives. It
stands in for nose, expands tests that are generators, calls nose-style ``setUp`` methods, and has old conftests work
(`old_pytest`). The header says what the tests ran on, and which options of the project's configuration were left out:
those of plugins that are not there. With ``--theano-tests DIR`` the folders named ``tests`` below DIR are served as
``theano.tests``, ``theano.tensor.tests`` and so on.
"""

import functools
import importlib
import importlib.util
import inspect
import sys
import types
import unittest
from importlib import metadata
from importlib.abc import MetaPathFinder
from pathlib import Path

import numpy
import numpy.testing
import pytest

import theanojax
from theanojax.legacy import importer, moved, nose_names, old_numpy, old_pytest, script_names, spawned

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_pycollect_makeitem",
    "pytest_pycollect_makemodule",
    "pytest_report_header",
]


def pytest_addoption(parser):
    parser.addoption(
        "--theano-tests",
        metavar="DIR",
        default=None,
        help="serve the `tests` folders below DIR as theano.tests, theano.tensor.tests ...",
    )


@functools.cache
def prepare():
    """What tests need that were written for Theano, nose and an older numpy; once a process."""
    importer.install()
    restore_lost_names()
    old_numpy.print_as_then()
    if not theanojax.config.cxx:
        theanojax.config.cxx = "g++"  # what needs compiled functions is skipped where this is empty; here all are
    nose_names.install()
    old_pytest.restore_names()


IGNORED = pytest.StashKey[list[str]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config, parser, args):
    prepare()  # a conftest.py may import the library that is tested
    old_pytest.adapt_conftests(early_config.pluginmanager)
    old_pytest.serve_modules(early_config.rootpath)
    main = sys.modules["__main__"]
    early_config.add_cleanup(functools.partial(setattr, main, "__spec__", main.__spec__))
    main.__spec__ = spawned.spec_for_tests(str(early_config.rootpath))
    result = yield
    early_config.stash[IGNORED] = old_pytest.drop_unknown(early_config, parser, args)  # conftests have added theirs
    return result


def pytest_configure(config):
    prepare()
    pytest.config = config
    folder = config.getoption("--theano-tests")
    if folder:
        sys.meta_path.insert(0, ServedTests(folder))


def pytest_report_header(config):
    from theanojax.runtime import device_name

    lines = ["theanojax %s, jax %s, device %s" % (version("theanojax"), version("jax"), device_name())]
    ignored = config.stash.get(IGNORED, [])
    if ignored:
        lines.append("theanojax ignores options of plugins that are not here: %s" % ", ".join(ignored))
    return lines


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def restore_lost_names():
    """Set on numpy, collections, inspect, time, unittest ... what tests of old code expect there."""
    for name in ("numpy", "numpy.random", "numpy.testing"):
        _add_names(name, script_names.CHANGED[name]())
    for name in ("collections", "fractions", "inspect", "numpy", "time"):
        _add_names(name, {old: moved.find(new) for old, new in moved.NAMES[name].items()})
    for old, new in moved.METHODS["unittest"]["TestCase"].items():
        if not hasattr(unittest.TestCase, old) and hasattr(unittest.TestCase, new):
            setattr(unittest.TestCase, old, getattr(unittest.TestCase, new))
    if not hasattr(numpy.testing, "dec"):
        numpy.testing.dec = nose_names.NumpyDecorators
    for name in ("vstack", "hstack"):  # numpy 2 wants a sequence
        setattr(numpy, name, nose_names.taking_iterators(getattr(numpy, name)))


def _add_names(module, names):
    module = importlib.import_module(module)
    for name, value in names.items():
        if name not in vars(module):
            setattr(module, name, value)


class ServedTests(MetaPathFinder):
    """Finds ``theano.a.tests.b`` as the file a/tests/b.py below a folder's ``theano``."""

    def __init__(self, folder):
        self.root = Path(folder).resolve()

    def find_spec(self, fullname, path=None, target=None):
        parts = fullname.split(".")
        if parts[0] == "theanojax":
            parts[0] = "theano"
        if parts[0] != "theano" or "tests" not in parts:
            return None
        place = self.root.joinpath(*parts)
        if (place / "__init__.py").exists():
            return importlib.util.spec_from_file_location(
                fullname, place / "__init__.py", submodule_search_locations=[str(place)]
            )
        if place.with_suffix(".py").exists():
            return importlib.util.spec_from_file_location(fullname, place.with_suffix(".py"))
        return None

    def module_name(self, file):
        """The dotted name under which `file` is served, or None."""
        try:
            relative = Path(file).resolve().relative_to(self.root)
        except ValueError:
            return None
        return ".".join(relative.with_suffix("").parts) if "tests" in relative.parts else None


class ServedModule(pytest.Module):
    """A test file of a served folder, imported by its dotted name."""

    def _getobj(self):
        home = theanojax.__file__
        # some tests read data files that lie beside theano/__init__.py
        theanojax.__file__ = str(self.served_root / "theano" / "__init__.py")
        try:
            return importlib.import_module(self.served_name)
        except unittest.SkipTest as e:
            raise pytest.skip.Exception(str(e), allow_module_level=True) from e
        finally:
            theanojax.__file__ = home


def pytest_pycollect_makemodule(module_path, parent):
    for finder in sys.meta_path:
        if isinstance(finder, ServedTests):
            name = finder.module_name(module_path)
            if name is not None:
                module = ServedModule.from_parent(parent, path=module_path)
                module.served_name, module.served_root = name, finder.root
                return module
    return None


def pytest_pycollect_makeitem(collector, name, obj):
    if inspect.isclass(obj):
        if not issubclass(obj, unittest.TestCase):
            nose_names.add_class_fixtures(obj)
        return None
    function = getattr(obj, "__func__", obj)
    if name.startswith("test") and (inspect.isgeneratorfunction(function) or hasattr(function, "paramList")):
        return list(_yielded(collector, name, obj))
    return None


def _yielded(collector, name, obj):
    """One test for each (function, argument ...) that the generator gives, or for each of nose2's ``params``."""
    owner = getattr(collector, "obj", None)
    generator, instance = obj, None
    if inspect.isclass(owner):
        if "setup_class" in dir(owner):
            owner.setup_class()  # before the generator runs, as nose had it
        instance = owner()
        generator = getattr(instance, name)
    params = getattr(obj, "paramList", None)
    items = generator() if params is None else [(generator, *(p if isinstance(p, tuple) else [p])) for p in params]
    for i, item in enumerate(items):
        call, args = (item[0], item[1:]) if isinstance(item, (tuple, list)) else (item, ())

        def test(call=call, args=args):
            call(*args)

        test = _without_parameters(test, instance)
        yield pytest.Function.from_parent(collector, name="%s[%d]" % (name, i), callobj=test)


def _without_parameters(fn, instance):
    """`fn` with no keyword defaults, which would be taken for fixtures; a method if there is an `instance`."""

    def test(*args):
        fn()

    if instance is None:
        test.__signature__ = inspect.Signature()
        return test
    test.__signature__ = inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)])
    return types.MethodType(test, instance)  # pytest calls the fixtures of the instance around it
