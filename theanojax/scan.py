"""`scan`: loops over symbolic variables."""

import logging
from collections import OrderedDict

from theanojax.config import config
from theanojax.errors import MissingInputError, NotScalarConstantError
from theanojax.graph import above
from theanojax.graph.op import PureOp
from theanojax.graph.rebuild import rebuild_collect_shared
from theanojax.graph.shared import SharedVariable
from theanojax.graph.tracebacks import boundary
from theanojax.graph.traverse import inputs as graph_inputs
from theanojax.graph.variable import Constant, Variable
from theanojax.loop.checks import INTEGER_DTYPES
from theanojax.loop.scan_op import Scan
from theanojax.loop.scan_utils import clone, expand_empty, get_updates_and_outputs, isNaN_or_Inf_or_None, safe_new
from theanojax.tensor.as_tensor import as_tensor_variable, get_scalar_constant_value
from theanojax.tensor.dims import shape_padleft
from theanojax.tensor.math import minimum
from theanojax.tensor.shape import unbroadcast
from theanojax.tensor.type import TensorType
from theanojax.updates import OrderedUpdates

_logger = logging.getLogger("theano.scan_module.scan")


@boundary
def scan(
    fn,
    sequences=None,
    outputs_info=None,
    non_sequences=None,
    n_steps=None,
    truncate_gradient=-1,
    go_backwards=False,
    mode=None,
    name=None,
    profile=False,
    allow_gc=None,
    strict=False,
    return_list=False,
):
    """Call `fn` once a step, symbolically, and stack what it returns.

    Parameters
    ----------
    fn : callable
        Builds one step. It receives, in this order, the slices of the sequences, the earlier values of the
        outputs, and the non-sequences, and returns outputs, a dict of updates of shared variables, and
        ``until(condition)``, any of which may be missing.
    sequences : variable, dict or list of these
        What to iterate over, along axis 0. A dict has ``input`` and ``taps``, the offsets that `fn` sees
        (``[0]`` by default; -1 is the row before, 1 the row after).
    outputs_info : variable, dict, None, or a list of these
        The initial state of each output. None for an output that `fn` does not read back. A dict has ``initial``
        and ``taps``, the negative offsets that `fn` reads (``[-1]`` by default); with other taps ``initial`` has
        one row for each step back to the earliest.
    non_sequences : variable or list
        Further arguments of `fn`, the same in every step.
    n_steps : int or integer scalar
        The number of steps; by default the length of the shortest sequence. 0 gives outputs without rows.
    truncate_gradient : int
        How many steps the gradient goes back; -1 for all.
    go_backwards : bool
        Whether sequences are read from their end.
    mode, profile, allow_gc : how the step is compiled.
    name : str
        Shown in printed graphs and profiles.
    strict : bool
        Whether `fn` may only use the shared variables given as `sequences` or `non_sequences`.
    return_list : bool
        Whether the outputs are a list even when there is one.

    Returns
    -------
    (outputs, updates): a variable or list of variables with one row a step, and an OrderedUpdates to be given to
    ``theano.function``.

    Raises
    ------
    ValueError
        When nothing tells the number of steps, when taps or initial states are missing or wrong, when `fn`
        returns something else than variables or an output of another dtype than its initial state; when run, if a
        sequence is shorter than `n_steps`.
    IndexError
        When run, for a negative number of steps.
    """
    seqs = [_sequence_info(s) for s in _as_list(sequences)]
    infos = [_output_info(i, info) for i, info in enumerate(_as_list(outputs_info))]
    non_seqs = [v if isinstance(v, Variable) else as_tensor_variable(v) for v in _as_list(non_sequences)]
    # One step needs no loop: `fn` is applied to the first slices themselves.
    single = _fixed_steps(n_steps) in (1, -1)

    seqs = _Sequences(seqs, go_backwards)
    steps = seqs.level(n_steps)
    states = _States(infos, steps)
    args = seqs.arguments(single) + states.arguments(single) + non_seqs
    condition, outputs, updates = get_updates_and_outputs(fn(*args))
    if single:
        return _one_step(condition, outputs, updates, return_list)

    if condition is not None:
        outputs.append(condition)
    step = _Step(args, outputs, updates, non_seqs)
    n_outs = len(outputs) - (condition is not None)
    if infos and n_outs != len(infos):
        raise ValueError(
            "Please provide None as outputs_info for any output that does not feed back into scan "
            "(i.e. it behaves like a map) "
        )
    states.split(infos or [{} for _ in range(n_outs)], outputs)
    states.add_shared(step.updated, steps)
    step.find_others(strict, non_sequences)

    inner_inputs = (
        seqs.inner
        + states.mit_inner
        + states.sit_inner
        + states.shared_inner
        + list(step.shared_copies.values())
        + list(step.copies.values())
    )
    inner_outputs = states.mit_results + states.sit_results + states.nit_results + states.shared_results
    if condition is not None:
        inner_outputs.append(condition)
    inner_outputs = clone(
        inner_outputs, replace=OrderedDict([*states.copies.items(), *step.copies.items(), *step.shared_copies.items()])
    )
    op = Scan(
        inner_inputs,
        inner_outputs,
        OrderedDict(
            tap_array=states.taps + [[-1] for _ in states.sit_inner],
            n_seqs=len(seqs.inner),
            n_mit_mot=0,
            n_mit_mot_outs=0,
            mit_mot_out_slices=[],
            n_mit_sot=len(states.mit_outer),
            n_sit_sot=len(states.sit_inner),
            n_shared_outs=len(states.shared_inner),
            n_nit_sot=len(states.nit_results),
            truncate_gradient=truncate_gradient,
            name=name,
            mode=mode,
            destroy_map=OrderedDict(),
            gpua=False,
            as_while=condition is not None,
            profile=profile,
            allow_gc=config.scan.allow_gc if allow_gc is None else allow_gc,
            strict=strict,
        ),
    )
    outer = (
        [steps]
        + seqs.outer
        + states.mit_outer
        + states.sit_outer
        + states.shared_outer
        + [steps] * len(states.nit_results)
        + list(step.shared_copies)
        + list(step.copies)
    )
    return states.collect(op(*[_as_tensor_if_possible(v) for v in outer], return_list=True), return_list)


