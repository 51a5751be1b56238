"""Which Ops random graphs are made of."""

from collections import Counter

from theanojax.graph.traverse import io_toposort

from .noise import op_names

# what the graphs must have; "set" and "inc" are the two ways of writing
OPS = """
    ARange AbstractBatchNormInference AbstractBatchNormTrain AbstractConv2d
    AbstractConv2d_gradInputs AbstractConv2d_gradWeights AdvancedBooleanIncSubtensor_inc
    AdvancedBooleanIncSubtensor_set AdvancedBooleanSubtensor AdvancedIncSubtensor_inc AdvancedIncSubtensor_set
    AdvancedIncSubtensor1_inc AdvancedIncSubtensor1_set AdvancedSubtensor AdvancedSubtensor1 All Alloc AllocDiag
    Any ArgSortOp Assert AveragePoolGrad Bartlett BatchedDot ChoiceFromUniform Cholesky Choose ConvOp
    CpuContiguous CrossentropyCategorical1Hot CrossentropyCategorical1HotGrad
    CrossentropySoftmaxArgmax1HotWithBias CumOp Default Det DiffOp DimShuffle Dot Dot22 Dot22Scalar Eig Eigh
    Eigvalsh Expm ExtractDiag Eye FillDiagonal FillDiagonalOffset Gemm Gemv Ger IRFFTOp IfElse Images2Neibs
    IncSubtensor_inc IncSubtensor_set Join LogSoftmax MakeVector MatrixInverse MatrixPinv MaxAndArgmax
    MaxPoolGrad MultinomialFromUniform Nonzero PermuteRowElements Pool Prod QRFull RFFTOp RandomFunction
    RavelMultiIndex Rebroadcast RepeatOp Reshape SVD ScalarFromTensor Scan SearchsortedOp Shape Softmax
    SoftmaxGrad SoftmaxWithBias Solve SortOp SpecifyShape Split Subtensor Sum TensorFromScalar
    TensorSolve TopKOp Tri Unique UnravelIndex mrg_uniform
"""
ELEMWISE = """
    AND Abs Add Angle ArcCos ArcCosh ArcSin ArcSinh ArcTan ArcTan2 ArcTanh BNComposite Cast Ceil Chi2SF Clip
    Complex ComplexFromPolar Conj Cos Cosh Deg2Rad EQ Erf Erfc Erfcinv Erfcx Erfinv Exp Exp2 Expm1 Floor GE GT
    Gamma GammaInc GammaIncC GammaL GammaLn GammaU I0 I1 Identity Imag IntDiv Inv Invert IsInf IsNan Iv J0 J1 Jv
    LE LT Log Log10 Log1p Log2 Maximum Minimum Mod Mul NEQ Neg OR Pow Psi Rad2Deg Real RoundHalfAwayFromZero
    RoundHalfToEven ScalarSigmoid ScalarSoftplus ScalarSoftsign Second Sgn Sin Sinh Sqr Sqrt Sub Switch Tan Tanh
    TriGamma TrueDiv Trunc UltraFastScalarSigmoid XOR XlogX XlogY0
"""
REDUCTIONS = "AND Maximum Minimum OR XOR"
# rare ones, left to runs of thousands of graphs
RARE = [
    "AbstractBatchNormTrainGrad",
    "CholeskyGrad",
    "CrossentropySoftmax1HotWithBiasDx",
    "DownsampleFactorMaxGradGrad",
    "EighGrad",
    "EigvalshGrad",
    "ExpmGrad",
    "OpFromGraph",
    "ProdWithoutZeros",
    "TensorInv",
]
EXPECTED = (
    [name.replace("_set", " set").replace("_inc", " inc") for name in OPS.split()]
    + ["Elemwise " + name for name in ELEMWISE.split()]
    + ["CAReduce " + name for name in REDUCTIONS.split()]
)


def names_of(node):
    """What the table of coverage calls the Op of a node: "Elemwise Exp", "IncSubtensor set", "Dot" ..."""
    op = node.op
    names = op_names(op)
    if names[0] in ("IncSubtensor", "AdvancedIncSubtensor1", "AdvancedIncSubtensor", "AdvancedBooleanIncSubtensor"):
        return [names[0] + (" set" if op.set_instead_of_inc else " inc")]
    return [" ".join(names[:2])] if names[0] in ("Elemwise", "CAReduce") else names[:1]


def ops_of(inputs, outputs):
    """Counter of the Ops of a graph, of those in the bodies of its loops, too."""
    found = Counter()
    for node in io_toposort(inputs, outputs):
        found.update(names_of(node))
        if type(node.op).__name__ == "Scan":
            found.update(ops_of(node.op.inputs, node.op.outputs))
    return found
