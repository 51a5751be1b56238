"""Tables on the terminal, docs/benchmarks.md and docs/benchmarks.json.

`contenders` is a list of (name, title) everywhere.
"""

import json
import os
import platform
import statistics
from pathlib import Path

ON_A_GPU = """## On a GPU

`benchmarks/gpu.sh` measures on a machine with NVIDIA's driver and Python 3.11 or later; it needs nothing else but PyPI,
from which it gets jax for CUDA where the Python (`PYTHON=...`) has none. In less than eight minutes it runs the tests
of `tests/on_device`, counts what passes between host and GPU in a training loop, and times the programs below beside
JAX by hand. `gpu.json`, or the file that it is given, has the results. `python -m benchmarks.gpu --pretend` tries it
on CPU devices."""
SCALE = """## Larger, longer, more

[growth.md](growth.md) says how time, memory and compiling grow with data, nodes, steps, shapes and functions, and what
a second core gives. `make bench-scale` measures it."""
DOCS = Path(__file__).parent.parent / "docs"
TABLES = [
    ("call_s", "Time of a call", "Median of repeated calls, after four seconds of them."),
    (
        "cold_s",
        "First result, nothing cached",
        "Building the graph, theano.function (or jax.jit) and the first call, in a process that finds no compilation "
        "cache.",
    ),
    (
        "start_s",
        "First result of a second process",
        "From the start of the interpreter to the first result: importing, building, compiling and the first call, "
        "with the compilation cache that the first process left.",
    ),
    ("import_s", "Import", "`import theano` (`import jax.numpy`, ...), median over all processes."),
    ("peak_bytes", "Peak memory", "The largest resident size of the process."),
]


def amount(value, key):
    if value is None:
        return "-"
    if key == "peak_bytes":
        return "%d MB" % round(value / 1e6)
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if value >= size:
            return "%.3g %s" % (value / size, unit) if value < 1000 else "%d s" % value
    return "%.3g us" % (value * 1e6)


def cell(report, ours, key):
    if report is None or key not in report:
        return "failed" if report and "failed" in report else "-"
    text = amount(report[key], key)
    if "differs" in report:
        text += " (!)"
    if ours and key in ours and ours is not report and report[key]:
        text += " (%.2g)" % (ours[key] / report[key])
    return text


