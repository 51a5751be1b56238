"""`vectorize`: the walk over a graph that gives each variable a dimension of rows, by the rules of its Ops."""

import numpy as np

from theanojax.graph.replace import clone
from theanojax.graph.variable import Variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.type import TensorType
from theanojax.vectorizing.batch import Batch, NoRows, looped, vectorized, with_pattern


def vectorize(outputs, inputs, batched=None):
    """A graph for one row made into a graph for many, without a loop where each Op has a rule.

    An Op without one is mapped over the rows by XLA, or is a loop where only the host runs it. All of the graph is a
    loop where rows are sparse matrices or lists, or have lengths of their own.

    Parameters
    ----------
    outputs : variable, or list of variables, computed from `inputs` for one row.
    inputs : variable or list of variables of any place in the graph; or a dict from them to what is `batched`.
    batched : for each of `inputs`, in the same form, a variable of its dtype with leading dimensions more.

    Returns
    -------
    Variables like `outputs`, all of them with the leading dimensions. These are lined up from the right as numpy's are
    when arrays are added: where one of them is declared broadcastable it goes with any length of the others.

    Raises
    ------
    TypeError, ValueError : what is batched has another dtype, fewer dimensions, or is not one for each of `inputs`.
    """
    if batched is not None:
        if hasattr(inputs, "items"):
            raise TypeError("inputs are a dict, which says what is batched: there is nothing to give as `batched`")
        inputs, batched = ([v] if isinstance(v, (Variable, np.ndarray)) else list(v) for v in (inputs, batched))
        if len(inputs) != len(batched):
            raise ValueError("%d inputs, and %d that are batched" % (len(inputs), len(batched)))
        inputs = list(zip(inputs, batched))
    return vectorize_graph(outputs, inputs)


def vectorize_graph(outputs, replace):
    """`vectorize` as PyTensor calls it: `replace` is a dict, or a list of pairs, from variables to batched ones.

    `outputs` is a variable or a list of variables; all else is as for `vectorize`.
    """
    pairs = [_checked(*pair) for pair in _pairs(replace)]
    if not pairs:
        raise ValueError("nothing is batched: give a variable for each of the inputs of a row")
    graphs = [outputs] if isinstance(outputs, Variable) or not hasattr(outputs, "__iter__") else list(outputs)
    if not all(isinstance(v, Variable) for v in graphs):
        raise TypeError("outputs are a variable or a list of variables, computed from one row, and not %r" % (outputs,))
    common = {v: new for v, new in pairs if new.ndim == v.ndim}
    if len(common) == len(pairs):
        graphs = clone(graphs, replace=common)
    # One dimension after the other, the last of them first: what stands for an input then has one more each time.
    rows = {v: v for v, _ in pairs}
    for level in range(1, max(new.ndim - v.ndim for v, new in pairs) + 1):
        step = {}
        for v, new in pairs:
            extra = new.ndim - v.ndim
            if extra >= level:
                whole = extra == level
                step[rows[v]] = new if whole else TensorType(new.dtype, new.broadcastable[extra - level :])()
                rows[v] = step[rows[v]]
        graphs = _with_rows(graphs, step, common if level == 1 else {})
    return graphs[0] if isinstance(outputs, Variable) else graphs


def _with_rows(graphs, step, common):
    """`graphs` with the variables of the dict `step` replaced by those of one dimension more, which all of them get.

    Those of the dict `common` are replaced at the same time, by what is the same for all rows.
    """
    stretched = [v for v, new in step.items() if not new.broadcastable[0]]
    for v in step if stretched else ():
        if v not in stretched:  # a single row, which goes with each of the others
            step[v] = step[v].dimshuffle(*range(1, step[v].ndim))
    first = (stretched or list(step))[0]
    batch = Batch(step[first].shape[0])
    try:
        found = vectorized(graphs, {**step, **common}, batch)
    except NoRows:
        moving = stretched or list(step)
        alike = common | {v: new for v, new in step.items() if v not in moving}
        found = looped(
            lambda *rows: clone(graphs, replace={**alike, **dict(zip(moving, rows))}), [step[v] for v in moving]
        )
    return [batch.expand(new, v) for new, v in zip(found, graphs, strict=True)]


def _pairs(replace):
    """What `replace` has, as pairs; TypeError for a list of anything else."""
    pairs = [replace] if isinstance(replace, Variable) else list(getattr(replace, "items", lambda: replace)())
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise TypeError("what is batched is missing: give `batched` like `inputs`, or a dict")
    return pairs


def _checked(v, new):
    """The pair, its second with the dtype and the broadcastable dimensions of the first, and no fewer dimensions."""
    if not isinstance(v, Variable) or not isinstance(v.type, TensorType):
        raise TypeError("%s is to be batched, which has to be a tensor variable" % (v,))
    new = as_tensor_variable(new)
    if new.dtype != v.dtype:
        raise TypeError("%s is of dtype %s, and what is batched for it of dtype %s" % (v, v.dtype, new.dtype))
    if new.ndim < v.ndim:
        raise ValueError("%s has %d dimensions, and what is batched for it %d" % (v, v.ndim, new.ndim))
    return v, with_pattern(new, v)
