"""Function: the callable that ``theano.function`` returns."""

import copy
import copyreg
import logging
from itertools import repeat
from time import perf_counter

import numpy as np

from theanojax.compile import profiling
from theanojax.compile.graphs import CopiedFrom, copied_graph
from theanojax.compile.io import SymbolicOutput
from theanojax.compile.messages import bad_argument, get_info_on_inputs
from theanojax.compile.profiled import Profiled
from theanojax.compile.quick_calls import QuickCalls
from theanojax.config import config
from theanojax.errors import AliasedMemoryError
from theanojax.graph import above
from theanojax.graph.cells import Cell, StaleValue, can_be_torn, commit, free_threaded, on_device, raw, take
from theanojax.graph.container import Container
from theanojax.graph.locks import Group, group_of, nested, while_nobody_updates
from theanojax.graph.op import ops_with_inner_function
from theanojax.graph.shared import SharedVariable
from theanojax.graph.shared_memory import kept
from theanojax.graph.tracebacks import hide_frames
from theanojax.printing.shown import ShownFunction
from theanojax.runtime import device_name
from theanojax.runtime.timing.call import is_looked_into

_logger = logging.getLogger("theano.compile.function_module")

# What `finder` holds for a name that several inputs have.
DUPLICATE = ["DUPLICATE"]
NODEFAULT = ["NODEFAULT"]

PATIENCE = 5  # tries of a call that only reads, before it waits for those that update what it reads

_ndarray = np.ndarray


