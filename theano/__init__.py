"""`import theano` is `import theanojax`: this package replaces itself, and every submodule, by ours.

`theano.tensor` and `theanojax.tensor` are one module object, whichever is imported first. `theano` is one of its own
that has all of its names from `theanojax`, but for `__version__`.
"""

is_theanojax = True  # and not the original, for the import hook

import theanojax  # noqa: E402, F401 - it looks for the line above
from theanojax.legacy import importer  # noqa: E402

importer.install()  # the import system hands out what this leaves in sys.modules
