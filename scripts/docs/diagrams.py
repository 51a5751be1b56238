"""Flowcharts that pages have as text (mermaid, which a repository's host draws), as SVG in the page."""

import re
from html import escape

from theanojax.printing.layered import layered

FENCE = re.compile(r"^```mermaid\nflowchart TD\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NODE = r'(\w+)(?:([\[{])"(.*?)"[\]}])?'
LINE = re.compile(NODE + r'(?: --(?: "?([^">]*?)"? --)?> ' + NODE + ")?")
LETTER, LINE_HEIGHT, LONGEST, LARGER_GAP = 7.2, 17, 34, 1.25


def drawn(text):
    """`text` of a page with an SVG in place of each flowchart."""
    return FENCE.sub(lambda found: "```{raw} html\n%s\n```" % svg(found[1]), text)


def svg(text):
    """The flowchart as SVG. It may have boxes, `{...}` for a question, arrows with a word, and circles of two."""
    labels, questions, arrows = {}, set(), []
    for line in filter(None, map(str.strip, text.splitlines())):
        found = LINE.fullmatch(line)
        if not found:
            raise SystemExit("a flowchart has a line that %s does not know: %s" % (__file__, line))
        a, shape_a, label_a, word, b, shape_b, label_b = found.groups()
        for key, shape, label in ((a, shape_a, label_a), (b, shape_b, label_b)):
            if key and label:
                labels[key] = wrapped(label)
                if shape == "{":
                    questions.add(key)
        if b:
            arrows.append((a, b, word or ""))
    sizes = {key: (max(map(len, rows)) * LETTER + 24, len(rows) * LINE_HEIGHT + 16) for key, rows in labels.items()}
    edges = [(a, b) for a, b, _ in arrows]
    back = set()
    for number, (a, b) in enumerate(edges):  # an arrow to what comes before it is laid out the other way round
        if _leads(edges[:number], b, a, back):
            back.add(number)
    ways_in = [(b, a) if number in back else (a, b) for number, (a, b) in enumerate(edges)]
    places, ways = layered(sizes, ways_in)
    stretch = {key: (x, y * LARGER_GAP) for key, (x, y) in places.items()}
    parts = []
    for number, (way, (_, _, word)) in enumerate(zip(ways, arrows)):
        (start, end) = ways_in[number]
        points = [(x, y * LARGER_GAP) for x, y in way]
        points[0] = (points[0][0], stretch[start][1] + sizes[start][1] / 2)
        points[-1] = (points[-1][0], stretch[end][1] - sizes[end][1] / 2)
        if number in back:
            points.reverse()
        line = "M" + " L".join("%.0f %.0f" % p for p in points)
        parts.append('<path d="%s" class="arrow" marker-end="url(#arrowhead)"/>' % line)
        if word:
            (x0, y0), (x1, y1) = points[0], points[1]
            if len(points) > 2:  # where it bends, beside the shapes that it passes
                x0, y0 = x1, y1
            at = (x0 + x1) / 2, (y0 + y1) / 2 + 4
            parts.append('<text x="%.0f" y="%.0f" class="word">%s</text>' % (*at, escape(word)))
    for key, rows in labels.items():
        (x, y), (w, h) = stretch[key], sizes[key]
        radius = h / 2 if key in questions else 4
        parts.append(
            '<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="%.0f"/>' % (x - w / 2, y - h / 2, w, h, radius)
        )
        first = y - (len(rows) - 1) * LINE_HEIGHT / 2 + 4
        spans = "".join(
            '<tspan x="%.0f" y="%.0f">%s</tspan>' % (x, first + i * LINE_HEIGHT, escape(row))
            for i, row in enumerate(rows)
        )
        parts.append("<text>%s</text>" % spans)
    width = max(x + sizes[key][0] / 2 for key, (x, _) in stretch.items()) + 2
    height = max(y + sizes[key][1] / 2 for key, (_, y) in stretch.items()) + 2
    head = (
        '<div class="diagram"><svg viewBox="-2 -2 %.0f %.0f" width="%.0f" role="img">'
        '<defs><marker id="arrowhead" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
    )
    return head % (width + 4, height + 4, width + 4) + "".join(parts) + "</svg></div>"


def _leads(edges, start, end, back):
    """Whether `edges`, but for those numbered in `back`, lead from `start` to `end`."""
    todo = [start]
    for key in todo:  # grows
        todo += [b for number, (a, b) in enumerate(edges) if a == key and number not in back and b not in todo]
    return end in todo


def wrapped(label):
    """The words of `label` in lines that are not too long."""
    rows = [""]
    for word in label.split():
        if len(rows[-1]) + len(word) >= LONGEST and rows[-1]:
            rows.append("")
        rows[-1] = (rows[-1] + " " + word).strip()
    return rows
