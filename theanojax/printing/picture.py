"""What a picture of a graph shows: shapes and edges, without their places. Pages, notebooks and pydot draw it."""

import os
import re
from dataclasses import dataclass, field

import numpy as np

from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.shared import SharedVariable
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.printing.debug import is_function

LONGEST_LABEL = 36
LARGE = 100  # Applies

# What the class of an Op is called -> the family that its shape has the colour of; the first one counts.
FAMILIES = (
    ("transfer", re.compile("GpuFromHost|HostFromGpu")),
    ("random", re.compile("Random|mrg|Multinomial")),
    ("indexing", re.compile("Subtensor")),
    ("product", re.compile("Dot|Gem|Ger|Conv|Pool|Corr|Inverse|Solve|Cholesky|SVD|Eig|QR")),
    ("shape", re.compile("Shape|DimShuffle|Rebroadcast|Join|Split")),
    ("allocation", re.compile("Alloc|Eye|ARange|MakeVector|DeepCopy")),
)
COLORS = {
    "input": "#b9ecb3",
    "constant": "#e6f5e3",
    "shared": "#dcedaa",
    "output": "#a8d4fa",
    "unused": "#e4e4e4",
    "variable": "#ffffff",
    "elementwise": "#fbcfd8",
    "product": "#c8d6fb",
    "reduction": "#ddcdf6",
    "indexing": "#f6d3f7",
    "allocation": "#fde0ae",
    "shape": "#d5eef0",
    "loop": "#fff2a0",
    "branch": "#f7bdf0",
    "graph": "#f3e0c8",
    "random": "#cfe9dd",
    "transfer": "#ff9d94",
    "other": "#f4f4f4",
}


@dataclass
class Shape:
    """A box for a variable or an ellipse for an Apply; `thing` is what it stands for.

    `kind` is a key of COLORS, `node` whether it is an Apply, `details` pairs of texts, `seconds` what a profile says,
    of all of the `together` Applies that are computed as one.
    """

    id: str
    thing: object
    node: bool
    kind: str
    label: str
    details: list
    seconds: float | None = None
    together: int = 1
    body: "Body | None" = None


@dataclass
class Edge:
    """From one shape to another, by their ids; `out` and `into` number the output and input of an Apply.

    `kind` is "view" where the result is a view of that input, "overwritten" where it takes its memory, or "".
    """

    start: str
    end: str
    type: object
    out: int | None = None
    into: int | None = None
    kind: str = ""


@dataclass
class Body:
    """The inside of a shape.

    `enters` has pairs (input of the node, shape), `leaves` (shape, output of the node), `again` (shape, shape of the
    next step).
    """

    picture: "Picture"
    enters: list
    leaves: list
    again: list = field(default_factory=list)


