"""What objects look like in notebooks, and what functions say of themselves in print.

A graph of up to ``config.picture_nodes`` shapes is drawn, one beyond that is a table of its Ops. Nothing needs to be
installed for either.
"""

import re
from collections import Counter
from html import escape

import numpy as np

from theanojax.config import config
from theanojax.graph.shared import SharedVariable
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Apply, Constant
from theanojax.printing.debug import is_function
from theanojax.printing.layered import layered
from theanojax.printing.picture import COLORS, Picture, op_text, short, type_text, var_text

LETTER, TALL = 6.1, 20  # of a label: the width of a letter of 11 pixels, and the height of its shape
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
EDGES = {"": "#888888", "view": "#2a6fd0", "overwritten": "#dd3333"}


def mimebundle(thing):
    """A dict from kinds of text to texts, for IPython's display; empty where the text itself says all.

    `thing` is a compiled function, FunctionGraph, Variable or Apply.
    """
    if is_function(thing):
        graph = thing.maker.fgraph
        order, outputs = graph.toposort(), graph.outputs
        head = _rows(function_rows(thing), function_name(thing))
    else:
        ends = thing if hasattr(thing, "toposort") else None
        outputs = ends.outputs if ends else thing.outputs if isinstance(thing, Apply) else [thing]
        order = io_toposort(ends.inputs if ends else [], outputs)
        head = _rows(shared_rows(thing), str(thing)) if isinstance(thing, SharedVariable) else ""
        if not order:
            return {"text/html": head} if head else {}
    if len(order) <= config.picture_nodes:
        picture = Picture(thing, bodies=False)
        if len(picture.shapes) <= 3 * config.picture_nodes:
            drawn = svg(picture)
            return {"text/html": head + drawn, "image/svg+xml": drawn}
    return {"text/html": head + ops_table(order, outputs)} if config.picture_nodes else {}


# ---------------------------------------------------------------- words


def function_name(f):
    """The name of a compiled function, or the place where it was made."""
    return f.name or "function"


def function_rows(f):
    """Pairs (title, text) that say what a compiled function is."""
    specs = f.maker.expanded_inputs
    visible = [s for s in specs if not s.implicit]
    shared = [s for s in specs if s.implicit]
    updates = [s for s in specs if s.update is not None]
    outputs = f.maker.fgraph.outputs[: len(f.maker.fgraph.outputs) - len(updates)]
    names = f.output_keys or [None] * len(outputs)
    nodes = len(f.maker.fgraph.apply_nodes)
    rows = [
        ("inputs", ", ".join(_of_type(s.variable, s.name) for s in visible)),
        ("outputs", ", ".join(_of_type(v, name) for v, name in zip(outputs, names))),
        ("shared", ", ".join(_of_type(s.variable, s.name) for s in shared)),
        ("updates", ", ".join(str(s.name or s.variable) for s in updates)),
        ("mode", repr(f.maker.mode)),
        ("device", f.device),
        ("nodes", "%d in %d Ops" % (nodes, len({n.op for n in f.maker.fgraph.apply_nodes})) if nodes else "0"),
    ]
    return [row for row in rows if row[1]]


def function_text(f):
    """The same as lines."""
    return "\n".join(
        ["Function " + function_name(f)] + ["  %-8s %s" % (title + ":", t) for title, t in function_rows(f)]
    )


def function_line(f):
    """What a function takes, gives and updates, in one line."""
    specs = f.maker.expanded_inputs
    updates = [str(s.name or s.variable) for s in specs if s.update is not None]
    outputs = f.maker.fgraph.outputs[: len(f.maker.fgraph.outputs) - len(updates)]
    text = "%s(%s) -> %s" % (
        function_name(f),
        ", ".join(str(s.name or s.variable) for s in specs if not s.implicit),
        ", ".join(short(var_text(v)) for v in outputs) or "None",
    )
    return text + ("; updates " + ", ".join(updates) if updates else "")


def _of_type(v, name=None):
    words = str(name or v.name or (var_text(v) if isinstance(v, Constant) else ""))
    return "%s: %s" % (words, type_text(v.type)) if words else type_text(v.type)