def rows_of(results, key, contenders):
    if key == "import_s":
        values = {}
        for reports in results.values():
            for name, report in reports.items():
                if "import_s" in report:
                    values.setdefault(name, []).append(report["import_s"])
        medians = {n: {"import_s": sorted(v)[len(v) // 2]} for n, v in values.items()}
        return [("import", medians)] if medians else []
    return [(p, reports) for p, reports in results.items() if any(key in r for r in reports.values())]


def tables(results, contenders):
    """(title, explanation, header, rows) of each table; a cell is ours/theirs after the other's own value."""
    for key, title, text in TABLES:
        rows = []
        for program, reports in rows_of(results, key, contenders):
            ours = reports.get("theanojax")
            rows.append([program] + [cell(reports.get(name), ours, key) for name, _ in contenders])
        if rows:
            yield title, text, [""] + [title for _, title in contenders], rows


def means(results, contenders):
    """(header, rows): the geometric mean of ours / theirs over the programs that both run, and how many these are."""
    rows = []
    for key, title, _ in TABLES:
        if key == "import_s":  # which no program differs in
            continue
        row = [title]
        for name, _ in contenders:
            pairs = [(r.get("theanojax", {}).get(key), r.get(name, {}).get(key)) for r in results.values()]
            ratios = [ours / theirs for ours, theirs in pairs if ours and theirs]
            row.append("%.2f (%d)" % (statistics.geometric_mean(ratios), len(ratios)) if ratios else "-")
        rows.append(row)
    return [""] + [title for _, title in contenders], rows


def plain(header, rows):
    widths = [max(len(r[i]) for r in [header, *rows]) for i in range(len(header))]
    return "\n".join("  ".join(v.ljust(w) for v, w in zip(r, widths)).rstrip() for r in [header, *rows])


def failures(results, contenders):
    titles = dict(contenders)
    for program, reports in results.items():
        for name, report in reports.items():
            if "failed" in report:
                yield program, titles[name], report["failed"]
            elif "differs" in report:
                yield program, titles[name], "results differ: " + report["differs"]


def with_earlier(results, order, notes):
    """`results` with the rows of docs/ that they do not have, and `notes` with one that says so."""
    before = json.loads((DOCS / "benchmarks.json").read_text())
    earlier = {p: reports for p, reports in before["programs"].items() if p not in results}
    if not earlier:
        return results, notes
    for reports in earlier.values():
        for name, record in reports.items():
            record["versions"] = before["versions"][name]
    dates = sorted(r["date"] for reports in earlier.values() for r in reports.values())
    rows = ", ".join("`%s`" % p for p in order if p in earlier)
    note = "Of another machine and earlier, until %s, each row of one machine alone: %s." % (dates[-1], rows)
    both = {**earlier, **results}
    return {p: both[p] for p in order if p in both}, [*notes, note]


def facts(results, notes):
    versions, dates, loads, blas = {}, [], [], ""
    for reports in results.values():
        for name, report in reports.items():
            versions.update({name: report["versions"]} if "versions" in report else {})
            dates.append(report["date"])
            loads.append(report["load"])
            if name == "theano":
                blas = report.get("blas") or blas
    if "theano" in versions and not blas:
        notes = [*notes, "Theano did not load OpenBLAS: its matrix products are numpy's."]
    return {
        "from": min(dates),
        "to": max(dates),
        "load": sorted(loads)[len(loads) // 2],
        "highest_load": max(loads),
        "cores": os.cpu_count(),
        "processor": processor(),
        "system": platform.system(),
        "versions": versions,
        "theano_blas": blas,
        "notes": notes,
    }


def processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def markdown(header, rows):
    return ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)] + [
        "| " + " | ".join(r) + " |" for r in rows
    ]


def save(results, contenders, titles, groups, notes):
    """Writes the two files of docs/. `groups` has the programs of each group by its title."""
    about = facts(results, notes)
    DOCS.mkdir(exist_ok=True)
    left = ("results", "bench", "versions", "blas")
    kept = {
        p: {n: {k: v for k, v in r.items() if k not in left} for n, r in reports.items()}
        for p, reports in results.items()
    }
    (DOCS / "benchmarks.json").write_text(json.dumps({**about, "programs": kept}, indent=1) + "\n")
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; measured from %s to %s on %d cores (%s). One process at a time on one machine."
        % (about["from"], about["to"], about["cores"], about["processor"]),
        "",
        "The load average when a measurement began was %.1f in the median, %.1f at most%s."
        % (
            about["load"],
            about["highest_load"],
            ": **other work ran beside it, so times, and ratios less so, are not to be relied on**"
            if about["load"] > 1.6
            else "",
        ),
        "",
        "A number in parentheses is our time (or memory) divided by theirs: below 1 we are quicker. `(!)` marks a "
        "result that is not equal to the first contender's, `failed` and `-` programs that a contender cannot run "
        "or that were not written for it; reasons are below.",
        "",
        "Every contender keeps compiled programs between processes: Theano and PyTensor in their compiledir, JAX "
        "by hand in its persistent cache, theanojax by itself.",
        "",
    ]
    lines += [
        "- %s: " % dict(contenders)[n] + ", ".join("%s %s" % kv for kv in v.items())
        for n, v in about["versions"].items()
    ]
    if about["theano_blas"]:
        lines.append("- Theano's C code is linked with %s." % Path(about["theano_blas"]).name)
    lines += ["- " + n for n in about["notes"]] + ["", ON_A_GPU, "", SCALE, "", "## Programs"]
    for group, programs in groups.items():
        listed = ["- `%s`: %s" % (p, titles[p]) for p in programs if p in results]
        lines += ["", group + ":", "", *listed] if listed else []
    lines += ["", "## All rows in one number", "", "The geometric mean of our time (or memory) divided by theirs, and "]
    lines[-1] += "over how many rows."
    lines += ["", *markdown(*means(results, contenders))]
    for title, text, header, rows in tables(results, contenders):
        lines += ["", "## " + title, "", text]
        for programs in groups.values():
            named = [["`%s`" % r[0], *r[1:]] for r in rows if r[0] in programs or r[0] == "import"]
            lines += ["", *markdown(header, named)] if named else []
            if title == "Import":
                break
    failed = list(failures(results, contenders))
    if failed:
        lines += ["", "## What did not run, or not equally", ""]
        lines += ["- `%s`, %s: %s" % (p, c, reason.replace("|", "\\|")) for p, c, reason in failed]
    (DOCS / "benchmarks.md").write_text("\n".join(lines) + "\n")