class Picture:
    """The shapes and edges of a compiled function, FunctionGraph, Variable, Apply, or list or tuple of Variables.

    Parameters
    ----------
    compact : leave out variables that have no name, between two Applies.
    repeat : draw a constant, in a large graph a shared variable, beside each Apply that takes it, rather than once.
    bodies : whether what Ops are made of is part of it.

    Raises TypeError for anything else.

    A function shows the graph that Theano made; the one that runs, where a profile knows only that one's nodes.
    """

    def __init__(self, thing, compact=True, repeat=True, bodies=True):
        self.compact, self.repeat, self.bodies = compact, repeat, bodies
        self.shapes, self.edges = [], []
        self.compiled, self.title = False, ""
        self.total, self.times = 0.0, {}  # of a profile: the seconds of all nodes, node -> (seconds, together)
        self._ids = {}
        self.updates = {}  # new value -> the variable that it updates
        inputs, self.outputs = self._ends(thing)
        self._given, self._results = set(inputs), set(self.outputs)
        self.order = io_toposort(inputs, self.outputs)
        self._used = {v for node in self.order for v in node.inputs}
        # Long edges from weights to their gradients and updates would be most of what a large picture shows.
        kinds = (Constant, SharedVariable) if len(self.order) > LARGE else (Constant,)
        self._repeated = kinds if repeat else ()
        for node in self.order:
            self._draw(node)
        for v in self.outputs:
            if v.owner is None or v in self._given:  # which no Apply has drawn
                start, end = self._leaf(v), self._box(v, "output", key=(v, "output"))
                if not any(e.start == start and e.end == end for e in self.edges):
                    self.edges.append(Edge(start, end, v.type))

    def _ends(self, thing):
        if is_function(thing):
            graph, times = thing.maker.fgraph, getattr(getattr(thing, "profile", None), "apply_time", None)
            if times:
                if not any(node in times for node in graph.apply_nodes):
                    graph = thing.maker.executed_fgraph
                self.total, self.times = sum(times.values()), _by_node(times)
            # The name that a function has by itself is the place where it was made, of which the folders are left out.
            self.compiled, self.title = True, re.sub(r"^.*[/\\](?=[^/\\]*:\d+$)", "", thing.name or "")
            targets = [v for spec, v in zip(thing.maker.expanded_inputs, graph.inputs) if spec.update is not None]
            if targets:  # whose new values are the last outputs
                self.updates = dict(zip(graph.outputs[-len(targets) :], targets))
            return graph.inputs, list(graph.outputs)
        if isinstance(thing, FunctionGraph):
            self.compiled, self.title = True, getattr(thing, "name", None) or ""
            return thing.inputs, list(thing.outputs)
        outputs = [thing] if isinstance(thing, Variable) else thing.outputs if isinstance(thing, Apply) else thing
        if not (isinstance(outputs, (list, tuple)) and all(isinstance(v, Variable) for v in outputs)):
            raise TypeError("There is no picture of an object of type %s." % type(thing))
        return [], list(outputs)

    def id_of(self, thing):
        """The id of the shape of an Apply or Variable, which a variable between two Applies may not have."""
        return self._ids.get(thing)

    def _new_id(self, key):
        return self._ids.setdefault(key, "n%d" % (len(self._ids) + 1))

    # ---------------------------------------------------------------- shapes
    def _draw(self, node):
        shape = Shape(self._new_id(node), node, True, family(node), op_text(node.op), _node_details(node))
        shape.seconds, shape.together = self.times.get(node, (None, 1))
        self.shapes.append(shape)
        views, overwritten = ({i for ins in (m or {}).values() for i in ins} for m in _maps(node.op))
        for i, v in enumerate(node.inputs):
            kind = "view" if i in views else "overwritten" if i in overwritten else ""
            if v.owner is None or v.owner not in self._ids:
                start, out = self._leaf(v, (v, node, i) if isinstance(v, self._repeated) else v), None
            elif v in self._ids and v not in self._results:
                start, out = self._ids[v], None
            else:
                start, out = self._ids[v.owner], v.index
            self.edges.append(Edge(start, shape.id, v.type, out, i, kind))
        for i, v in enumerate(node.outputs):
            if v in self._results:
                self._box(v, "output")
            elif v not in self._used:
                self._box(v, "unused")
            elif v.name or not self.compact:
                self._box(v, "variable")
            else:
                continue
            self.edges.append(Edge(shape.id, self._ids[v], v.type, i))
        if self.bodies:
            shape.body = self._body(node)

    def _leaf(self, v, key=None):
        kinds = ("constant", Constant), ("shared", SharedVariable), ("input", Variable)
        return self._box(v, next(kind for kind, cls in kinds if isinstance(v, cls)), key)

    def _box(self, v, kind, key=None):
        key = v if key is None else key
        if key not in self._ids:
            label, details = var_text(v), _variable_details(v)
            target = self.updates.get(v)
            if target is not None and kind == "output":
                label = "new " + (target.name or var_text(target))
                details.append(("updates", var_text(target)))
            self.shapes.append(Shape(self._new_id(key), v, False, kind, short(label), details))
        return self._ids[key]

    def _body(self, node):
        inside = node.op.inside(node)
        if inside is None:
            return None
        if self.compiled:
            graph = inside.rewritten()
            picture, ins, outs = Picture(graph, self.compact, self.repeat), graph.inputs, graph.outputs
        else:
            ins, outs = inside.inputs, inside.outputs
            picture = Picture(list(outs), self.compact, self.repeat)
        return Body(
            picture,
            [(i, picture.id_of(ins[k])) for i, k in inside.enters if picture.id_of(ins[k])],
            [(picture.of_output(outs[k]), i) for k, i in inside.leaves],
            [(picture.of_output(outs[k]), picture.id_of(ins[i])) for k, i in inside.again if picture.id_of(ins[i])],
        )

    def of_output(self, v):
        """The id of the shape that stands for the output `v`."""
        return self._ids.get((v, "output")) or self._ids[v]


# ---------------------------------------------------------------- words


def _by_node(times):
    """node -> (seconds, number of nodes that they are of).

    In a profile an Apply of its own stands for nodes that are computed as one; the tags of its outputs lead to theirs.
    """
    found = {}
    for row, seconds in times.items():
        ends = [getattr(v.tag, "stands_for", None) for v in row.outputs]
        if None in ends:
            found[row] = seconds, 1
        else:
            nodes = io_toposort(row.inputs, ends)
            found.update((node, (seconds, len(nodes))) for node in nodes)
    return found


