"""The part of docs/conformance.md about the documentation."""

import datetime
import importlib.metadata
import sys
from collections import Counter
from pathlib import Path

from tests.conformance.run import OTHERS, PAGE
from tests.docs_conformance.comparing import OUTCOMES, RUN, WELL

REASONS = Path(__file__).resolve().parent / "reasons.tsv"
# The parts that the table has a row for, by how the names of pages begin.
PARTS = {
    "tutorial": "tutorial",
    "library": "library reference",
    "extending": "extending Theano",
    "cifarSC2011": "slides of 2011",
    "crei2013": "slides of 2013",
    "sandbox": "sandbox",
    "proposals": "proposals",
    "theano": "docstrings",
    "": "all other pages",
}

TEXT = """\
{title}

`make docs-conformance` writes this part. It runs the code of every page of Theano's documentation and of every
docstring, page by page, on Theano and here, and compares what each block prints. A block is a
listing, or the examples at prompts that stand together. Addresses, folders and the order of sets are not compared. A
block runs on Theano if it ends there without an error, or with the one that its page shows. Blocks in Python 2 run here
as `theanojax run` has them, and on Theano as `lib2to3` writes them.

{date}, {ours}; Theano 1.0.5 on {theirs}.

{table}

But for digits: floats differ in their last digits. But for draws: numbers or times are others at each run on Theano,
and all else is the same. Of the blocks that do not run on Theano (fragments, programs for GPUs, programs whose files
are not there) {alike} end here with the same error, {otherwise} with another, and {better} run.

## What differs, and why

The reasons are kept in `tests/docs_conformance/reasons.tsv`; blocks are counted from 1 on their page.

"""


def reasons():
    """(page, number of the block) -> why it differs."""
    rows = [line.split("\t") for line in REASONS.read_text().splitlines()[1:]]
    return {(page, int(number)): reason for page, number, reason in rows}


def part(name):
    start = name.partition(":")[0].partition("." if ":" in name else "/")[0]
    return PARTS.get(start, PARTS[""])


def unexplained(results, known):
    """Texts: what differs without a reason, and reasons for what does not, or is not there."""
    differs = {(page, number): came for page, number, came in results if came in RUN and came not in WELL}
    bare = ["%s, block %d: %s" % (*key, OUTCOMES[came]) for key, came in differs.items() if key not in known]
    return bare + ["%s, block %d does not differ" % key for key in known if key not in differs]


def table(results):
    """A row for each part: its pages, and blocks by what came of them."""
    rows = {}
    for page, _, came in results:
        pages, counts = rows.setdefault(part(page), (set(), Counter()))
        pages.add(page)
        counts[came] += 1
    total = (set().union(*(r[0] for r in rows.values())), sum((r[1] for r in rows.values()), Counter()))
    yield "| part | pages | blocks | run on Theano | the same here | but for digits | but for draws | differ |"
    yield "|---|---|---|---|---|---|---|---|"
    for name in [*PARTS.values(), "**all**"]:
        pages, c = total if name == "**all**" else rows.get(name, (set(), Counter()))
        if pages:
            run = sum(c[o] for o in RUN)
            numbers = (len(pages), c.total(), run, *(c[o] for o in WELL), run - sum(c[o] for o in WELL))
            yield "| %s |" % " | ".join(map(str, (name, *numbers)))


def section(results, versions):
    """The text, of `results`: (page, number of the block, what came of it)."""
    counts, known = Counter(came for *_, came in results), reasons()
    text = TEXT.format(
        title=OTHERS,
        date=datetime.date.today(),
        ours="Python %s, numpy %s" % (sys.version.split()[0], importlib.metadata.version("numpy")),
        theirs="Python %s, numpy %s" % tuple(versions),
        table="\n".join(table(results)),
        alike=counts["fails"],
        otherwise=counts["another error"],
        better=counts["runs here"],
    )
    reasons_given = ["- `%s`, block %d: %s" % (*key, reason) for key, reason in known.items()]
    return text + "\n".join(reasons_given or ["Nothing."]) + "\n"


def write(results, versions):
    """Replace that part of the page."""
    before = PAGE.read_text().partition("\n" + OTHERS)[0]
    PAGE.write_text(before.rstrip("\n") + "\n\n" + section(results, versions))
