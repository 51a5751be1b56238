"""Run a target of the Makefile on other Pythons, and on the oldest versions that pyproject.toml allows.

    python tests/pythons.py suite   on every Python that is found, and on the oldest versions
    python tests/pythons.py smoke   on one Python other than this one, and on the oldest versions
    python tests/pythons.py env     makes the environments of `smoke`

Each has an environment of its own in .venvs. A Python that is not there is named and left out.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]
OLDEST = VERSIONS[0]  # the Python for which the oldest versions of everything else were made


def interpreters(version):
    """What may be this Python: the one running, the one on the path, those that pyenv keeps, the newest first."""
    yield sys.executable
    yield shutil.which("python" + version)
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from sorted(kept.glob(version + ".*/bin/python"), key=lambda p: int(re.findall(r"\d+", p.parts[-3])[2]))[::-1]


def found(version):
    """The interpreter of this version, or None. pyenv's commands are there for versions that it then doesn't run."""
    check = "import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != sys.argv[1])"
    for python in interpreters(version):
        if python and subprocess.run([python, "-c", check, version], capture_output=True, check=False).returncode == 0:
            return python


def oldest():
    """pip's constraints for the oldest versions, one a line: pyproject.toml's `name>=version` as `name==version`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["testing"]
    return "\n".join(item.replace(">=", "==") for item in wanted if ">=" in item) + "\n"


def main(target):
    pythons = {version: found(version) for version in VERSIONS}
    runs = [(version, version, python) for version, python in pythons.items() if python]
    if target in ("smoke", "env"):
        runs = [run for run in runs if run[0] != "%d.%d" % sys.version_info[:2]][-1:]
    if pythons[OLDEST]:
        runs.append(("oldest", OLDEST, pythons[OLDEST]))
    missing = [version for version, python in pythons.items() if not python]
    if missing:
        print("left out, not found: Python", ", ".join(missing), flush=True)
    failed = []
    for name, version, python in runs:
        print("== %s on Python %s, %s versions" % (target, version, name if name == "oldest" else "newest"), flush=True)
        command = ["make", "--no-print-directory", target, "PYTHON=%s" % python, "VENV=.venvs/%s" % name]
        if name == "oldest":
            (ROOT / ".venvs").mkdir(exist_ok=True)
            (ROOT / ".venvs" / "oldest.txt").write_text(oldest())
            command.append("CONSTRAINTS=.venvs/oldest.txt")
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    print("%s: %s" % (target, "failed on " + ", ".join(failed) if failed else "passed on all %d" % len(runs)))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
