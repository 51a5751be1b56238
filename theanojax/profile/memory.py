"""The memory that the results of nodes take, by the graph's own account of views and of what is overwritten."""

import heapq
import time

from theanojax.config import config

MOST_STATES = 50_000  # of a run that are looked at for the order with the lowest peak


class Account:
    """What the results of a graph's nodes take, given the shapes of its variables.

    Attributes
    ----------
    sizes : variable -> bytes, of the results of nodes.
    unknown : nodes that have a result of unknown size.
    """

    def __init__(self, fgraph, shapes):
        self.fgraph, self.shapes = fgraph, shapes
        self.order = fgraph.toposort()
        self.sizes, self.unknown = {}, set()
        for node in self.order:
            for v in node.outputs:
                known = v in shapes and hasattr(v.type, "get_size") and hasattr(v.type, "numpy_dtype")
                self.sizes[v] = int(v.type.get_size(shapes[v])) if known else 0
                if not known:
                    self.unknown.add(node)

    def of_node(self, node):
        return sum(self.sizes[v] for v in node.outputs)

    def of_vm(self):
        """The nodes in the order of Theano's stack: from the last output down, the last input first."""
        done, order = set(), []
        stack = [v.owner for v in self.fgraph.outputs if v.owner is not None]
        earlier = self.fgraph.orderings()
        while stack:
            node = stack.pop()
            if node in done:
                continue
            waiting = [v.owner for v in node.inputs if v.owner is not None and v.owner not in done]
            waiting += [n for n in earlier.get(node, ()) if n not in done]
            if waiting:
                stack += [node, *waiting]
            else:
                done.add(node)
                order.append(node)
        return order

    def origins(self, reuse):
        """variable -> the one whose memory it has. `reuse` says whether inputs are overwritten."""
        found = {}
        for node in self.order:
            views = dict(getattr(node.op, "view_map", None) or {})
            if reuse:
                views.update(getattr(node.op, "destroy_map", None) or {})
            for i, v in enumerate(node.outputs):
                source = views.get(i)
                if source:
                    old = node.inputs[source[0]]
                    found[v] = found.get(old, old)
                else:
                    found[v] = v
        return found

    def _users(self, origins):
        """memory -> the nodes after which it is free; None for what stays to the end."""
        users = {}
        for v, origin in origins.items():
            users.setdefault(origin, set()).add(v.owner)
        for node in self.order:
            for v in node.inputs:
                origin = origins.get(v)
                if origin is not None:
                    users[origin].add(node)
        for v in self.fgraph.outputs:
            users[origins.get(v, v)] = None
        return users

    def peak(self, order, reuse=True):
        """(the most bytes held at any time, all bytes ever allocated), with the nodes in this order."""
        origins = self.origins(reuse)
        users = self._users(origins)
        left = {origin: None if nodes is None else set(nodes) for origin, nodes in users.items()}
        by_node = {}
        for origin, nodes in users.items():
            for node in nodes or ():
                by_node.setdefault(node, []).append(origin)
        held = peak = whole = 0
        for node in order:
            new = sum(self.sizes[v] for v in node.outputs if origins[v] is v)
            held, whole = held + new, whole + new
            peak = max(peak, held)
            for origin in by_node.get(node, ()):
                left[origin].discard(node)
                if not left[origin]:
                    held -= self.sizes.get(origin, 0)
        return peak, whole

    def lowest_peak(self):
        """The lowest peak of any order of the nodes; None if there are too many to tell."""
        origins = self.origins(True)
        users = self._users(origins)
        earlier = self.fgraph.orderings()
        needs = {
            node: {v.owner for v in node.inputs if v.owner is not None} | set(earlier.get(node, ()))
            for node in self.order
        }
        new = {node: sum(self.sizes[v] for v in node.outputs if origins[v] is v) for node in self.order}
        number = {node: i for i, node in enumerate(self.order)}
        everything = (1 << len(self.order)) - 1

        def bits(nodes):
            return sum(1 << number[n] for n in nodes)

        needs = {node: bits(nodes) for node, nodes in needs.items()}
        freed = [(bits(nodes), self.sizes.get(origin, 0)) for origin, nodes in users.items() if nodes]
        best = {0: 0}
        queue = [(0, 0, 0)]  # peak so far, set of nodes that are done, bytes held
        while queue:
            peak, done, held = heapq.heappop(queue)
            if done == everything:
                return peak
            if best[done] < peak:
                continue
            for node in self.order:
                bit = 1 << number[node]
                if done & bit or needs[node] & ~done:
                    continue
                after = done | bit
                most = max(peak, held + new[node])
                if best.get(after, most + 1) > most:
                    if len(best) > MOST_STATES:
                        return None
                    best[after] = most
                    free = sum(size for mask, size in freed if mask & bit and not mask & ~after)
                    heapq.heappush(queue, (most, after, held + new[node] - free))
        return 0

    def letters(self, node):
        """For each result whether it is created (c), an input's memory overwritten (i) or viewed (v)."""
        found = ["c"] * len(node.outputs)
        for letter, name_ in (("i", "destroy_map"), ("v", "view_map")):
            for i, inputs in (getattr(node.op, name_, None) or {}).items():
                if inputs:
                    found[i] = letter
        return found

    def saved(self, letter):
        """The bytes of results that have this letter."""
        return sum(
            self.sizes[v] for node in self.order for v, mine in zip(node.outputs, self.letters(node)) if mine == letter
        )


