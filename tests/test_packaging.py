"""What a release says of itself, in each of the places that say it; `make dist-check` builds one and tries it."""

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import pytest

import theano
import theanojax
from tests import pythons
from theanojax.legacy import runner

ROOT = Path(__file__).resolve().parent.parent
NEEDS_REPOSITORY = pytest.mark.skipif(not (ROOT / ".github").exists(), reason="an unpacked sdist")
PROJECT_FILE = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PROJECT_FILE["project"]
RELEASE = re.compile(r"^## \[(\S+)\] - (\d{4}-\d\d-\d\d)$", re.M)
SECTIONS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}  # of Keep a Changelog


def test_one_version():
    """pyproject.toml has it; the change log's newest release and CITATION.cff say the same."""
    version, date = RELEASE.findall((ROOT / "CHANGELOG.md").read_text())[0]
    assert version == PROJECT["version"]
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {version}\n" in citation and f"\ndate-released: {date}\n" in citation
    installed = importlib.metadata.version("theanojax")  # None beside the files of an unpacked sdist
    assert installed in (None, version) and theanojax.__version__ == (installed or "0+unknown")
    assert theano.__version__ == "1.0.5"  # of the API, which old programs look at


def test_the_change_log_has_the_form_of_keep_a_changelog():
    headings = re.findall(r"^(#+) (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert [text for marks, text in headings if marks == "#"] == ["Changelog"]
    releases = [text for marks, text in headings if marks == "##"]
    assert releases[0] == "Unreleased" and all(RELEASE.match("## " + text) for text in releases[1:])
    assert {text for marks, text in headings if marks == "###"} <= SECTIONS
    dates = [RELEASE.match("## " + text)[2] for text in releases[1:]]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize("file", ["pyproject.toml", "stubs/theano/pyproject.toml", "stubs/theano-pymc/pyproject.toml"])
def test_the_licence_is_an_expression(file):
    """The table that it was is refused by setuptools from 2027 on; 77 is the first that reads the expression."""
    found = tomllib.loads((ROOT / file).read_text())
    assert found["project"]["license"] == PROJECT["license"] == "BSD-3-Clause"
    assert found["project"]["authors"] == PROJECT["authors"]
    assert found["project"]["requires-python"] == PROJECT["requires-python"]
    assert (
        found["build-system"] == PROJECT_FILE["build-system"] and "setuptools>=77" in found["build-system"]["requires"]
    )
    assert not [line for line in found["project"].get("classifiers", ()) if line.startswith("License")]


def test_classifiers_name_pythons_that_are_tested():
    named = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert named <= set(pythons.VERSIONS) and ">=" + min(named, key=lambda v: int(v[2:])) == PROJECT["requires-python"]


def test_files_that_are_no_python_are_installed():
    """Each has an ending that [tool.setuptools.package-data] names."""
    (patterns,) = PROJECT_FILE["tool"]["setuptools"]["package-data"].values()
    for package in ("theanojax", "theano"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc", ".pyo"):
                assert any(path.match(pattern) for pattern in patterns), path


def test_extras_that_are_spoken_of_are_there():
    found = set()
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "theanojax").rglob("*.py"),
        ROOT / "Makefile",
    ]:
        found |= set(re.findall(r"(?:theanojax|pip install '?\.|-e '?\.)\[([a-z0-9,]+)\]", path.read_text("utf-8")))
    assert {"notebook", "testing"} <= {name for names in found for name in names.split(",")}
    assert not {name for names in found for name in names.split(",")} - set(PROJECT["optional-dependencies"])


def test_the_extra_for_old_scripts_is_what_the_runner_speaks_of():
    names = {"PIL": "pillow"}
    assert sorted(names.get(name, name) for name in runner.LEGACY) == sorted(PROJECT["optional-dependencies"]["legacy"])


# ---- the repository


@NEEDS_REPOSITORY
def test_workflows_call_targets_of_the_makefile():
    """What runs there runs here, too; `actionlint` looks at the rest."""
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        called = re.findall(r"\bmake ([\w-]+)", path.read_text())
        assert called or "uses: ./.github" in path.read_text()
        assert set(called) <= {*phony, "docs"}, path
    tests = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    assert json.loads(re.search(r"python: (\[.*\])", tests)[1]) == pythons.VERSIONS


@NEEDS_REPOSITORY
def test_reports_come_with_what_info_prints():
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"):
        assert "What `theanojax info` prints" in path.read_text(), path
    assert "`theanojax info`" in (ROOT / ".github" / "pull_request_template.md").read_text()


@NEEDS_REPOSITORY
def test_the_container_makes_the_environments():
    found = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert "make env" in found["postCreateCommand"]
