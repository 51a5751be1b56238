"""What passes between the host and the device."""

import numpy as np

import jax

from theanojax.runtime import host, program
from theanojax.runtime.xla import devices, transfer

ARRAY = type(jax.device_put(np.zeros(1)))
PLACES = (
    (devices, "jit"),
    (devices, "put"),
    (ARRAY, "copy_to_host_async"),
    (transfer.Looks, "settle"),
    (program, "to_numpy"),
    (host, "to_host"),
    (ARRAY, "__bool__"),
    (ARRAY, "item"),
)


class _Counted:
    """A jitted function whose numpy arguments are counted."""

    def __init__(self, jitted, transfers):
        self.jitted, self.transfers = jitted, transfers
        self.trace, self.lower = jitted.trace, jitted.lower
        self.__wrapped__ = jitted.__wrapped__

    def __call__(self, *args):
        for a in args:
            if isinstance(a, np.ndarray):
                self.transfers.sent.append(a.nbytes)
        return self.jitted(*args)


class Transfers:
    """Counts transfers of the functions that are compiled and called while it is open.

    `sent`, `fetched` : bytes of each array, from the host and to it; `waits` : how often somebody waited for a result.
    """

    def __init__(self):
        self.begin()

    def begin(self):
        self.sent, self.fetched, self.begun, self.waits = [], [], [], 0

    def __enter__(self):
        self.old = [(owner, name, getattr(owner, name)) for owner, name in PLACES]
        jit, put, begin, settle, *fetches = [thing for _, _, thing in self.old]

        def counted_put(value, *args, **options):
            if isinstance(value, np.ndarray):
                self.sent.append(value.nbytes)
            return put(value, *args, **options)

        def counting(fetch):
            def fetched(array):
                if isinstance(array, ARRAY):
                    self.fetched.append(array.nbytes)
                return fetch(array)

            return fetched

        def begun(array):
            self.begun.append(array.nbytes)
            return begin(array)

        def settled(looks, array):
            self.waits += 1
            return settle(looks, array)

        counted = [lambda *args, **options: _Counted(jit(*args, **options), self), counted_put, begun, settled]
        for (owner, name), new in zip(PLACES, counted + [counting(fetch) for fetch in fetches]):
            setattr(owner, name, new)
        return self

    def __exit__(self, *exc_info):
        for owner, name, old in self.old:
            setattr(owner, name, old)