above.scan = scan


# ---------------------------------------------------------------- reading the arguments


def _as_list(x):
    if x is None:
        return []
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _sequence_info(seq):
    if not isinstance(seq, dict):
        return {"input": seq, "taps": [0]}
    taps = seq.get("taps")
    return {**seq, "taps": [0] if taps is None else _as_list(taps)}


def _output_info(position, info):
    if info is None:
        return {}
    if not isinstance(info, dict):
        return {"initial": info, "taps": [-1]}
    if info.get("return_steps") is not None:
        raise ValueError(
            "Using `return_steps` has been deprecated. Simply select the entries you need using a "
            "subtensor. Scan will optimize memory consumption, so do not worry about that."
        )
    initial, taps = info.get("initial"), info.get("taps")
    if initial is None:
        if taps is not None:
            raise ValueError("If you are using slices of an output you need to provide a initial state for it", info)
        return {}
    if taps is None:
        if "taps" in info:
            _logger.warning(
                "Output %s ( index %d) has a initial state but taps is explicitly set to None ",
                getattr(initial, "name", "None"),
                position,
            )
        taps = [-1]
    taps = _as_list(taps)
    if len(taps) > len(set(taps)):
        raise ValueError("All the taps must be different in  `outputs_info`", info)
    if any(t >= 0 for t in taps):
        raise ValueError("All the tap values must be smaller than 0.", info)
    return {**info, "taps": taps}


def _fixed_steps(n_steps):
    """The number of steps when it is a known number, else None; ValueError unless it is an integer."""
    if isinstance(n_steps, (int, float)):
        return int(n_steps)
    dtype = getattr(n_steps, "dtype", "int64")
    if str(dtype) not in INTEGER_DTYPES:
        raise ValueError(" n_steps must be an int. dtype provided is %s" % dtype)
    try:
        return get_scalar_constant_value(n_steps)
    except NotScalarConstantError:
        return None


def _slice_name(variable, tap):
    name = getattr(variable, "name", None)
    if name is None:
        return None
    return name + ("[t+%d]" % tap if tap > 0 else "[t]" if tap == 0 else "[t%d]" % tap)


