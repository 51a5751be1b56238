"""Profiles of functions: which of them have one, what all of them took, and what is printed when Python exits."""

import atexit
import sys
import time

from theanojax.config import config
from theanojax.profile.stats import (
    ProfileStats as ProfileStats,
    ScanProfileStats as ScanProfileStats,
    theano_imported_time as theano_imported_time,
)
from theanojax.profile.total import total

total_fct_exec_time = 0.0
total_graph_opt_time = 0.0
total_time_linker = 0.0

_atexit_print_list = _shown_at_exit = ProfileStats.shown_at_exit
_profiler_printers = _printers = ProfileStats.printers


def register_profiler_printer(fct):
    """Register ``fct(message, compile_time, fct_call_time, apply_time, apply_cimpl, output_size, file)``.

    It is called at the end of each summary. Usable as a decorator.
    """
    _printers.append(fct)
    return fct


def profile_for(profile, name):
    """The ProfileStats that the argument `profile` of a function asks for: given, new, or None."""
    if profile is None:
        if config.print_global_stats and not config.profile:
            return ProfileStats(message=name, atexit_print=False, flag_time_thunks=False)
        profile = config.profile or None
    if profile is True:
        return ProfileStats(message=name)
    if isinstance(profile, str):
        return ProfileStats(message=profile)
    return profile


def print_global_stats():
    """Print how long functions have been running, compiling and linking in all."""
    with _Destination() as file:
        print("=" * 50, file=file)
        print(
            "Global stats: "
            + ", ".join(
                (
                    "Time elasped since Theano import = %6.3fs" % (time.time() - theano_imported_time),
                    "Time spent in Theano functions = %6.3fs" % total_fct_exec_time,
                    "Time spent compiling Theano functions:  optimization = %6.3fs, linker = %6.3fs"
                    % (total_graph_opt_time, total_time_linker),
                )
            ),
            file=file,
        )
        print("=" * 50, file=file)


class _Destination:
    """The file that ``config.profiling.destination`` names; stderr, where it cannot be written."""

    def __enter__(self):
        where = config.profiling.destination
        if where in ("stdout", "stderr"):
            self._close = False
            self.file = getattr(sys, where)
        else:
            try:
                self.file, self._close = open(where, "a"), True
            except OSError as error:  # Python exits, and what was measured would be lost
                self.file, self._close = sys.stderr, False
                print("theanojax: profiling.destination cannot be written: %s" % error, file=sys.stderr)
        return self.file

    def __exit__(self, *exc):
        if self._close:
            self.file.close()


def _print_at_exit():
    if config.profile:
        with _Destination() as file:
            _print_profiles(file)
    if config.print_global_stats:
        print_global_stats()


def _print_profiles(file):
    """Print the profiles that have something to say, those that took most first, and the sum of them."""
    limits = config.profiling.n_ops, config.profiling.n_apply
    printed = []
    for stats in _shown_at_exit:
        stats.apply_time  # noqa: B018, it tells the profiles of loops what was seen of them
    for stats in sorted(_shown_at_exit, key=lambda p: -(p.compile_time + p.fct_call_time)):
        if stats.fct_callcount or stats.compile_time > 1 or getattr(stats, "callcount", 0):
            stats.summary(file, *limits)
            if not isinstance(stats, ScanProfileStats):
                printed.append(stats)
        else:
            print("Skipping empty Profile", file=file)
    if len(printed) > 1:
        message = "Sum of all(%d) printed profiles at exit excluding Scan op profile." % len(printed)
        total(printed, message).summary(file, *limits)


atexit.register(_print_at_exit)
