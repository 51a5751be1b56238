"""`make dist-check`: build what would be released, and look at what somebody gets who installs it.

The contents of sdist and wheel are compared with what git has; the README's example, a few test files of the unpacked
sdist, and `import theano` beside a real Theano and after it run in a fresh environment. Needs the tools of
requirements-dist.txt, and PyPI.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import venv
import zipfile
from pathlib import Path

STARTED = time.monotonic()
ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("theanojax/", "theano/")
# What is for git and for GitHub alone
REPOSITORY = (".git", ".devcontainer/")
# What the building adds
BUILT = ("PKG-INFO", "setup.cfg", "theanojax.egg-info/")
FROM_THE_SDIST = ["tests/test_packaging.py", "tests/test_golden.py", "tests/test_typed_list.py"]
WHICH = "import theano; print(vars(theano)['__name__'])"  # theano itself has its old name


def run(*command, **kwargs):
    """What the command prints on stdout; with a CalledProcessError, what it says is shown first."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **kwargs)
    if done.returncode:
        sys.exit("%s\n%s%s" % (" ".join(map(str, command)), done.stdout, done.stderr))
    return done.stdout


def step(said):
    print("%5.1f s  %s" % (time.monotonic() - STARTED, said), flush=True)


def tracked():
    """The files that git has; None in an unpacked sdist."""
    if not (ROOT / ".git").exists():
        return None
    return set(run("git", "ls-files", cwd=ROOT).splitlines())


def difference(kind, found, wanted):
    """Refuse a distribution that lacks something, or has something of its own."""
    for word, names in (("lacks", wanted - found), ("has, and should not,", found - wanted)):
        if names:
            sys.exit("the %s %s %s" % (kind, word, ", ".join(sorted(names))))


def check_contents(sdist, wheel):
    """All of the repository in the sdist, the packages and nothing else in the wheel."""
    files = tracked()
    if files is None:
        return
    with tarfile.open(sdist) as archive:
        found = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    found = {name for name in found if not name.startswith(BUILT)}
    difference("sdist", found, {name for name in files if not name.startswith(REPOSITORY)})
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    difference("wheel", found, {name for name in files if name.startswith(PACKAGES)})


def fresh(folder):
    """A new environment: its python."""
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


def pip(python, *arguments):
    run(python, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments)


def check_example(python, folder):
    """The README's example, as a script of `theanojax run` and of Python."""
    listing = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    shown = [line.partition(")  # ")[2] for line in listing.splitlines() if line.startswith("print(")]
    (folder / "example.py").write_text(listing)
    run(python, "-m", "theanojax", "run", "example.py", cwd=folder)
    printed = run(python.parent / "theanojax", "run", "example.py", cwd=folder).splitlines()
    if printed != shown or not shown:
        sys.exit("README.md's example prints %s, and not %s" % (printed, shown))
    run(python, "example.py", cwd=folder)


def imported(python, folder):
    """(the module that is `theano`, what `import theanojax` says on stderr)."""
    done = subprocess.run([python, "-c", "import theanojax"], capture_output=True, text=True, cwd=folder, check=True)
    name = subprocess.run([python, "-c", WHICH], capture_output=True, text=True, cwd=folder, check=False).stdout
    return name.strip(), done.stderr


def check_stubs(python, folder):
    """pip takes them for what they stand for, and leaves `theano` alone."""
    stubs = [ROOT / "stubs" / name for name in ("theano", "theano-pymc")]
    pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, *stubs)
    pip(python, "install", "--no-deps", *folder.glob("theano*+theanojax-*.whl"))
    run(python, "-m", "pip", "check")
    pip(python, "install", "--no-index", "Theano>=1.0.4", "Theano-PyMC>=1.1")
    if imported(python, folder) != ("theanojax", ""):
        sys.exit("with the stubs installed, theano is not theanojax")
    pip(python, "uninstall", "-y", "theano", "theano-pymc")


def check_beside(python, folder, wheel):
    """A real Theano takes the place of our `theano`: theanojax says so and runs, and is back when installed again."""
    real = subprocess.run(
        [python, "-m", "pip", "-qq", "install", "--no-deps", "Theano==1.0.5"], capture_output=True, check=False
    )
    if real.returncode:
        return "left out: Theano 1.0.5 does not install on Python %d.%d" % sys.version_info[:2]
    name, said = imported(python, folder)
    if name == "theanojax" or "which is not theanojax's" not in said:
        sys.exit("with Theano 1.0.5 installed, `theano` is %r, and `import theanojax` says %r" % (name, said))
    pip(python, "uninstall", "-y", "Theano")
    pip(python, "install", "--no-deps", "--force-reinstall", wheel)
    if imported(python, folder) != ("theanojax", ""):
        sys.exit("installed again after Theano, theano is not theanojax")
    return "a real Theano beside it, and after it"


def main():
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
        sdist, wheel = folder / f"theanojax-{version}.tar.gz", folder / f"theanojax-{version}-py3-none-any.whl"
        step("built %s and %s" % (sdist.name, wheel.name))
        check_contents(sdist, wheel)
        run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", sdist, wheel)
        step("contents and descriptions")
        python = fresh(folder / "environment")
        pip(python, "install", f"{wheel}[testing]")
        run(python, "-m", "pip", "check")
        step("installed")
        check_example(python, folder)
        if imported(python, folder) != ("theanojax", ""):
            sys.exit("`import theano` is not theanojax")
        step("the example of README.md")
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        run(python, "-m", "pytest", "-q", *FROM_THE_SDIST, cwd=folder / f"theanojax-{version}")
        step("tests of the sdist")
        check_stubs(python, folder)
        step("the stubs")
        step(check_beside(python, folder, wheel))
        shutil.rmtree(ROOT / "dist", ignore_errors=True)
        (ROOT / "dist").mkdir()
        for made in (sdist, wheel):
            shutil.copy(made, ROOT / "dist")
        step("both are in dist")


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()
