"""A profile as a picture: bars one below the other, as wide as what they stand for takes in a call on average."""

from itertools import accumulate

from theanojax.printing.notebook import xml_text
from theanojax.printing.picture import COLORS, family, op_text, short

WIDE, TALL, GAP = 960, 22, 2  # of the picture, of a bar and between bars, in pixels
NARROWEST, LETTER = 4, 6.8  # pixels of a bar of its own, and of a letter
MOST_LINES = 20  # of what is said of one bar

# Light enough for dark letters, and not as white as a page. Nodes have the colours that they have in graphs.
CALL, PART, XLA, PYTHON, NODE = "#c6d0db", "#dde5ee", "#ffd08a", "#bfe3c0", "#e3dccf"

# What a call spends on no node, in the order in which it does; all else is between the last two of them.
ORDER = (
    "arguments",
    "waiting for functions with the same shared variables",
    "numbers that fix shapes",
    "guards",
    "transfers to the device",
    "transfers to numpy",
)

HEAVY = ("loop", "product", "indexing", "reduction")  # families that a fusion has the colour of, if one of its nodes is


class Bar:
    """What took `seconds`, and the bars that it is made of; `about` are the lines shown when it is pointed at."""

    def __init__(self, name, seconds, color=PART, about=(), parts=()):
        self.name, self.seconds, self.color = name, seconds, color
        self.about, self.parts = list(about), list(parts)


def to_svg(stats):
    """The profile as SVG, which stands still, needs nothing else and is as readable on a dark page."""
    top = tree(stats)
    rows = []
    _place(rows, top, 0.0, float(WIDE), 0, top.seconds, max(1, stats.whole()[1]))
    tall = (1 + max(depth for depth, _ in rows)) * (TALL + GAP)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s" '
        'style="max-width:100%%;height:auto" font-family="DejaVu Sans, Arial, sans-serif" font-size="11">%s</svg>'
        % (WIDE, tall, WIDE, tall, xml_text("Profile of " + top.name), "".join(text for _, text in rows))
    )


# ---------------------------------------------------------------- what there is
def tree(stats):
    """The Bar of all calls of a profile, with its parts below it."""
    stats.settle()  # the profiles of its loops, too
    nodes, runs, other = stats.recorded()
    seconds, calls = stats.whole()
    places = {what: i for i, what in enumerate(ORDER[:-1])}
    places[ORDER[-1]] = len(ORDER) + 1
    parts = [(places.get(what, len(ORDER)), Bar(what, spent)) for what, spent in other.items()]
    parts += [(len(ORDER), bar) for bar in _stages(stats, runs)]
    given = [_bar(stats, *row) for row in stats.given()]
    if given:
        parts.append((len(ORDER), _above("XLA", XLA, given)))
    if nodes:
        bars = [_bar(stats, node, *entry) for node, entry in nodes.items()]
        parts.append((len(ORDER), _above("nodes that Python runs", PYTHON, bars)))
    parts.sort(key=lambda part: part[0])
    bars = [bar for _, bar in parts]
    seconds = max(seconds, sum(bar.seconds for bar in bars))
    bars.append(Bar(stats.rest_name, seconds - sum(bar.seconds for bar in bars)))
    return Bar(str(stats.message or "function"), seconds, CALL, ["%d calls" % calls], bars)


def _stages(stats, runs):
    """A Bar for each XLA stage, with what its executables spent on nodes and between them."""
    stages = {}
    for executable, (seconds, n) in runs.items():
        table, whole, made = stages.setdefault(executable.module, ({}, [0.0, 0], []))
        whole[0] += seconds
        whole[1] += n
        made.append(executable)
        rows = [(row, share) for row, _, share in stats.rows_of(executable)]
        for row, share in rows:
            table.setdefault(row, [0.0, 0])[0] += share * seconds
        for row in dict(rows):
            table[row][1] += n
    for number, (table, (seconds, n), made) in enumerate(stages.values(), 1):
        bars = [
            Bar(row, entry[0]) if isinstance(row, str) else _bar(stats, row, *entry) for row, entry in table.items()
        ]
        name = "XLA, stage %d of %d" % (number, len(stages)) if len(stages) > 1 else "XLA"
        yield _above(name, XLA, bars, ["%d executables, %d runs" % (len(made), n)], seconds)


