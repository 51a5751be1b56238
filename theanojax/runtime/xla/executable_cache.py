"""Executables kept in ``config.compiledir``, so that a later process need not compile them again.

This is jax's persistent compilation cache with a folder of ours, which is not used if anybody else could have put an
executable there: what is read runs. A user who has told jax where to keep executables,
or not to keep any, is left alone, whenever it was said. What other jax code of the process compiles is kept as well.
"""

from __future__ import annotations

import os

import jax

from theanojax.config import config
from theanojax.private_folder import private_folder, remove_unused
from theanojax.runtime.xla import cores

# Finding an executable again takes 2 to 5 ms and compiling one at least 15; what is near that is not worth a file.
LEAST_SECONDS = 0.02
LEAST = "jax_persistent_cache_min_compile_time_secs"

_ours: str | None = None  # the folder that we have given to jax
_least_before: float | None = None  # jax's threshold before we changed it


def keep() -> None:
    """See that what is compiled next is looked up, and kept, where it should be."""
    global _ours, _least_before
    chosen = jax.config.jax_compilation_cache_dir
    if chosen is None and _ours is None and config.xla_cache:
        _ours = ""
        # Whether a loop is divided among cores is decided as it is compiled, and jax does not look at their number.
        path = private_folder("xla", b"%d cores" % cores.count())
        if path is None:
            return
        jax.config.update("jax_compilation_cache_dir", path)
        _ours = path
        if LEAST.upper() not in os.environ:
            _least_before = jax.config.jax_persistent_cache_min_compile_time_secs
            jax.config.update(LEAST, min(LEAST_SECONDS, _least_before))
        remove_unused(path)
    elif _ours and chosen != _ours:
        # The user has chosen another folder since, which jax would not look at once it has opened ours.
        from jax.experimental.compilation_cache import compilation_cache

        _ours = ""
        compilation_cache.reset_cache()
        if _least_before is not None and jax.config.jax_persistent_cache_min_compile_time_secs == LEAST_SECONDS:
            jax.config.update(LEAST, _least_before)
