"""debugprint: a graph as an indented tree, one line a variable."""

import io
import sys

import numpy as np

from theanojax.graph import above
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.variable import Apply, Variable

_TIMING_HEADER = """
Timing Info
-----------
--> <time> <% time> - <total time> <% total time>'

<time>         computation time for this node
<% time>       fraction of total computation time for this node
<total time>   time for this node + total times for this node's ancestors
<% total time> total time for this node over total computation time

N.B.:
* Times include the node time and the function overhead.
* <total time> and <% total time> may over-count computation times
  if inputs to a node share a common ancestor and should be viewed as a
  loose upper bound. Their intended use is to help rule out potential nodes
  to remove when optimizing a graph because their <total time> is very low.
"""


def char_from_number(number):
    """`number` in base 26 with capital letters as digits: A, B ... Z, BA, BB ..."""
    text = ""
    while True:
        number, digit = divmod(number, 26)
        text = chr(ord("A") + digit) + text
        if number == 0:
            return text


def is_function(obj):
    return hasattr(obj, "maker") and hasattr(obj.maker, "fgraph")


def is_scan(v):
    """Whether `v` is computed by an Op that loops over an inner graph (which is printed after the outer one)."""
    return v.owner is not None and v.owner.op.loop_steps(v.owner) is not None


def debugprint(
    obj,
    depth=-1,
    print_type=False,
    file=None,
    ids="CHAR",
    stop_on_name=False,
    done=None,
    print_storage=False,
    print_clients=False,
    used_ids=None,
):
    """Print a graph as a tree, a line for each variable: Op or name, id, type, name, order number.

    What was printed before is not expanded again. Inner graphs of scans follow the tree.

    Parameters
    ----------
    obj : Variable, Apply, compiled function, FunctionGraph, In, Out, number, array, or a list, tuple or set of them.
        TypeError for anything else.
    depth : how deep to go; -1 for all.
    print_type : print types, too.
    file : where to print; None for stdout, 'str' to get the text back.
    ids : 'CHAR' for letters, 'int' for numbers, 'id' for Python's ids, '' for none.
    stop_on_name : do not go below a variable that has a name.
    done : dict of what was printed, to be handed to the next call.
    print_storage : print what a function's storage holds.
    print_clients : print the users of each variable that has more than one.
    used_ids : dict of ids given, to be handed to the next call.

    Returns
    -------
    The text if `file` is 'str', `file` itself if it is a file, else None.
    """
    if not isinstance(depth, int):
        raise Exception("depth parameter must be an int")
    stream = io.StringIO() if file == "str" else sys.stdout if file is None else file
    roots = []
    for item in obj if isinstance(obj, (list, tuple, set)) else [obj]:
        if isinstance(item, (int, float, np.ndarray)):
            print(item, file=stream)
        else:
            roots.extend(_roots(item, print_storage))
    if any(r[1] is not None and r[1].fct_callcount > 0 for r in roots):
        print(_TIMING_HEADER, file=stream)
    scans = []
    options = dict(
        depth=depth,
        done={} if done is None else done,
        print_type=print_type,
        file=stream,
        ids=ids,
        scan_ops=scans,
        stop_on_name=stop_on_name,
        print_clients=print_clients,
        used_ids={} if used_ids is None else used_ids,
    )
    for v, profile, smap, order in roots:
        if is_scan(v):
            scans.append(v)
        print_tree(v, order=order, profile=profile, smap=smap, **options)
    if scans:
        print("\nInner graphs of the scan ops:", file=stream)
        for v in scans:  # grows while inner scans are met
            _print_inner_graph(v, scans, options)
    if file == "str":
        return stream.getvalue()
    if file is not None:
        return file
    stream.flush()


def _roots(obj, print_storage):
    """Rows (variable, profile, storage map, order) for the variables to start from."""
    if isinstance(obj, Variable):
        return [(obj, None, None, None)]
    if isinstance(obj, Apply):
        return [(v, None, None, None) for v in obj.outputs]
    if is_function(obj):
        profile = obj.profile or None  # False: the user doesn't want one
        profiled = profile is not None and profile.fct_callcount > 0
        fgraph = obj.maker.executed_fgraph if profiled else obj.maker.fgraph  # times are known of the nodes that run
        smap = _storage_map(obj, fgraph) if print_storage else None
        order = fgraph.toposort()
        return [(v, profile, smap, order) for v in fgraph.outputs]
    if isinstance(obj, FunctionGraph):
        order = obj.toposort()
        profile = getattr(obj, "profile", None) or None
        return [(v, profile, getattr(obj, "storage_map", None), order) for v in obj.outputs]
    if isinstance(getattr(obj, "variable", None), Variable):  # In and Out
        return [(obj.variable, None, None, None)]
    raise TypeError("debugprint cannot print an object of this type", obj)


def _storage_map(f, fgraph):
    """A dict from the variables of `fgraph`, a graph of the function `f`, to the cells that hold their values."""
    executed, stored = f.maker.executed_fgraph, getattr(f.fn, "storage_map", None)
    if stored is None or fgraph is executed:
        return stored
    smap = {v: [getattr(v, "data", None)] for v in fgraph.variables}  # what is between inputs and outputs is not kept
    for ours, theirs in ((fgraph.outputs, executed.outputs), (fgraph.inputs, executed.inputs)):
        smap.update((v, stored[u]) for v, u in zip(ours, theirs) if u in stored)
    return smap


