"""What `Scan.make_node` demands of its inputs, and what it says when they do not fit."""

from theanojax.graph.variable import Variable
from theanojax.tensor.as_tensor import as_tensor_variable

INTEGER_DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")

_SHAPE_ADVICE = (
    "For example, if the inner function of scan returns a vector of size d and scan uses the values of the previous "
    "time-step, then the initial state in scan should be a matrix of shape (1, d). The first dimension of this matrix "
    "corresponds to the number of previous time-steps that scan uses in each of its iterations. In order to solve "
    "this issue if the two variable currently have the same dimensionality, you can increase the dimensionality of "
    "the variable in the initial state of scan by using dimshuffle or shape_padleft. "
)
_WRONG_INNER_INPUT = (
    "When compiling the inner function of scan (the function called by scan in each of its iterations) the following "
    "error has been encountered: The %s %s (argument number %d) has dtype %s and %d dimension(s). The corresponding "
    "variable in the inner function of scan %s however has dtype %s and %d dimension(s). This variable in the inner "
    "function of scan should have the same dtype and one fewer dimension compared to its corresponding variable in "
    "the initial state (outputs_info in scan nomenclature). " + _SHAPE_ADVICE
)
_WRONG_DTYPE = (
    "When compiling the inner function of scan the following error has been encountered: The initial state "
    "(`outputs_info` in scan nomenclature) of variable %s (argument number %d) has dtype %s, while the result of the "
    "inner function (`fn`) has dtype %s. This can happen if the inner function of scan results in an upcast or "
    "downcast."
)
_WRONG_NDIM = (
    "When compiling the inner function of scan (the function called by scan in each of its iterations) the following "
    "error has been encountered: The initial state (`outputs_info` in scan nomenclature) of variable %s (argument "
    "number %d) has %d dimension(s), while the corresponding variable in the result of the inner function of scan "
    "(`fn`) has %d dimension(s) (it should be one less than the initial state). " + _SHAPE_ADVICE
)
_WRONG_BROADCAST = (
    "The broadcast pattern of the output of scan (%s) is inconsistent with the one provided in `output_info` (%s). "
    "The output on axis %d is `%r`, but it is `%r` on axis %d in `output_info`. This can happen if one of the "
    "dimension is fixed to 1 in the input, while it is still variable in the output, or vice-verca. You have to make "
    "them consistent, e.g. using theano.tensor.{patternbroadcast,unbroadcast,addbroadcast}."
)
_STATE = "initial state (outputs_info in scan nomenclature) "


def checked_inputs(op, inputs):
    """The outer `inputs` of the Scan `op`, cast to fit the inner graph.

    Raises ValueError when a state's dtype or number of dimensions disagrees with the inner graph, TypeError for
    a broadcast pattern, AssertionError for a wrong number of inputs.
    """
    if not all(isinstance(v, Variable) for v in inputs):
        raise TypeError("All inputs of scan must be variables, not %s" % (inputs,))
    if len(inputs) - op.n_nit_sot - 1 != _n_expected(op):
        raise AssertionError(
            "The number of inputs given to the inner function of scan does not match the number of "
            "inputs given to scan."
        )
    new = [as_tensor_variable(inputs[0])]
    for inner, outer in zip(op.inner_seqs(op.inputs), op.outer_seqs(inputs)):
        _check_broadcast(outer, inner)
        new.append(_fit(outer, inner))
    new += _checked_states(op, inputs)
    new += [as_tensor_variable(v) for v in op.outer_nitsot(inputs)]
    for inner, outer in zip(op.inner_non_seqs(op.inputs), op.outer_non_seqs(inputs)):
        fitted = _fit(outer, inner)
        if inner.type != fitted.type:
            raise ValueError("Argument %s given to scan node does not match its correspondance %s" % (fitted, inner))
        new.append(fitted)
    for length in op.outer_nitsot(inputs):
        if str(length.type.dtype) not in INTEGER_DTYPES or length.ndim != 0:
            raise ValueError("For output %s you need to provide a scalar int !", str(length))
    return new


