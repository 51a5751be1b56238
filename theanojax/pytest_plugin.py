"""``pytest -p theanojax.pytest_plugin PATHS`` runs a test suite that was written for Theano on theanojax."""

from theanojax.legacy.pytest_plugin import *  # noqa: F403
