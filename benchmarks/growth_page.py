"""docs/growth.md and its pictures, from what benchmarks/growth.py has measured."""

import math
from html import escape
from pathlib import Path

from benchmarks.report import amount, markdown

DOCS = Path(__file__).parent.parent / "docs"
NAMES = {"theanojax": "theanojax", "jax": "JAX by hand"}
BUSY = " **Other work ran beside it, so times, and exponents less so, are not to be relied on.**"
COLORS = {"theanojax": ("#2f6fb5", "#6ea8e6"), "jax": ("#8a8a8a", "#b0b0b0")}  # on light and on dark ground
FITTED = 3  # the largest sizes, between which an exponent is fitted: at small ones what does not grow counts most


def compiling(done):
    """Seconds until the first result, without the time of a call."""
    return max(done["build_s"] + done["first_s"] - done["call_s"], 1e-4)


def later(done):
    return done["call_s"]


def memory(done):
    return float(done["peak_bytes"])


MEASURES = {
    "a call": (later, "call_s"),
    "building and compiling": (compiling, "s"),
    "peak memory": (memory, "peak_bytes"),
}
# series -> (title, what grows, what is measured, what is to be said of the exponents)
SERIES = {
    "data": (
        "Data",
        "numbers",
        "A chain of elementwise functions of a vector of float64: `chain` of [benchmarks.md](benchmarks.md).",
        "A call grows as the data from 1e5 numbers on; below, it is the call itself. Memory is the argument, "
        "the result, and nothing between them: XLA makes one loop of the chain. Compiling does not look at "
        "the size. Above 1e6 numbers they come from memory and no longer from a cache, so that the exponent is "
        "a little above 1. The argument of 1e8 numbers is not at a multiple of 64 bytes: copying it once is most "
        "of its first call.",
    ),
    "nodes": (
        "Nodes",
        "nodes",
        "An unrolled network, each layer a dot, an addition, a tanh and a product, with its gradient.",
        "Building and rewriting grow as the graph. Compiling grows faster in XLA, whose passes over one "
        "program look at pairs of instructions and whose assembler is given one module: `graph6400` of "
        "[benchmarks.md](benchmarks.md) takes JAX by hand 86 s. Ours, from 12,000 nodes on, which 6400 with "
        "their gradient are, cuts a graph that repeats blocks into pieces that share executables; so the time "
        "grows slowly, and a call has a bend there, each array that passes between pieces costing 5 us. Once "
        "calls have taken as long as compiling the whole is likely to take, that is done in the background. A "
        "`scan` over the layers has one layer to compile.",
    ),
    "steps": (
        "Length of a loop",
        "steps",
        "The gradient, through `scan`, of the mean of squares of all states of `h = tanh(a - 0.9 h)` on 16 numbers.",
        "A call grows as the steps, and so do the states that the gradient needs, 128 bytes a step. The loop "
        "is compiled once.",
    ),
    "shapes": (
        "Shapes",
        "shapes",
        "One function, a softmax layer, called with so many shapes; a call is one call for each of them.",
        "JAX by hand compiles each shape. Ours compiles the first eight (the flag `specializations`); the "
        "others run on the host until they have come back often enough, so that the time until the first "
        "results levels off, and the time of later calls has a bend where shapes begin to run there. On a "
        "machine that does other work, too, the bend is steep: numpy's BLAS divides a product among threads "
        "that wait for each other (400 x 64 by 64 x 32: 18 ms, and 0.03 with one thread); `OMP_NUM_THREADS=1` "
        "spares that.",
    ),
    "functions": (
        "Functions",
        "functions",
        "Small functions of 25 kinds, each with a shared variable of its own; a call is one call of each.",
        "Time and memory grow as the functions: each is rewritten, traced and compiled, and keeps its "
        "executable. Nothing is looked up in what other functions have, but what XLA has compiled of the same"
        " text. The call of one of a thousand finds nothing of its own in the processor's caches, so that a "
        "thousand take twice a thousand times one.",
    ),
}
CORES = """Both count the cores that the process may run on (`taskset`, Slurm and the like), and what is less: the
number in `OMP_NUM_THREADS`, and for XLA the share of the machine's time that its control group allows
(`docker --cpus`), rounded up. The variable `NPROC`, which is XLA's own, comes before all of them for XLA.
`OMP_NUM_THREADS` is read by numpy as it is imported, and by XLA as the first function is compiled. numpy
does not look at control groups: set `OMP_NUM_THREADS` there, which both heed. Executables on disk are kept
by the number of cores, for which they are compiled. The flags `openmp` and `openmp_elemwise_minsize` are
for Ops with C code: XLA divides elementwise work itself where that gains. JAX by hand knows of `taskset`
alone."""