def _like(value, name):
    """A free variable for the step function to use in place of `value`."""
    new = value.type()
    _pass_test_value(value, new)
    if name is not None:
        new.name = name
    return new


def _pass_test_value(source, target):
    if config.compute_test_value == "off":
        return
    try:
        target.tag.test_value = PureOp._get_test_value(source)
    except AttributeError as e:
        if config.compute_test_value != "ignore":
            # `fn` will complain when it needs the value
            _logger.info("Cannot compute test value for the inner function of scan, input value missing %s", e)


def _as_tensor_if_possible(v):
    try:
        return as_tensor_variable(v)
    except TypeError:
        return v  # random states, for example


class _Sequences:
    """The sequences, one entry for each tap: what the loop reads and what the step sees."""

    def __init__(self, infos, go_backwards):
        self.outer, self.inner, self.slices = [], [], []
        for info in infos:
            source, taps = info["input"], info["taps"]
            # Row t of a tap k is row t + k of the sequence; tap 0 always counts, so that no row is lost.
            low, high = min(0, *taps), max(0, *taps)
            for k in taps:
                self._add(source, k, k - low, k - high or None, go_backwards)

    def _add(self, source, tap, start, end, go_backwards):
        first = source[start]
        self.slices.append(first)
        self.inner.append(_like(as_tensor_variable(source)[start], _slice_name(source, tap)))
        rows = as_tensor_variable(source[start:] if end is None else source[start:end])
        if go_backwards:
            rows = rows[::-1]
        if getattr(source, "name", None) is not None:
            rows.name = "%s[%d:%s]" % (source.name, start, "" if end is None else end)
        self.outer.append(rows)

    def level(self, n_steps):
        """The number of steps; cuts the sequences to it."""
        lengths = [s.shape[0] for s in self.outer]
        if not isNaN_or_Inf_or_None(n_steps):
            steps = as_tensor_variable(n_steps)
        elif lengths:
            steps = lengths[0]
            for other in lengths[1:]:
                steps = minimum(steps, other)
        else:
            raise ValueError(
                "No information about the number of steps provided. Either provide a value for n_steps "
                "argument of scan or provide an input sequence"
            )
        self.outer = [s[:steps] for s in self.outer]
        return steps

    def arguments(self, single):
        return list(self.slices if single else self.inner)


