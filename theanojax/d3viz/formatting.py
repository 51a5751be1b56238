"""PyDotFormatter: a graph as an object of pydot, and what nodes and variables are called in it."""

import os
import re

import numpy as np

from theanojax.graph.variable import Constant
from theanojax.printing import dot
from theanojax.printing.picture import Picture, place_built

_CHARS = {
    "complex64": "c",
    "complex128": "z",
    "float32": "f",
    "float64": "d",
    "int8": "b",
    "int16": "w",
    "int32": "i",
    "int64": "l",
}
_PATTERNS = {(): "scalar", (False,): "vector", (False, True): "col", (True, False): "row", (False, False): "matrix"}


def __getattr__(name):
    if name == "pd":
        return dot.pydot_module()
    if name in ("pydot_imported", "pydot_imported_msg"):  # looked up late: it starts graphviz
        return dot.pydot_status()[name == "pydot_imported_msg"]
    raise AttributeError("module %r has no attribute %r" % (__name__, name))


class PyDotFormatter:
    """Makes a ``pydot.Dot`` of a graph: ``PyDotFormatter()(f)``. ImportError without pydot.

    Parameters
    ----------
    compact : leave out variables that have no name, between two Applies.

    Attributes
    ----------
    node_colors : dict from a kind of variable to its colour.
    apply_colors : dict from a part of the name of an Op's class to a colour.
    shapes : dict from a kind of node to graphviz's shape.
    """

    def __init__(self, compact=True):
        try:
            self._pd = dot.pydot_module()
        except ImportError as e:
            raise ImportError("Failed to import pydot. " + dot.pydot_status()[1]) from e
        self.compact = compact
        self.node_colors = {
            "input": "limegreen",
            "constant_input": "SpringGreen",
            "shared_input": "YellowGreen",
            "output": "dodgerblue",
            "unused": "lightgrey",
            "variable": "white",
        }
        self.apply_colors = {
            "GpuFromHost": "red",
            "HostFromGpu": "red",
            "Scan": "yellow",
            "Shape": "cyan",
            "IfElse": "magenta",
            "Elemwise": "#FFAABB",
            "Subtensor": "#FFAAFF",
            "Alloc": "#FFAA22",
        }
        self.shapes = {"input": "box", "output": "box", "apply": "ellipse"}

    def __call__(self, fct, graph=None):
        """The graph of `fct`, a compiled function, FunctionGraph, Variable, Apply, or list or tuple of Variables.

        It is added to the pydot graph `graph` where one is given. The graph of an OpFromGraph, and of a step of a
        Scan, is a cluster; the attributes ``subg``, ``subg_map_inputs`` and ``subg_map_outputs`` of the node say which,
        and which shapes inside and outside belong together.
        """
        picture = Picture(fct, self.compact, repeat=False)
        return self._add(picture, self._pd.Dot() if graph is None else graph, "n", getattr(fct, "profile", None))

    def _add(self, picture, graph, prefix, profile=None):
        starts = {(e.end, e.into): e.start for e in picture.edges}
        ends = {(e.start, e.out): e.end for e in picture.edges if e.into is None}
        several = {e.end for e in picture.edges if e.into}

        def name(id):
            return prefix + id[1:]

        made = {}
        for shape in picture.shapes:
            attributes = self._apply(shape, profile) if shape.node else self._variable(shape)
            node = made[shape.id] = dict_to_pdnode(dict(attributes, name=name(shape.id)))
            graph.add_node(node)
            if shape.body is None or hasattr(shape.thing.op, "scalar_op"):
                continue
            inner = name(shape.id) + "_"  # of n1, n1_2, which n12 is not
            cluster = self._pd.Cluster(name(shape.id))
            self._add(shape.body.picture, cluster, inner)
            graph.add_subgraph(cluster)
            enters = [[name(starts[shape.id, i]), inner + id[1:]] for i, id in shape.body.enters]
            leaves = [[inner + id[1:], name(ends[shape.id, o])] for id, o in shape.body.leaves if (shape.id, o) in ends]
            node.get_attributes().update(
                subg=cluster.get_name(), subg_map_inputs=str(enters), subg_map_outputs=str(leaves)
            )
        colors = {"view": self.node_colors["output"], "overwritten": "red"}
        leaves, seen = {s.id for s in picture.shapes if s.kind in ("input", "constant", "shared")}, set()
        for e in picture.edges:
            # As in Theano there is a node for each use of a variable that nothing computes, all of one name.
            if e.start in leaves and e.start in seen:
                graph.add_node(made[e.start])
            seen.add(e.start)
            label = ("%d " % e.into if e.end in several else "") + type_to_str(e.type)
            options = {"color": colors[e.kind]} if e.kind else {}
            graph.add_edge(self._pd.Edge(name(e.start), name(e.end), label=_quoted(label), **options))
        return graph

    def _apply(self, shape, profile):
        node = shape.thing
        label = apply_label(node)
        row = {
            "label": label,
            "profile": apply_profile(node, profile),
            "node_type": "apply",
            "apply_op": label,
            "shape": self.shapes["apply"],
        }
        colors = [color for part, color in self.apply_colors.items() if part in type(node.op).__name__]
        if colors:
            row.update(style="filled", fillcolor=colors[-1], type="colored")
        return row

    def _variable(self, shape):
        v, kind = shape.thing, shape.kind
        kind = kind + "_input" if kind in ("constant", "shared") else kind
        return {
            "label": var_label(v),
            "node_type": "output" if kind == "unused" else kind,
            "dtype": type_to_str(v.type),
            "tag": var_tag(v),
            "style": "filled",
            "fillcolor": self.node_colors[kind],
            "shape": self.shapes["input" if kind.endswith("input") else "output"],
        }