class Function(Profiled, QuickCalls, ShownFunction):
    """A compiled function. Call it with the values of its inputs, by position or by name.

    Attributes
    ----------
    maker : FunctionMaker, which has the graph to look at (``maker.fgraph``), the specifications of inputs and outputs,
        and the mode.
    fn : what runs the graph on the input cells.
    input_storage, output_storage : lists of Containers, shared variables' among them.
    trust_input : bool
        True skips the check and conversion of arguments; those of tensors' types have to be arrays.
    name, profile
    value, container : look up an input's value or Container by name, variable or position.
    finder, inv_finder : the dicts behind them.

    ``f[x]`` is the value of an input that has one, and can be set.
    """

    # 'ignore', 'warn' or 'raise': what to do when pickling finds memory that two inputs share.
    pickle_aliased_memory_strategy = "warn"

    maker = fn = input_storage = output_storage = indices = defaults = unpack_single = return_none = None
    finder = inv_finder = None

    def __init__(
        self,
        fn,
        input_storage,
        output_storage,
        indices,
        outputs,
        defaults,
        unpack_single,
        return_none,
        output_keys,
        maker,
        name=None,
    ):
        self.fn = fn
        self.input_storage, self.output_storage = input_storage, output_storage
        self.indices, self.outputs, self.defaults = indices, outputs, defaults
        self.unpack_single, self.return_none, self.output_keys = unpack_single, return_none, output_keys
        self.maker, self.name = maker, name
        ops = [n.op for n in maker.executed_fgraph.apply_nodes]
        self.nodes_with_inner_function = [op for op in ops if type(op) in ops_with_inner_function]
        # whether an argument's memory may be used for other values, so that no other may share it
        self._check_for_aliased_inputs = any(
            not getattr(spec, "shared", False) and (getattr(spec, "borrow", False) or spec.mutable)
            for spec in maker.expanded_inputs
        )
        self._register_inputs()
        self._value, self._container = _Values(self), _Containers(self)
        self._cells = [c.storage for c in input_storage]
        self._update_cells = [
            c.storage for spec, c in zip(maker.expanded_inputs, input_storage) if spec.update is not None
        ]
        self.n_returned_outputs = len(output_storage) - len(self._update_cells)
        self._call = (fn if hasattr(fn, "call") else _ThunkProgram(fn, input_storage, output_storage)).call
        self._find_front(fn)
        self._group = None  # found at the first call
        self._subsets: dict = {}
        self._plan_quick_calls()

    def _register_inputs(self):
        self.finder, self.inv_finder = {}, {}
        names = []
        for i, ((spec, _, _), (required, refeed, value), c) in enumerate(
            zip(self.indices, self.defaults, self.input_storage)
        ):
            c.strict = getattr(spec, "strict", False)
            c.allow_downcast = getattr(spec, "allow_downcast", None)
            if value is not None and not isinstance(value, Container):
                c.value = value
            elif isinstance(value, Container) and refeed:
                raise AssertionError("the value of a shared container needs no restoring")
            c.required, c.implicit = required, spec.implicit
            self.finder[i] = c
            self.finder[spec.variable] = c
            self.finder[spec.name] = DUPLICATE if spec.name in self.finder else c
            names.append(spec.name)
            self.inv_finder[c] = spec
        self._input_names = names

    def _find_group(self):
        """The functions that must not run at the same time as this one, which updates something."""
        updated = [cell for cell in self._update_cells if isinstance(cell, Cell)]
        read = [cell for cell in self._cells if isinstance(cell, Cell) and not any(cell is u for u in updated)]
        return group_of(updated, read)

    @property
    def device(self):
        """What runs the graph: a device as jax names it, or "host", where numpy does."""
        return device_name() if hasattr(getattr(self.fn, "executor", None), "fallbacks") else "host"

    def to_jax(self, check=True):
        """The same graph as a pure function of JAX arrays, a JaxFunction; see `theanojax.to_jax`."""
        return above.to_jax(self, check)

    def export(
        self, path=None, *examples, batch=None, shared="constants", platforms=("cpu", "cuda", "tpu"), derivatives=0
    ):
        """Write the function as StableHLO to the file `path`, for programs that have JAX and nothing else.

        Parameters
        ----------
        path : str or path of the file; None writes none.
        *examples : an array, or a jax.ShapeDtypeStruct, for each input, whose shape counts. An input with no more than
            one dimension that is not broadcastable needs none.
        batch : whether the first length of each input may be any; those that are the same in the examples stay so.
            None: where the graph allows it; else the shapes are those of the examples. A list has the inputs, or pairs
            (input, dimension), of which a length is free, as `data_parallel` has them; one input may stand alone.
        shared : "constants", with the values that shared variables have now; or "arguments": the first argument is a
            dict of their values then, and where some are updated the new dict is the second result.
        platforms : where it may run, as jax.export calls them: all of these in one file.
        derivatives : how often jax.grad may be applied to what is loaded.

        Returns what `theanojax.load_exported` gives; files need the package flatbuffers. Raises NeedsHost for what only
        the host can run, ValueError for updates of constants and for a `batch` of which the graph has no such form,
        TypeError for examples that do not fit or are missing.
        """
        options = {"batch": batch, "shared": shared, "platforms": platforms, "derivatives": derivatives}
        return above.export(self, path, *examples, **options)

    # ---------------------------------------------------------------- calling
    def __call__(self, *args, **kwargs):
        """The outputs for these values of the inputs; updates are applied to shared variables.

        Parameters
        ----------
        *args : values, in the order of the inputs.
        **kwargs : values by the inputs' names; and ``output_subset``, a list of indices (or keys) of the outputs
            wanted. Updates are applied in any case.

        Returns the form that `outputs` had when the function was made. Raises TypeError when an argument does not
        fit its type (or ValueError) or is missing, given twice or unknown; what Ops raise names their node.
        """
        try:
            sampling = self._sampling
            if sampling is not None:
                start = perf_counter()
                if len(sampling.light) >= sampling.gap or is_looked_into():
                    return self._general_call(args, kwargs)
            elif not kwargs and (quick := self._front.quick) is not None and not kept:
                result = quick(*args) if self._updates_nothing else self._updated_by(quick, args)
                if result is not NotImplemented:
                    return result
            if kwargs or len(args) != self._n_quick:
                return self._general_call(args, kwargs)
            if self._trusts:
                values = list(args)
                for arg in args:
                    if type(arg) is not _ndarray:
                        self._check_arrays(args)
            else:
                values = []
                for arg, (dtype, ndim, convert) in zip(args, self._checks):
                    if type(arg) is _ndarray and arg.dtype is dtype and arg.ndim == ndim and arg.flags.aligned:
                        values.append(arg)
                    else:
                        values.append(convert(arg))
            shares, call = not self._shares_nothing, self._call
            outputs = self._run(call, values, self._shared_cells) if shares else call(values, ())
            result = outputs[0] if self._single else None if self.return_none else outputs
            if self._front.entering:
                self._enter()
            if sampling is not None:
                del values, outputs  # which takes time, too
                if sampling.late:
                    self._only_timed(start)
                else:
                    sampling.light.append(perf_counter() - start)
            return result
        except Exception as error:
            hide_frames(error)
            raise

    def _run(self, call, values, cells):
        """The outputs by ``call``, of a Program, for the arguments `values` and then what `cells` hold."""
        if not self._update_cells:
            if (kept or free_threaded) and can_be_torn(cells):
                return while_nobody_updates(cells, lambda: call([*values, *take(cells)], ()))
            try:
                return call([*values, *map(raw, cells, repeat(0))], ())
            except StaleValue:
                return self._run_again(call, values, cells)
        while True:
            group = self._group
            if group is None or group.joined is not None:
                group = self._group = self._find_group()
                if group is None:  # it cannot be said while this thread runs a function of one of several groups
                    return nested(
                        lambda: while_nobody_updates(
                            self._cells, lambda: call([*values, *take(cells)], self._update_cells)
                        )
                    )
            if group.held():  # called by an Op, or a handler of a signal, in the midst of a call
                return nested(lambda: call([*values, *take(cells)], self._update_cells))
            with group.lock:
                if group.joined is None:
                    return call([*values, *map(raw, cells, repeat(0))], self._update_cells)

    def _run_again(self, call, values, cells):
        for _ in range(PATIENCE):
            try:
                return call([*values, *take(cells)], ())
            except StaleValue:
                continue
        return while_nobody_updates(cells, lambda: call([*values, *take(cells)], ()))

    def _received(self, args, kwargs):
        """The values of the arguments, by the positions of their inputs."""
        storage = self.input_storage
        if self._trusts:
            self._check_arrays(args)
        elif len(args) + len(kwargs) > len(storage):
            raise TypeError("Too many parameter passed to theano function")
        places = {id(c): i for i, c in enumerate(storage)} if kwargs else {}
        given, times = {}, [0] * len(storage)
        for i, arg in enumerate(args):
            times[i] += 1
            if not storage[i].implicit:
                given[i] = arg if self._trusts else self._filter(i, arg)
        for key, arg in kwargs.items():
            c = self._find(key)
            i = places[id(c)]
            times[i] += 1
            if not c.implicit:
                given[i] = self._filter_named(c, arg)
        if self._trusts:
            return given
        for c, (required, _, _), n in zip(storage, self.defaults, times):
            problem = None
            if required and not n:
                problem = "Missing required input: %s"
            elif n > 1:
                problem = "Multiple values for input: %s"
            elif c.implicit and n:
                problem = "Tried to provide value for implicit input: %s"
            if problem:
                raise TypeError(problem % self.inv_finder[c].variable)
        for i, value in given.items():
            required, refeed, _ = self.defaults[i]
            if not required and not refeed:
                storage[i].storage[0] = value  # an input with a state
        return given

    def _check_arrays(self, args):
        """ValueError if an argument of a tensor's type is no array: its dtype would be anyone's guess."""
        for c, arg in zip(self.input_storage, args):
            if arg is not None and not hasattr(arg, "dtype") and hasattr(c.type, "numpy_dtype"):
                raise ValueError(
                    "expected an ndarray for %s of type %s, got %r. With trust_input, arguments are not "
                    "converted" % (c.name or "an input", c.type, arg)
                )

    def _filter(self, i, arg):
        """Argument `i` converted to its type; errors say which argument is bad."""
        if arg is None:
            return None
        c = self.input_storage[i]
        try:
            return c.type.filter(arg, strict=c.strict, allow_downcast=c.allow_downcast)
        except Exception as e:
            bad_argument(e, self, i, arg)
            raise

    def _filter_named(self, c, arg):
        """As `_filter`, for an argument given by name."""
        try:
            if arg is None:
                return None
            return c.type.filter(arg, strict=bool(c.strict), allow_downcast=c.allow_downcast)
        except Exception as e:
            e.args = e.args + ('Container name "%s"' % c.name,)
            raise

    def _restore_defaults(self):
        for c, (_, refeed, value) in zip(self.input_storage, self.defaults):
            if refeed:  # a call may overwrite its arguments
                c.value = value.storage[0] if isinstance(value, Container) else value

    def _present(self, outputs, subset):
        if self.return_none:
            return None
        if subset is not None:
            if self.output_keys is not None:
                return {self.output_keys[i]: value for i, value in zip(subset, outputs)}
            return outputs
        if self.unpack_single and len(outputs) == 1:
            return outputs[0]
        return outputs if self.output_keys is None else dict(zip(self.output_keys, outputs))

    def _subset_program(self, subset):
        """What computes only the outputs of these positions, and the updates."""
        key = tuple(subset)
        if key not in self._subsets:
            program = self.maker.subset_program(key, self._cells)
            if self._profile:
                self._watch(program)
            self._subsets[key] = program.call
        return self._subsets[key]

    # ---------------------------------------------------------------- values of inputs
    value = property(lambda self: self._value, doc="Values of inputs, by name, variable or position.")
    container = property(lambda self: self._container, doc="Containers of inputs, by name, variable or position.")

    def _find(self, key):
        try:
            c = self.finder[key]
        except KeyError:
            names = [n for n in self._input_names if n is not None]
            info = get_info_on_inputs(names, len(self._input_names) - len(names))
            raise TypeError("Unknown input or state: %s. %s" % (key, info)) from None
        if c is DUPLICATE:
            raise TypeError(
                "Ambiguous name: %s - please check the names of the inputs of your function for duplicates." % key
            )
        return c

    def __contains__(self, item):
        return item in self.finder

    def __getitem__(self, item):
        if item not in self.finder:
            raise TypeError("Unknown input or state: %s" % item)
        return self._find(item).value

    def __setitem__(self, item, value):
        self._find(item).value = value

    # ---------------------------------------------------------------- copies
    def __copy__(self):
        return self.copy()

    def copy(self, share_memory=False, swap=None, delete_updates=False, name=None, profile=None):
        """A function that computes the same, on the same shared variables. It always returns a list, as in Theano.

        Parameters
        ----------
        share_memory : bool
            Accepted; functions keep no memory between calls that could be shared.
        swap : dict, optional
            Shared variables to replace by others of the same type.
        delete_updates : bool
            Leave the updates out.
        name : str, optional
            ``name + " copy"`` by default.
        profile : as of `function`.

        Raises ValueError if a shared variable to be swapped is not in the function.
        """
        maker, swap = self.maker, swap or {}
        ins = [copy.copy(spec) for spec in maker.inputs]
        swapped = _swap_shared(ins, swap)
        n_outputs = len(maker.outputs) if delete_updates else None
        fgraph = copied_graph(maker.executed_fgraph, n_outputs, swapped)
        outs = [SymbolicOutput(v, borrow=old.borrow) for v, old in zip(fgraph.outputs, maker.outputs)]
        updates = iter(fgraph.outputs[len(outs) :])
        for spec, v in zip(ins, fgraph.inputs):
            spec.variable = v
            spec.update = None if delete_updates or spec.update is None else next(updates)
        name = name or (self.name and self.name + " copy")
        profile = profiling.profile_for(profile, name or "%s copy" % getattr(self.profile, "message", None))
        twin = maker.__class__(
            inputs=ins,
            outputs=outs,
            fgraph=fgraph,
            mode=maker.mode,
            profile=profile,
            on_unused_input="ignore",
            function_builder=maker.function_builder,
            accept_inplace=True,
            name=name,
        )
        twin._finish = CopiedFrom(maker, n_outputs, swapped)
        result = twin.create([spec.value for spec in ins])
        for old, new, mine, its in zip(maker.inputs, ins, self.input_storage, result.input_storage):
            swapped = old.variable in swap
            if not old.mutable and not swapped and its.storage is not mine.storage:
                its.storage[0] = raw(mine.storage, 0)
            # The copy is asked about its inputs by the variables that the user knows.
            cell = result.finder.pop(new.variable)
            new.variable = swap[old.variable] if swapped else old.variable
            result.finder[new.variable] = cell
        result.trust_input = self.trust_input
        return result

    def free(self):
        """Let go of memory that is kept between calls, here and in the functions inside its Ops."""
        getattr(getattr(self.fn, "executor", None), "free", lambda: None)()
        for op in self.nodes_with_inner_function:
            inner = getattr(op, ops_with_inner_function[type(op)], None)
            if hasattr(inner, "free"):
                inner.free()

    def get_shared(self):
        """The shared variables that the function reads or updates."""
        return [spec.variable for spec in self.maker.inputs if spec.implicit]

    def sync_shared(self):
        """Wait until the values of all updated shared variables are there."""
        for value in filter(on_device, take(self._update_cells)):
            value.block_until_ready()


