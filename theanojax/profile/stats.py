"""ProfileStats: where the time of compiling and calling functions went."""

import io
import sys
import time

from theanojax.config import config
from theanojax.profile.rows import Rows
from theanojax.profile.tables import Tables
from theanojax.runtime.timing.call import Recorder

theano_imported_time = time.time()

# Names of the steps towards an executable, in the order in which they are taken.
MAKING = ("planning", "tracing", "lowering", "XLA", "cache")


def _with_making(name):
    """A number of seconds to which those of making executables, in calls, are added."""

    def get(self):
        return self.__dict__.get(name, 0.0) + self.making_time

    def put(self, value):
        self.__dict__[name] = value - self.making_time

    return property(get, put)


def _with_light(name, which):
    """A number to which that of the calls that were only timed is added, which is at the place `which` of theirs."""

    def get(self):
        recorder = self.__dict__.get("recorder")
        return self.__dict__.get(name, 0) + (recorder.only_timed()[which] if recorder is not None else 0)

    def put(self, value):
        self.__dict__[name] = value - (get(self) - self.__dict__.get(name, 0))

    return property(get, put)


def _table(name):
    """A dictionary by node, brought up to date when it is looked at; what else is put into it stays."""

    def get(self):
        self.settle()
        return self.__dict__[name]

    def put(self, value):
        self.__dict__[name] = {} if value is None else value

    return property(get, put)


