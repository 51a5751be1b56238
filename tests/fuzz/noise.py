"""What rounding alone may do to a graph.

Two executors round differently, and a graph may make a lot of that: `floor` of a number that is 3 but for rounding,
`sort` of two that are equal, the difference of two large ones. So where executors disagree the graph is run several
times with noise of the size of rounding errors after each node. An output that the noise moves as much as the
executors disagree says nothing about them. Equal numbers get equal noise, so that what is equal exactly stays so,
but in half of the runs those alone that an elementwise Op gives for the same arguments: of a product or an inverse each
number is rounded in its own way, and gamma(1) and gamma(2) are 1 in two ways.
"""

import numpy as np

from theanojax.graph.traverse import io_toposort
from theanojax.runtime.host import HostExecutor

RUNS = 8
MARGIN = 20  # the executors' disagreement against the largest effect of the noise
MOVES = (
    "DimShuffle",
    "Reshape",
    "Subtensor",
    "AdvancedSubtensor1",
    "AdvancedSubtensor",
    "AdvancedBooleanSubtensor",
    "Join",
    "Split",
    "Alloc",
    "Rebroadcast",
    "SpecifyShape",
    "SortOp",
    "TopKOp",
    "Flatten",
    "MakeVector",
    "ScalarFromTensor",
    "TensorFromScalar",
    "IfElse",
    "AllocDiag",
    "ExtractDiag",
    "RepeatOp",
    "Unique",
    "Nonzero",
    "FillDiagonal",
    "FillDiagonalOffset",
    "PermuteRowElements",
    "Choose",
    "Assert",
    "CpuContiguous",
    "Images2Neibs",
    "Eye",
    "Tri",
    "mrg_uniform",
    "RandomFunction",
    "Shape",
    "Default",
    "DeepCopyOp",
    "ViewOp",
    "Argmax",
)
EXACT = (
    "Cast",
    "Abs",
    "Neg",
    "Sgn",
    "Ceil",
    "Floor",
    "Trunc",
    "RoundHalfToEven",
    "RoundHalfAwayFromZero",
    "Second",
    "Switch",
    "Clip",
    "Identity",
    "Maximum",
    "Minimum",
    "ScalarMaximum",
    "ScalarMinimum",
    "Real",
    "Imag",
    "Conj",
    "Complex",
)
# how many roundings an Op is taken to make; what is not named makes a few
ROUNDINGS = {
    "Erfinv": 1e3,
    "Erfcinv": 1e4,
    "GammaInc": 1e5,
    "GammaIncC": 1e5,
    "GammaU": 1e5,
    "GammaL": 1e5,
    "Chi2SF": 1e5,
    "Jv": 1e4,
    "Iv": 1e4,
    "J0": 1e4,
    "J1": 1e4,
    "I0": 1e3,
    "I1": 1e3,
    "Psi": 1e3,
    "TriGamma": 1e3,
    "Gamma": 1e3,
    "GammaLn": 1e3,
    "Expm": 1e3,
    "MatrixPinv": 1e3,
    "Eigh": 1e3,
    "Eig": 1e3,
    "SVD": 1e3,
    "Eigvalsh": 1e3,
    "MatrixInverse": 1e2,
    "Solve": 1e2,
    "Cholesky": 1e2,
    "Scan": 1e2,
    "QRFull": 1e2,
    "QRIncomplete": 1e2,
    "Det": 1e2,
}


def op_names(op):
    """The name of an Op's class and that of its scalar Op, if it has one."""
    inner = getattr(op, "scalar_op", None)
    return [type(op).__name__] + ([] if inner is None else [type(inner).__name__])


def within(op):
    """The nodes that an Op runs, all the way down: of a loop's body, of a function, of a composite elementwise Op."""
    whole = getattr(op, "scalar_op", op)
    inner = io_toposort(whole.inputs, whole.outputs) if hasattr(whole, "outputs") else []
    return [*inner, *[deeper for node in inner for deeper in within(node.op)]]


