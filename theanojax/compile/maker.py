"""FunctionMaker: from specifications of inputs and outputs to a Function."""

import copy
import functools
import time
import warnings

from theanojax.compile import messages, profiling
from theanojax.compile.aliasing import (
    fgraph_updated_vars,
    infer_reuse_pattern,
    insert_deepcopy,
    lent_constants,
    may_overwrite,
    results_in_arguments,
    sharing_memory,
)
from theanojax.compile.function_object import Function
from theanojax.compile.graphs import RewrittenAgain, std_fgraph
from theanojax.compile.io import In, SymbolicInput, SymbolicOutput
from theanojax.compile.linkers import Program
from theanojax.compile.mode import get_mode, predefined_linkers
from theanojax.config import config, flags_of_thread
from theanojax.errors import UnusedInputError
from theanojax.graph.cells import Cell
from theanojax.graph.container import Container
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.locks import compiling
from theanojax.graph.rewriting.base import SeqOptimizer
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.traverse import ancestors
from theanojax.graph.variable import Constant, Variable
from theanojax.printing.progress import phase


def _by_one_thread(method):
    @functools.wraps(method)
    def alone(*args, **kwargs):
        with compiling.lock:
            return method(*args, **kwargs)

    return alone


class FunctionMaker:
    """Rewrites a graph, links it, and makes Functions of it.

    Parameters
    ----------
    inputs : list of In, SymbolicInput, Variable or pairs (variable, update)
    outputs : list of Out or Variable; one of these (calls return its value); or None (calls return None)
    mode : str or Mode, optional
    accept_inplace : bool
        Whether the graph may hold in-place Ops already.
    function_builder : callable that makes the Function
    profile : ProfileStats, optional
    on_unused_input : {'raise', 'warn', 'ignore'}, optional
    fgraph : FunctionGraph, optional
        A graph that is rewritten already.
    output_keys : list of str, optional
        Calls return a dict with these keys.
    name : str, optional

    Attributes: the parameters (inputs and outputs wrapped in In and Out), ``linker``, and two graphs:
    ``executed_fgraph``, which runs, and ``fgraph``, which is Theano's for this mode. They differ by the rewrites that
    are marked ``finishing``; ``fgraph`` is made when it is first asked for.
    """

    _finished = None  # `fgraph`, once it is there
    _finish = None  # how to make it; None where it is the graph that runs

    @_by_one_thread
    def __init__(
        self,
        inputs,
        outputs,
        mode=None,
        accept_inplace=False,
        function_builder=Function,
        profile=None,
        on_unused_input=None,
        fgraph=None,
        output_keys=None,
        name=None,
    ):
        self.mode = mode
        mode = get_mode(mode)
        if getattr(mode, "profile", None):
            raise TypeError("profile passed via 'mode'. This isn't supported anymore")
        self.profile = profile
        self.return_none = outputs is None
        if outputs is None:
            outputs = []
        self.unpack_single = not isinstance(outputs, (list, tuple))
        inputs = [self.wrap_in(i) for i in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
        outputs = [self.wrap_out(o) for o in ([outputs] if self.unpack_single else outputs)]
        self.inputs = self.expanded_inputs = inputs
        self.outputs = outputs
        self._check_unused_inputs(inputs, outputs, on_unused_input)
        self.indices = [[i, *self.expand_in(i, None)] for i in inputs]
        if fgraph is None:
            self.executed_fgraph, updates = std_fgraph(inputs, outputs, accept_inplace)
            self.executed_fgraph.profile = profile
            with phase("rewriting %s, %d nodes" % (name or "a graph", len(self.executed_fgraph.apply_nodes))):
                self._rewrite(self._main_passes(mode), outputs + updates)
        else:
            self.executed_fgraph = fgraph
            updates = [SymbolicOutput(i.update) for i in inputs if i.update is not None]
            fgraph.update_mapping = {
                o: i
                for o, i in zip(
                    range(len(outputs), len(fgraph.outputs)),
                    [i for i, spec in enumerate(inputs) if spec.update is not None],
                )
            }
        self.executed_fgraph.name = name
        compile_c_code(self.executed_fgraph.apply_nodes)
        self._link(copy.copy(mode.linker), outputs + updates)
        self.accept_inplace = accept_inplace
        self.function_builder = function_builder
        self.on_unused_input = on_unused_input
        self.output_keys = output_keys
        self.name = name
        self.required = [getattr(i, "value", None) is None for i in inputs]
        self.refeed = [
            not required and not isinstance(i.value, Container) and i.update is None
            for i, required in zip(inputs, self.required)
        ]

    @property
    def fgraph(self):
        """The graph after all rewrites of the mode."""
        if self._finished is None:
            with compiling.lock:
                if self._finished is None:
                    self._finished = self.executed_fgraph if self._finish is None else self._finish(self)
        return self._finished

    @fgraph.setter
    def fgraph(self, fgraph):
        self.executed_fgraph = self._finished = fgraph

    def _main_passes(self, mode):
        """What of the optimizer has to run now; the rest is for whoever looks at the graph.

        A linker that calls functions of the user with each node runs Theano's graph, and no other.
        """
        optimizer = mode.optimizer
        if not isinstance(optimizer, SeqOptimizer):
            return optimizer
        if getattr(mode.linker, "shows_nodes", False):
            return optimizer.without_running()
        main = optimizer.without_finishing()
        if main is not optimizer or optimizer.without_running() is not optimizer:
            self._finish = RewrittenAgain(optimizer)
        return main

    def _rewrite(self, optimizer, output_specs):
        start = time.perf_counter()
        report = None
        try:
            with flags_of_thread(
                compute_test_value=config.compute_test_value_opt, **{"traceback.limit": config.traceback.compile_limit}
            ):
                if optimizer is not None and config.cache_optimizations:
                    report = self.optimize_graph_with_cache(optimizer, self.inputs, self.outputs)
                elif optimizer is not None:
                    report = optimizer(self.executed_fgraph)
                insert_deepcopy(self.executed_fgraph, self.inputs, output_specs)
        finally:
            spent = time.perf_counter() - start
            profiling.total_graph_opt_time += spent
            if self.profile:
                self.profile.optimizer_time += spent
                if config.profile_optimizer:
                    self.profile.optimizer_profile = (optimizer, report or getattr(optimizer, "pre_profile", None))
            elif config.profile_optimizer and self.profile is not False:
                warnings.warn(
                    "config.profile_optimizer requires config.profile to be set to True as well", stacklevel=3
                )

    def optimize_graph_with_cache(self, optimizer, inputs, outputs):
        """Rewrite the graph, or read what was made of an equal one before; see `theanojax.compile.rewritten`."""
        from theanojax.compile import rewritten

        return rewritten.rewrite(optimizer, self.executed_fgraph)

    def _link(self, linker, output_specs):
        if not hasattr(linker, "accept"):
            raise ValueError(
                "'linker' parameter of FunctionMaker should be a Linker with an accept method or one of %s"
                % list(predefined_linkers)
            )
        fgraph = self.executed_fgraph
        self._place(fgraph)
        kept = [v for v, spec in zip(fgraph.outputs, output_specs) if not spec.borrow]
        self.linker = linker.accept(fgraph, no_recycling=infer_reuse_pattern(fgraph, kept), profile=self.profile)
        if hasattr(self.linker, "accept_var_updates"):
            self.linker.accept_var_updates(fgraph_updated_vars(fgraph, self.inputs))

    def _place(self, fgraph):
        placements = [spec.placement for spec in self.inputs]
        if any(placements):
            fgraph.placements = placements
        if fgraph.keeps_subnormals is None:
            fgraph.keeps_subnormals = config.xla_keep_subnormals

    # ---------------------------------------------------------------- specifications
    @staticmethod
    def wrap_in(input):
        """A SymbolicInput for a variable or a pair (variable, update)."""
        if isinstance(input, SymbolicInput):
            return input
        if isinstance(input, Variable):
            return SymbolicInput(input)
        if isinstance(input, (list, tuple)):
            if len(input) != 2:
                raise TypeError("Expected two elements in the list or tuple.", input)
            variable, update = input
            return SymbolicInput(variable, update=update)
        raise TypeError("Unknown input type: %s (%s), expected Variable instance" % (type(input), input))

    @staticmethod
    def expand_in(sinput, rinputs):
        """[None, [input]]; Theano once had inputs that stood for several."""
        return [None, [sinput]]

    @staticmethod
    def wrap_out(output):
        """A SymbolicOutput for a variable."""
        if isinstance(output, SymbolicOutput):
            return output
        if isinstance(output, Variable):
            return SymbolicOutput(output)
        raise TypeError("Unknown output type: %s (%s)" % (type(output), output))

    def _check_unused_inputs(self, inputs, outputs, on_unused_input):
        how = config.on_unused_input if on_unused_input is None else on_unused_input
        if how == "ignore":
            return
        needed = set(
            ancestors(
                [o.variable for o in outputs] + [i.update for i in inputs if i.update is not None],
                blockers={i.variable for i in inputs},
            )
        )
        for k, i in enumerate(inputs):
            if i.variable in needed or i.update is not None:
                continue
            if how == "warn":
                warnings.warn(messages.unused_input(k, i.variable, how), stacklevel=user_stacklevel())
            elif how == "raise":
                raise UnusedInputError(messages.unused_input(k, i.variable, how))
            else:
                raise ValueError(
                    "Invalid value for keyword on_unused_input of theano.function: '%s'.\nValid values "
                    "are 'raise', 'warn', and 'ignore'." % how
                )

    # ---------------------------------------------------------------- making functions
    def create(self, input_storage=None, trustme=False, storage_map=None):
        """A Function.

        Parameters
        ----------
        input_storage : list, optional
            For each input its value, a Container or shared variable to share, or None.
        trustme, storage_map : accepted for compatibility.
        """
        given = [None] * len(self.inputs) if input_storage is None else list(input_storage)
        if len(given) != len(self.inputs):
            raise AssertionError("one value, possibly None, is needed for each input")
        cells, defaults = [], []
        for spec, value, required, refeed in zip(self.inputs, given, self.required, self.refeed):
            if isinstance(value, Variable):
                value = value.container
            no_default = required or getattr(spec, "shared", False)
            if isinstance(value, Container):
                cells.append(value.storage)
                value = None if no_default else value.storage[0]
            else:
                cells.append([value] if spec.update is None else Cell(value))
            defaults.append((required, refeed, None if no_default else value))
        start = time.perf_counter()
        with (
            compiling.lock,
            flags_of_thread(compute_test_value="off", **{"traceback.limit": config.traceback.compile_limit}),
        ):
            for node in self.executed_fgraph.apply_nodes:
                node.op.compile_step()  # the inner graphs of loops
            fn, ins, outs = self.linker.make_thunk(input_storage=cells, storage_map=None)
            if hasattr(fn, "call"):
                self._share_memory(fn)
        spent = time.perf_counter() - start
        profiling.total_time_linker += spent
        if self.profile:
            self.profile.linker_time += spent
        function = self.function_builder(
            fn,
            ins,
            outs,
            self.indices,
            self.outputs,
            defaults,
            self.unpack_single,
            self.return_none,
            self.output_keys,
            self,
            name=self.name,
        )
        function.profile = self.profile
        return function

    def _share_memory(self, program):
        n = len(self.outputs)
        shown = self.fgraph if may_overwrite(self.executed_fgraph, self.inputs, n) else None
        in_arguments = results_in_arguments(shown, self.inputs, n) if shown else []
        lent = lent_constants(self.executed_fgraph, n)
        if in_arguments or lent:
            program.call = sharing_memory(program.call, in_arguments, lent)

    def subset_program(self, positions, cells):
        """The Program that computes the outputs of these positions, and the updates."""
        with compiling.lock:
            return self._subset_program(positions, cells)

    def _subset_program(self, positions, cells):
        n = len(self.outputs)
        whole = self.executed_fgraph
        fgraph = FunctionGraph(whole.inputs, [whole.outputs[i] for i in positions] + whole.outputs[n:])
        self._place(fgraph)
        fgraph.keeps_subnormals = whole.keeps_subnormals
        linker = copy.copy(get_mode(self.mode).linker).clone().accept(fgraph)
        if not hasattr(linker, "make_executor"):
            raise NotImplementedError("%s cannot compute a part of the outputs" % type(linker).__name__)
        targets = [i for i, spec in enumerate(self.inputs) if spec.update is not None]
        updates = [(len(positions) + k, i) for k, i in enumerate(targets)]
        return Program(fgraph, linker.make_executor(updates), cells, None, updates)

    def __reduce__(self):
        # What was linked is linked again; the rewritten graph is kept.
        finished = True if isinstance(self._finish, RewrittenAgain) else self._finish and self.fgraph
        return _constructor_FunctionMaker, (
            dict(
                inputs=self.inputs,
                outputs=self.outputs,
                fgraph=self.executed_fgraph,
                finished=finished,
                mode=self.mode,
                accept_inplace=self.accept_inplace,
                function_builder=self.function_builder,
                profile=self.profile,
                on_unused_input=self.on_unused_input,
                output_keys=self.output_keys,
                name=self.name,
                unpack_single=self.unpack_single,
                return_none=self.return_none,
            ),
        )

    def __setstate__(self, state):
        """Take over what Theano itself pickled: its graph, as rewritten there, is linked here."""
        kept = ("inputs", "outputs", "fgraph", "mode", "accept_inplace", "profile", "on_unused_input", "output_keys")
        self.__init__(name=getattr(state.get("fgraph"), "name", None), **{k: state[k] for k in kept if k in state})
        self.unpack_single, self.return_none = state["unpack_single"], state["return_none"]


def compile_c_code(nodes):
    """Compile what of `nodes`, and of the graphs inside them, is in C alone; NotImplementedError where it can't be."""
    for node in nodes:
        try:
            node.op.compile_c_code(node)
        except NotImplementedError as error:
            raise NotImplementedError(messages.only_c_code(node, error)) from None
        compile_c_code(node.op.inner_nodes())


def _constructor_FunctionMaker(kwargs):
    if not config.unpickle_function:
        return None
    kwargs = dict(kwargs)
    unpack_single, return_none = kwargs.pop("unpack_single", False), kwargs.pop("return_none", False)
    finished = kwargs.pop("finished", None)
    if config.reoptimize_unpickled_function:
        del kwargs["fgraph"]
        finished = None
    maker = FunctionMaker(**kwargs)
    if finished is True:
        maker._finish = RewrittenAgain()
    elif finished is not None:
        maker._finished = finished
    maker.unpack_single, maker.return_none = unpack_single, return_none
    return maker


_checkers: list = []


def check_equal(x, y):
    """Whether `x` and `y` are equal, by the first registered checker that can tell."""
    for checker in _checkers:
        try:
            return checker(x, y)
        except Exception:  # a checker for other kinds of values
            continue
    return x == y


def register_checker(checker):
    """Register ``checker(x, y)``, which raises when the values are not its business."""
    _checkers.insert(0, checker)


def orig_function(
    inputs, outputs, mode=None, accept_inplace=False, name=None, profile=None, on_unused_input=None, output_keys=None
):
    """A Function of `inputs` and `outputs` without shared variables' magic.

    Every input may be anything that `convert_function_input` takes; the other parameters are those of
    `FunctionMaker`.
    """
    start = time.perf_counter()
    mode = get_mode(mode)
    inputs = [convert_function_input(i) for i in inputs]
    if outputs is not None:
        wrap = FunctionMaker.wrap_out
        outputs = list(map(wrap, outputs)) if isinstance(outputs, (list, tuple)) else wrap(outputs)
    if hasattr(mode, "profile_of"):
        profile = mode.profile_of(profile, name)
    if isinstance(mode, (list, tuple)):
        raise Exception("We do not support the passing of multiple modes")
    make = getattr(mode, "function_maker", FunctionMaker)
    maker = make(
        inputs,
        outputs,
        mode,
        name=name,
        profile=profile,
        output_keys=output_keys,
        accept_inplace=accept_inplace,
        on_unused_input=on_unused_input,
    )
    fn = maker.create([getattr(i, "value", None) for i in inputs])
    if profile:
        profile.compile_time += time.perf_counter() - start
        profile.nb_nodes = len(fn.maker.executed_fgraph.apply_nodes)
    return fn


def convert_function_input(input):
    """An In for `input`, a short form of it.

    The forms are: variable; (name, variable); (variable, value); ((variable, update), value);
    (name, variable, value); (name, (variable, update), value). Raises TypeError for anything else.
    """
    if isinstance(input, SymbolicInput):
        return input
    if isinstance(input, Constant):
        raise TypeError("A Constant instance is not a legal function input", input)
    if isinstance(input, Variable):
        return In(input)
    if not isinstance(input, (list, tuple)):
        raise TypeError("Unknown input type: %s, expected Variable instance" % type(input), input)
    if not input:
        raise TypeError("Nonsensical input specification: %s" % (input,))
    return _from_tuple(input)


def _from_tuple(input):
    invalid = "Invalid input syntax: %s (check documentation or use an In instance)" % (input,)
    name, rest = (input[0], input[1:]) if isinstance(input[0], str) else (None, input)
    update = value = None
    if isinstance(rest[0], (list, tuple)):
        if len(rest[0]) != 2 or len(rest) != 2:
            raise TypeError(invalid)
        (variable, update), value = rest
    elif isinstance(rest[0], Variable):
        if len(rest) > 2:
            raise TypeError(invalid)
        variable, value = rest[0], rest[1] if len(rest) == 2 else None
    elif isinstance(rest[0], SymbolicInput):
        spec = rest[0]
        if len(rest) == 2:
            spec.name = spec.name if name is None else name
            spec.value = rest[1]
        return spec
    else:
        raise TypeError("The input specification is not valid: %s" % (rest,))
    if not isinstance(variable, Variable):
        raise TypeError("Unknown input type: %s, expected Variable instance" % type(variable), variable)
    if update is not None and not isinstance(update, Variable):
        raise TypeError("Unknown update type: %s, expected Variable instance" % type(update), update)
    if isinstance(value, (Variable, SymbolicInput)):
        raise TypeError(
            "The value for input %s should not be a Variable or SymbolicInput instance (got: %s)" % (variable, value)
        )
    return In(variable, name=name, value=value, update=update)
