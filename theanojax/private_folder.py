"""Folders in ``config.compiledir`` for compiled code. What is read from there runs, so nobody else may write there."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import time
import zlib

from theanojax.config import config
from theanojax.configflags import make_private_folder

DAY = 24 * 60 * 60
BUILDING = "building_"  # what folders in which a process compiles begin with; where it is killed they stay
# kind of code -> (what it is, the flag without which nothing is kept)
KINDS = {
    "xla": ("Executables", "xla_cache=False"),
    "c": ("Modules in C", "xla_cache=False"),
    "graphs": ("Rewritten graphs", "cache_optimizations=False"),
}

_said: set[tuple[str, str]] = set()  # of which folders it has been said, once, what is wrong with them


def private_folder(kind: str, more: bytes = b"") -> str | None:
    """The folder for `kind`, one of `KINDS`, this kind of processor and what else the code is for, or None.

    It is None where it cannot be written, or others can do so. Compiled code is for the instructions of the processor
    that compiled it, and machines of a cluster share homes.
    """
    try:
        path = os.path.join(config.compiledir, "%s_%08x" % (kind, zlib.crc32(processor() + more)))
        make_private_folder(path)
        danger = danger_of(path)
    except (OSError, ValueError):
        return None
    if danger and (path, danger) not in _said:
        _said.add((path, danger))
        logging.getLogger("theanojax").warning(
            "%s are neither read from nor kept in %s: %s. Set the flag base_compiledir to a folder that only you can "
            "write to, or %s.",
            KINDS[kind][0],
            path,
            danger,
            KINDS[kind][1],
        )
    return path if not danger and os.access(path, os.W_OK | os.X_OK) else None


def danger_of(path: str) -> str | None:
    """What lets another user than this one and root change the files in the folder `path`, or None.

    `path` has no symbolic links above its end. Where users have no numbers, nothing is found.
    """
    if not hasattr(os, "geteuid"):
        return None
    user, info = os.geteuid(), os.lstat(path)
    if not stat.S_ISDIR(info.st_mode):
        return "it is a symbolic link"
    if info.st_uid != user:
        return "it belongs to another user"
    if _others_write(info):
        return "other users can write to it"
    above = os.path.dirname(path)
    while os.path.dirname(above) != above:
        info = os.lstat(above)
        if info.st_uid not in (user, 0):
            return "%s belongs to another user" % above
        # Where the sticky bit is set, users can remove and rename what is their own alone.
        if _others_write(info) and not info.st_mode & stat.S_ISVTX:
            return "other users can write to %s" % above
        above = os.path.dirname(above)
    return None


def _others_write(info: os.stat_result) -> bool:
    if info.st_mode & stat.S_IWOTH:
        return True
    return bool(info.st_mode & stat.S_IWGRP) and not _is_private_group(info.st_gid)


def _is_private_group(number: int) -> bool:
    """Whether the user is alone in that group, as on systems whose umask is 002."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    return number == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def processor() -> bytes:
    """What tells processors of different abilities apart, as bytes."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            lines = file.read().split(b"\n\n")[0].splitlines()
    except OSError:
        import platform

        return " ".join(platform.uname()).encode()
    return b"\n".join(n for n in lines if n.startswith((b"flags", b"Features", b"model name", b"CPU p", b"isa")))


def remove_unused(path: str) -> None:
    """Once a day, delete what no process has used for ``config.cmodule.age_thresh_use`` seconds."""
    stamp = os.path.join(path, ".cleaned")
    now = time.time()
    try:
        if now - os.stat(stamp).st_mtime < DAY:
            return
    except OSError:
        pass
    try:
        with open(stamp, "w"):
            os.utime(stamp)
        with os.scandir(path) as entries:
            for entry in entries:
                used = max(entry.stat().st_atime, entry.stat().st_mtime)
                if now - used <= config.cmodule.age_thresh_use:
                    continue
                if entry.is_file():
                    os.remove(entry.path)
                elif entry.name.startswith(BUILDING):
                    shutil.rmtree(entry.path, ignore_errors=True)
    except OSError:
        return  # another process cleans up, or has removed the folder