class _ThunkProgram:
    """Makes a linker's thunk, which works on cells of its own, callable as a Program is."""

    def __init__(self, thunk, input_storage, output_storage):
        self.thunk, self.input_storage, self.output_storage = thunk, input_storage, output_storage
        self.group = Group()

    def call(self, values, cells):
        outputs = self.group.alone(lambda: self._outputs(values))
        n = len(outputs) - len(cells)
        commit(cells, outputs[n:])
        return list(outputs[:n])

    def _outputs(self, values):
        for c, value in zip(self.input_storage, values):
            if raw(c.storage, 0) is not value:
                c.storage[0] = value
        outputs = self.thunk()
        return [c.storage[0] for c in self.output_storage] if outputs is None else outputs


class _Values:
    """``f.value[x]``."""

    def __init__(self, function):
        self._function = function

    def __getitem__(self, item):
        return self._function[item]

    def __setitem__(self, item, value):
        self._function[item] = value

    def __contains__(self, item):
        return item in self._function


class _Containers:
    """``f.container[x]``."""

    def __init__(self, function):
        self._function = function

    def __getitem__(self, item):
        return self._function.finder[item]

    def __contains__(self, item):
        return item in self._function


def _swap_shared(ins, swap):
    """Put the shared variables that `swap` maps to into the specifications `ins`; a dict from position to variable."""
    present = [spec.variable for spec in ins]
    for old in swap:
        if old not in present:
            raise ValueError("SharedVariable: %s not found" % old.name)
    swapped = {}
    for i, spec in enumerate(ins):
        if spec.variable not in swap:
            continue
        old, new = spec.variable, swap[spec.variable]
        for v in (old, new):
            if not isinstance(v, SharedVariable):
                raise AssertionError("swap needs SharedVariables, given:", v, " type", type(v))
        if old.type != new.type:
            raise AssertionError(
                "Type of given SharedVariable conflicts with original one",
                "Type of given SharedVariable:",
                new.type,
                "Type of original SharedVariable:",
                old.type,
            )
        spec.variable, spec.value = new, new.container
        swapped[i] = new
    return swapped


def _pickle_Function(f):
    values = [c.data for c in f.input_storage]
    if f.pickle_aliased_memory_strategy != "ignore":
        arrays = [v for v in values if isinstance(v, np.ndarray)]
        for i, a in enumerate(arrays):
            for b in arrays[i + 1 :]:
                if np.may_share_memory(a, b):
                    if f.pickle_aliased_memory_strategy != "warn":
                        raise AliasedMemoryError(a, b)
                    _logger.warning(
                        "aliased relationship between Function arguments %s, %s will not be preserved by "
                        "un-pickling operation",
                        a,
                        b,
                    )
    return _constructor_Function, (f.maker, list(f.input_storage), values, f.trust_input)


def _constructor_Function(maker, input_storage, inputs_data, trust_input=False):
    if not config.unpickle_function:
        return None
    f = maker.create(input_storage, trustme=True)
    f.trust_input = trust_input
    return f


copyreg.pickle(Function, _pickle_Function)
