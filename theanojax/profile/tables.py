"""The tables of a profile, in Theano's layout."""

import sys
import time

from theanojax.config import config


class _Table:
    """Rows with a share of a whole and a running sum; `columns` are (title, format) of what follows these."""

    def __init__(self, title, things, width, columns, last):
        self.title, self.things, self.columns, self.last = title, things, columns, last
        titles = [name for name, _ in columns if name]
        self.head = " ".join(titles)
        self.width = max(width - sum(map(len, titles)) - len(titles), 0)
        self.format = " ".join(form for _, form in columns)

    def print(self, rows, n, file, after=None):
        """Print the first `n` of `rows`, (seconds, cells, name), the largest first; `after` each row, if given."""
        whole, total = sum(row[0] for row in rows), 0.0
        print(self.title, file=file)
        print("------" if self.title == "Apply" else "---", file=file)
        print(self.head, self.last, file=file)
        for row in rows[:n]:
            seconds, cells, name = row[:3]
            total += seconds
            shares = 100 * seconds / whole, 100 * total / whole, seconds
            print(self.format % (*shares, *cells), str(name)[: self.width], file=file)
            if after is not None:
                after(row)
        rest = sum(row[0] for row in rows[n:])
        form = "   ... (remaining %i %s account for %s%%(%.2fs) of the runtime)"
        share = ("%.2f" if self.title == "Apply" else "%6.2f") % (100 * rest / whole)
        print(form % (max(0, len(rows) - n), self.things, share, rest), file=file)
        print("", file=file)


_SHARES = [("<% time>", "  %4.1f%% "), ("<sum %>", " %5.1f%% "), ("<apply time>", "   %7.3fs ")]
_PER_CALL = ("<time per call>", "     %8.2es ")


