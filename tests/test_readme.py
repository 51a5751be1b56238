"""README.md is short, its links lead somewhere, its figures were measured, its picture is of its example."""

import importlib.util
import json
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text()
TABLE = TEXT.partition("## Beside Theano, PyTensor and JAX")[2]
CONTENDERS = ("theano", "pytensor", "jax")


def row(label):
    """The cells of the row of the comparison that begins so, the first of them left out."""
    (line,) = [line for line in TABLE.splitlines() if line.startswith("| " + label)]
    return [cell.strip() for cell in line.strip("| ").split("|")][1:]


def test_it_is_short():
    assert len(TEXT.splitlines()) < 120


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT)
    assert len(links) > 20
    assert not [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]


@pytest.mark.parametrize(
    "label, key", [("time of a call", "call_s"), ("time to the first", "cold_s"), ("the same in a second", "start_s")]
)
def test_times(label, key):
    programs = json.loads((ROOT / "docs" / "benchmarks.json").read_text())["programs"].values()
    assert row(label)[0] == "1"
    for name, shown in zip(CONTENDERS, row(label)[1:], strict=True):
        ratios = [p[name][key] / p["theanojax"][key] for p in programs if p.get(name, {}).get(key)]
        assert shown == "%.1f" % statistics.median(ratios), (name, len(ratios))


def test_versions():
    versions = json.loads((ROOT / "docs" / "benchmarks.json").read_text())["versions"]
    shown = [re.match(r"[\d.]+\d", cell)[0] for cell in row("measured with numpy")]
    assert shown[:3] == [versions[name]["numpy"] for name in ("theanojax", "theano", "pytensor")]
    heading = next(line for line in TABLE.splitlines() if line.startswith("| |"))
    for name, called in (("theano", "Theano"), ("pytensor", "PyTensor")):
        assert f"| {called} {versions[name][name]} |" in heading


def test_where_we_are_slower():
    programs = json.loads((ROOT / "docs" / "benchmarks.json").read_text())["programs"]
    times = {(p, name): r["call_s"] for p, of in programs.items() for name, r in of.items() if r.get("call_s")}
    ratios = {(p, name): times[p, "theanojax"] / t for (p, name), t in times.items() if name != "theanojax"}
    assert [pair for pair, ratio in ratios.items() if ratio > 1.03] == []
    assert "No program is slower by more than 3 %" in TEXT


def test_theanos_own_tests():
    total = re.search(r"\| \*\*all\*\* \| (\d+) \| (\d+) \|", (ROOT / "docs" / "conformance.md").read_text())
    assert row("Theano's own tests")[:2] == [f"{total[2]} of {total[1]}", f"{total[1]} of {total[1]}"]


def test_the_picture_is_of_the_example():
    """scripts/readme_picture.py draws it anew."""
    spec = importlib.util.spec_from_file_location("readme_picture", ROOT / "scripts" / "readme_picture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.picture() == module.TARGET.read_text()