def name(node):
    """A node as tables show it."""
    return str(node)


def _kb(size):
    return int(round(size / 1024.0))


def summary(stats, file, n):
    """Print the memory of the graphs of a profile, with the `n` nodes whose results are largest."""
    accounts = stats.accounts()
    if not accounts:
        return
    n = sum(len(account.order) for account in accounts) if n is None else n
    many = len(accounts) > 1
    print("Memory Profile%s" % (" (the max between all functions in that profile)" if many else ""), file=file)
    print("(Sparse variables are ignored)", file=file)
    print("(For values in brackets, it's for linker = c|py", file=file)
    print("---", file=file)
    orders = [(account, account.of_vm()) for account in accounts]
    for title, reuse in (
        ("Max peak memory with current setting", True),
        ("Max peak memory with current setting and Theano flag optimizer_excluding=inplace", False),
    ):
        print("    " + title, file=file)
        vm = max(account.peak(order, reuse)[0] for account, order in orders)
        in_order = max(account.peak(account.order, reuse)[0] for account in accounts)
        for where, sizes in (("CPU", (vm, in_order)), ("GPU", (0, 0)), ("CPU + GPU", (vm, in_order))):
            print("        %s: %dKB (%dKB)" % (where, *map(_kb, sizes)), file=file)
    print("    Max peak memory if allow_gc=False (linker don't make a difference)", file=file)
    whole = max(account.peak(account.order)[1] for account in accounts)
    for where, size in (("CPU", whole), ("GPU", 0), ("CPU + GPU", whole)):
        print("        %s: %dKB" % (where, _kb(size)), file=file)
    print("---", file=file)
    if config.profiling.min_peak_memory:
        start = time.perf_counter()
        peaks = [account.lowest_peak() for account in accounts]
        if None in peaks:
            text = "is not known: there are too many"
        else:
            text = "is %dKB(took %.3fs to compute)" % (_kb(max(peaks)), time.perf_counter() - start)
        print("    Minimum peak from all valid apply node order %s" % text, file=file)
        print("---", file=file)
    _print_xla(stats, file)
    print("", file=file)
    if many:
        print("    This list is based on all functions in the profile", file=file)
    _print_nodes(accounts, n, file)


