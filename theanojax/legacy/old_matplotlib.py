"""Functions that matplotlib has dropped."""

from __future__ import annotations

from typing import Any


def register_cmap(name: str | None = None, cmap: Any = None, **options: Any) -> None:
    """Know the colour map `cmap` by `name`, or by its own."""
    import matplotlib

    matplotlib.colormaps.register(cmap, name=name, force=True)