def _above(name, color, bars, about=(), seconds=None):
    """The Bar of several together, the largest first."""
    bars.sort(key=lambda bar: -bar.seconds)
    return Bar(name, sum(bar.seconds for bar in bars) if seconds is None else seconds, color, about, bars)


def _bar(stats, row, seconds, runs):
    """The Bar of a row of the tables, which names all nodes that it stands for, with what runs in a loop below it."""
    members = stats.members(row)
    if len(members) == 1:
        name, kind = op_text(row.op), family(row)
    else:
        name = short(" + ".join(dict.fromkeys(op_text(node.op) for node in members)), 160)
        kinds = {family(node) for node in members}
        kind = next((kind for kind in HEAVY if kind in kinds), "elementwise")
    about = [short(str(node), 160) for node in members[:MOST_LINES]]
    about += ["... and %d more" % (len(members) - MOST_LINES)] if len(members) > MOST_LINES else []
    about.append("%d runs" % runs)
    color = NODE if kind == "other" else COLORS[kind]
    return Bar(name, seconds, color, about, _inside(stats, row, seconds))


def _inside(stats, node, seconds):
    """The nodes of a loop's own graph, as parts of the `seconds` that it took in this function."""
    inner = stats.loop_profile(node)
    if inner is None:
        return []
    top = tree(inner)
    if len(top.parts) == 1:  # XLA ran it as one instruction
        return []
    bars = [bar for part in top.parts for bar in part.parts or [part]]
    _scale(bars, seconds / top.seconds if top.seconds else 0.0)
    return bars


def _scale(bars, factor):
    for bar in bars:
        bar.seconds *= factor
        _scale(bar.parts, factor)


# ---------------------------------------------------------------- where it goes
def _place(rows, bar, left, wide, depth, whole, calls):
    """Add (depth, SVG) of a bar that is `wide` pixels, and of its parts, to `rows`."""
    share = "%.1f %%" % (100 * bar.seconds / whole) if whole else "0 %"
    each = _readable(bar.seconds / calls)
    about = [bar.name, *bar.about, "%s a call, %s" % (each, share)]
    label, room = " ".join(bar.name.split()), int((wide - 8) / LETTER)
    note = "  " + (share if depth else "%s a call, the mean of %d" % (each, calls) if calls > 1 else each)
    if len(label) + len(note) <= room:
        label += note
    elif len(label) > room:
        label = label[: room - 1].rstrip(" ,") + "…" if room > 3 else ""
    y = depth * (TALL + GAP)
    box = '<rect x="%.2f" y="%d" width="%.2f" height="%d" rx="2" fill="%s"/>'
    drawn = box % (left, y, max(wide - 1, 0.5), TALL, bar.color)
    if label:
        text = '<text x="%.2f" y="%d" fill="#222222" xml:space="preserve">%s</text>'
        drawn += text % (left + 4, y + 15, xml_text(label))
    rows.append((depth, "<g><title>%s</title>%s</g>" % (xml_text("\n".join(about)), drawn)))
    parts = _gathered(bar, wide) if wide >= NARROWEST else []
    widths = [wide * part.seconds / bar.seconds for part in parts]
    for part, width, end in zip(parts, widths, accumulate(widths)):
        _place(rows, part, left + end - width, width, depth + 1, whole, calls)


def _gathered(bar, wide):
    """The parts of a bar that are seen, those that are too narrow for themselves as one."""
    parts = [part for part in bar.parts if part.seconds > 0]
    least = NARROWEST * bar.seconds / wide
    small = sorted([part for part in parts if part.seconds < least], key=lambda part: -part.seconds)
    if len(small) < 2:
        return parts
    about = [short(part.name, 160) for part in small[:MOST_LINES]] + ["..."] * (len(small) > MOST_LINES)
    others = Bar("%d others" % len(small), sum(part.seconds for part in small), PART, about)
    return [part for part in parts if part.seconds >= least] + [others]


def _readable(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return "%.3g %s" % (seconds / size, unit)
    return "%.3g us" % (seconds * 1e6)