def var_label(var, precision=3):
    """The name of a variable, the value of a constant to `precision` digits, or the type."""
    if var.name is not None:
        return var.name
    if not isinstance(var, Constant):
        return type_to_str(var.type)
    value = np.asarray(var.data)
    text = np.array2string(np.atleast_1d(value), precision=precision).split("\n")[0]
    return text if value.ndim else text.replace("[", "").replace("]", "")


def var_tag(var):
    """[file, line, text of the line] where a variable was built; None if that is not known."""
    place = place_built(var)
    if place is None:
        return None
    path, line, source = place
    return [os.path.basename(path).replace("<", "").replace(">", ""), line, source.encode()]


def apply_label(node):
    """The name of the class of the Op."""
    return node.op.__class__.__name__


def apply_profile(node, profile):
    """[seconds in this Apply, seconds in all calls], None without a profile."""
    if not profile or profile.fct_call_time == 0:
        return None
    return [profile.apply_time.get(node, 0), profile.fct_call_time]


def broadcastable_to_str(b):
    """The name of a broadcast pattern, such as 'matrix'; empty for three dimensions and more."""
    return _PATTERNS.get(b, "")


def dtype_to_char(dtype):
    """The letter that stands for a dtype in the names of types, 'X' if none does."""
    return _CHARS.get(dtype, "X")


def type_to_str(t):
    """A short name of a type, such as 'dmatrix'; the dtype of an array of many dimensions."""
    if not hasattr(t, "broadcastable"):
        return str(t)
    pattern = broadcastable_to_str(t.broadcastable)
    return dtype_to_char(t.dtype) + pattern if pattern else str(t.dtype)


def dict_to_pdnode(d):
    """A node of pydot with the attributes `d`; those that are None are left out, lists are joined by tabs."""
    texts = {}
    for key, value in d.items():
        if value is not None:
            text = "\t".join(map(str, value)) if isinstance(value, list) else str(value)
            texts[key] = _quoted(text.replace('"', "'"))
    return dot.pydot_module().Node(**texts)


def _quoted(text):
    """`text` with quotes where pydot would not set them as the dot language wants."""
    return text if re.fullmatch(r"[\w #',.()\[\]-]*", text, re.ASCII) else dot.quoted(text)