class ProfileStats(Tables):
    """Times and counts of one function, or of several that share it.

    Parameters
    ----------
    atexit_print : bool
        Print the summary when Python exits.
    flag_time_thunks : bool, optional
        Time each node; ``config.profiling.time_thunks`` by default.
    gpu_checks : bool
        Accepted; there is nothing to check.
    **kwargs
        Attributes to set, such as `message`.

    Attributes
    ----------
    compile_time, optimizer_time, linker_time : seconds of making the function; the first and the last count what
        calls spent on executables, too, which is no part of the times of calls.
    fct_call_time, vm_call_time, fct_callcount : seconds in ``Function.__call__`` and in the graph, number of calls.
    apply_time, apply_callcount, apply_cimpl : by Apply node; nodes that XLA computes together are one Apply, whose Op
        is an Elemwise of a Composite or a Fusion.
    other_time : seconds of a call that belong to no node, by what they went to; with `apply_time` they are all of it.
    making : seconds by step towards an executable.
    measuring_time : seconds that looking into executables took; in no other time.
    variable_shape, variable_strides, variable_offset : by variable, if ``config.profile_memory``.
    optimizer_profile : (the optimizer, what it reports), if ``config.profile_optimizer``.
    """

    compile_time = _with_making("compile_time")
    linker_time = _with_making("linker_time")
    fct_callcount = _with_light("fct_callcount", 0)
    fct_call_time = _with_light("fct_call_time", 1)
    vm_call_time = _with_light("vm_call_time", 2)
    optimizer_time = 0.0
    validate_time = 0.0
    import_time = 0.0
    linker_node_make_thunks = 0.0
    optimizer_profile = None
    message = None
    imported_time = theano_imported_time
    nb_nodes = -1
    ignore_first_call = False
    line_width = config.profiling.output_line_width
    rest_name = "Python, and what nobody times"

    shown_at_exit: list = []
    printers: list = []

    def __init__(self, atexit_print=True, flag_time_thunks=None, gpu_checks=True, **kwargs):
        self.recorder = Recorder()
        self.output_size: dict = {}
        self.linker_make_thunk_time: dict = {}
        self._shapes: dict = {}
        self.variable_strides: dict = {}
        self.variable_offset: dict = {}
        self.arguments: dict = {}  # function -> outlines of the arguments of its last call
        self.flag_time_thunks = config.profiling.time_thunks if flag_time_thunks is None else flag_time_thunks
        self.ignore_first_call = config.profiling.ignore_first_call
        self._start()
        for key, value in kwargs.items():
            if not hasattr(self, key) and not hasattr(type(self), key):
                raise AttributeError("ProfileStats has no attribute %r" % key)
            setattr(self, key, value)
        if atexit_print:
            self.shown_at_exit.append(self)

    def _start(self):
        self._time, self._calls, self._cimpl = {}, {}, {}
        self._rows, self._version = Rows(), None
        self._given = {}  # what others have found out of this graph, by who: (nodes -> [seconds, runs])

    def __getstate__(self):
        self.settle()
        calls, on_xla = self._calls, self._cimpl
        light = {name: getattr(self, name) for name in ("fct_callcount", "fct_call_time", "vm_call_time")}
        rows = [
            (row, self._rows.members.get(row), seconds, calls.get(row, 0), on_xla.get(row))
            for row, seconds in self._time.items()
        ]
        light["optimizer_profile"] = _told(self.optimizer_profile)
        state = dict(self.__dict__, **light, recorder=None, arguments={}, _shapes={}, _rows=None, _version=None)
        state.update(_time={}, _calls={}, _cimpl={}, _given={})
        return dict(state, _pickled=(rows, self._other, self.recorder.making, self.measuring_time))

    def __setstate__(self, state):
        rows, other, making, measuring = state.pop("_pickled", ((), {}, {}, 0.0))
        recorder = Recorder()
        recorder.other, recorder.making, recorder.measuring = dict(other), dict(making), measuring
        self.__dict__.update(state, recorder=recorder)
        self._start()
        for row, members, seconds, n, on_xla in rows:
            if members is not None:
                self._rows.keep(row, members)
            if on_xla:
                self._given.setdefault("pickled", {})[tuple(members or [row])] = seconds, n
            else:
                recorder.nodes[row] = [seconds, n]

    def reset(self):
        """Forget the calls so far; the compilation's times stay."""
        with self.recorder.lock:
            self.recorder.forget()
        self.fct_call_time = self.vm_call_time = 0.0
        self.fct_callcount = 0
        self._start()

    def called(self, call_time, run_time):
        """Count one call that took `call_time` seconds, of which the graph took `run_time`."""
        with self.recorder.lock:
            own = self.__dict__
            own["fct_callcount"] = own.get("fct_callcount", 0) + 1
            own["fct_call_time"] = own.get("fct_call_time", 0.0) + call_time
            own["vm_call_time"] = own.get("vm_call_time", 0.0) + run_time
        if self.ignore_first_call:
            self.ignore_first_call = False
            self.reset()

    # ---------------------------------------------------------------- what was recorded
    making = property(lambda self: {k: self.recorder.making[k] for k in MAKING if k in self.recorder.making})
    making_time = property(lambda self: sum(self.recorder.making.values()) if "recorder" in self.__dict__ else 0.0)
    measuring_time = property(lambda self: self.recorder.totals().measuring)

    apply_time = _table("_time")
    apply_callcount = _table("_calls")
    apply_cimpl = _table("_cimpl")

    @property
    def other_time(self):
        """Seconds of calls that belong to no node, by what they went to."""
        self.settle()
        other = dict(self._other)
        rest = self.fct_call_time - sum(self._time.values()) - sum(other.values())
        if self.fct_call_time:
            other[self.rest_name] = max(0.0, rest)
        return other

    def settle(self):
        """Bring the tables of nodes up to date."""
        recorder = self.recorder
        recorder.flush()
        with recorder.lock:
            if recorder.version == self._version:
                return
            self._version = recorder.version
        nodes, runs, self._other = self.recorded()
        time_, calls, on_xla, inner = {}, {}, set(), {}
        for node, (seconds, n) in nodes.items():
            time_[node], calls[node] = seconds, n
        for row, seconds, n in self.given():
            self._book(row, seconds, n, time_, calls)
            on_xla.add(row)
        for executable, (seconds, n) in runs.items():
            self._of_executable(executable, seconds, n, time_, calls, on_xla, inner)
        self._time.update(time_)
        self._calls.update(calls)
        self._cimpl.update((node, node in on_xla) for node in time_)
        merged: dict = {}  # loop -> what all its executables say of it
        for (loop, _), (rows, totals) in inner.items():
            times, counts, sums = merged.setdefault(loop[-1], ({}, {}, [0.0, 0, 0]))
            sums[:] = [a + b for a, b in zip(sums, totals)]
            for row, (seconds, n) in rows.items():
                self._book(row, seconds, n, times, counts)
        for node, (times, counts, sums) in merged.items():
            self.loop_profile(node).take(self, node, {row: [times[row], counts[row]] for row in times}, sums)

    @staticmethod
    def _book(row, seconds, n, time_, calls):
        time_[row] = time_.get(row, 0.0) + seconds
        calls[row] = calls.get(row, 0) + n

    def _of_executable(self, executable, seconds, n, time_, calls, on_xla, inner):
        rows, named = {}, set()
        for row, paths, share in self.rows_of(executable):
            if isinstance(row, str):
                self._other[row] = self._other.get(row, 0.0) + share * seconds
                continue
            outer = {path[0] for path in paths}
            named |= outer
            rows[row] = rows.get(row, 0.0) + share * seconds
            if len(outer) == 1 and self.loop_profile(*outer) is not None:
                self._inside(tuple(outer), paths, share * seconds, n, executable, inner)
        if rows:  # the others take no time: XLA knows what they give, or it is what they were given
            rows.update((node, 0.0) for node in executable.nodes if node not in named)
        for row, spent in rows.items():
            self._book(row, spent, n, time_, calls)
        on_xla.update(rows)

    def _inside(self, loop, paths, seconds, n, executable, inner):
        """What an instruction of a loop, the last node of the path `loop`, says of the loop's own graph."""
        depth = len(loop)
        runs = n * (1 if depth == 1 else executable.runs_of(loop))
        given = inner.setdefault((loop, executable), ({}, [0.0, runs, 0]))
        given[1][0] += seconds
        given[1][2] = max(given[1][2], executable.steps_of(loop) * runs)
        paths = [path for path in paths if len(path) > depth]
        if not paths:
            return
        steps = max(executable.runs_of(path[: depth + 1]) for path in paths)
        given[1][2] = max(given[1][2], steps * n)
        order = {v: i for i, v in enumerate(loop[-1].op.inner_fgraph().toposort())}
        nodes = tuple(sorted({path[depth] for path in paths}, key=lambda v: order.get(v, len(order))))
        entry = given[0].setdefault(nodes, [0.0, 0])
        entry[0] += seconds
        entry[1] = max(entry[1], steps * n)
        if len(nodes) == 1 and self.loop_profile(nodes[0]) is not None:
            self._inside(loop + nodes, paths, seconds, n, executable, inner)

    def recorded(self):
        """(node -> (seconds, runs), executable -> (seconds, runs), what is no node -> seconds), all of one moment."""
        whole = self.recorder.totals()
        tables = [{key: tuple(entry) for key, entry in table.items()} for table in (whole.nodes, whole.runs)]
        return *tables, whole.other

    def rows_of(self, executable):
        """(row, the paths of nodes that it stands for, its part of a run) of an executable; a row may be a name."""
        position = {node: i for i, node in enumerate(executable.nodes)}
        for paths, share in executable.shares().items():
            if isinstance(paths, str):
                yield paths, (), share
            else:
                outer = {path[0] for path in paths}
                row = self._rows.of(sorted(outer, key=lambda node: position.get(node, len(position))))
                yield row, paths, share

    def given(self):
        """(row, seconds, runs) of what others have found out of this graph."""
        for given in list(self._given.values()):
            for key, (seconds, n) in given.items():
                yield self._rows.of(key), seconds, n

    def whole(self):
        """The seconds that all calls took, and their number."""
        return self.fct_call_time, self.fct_callcount

    @staticmethod
    def loop_profile(node):
        """The ScanProfileStats of a loop's own graph, or None."""
        profile = getattr(getattr(node.op, "fn", None), "profile", None)
        return profile if isinstance(profile, ScanProfileStats) else None

    def members(self, row):
        """The nodes that a row of the tables stands for."""
        return self._rows.members.get(row, [row])

    def bytes_of(self, row):
        """What the results of a row take, or None where nobody knows."""
        variables = [getattr(v.tag, "stands_for", v) for v in row.outputs]
        found = self.variable_shape
        if not all(v in found and hasattr(v.type, "numpy_dtype") for v in variables):
            return None
        return sum(int(v.type.get_size(found[v])) for v in variables)

    def to_pandas(self):
        """A pandas.DataFrame with a row for each Apply node, and for all else that took time. ImportError without."""
        from theanojax.profile.export import to_pandas

        return to_pandas(self)

    def to_svg(self):
        """A picture of a call, as a text: bars for its parts and their nodes, as wide as they take time on average."""
        from theanojax.profile import flame

        return flame.to_svg(self)

    def _repr_html_(self):
        from theanojax.profile.export import to_html

        return "%s\n%s" % (self.to_svg(), to_html(self)) if self.whole()[1] else to_html(self)

    def __repr__(self):
        return "<%s of %s: %d calls, %.3g s; compilation %.3g s>" % (
            type(self).__name__,
            self.message,
            self.fct_callcount,
            self.fct_call_time,
            self.compile_time,
        )

    # ---------------------------------------------------------------- memory
    def wants_memory(self):
        """Whether calls tell what their arguments look like."""
        return config.profile_memory

    def note_arguments(self, function, values):
        """Take note of the sizes that a call is about."""
        known = self.arguments.get(function)
        if known is None or any(getattr(a, "shape", 0) != getattr(b, "shape", 0) for a, b in zip(known, values)):
            from theanojax.profile.sizes import outline

            self.arguments[function] = [outline(v) for v in values]
            self._shapes = {}
        self.recorder.note_layouts(function.maker.executed_fgraph.inputs, values)

    @property
    def variable_shape(self):
        """variable -> shape, in the graphs of the functions: the ones that run, and the ones to look at."""
        if self.arguments and not self._shapes:
            from theanojax.profile.sizes import shapes

            for function, outlines in list(self.arguments.items()):
                for fgraph in (function.maker.executed_fgraph, function.maker.fgraph):
                    self._shapes.update(shapes(fgraph, outlines))
            self.variable_strides.update((v, "c") for v in self._shapes)  # as all that XLA gives
        for v, (shape, strides) in (self.recorder.layouts or {}).items():
            self._shapes.setdefault(v, shape)
            self.variable_strides[v] = strides
        return self._shapes

    @variable_shape.setter
    def variable_shape(self, value):
        self._shapes = value

    def accounts(self):
        """A memory.Account of the graph to look at of each function that was called with `config.profile_memory`."""
        found = self.variable_shape
        from theanojax.profile.memory import Account

        return [Account(function.maker.fgraph, found) for function in list(self.arguments)]

    # ---------------------------------------------------------------- sums, by class and by Op
    def _sum(self, table, key, value=lambda x: x):
        sums: dict = {}
        for node, x in table.items():
            sums[key(node)] = sums.get(key(node), 0) + value(x)
        return sums

    def class_time(self):
        """Seconds by class of Op."""
        return self._sum(self.apply_time, lambda node: type(node.op))

    def class_callcount(self):
        """Runs of nodes by class of Op."""
        return self._sum(self.apply_callcount, lambda node: type(node.op))

    def class_nodes(self):
        """Number of nodes by class of Op."""
        return self._sum(self.apply_callcount, lambda node: type(node.op), lambda x: 1)

    def class_impl(self):
        """By class of Op: "C " if XLA runs it, "Py" if Python does, or both."""
        found: dict = {}
        for node in self.apply_callcount:
            impl = self._impl(node)
            if impl not in found.setdefault(type(node.op), impl):
                found[type(node.op)] += impl
        return found

    def op_time(self):
        """Seconds by Op."""
        return self._sum(self.apply_time, lambda node: node.op)

    def op_callcount(self):
        """Runs of nodes by Op."""
        return self._sum(self.apply_callcount, lambda node: node.op)

    def op_nodes(self):
        """Number of nodes by Op."""
        return self._sum(self.apply_callcount, lambda node: node.op, lambda x: 1)

    def op_impl(self):
        """By Op: "C " if XLA runs it, "Py" if Python does."""
        return {node.op: self._impl(node) for node in self.apply_callcount}

    def _impl(self, node):
        return "C " if self._cimpl.get(node) else "Py"

    def fill_node_total_time(self, node, total_times):
        """Put into `total_times` the time of `node` and of all that it needs."""
        total = self.apply_time[node]
        for v in node.inputs:
            parent = v.owner
            if parent in self._time:
                if parent not in total_times:
                    self.fill_node_total_time(parent, total_times)
                total += total_times[parent]
        total_times[node] = total

    def compute_total_times(self):
        """By node: seconds of it and of all that it needs, which is counted as often as it is needed."""
        totals: dict = {}
        for node in self.apply_time:
            if node not in totals:
                self.fill_node_total_time(node, totals)
        return totals