class _States:
    """The outputs by kind: with several taps (mit), with tap -1 (sit), not read back (nit), shared variables."""

    def __init__(self, infos, steps):
        self.mit_outer, self.mit_inner, self.mit_results, self.taps = [], [], [], []
        self.sit_outer, self.sit_inner, self.sit_results = [], [], []
        self.shared_outer, self.shared_inner, self.shared_results = [], [], []
        self.nit_results = []
        self.updated = []  # shared tensors that are sit states
        self.order = {"mit": [], "sit": [], "nit": []}  # position among the outputs; -1 - i for `updated[i]`
        self.copies = OrderedDict()
        self._args = {}
        for i, info in enumerate(infos):
            if info.get("taps") == [-1]:
                self._add_sit(i, info["initial"], steps)
            elif info.get("taps"):
                self._add_mit(i, info["initial"], info["taps"], steps)

    def _add_sit(self, position, initial, steps):
        given = initial if isinstance(initial, Variable) else as_tensor_variable(initial)
        arg = safe_new(given)
        if isinstance(arg, Constant):
            arg = arg.type()
        _pass_test_value(given, arg)
        if getattr(initial, "name", None) is not None:
            arg.name = initial.name + "[t-1]"
        self.sit_outer.append(expand_empty(_one_row(given), steps))
        self.sit_inner.append(arg)
        self.order["sit"].append(position)
        self._args[position] = ([arg], [given])

    def _add_mit(self, position, initial, taps, steps):
        rows = -min(taps)
        self.taps.append(taps)
        self.mit_outer.append(expand_empty(as_tensor_variable(initial[:rows]), steps))
        self.order["mit"].append(position)
        slices = [initial[k + rows] for k in taps]
        new = [_like(as_tensor_variable(initial)[k + rows], _slice_name(initial, k)) for k in taps]
        self.mit_inner += new
        self._args[position] = (new, slices)

    def arguments(self, single):
        """Earlier values as `fn` gets them: in the order of the outputs."""
        return [v for i in sorted(self._args) for v in self._args[i][bool(single)]]

    def split(self, infos, outputs):
        """Sort the results of the step by kind."""
        for i, (info, out) in enumerate(zip(infos, outputs)):
            taps = info.get("taps")
            if taps is None:
                self.nit_results.append(out)
                self.order["nit"].append(i)
            elif taps == [-1]:
                self.sit_results.append(out)
            else:
                self.mit_results.append(out)

    def add_shared(self, updates, steps):
        """Shared variables that the step updates: tensors are states with tap -1, others are carried along."""
        for variable, update in updates:
            new = safe_new(variable)
            if variable.name is not None:
                new.name = variable.name + "_copy"
            if isinstance(new.type, TensorType):
                self.sit_inner.append(new)
                self.sit_outer.append(expand_empty(_one_row(variable), steps))
                self.sit_results.append(as_tensor_variable(update))
                self.order["sit"].append(-1 - len(self.updated))
                self.updated.append(variable)
            else:
                self.shared_inner.append(new)
                self.shared_outer.append(variable)
                self.shared_results.append(update)
            self.copies[variable] = new

    def collect(self, outs, return_list):
        """The user's outputs and updates from the outputs of the loop."""
        outs = iter(outs)
        result, updates = {}, OrderedUpdates()
        rows = [next(outs)[-min(taps) :] for taps in self.taps]
        rows += [next(outs)[1:] for _ in self.sit_inner]
        rows += [next(outs) for _ in self.nit_results]
        for variable, value in zip(self.shared_outer, outs):
            updates[variable] = value
        for position, value in zip(self.order["mit"] + self.order["sit"] + self.order["nit"], rows):
            if position >= 0:
                result[position] = value
            else:
                updates[self.updated[-1 - position]] = value[-1]
        result = [result[i] for i in sorted(result)]
        if not return_list and len(result) == 1:
            return result[0], updates
        return result or None, updates


def _one_row(v):
    return unbroadcast(shape_padleft(v), 0)


class _Step:
    """The graph that `fn` has built: which further variables it uses, and which it updates."""

    def __init__(self, args, outputs, updates, non_seqs):
        free = graph_inputs(outputs, blockers=set(non_seqs))
        known = set(args)
        self.non_seqs = non_seqs + [v for v in free if v not in known and not isinstance(v, (SharedVariable, Constant))]
        inputs = [v for v in args + self.non_seqs[len(non_seqs) :] if not isinstance(v, (SharedVariable, Constant))]
        _, _, (_, updated, _, shared) = rebuild_collect_shared(outputs, inputs, updates=updates)
        _check_inputs_known(outputs + list(updated.values()), inputs)
        self.updated = [(v, updated[v]) for v in shared if v in updated]
        self._shared = [v for v in shared if v not in updated]

    def find_others(self, strict, non_sequences):
        """Copies of the remaining variables that the step uses, for the inner graph."""
        self.copies = OrderedDict(
            (v, safe_new(v, "_copy")) for v in self.non_seqs if not isinstance(v, (SharedVariable, Constant))
        )
        allowed = {v for v in _as_list(non_sequences) if isinstance(v, Variable)} if strict else set(self._shared)
        self.shared_copies = OrderedDict((v, safe_new(v, "_copy")) for v in self._shared if v in allowed)


def _check_inputs_known(outputs, inputs):
    inputs = set(inputs)
    for v in graph_inputs(outputs, blockers=inputs):
        if v.owner is None and v not in inputs and not isinstance(v, (SharedVariable, Constant)):
            raise MissingInputError(
                "Undeclared input: %s\nPlease pass this variable to the scan's inner function. Do not forget to also "
                "pass it to the `non_sequences` attribute of scan." % v,
                variable=v,
            )


def _one_step(condition, outputs, updates, return_list):
    if condition is not None:
        _logger.warning(
            "When the number of steps is fixed and equal to 1, the provided stopping condition, %s is ignored",
            condition,
        )
    outputs = [unbroadcast(shape_padleft(v), 0) if isinstance(v.type, TensorType) else v for v in outputs]
    if not return_list and len(outputs) == 1:
        return outputs[0], updates
    return outputs, updates
