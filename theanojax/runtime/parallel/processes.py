"""Several processes that run one program, each with devices of its own: jax.distributed connects them.

All make the same calls in the same order. What they have to know of each other before a call, the rows that each gives
and that all mean the same call, goes through the store of jax's coordinator, in little texts.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import zlib
from itertools import count as numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.first_import import unnoticed
from theanojax.graph import above
from theanojax.runtime.policy import forked

if TYPE_CHECKING:
    from collections.abc import Callable

    import jax

    from theanojax.runtime.hints import NumpyArray

LAUNCHED = "THEANOJAX_LAUNCHED"  # "number of this process/how many there are/seconds", set by `theanojax launch`
TIMEOUT = 60  # seconds that a process waits for others
PIECE = 1 << 26  # bytes of a large array that are fetched at a time
BLOCK = 64  # exchanges whose texts are forgotten together

_timeout = TIMEOUT
_exchanges = numbers()
_lock = threading.Lock()
_joined = False


def initialize(timeout: float = TIMEOUT, **arguments: Any) -> None:
    """Join the other processes. Needed once, before anything is computed, where `theanojax launch` has not done it.

    Parameters
    ----------
    timeout : seconds after which a process that says nothing counts as dead, which ends the others.
    **arguments : of ``jax.distributed.initialize``. Without any it asks SLURM, Open MPI or Kubernetes, whichever has
        started the process.

    RuntimeError if jax has computed something already, ValueError if nobody says who the others are.
    """
    global _joined, _timeout
    with unnoticed():
        import jax

    if jax.distributed.is_initialized():
        _joined = True
        return
    seconds = max(1, int(timeout))
    arguments.setdefault("heartbeat_timeout_seconds", seconds)
    arguments.setdefault("shutdown_timeout_seconds", seconds)
    notices = jax.config.jax_enable_preemption_service
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM away from the program
    try:
        jax.distributed.initialize(**arguments)
    finally:
        jax.config.update("jax_enable_preemption_service", notices)
    _joined, _timeout = True, seconds


def join_launched() -> None:
    """`initialize`, in a process that `theanojax launch` has started."""
    launched = os.environ.get(LAUNCHED)
    if _joined or not launched:
        return
    me, of, seconds = launched.split("/")
    try:
        initialize(
            float(seconds),
            coordinator_address=os.environ["JAX_COORDINATOR_ADDRESS"],
            num_processes=int(of),
            process_id=int(me),
            cluster_detection_method="deactivate",
        )
        del os.environ[LAUNCHED]  # processes that this one starts are none of the program's
    except RuntimeError as error:
        raise RuntimeError(
            "theanojax launch: this process has computed something before it joined the others. Call "
            "theanojax.parallel.initialize(), or data_parallel(...), before the first function is called"
        ) from error


def process_count() -> int:
    """How many processes run the program: 1 unless they were joined."""
    join_launched()
    if not _joined and not _is_up():
        return 1
    import jax

    n: int = jax.process_count()
    return n


def process_index() -> int:
    """The number of this process, from 0 on."""
    if process_count() == 1:
        return 0
    import jax

    n: int = jax.process_index()
    return n


def _is_up() -> bool:
    """Whether somebody else has called ``jax.distributed.initialize``."""
    jax = sys.modules.get("jax")
    return jax is not None and jax.distributed.is_initialized()


# ---------------------------------------------------------------- texts
def exchange(kind: str, text: str) -> list[str]:
    """The texts of all processes, each of which has called this with the same `kind`.

    RuntimeError if one has not, or does not within the time limit.
    """
    from jax._src import distributed  # the store has no public name; orbax uses it by this one, too

    client: Any = distributed.global_state.client
    with _lock:
        me, of, k = process_index(), process_count(), next(_exchanges)
        mine = "%s\n%s" % (kind, text)
        client.key_value_set("theanojax/%d/%d/%d" % (k // BLOCK, k, me), mine)
        found = [mine if p == me else _text_of(client, k, p, kind) for p in range(of)]
        if me == 0 and k % BLOCK == 0 and k > BLOCK:  # all have been beyond these for long
            client.key_value_delete("theanojax/%d/" % (k // BLOCK - 2))
    said = [text.partition("\n") for text in found]
    if any(its != kind for its, _, _ in said):
        raise RuntimeError(
            "the processes of a program have to make the same calls in the same order; now %s"
            % ", ".join("%d is about to do: %s" % (p, its) for p, (its, _, _) in enumerate(said))
        )
    return [text for _, _, text in said]


def _text_of(client: Any, k: int, process: int, kind: str) -> str:
    try:
        text: str = client.blocking_key_value_get("theanojax/%d/%d/%d" % (k // BLOCK, k, process), _timeout * 1000)
    except Exception as error:
        if "DEADLINE_EXCEEDED" not in str(error):
            raise RuntimeError(
                "process %d cannot be asked: %s. Process 0, through which all are reached, has ended, and has said why"
                % (process, kind)
            ) from error
        raise RuntimeError(
            "process %d has not come to this within %d seconds: %s. It may have ended, or makes other calls than "
            "process %d" % (process, _timeout, kind, process_index())
        ) from error
    return text


def agree(what: str, mark: str) -> None:
    """ValueError unless all processes give the same `mark`, of `what`."""
    marks = exchange(what, mark)
    if len(set(marks)) > 1:
        raise ValueError(
            "%s is not the same on all processes. Give it the same value on each (the same seed of a random stream, "
            "for one)" % what
        )


def mark_of(value: NumpyArray) -> str:
    """A short text that tells arrays apart: the value of a number, a checksum of more."""
    what = value.item() if value.size == 1 else "checksum %d" % zlib.crc32(np.ascontiguousarray(value).data)
    return "%s%s %s" % (value.dtype, value.shape, what)


# ---------------------------------------------------------------- arrays
def gathered(array: jax.Array) -> jax.Array | NumpyArray:
    """`array`, which may be one of which other processes have a part, whole here. All of them have to call it.

    A part is on each device at a time, and never all of it: it may be too large for one.
    """
    if forked.in_child and len(array.sharding.device_set) > 1:
        return _by_device(array)
    if array.is_fully_replicated or array.is_fully_addressable:
        return array
    rows, take = max(1, PIECE * array.shape[0] // max(1, array.nbytes)), _taking_rows(array.sharding.mesh)
    found = np.empty(array.shape, array.dtype)
    for i in range(0, len(found), rows):
        piece = found[i : i + rows]
        piece[...] = take(array, i, len(piece))
    return found


def _by_device(array: jax.Array) -> NumpyArray:
    """`array`, joined here: jax leaves that to threads, which a forked process has not."""
    found = np.empty(array.shape, array.dtype)
    for part in array.addressable_shards:
        found[part.index] = part.data
    return found


@functools.cache
def _taking_rows(mesh: jax.sharding.Mesh) -> Callable[..., Any]:
    """(array, first row, number of rows) -> these rows, whole on each device of `mesh`."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    whole = NamedSharding(mesh, PartitionSpec())
    take: Callable[..., Any] = jax.jit(jax.lax.dynamic_slice_in_dim, static_argnums=2, out_shardings=whole)
    return take


def of_all(part: NumpyArray, rows: list[int], dimension: int) -> NumpyArray:
    """The arrays of all processes joined along `dimension`, where they have so many `rows` each."""
    from jax.experimental import multihost_utils

    most = max(rows)
    room = np.zeros((most, *np.delete(part.shape, dimension)), part.dtype)
    room[: rows[process_index()]] = np.moveaxis(part, dimension, 0)
    found = np.asarray(multihost_utils.process_allgather(room))
    return np.moveaxis(np.concatenate([its[:n] for its, n in zip(found, rows)]), 0, dimension)


above.whole_array = gathered