class _Told:
    """What a profile of rewrites has printed, of which a pickle cannot have the rewrites."""

    def __init__(self, text):
        self.text = text

    def print_profile(self, file, found):
        file.write(self.text)


def _told(optimizer_profile):
    if not optimizer_profile:
        return optimizer_profile
    file, (rewrites, found) = io.StringIO(), optimizer_profile
    rewrites.print_profile(file, found)
    return _Told(file.getvalue()), None


class ScanProfileStats(ProfileStats):
    """Times and counts of a Scan's inner function.

    `callcount`, `nbsteps` and `call_time` are of all runs of the loop; `vm_call_time` is that of its steps.
    """

    callcount = nbsteps = call_time = 0.0
    rest_name = "the loop itself: slices, states"

    def __init__(self, atexit_print=True, name=None, **kwargs):
        super().__init__(atexit_print, **kwargs)
        self.name = name

    def run_loop(self, loop, *args):
        """``loop.run(*args)``, a loop.host.HostLoop, step by step on the host."""
        if getattr(loop.step, "recorder", self) is None:
            loop.step.watch(self.recorder)
        start = time.perf_counter()
        with self.recorder.calling() as call:
            steps = loop.run(*args)
        self.callcount += 1
        self.nbsteps += steps
        self.call_time += time.perf_counter() - start
        self.vm_call_time += sum(seconds for seconds, _ in call.nodes.values())

    def note_loop(self, seconds, steps):
        """Count a run of `steps` steps of which nothing but the time is known."""
        self.callcount += 1
        self.nbsteps += steps
        self.call_time += seconds
        self.vm_call_time += seconds

    def whole(self):
        return self.call_time, self.callcount

    def take(self, giver, node, rows, totals):
        """What the profile `giver` of a function with the loop `node` found out of it."""
        known = self._given_totals.get((id(giver), node), (0.0, 0, 0, 0.0))
        self.call_time += totals[0] - known[0]
        self.callcount += totals[1] - known[1]
        self.nbsteps += totals[2] - known[2]
        # A loop of few instructions is one of XLA's: it tells nothing of what is inside.
        inside = sum(seconds for seconds, _ in rows.values()) if rows else totals[0]
        self.vm_call_time += inside - known[3]
        self._given_totals[id(giver), node] = (*totals, inside)
        self._given[id(giver), node] = rows
        self.recorder.version += 1

    def _start(self):
        super()._start()
        self._given_totals = {}

    def summary_globals(self, file=None):
        """Totals over all functions are not a loop's business."""

    def summary_function(self, file=None):
        file = sys.stderr if file is None else file
        if not self.callcount:
            return
        print("", file=file)
        print("Scan Op profiling ( %s )" % self.name if self.name is not None else "Scan Op profiling", file=file)
        print("==================", file=file)
        print("  Message: %s" % self.message, file=file)
        steps = "a total of %i steps" % self.nbsteps if self.nbsteps else "steps that nobody has counted"
        print("  Time in %i calls of the op (for %s) %es" % (self.callcount, steps, self.call_time), file=file)
        print("", file=file)
        part = 100 * self.vm_call_time / self.call_time if self.call_time else 0.0
        print("  Total time spent in calling the VM %es (%.3f%%)" % (self.vm_call_time, part), file=file)
        overhead = self.call_time - self.vm_call_time
        part = 100 - part if self.call_time else 100.0
        print("  Total overhead (computing slices..) %es (%.3f%%)" % (overhead, part), file=file)
        if not self.apply_time:
            print("  XLA ran all steps as one instruction, which tells nothing of their nodes", file=file)
        if self.nbsteps:
            print("  Time per step %es" % (self.call_time / self.nbsteps), file=file)
        print("", file=file)