def _integral(x):
    x = np.asarray(x)
    return x.dtype.kind not in "fc" or bool(np.all(x == np.rint(x)))


class Noise:
    """A callback of the host executor that adds noise to what a node has computed."""

    def __init__(self, run):
        self.phase = run * 0.7 + 0.1
        self.roundings = (1.0, 4.0, 16.0)[run % 3]
        self.odd = run % 2 == 1  # what may be 0 but for rounding is 0 then: noise alone never gets there

    def __call__(self, index, node, thunk):
        names = op_names(node.op)
        if names[-1] in EXACT or names[0] in MOVES or not thunk.outputs:
            return
        read = [c[0] for c in thunk.inputs if isinstance(c[0], np.ndarray) and c[0].dtype.kind in "biufc"]
        exact = all(_integral(x) for x in read)
        inner = within(node.op)
        scale = self.roundings * max(
            [ROUNDINGS.get(name, 1.0) for op in (node.op, *[n.op for n in inner]) for name in op_names(op)]
        )
        # tanh of a small integer is a float32, in a loop whose values are float64, too
        dtypes = {v.dtype for n in inner for v in n.outputs if hasattr(v, "dtype")}
        # a sum may cancel; so may what is inside a composite Op
        cancels = max([float(np.max(abs(x[np.isfinite(x)]), initial=0)) for x in read if x.dtype.kind in "fc"] or [0])
        for cell in thunk.outputs:
            x = cell[0]
            if not isinstance(x, np.ndarray) or x.dtype.kind not in "fc" or exact and _integral(x):
                continue
            met = dtypes.union(str(y.dtype) for y in [x, *read])
            coarsest = max([np.finfo(dtype).eps for dtype in met if np.dtype(dtype).kind in "fc"])
            cell[0] = self.shaken(x, scale * coarsest, cancels, self._apart(names[0], x, read))

    def _apart(self, name, x, read):
        """What sets equal numbers apart: an array of the shape of `x`."""
        if not self.odd:
            return 0
        if name != "Elemwise":
            return np.arange(x.size).reshape(x.shape)
        with np.errstate(all="ignore"):
            return sum([np.nan_to_num(np.sin(np.real(a) * 78.233)) for a in read], np.zeros(x.shape))

    def shaken(self, x, amount, cancels, place):
        with np.errstate(all="ignore"):
            wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
            hashed = np.sin(np.sin(wide.real * 12.9898 + self.phase + place) * 43758.5453)
            moved = wide + hashed * amount * (abs(wide) + 0.5 * cancels)
            if self.odd:
                moved = np.where(abs(wide) <= amount * cancels, 0, moved)
            return np.where(np.isfinite(wide), moved, wide).astype(x.dtype)


def spread(inputs, outputs, values):
    """For each output the largest difference that noise makes, element by element, or None where it changes the kind
    of answer: its shape, its integers, which numbers are finite."""
    outputs = list(outputs)
    base = HostExecutor((list(inputs), outputs))(values)
    found = [np.zeros(np.shape(x)) if isinstance(x, np.ndarray) else None for x in base]
    for run in range(RUNS):
        try:
            moved = HostExecutor((list(inputs), outputs), callback=Noise(run))(values)
        except Exception:  # noise has made a case for an error of the values
            return [None] * len(outputs)
        for k, (x, y) in enumerate(zip(base, moved)):
            if found[k] is None:
                continue
            if x.shape != y.shape or (x.dtype.kind in "biu" and not np.array_equal(x, y)):
                found[k] = None
                continue
            if x.dtype.kind in "fc":
                if not np.array_equal(np.isfinite(x), np.isfinite(y)):
                    found[k] = None
                    continue
                with np.errstate(all="ignore"):
                    found[k] = np.fmax(found[k], np.where(np.isfinite(x), abs(y - x), 0))
    return found
