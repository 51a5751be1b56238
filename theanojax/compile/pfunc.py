"""Functions of graphs with shared variables: substitutions, updates, and shared variables as hidden inputs."""

from copy import copy

from theanojax.compile import parallel as devices
from theanojax.compile.io import In, Param as Param
from theanojax.compile.maker import orig_function
from theanojax.compile.profiling import profile_for
from theanojax.errors import UnusedInputError
from theanojax.graph.rebuild import iter_over_pairs, rebuild_collect_shared
from theanojax.graph.variable import Constant, Variable


def pfunc(
    params,
    outputs=None,
    mode=None,
    updates=None,
    givens=None,
    no_default_updates=False,
    accept_inplace=False,
    name=None,
    rebuild_strict=True,
    allow_input_downcast=None,
    profile=None,
    on_unused_input=None,
    output_keys=None,
    parallel=None,
):
    """A Function of a graph with shared variables: what `function` does once its arguments are sorted.

    `params` are the inputs of `function`, the other parameters are those that it has; `output_keys` are the keys of the
    result when it is to be a dict.
    """
    updates = [] if updates is None else updates
    givens = [] if givens is None else givens
    profile = profile_for(profile, name)
    if not isinstance(params, (list, tuple)):
        raise Exception("in pfunc() the first argument must be a list or a tuple")
    if not isinstance(no_default_updates, (bool, list)):
        raise TypeError("no_default_update should be either a boolean or a list")
    if len(updates) > 0 and any(isinstance(v, Variable) for v in iter_over_pairs(updates)):
        raise ValueError("The updates parameter must be an OrderedDict/dict or a list of lists/tuples with 2 elements")

    inputs = [_as_in(p, allow_input_downcast) for p in params]
    variables = [i.variable for i in inputs]
    _check_inputs(variables, givens)

    def graphs():
        yield from outputs if isinstance(outputs, (list, tuple)) else [outputs]
        yield from (i.update for i in inputs)
        yield from (new for pairs in (updates, givens) for _, new in iter_over_pairs(pairs))

    parallel = devices.chosen(parallel, [*variables, *(v for v, _ in iter_over_pairs(givens))], graphs)
    if parallel is not None:
        givens = parallel.place_givens(givens)
        inputs = [copy(i) for i in inputs]  # an In may be of other functions, too
        for i in inputs:
            i.placement = parallel.place_input(i.variable)
    if outputs is None:
        out_list = []
    else:
        out_list = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    extended = out_list + [i.update for i in inputs if i.update is not None]
    new_variables, new_outputs, (clones, update_of, _, shared_inputs) = rebuild_collect_shared(
        extended, variables, givens, updates, rebuild_strict, no_default_updates=no_default_updates
    )
    if outputs is None:
        outputs = []
    else:
        outputs = new_outputs[: len(out_list)] if isinstance(outputs, (list, tuple)) else new_outputs[0]
    for i, v in zip(inputs, new_variables):
        i.variable = v
        if i.update is not None:
            i.update = clones[i.update]
    if parallel is None:
        parallel = devices.of_sharded(shared_inputs)
    for v in shared_inputs:
        update = update_of.get(v)
        spec = In(variable=v, value=v.container, mutable=update is not None, borrow=True, update=update, shared=True)
        if parallel is not None:
            spec.placement = parallel.place_shared(v)
        inputs.append(spec)
    function = orig_function(
        inputs,
        outputs,
        mode,
        accept_inplace=accept_inplace,
        name=name,
        profile=profile,
        on_unused_input=on_unused_input,
        output_keys=output_keys,
    )
    devices.warn_of_host(function, parallel)
    return function


def _as_in(param, allow_downcast):
    if isinstance(param, Constant):
        raise TypeError("Constants not allowed in param list", param)
    if isinstance(param, Variable):
        return In(variable=param, allow_downcast=allow_downcast)
    if isinstance(param, In):
        return param
    raise TypeError("Unknown parameter type: %s" % type(param))


def _check_inputs(variables, givens):
    first: dict = {}
    for i, v in enumerate(variables):
        if v in first:
            raise UnusedInputError(
                "Variable %s is used twice in inputs to theano.function, at indices %i and %i.  This would result in "
                "values provided for it being ignored. Please do not duplicate variables in the inputs list."
                % (v, first[v], i)
            )
        first[v] = i
    for x, _ in iter_over_pairs(givens):
        if isinstance(x, Variable) and x in first:
            raise RuntimeError(
                "You are trying to replace variable '%s' through the `givens` parameter, but this variable is an "
                "input to your function. Replacing inputs is currently forbidden because it has no effect. One way to "
                "modify an input `x` to a function evaluating f(x) is to define a new input `y` and use "
                "`theano.function([y], f(x), givens={x: g(y)})`. Another solution consists in using `theano.clone`, "
                "e.g. like this: `theano.function([x], theano.clone(f(x), replace={x: g(x)}))`." % x
            )
