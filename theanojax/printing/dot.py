"""pydotprint: a graph drawn by graphviz."""

import logging
import os
from functools import lru_cache

import numpy as np

from theanojax.config import config
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.shared import SharedVariable
from theanojax.graph.traverse import inputs as graph_inputs
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.printing.debug import is_function

_logger = logging.getLogger("theano.printing")

# part of the name of an Op's class -> its colour
default_colorCodes = {
    "GpuFromHost": "red",
    "HostFromGpu": "red",
    "Scan": "yellow",
    "Shape": "brown",
    "IfElse": "magenta",
    "Elemwise": "#FFAABB",
    "Subtensor": "#FFAAFF",
    "Alloc": "#FFAA22",
    "Output": "blue",
}


def pydot_module():
    """pydot-ng if it is installed, else pydot; ImportError when neither is."""
    try:
        import pydot_ng as pd
    except ImportError:
        import pydot as pd
    return pd


@lru_cache
def pydot_status():
    """Whether pictures can be drawn, and if not, why: a pair (bool, str)."""
    try:
        pd = pydot_module()
    except ImportError:
        return False, "Install the python package pydot or pydot-ng. Install graphviz."
    try:
        if not hasattr(pd, "find_graphviz"):
            pd.Dot.create(pd.Dot())
        elif not pd.find_graphviz():
            return False, "%s can't find graphviz. Install graphviz." % pd.__name__.replace("_", "-")
    except Exception as e:  # each version of pydot reports a missing `dot` in its own way
        return False, "An error happened while importing/trying pydot: " + str(e.args)
    return True, ""


def pydotprint(
    fct,
    outfile=None,
    compact=True,
    format="png",
    with_ids=False,
    high_contrast=True,
    cond_highlight=None,
    colorCodes=None,
    max_label_size=70,
    scan_graphs=False,
    var_with_name_simple=False,
    print_output_file=True,
    return_image=False,
):
    """Draw a graph into a file: ellipses are Applies, boxes are variables.

    Boxes are green for inputs, cyan for shared variables, blue for outputs, grey for what nobody uses. An edge is
    blue where the output is a view of that input, red where the input is overwritten.

    Parameters
    ----------
    fct : compiled function, FunctionGraph, Variable, Apply, or list or tuple of Variables.
    outfile : path; by default a file in ``config.compiledir``. The ending of `format` is added if missing.
    compact : leave out variables without name.
    format : any that graphviz writes: 'png', 'svg', 'pdf' ...
    with_ids : print each Apply's place in the order of execution.
    high_contrast : fill shapes with colour rather than their border.
    cond_highlight : name of an IfElse, whose branches are then framed.
    colorCodes : dict from part of an Op's class name to a colour.
    max_label_size : longer labels are cut.
    scan_graphs : draw the inner graph of each scan, too, in a file of its own.
    var_with_name_simple : print the name of a named variable without its type.
    print_output_file : print the path.
    return_image : return the picture as bytes instead of writing it.

    Raises RuntimeError when pydot or graphviz is missing.
    """
    fgraph = _graph_of(fct)
    imported, message = pydot_status()
    if not imported:
        raise RuntimeError(
            "Failed to import pydot. You must install graphviz and either pydot or pydot-ng for `pydotprint` to work.",
            message,
        )
    drawing = _Drawing(fgraph, fct if is_function(fct) else None)
    drawing.compact, drawing.with_ids, drawing.high_contrast = compact, with_ids, high_contrast
    drawing.colors = default_colorCodes if colorCodes is None else colorCodes
    drawing.max_label_size, drawing.var_with_name_simple = max_label_size, var_with_name_simple
    drawing.draw(cond_highlight)
    if outfile is None:
        outfile = os.path.join(config.compiledir, "theano.pydotprint.%s.%s" % (config.device, format))
        os.makedirs(config.compiledir, exist_ok=True)
    if not outfile.endswith("." + format):
        outfile += "." + format
    if scan_graphs:
        base, ext = os.path.splitext(outfile)
        for i, node in enumerate(drawing.order):
            if node.op.loop_steps(node) is not None:
                name = "".join("_" + str(part) for part in (getattr(node.op, "name", None), i) if part is not None)
                compiled = getattr(node.op, "fn", None)
                pydotprint(
                    compiled if is_function(compiled) else node.op.outputs,
                    base + name + ext,
                    compact,
                    format,
                    with_ids,
                    high_contrast,
                    cond_highlight,
                    colorCodes,
                    max_label_size,
                    scan_graphs,
                    var_with_name_simple,
                    print_output_file,
                )
    if return_image:
        return drawing.picture.create(prog="dot", format=format)
    drawing.picture.write(outfile, prog="dot", format=format)
    if print_output_file:
        print("The output file is available at", outfile)


