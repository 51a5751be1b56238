"""`theano.pathparse`: folders of the PATH of this process."""

from __future__ import annotations

import os
import sys


class PathParser:
    """Puts folders into ``os.environ["PATH"]``, which it sorts; `paths` has all of them, for every instance."""

    paths: set[str] = set()

    def __init__(self, *paths: str):
        for path in (*os.environ.get("PATH", "").split(os.pathsep), *paths):
            self.add(path)

    def add(self, path: str) -> None:
        """Put a folder into the PATH."""
        path = path.strip()
        if path:
            self.paths.add(os.path.abspath(path.lower() if sys.platform == "win32" else path))
            os.environ["PATH"] = os.pathsep.join(sorted(self.paths))
