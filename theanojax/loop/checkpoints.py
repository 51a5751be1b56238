"""`scan_checkpoints`: a scan that keeps every Nth state and computes the others again for the gradient."""

import theanojax.tensor as T
from theanojax.scan import scan
from theanojax.tensor.join import Join


def scan_checkpoints(
    fn,
    sequences=(),
    outputs_info=None,
    non_sequences=(),
    name="checkpointscan_fn",
    n_steps=None,
    save_every_N=10,
    padding=True,
):
    """A loop over blocks of `save_every_N` steps, each an inner loop.

    The gradient needs the state between blocks only; within a block it is computed a second time (T. Chen et al.,
    Training deep nets with sublinear memory cost, 2016). Arguments, `fn` first, are those of `scan`, with these limits:
    all sequences have the same length, which is `n_steps` if that is given; outputs have no taps; `fn` should be used
    for the last value of its outputs.

    Parameters
    ----------
    save_every_N : int
    padding : bool
        Fill the sequences up with zeros to a multiple of `save_every_N`; without it their length has to be one.

    Returns
    -------
    (outputs, updates) as from `scan`, with one row every `save_every_N` steps.
    """
    sequences, outputs_info, non_sequences = (
        list(x) if isinstance(x, (list, tuple)) else [x] for x in (sequences, outputs_info, non_sequences)
    )
    if any(isinstance(info, dict) and "taps" in info for info in outputs_info):
        raise RuntimeError("scan_checkpoints doesn't work with taps.")
    if n_steps is None:
        n_steps = sequences[0].shape[0]
    n_blocks = T.cast(T.ceil(n_steps / save_every_N), "int64")
    sizes = save_every_N * T.ones((n_blocks,), "int64")
    left = n_steps % save_every_N
    sizes = T.set_subtensor(sizes[-1], T.switch(T.eq(left, 0), save_every_N, left))
    if padding:
        # The zeros may have no rows; then the sequence itself is the result.
        sequences = [Join(view=0)(0, s, _padding(s, save_every_N)) for s in sequences]
    blocks = [
        s.reshape([s.shape[0] // save_every_N, save_every_N] + [s.shape[i] for i in range(1, s.ndim)], s.ndim + 1)
        for s in sequences
    ]
    n_seqs = len(blocks) + 1
    unread = [info for info in outputs_info if info is None]

    def block(*args):
        rest = len(args) - len(non_sequences)
        *rows, size = args[:n_seqs]
        outs, updates = scan(
            fn,
            sequences=rows,
            outputs_info=list(args[n_seqs:rest]) + unread,
            non_sequences=list(args[rest:]),
            name=name + "_inner",
            n_steps=size,
            return_list=True,
        )
        return [v[-1] for v in outs or ()], updates

    return scan(
        block,
        sequences=blocks + [sizes],
        outputs_info=outputs_info,
        non_sequences=non_sequences,
        name=name + "_outer",
        n_steps=n_blocks,
        allow_gc=True,
    )


def _padding(s, size):
    return T.zeros([-s.shape[0] % size] + [s.shape[i] for i in range(1, s.ndim)], dtype=s.dtype)