def _n_expected(op):
    inner = op.inputs
    # every state has one outer input, however many taps it has inside
    return op.n_seqs + op._n_states + op.n_shared_outs + len(op.inner_non_seqs(inner))


def _checked_states(op, inputs):
    new, position = [], op.n_seqs  # Theano counts arguments from the first sequence
    states = _state_rows(op, inputs)
    for outer, inner_taps, results, several in states:
        fitted = _fit(outer, inner_taps[0]) if inner_taps else outer
        new.append(fitted)
        for tap in inner_taps:
            if tap.type.ndim != fitted.type.ndim - 1 or (several and tap.type.dtype != fitted.type.dtype):
                raise ValueError(
                    _WRONG_INNER_INPUT
                    % (
                        _STATE,
                        fitted,
                        position,
                        fitted.type.dtype,
                        fitted.type.ndim,
                        tap,
                        tap.type.dtype,
                        tap.type.ndim,
                    )
                )
        for result in results:
            _check_result(fitted, position, result, fitted.type.ndim - 1)
        position += 1
    for inner, result, outer in zip(
        op.inner_shared(op.inputs), op.inner_shared_outs(op.outputs), op.outer_shared(inputs)
    ):
        fitted = _fit(outer, inner)
        new.append(fitted)
        if hasattr(fitted, "dtype"):
            _check_result(fitted, position, result, fitted.ndim)
            if fitted.dtype != inner.dtype or fitted.ndim != inner.ndim:
                raise ValueError(
                    _WRONG_INNER_INPUT
                    % (_STATE, fitted, position, fitted.dtype, fitted.ndim, inner, inner.dtype, inner.ndim)
                )
        position += 1
    return new


def _state_rows(op, inputs):
    """(outer input, inner taps, inner results, has several taps) of each stacked state."""
    taps = iter(op.inputs[op.n_seqs :])
    outs = iter(op.outputs)
    outer = list(inputs[1 + op.n_seqs : 1 + op.n_seqs + op._n_states])
    for i, v in enumerate(outer):
        n_results = len(op.mit_mot_out_slices[i]) if i < op.n_mit_mot else 1
        yield (
            v,
            [next(taps) for _ in op.tap_array[i]],
            [next(outs) for _ in range(n_results)],
            i < op.n_mit_mot + op.n_mit_sot,
        )


def _check_result(state, position, result, ndim):
    if result.type.dtype != state.type.dtype:
        raise ValueError(_WRONG_DTYPE % (state, position, state.type.dtype, result.type.dtype))
    if result.ndim != ndim:
        raise ValueError(_WRONG_NDIM % (state, position, state.ndim, result.ndim))


def _check_broadcast(outer, inner):
    """The trailing axes of `outer` and `inner` must agree on which have length 1."""
    if not hasattr(outer, "broadcastable") and not hasattr(inner, "broadcastable"):
        return
    a, b = outer.broadcastable, inner.broadcastable
    size = min(len(a), len(b))
    for n, (x, y) in enumerate(zip(a[len(a) - size :], b[len(b) - size :])):
        if x != y:
            raise TypeError(
                _WRONG_BROADCAST % (outer.type, inner.type, n + size - len(a) + 1, x, y, n + size - len(b) + 1)
            )


def _fit(var, like):
    """`var` with the dtype and trailing broadcast pattern of the inner variable `like`."""
    if not hasattr(var, "dtype"):
        return var
    if var.type.dtype != like.type.dtype:
        var = var.astype(like.type.dtype)
    if var.ndim == like.ndim:
        return like.type.filter_variable(var)
    pattern = tuple(var.broadcastable[:1]) + tuple(like.broadcastable)
    return like.type.clone(broadcastable=pattern).filter_variable(var)
