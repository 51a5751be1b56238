"""What test suites import from nose, which no longer installs: assert helpers, SkipTest, attr and decorators."""

import functools
import inspect
import re
import sys
import time
import unittest
from types import ModuleType


def _snake(name):
    return re.sub("([A-Z])", lambda m: "_" + m.group(1).lower(), name)


def assert_helpers():
    """unittest's assert methods as functions: ``assert_raises``, ``assert_almost_equal`` ..."""
    case = unittest.TestCase()
    names = {_snake(n): getattr(case, n) for n in dir(case) if n.startswith("assert") and "_" not in n}
    old = {
        "assert_equals": "assert_equal",
        "assert_items_equal": "assert_count_equal",
        "assert_not_equals": "assert_not_equal",
        "assert_almost_equals": "assert_almost_equal",
        "assert_raises_regexp": "assert_raises_regex",
        "assert_regexp_matches": "assert_regex",
    }
    names.update({a: names[b] for a, b in old.items()})
    return names


def raises(*exceptions):
    """The decorated test passes if it raises one of `exceptions`."""

    def decorate(fn):
        @functools.wraps(fn)
        def test(*args, **kwargs):
            try:
                fn(*args, **kwargs)
            except exceptions:
                return
            raise AssertionError("%s() did not raise %s" % (fn.__name__, " or ".join(e.__name__ for e in exceptions)))

        return test

    return decorate


def with_setup(setup=None, teardown=None):
    """Run `setup` before and `teardown` after the decorated test."""

    def decorate(fn):
        @functools.wraps(fn)
        def test(*args, **kwargs):
            if setup:
                setup()
            try:
                return fn(*args, **kwargs)
            finally:
                if teardown:
                    teardown()

        return test

    return decorate


def timed(limit):
    """The decorated test fails if it takes more than `limit` seconds."""

    def decorate(fn):
        @functools.wraps(fn)
        def test(*args, **kwargs):
            start = time.time()
            result = fn(*args, **kwargs)
            if time.time() - start > limit:
                raise AssertionError("Time limit (%s) exceeded" % limit)
            return result

        return test

    return decorate


def attr(*names, **values):
    """Set attributes on a test; nothing selects by them here."""

    def decorate(obj):
        for name in names:
            setattr(obj, name, True)
        for name, value in values.items():
            setattr(obj, name, value)
        return obj

    return decorate


def _mark(value):
    def decorate(fn):
        fn.__test__ = value
        return fn

    return decorate


def make_decorator(original):
    """A decorator that gives a function the name and documentation of `original`."""
    return lambda new: functools.wraps(original)(new)


def taking_iterators(function):
    """`function` of a sequence, for which any iterator will do."""

    @functools.wraps(function)
    def called(arrays, *args, **kwargs):
        return function(arrays if hasattr(arrays, "__getitem__") else list(arrays), *args, **kwargs)

    return called


class NumpyDecorators:
    """``numpy.testing.dec``, which went from numpy together with nose."""

    @staticmethod
    def skipif(condition, msg="Test skipped due to test condition"):
        """Skip the decorated test if `condition` (a bool or a callable) holds."""

        def decorate(fn):
            @functools.wraps(fn)
            def test(*args, **kwargs):
                if condition() if callable(condition) else condition:
                    raise unittest.SkipTest(msg)
                return fn(*args, **kwargs)

            return test

        return decorate

    @staticmethod
    def knownfailureif(condition, msg="Test skipped due to known failure"):
        return NumpyDecorators.skipif(condition, msg)

    @staticmethod
    def slow(fn):
        fn.slow = True
        return fn

    @staticmethod
    def setastest(tf=True):
        return _mark(tf)


class KnownFailure(Exception):
    """Raised by a test that is known to fail."""


class Plugin:
    """nose's base class of plugins, which modules derive from when they are imported."""

    enabled = False


# Functions of a module, and methods of a class, that nose called before and after, and pytest does not know.
MODULE_FIXTURES = {
    "setup_module": ("setup", "setUp", "setupModule"),
    "teardown_module": ("teardown", "tearDown", "teardownModule"),
}
CLASS_FIXTURES = {
    "setup_class": ("setUpClass", "setupClass", "setUpAll", "setupAll"),
    "teardown_class": ("tearDownClass", "teardownClass", "tearDownAll", "teardownAll"),
}
METHOD_FIXTURES = {"setup_method": ("setUp", "setup"), "teardown_method": ("tearDown", "teardown")}


def add_module_fixtures(module):
    """Have pytest call what nose called around the tests of a module."""
    for ours, theirs in MODULE_FIXTURES.items():
        found = [vars(module).get(name) for name in theirs]
        found = [function for function in found if inspect.isfunction(function)]  # and no fixture of pytest's
        if found and not hasattr(module, ours):
            setattr(module, ours, found[0])


def add_class_fixtures(cls):
    """Have pytest call what nose called around the tests of a class, and around each of them."""
    for ours, theirs in CLASS_FIXTURES.items():
        found = [name for name in theirs if callable(getattr(cls, name, None))]
        if found and not hasattr(cls, ours):
            setattr(cls, ours, classmethod(lambda cls, name=found[0]: getattr(cls, name)()))
    for ours, theirs in METHOD_FIXTURES.items():
        found = [name for name in theirs if callable(getattr(cls, name, None))]
        if found and not hasattr(cls, ours):
            setattr(cls, ours, lambda self, method=None, name=found[0]: getattr(self, name)())


def install():
    """Put stand-ins for nose and its parts into ``sys.modules``, unless nose itself is there."""
    try:
        import nose  # noqa: F401

        return
    except Exception:  # missing, or a version that this Python cannot run
        for name in [n for n in sys.modules if n == "nose" or n.startswith("nose.")]:
            del sys.modules[name]

    def module(name, **names):
        made = sys.modules[name] = ModuleType(name, "Stands in for %s, as far as tests use it." % name)
        vars(made).update(names)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, made)
        return made

    skip = unittest.SkipTest
    module("nose", SkipTest=skip, __version__="1.3.7", __path__=[], with_setup=with_setup)
    module(
        "nose.tools",
        **assert_helpers(),
        raises=raises,
        with_setup=with_setup,
        timed=timed,
        istest=_mark(True),
        nottest=_mark(False),
        make_decorator=make_decorator,
        eq_=assert_helpers()["assert_equal"],
        ok_=assert_helpers()["assert_true"],
    )
    module("nose.plugins", __path__=[], Plugin=Plugin)
    module("nose.plugins.skip", SkipTest=skip)
    module("nose.plugins.attrib", attr=attr)
    module("nose.plugins.base", Plugin=Plugin)
    module("nose.plugins.builtin", __path__=[])
    module("nose.plugins.errorclass", ErrorClass=object, ErrorClassPlugin=Plugin)
    module("nose.config")
    module("nose.util")
