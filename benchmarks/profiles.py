"""``python -m benchmarks.profiles [program ...]``: what profiles say of the programs, for docs/profiling.md.

Wall time against the sum of the rows, the cost of profiling, and the Op that takes most beside Theano's own answer.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import contenders as found

HERE = Path(__file__).parent
WORKER = HERE / "worker" / "profiled.py"
DOCS = HERE.parent / "docs" / "profiling.md"
BEGIN, END = "<!-- measured by benchmarks/profiles.py -->", "<!-- end -->"
NAMES = "scalar chain reduction pow ifelse switch gibbs logistic mlp embedding rnn lenet64 lenet32".split()
SECONDS = 6
HEAD = "| program | calls | wall, s | rows | of all | in nodes | on / off | Theano's | most time here | in Theano |"


def run(contender, name):
    cache = str(found.cache_folder() / "profiles" / contender.name)
    os.makedirs(cache, exist_ok=True)
    done = subprocess.run(
        [contender.python, str(WORKER), name, "full", str(SECONDS)],
        env=dict(contender.environment(cache), PYTHONPATH=str(HERE.parent) if contender.name == "theanojax" else ""),
        capture_output=True,
        text=True,
        timeout=600,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"bench"')]
    if not lines:
        print(name, contender.name, done.stderr[-500:], file=sys.stderr)
        return None
    return json.loads(lines[-1])


def row(name, ours, theirs):
    def top(report):
        if report is None:
            return "-"
        op, share = report["top"][0]
        return "%s %.0f %%" % (op.replace("|", "\\|")[:60], 100 * share)

    in_calls = ours["wall"] - ours["apart"]
    cells = [
        name,
        "%d" % ours["calls"],
        "%.3f" % ours["wall"],
        "%.1f %%" % (100 * ours["part"]),
        "%.1f %%" % (100 * ours["rows"] / ours["wall"]),
        "%.0f %%" % (100 * ours["nodes"] / in_calls),
        "%.2f" % ours["ratio"],
        "%.2f" % theirs["ratio"] if theirs else "-",
        top(ours),
        top(theirs),
    ]
    return "| %s |" % " | ".join(cells)


def main(names):
    contenders, notes = found.find(["theanojax", "theano"])
    for note in notes:
        print(note, file=sys.stderr)
    lines = []
    for name in names or NAMES:
        reports = {c.name: run(c, name) for c in contenders}
        if reports.get("theanojax"):
            lines.append(row(name, reports["theanojax"], reports.get("theano")))
            print(lines[-1], flush=True)
    if not names:
        text = DOCS.read_text()
        head, _, rest = text.partition(BEGIN)
        _, _, tail = rest.partition(END)
        table = [HEAD, "|" + "---|" * (HEAD.count("|") - 1), *lines]
        DOCS.write_text("\n".join([head + BEGIN, *table, END + tail]))


if __name__ == "__main__":
    main(sys.argv[1:])
