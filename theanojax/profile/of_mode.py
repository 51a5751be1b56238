"""The tables that Theano printed before profiles were of single functions: of all functions of a mode together."""

import time

IMPORT, LAST, OTHER = "since import", "since the last summary", "more than in the other mode"  # what times are of
C_NOTE = "(*) Op is running a c implementation"


class Totals:
    """What the functions of a mode have spent so far.

    Attributes
    ----------
    functions : name -> [seconds, calls].
    rows : Apply node -> [seconds, runs, whether XLA ran it, position in its graph].
    compile_time, optimizer_time, linker_time, call_time, calls : sums over the functions.
    light : calls that were only timed.
    """

    def __init__(self, profiles):
        self.at = time.time()
        self.functions, self.rows, self.other = {}, {}, {}
        self.compile_time = self.optimizer_time = self.linker_time = self.call_time = 0.0
        self.calls = self.light = 0
        for profile in profiles:
            self._add(profile)

    def _add(self, profile):
        entry = self.functions.setdefault(profile.message, [0.0, 0])
        entry[0] += profile.fct_call_time
        entry[1] += profile.fct_callcount
        self.compile_time += profile.compile_time
        self.optimizer_time += profile.optimizer_time
        self.linker_time += profile.linker_time
        self.call_time += profile.fct_call_time
        self.calls += profile.fct_callcount
        self.light += profile.recorder.only_timed()[0]
        times, positions = dict(profile.apply_time), profile.positions()
        for node, seconds in times.items():
            n, on_xla = profile.apply_callcount.get(node, 0), profile.apply_cimpl.get(node, False)
            self.rows[node] = [seconds, n, on_xla, positions.get(node, 0)]
        for what, seconds in profile.other_time.items():
            self.other[what] = self.other.get(what, 0.0) + seconds

    def __sub__(self, earlier):
        """What has been spent since, or more than in another mode, whose nodes are found by what they look like."""
        since = Totals(())
        for name in ("compile_time", "optimizer_time", "linker_time", "call_time", "calls", "light", "at"):
            setattr(since, name, getattr(self, name) - getattr(earlier, name))
        for name in ("functions", "rows"):
            mine, before, result = getattr(self, name), getattr(earlier, name), getattr(since, name)
            alike = {str(key): key for key in before}  # the same program in another mode has nodes of its own
            for key, (seconds, n, *rest) in mine.items():
                old = before.get(key if key in before else alike.get(str(key)), (0.0, 0))
                result[key] = [seconds - old[0], n - old[1], *rest]
            known = set(map(str, mine))
            for key, (seconds, n, *rest) in before.items():
                if str(key) not in known:
                    result[key] = [-seconds, -n, *rest]
        since.other = {k: s - earlier.other.get(k, 0.0) for k, s in self.other.items()}
        return since

    local_time = property(lambda self: sum(row[0] for row in self.rows.values()))


def print_totals(totals, whole, profiles, n_apply, n_ops, file, what=IMPORT):
    """Print all sections. `whole` is the time in which all of this was done, and `what` one of the three above."""
    from theanojax.profile.tips import print_tips

    _print_head(totals, whole, file, what)
    _print_functions(totals, file)
    if totals.local_time:
        _print_ops(totals, n_ops, file)
        _print_nodes(totals, n_apply, file)
        _print_other(totals, file)
    else:
        never = "The mode has been used for no call yet." if what == IMPORT else "No calls %s." % what
        print("\n" + ("No node was timed." if totals.calls else never), file=file)
    if what == IMPORT and any(p.variable_shape for p in profiles):
        from theanojax.profile.memory import print_of_mode

        print_of_mode(profiles, n_apply, file)
    print("", file=file)
    print_tips(profiles, file)


def _print_head(totals, whole, file, what):
    def share(seconds, of):
        return 100 * seconds / of if of else 0.0

    local, call = totals.local_time, totals.call_time
    print("", file=file)
    print("Time %s %.3fs" % (LAST if what == LAST else IMPORT, whole), file=file)
    print(
        "Theano compile time: %.3fs (%.1f%% %s)" % (totals.compile_time, share(totals.compile_time, whole), what),
        file=file,
    )
    print("    Optimization time: %.3fs" % totals.optimizer_time, file=file)
    print("    Linker time: %.3fs" % totals.linker_time, file=file)
    print("Theano fct call %.3fs (%.1f%% %s)" % (call, share(call, whole), what), file=file)
    print(
        "   Theano Op time %.3fs %.1f%%(%s) %.1f%%(of fct call)"
        % (local, share(local, whole), what, share(local, call)),
        file=file,
    )
    over = call - local if what == OTHER else max(0.0, call - local)
    print(
        "   Theano function overhead in ProfileMode %.3fs %.1f%%(%s) %.1f%%(of fct call)"
        % (over, share(over, whole), what, share(over, call)),
        file=file,
    )
    each = call / totals.calls if totals.calls else 0.0
    print("%i Theano fct call, %.3fs per call" % (totals.calls, each), file=file)
    if what != OTHER:  # which did its work in the same time
        rest = max(0.0, whole - totals.compile_time - call)
        print("Rest of the time %s %.3fs %.1f%%" % (what, rest, share(rest, whole)), file=file)