def exponent(points, value):
    """The slope of a line through the logarithms of the largest points; None of too few."""
    rows = [(math.log(size), math.log(value(done))) for size, done in points[-FITTED:]]
    if len(rows) < FITTED:
        return None
    x, y = (sum(column) / len(rows) for column in zip(*rows))
    return sum((a - x) * (b - y) for a, b in rows) / sum((a - x) ** 2 for a, _ in rows)


def points_of(measured):
    """[(size, what was measured)] of one contender, by size, of what did not fail."""
    return [
        (int(size), done) for size, done in sorted(measured.items(), key=lambda p: int(p[0])) if "failed" not in done
    ]


def write(kept):
    about = kept["about"]
    lines = [
        "# How it grows",
        "",
        "Written by `make bench-scale` on %s, on %d cores (%s); the load was %.1f in the median. Each point is a "
        "process of its own that finds nothing compiled; the figures are in `docs/growth.json`.%s"
        % (about["date"], about["cores"], about["processor"], about["load"], BUSY if about["load"] > 1.6 else ""),
        "",
        "An exponent is the slope between the %d largest sizes: what grows as n^1 doubles when n does; above 1 it is "
        "superlinear. The memory is that of the process, of which some 150 MB are Python, numpy and jax." % FITTED,
    ]
    table, sections = [], []
    for name, (title, what, text, said) in SERIES.items():
        measured = kept["series"].get(name)
        if not measured:
            continue
        points = {c: points_of(measured[c]) for c in NAMES if c in measured}
        for contender, rows in points.items():
            slopes = [exponent(rows, value) for value, _ in MEASURES.values()]
            shown = ["-" if s is None else "%.2f" % s for s in slopes]
            table.append(["%s, %s to %s" % (title, short(rows[0][0]), short(rows[-1][0])), NAMES[contender], *shown])
        picture = "pictures/growth_%s.svg" % name
        (DOCS / picture).write_text(svg(points, what) + "\n")
        sections += ["", "## " + title, "", text, "", "![Three curves over the number of %s](%s)" % (what, picture), ""]
        header = [what]
        for c in points:
            header += ["%s, %s" % (NAMES[c], measure) for measure in MEASURES]
        sizes = sorted({int(size) for rows in measured.values() for size in rows})
        rows = []
        for size in sizes:
            row = [short(size)]
            for c in points:
                done = measured[c].get(str(size), {})
                good = done and "failed" not in done
                row += [amount(v(done), k) if good else "failed" if done else "-" for v, k in MEASURES.values()]
            rows.append(row)
        failed = [
            "%s %s, %s: %s." % (size, what, NAMES[c], done["failed"])
            for c, rows in measured.items()
            for size, done in rows.items()
            if "failed" in done
        ]
        sections += [*markdown(header, rows), "", said, *(["", *failed] if failed else [])]
    lines += ["", *markdown(["", "", *MEASURES], table), *sections]
    if kept["cores"]:
        lines += ["", "## Cores", "", CORES, "", *markdown(*cores(kept["cores"]))]
    (DOCS / "growth.md").write_text("\n".join(lines) + "\n")


