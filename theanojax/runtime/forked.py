"""Functions in forked processes (multiprocessing's default on Linux for long): XLA's threads stay behind.

A call into XLA would wait for them for ever. So a child runs on the host executor whatever its parent has compiled,
and before a fork the parent waits until the values of shared variables are there, which the child can then read.
"""

import os
import weakref

import jax

from theanojax.runtime import background

in_child = False  # whether this process was forked from one that uses XLA
executors: weakref.WeakSet = weakref.WeakSet()  # the XlaExecutors there are


def _before():
    if any(executor.planned for executor in executors):
        jax.block_until_ready([a for a in jax.live_arrays() if not a.is_deleted()])


def _in_child():
    global in_child
    in_child = True
    background.forget()
    for executor in executors:
        executor.plan_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_child=_in_child)