def _print_functions(totals, file):
    print("", file=file)
    print("Theano fct summary:", file=file)
    print("<% total fct time> <total time> <time per call> <nb call> <fct name>", file=file)
    rows = sorted(totals.functions.items(), key=lambda item: -item[1][0])
    for name, (seconds, n) in rows:
        if n:
            share = 100 * seconds / totals.call_time
            print("   %4.1f%% %.3fs %.2es %i %s" % (share, seconds, seconds / n, n, name), file=file)
        else:
            print("   not called %s" % name, file=file)


def _print_ops(totals, n_ops, file):
    local = totals.local_time
    for title, key, columns in (
        (
            "Single Op-wise summary:",
            lambda node: "<%s>" % type(node.op).__name__,
            "<self seconds> <cumulative seconds> <time per call> <nb_call> <nb_op> <nb_apply> <Op name>",
        ),
        (
            "Op-wise summary:",
            lambda node: str(node.op),
            "<self seconds> <cumulative seconds> <time per call> <nb_call> <nb apply> <Op name>",
        ),
    ):
        single = title.startswith("Single")
        groups = {}
        for node, (seconds, n, on_xla, _) in totals.rows.items():
            group = groups.setdefault(key(node), [0.0, 0, True, set(), 0])
            group[0] += seconds
            group[1] += n
            group[2] = group[2] and on_xla
            group[3].add(node.op)
            group[4] += 1
        rows = sorted(groups.items(), key=lambda item: -item[1][0])
        print("", file=file)
        print(title, file=file)
        print("<%% of local_time spent on this kind of Op> <cumulative %%> %s" % columns, file=file)
        total = 0.0
        for name, (seconds, n, on_xla, ops, nodes) in rows[:n_ops]:
            if not n and not seconds:
                continue
            total += seconds
            counts = "%2d %2d" % (len(ops), nodes) if single else "%2d" % nodes
            print("   %s %5d %s %s" % (_numbers(seconds, total, local, n, on_xla), n, counts, name), file=file)
        _print_rest(rows[n_ops:], "Op" if single else "Apply", local, file)
        print(C_NOTE, file=file)


def _numbers(seconds, total, local, n, on_xla):
    share, running = 100 * seconds / local, 100 * total / local
    star = "*" if on_xla else " "
    return "%4.1f%%  %5.1f%%  %5.3fs  %5.3fs  %.2es %s" % (share, running, seconds, total, seconds / (n or 1), star)


def _print_rest(rows, things, local, file):
    rest = sum(row[1][0] for row in rows)
    if rows:
        form = "   ... (remaining %i %s account for %.1f%%(%.2fs) of the runtime)"
        print(form % (len(rows), things, 100 * rest / local, rest), file=file)


def _print_nodes(totals, n_apply, file):
    local = totals.local_time
    rows = sorted(totals.rows.items(), key=lambda item: -item[1][0])
    print("", file=file)
    print("Apply-wise summary:", file=file)
    print(
        "<% of local_time spent at this position> <cumulative %%> <apply time> <cumulative seconds> <time per call> "
        "<nb_call> <Apply position> <Apply Op name>",
        file=file,
    )
    total = 0.0
    for node, (seconds, n, on_xla, position) in rows[:n_apply]:
        if not n and not seconds:
            continue
        total += seconds
        print("   %s %5d %2d %s" % (_numbers(seconds, total, local, n, on_xla), n, position, node), file=file)
    _print_rest(rows[n_apply:], "Apply instances", local, file)
    print(C_NOTE, file=file)


def _print_other(totals, file):
    print("", file=file)
    print("Function overhead:", file=file)
    print("<% of fct call> <seconds> <what>", file=file)
    for what, seconds in sorted(totals.other.items(), key=lambda item: -item[1]):
        print("   %4.1f%%  %.3fs  %s" % (100 * seconds / totals.call_time, seconds, what), file=file)
    if totals.light:
        print(
            "%d of the calls are so short that they were only timed; their parts are as those of others" % totals.light,
            file=file,
        )
