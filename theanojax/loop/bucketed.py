"""The loop inside XLA for any number of steps up to a bound, so that one executable serves sequences of many lengths.

What grows with the number of steps has room for `room` of them: sequences and the buffers of gradients come padded at
their end, the rows of other states and outputs are made with as much. The number of steps is a value known at run
time, so rows beyond it are neither read nor written and the results are exact; who calls cuts them to length.
"""

from theanojax.loop.lowering import Loop, rows_around, writes_in_window

# A window of up to so many rows has an executable for each number of them, one that has up to such a part of all rows
# for each power of two. Others have room for the rows of all steps.
FEW_ROWS, SMALL_PART = 8, 4


class Lengths:
    """How many rows the states and outputs of one call keep, by what that means for an executable.

    Parameters
    ----------
    op : Scan
    n : steps of the call, at least 2
    states, nits : true lengths of its states, and of its outputs that are not read back

    Attributes
    ----------
    growing : frozenset of the positions (states first) that keep the rows of all steps.
    fixed : for each position the exact length where it does not grow, else None. Part of the executable.
    need : steps for which there has to be room.
    possible : False where the rows of a gradient are used as a ring.
    """

    def __init__(self, op, n, states, nits):
        first, width = rows_around(op)
        growing, fixed, need = [], [], n
        windows = len(states) + len(nits) - len(op.windows)
        self.possible = True
        for j, length in enumerate([*states, *nits]):
            whole = j >= windows and op.windows[j - windows][2]
            if j >= windows and not whole and (length <= FEW_ROWS or length * SMALL_PART <= n):
                fixed.append(length if length <= FEW_ROWS else 1 << (length - 1).bit_length())
                continue
            spare = length  # the rows that steps write
            if j < op.n_mit_mot:
                spare -= width[j] - 1
                self.possible = self.possible and spare >= n and writes_in_window(op, j)
            elif j < len(states):
                spare -= first[j]
            grows = spare >= n or j >= windows
            fixed.append(None if grows else length)
            if grows:
                growing.append(j)
                need = max(need, spare)
        self.growing, self.fixed, self.need = frozenset(growing), tuple(fixed), need


class BucketedLoop(Loop):
    """A Loop of which ``run_while`` gives the outer outputs and the number of steps done.

    Parameters
    ----------
    lengths : Lengths
    room : steps that there is room for
    n : the number of steps, a traced integer
    states : the states; of one that grows and is no mit_mot, the rows that are given
    seqs, shared, non_seqs : the other outer inputs
    """

    padded = True

    def __init__(self, op, ctx, node, lengths, room, n, seqs, states, shared, non_seqs):
        self._describe(op, ctx, node)
        xp = ctx.xp
        self.counted, self.growing = True, lengths.growing
        self.steps, self.n = None, n
        self.seqs, self.shared, self.non_seqs = seqs, shared, non_seqs
        self.buffers = [
            xp.concatenate([b, xp.zeros((room, *b.shape[1:]), b.dtype)])
            if j in lengths.growing and j >= op.n_mit_mot
            else b
            for j, b in enumerate(states)
        ]
        self.nit_lengths = [room if length is None else length for length in lengths.fixed[op.n_outs :]]
        self.statics = ctx.statics
