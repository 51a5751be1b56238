"""What a Function does with its profile."""

from time import perf_counter

from theanojax.compile import profiling


class Profiled:
    """The part of a Function that is about its profile."""

    _profile = None

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

    def _general_call(self, args, kwargs):
        profile = self._profile
        if not profile:
            return self._timed_call(args, kwargs, None)[0]
        with profile.recorder.calling() as call:
            result, call_time, run_time = self._timed_call(args, kwargs, call)
            end = perf_counter()
        profile.called(call_time, run_time, end)
        return result
