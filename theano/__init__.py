"""`import theano` is `import theanojax`: this package replaces itself, and every submodule, by ours.

`theano.tensor` and `theanojax.tensor` are one module object, whichever is imported first. `theano` is one of its own
that has all of its names from `theanojax`, but for `__version__`.
"""

import sys

if __name__ == "theano":  # and not loaded again, with the names of theanojax
    del sys.modules["theano"]  # other threads wait for it, rather than look below it for what is served in a moment

from theanojax.legacy import importer

importer.install()  # the import system hands out what this leaves in sys.modules
