"""A Picture as one file of HTML: the data as JSON, `page.js` that draws it, dagre that says where."""

import html
import json
import os

from theanojax.printing.picture import COLORS, type_text

HERE = os.path.dirname(os.path.abspath(__file__))


def safe_json(obj):
    """`obj` as JSON that can stand inside an element of HTML: no text in it ends the element."""
    return json.dumps(obj).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def html_of(picture, title=""):
    """The page of `picture`; `title` names it where the function has no name of its own."""
    title = picture.title or title
    data = {"title": title, "colors": COLORS, "total": picture.total or None, "graph": _graph(picture)}
    parts = {
        "title": html.escape(title or "graph"),
        "css": _read("page.css"),
        "data": safe_json(data),
        "license": _read("dagre.LICENSE.txt"),
        "dagre": _read("dagre.min.js").partition("\n//# sourceMappingURL")[0],
        "page": _read("page.js"),
    }
    # One pass over the template: what is put in is not looked at again.
    head, *rest = _read("template.html").split("%%")
    return head + "".join(parts[text] if i % 2 == 0 else text for i, text in enumerate(rest))


def _read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def _graph(picture):
    nodes = []
    for shape in picture.shapes:
        row = {"id": shape.id, "kind": shape.kind, "label": shape.label, "rows": shape.details}
        if shape.node:
            row["apply"] = True
        if shape.seconds is not None:
            row.update(seconds=shape.seconds, together=shape.together)
        if shape.body is not None:
            body = shape.body
            row["body"] = {"enters": body.enters, "leaves": body.leaves, "again": body.again}
            row["body"]["graph"] = _graph(body.picture)
        nodes.append(row)
    several = {e.end for e in picture.edges if e.into}
    edges = []
    for e in picture.edges:
        label = ("%d " % e.into if e.end in several else "") + type_text(e.type)
        edges.append({"from": e.start, "to": e.end, "out": e.out, "into": e.into, "kind": e.kind, "label": label})
    return {"nodes": nodes, "edges": edges}
