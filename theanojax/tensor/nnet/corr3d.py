"""Corr3dMM: correlation of volumes, and its gradients. Compiled graphs have it in place of conv3d."""

from theanojax.tensor.nnet.corr_ops import CorrBase, Forward, GradInputs, GradWeights, is_int


class BaseCorr3dMM(CorrBase):
    """What Corr3dMM and its gradients share; not to be used by itself.

    Parameters
    ----------
    border_mode : "valid", "full", "half", an int, or three: zeros around
    subsample, filter_dilation : three ints, the steps between outputs and between the inputs of one output
    num_groups : number of groups that the channels are split into

    ValueError if they are none of these.
    """

    __props__ = ("border_mode", "subsample", "filter_dilation", "num_groups")
    convdim = 3
    family = "Corr3dMM"

    def __init__(self, border_mode="valid", subsample=(1, 1, 1), filter_dilation=(1, 1, 1), openmp=None, num_groups=1):
        self._setup(_clean(border_mode), subsample, filter_dilation, num_groups, openmp)

    @property
    def pad(self):
        """The padding of the axes; -1 stands for "half", -2 for "full"."""
        words = {"half": (-1,) * 3, "full": (-2,) * 3, "valid": (0,) * 3}
        return self.border_mode if isinstance(self.border_mode, tuple) else words[self.border_mode]

    def __str__(self):
        return "%s{%s, %s, %s, %s}" % (
            type(self).__name__,
            self.border_mode,
            self.subsample,
            self.filter_dilation,
            self.num_groups,
        )


def _clean(mode):
    if is_int(mode):
        if mode < 0:
            raise ValueError("invalid border_mode {}, which must be a non-negative integer".format(mode))
        return (mode,) * 3
    if isinstance(mode, tuple):
        if len(mode) != 3 or min(mode) < 0:
            raise ValueError(
                "invalid border_mode {}, which must be a tuple of three non-negative integers".format(mode)
            )
        return tuple(map(int, mode))
    if mode not in ("valid", "full", "half"):
        raise ValueError(
            'invalid border_mode {}, which must be either "valid", "full", "half", an integer or a tuple '
            "of three integers".format(mode)
        )
    return mode


class Corr3dMM(Forward, BaseCorr3dMM):
    """Volumes (b, c, d, h, w) correlated with filters (f, c, kd, kh, kw)."""


class Corr3dMM_gradWeights(GradWeights, BaseCorr3dMM):
    """The gradient of Corr3dMM for its filters."""


class Corr3dMM_gradInputs(GradInputs, BaseCorr3dMM):
    """The gradient of Corr3dMM for its volumes."""


BaseCorr3dMM.forward_op, BaseCorr3dMM.weights_op, BaseCorr3dMM.inputs_op = (
    Corr3dMM,
    Corr3dMM_gradWeights,
    Corr3dMM_gradInputs,
)

__all__ = ["BaseCorr3dMM", "Corr3dMM", "Corr3dMM_gradInputs", "Corr3dMM_gradWeights"]
