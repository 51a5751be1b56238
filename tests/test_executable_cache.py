"""Executables that outlive the process, and the command that looks after them."""

import os
import pathlib
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from theanojax import private_folder
from theanojax.legacy import compiledir
from theanojax.private_folder import BUILDING

PROGRAM = """
import sys
import numpy as np, theano, theano.tensor as T
hits = []
{before}
x = T.dmatrix("x")
f = theano.function([x], T.grad(T.tanh(T.dot(T.tanh(T.dot(x, x)), x)).sum(), x))
a = np.arange(9.0).reshape(3, 3)
import jax
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name.endswith("cache_hits")))
value = f(a)
{after}
print(float(value.sum()), any(hits), jax.config.jax_compilation_cache_dir)
"""


def run(tmp_path, before="", after="", flags="", **variables):
    """(sum of the gradient, whether an executable was found, the folder jax was told) of a new process."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "THEANO"))}
    flags = ",".join(filter(None, ["numpy_elements=0", flags]))  # all of it by XLA
    env.update(HOME=str(tmp_path), THEANO_FLAGS=flags, **variables)
    code = PROGRAM.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # XLA's remarks on the processor would be here
    total, found, folder = done.stdout.split()
    return total, found == "True", folder


def kept(folder):
    return sorted(n for _, _, files in os.walk(folder) for n in files if n.endswith("-cache"))


def test_a_second_process_finds_the_executables(tmp_path):
    first = run(tmp_path)
    files = kept(tmp_path / ".theano")
    assert not first[1] and files and first[2].startswith(str(tmp_path / ".theano" / "compiledir_"))
    assert run(tmp_path) == (first[0], True, first[2])
    assert kept(tmp_path / ".theano") == files


def test_loops_are_found_too(tmp_path):
    loop = (
        "w = T.dvector('w'); k = T.iscalar('k')\n"
        "states, _ = theano.scan(lambda h, w: T.tanh(h * w), outputs_info=T.ones_like(w), non_sequences=w, n_steps=k)\n"
        "g = theano.function([w, k], [states[-1], T.grad(states[-1].sum(), w)])\n"
        "del hits[:]\n"
        "g(np.ones(5), 7)"
    )
    first = run(tmp_path, after=loop)
    count = len(kept(tmp_path))
    assert not first[1] and run(tmp_path, after=loop) == (first[0], True, first[2])
    assert len(kept(tmp_path)) == count


def test_the_flag_turns_it_off(tmp_path):
    assert run(tmp_path, flags="xla_cache=False")[1:] == (False, "None")
    assert not kept(tmp_path)


@pytest.mark.parametrize("how", ["environment", "before", "after"])
def test_a_folder_of_the_user_s_own(how, tmp_path):
    own = str(tmp_path / "own")
    choose = "import jax; jax.config.update('jax_compilation_cache_dir', %r)" % own
    least = "jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)"
    if how == "environment":
        _, _, folder = run(tmp_path, JAX_COMPILATION_CACHE_DIR=own, JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0")
    elif how == "before":
        _, _, folder = run(tmp_path, before=choose + "; " + least)
    else:
        _, _, folder = run(
            tmp_path,
            after=choose
            + "\ng = theano.function([x], T.tanh(x).sum(0))\ng(a)\n"
            + "assert jax.config.jax_persistent_cache_min_compile_time_secs == 1.0\n"
            + least
            + "\ng(a[:2])",
        )
    assert folder == own and kept(own)
    assert bool(kept(tmp_path / ".theano")) == (how == "after")


def test_a_home_that_cannot_be_written(tmp_path):
    (tmp_path / ".theano").write_text("not a folder")
    assert run(tmp_path)[1:] == (False, "None")


def test_what_is_damaged_is_compiled_again(tmp_path):
    first = run(tmp_path)
    for folder, _, files in os.walk(tmp_path):
        for name in files:
            if name.endswith("-cache"):
                with open(os.path.join(folder, name), "r+b") as file:
                    file.truncate(100)
    assert run(tmp_path, before="import warnings; warnings.simplefilter('ignore')")[0] == first[0]


def test_what_nobody_uses_is_deleted(tmp_path):
    folder = run(tmp_path)[2]
    old = time.time() - 30 * 24 * 60 * 60
    forgotten, left = os.path.join(folder, "forgotten-cache"), os.path.join(folder, BUILDING + "1")
    os.mkdir(left)  # by a process that was killed as it compiled
    for name in (os.path.join(left, "half.cpp"), forgotten, os.path.join(folder, ".cleaned")):
        with open(name, "w"):
            os.utime(name, (old, old))
    os.utime(left, (old, old))
    assert run(tmp_path)[1]
    assert not os.path.exists(forgotten) and not os.path.exists(left) and kept(folder)


def command(tmp_path, *words):
    env = {**os.environ, "HOME": str(tmp_path), "THEANO_FLAGS": ""}
    code = "import sys; from theanojax.legacy.compiledir import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True)


def test_theano_cache(tmp_path):
    folder = run(tmp_path)[2]
    assert command(tmp_path).stdout.strip() == os.path.dirname(folder)
    count = len(kept(tmp_path))
    listed = command(tmp_path, "list").stdout
    assert listed.count("jit_") == count and "%d executables" % count in listed
    assert command(tmp_path, "cleanup").returncode == 0 and len(kept(tmp_path)) == count
    assert command(tmp_path, "clear").returncode == 0 and not kept(tmp_path) and os.path.isdir(folder)
    assert command(tmp_path, "unlock").stdout == "Lock successfully removed!\n"
    assert command(tmp_path, "purge").returncode == 0 and os.listdir(os.path.dirname(folder)) == []
    assert "compiledir_" in command(tmp_path, "basecompiledir", "list").stdout
    assert command(tmp_path, "basecompiledir", "purge").returncode == 0
    assert command(tmp_path, "basecompiledir").stdout.strip() == str(tmp_path / ".theano")
    assert command(tmp_path, "--help").stdout == command(tmp_path, "help").stdout != ""
    wrong = command(tmp_path, "nonsense")
    assert wrong.returncode == 1 and 'command "nonsense" not recognized' in wrong.stderr


def test_print_title(capsys):
    compiledir.print_title("ab", overline="=", underline="-")
    assert capsys.readouterr().out == "==\nab\n--\n"


# ---------------------------------------------------------------- whose folder it is
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="users have no numbers here")
@pytest.mark.parametrize("umask", [0, 0o002, 0o022, 0o077])
def test_the_folder_is_the_user_s_alone(umask, tmp_path):
    tmp_path.chmod(0o700)
    env = {**os.environ, "HOME": str(tmp_path), "THEANO_FLAGS": ""}
    code = "import os; os.umask(%d); from theanojax.private_folder import private_folder as p; print(p('xla'))" % umask
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    folder = done.stdout.strip()
    assert folder.startswith(str(tmp_path)) and done.stderr == ""
    while folder != str(tmp_path):
        assert os.stat(folder).st_mode & 0o777 == 0o700
        folder = os.path.dirname(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="users have no numbers here")
@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda home, inner: inner.chmod(0o707), "other users can write to it"),
        (lambda home, inner: inner.chmod(0o1777), "other users can write to it"),
        (lambda home, inner: inner.parent.chmod(0o777), "other users can write to .*/compiledir"),
        (lambda home, inner: home.chmod(0o777), "other users can write to "),
        (lambda home, inner: inner.rename(home / "b") and inner.symlink_to(home / "b"), "it is a symbolic link"),
        (lambda home, inner: home.chmod(0o1777), None),
        (lambda home, inner: inner.chmod(0o755), None),
    ],
    ids=["others", "sticky", "parent", "home", "link", "sticky home", "readable"],
)
def test_a_folder_that_others_can_write_to_is_not_used(spoil, said, tmp_path, monkeypatch, caplog):
    tmp_path.chmod(0o700)
    compiledir = tmp_path / "compiledir"
    monkeypatch.setattr(private_folder, "config", SimpleNamespace(compiledir=str(compiledir)))
    inner = private_folder.private_folder("xla")
    assert inner and not caplog.records
    spoil(tmp_path, pathlib.Path(inner))
    with caplog.at_level("WARNING", logger="theanojax"):
        assert private_folder.private_folder("xla") == (None if said else inner)
    if said:
        (record,) = caplog.records
        assert record.name == "theanojax" and re.search("kept in %s: %s" % (inner, said), record.getMessage())


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="users have no numbers here")
def test_a_folder_of_another_user_is_not_used(tmp_path, monkeypatch):
    tmp_path.chmod(0o755)
    below = tmp_path / "below"
    below.mkdir(0o700)
    stranger = os.geteuid() + 4321
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert private_folder.danger_of(str(below)) == "it belongs to another user"
    monkeypatch.undo()
    if os.geteuid() == 0:
        os.chown(tmp_path, stranger, -1)
        assert private_folder.danger_of(str(below)) == "%s belongs to another user" % tmp_path
    monkeypatch.delattr(os, "geteuid")  # as on Windows
    assert private_folder.danger_of(str(below)) is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="users have no numbers here")
def test_a_group_of_one_counts_as_the_user(tmp_path, monkeypatch):
    import grp
    import pwd

    tmp_path.chmod(0o770)
    user = pwd.getpwuid(os.geteuid())
    group = grp.struct_group((user.pw_name, "x", user.pw_gid, []))
    monkeypatch.setattr(grp, "getgrgid", lambda number: group)
    os.chown(tmp_path, -1, user.pw_gid)
    assert private_folder.danger_of(str(tmp_path)) is None
    for others in (grp.struct_group(("staff", "x", user.pw_gid, [])), grp.struct_group((*group[:3], ["another"]))):
        monkeypatch.setattr(grp, "getgrgid", lambda number, others=others: others)
        assert private_folder.danger_of(str(tmp_path)) == "other users can write to it"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="users have no numbers here")
def test_it_is_said_once_and_the_program_runs(tmp_path):
    folder = run(tmp_path)[2]
    os.chmod(folder, 0o777)
    env = {**os.environ, "HOME": str(tmp_path), "THEANO_FLAGS": ""}
    code = PROGRAM.format(before="", after="g = theano.function([x], T.tanh(x).sum(0)); g(a)")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.split()[1:] == ["False", "None"]
    assert done.stderr.count("Executables are neither read from nor kept in") == 1
