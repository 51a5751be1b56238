"""CorrMM: correlation of images, and its gradients. Compiled graphs have it in place of conv2d."""

from theanojax.tensor.nnet.corr_ops import CorrBase, Forward, GradInputs, GradWeights, is_int


class BaseCorrMM(CorrBase):
    """What CorrMM and its gradients share; not to be used by itself.

    Parameters
    ----------
    border_mode : "valid", "full", "half", an int, or two ints or pairs of ints (before, after): zeros around
    subsample, filter_dilation : two ints, the steps between outputs and between the inputs of one output
    num_groups : number of groups that the channels are split into
    unshared : whether each place of the output has filters of its own

    ValueError if they are none of these.
    """

    __props__ = ("border_mode", "subsample", "filter_dilation", "num_groups", "unshared")

    def __init__(
        self, border_mode="valid", subsample=(1, 1), filter_dilation=(1, 1), num_groups=1, unshared=False, openmp=None
    ):
        self.unshared = unshared
        self._setup(_clean(border_mode), subsample, filter_dilation, num_groups, openmp)

    @property
    def pad(self):
        """The padding of rows and columns as pairs; -1 stands for "half", -2 for "full"."""
        words = {"half": ((-1, -1),) * 2, "full": ((-2, -2),) * 2, "valid": ((0, 0),) * 2}
        return self.border_mode if isinstance(self.border_mode, tuple) else words[self.border_mode]

    def __str__(self):
        return "%s{%s, %s, %s, %s %s}" % (
            type(self).__name__,
            self.border_mode,
            self.subsample,
            self.filter_dilation,
            self.num_groups,
            self.unshared,
        )


def _clean(mode):
    if is_int(mode):
        if mode < 0:
            raise ValueError("invalid border_mode {}, which must be a non-negative integer".format(mode))
        return ((mode, mode),) * 2
    if isinstance(mode, tuple):
        if len(mode) != 2:
            raise ValueError("invalid border_mode {} which must be a tuple of length 2".format(mode))
        pairs = [m if isinstance(m, tuple) else (m, m) for m in mode]
        if any(len(p) != 2 or min(p) < 0 for p in pairs):
            raise ValueError(
                "invalid border mode {}. The tuple can only contain integers or tuples of length 2".format(mode)
            )
        return tuple((int(a), int(b)) for a, b in pairs)
    if mode not in ("valid", "full", "half"):
        raise ValueError(
            'invalid border_mode {}, which must be either "valid", "full", "half", an integer or a tuple '
            "of two integers or a pair of integers".format(mode)
        )
    return mode


class CorrMM(Forward, BaseCorrMM):
    """Images (b, c, h, w) correlated with filters (f, c, kh, kw), or unshared ones (f, oh, ow, c, kh, kw)."""


class CorrMM_gradWeights(GradWeights, BaseCorrMM):
    """The gradient of CorrMM for its filters."""


class CorrMM_gradInputs(GradInputs, BaseCorrMM):
    """The gradient of CorrMM for its images."""


BaseCorrMM.forward_op, BaseCorrMM.weights_op, BaseCorrMM.inputs_op = CorrMM, CorrMM_gradWeights, CorrMM_gradInputs

__all__ = ["BaseCorrMM", "CorrMM", "CorrMM_gradInputs", "CorrMM_gradWeights"]
