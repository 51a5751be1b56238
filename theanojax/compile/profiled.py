"""What a Function does with its profile."""

from time import perf_counter

import numpy as np

from theanojax.compile import profiling


class Profiled:
    """The part of a Function that is about its profile."""

    _profile = None
    _sampling = None  # a timing.sampling.Sampling, if there is a profile

    @property
    def profile(self):
        """Where the times of calls are collected: a ProfileStats, or None or False. It can be set at any time."""
        return self._profile

    @profile.setter
    def profile(self, profile):
        if profile is True or isinstance(profile, str):
            profile = profiling.profile_for(profile, self.name)
        before, self._profile = self._profile, profile
        if (profile or None) is not (before or None):
            self._sampling = profile.recorder.sampling(self._seen) if profile else None
            self._watch(self.fn)
            self._subsets.clear()

    def _watch(self, program):
        """Have `program` tell the profile, if there is one, where the time goes."""
        watch = getattr(program, "watch", None)
        if watch is not None:
            profile = self._profile
            watch(profile.recorder if profile and profile.flag_time_thunks else None)

    def _note_arguments(self, call, values):
        profile = self._profile
        if profile.wants_memory():
            with call.measuring_time():
                profile.note_arguments(self, values)

    def _seen(self, calls, seconds):
        """Take note of calls that were only timed."""
        mode = self.maker.mode
        if hasattr(mode, "fn_time"):
            mode.call_time += seconds
        profiling.total_fct_exec_time += seconds

    def _only_timed(self, start):
        """Count the call that has begun at the moment `start`, and that nothing was to look into."""
        seconds, recorder = perf_counter() - start, self._profile.recorder
        apart, taken = recorder.later(start)
        if taken:
            self._profile.called(seconds - apart, seconds - apart)
        else:
            self._sampling.light.append(seconds - apart)

    def _general_call(self, args, kwargs):
        profile, sampling = self._profile, self._sampling
        if not profile:
            return self._timed_call(args, kwargs, None)[0]
        start = perf_counter()
        with profile.recorder.calling() as call:
            result, call_time, run_time = self._timed_call(args, kwargs, call)
        profile.called(call_time, run_time)
        if sampling is not None:
            sampling.note(call, start, run_time, profile.wants_memory() or call.outer is not None)
        profile.recorder.kept(perf_counter() - start - call_time - call.apart())
        return result

    def _timed_call(self, args, kwargs, spent):
        """(what a call returns, its seconds, those of the graph). What it spent before and after the graph goes to
        `spent`, a Call of the profile, or None.
        """
        start = perf_counter()
        quick = not kwargs and len(args) == self._n_quick and not self.trust_input
        subset = kwargs.pop("output_subset", None)
        if subset is not None and self.output_keys is not None:
            subset = [self.output_keys.index(key) for key in subset]
        ran = []

        def call(values, cells):
            begin = perf_counter()
            for i, value in given.items():
                values[i] = value
            if spent is not None:
                self._note_arguments(spent, values)
            outputs = program(values, cells)
            ran.append((begin, perf_counter() - begin))
            return outputs

        try:
            given = self._quickly_received(args) if quick else self._received(args, kwargs)
            program = self._call if subset is None else self._subset_program(subset)
            ready = perf_counter()
            outputs = self._run(call, [], self._cells)
        finally:
            self._restore_defaults()
        result = self._present(list(outputs), subset)
        call_time, run_time = perf_counter() - start, sum(seconds for _, seconds in ran)
        if spent is not None:
            apart = spent.apart()
            call_time, run_time = call_time - apart, run_time - apart
            spent.other["arguments"] = ready - start
            spent.other["waiting for functions with the same shared variables"] = ran[-1][0] - ready
        mode = self.maker.mode
        if hasattr(mode, "fn_time"):
            mode.fn_time += run_time
            mode.call_time += call_time
        profiling.total_fct_exec_time += call_time
        return result, call_time, run_time

    def _quickly_received(self, args):
        """The same as in ``__call__``, whose time it is to tell."""
        given = {}
        for i, (arg, (dtype, ndim, convert)) in enumerate(zip(args, self._checks)):
            if type(arg) is np.ndarray and arg.dtype is dtype and arg.ndim == ndim and arg.flags.aligned:
                given[i] = arg
            else:
                given[i] = convert(arg)
        return given
