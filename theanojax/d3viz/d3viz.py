"""d3viz: a page with a graph to zoom, move and open. d3write: the same graph as a file for graphviz."""

import os

from theanojax.d3viz.formatting import PyDotFormatter
from theanojax.d3viz.page import html_of, safe_json as safe_json
from theanojax.printing.dot import pydot_status
from theanojax.printing.layered import bends
from theanojax.printing.picture import Picture

MOST_PLACED = 3000  # shapes and bends of edges that graphviz is asked to find places for


def replace_patterns(x, replace):
    """The text `x` with each key of the dict `replace` replaced by its value."""
    for old, new in replace.items():
        x = x.replace(str(old), str(new))
    return x


def d3viz(fct, outfile, copy_deps=True, compact=True):
    """Write a page that shows a graph; a browser opens it without a network.

    Drag to move the picture or a node, turn the wheel to zoom, point at a node for its Op, types and the line that
    built it. A node with a double border opens on a click: an OpFromGraph, the body of a Scan, what is fused into an
    elementwise node. A right click changes a label. Of a function with a profile that has times, "Times" colours
    nodes by them.

    Inputs are green, outputs blue; ellipses are Applies, coloured by what they do. An edge is blue where the result is
    a view of that input, red where it takes its memory.

    Parameters
    ----------
    fct : compiled function, FunctionGraph, Variable, Apply, or list or tuple of Variables. TypeError for others.
    outfile : path of the page. Folders on the way are made.
    copy_deps : accepted, and means nothing: the page has all that it needs in it.
    compact : leave out variables that have no name, between two Applies.
    """
    text = html_of(Picture(fct, compact), os.path.splitext(os.path.basename(outfile))[0])
    folder = os.path.dirname(outfile)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(outfile, "w", encoding="utf-8", errors="replace") as file:  # a name may be no text, of a file, say
        file.write(text)


def d3write(fct, path, *args, **kwargs):
    """Write a graph in the dot language to `path`, with places where graphviz is installed and takes seconds for them.

    `fct` is as for `d3viz`; other arguments are those of `PyDotFormatter`. ImportError without pydot.
    """
    formatter = PyDotFormatter(*args, **kwargs)
    graph = formatter(fct)
    (graph.write_dot if pydot_status()[0] and _is_quick(fct, formatter.compact) else graph.write_raw)(path)


def _is_quick(fct, compact):
    """Whether graphviz finds places in seconds; for long edges between thousands of nodes it takes hours."""
    picture = Picture(fct, compact, repeat=False)
    keys = dict.fromkeys(shape.id for shape in picture.shapes)
    return len(keys) + bends(keys, [(e.start, e.end) for e in picture.edges]) < MOST_PLACED
