"""One profile for several."""

from theanojax.profile.stats import ProfileStats

_ADDED = ("fct_call_time", "fct_callcount", "vm_call_time", "optimizer_time", "validate_time", "import_time")


def total(profiles, message):
    """A ProfileStats with the sums of `profiles`."""
    whole = ProfileStats(atexit_print=False, message=message)
    whole.nb_nodes = 0
    for profile in profiles:
        for name in _ADDED:
            setattr(whole, name, getattr(whole, name) + getattr(profile, name))
        whole.compile_time += profile.compile_time - profile.making_time
        whole.linker_time += profile.linker_time - profile.making_time
        whole.nb_nodes += max(0, profile.nb_nodes)
        whole.recorder.take(profile.recorder.totals())
        for function, outlines in profile.arguments.items():
            whole.arguments[function] = outlines
    reports = [profile.optimizer_profile for profile in profiles]
    if reports and all(report and hasattr(report[1], "merged_with") for report in reports):
        merged = reports[0][1]
        for _, report in reports[1:]:
            merged = merged.merged_with(report)
        whole.optimizer_profile = reports[0][0], merged
    return whole
