# ruff: noqa: F403
"""theano.tensor.nnet: Ops for neural networks.

The public names of the modules below are names of this package; what each of them offers is its ``__all__``.
A function such as ``softmax`` takes the place of the module of the same name as an attribute of the package;
importing from the module works all the same.
"""

import importlib

from theanojax.graph import tracebacks as _tracebacks
from theanojax.tensor.nnet.activations import *
from theanojax.tensor.nnet.bn import batch_normalization as batch_normalization
from theanojax.tensor.nnet.crossentropy import *
from theanojax.tensor.nnet.sigm import *
from theanojax.tensor.nnet.softmax import *

_tracebacks.boundaries(globals())

# Names whose modules are loaded when first asked for; a pair is the name that the module has for it.
_LATER = {
    "theanojax.rewrites.nnet": (
        "crossentropy_to_crossentropy_with_softmax",
        "crossentropy_to_crossentropy_with_softmax_with_bias",
        "graph_merge_softmax_with_crossentropy_softmax",
        "softmax_simplifier",
    ),
    "theanojax.tensor.nnet.abstract_conv": (
        ("abstract_conv2d", "conv2d"),
        "conv2d_grad_wrt_inputs",
        "conv3d",
        "separable_conv2d",
    ),
    "theanojax.tensor.nnet.conv": ("ConvOp",),
    "theanojax.tensor.nnet.conv2d_functions": ("conv2d", "conv2d_transpose"),
}
_HOME = {
    (entry if isinstance(entry, str) else entry[0]): (module, entry if isinstance(entry, str) else entry[1])
    for module, entries in _LATER.items()
    for entry in entries
}


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    module, own = _HOME[name]
    value = globals()[name] = getattr(importlib.import_module(module), own)
    return value
