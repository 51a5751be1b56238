"""Run the code of Theano 1.0.5's documentation on Theano and here, and say which blocks give another text.

    python -m tests.docs_conformance.run [PAGES] [--theano] [--write]

The pages come with Theano's source distribution, by package name, into a cache outside the repository; what is printed
is kept there, too. Theano runs where benchmarks/contenders.py has it: BENCH_THEANO_PYTHON names the interpreter. It is
asked again with --theano, or where a page has changed.
"""

import argparse
import dataclasses
import functools
import glob
import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from benchmarks import contenders
from tests.conformance.run import CACHE, REPO, fetch
from tests.docs_conformance import comparing, pages, report

HERE = Path(__file__).resolve().parent
KEPT = CACHE / "docs"
PAGE_SECONDS = 900


def found():
    """Name of a page -> its blocks."""
    root = fetch("doc", lambda f: f.suffix == ".txt", "doc")
    texts = {str(f.relative_to(root / "doc").with_suffix("")): f for f in sorted((root / "doc").rglob("*.txt"))}
    every = {name: pages.blocks(f.read_text(encoding="utf-8")) for name, f in texts.items()}
    source = fetch("source", lambda f: f.suffix == ".py" and "tests" not in f.parts)
    for f in sorted((source / "theano").rglob("*.py")):
        module = ".".join(f.relative_to(source).with_suffix("").parts)
        for name, text in pages.docstrings(f.read_text(encoding="utf-8")):
            every["%s:%s" % (module, name)] = pages.blocks(text)
    return {name: blocks for name, blocks in every.items() if any(b.version for b in blocks)}


def place(who, name, kind):
    """A file of what is known of a page."""
    return KEPT / who / ("%s.%s" % (name.replace("/", "+"), kind))


def asked(name, blocks):
    """What playing, as it is today, is asked to run."""
    module = name.partition(":")[0] if ":" in name else None
    by = zlib.crc32((HERE / "playing.py").read_bytes())
    return json.dumps({"module": module, "blocks": [dataclasses.asdict(b) for b in blocks], "by": by})


def play(who, python, name, blocks):
    """The outcomes of a page's blocks; they are kept in a file, for Theano's to be read the next time."""
    work = place(who, name, "d")
    shutil.rmtree(work, ignore_errors=True)
    (work / "pics").mkdir(parents=True)  # where pages have their pictures written
    todo, results = place(who, name, "todo"), place(who, name, "jsonl")
    todo.write_text(asked(name, blocks))
    flags = ["base_compiledir=%s" % (KEPT / ("compiled-" + who)), os.environ.get("THEANO_FLAGS")]
    env = dict(
        os.environ,
        PYTHONPATH=str(REPO) if who == "theanojax" else "",
        PYTHONHASHSEED="0",
        THEANO_FLAGS=",".join(filter(None, flags)),
        OMP_NUM_THREADS="1",
    )
    with open(place(who, name, "stderr"), "w") as said:
        command = [python, str(HERE / "playing.py"), who, str(todo), str(results)]
        try:
            subprocess.run(
                command,
                cwd=work,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=PAGE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pass
    shutil.rmtree(work, ignore_errors=True)
    return outcomes(results)


def outcomes(results):
    rows = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    return {row["number"]: row for row in rows}


def answers(name, blocks, again="", anew=False):
    """Theano's outcomes of a page, asked for anew, or where the page has changed."""
    who = "theano" + again
    todo = place(who, name, "todo")
    if not anew and todo.exists() and todo.read_text() == asked(name, blocks):
        return outcomes(place(who, name, "jsonl"))
    return play(who, theano_python(), name, blocks)


def compare(name, blocks, anew=False, kept=False):
    """(block, what came of it, Theano's row, ours) of each block in Python of a page; `kept`: without running it."""
    last = [outcomes(place(who, name, "jsonl")) for who in ("theano", "theanojax", "theano-again")]
    theirs = last[0] if kept else answers(name, blocks, anew=anew)
    ours = last[1] if kept else play("theanojax", sys.executable, name, blocks)
    second = {}

    def again(number):
        second.update(second or (last[2] if kept else answers(name, blocks, "-again")))
        return second.get(number)

    for block in blocks:
        if block.version:
            a, b = theirs.get(block.number), ours.get(block.number)
            yield block, comparing.outcome(block, a, b, lambda n=block.number: again(n)), a, b


def written(name, rows):
    """Write down, in KEPT/differs, what was printed where it is not the same, and what was said where that differs."""
    folder = KEPT / "differs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(glob.escape(name.replace("/", "+")) + ".*.txt"):
        old.unlink()
    for block, came, theirs, ours in rows:
        both = (theirs or {}, ours or {})
        said = [comparing.plain(row.get("said", "")) for row in both]
        if came not in comparing.WELL:
            kind, texts = "txt", [row.get("text", "(it did not come so far)") for row in both]
        elif said[0] != said[1]:
            kind, texts = "said.txt", said
        else:
            continue
        title = "%s, block %d, line %d: %s" % (name, block.number, block.line, comparing.OUTCOMES[came])
        parts = zip(("the block", "Theano", "here"), ("\n".join(block.parts), *texts))
        text = "\n".join([title, *("\n---- %s\n%s" % part for part in parts)])
        place("differs", name, "%d.%s" % (block.number, kind)).write_text(text)


@functools.cache
def theano_python():
    """The interpreter that has Theano, and what its pages import beside it."""
    python = contenders.theano_python()
    if "BENCH_THEANO_PYTHON" not in os.environ:
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "ipython", "nose", "parameterized", "pydot"], check=True)
    return python


def versions():
    """Those of Python and numpy that Theano runs on."""
    ask = "import sys, numpy; print(sys.version.split()[0], numpy.__version__)"
    done = subprocess.run([theano_python(), "-c", ask], capture_output=True, text=True, check=True)
    return done.stdout.split()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument(
        "pages", nargs="*", help="parts of the names of pages; all without, and docs/conformance.md is written"
    )
    ap.add_argument("--theano", action="store_true", help="ask Theano again")
    ap.add_argument("--write", action="store_true", help="write it with `pages`, too: others as they last came")
    options = ap.parse_args()
    try:
        theano_python()
    except contenders.LeftOut as reason:
        sys.exit("Theano cannot run here: %s" % reason)
    results = []
    for name, blocks in found().items():
        kept = bool(options.pages) and not any(p in name for p in options.pages)
        if kept and not options.write:
            continue
        rows = list(compare(name, blocks, options.theano, kept))
        written(name, rows)
        results += [(name, block.number, came) for block, came, *_ in rows]
        others = ["%d %s" % (block.number, came) for block, came, *_ in rows if came not in comparing.WELL]
        print("%s: %d blocks; %s" % (name, len(rows), ", ".join(others) or "all well"), flush=True)
    for came, meaning in comparing.OUTCOMES.items():
        print("%5d %s" % (sum(row[2] == came for row in results), meaning))
    print(
        "the texts that differ are in %s; those of standard error, which do not count, end in .said.txt"
        % (KEPT / "differs")
    )
    if options.pages and not options.write:
        return 0
    report.write(results, versions())
    left = report.unexplained(results, report.reasons())
    print("\n".join(left) or "docs/conformance.md is written: all that differs has a reason")
    return bool(left)


if __name__ == "__main__":
    sys.exit(main())
