"""Executables that outlive the process, and the command that looks after them."""

import os
import subprocess
import sys
import time

import pytest

from theanojax.legacy import compiledir

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
    forgotten = os.path.join(folder, "forgotten-cache")
    for name in (forgotten, os.path.join(folder, ".cleaned")):
        with open(name, "w"):
            os.utime(name, (old, old))
    assert run(tmp_path)[1]
    assert not os.path.exists(forgotten) and kept(folder)


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
    wrong = command(tmp_path, "nonsense")
    assert wrong.returncode == 1 and 'command "nonsense" not recognized' in wrong.stderr


def test_print_title(capsys):
    compiledir.print_title("ab", overline="=", underline="-")
    assert capsys.readouterr().out == "==\nab\n--\n"
