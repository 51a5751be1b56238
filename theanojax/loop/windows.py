"""Outputs of a loop that keep some of its rows.

``op.windows`` belongs to the last outputs that are only written (nit_sots), (source, step, whole) each, and the last
non-sequences are the first rows that they keep. Such an output holds the rows ``start, start + step, ...`` of all that
the loop computes of one thing, as many as its length says. `source` is the position of the state among the outer
outputs whose rows these are; its initial ones come first and are counted. It is None for what is no state. `whole` says
that these are the rows of all steps.

Only loops that run have windows, not those of the graph that programs look at.
"""


class Window:
    """What a window of a loop keeps.

    Attributes
    ----------
    position : of the output, where states come first.
    source : position of the state, or None.
    whole : whether it has the rows of all steps.
    start, step, length : the rows; `start` may be traced.
    first : how many initial rows there are.
    """

    def __init__(self, position, source, start, step, length, first, whole):
        self.position, self.source, self.first, self.whole = position, source, first, whole
        self.start, self.step, self.length = start, step, length

    def place(self, row):
        """Where the window has row `row`, both integers; None if it has not."""
        at, between = divmod(row - self.start, self.step)
        return at if not between and 0 <= at < self.length else None


def windows_of(op, starts, lengths):
    """The Windows of the Scan `op`, of which `starts` and `lengths` end with theirs."""
    n = len(op.windows)
    positions = range(op.n_outs + op.n_nit_sot - n, op.n_outs + op.n_nit_sot)
    rows = zip(op.windows, positions, starts[len(starts) - n :], lengths[len(lengths) - n :])
    return [
        Window(j, source, start, step, length, 0 if source is None else -op.mintaps[source], whole)
        for (source, step, whole), j, start, length in rows
    ]