def cores(measured):
    ways = list(dict.fromkeys(way for by in measured.values() for rows in by.values() for way in rows))
    rows = []
    for program, by in measured.items():
        for contender, found in by.items():
            shown = [amount(found[w].get("call_s"), "call_s") if w in found else "-" for w in ways]
            rows.append(["`%s`" % program, NAMES[contender], *shown])
    return ["", "a call", *ways], rows


def short(n):
    return "%d" % n if n < 10000 else "%ge%d" % (n / 10 ** int(math.log10(n)), int(math.log10(n)))


# ---------------------------------------------------------------- pictures
STYLE = """<style>
svg { font-family: "DejaVu Sans", Arial, sans-serif; font-size: 11px }
.ground { fill: #ffffff } text { fill: #222222 } .grid { stroke: #dddddd } .frame { stroke: #888888; fill: none }
%s
@media (prefers-color-scheme: dark) {
.ground { fill: #161b22 } text { fill: #e6e6e6 } .grid { stroke: #333a44 } .frame { stroke: #777777 }
%s
}
</style>"""
WIDE, HIGH, LEFT, TOP, GAP = 190, 150, 58, 44, 62


def svg(points, what):
    """The measures side by side, on logarithmic axes, one line for each contender."""
    parts = []
    for number, (title, (value, key)) in enumerate(MEASURES.items()):
        parts += panel(LEFT + number * (WIDE + GAP), title, what, points, value, key)
    x = LEFT
    for contender in points:
        parts.append('<path class="%s line" d="M%d 14 h18"/>' % (contender, x))
        parts.append('<text x="%d" y="18">%s</text>' % (x + 24, NAMES[contender]))
        x += 44 + 7 * len(NAMES[contender])
    width, height = LEFT + 3 * (WIDE + GAP) - GAP + 20, TOP + HIGH + 42
    styles = [
        "\n".join(
            ".%s.line { stroke: %s; fill: none; stroke-width: 2 } .%s.dot { fill: %s }" % (c, tones[i], c, tones[i])
            for c, tones in COLORS.items()
        )
        for i in (0, 1)
    ]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d">' % (width, height, width)
        + STYLE % tuple(styles)
        + '<rect class="ground" width="100%" height="100%"/>'
        + "".join(parts)
        + "</svg>"
    )


def panel(left, title, what, points, value, key):
    xs = [size for rows in points.values() for size, _ in rows]
    ys = [value(done) for rows in points.values() for _, done in rows]
    x0, x1 = math.log10(min(xs)), math.log10(max(xs))
    y0, y1 = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    if y0 == y1:
        y1 += 1

    def across(size):
        return left + (math.log10(size) - x0) / ((x1 - x0) or 1) * WIDE

    def down(number):
        return TOP + HIGH - (math.log10(number) - y0) / (y1 - y0) * HIGH

    parts = ['<text x="%d" y="%d">%s</text>' % (left, TOP - 8, escape(title))]
    for k in range(y0, y1 + 1):
        y = down(10.0**k)
        parts.append('<path class="grid" d="M%d %.1f h%d"/>' % (left, y, WIDE))
        parts.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (left - 5, y + 4, amount(10.0**k, key)))
    for k in range(math.ceil(x0), math.floor(x1) + 1):
        x = across(10.0**k)
        parts.append('<path class="grid" d="M%.1f %d v%d"/>' % (x, TOP, HIGH))
        parts.append('<text x="%.1f" y="%d" text-anchor="middle">1e%d</text>' % (x, TOP + HIGH + 15, k))
    parts.append('<rect class="frame" x="%d" y="%d" width="%d" height="%d"/>' % (left, TOP, WIDE, HIGH))
    parts.append(
        '<text x="%d" y="%d" text-anchor="middle">%s</text>' % (left + WIDE / 2, TOP + HIGH + 32, escape(what))
    )
    for contender, rows in points.items():
        places = ["%.1f %.1f" % (across(size), down(value(done))) for size, done in rows]
        parts.append('<path class="%s line" d="M%s"/>' % (contender, " L".join(places)))
        for place in places:
            parts.append('<circle class="%s dot" cx="%s" cy="%s" r="2.5"/>' % (contender, *place.split()))
    return parts
