"""A process of `theanojax launch`."""

import sys

from theanojax.parallel.launch import work

if __name__ == "__main__":
    sys.exit(work())
