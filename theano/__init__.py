"""`import theano` is `import theanojax`: this package replaces itself, and every submodule, by ours.

`theano.tensor` and `theanojax.tensor` are one module object, whichever is imported first.
"""

import sys

is_theanojax = True  # and not the original, for the import hook

import theanojax  # noqa: E402 - it looks for the line above
from theanojax.legacy import importer  # noqa: E402

importer.install()
# The import system hands out what it finds here after this module has run.
sys.modules[__name__] = theanojax
