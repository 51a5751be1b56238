"""Loops: the Scan Op, its gradient, and the functions built on `scan`."""

from theanojax.loop import scan_op as scan_op, scan_utils as scan_utils
from theanojax.loop.scan_utils import clone as clone, until as until

_LATER = {
    "scan": "theanojax.scan",
    "scan_checkpoints": "theanojax.loop.checkpoints",
    "map": "theanojax.loop.views",
    "reduce": "theanojax.loop.views",
    "foldl": "theanojax.loop.views",
    "foldr": "theanojax.loop.views",
}


def __getattr__(name):
    # These are built on `theanojax.scan`, which itself needs this package.
    if name not in _LATER:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    from importlib import import_module

    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value
