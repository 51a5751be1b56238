"""Compare the names, parameters and flags of Theano 1.0.5 with ours, and write down what differs: docs/parity.md.

    python -m tests.parity.run

And those of Theano-PyMC 1.1.2: docs/parity_pymc.md. Source distributions come, by package name, into a cache outside
the repository; nothing of them is imported. What they say that they have is in tables here, which tests/test_parity.py
compares without them. The exit status is 1 if something differs for which there is no reason in the files `explained`,
or there is a reason for what does not differ.
"""

import datetime
import importlib.metadata
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.conformance.run import REPO, fetch
from tests.parity import flags, reading
from tests.parity.comparing import DIFFERENCES, compare, explain, fits
from theanojax import configparser

HERE = Path(__file__).resolve().parent
DOCS = REPO / "docs"


class Reference(NamedTuple):
    """A Theano: its name, what pip calls it, its names, reasons, the page; and another, whose reasons hold, too."""

    title: str
    package: str
    table: Path
    reasons: Path
    page: Path
    beside: Path | None = None

    def compared(self):
        """(table, rows that differ, reasons)"""
        table = read(self.table)
        return table, compare(table), read(self.reasons) + (read(self.beside) if self.beside else [])

    def unexplained(self):
        """Texts: what differs without a reason, and reasons of its own for what does not differ."""
        _, rows, reasons = self.compared()
        return unexplained(rows, reasons, len(read(self.reasons)))


THEANO = Reference(
    "Theano 1.0.5", "Theano==1.0.5", HERE / "theano_1_0_5.tsv", HERE / "explained.tsv", DOCS / "parity.md"
)
THEANO_PYMC = Reference(
    *("Theano-PyMC 1.1.2", "Theano-PyMC==1.1.2", HERE / "theano_pymc_1_1_2.tsv", HERE / "explained_pymc.tsv"),
    *(DOCS / "parity_pymc.md", THEANO.reasons),
)


def read(path):
    """The rows of a table whose first line names the columns; empty ones at the end of a row are not in the file."""
    head, *lines = path.read_text().splitlines()
    width = head.count("\t") + 1
    return [tuple((line.split("\t") + [""] * width)[:width]) for line in lines if line]


def unexplained(rows, reasons, own=None):
    """Texts: what differs without a reason, and reasons, of the first `own` of them, for what does not differ."""
    bare = ["\t".join(row) for row, reason in explain(rows, reasons) if not reason]
    idle = [r for r in reasons[:own] if r[2] and not any(fits(row, *r[:2]) for row in rows)]
    return bare + ["nothing differs by " + "\t".join(r[:2]) for r in idle]


def main():
    return max([written(THEANO, "source"), written(THEANO_PYMC, "source-pymc")])


def written(reference, folder):
    """Write the table of `reference`, whose source is in the `folder` of the cache, and the page; 1 if that differs."""
    wanted = fetch(folder, lambda f: f.suffix == ".py" and "tests" not in f.parts, package=reference.package)
    root = wanted / "theano"
    table = list(reading.table(root))
    table += [("theano.config", "flag", *row) for row in flags.of_source(root / "configdefaults.py")]
    lines = ["module\tkind\tname\tparameters", *("\t".join(row).rstrip("\t") for row in table)]
    reference.table.write_text("\n".join(lines) + "\n")
    reference.page.write_text(report(reference))
    left = reference.unexplained()
    print("\n".join(left) if left else "%s: all that differs is explained" % reference.page.relative_to(REPO))
    return bool(left)


def report(reference):
    """The page for people."""
    table, rows, reasons = reference.compared()
    looked = Counter(kind for _, kind, _, _ in table)
    counts = Counter(row[0] for row in rows)
    words = [
        "# Names, parameters and flags: %s and theanojax" % reference.title,
        "",
        "`make parity` wrote this page on %s, with theanojax %s on Python %s. It reads the source of %s, and"
        % (datetime.date.today(), importlib.metadata.version("theanojax"), sys.version.split()[0], reference.title),
        "looks up here, under the same path after `import theano`, each module, each public name that it defines, and",
        "each public method of its classes; tests, GPU back-ends and names with `_` in front are left out. Parameters",
        "are the same if each call that Theano's takes is taken here: their names, their order, and their defaults.",
        "Flags are the same if their values and their defaults are, and whether they can be changed later.",
        "",
        "Looked at: %d modules, %d functions, %d classes with %d methods, %d values, %d flags."
        % tuple(looked[k] for k in ("module", "function", "class", "method", "value", "flag")),
        "",
        "| what differs | count |",
        "|---|---|",
        *("| %s | %d |" % (meaning, counts[kind]) for kind, meaning in DIFFERENCES.items()),
    ]
    explained = explain(rows, reasons)
    for kind, meaning in DIFFERENCES.items():
        groups = {}
        for row, reason in explained:
            if row[0] == kind:
                groups.setdefault(reason or "**no reason yet**", []).append(row)
        if groups:
            words += ["", "## %s" % (meaning[0].upper() + meaning[1:])]
        for reason, members in groups.items():
            words += ["", "%d: %s" % (len(members), reason), "", listed(members)]
    return "\n".join(words + (of_flags(table) if reference is THEANO else [])) + "\n"


def of_flags(table):
    """The lines about flags that mean nothing, and about those that Theano does not have."""
    parameters = configparser._config_var_list
    theirs = {name for _, kind, name, _ in table if kind == "flag"}
    own = [p for p in parameters if p.fullname not in theirs]
    inert = [p for p in parameters if p.inert]
    words = ["", "## Flags that are accepted and mean nothing here", ""]
    words += ["%d of %d; each of the others is read where it acts." % (len(inert), len(parameters)), ""]
    words += ["| flag | why |", "|---|---|", *("| `%s` | %s |" % (p.fullname, p.inert) for p in inert)]
    words += ["", "## Flags that only theanojax has", "", "| flag | meaning |", "|---|---|"]
    return words + ["| `%s` | %s |" % (p.fullname, p.doc) for p in own]


def listed(rows):
    """The names of `rows`, a line for each module."""
    modules = {}
    for _, module, name, _, _ in rows:
        modules.setdefault(module, []).append("`%s`" % name if name else "the module")
    return "\n".join("- `%s`: %s" % (module, ", ".join(names)) for module, names in modules.items())


if __name__ == "__main__":
    sys.exit(main())