def _print_inner_graph(v, scans, options):
    op = v.owner.op
    compiled = getattr(op, "fn", None)  # the rewritten inner graph, where there is one
    graph = compiled.maker.fgraph if is_function(compiled) else op
    outer = {graph.inputs[i]: v.owner.inputs[o] for i, o in op.var_mappings["outer_inp_from_inner_inp"].items()}
    print("", file=options["file"])
    print_tree(v, scan_inner_to_outer_inputs=outer, **options)
    for out in graph.outputs:
        if is_scan(out):
            scans.append(out)
        print_tree(out, prefix=" >", prefix_child=" >", scan_inner_to_outer_inputs=outer, **options)


def print_tree(
    r,
    prefix="",
    depth=-1,
    done=None,
    print_type=False,
    file=None,
    print_destroy_map=False,
    print_view_map=False,
    order=None,
    ids="CHAR",
    stop_on_name=False,
    prefix_child=None,
    scan_ops=None,
    profile=None,
    scan_inner_to_outer_inputs=None,
    smap=None,
    used_ids=None,
    print_clients=False,
):
    """Print the tree of one variable `r`: the part of `debugprint` that knows no functions.

    Beyond its parameters: `prefix` starts the first line and `prefix_child` those below; `order` is a list of
    Applies whose positions are printed; scans that are met are appended to `scan_ops`;
    `scan_inner_to_outer_inputs` maps inner inputs of a scan to outer ones, to which they point; `profile` gives
    times, `smap` is a storage map. Returns `file`.
    """
    file = sys.stdout if file is None else file
    printer = _TreePrinter(ids, {} if used_ids is None else used_ids, {} if done is None else done, order or [])
    printer.print_type, printer.print_clients = print_type, print_clients
    printer.print_destroy_map, printer.print_view_map = print_destroy_map, print_view_map
    printer.profile, printer.smap, printer.outer = profile, smap, scan_inner_to_outer_inputs or {}
    scan_ops = [] if scan_ops is None else scan_ops
    todo = [(r, prefix, prefix if prefix_child is None else prefix_child, depth)]
    while todo:  # no recursion: the graph may be thousands of nodes deep
        v, prefix, below, depth = todo.pop()
        if v is not r and is_scan(v):
            scan_ops.append(v)
        if depth == 0:
            continue
        if v.owner is None:
            print(prefix + printer.leaf(v), file=file)
            continue
        seen = v.owner in printer.done
        print(prefix + printer.computed(v), file=file)
        if seen or (stop_on_name and v.name is not None):
            continue
        last = len(v.owner.inputs) - 1
        for i, u in reversed(list(enumerate(v.owner.inputs))):
            todo.append((u, below + " |", below + ("  " if i == last else " |"), depth - 1))
    return file


class _TreePrinter:
    """The text of the lines of one tree."""

    def __init__(self, ids, used_ids, done, order):
        self.ids, self.used_ids, self.done, self.order = ids, used_ids, done, order
        self.position = {node: i for i, node in enumerate(order)}

    def id_of(self, obj, v, printed=True):
        """The id of `obj`, an Apply, a Variable or "output", as part of the line of `v`."""
        if obj not in self.used_ids:
            if obj == "output":
                text = "output"
            elif self.ids == "":
                text = ""
            else:
                number = len(self.used_ids)
                text = "[id %s]" % {"id": id(v), "int": number, "CHAR": char_from_number(number)}[self.ids]
            self.used_ids[obj] = text
        if printed:
            self.done[obj] = self.used_ids[obj]
        return self.used_ids[obj]

    def type_of(self, v):
        return " <%s>" % v.type if self.print_type else ""

    def leaf(self, v):
        if v in self.outer:
            own = self.id_of(v, v)
            outer = self.outer[v]
            return "%s %s%s -> %s" % (v, own, self.type_of(v), self.id_of(outer.owner or outer, v))
        stored = " " + str(self.smap.get(v, "")) if self.smap else ""
        return "%s %s%s%s" % (v, self.id_of(v, v), self.type_of(v), stored)

    def computed(self, v):
        node = v.owner
        own = self.id_of(node, v)
        index = "" if len(node.outputs) == 1 else ".%i" % node.outputs.index(v)
        maps = []
        for wanted, attr, letter in (
            (self.print_destroy_map, "destroy_map", "d="),
            (self.print_view_map, "view_map", "v="),
        ):
            text = str(getattr(node.op, attr, "")) if wanted else ""
            maps.append(letter + text if text not in ("", "{}") else text)
        order = str(self.position[node]) if self.order else ""
        stored = " " + str(self.smap.get(node.outputs[0], "")) if self.smap else ""
        line = "%s%s %s%s '%s' %s %s %s%s%s" % (
            node.op,
            index,
            own,
            self.type_of(v),
            v.name or "",
            maps[0],
            maps[1],
            order,
            stored,
            self.clients_of(v),
        )
        return line + self.times_of(node)

    def clients_of(self, v):
        clients = getattr(v, "clients", [])
        if not self.print_clients or len(clients) < 2:
            return ""
        return " clients:" + str([(self.id_of(c, v, printed=False), self.position.get(c, "")) for c, _ in clients])

    def times_of(self, node):
        profile = self.profile
        if profile is None or node not in profile.apply_time:
            return ""
        own, total = profile.apply_time[node], profile.compute_total_times()[node]
        whole = profile.fct_call_time
        return " --> %8.2es %4.1f%% %8.2es %4.1f%%" % (own, own / whole * 100, total, total / whole * 100)


above.debugprint = debugprint
