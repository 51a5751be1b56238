"""`theanojax launch`: one program in several processes of this machine, which jax.distributed connects."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from theanojax.runtime.parallel.processes import LAUNCHED, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

WORK = "THEANOJAX_LAUNCHED_WORK"  # what a process runs: arguments of `legacy.runner.run`, as json
PIPE = "THEANOJAX_LAUNCHED_PIPE"  # a pipe that ends when the launcher has ended
GRACE = 5  # seconds between the request to end and the end
POLL = 0.05


def launch(
    number: int,
    kind: str,
    target: str,
    arguments: Sequence[str],
    version: int | None = None,
    devices: int | None = None,
    timeout: float = TIMEOUT,
) -> int:
    """Run a program in `number` processes; the exit status is that of the first that has failed, or 0.

    Parameters
    ----------
    number : how many processes.
    kind, target, arguments, version : what `theanojax run` is given.
    devices : how many each has: of GPUs one by default, of CPUs one unless XLA_FLAGS says more.
    timeout : seconds that a process waits for another.

    When one process fails the others are ended. Ctrl-C and SIGTERM go to all.
    """
    reading, writing = os.pipe()
    work = json.dumps([target, list(arguments), kind, version])
    address = "127.0.0.1:%d" % _free_port()
    processes = []
    caught: list[int] = []
    before = {s: signal.signal(s, lambda s, _: caught.append(s)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        for i in range(number):
            env = dict(os.environ, JAX_COORDINATOR_ADDRESS=address)
            env.update({LAUNCHED: "%d/%d/%g" % (i, number, timeout), WORK: work, PIPE: str(reading)})
            _give_devices(env, i, devices)
            # of a group of its own: Ctrl-C comes from here, and once
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "theanojax.parallel.worker"],
                    env=env,
                    pass_fds=[reading],
                    start_new_session=True,
                )
            )
        return _watch(processes, caught)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for s, handler in before.items():
            signal.signal(s, handler)
        os.close(reading)
        os.close(writing)


def _give_devices(env: dict[str, str], i: int, devices: int | None) -> None:
    n = devices or 1
    env.setdefault("JAX_LOCAL_DEVICE_IDS", ",".join(map(str, range(i * n, (i + 1) * n))))
    if devices is not None:
        flag = "--xla_force_host_platform_device_count=%d" % devices
        env["XLA_FLAGS"] = " ".join(filter(None, [env.get("XLA_FLAGS"), flag]))  # the last one counts


def _watch(processes: Sequence[subprocess.Popen[bytes]], caught: list[int]) -> int:
    """Wait until all processes have ended; the exit status of the first that has failed."""
    status, last = 0, 0.0
    while any(process.poll() is None for process in processes):
        while caught:
            _tell(processes, caught.pop(0))
        if status and time.monotonic() > last:
            _tell(processes, signal.SIGKILL)
        failed = next((i for i, process in enumerate(processes) if process.poll()), None)
        if failed is not None and not status:
            status, how = _ending(processes[failed].returncode)
            others = sum(process.poll() is None for process in processes)
            text = "; the other processes are ended" if others > 1 else "; the other process is ended" if others else ""
            print("theanojax launch: process %d %s%s" % (failed, how, text), file=sys.stderr, flush=True)
            _tell(processes, signal.SIGTERM)
            last = time.monotonic() + GRACE
        time.sleep(POLL)
    if not status:
        status = next((_ending(process.returncode)[0] for process in processes if process.returncode), 0)
    return status


def _tell(processes: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _ending(returncode: int) -> tuple[int, str]:
    """(exit status as a shell gives it, words) for a process that has failed."""
    if returncode < 0:
        return 128 - returncode, "was ended by %s" % signal.Signals(-returncode).name
    return returncode, "has failed with exit status %d" % returncode


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


# ---------------------------------------------------------------- in each process
def work() -> int:
    """What a process that was launched does; the exit status."""
    pipe = os.environ.pop(PIPE, None)
    if pipe is not None:
        threading.Thread(target=_end_with_launcher, args=(int(pipe),), daemon=True).start()
    from theanojax.legacy import runner

    target, arguments, kind, version = json.loads(os.environ.pop(WORK))
    try:
        status = runner.run(target, arguments, kind, version)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    if status:
        # jax would wait for the others before it lets this one go; they wait for this one, and the launcher ends them
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _end_with_launcher(pipe: int) -> None:
    os.read(pipe, 1)
    os._exit(1)