class Tables:
    """The methods of a ProfileStats that print. Each writes to `file`, stderr by default."""

    def summary_class(self, file=None, N=None):
        """Print the time by class of Op, of the `N` that took most."""
        file = sys.stderr if file is None else file
        if not self._has_times("summary_class", file):
            return
        calls, nodes, impl = self.class_callcount(), self.class_nodes(), self.class_impl()
        rows = [
            (seconds, (seconds / calls[c], impl.get(c, "  "), calls[c], nodes[c]), str(c)[8:-2])
            for c, seconds in self.class_time().items()
            if calls.get(c)
        ]
        rows.sort(key=lambda row: (row[0], *row[1][2:]), reverse=True)
        columns = [*_SHARES, _PER_CALL, ("<type>", "   %2s "), ("<#call>", "%6d  "), ("<#apply>", " %4d  ")]
        table = _Table("Class", "Classes", self.line_width, columns, "<Class name>")
        table.print(rows, len(rows) if N is None else N, file)

    def summary_ops(self, file=None, N=None):
        """Print the time by Op, of the `N` that took most."""
        file = sys.stderr if file is None else file
        if not self._has_times("summary_ops", file):
            return
        calls, nodes, impl = self.op_callcount(), self.op_nodes(), self.op_impl()
        rows = [
            (seconds, (seconds / calls[op], impl.get(op, "  "), calls[op], nodes[op]), op)
            for op, seconds in self.op_time().items()
            if calls.get(op)
        ]
        rows.sort(key=lambda row: (row[0], *row[1][2:]), reverse=True)
        columns = [*_SHARES, _PER_CALL, ("<type>", "   %2s "), ("<#call>", "  %4d  "), ("<#apply>", "  %4d  ")]
        table = _Table("Ops", "Ops", self.line_width, columns, "<Op name>")
        table.print(rows, len(rows) if N is None else N, file)

    def summary_nodes(self, file=None, N=None):
        """Print the time by Apply node, of the `N` that took most."""
        file = sys.stderr if file is None else file
        if not self._has_times("summary_nodes", file):
            return
        positions, calls = self.positions(), self.apply_callcount
        columns = [*_SHARES, _PER_CALL, ("<#call>", " %4d  "), ("<id>", "%3d"), ("", "%s"), ("", "%s")]
        if self.variable_shape:
            columns[-2:] = ("<Mflops>", "%s"), ("<Gflops/s>", "%s")
        rows = []
        for node, seconds in self.apply_time.items():
            n = calls.get(node, 0)
            if n:
                cells = seconds / n, n, positions[node], *self._flops(node, seconds / n)
                rows.append((seconds, cells, str(node), node))
        rows.sort(key=lambda row: (row[0], row[1][2]), reverse=True)
        table = _Table("Apply", "Apply instances", self.line_width, columns, "<Apply name>")
        table.print(rows, len(rows) if N is None else N, file, lambda row: self._print_shapes(row[3], file))

    def positions(self):
        """node -> its place in the order of its graph, of those that are in none the number of nodes."""
        places, orders = {}, {}
        for node in self.apply_time:
            member = self.members(node)[-1]
            fgraph = getattr(member, "fgraph", None)
            if fgraph not in orders:
                orders[fgraph] = {} if fgraph is None else {n: i for i, n in enumerate(fgraph.toposort())}
            places[node] = orders[fgraph].get(member, len(orders[fgraph]))
        return places

    def _flops(self, node, seconds):
        shapes = self.variable_shape
        if not shapes:
            return "", ""
        if not hasattr(node.op, "flops") or not all(v in shapes for v in node.inputs + node.outputs) or not seconds:
            return " " * 8, " " * 10
        flops = node.op.flops([shapes[v] for v in node.inputs], [shapes[v] for v in node.outputs])
        return "%8.1f" % (flops / 2**20), "%10.1f" % (flops / 2**30 / seconds)

    def _print_shapes(self, node, file):
        if not config.profile_memory:
            return
        for what, variables in (("input", node.inputs), ("output", node.outputs)):
            for i, v in enumerate(variables):
                v = getattr(v.tag, "stands_for", v)
                offset = self.variable_offset.get(v, "")
                print(
                    "    %s %d: dtype=%s, shape=%s, strides=%s%s"
                    % (
                        what,
                        i,
                        getattr(v, "dtype", "no dtype"),
                        self.variable_shape.get(v, "no shape"),
                        self.variable_strides.get(v, "no strides"),
                        ", offset=%s" % (offset,) if offset != "" else "",
                    ),
                    file=file,
                )

    def _has_times(self, name, file):
        if sum(self.apply_time.values()) > 0:
            return True
        print("ProfileStats.%s: total time 0 (did you forget to enable counters?)" % name, file=file)
        return False

    # ---------------------------------------------------------------- the function as a whole
    def summary_function(self, file=None):
        """Print the function's own times."""
        file = sys.stderr if file is None else file
        print("Function profiling", file=file)
        print("==================", file=file)
        print("  Message: %s" % self.message, file=file)
        print("  Time in %i calls to Function.__call__: %es" % (self.fct_callcount, self.fct_call_time), file=file)
        if self.fct_call_time > 0:
            for what, seconds in (
                ("Function.fn.__call__", self.vm_call_time),
                ("thunks", sum(self.apply_time.values())),
            ):
                if seconds > 0:
                    print("  Time in %s: %es (%.3f%%)" % (what, seconds, 100 * seconds / self.fct_call_time), file=file)
        print("  Total compile time: %es" % self.compile_time, file=file)
        print("    Number of Apply nodes: %d" % self.nb_nodes, file=file)
        print("    Theano Optimizer time: %es" % self.optimizer_time, file=file)
        print("       Theano validate time: %es" % self.validate_time, file=file)
        print("    Theano Linker time (includes C, CUDA code generation/compiling): %es" % self.linker_time, file=file)
        for what, seconds in self.making.items():
            print("       %s: %es" % (_STEPS[what], seconds), file=file)
        print("       Import time %es" % self.import_time, file=file)
        print("       Node make_thunk time %es" % self.linker_node_make_thunks, file=file)
        slowest = sorted(self.linker_make_thunk_time.items(), key=lambda item: -item[1])
        for node, seconds in slowest[:5]:
            print("           Node %s time %es" % (node, seconds), file=file)
        rest = self.compile_time - self.optimizer_time - self.linker_time
        print("    Copying and checking the graph: %es" % max(0.0, rest), file=file)
        print("", file=file)

    def summary_globals(self, file=None):
        """Print the totals over all functions."""
        file = sys.stderr if file is None else file
        print("Time in all call to theano.grad() %es" % _grad_time(), file=file)
        print("Time since theano import %.3fs" % (time.time() - self.imported_time), file=file)

    def summary_other(self, file=None):
        """Print the time of calls that belongs to no node."""
        file = sys.stderr if file is None else file
        rows = sorted(self.other_time.items(), key=lambda item: -item[1])
        if not rows or not self.fct_call_time:
            return
        print("Outside of Apply nodes", file=file)
        print("---", file=file)
        print("<% of call time> <time> <time per call> <what>", file=file)
        for what, seconds in rows:
            share, each = 100 * seconds / self.fct_call_time, seconds / max(1, self.fct_callcount)
            print("  %5.1f%%         %7.3fs   %8.2es   %s" % (share, seconds, each, what), file=file)
        light = self.recorder.only_timed()[0]
        if light:
            print(
                "  %d of the calls are so short that they were only timed; "
                "their parts are those of the other %d, to scale" % (light, self.fct_callcount - light),
                file=file,
            )
        if self._samples("tries"):
            print(
                "  Looking into executables took %.3fs more, in %d calls%s"
                % (self.measuring_time, self._samples("samples"), _in_use(self._samples("refused"))),
                file=file,
            )
        elif self.measuring_time:
            print("  Keeping this profile took %.3fs more" % self.measuring_time, file=file)
        print("", file=file)

    def _samples(self, name):
        return sum(getattr(executable, name) for executable in list(self.recorder.runs))

    def summary_memory(self, file=None, N=None):
        """Print what memory the results of nodes take, of the `N` largest."""
        from theanojax.profile import memory

        memory.summary(self, sys.stderr if file is None else file, N)

    def summary(self, file=None, n_ops_to_print=20, n_apply_to_print=20):
        """Print everything that is known, to stderr by default."""
        file = sys.stderr if file is None else file
        for part in (self.summary_function, self.summary_globals):
            part(file)
        by_kind = ((self.summary_class, n_ops_to_print), (self.summary_ops, n_ops_to_print))
        if any(seconds > 0 for seconds in self.apply_time.values()):
            for part, rows in (*by_kind, (self.summary_nodes, n_apply_to_print)):
                part(file, rows)
        elif self.fct_callcount > 0:
            print("  No execution time accumulated (hint: try config profiling.time_thunks=1)", file=file)
        self.summary_other(file)
        if config.profiling.debugprint:
            from theanojax.printing import debugprint

            graphs = {node.fgraph for node in self.apply_time if getattr(node, "fgraph", None) is not None}
            debugprint(list(graphs), print_type=True, file=file)
        if self.variable_shape or self.variable_strides:
            self.summary_memory(file, n_apply_to_print)
        if self.optimizer_profile:
            title = "Optimizer Profile"
            print(title, "-" * len(title), sep="\n", file=file)
            rewrites, found = self.optimizer_profile
            rewrites.print_profile(file, found)
        self.print_extra(file)
        self.print_tips(file)

    def print_extra(self, file):
        """What functions registered with `register_profiler_printer` print."""
        for printer in self.printers:
            printer(
                self.message,
                self.compile_time,
                self.fct_call_time,
                self.apply_time,
                self.apply_cimpl,
                self.output_size,
                file=file,
            )

    def print_tips(self, file):
        """Print what might make the function faster."""
        from theanojax.profile.tips import print_tips

        print_tips([self], file)


_STEPS = {
    "planning": "Planning time",
    "tracing": "Tracing time",
    "lowering": "Lowering time",
    "XLA": "XLA compile time",
    "cache": "Time to read executables that were kept",
}


def _in_use(times):
    return "; %d times jax's profiler was in use" % times if times else ""


def _grad_time():
    gradient = sys.modules.get("theanojax.gradient")
    return getattr(gradient, "grad_time", 0.0)
