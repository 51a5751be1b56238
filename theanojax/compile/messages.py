"""What functions say when they are called wrongly."""

from theanojax.printing.text import get_variable_trace_string


def bad_argument(error, function, i, arg):
    """Say in the message of `error` that it is about argument `i` of `function`."""
    who = "theano function"
    if function.name:
        who += ' with name "%s"' % function.name
    what = "argument"
    if getattr(arg, "name", None):
        what += ' with name "%s"' % arg.name
    where = get_variable_trace_string(function.maker.inputs[i].variable)
    text = "Bad input %s to %s at index %d (0-based). %s" % (what, who, i, where)
    if len(error.args) == 1:
        error.args = (text + str(error.args[0]),)
    else:
        error.args = (text, *error.args)


def get_info_on_inputs(named_inputs, n_unnamed_inputs):
    """A sentence on which inputs a function has and which of them can be given by keyword.

    `named_inputs` is the list of their names, `n_unnamed_inputs` how many have none.
    """
    n = len(named_inputs)
    s, un_s = "s" if n > 1 else "", "s" if n_unnamed_inputs > 1 else ""
    how = "(use 'name=...' in a Variable's constructor to give it a name)."
    if n == 0 and n_unnamed_inputs == 0:
        return "The function is supposed to have no input."
    if n == 0 and n_unnamed_inputs == 1:
        return (
            "The function has a single input variable which has no name, and thus cannot be assigned through a "
            "keyword argument " + how
        )
    if n == 0:
        return (
            "The function has %s inputs, but none of them is named, and thus they cannot be assigned through "
            "keyword arguments %s" % (n_unnamed_inputs, how)
        )
    named = "The function has %s named input%s (%s)" % (n, s, ", ".join(named_inputs))
    if n_unnamed_inputs == 0:
        return named + "."
    return "%s, and %s unnamed input%s which thus cannot be accessed through keyword argument%s %s" % (
        named,
        n_unnamed_inputs,
        un_s,
        un_s,
        how.replace("Variable's", "variable's"),
    )


def unused_input(i, variable, how):
    """The message about an input that serves no output, with how to make it milder or stricter."""
    head = (
        "theano.function was asked to create a function computing outputs given certain inputs, but the provided "
        "input variable at index %i is not part of the computational graph needed to compute the outputs: %s.\n"
        % (i, variable)
    )
    milder = "error into a warning, you can pass the parameter on_unused_input='warn'"
    stricter = "warning into an error, you can pass the parameter on_unused_input='raise'"
    return "%sTo make this %s to theano.function. To disable it completely, use on_unused_input='ignore'." % (
        head,
        milder if how == "raise" else stricter,
    )


def only_c_code(node, why):
    """Say that nothing here can run the Op of `node`, and `why`."""
    where = get_variable_trace_string(node.outputs[0])
    return ("The Op %s has only C code, and %s.\nApply node: %s\n%s" % (node.op, why, node, where)).rstrip()
