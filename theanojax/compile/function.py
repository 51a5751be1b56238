"""`theano.function`, the door from expressions to numbers."""

import pickle
import sys

from theanojax.compile.maker import orig_function
from theanojax.compile.pfunc import pfunc
from theanojax.graph import above
from theanojax.graph.collecting import seldom_of_everything
from theanojax.graph.tag import PACKAGE
from theanojax.graph.tracebacks import boundary


@boundary
def function(
    inputs,
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
    parallel=None,
):
    """A callable that computes `outputs` from `inputs` and applies `updates` to shared variables.

    Parameters
    ----------
    inputs : list of Variable or In
        The arguments, in order; no shared variables and no constants among them.
    outputs : Variable, Out, list or dict of these, or None
        What calls return: one value, a list or a dict (keys are strings). None makes calls return an empty list.
    mode : str or Mode, optional
        How to rewrite and run the graph; ``config.mode`` by default.
    updates : dict or list of pairs (shared variable, new expression), optional
        Applied after the outputs are computed, all of them from the old values.
    givens : dict or list of pairs (variable, replacement), optional
        Substitutions made in the whole graph first. A replacement must not depend on a replaced variable.
    no_default_updates : bool or list of shared variables
        Which default updates to leave out.
    accept_inplace : bool
        Whether the graph may hold in-place Ops already.
    name : str, optional
        For messages and profiles; where the function was made, by default.
    rebuild_strict : bool
        Whether replacements must have the type of what they replace.
    allow_input_downcast : bool or None
        Whether arguments may lose precision when converted; None allows it for Python floats only.
    profile : bool, str or ProfileStats, optional
        Where to collect timings; ``config.profile`` by default.
    on_unused_input : {'raise', 'warn', 'ignore'}, optional
        What to do about inputs that nothing is computed from; ``config.on_unused_input`` by default.
    parallel : what `data_parallel` returns, 'data' or False, optional
        How the arrays lie on several devices; by default as the context says, or ``config.parallel``.

    Returns
    -------
    Function

    Raises TypeError (wrong kind of argument or type of update), UnusedInputError, MissingInputError,
    ValueError (two updates for one variable), RuntimeError (givens for an input), AssertionError (keys that are no
    strings), Exception (inputs that are no list, unknown mode).
    """
    output_keys = None
    if isinstance(outputs, dict):
        for key in outputs:
            if not isinstance(key, str):
                raise AssertionError("the keys of a dict of outputs must be strings, not %r" % (key,))
        output_keys = sorted(outputs)
        outputs = [outputs[k] for k in output_keys]
    if name is None:
        name = _caller()
    if not isinstance(inputs, (list, tuple)):
        raise Exception(
            "Input variables of a Theano function should be contained in a list, even when there is a single input."
        )
    if any(isinstance(i, (list, tuple)) for i in inputs):
        if profile:
            raise NotImplementedError("profiling not supported in old-style function")
        if updates or givens:
            raise NotImplementedError(
                "In() instances and tuple inputs trigger the old semantics, which disallow using updates and givens"
            )
        if parallel:
            raise NotImplementedError("inputs that are tuples are the old semantics, which know no parallel")
        return orig_function(inputs, outputs, mode=mode, accept_inplace=accept_inplace, name=name)
    with seldom_of_everything():
        return pfunc(
            inputs,
            outputs,
            mode=mode,
            updates=updates,
            givens=givens,
            no_default_updates=no_default_updates,
            accept_inplace=accept_inplace,
            name=name,
            rebuild_strict=rebuild_strict,
            allow_input_downcast=allow_input_downcast,
            profile=profile,
            on_unused_input=on_unused_input,
            output_keys=output_keys,
            parallel=parallel,
        )


above.function = function


def function_dump(
    filename,
    inputs,
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
    extra_tag_to_remove=None,
):
    """Write the arguments of `function`, from `inputs` on, to the file `filename`, to compile them elsewhere.

    ``theano.function(**pickle.load(open(filename, 'rb')))`` makes the function again. `extra_tag_to_remove` is a string
    or list of strings: attributes of variables' tags that are left out.
    """
    arguments = dict(locals())
    del arguments["filename"], arguments["extra_tag_to_remove"]
    from theanojax.graph.strip_pickler import StripPickler

    with open(filename, "wb") as f:
        StripPickler(f, protocol=pickle.HIGHEST_PROTOCOL, extra_tag_to_remove=extra_tag_to_remove).dump(arguments)


def _caller():
    """``file:line`` of the innermost frame outside the library."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return "%s:%d" % (frame.f_code.co_filename, frame.f_lineno)
