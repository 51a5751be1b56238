"""ProfileMode: a mode whose functions are all profiled, and that prints what they spent together."""

import atexit
import sys
import time

from theanojax.compile.mode import Mode, made_anew
from theanojax.config import config
from theanojax.configflags import OLDER_MODE_NAMES
from theanojax.profile import of_mode
from theanojax.profile.stats import ProfileStats, theano_imported_time


class _Stats(ProfileStats):
    def wants_memory(self):
        return config.profile_memory or config.ProfileMode.profile_memory


class ProfileMode(Mode):
    """A Mode whose functions are profiled. `linker` and `optimizer` are as of Mode.

    Attributes
    ----------
    profiles : the ProfileStats of its functions.
    """

    def __init__(self, linker=None, optimizer="default"):
        super().__init__(linker, optimizer)
        self.profiles = []
        self._last = of_mode.Totals(())
        self._last.at = theano_imported_time

    def __setstate__(self, state):
        super().__setstate__(state)
        self.profiles, self._last = [], of_mode.Totals(())

    def profile_of(self, profile, name):
        """The ProfileStats of a function that is made in this mode; `profile` is what it would have otherwise."""
        if profile is False:
            return profile
        if not profile:
            profile = _Stats(message=name, atexit_print=False)
        if profile not in self.profiles:
            self.profiles.append(profile)
        return profile

    def clone(self, link_kwargs=None, optimizer="", message=None, **kwargs):
        """A copy of this mode, whose functions it counts too; with a `message`, a Mode for the inside of an Op."""
        if message is not None:
            linker = self.linker.clone(**(link_kwargs or {}))
            return Mode(linker, self.provided_optimizer if optimizer == "" else optimizer)
        twin = super().clone(link_kwargs, optimizer, **kwargs)
        twin.profiles = self.profiles
        return twin

    def print_summary(self, n_apply_to_print=None, n_ops_to_print=None, file=None):
        """Print where the time since Theano was imported went, to stdout by default.

        Parameters
        ----------
        n_apply_to_print, n_ops_to_print : int, optional
            Nodes and Ops to list; ``config.ProfileMode`` has the defaults.
        """
        totals = of_mode.Totals(self.profiles)
        whole, self._last = time.time() - theano_imported_time, totals
        self._print(totals, whole, n_apply_to_print, n_ops_to_print, file, of_mode.IMPORT)

    def print_diff_summary(self, other=None, n_apply_to_print=None, n_ops_to_print=None, file=None):
        """Print what this mode has spent more than the mode `other`, or what it has spent since the last summary."""
        totals = of_mode.Totals(self.profiles)
        if other is None:
            before, self._last = self._last, totals
            since = totals - before
            self._print(since, since.at, n_apply_to_print, n_ops_to_print, file, of_mode.LAST)
        else:
            more = totals - of_mode.Totals(other.profiles)
            whole = time.time() - theano_imported_time
            self._print(more, whole, n_apply_to_print, n_ops_to_print, file, of_mode.OTHER)

    def _print(self, totals, whole, n_apply, n_ops, file, what):
        n_apply = config.ProfileMode.n_apply_to_print if n_apply is None else n_apply
        n_ops = config.ProfileMode.n_ops_to_print if n_ops is None else n_ops
        file = sys.stdout if file is None else file
        of_mode.print_totals(totals, whole, self.profiles, n_apply, n_ops, file, what)


_by_flags: dict = {}  # (linker, optimizer) -> the ProfileMode that the name stands for


def named():
    """The mode that the name ProfileMode stands for. What its functions spent is printed when Python exits."""
    flags = config.linker, config.optimizer
    if flags not in _by_flags:
        if not _by_flags:
            atexit.register(_print_at_exit)
        _by_flags[flags] = ProfileMode(*flags)
    return _by_flags[flags]


made_anew.update(dict.fromkeys(OLDER_MODE_NAMES, lambda optimizer: named()))


def _print_at_exit():
    for mode in _by_flags.values():
        # With the flag `profile`, too, each function's own says more.
        if mode.profiles and not (config.profile and all(p in ProfileStats.shown_at_exit for p in mode.profiles)):
            mode.print_summary()
