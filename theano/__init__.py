"""`import theano` is `import theanojax`: this package replaces itself, and every submodule, by ours.

`theano.tensor` and `theanojax.tensor` are one module object, whichever is imported first.
"""

import sys

import theanojax
from theanojax.legacy import importer

importer.install()
# The import system hands out what it finds here after this module has run.
sys.modules[__name__] = theanojax
