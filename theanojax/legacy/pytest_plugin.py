"""A pytest plugin under which a test suite written for Theano, of any project, runs on theanojax.

It serves ``import theano``, gives numpy and Python the names back that they have lost since (to the whole test
process), stands in for nose, expands tests that are generators, calls nose-style ``setUp`` methods, and says
in the header what the tests ran on. With ``--theano-tests DIR`` the folders named ``tests`` below DIR are
served as ``theano.tests``, ``theano.tensor.tests`` and so on.
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

import pytest

import theanojax
from theanojax.legacy import importer, moved, nose_names, script_names

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
    if not theanojax.config.cxx:
        theanojax.config.cxx = "g++"  # what needs compiled functions is skipped where this is empty; here all are
    nose_names.install()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests():
    prepare()  # a conftest.py may import the library that is tested


def pytest_configure(config):
    prepare()
    folder = config.getoption("--theano-tests")
    if folder:
        sys.meta_path.insert(0, ServedTests(folder))


def pytest_report_header(config):
    from theanojax.runtime import device_name

    return "theanojax %s, jax %s, device %s" % (version("theanojax"), version("jax"), device_name())


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def restore_lost_names():
    """Set on numpy, collections, inspect, time, unittest ... what tests of old code expect there."""
    for name, names in script_names.CHANGED.items():
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        for attribute, value in names().items():
            if attribute not in vars(module) and not isinstance(value, script_names.Late):
                setattr(module, attribute, value)
    for name, rows in moved.NAMES.items():
        if name.partition(".")[0] not in ("scipy", "cgi"):  # they warn, or take their time
            module = importlib.import_module(name)
            for old, today in rows.items():
                if old not in vars(module):
                    setattr(module, old, moved.find(today))
    import numpy.testing

    if not hasattr(numpy.testing, "dec"):
        numpy.testing.dec = nose_names.NumpyDecorators
    for name in ("vstack", "hstack"):  # numpy 2 wants a sequence
        setattr(numpy, name, nose_names.taking_iterators(getattr(numpy, name)))
    case = unittest.TestCase
    for old, new in {
        "assertEquals": "assertEqual",
        "assertNotEquals": "assertNotEqual",
        "assert_": "assertTrue",
        "failUnless": "assertTrue",
        "failIf": "assertFalse",
        "failUnlessEqual": "assertEqual",
        "failUnlessRaises": "assertRaises",
        "assertItemsEqual": "assertCountEqual",
        "assertRaisesRegexp": "assertRaisesRegex",
        "assertRegexpMatches": "assertRegex",
        "assertAlmostEquals": "assertAlmostEqual",
    }.items():
        if not hasattr(case, old):
            setattr(case, old, getattr(case, new))


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
            _nose_fixtures(obj)
        return None
    if name.startswith("test") and inspect.isgeneratorfunction(getattr(obj, "__func__", obj)):
        return list(_yielded(collector, name, obj))
    return None


def _nose_fixtures(cls):
    """Have pytest call the methods that nose called around each test."""
    for theirs, ours in (
        ("setUp", "setup_method"),
        ("setup", "setup_method"),
        ("tearDown", "teardown_method"),
        ("teardown", "teardown_method"),
    ):
        fixture = getattr(cls, theirs, None)
        if callable(fixture) and not hasattr(cls, ours):
            setattr(cls, ours, lambda self, method=None, fixture=fixture: fixture(self))


def _yielded(collector, name, obj):
    """One test for each (function, argument ...) that the generator gives."""
    owner = getattr(collector, "obj", None)
    generator, instance = obj, None
    if inspect.isclass(owner):
        if "setup_class" in dir(owner):
            owner.setup_class()  # before the generator runs, as nose had it
        instance = owner()
        generator = getattr(instance, name)
    for i, item in enumerate(generator()):
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