def shared_rows(v):
    """Pairs (title, text) that say what a shared variable holds."""
    rows = [("type", str(v.type))]
    value = v.get_value(borrow=True)
    if isinstance(value, np.ndarray) and value.dtype != object:
        rows.append(("shape", str(value.shape)))
        if value.size and value.dtype.kind in "fiub":
            rows.append(("range", "%.6g to %.6g, mean %.6g" % (value.min(), value.max(), value.mean())))
        with np.printoptions(threshold=40, edgeitems=3, precision=4):
            rows.append(("value", str(value)))
    else:
        rows.append(("value", short(repr(value), 200)))
    update = getattr(v, "default_update", None)
    return rows + ([("default update", str(update))] if update is not None else [])


# ---------------------------------------------------------------- tables and pictures


def _rows(rows, title=""):
    cells = "".join(
        '<tr><td style="text-align:left;vertical-align:top"><b>%s</b></td>'
        '<td style="text-align:left;white-space:pre-wrap">%s</td></tr>' % (xml_text(name), xml_text(text))
        for name, text in rows
    )
    caption = '<tr><th colspan="2" style="text-align:left">%s</th></tr>' % xml_text(title) if title else ""
    return "<table>%s%s</table>" % (caption, cells)


def ops_table(order, outputs):
    """A graph that is too large to draw: how often which Op is applied."""
    counts = Counter(op_text(node.op) for node in order).most_common(20)
    rest = len(order) - sum(n for _, n in counts)
    rows = [(str(n), text) for text, n in counts] + ([(str(rest), "others")] if rest else [])
    title = "%d nodes for %s" % (len(order), ", ".join(_of_type(v) for v in outputs[:5]))
    return _rows(rows, title + (" ..." if len(outputs) > 5 else ""))


def svg(picture):
    """The picture as SVG, which stands still; pointing at a shape shows what it is."""
    labels = {s.id: s.label for s in picture.shapes}
    sizes = {
        s.id: (max(len(labels[s.id]) * LETTER + (22 if s.node else 12), 24), TALL + (2 if s.node else 0))
        for s in picture.shapes
    }
    places, ways = layered(sizes, [(e.start, e.end) for e in picture.edges])
    parts = [_way(points, e) for e, points in zip(picture.edges, ways)]
    parts += [_shape(s, places[s.id], sizes[s.id]) for s in picture.shapes]
    boxes = [(x - w / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in ((places[k], sizes[k]) for k in sizes)]
    points = [p for way in ways for p in way]
    left = min([*(b[0] for b in boxes), *(p[0] for p in points)], default=0) - 4
    right = max([*(b[1] for b in boxes), *(p[0] for p in points)], default=0) + 4
    wide, tall = right - left, max((b[2] for b in boxes), default=0) + 8
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="%.0f -4 %.0f %.0f" width="%.0f" height="%.0f" '
        'style="max-width:100%%;height:auto;background:#ffffff" font-family="DejaVu Sans, Arial, sans-serif" '
        'font-size="11">%s</svg>' % (left, wide, tall, wide, tall, "".join(parts))
    )


def _shape(shape, place, size):
    (x, y), (w, h) = place, size
    about = "\n".join("%s: %s" % row if row[0] else row[1] for row in shape.details)
    return (
        '<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.0f" fill="%s" stroke="#666666"/>'
        '<text x="%.1f" y="%.1f" text-anchor="middle" fill="#222222">%s</text></g>'
        % (
            *(xml_text(about), x - w / 2, y - h / 2, w, h, h / 2 if shape.node else 2, COLORS[shape.kind]),
            *(x, y + 4, xml_text(shape.label)),
        )
    )


def _way(points, edge):
    (x0, y0), (x1, y1) = points[0], points[-1]
    d = "M%.1f %.1f" % (x0, y0)
    for (xa, ya), (xb, yb) in zip(points, points[1:]):
        half = (ya + yb) / 2
        d += "C%.1f %.1f %.1f %.1f %.1f %.1f" % (xa, half, xb, half, xb, yb)
    color = EDGES[edge.kind]
    label = ("%d: " % edge.into if edge.into is not None else "") + type_text(edge.type)
    return '<g><title>%s</title><path d="%s" fill="none" stroke="%s"/><path d="M%.1f %.1fl-3 -6h6z" fill="%s"/></g>' % (
        xml_text(label),
        d,
        color,
        x1,
        y1,
        color,
    )


def xml_text(text):
    """`text` for HTML and SVG: escaped, and without the characters that XML has no place for."""
    return escape(_NO_XML.sub("\ufffd", text))