def _print_xla(stats, file):
    """What XLA says of its executables, which reuse memory by themselves."""
    found = [executable for executable in list(stats.recorder.runs) if executable.memory is not None]
    if not found:
        return
    print("    What XLA reserves for the executable that takes most", file=file)
    memory = max((e.memory for e in found), key=lambda m: m.temp_size_in_bytes + m.output_size_in_bytes)
    for what, size in (
        ("Arguments", memory.argument_size_in_bytes),
        ("Results", memory.output_size_in_bytes),
        ("of these in the memory of arguments", memory.alias_size_in_bytes),
        ("Temporaries, reused", memory.temp_size_in_bytes),
    ):
        print("        %s: %dKB" % (what, _kb(size)), file=file)
    print("---", file=file)


def _print_nodes(accounts, n, file):
    head = "    <Sum apply outputs (bytes)> <Apply outputs shape> <created/inplace/view> <Apply node>"
    print(head, file=file)
    print("", file=file)
    rows = [(account.of_node(node), node, account) for account in accounts for node in account.order]
    rows.sort(key=lambda row: -row[0])
    shown = 0
    for size, node, account in rows[:n]:
        if node not in account.unknown and size < config.profiling.min_memory_size:
            break
        shown += 1
        shapes = [account.shapes.get(v, "no shape") for v in node.outputs]
        text = "%10s" % "Unknown" if node in account.unknown else "%9dB" % size
        print("     %s  %s %s %s" % (text, shapes, " ".join(account.letters(node)), name(node)), file=file)
    rest, whole = sum(row[0] for row in rows[shown:]), sum(row[0] for row in rows)
    share = "(%.2f%%)" % (100.0 * rest / whole) if whole else "0%"
    print(
        "   ... (remaining %i Apply account for %4dB/%dB (%s) of the Apply with dense outputs sizes)"
        % (len(rows) - shown, rest, whole, share),
        file=file,
    )
    print("", file=file)
    if not shown:
        form = "    All Apply nodes have output sizes that take less than %dB."
        print(form % config.profiling.min_memory_size, file=file)
    print("    <created/inplace/view> is taken from the Op's declaration.", file=file)
    print(
        "    Apply nodes marked 'inplace' or 'view' may actually allocate memory, this is not reported here. "
        "If you use DebugMode, warnings will be emitted in those cases.",
        file=file,
    )
    print("", file=file)


def print_of_mode(profiles, n, file):
    """The section on memory of a ProfileMode."""
    print("", file=file)
    print("Profile of Theano functions memory:", file=file)
    print(
        "(This check only the output of each apply node. It don't check the temporary memory used by the op in the "
        "apply node.)",
        file=file,
    )
    for profile in profiles:
        for account in profile.accounts():
            if profile.fct_callcount:
                _print_of_function(profile.message, account, n, file)


def _print_of_function(message, account, n, file):
    every = sum(account.sizes.values())
    peak, whole = account.peak(account.order)
    print("   Theano fct: %s" % message, file=file)
    for title, size in (
        ("Max without gc, inplace and view (KB)", every),
        ("Max FAST_RUN_NO_GC (KB)", whole),
        ("Max FAST_RUN (KB)", peak),
        ("Memory saved by view (KB)", account.saved("v")),
        ("Memory saved by inplace (KB)", account.saved("i")),
        ("Memory saved by GC (KB)", whole - peak),
    ):
        print("    %s %d" % (title, _kb(size)), file=file)
    print("", file=file)
    print(
        "    <Sum apply outputs (bytes)> <Apply outputs memory size(bytes)> <created/inplace/view> <Apply node>",
        file=file,
    )
    print("    <created/inplace/view> is taked from the op declaration, not ...", file=file)
    print("", file=file)
    rows = sorted(((account.of_node(node), node) for node in account.order), key=lambda row: -row[0])
    least, shown = config.ProfileMode.min_memory_size, 0
    for size, node in rows[:n]:
        if size < least:
            break
        shown += 1
        sizes = [account.sizes[v] for v in node.outputs]
        print("       %9dB  %s %s %s" % (size, sizes, " ".join(account.letters(node)), name(node)), file=file)
    rest = sum(size for size, _ in rows[shown:])
    print("   ... (remaining %i Apply account for %.3fKB)" % (len(rows) - shown, rest / 1024), file=file)
    print("", file=file)
