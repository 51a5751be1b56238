"""`map`, `reduce`, `foldl` and `foldr`: common uses of scan under their usual names."""

from theanojax.graph.tracebacks import boundaries
from theanojax.scan import scan


def map(fn, sequences, non_sequences=None, truncate_gradient=-1, go_backwards=False, mode=None, name=None):
    """Apply `fn` to each row of `sequences`, a variable or list of them: (result or list of results, updates).

    The results have one row for each of the shortest sequence. The parameters and errors are those of `scan`.
    """
    return scan(fn, sequences, [], non_sequences, None, truncate_gradient, go_backwards, mode=mode, name=name)


def reduce(fn, sequences, outputs_info, non_sequences=None, go_backwards=False, mode=None, name=None):
    """The last value of a scan of `fn` over `sequences`: (value or list of values, updates).

    `fn` gets a row of each sequence, then the values so far, which start from `outputs_info`. The parameters and errors
    are those of `scan`.
    """
    outs, updates = scan(fn, sequences, outputs_info, non_sequences, go_backwards=go_backwards, mode=mode, name=name)
    last = [x[-1] for x in outs] if isinstance(outs, (list, tuple)) else outs[-1]
    return last, updates


def foldl(fn, sequences, outputs_info, non_sequences=None, mode=None, name=None):
    """`reduce` of `fn` over `sequences`, starting from `outputs_info`, from the first row to the last."""
    return reduce(fn, sequences, outputs_info, non_sequences, go_backwards=False, mode=mode, name=name)


def foldr(fn, sequences, outputs_info, non_sequences=None, mode=None, name=None):
    """`reduce` of `fn` over `sequences`, starting from `outputs_info`, from the last row to the first."""
    return reduce(fn, sequences, outputs_info, non_sequences, go_backwards=True, mode=mode, name=name)


boundaries(globals())