def _graph_of(fct):
    if is_function(fct):
        return fct.maker.fgraph
    if isinstance(fct, FunctionGraph):
        return fct
    outputs = [fct] if isinstance(fct, Variable) else fct.outputs if isinstance(fct, Apply) else fct
    if not (isinstance(outputs, (list, tuple)) and all(isinstance(v, Variable) for v in outputs)):
        raise AssertionError("pydotprint cannot draw an object of type %s." % type(fct))
    return FunctionGraph([v for v in graph_inputs(outputs) if not isinstance(v, Constant)], outputs)


class _Drawing:
    """One picture, and the labels in it."""

    def __init__(self, fgraph, function):
        self.pd = pydot_module()
        self.picture = self.pd.Dot()
        self.order = fgraph.toposort()
        self.profile = getattr(function, "profile", None)
        self.outputs = list(fgraph.outputs)
        self.updated = {}  # new value -> the input that it updates
        if function is not None:
            rows = list(zip(function.maker.expanded_inputs, fgraph.inputs))
            for spec, v in reversed(rows):  # updates are the last outputs
                if spec.update is not None:
                    self.updated[self.outputs.pop()] = v
        self.var_labels, self.apply_labels, self.used = {}, {}, set()

    # ------------------------------------------------------------ labels
    def cut(self, label):
        return label if len(label) <= self.max_label_size else label[: self.max_label_size - 3] + "..."

    def var_label(self, v):
        if v not in self.var_labels:
            target = self.updated.get(v)
            if v.name is not None:
                label = v.name if self.var_with_name_simple else "name=%s %s" % (v.name, v.type)
            elif isinstance(v, Constant):
                label = "val=%s %s" % (str(np.asarray(v.data)).split("\n")[0], v.type)
            elif target is not None and target.name is not None:
                label = target.name + ("" if self.var_with_name_simple else str(v.type))
            else:
                label = str(v.type)
            self.var_labels[v] = self.cut(label)
            self.used.add(self.var_labels[v])
        return self.var_labels[v]

    def apply_label(self, node):
        if node not in self.apply_labels:
            label = str(node.op).replace(":", "_") + self.times(node)
            limit = self.max_label_size
            if label in self.used or self.with_ids:
                suffix = " id=" + str(self.order.index(node))
                label = (
                    label + suffix
                    if len(label + suffix) <= limit
                    else (label[: max(limit - 3 - len(suffix), 0)] + suffix + "...")
                )
            elif len(label) > limit:
                label, number = self.cut(label), 1
                while label in self.used:
                    number += 1
                    suffix = " id=" + str(number)
                    label = label[: max(limit - 3 - len(suffix), 0)] + "..." + suffix
            self.used.add(label)
            self.apply_labels[node] = label
        return self.apply_labels[node]

    def times(self, node):
        if not self.profile:
            return ""
        seconds = self.profile.apply_time.get(node, 0)
        whole = self.profile.fct_call_time if self.profile.fct_callcount else 0
        return "   (%.3fs,%.3f%%)" % (seconds, seconds * 100 / whole if whole else 0)

    # ------------------------------------------------------------ shapes
    def add_shape(self, obj, label, shape, color=None):
        options = {"label": quoted(label), "shape": shape}
        if color is not None and self.high_contrast:
            options.update(style="filled", fillcolor=quoted(color))
        elif color is not None:
            options["color"] = quoted(color)
        node = self.pd.Node(str(id(obj)), **options)
        self.picture.add_node(node)
        return node

    def add_edge(self, start, end, label="", color=None):
        options = {"label": quoted(label)} if label else {}
        if color is not None:
            options["color"] = quoted(color)
        self.picture.add_edge(self.pd.Edge(str(id(start)), str(id(end)), **options))

    def draw(self, cond_highlight=None):
        frames = self.branches(cond_highlight)
        for node in self.order:
            label = self.apply_label(node)
            colors = [c for part, c in self.colors.items() if part in type(node.op).__name__]
            shape = self.add_shape(node, label, "ellipse", colors[-1] if colors else None)
            for cluster, nodes in frames:
                if node in nodes:
                    cluster.add_node(shape)
            for i, v in enumerate(node.inputs):
                self.draw_input(node, i, v)
            for i, v in enumerate(node.outputs):
                self.draw_output(node, i, v)
        for new, old in self.updated.items():
            self.add_edge(new, old, "UPDATE", self.colors["Output"])
        for cluster, _ in frames:
            self.picture.add_subgraph(cluster)

    def draw_input(self, node, i, v):
        label = str(i) if len(node.inputs) > 1 else ""
        color = None
        if any(i in ins for ins in getattr(node.op, "view_map", {}).values()):
            color = self.colors["Output"]
        elif any(i in ins for ins in getattr(node.op, "destroy_map", {}).values()):
            color = "red"
        if v.owner is None:
            self.add_shape(v, self.var_label(v), "box", "cyan" if isinstance(v, SharedVariable) else "green")
            self.add_edge(v, node, label, color)
        elif v.name or not self.compact or v in self.outputs:
            self.add_edge(v, node, label, color)
        else:
            self.add_edge(v.owner, node, self.cut((label + " " if label else "") + str(v.type)), color)

    def draw_output(self, node, i, v):
        label = self.cut(str(i)) if len(node.outputs) > 1 else ""
        color = None
        if v in self.outputs or v in self.updated:
            color = self.colors["Output"]
        elif not v.clients:
            color = "grey"
        elif not v.name and self.compact:
            return  # the edge from Apply to Apply stands for it
        elif self.compact:
            label = self.cut((label + " " if label else "") + str(v.type))
        self.add_edge(node, v, label)
        self.add_shape(v, self.var_label(v), "box", color)

    def branches(self, name):
        """Pairs (frame, Applies in it): what only the left or right branch of an IfElse needs, and what both do."""
        if name is None:
            return []
        found = [n for n in self.order if type(n.op).__name__ == "IfElse" and n.op.name == name or n is name]
        if not found:
            _logger.warning("pydotprint: cond_highlight is set but there is no IfElse node in the graph")
            return []
        node = found[-1]
        n_outs = len(node.outputs)
        left, right = (_applies_above(node.inputs[a : a + n_outs]) for a in (1, 1 + n_outs))
        rows = (("Left", left - right), ("Right", right - left), ("Middle", left & right))
        return [(self.pd.Cluster(title), nodes) for title, nodes in rows]


def _applies_above(variables):
    found, todo = set(), list(variables)
    while todo:
        node = todo.pop().owner
        if node is not None and node not in found:
            found.add(node)
            todo.extend(node.inputs)
    return found


def quoted(text):
    """`text` as a string of the dot language, which ends at a NUL; control characters are spelled out."""
    text = "".join("\\x%02x" % ord(c) if c < " " and c not in "\n\t" else c for c in text)
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')
