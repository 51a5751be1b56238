"""Where the time of calls goes: what profiled functions run in place of the ordinary parts of `runtime`."""