def _maps(op):
    return getattr(op, "view_map", None), getattr(op, "destroy_map", None)


def family(node):
    """The key of COLORS for an Apply."""
    op = node.op
    if op.loop_steps(node) is not None:
        return "loop"
    if op.lazy_branches(node) is not None:
        return "branch"
    if op.array_role in ("elementwise", "reduction", "product"):
        return op.array_role
    name = type(op).__name__
    if any(hasattr(v.type, "dtype") and not hasattr(v.type, "broadcastable") for v in node.outputs[:1]):
        return "elementwise"  # of single numbers
    known = next((kind for kind, pattern in FAMILIES if pattern.search(name)), None)
    return known or ("elementwise" if "Elemwise" in name else "graph" if op.inside(node) is not None else "other")


def op_text(op):
    """A short name of an Op: what is elementwise has a colour that says so, and the edges say what is overwritten."""
    text = str(op)
    if text.startswith("Elemwise{"):
        text = text[len("Elemwise{") : text.rindex("}")].removesuffix(",no_inplace").removesuffix(",")
    if text.startswith("Composite{"):
        text = text[len("Composite{") : text.rindex("}")]
        if text.startswith("(") and text.endswith(")") and ", " not in text:
            text = text[1:-1]
    return short(text)


def short(text, limit=LONGEST_LABEL):
    """`text` in one line of at most `limit` characters; what is too long loses its middle."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit * 2 // 3 - 1] + "…" + text[-(limit // 3) :]


def var_text(v):
    """The name of a variable, the value of a constant, or the type."""
    if v.name:
        return v.name
    return value_text(v.data) if isinstance(v, Constant) else type_text(v.type)


def value_text(value):
    """A value in one line, with three digits."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        first = value if value.size <= 8 else value.ravel()[:4]
        text = np.array2string(first, precision=3, separator=", ")
        return text if value.size <= 8 else "%s…] %s" % (text[:-1], "x".join(map(str, value.shape)))
    return short(str(value))


def type_text(kind):
    """`kind` for an edge: "float64 matrix", "int8 scalar"; other types as they print."""
    if not hasattr(kind, "broadcastable") or not hasattr(kind, "dtype"):
        return str(kind)
    names = {(): "scalar", (False,): "vector", (False, True): "col", (True, False): "row", (False, False): "matrix"}
    pattern = tuple(kind.broadcastable)
    return "%s %s" % (kind.dtype, names.get(pattern) or "%dd" % len(pattern))


def place_built(v):
    """(path, line, text of the line) where a variable was built; None if that is not known."""
    for stack in getattr(v.tag, "trace", None) or ():
        rows = list(stack) if isinstance(stack[0], (tuple, list)) else [stack]
        if rows and len(rows[-1]) == 4:
            path, line, _, source = rows[-1]
            return path, line, source or ""
    return None


def _built(v):
    place = place_built(v)
    return [("built at", "%s:%s  %s" % (os.path.basename(place[0]), place[1], place[2]))] if place else []


def _node_details(node):
    rows = [("Op", str(node.op))]
    name = "%s.%s" % (type(node.op).__module__, type(node.op).__name__)
    rows += [("class", name)]
    rows += [("input %d" % i, _one_of(v)) for i, v in enumerate(node.inputs[:8])]
    if len(node.inputs) > 8:
        rows.append(("", "and %d more" % (len(node.inputs) - 8)))
    rows += [("output" if len(node.outputs) == 1 else "output %d" % i, _one_of(v)) for i, v in enumerate(node.outputs)]
    for title, places in zip(("view of", "overwrites"), _maps(node.op)):
        if places:
            rows.append((title, ", ".join("input %d" % i for ins in places.values() for i in ins)))
    return rows + _built(node.outputs[0])


def _one_of(v):
    words = [v.name] if v.name else [value_text(v.data)] if isinstance(v, Constant) else []
    return ": ".join([*words, type_text(v.type)])


def _variable_details(v):
    rows = [("type", str(v.type))]
    if v.name:
        rows.insert(0, ("name", v.name))
    if isinstance(v, Constant):
        rows.append(("value", value_text(v.data)))
    if isinstance(v, SharedVariable):
        value = v.get_value(borrow=True, return_internal_type=True)
        shape = getattr(value, "shape", None)
        rows.append(("value", type(value).__name__ if shape is None else "shape %s" % (tuple(shape),)))
    return rows + _built(v)
