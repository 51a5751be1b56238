"""The cases of tests/test_every_op.py: a line for every Op, in a file for its subject."""

from tests.op_cases import indexing, linalg, nnet, other, sparse, tensor
from theanojax.tensor.random.op import RandomVariable

CASES = [*tensor.CASES, *indexing.CASES, *linalg.CASES, *nnet.CASES, *sparse.CASES, *other.CASES]

# Classes that exist to be derived from
BASES = {
    "OpenMPOp", "ScalarOp", "UnaryScalarOp", "BinaryScalarOp", "BinaryBitOp", "UnaryBitOp", "LogicalComparison",
    "FixedLogicalComparison", "GemmRelated", "AbstractConv", "AbstractConv_gradInputs", "AbstractConv_gradWeights",
    "BaseAbstractConv", "BaseCorrMM", "BaseCorr3dMM", "CorrBase", "Forward", "GradInputs", "GradWeights",
    "mrg_uniform_base", "PoolGrad", "BaseAdvancedSubtensor", "BaseAdvancedIncSubtensor", "InplaceOp",
    "DrawFromState", "RandomVariable", "_Move", "_Transfer",
}

# Ops without a case, each with the reason
_OLD = "an old name: making one makes a CumOp"
_MPI = "waits for another process"
_GPU = "needs a context, of which there is none here: tests/on_device"
EXEMPT = {
    "theano.gof.op.COp": "made from C files: tests/test_c_ops.py",
    "theano.gof.type._MakePointer": "it gives a pointer: tests/test_c_ops.py",
    **{"theanojax.interop.from_jax." + name: "tests/test_interop.py makes it" for name in ("JaxOp", "Lengths")},
    "theanojax.legacy.op_tests.BreakRop": "has no derivative, for tests of derivatives: tests/test_op_tests.py",
    "theanojax.vectorizing.rows.Rows": "tests/test_vectorize.py makes it",
    "theanojax.interop.draws.Draw": "tests/test_jax_random.py makes it",
    "theanojax.runtime.native.loop.ScalarLoop": "made for a scalar Op in C when it runs: tests/test_c_ops.py",
    "theano.scalar.basic_sympy.SymPyCCode": "needs sympy, which is not among the test's requirements",
    "theanojax.loop.counted.CountedScan": "XLA's form of a loop with a condition, made while it is compiled",
    "theanojax.loop.counted.ReachedRows": "the cut at the end of a CountedScan",
    "theanojax.tensor.spread.Spread": "made for functions on several devices: tests/test_parallel.py",
    "theano.raise_op.Raise": "it only raises: tests/test_sandbox.py",
    "theano.sandbox.fourier.GradTodo": "it only raises: tests/test_sandbox.py",
    "theano.sparse.sandbox.sp.ConvolutionIndices": "there is nothing to apply, only functions: tests/test_sandbox.py",
    "theano.tensor.random.basic.PolyaGammaRV": "needs pypolyagamma: tests/test_random_variables.py",
    "theano.tensor.extra_ops.CumsumOp": _OLD,
    "theano.tensor.extra_ops.CumprodOp": _OLD,
    **{"theano.tensor.io." + name: _MPI for name in ("MPIRecv", "MPIRecvWait", "MPISend", "MPISendWait")},
    **{"theano.gpuarray.basic_ops." + name: _GPU for name in ("GpuFromHost", "GpuToGpu", "HostFromGpu")},
}

# Ops that only the host runs, each with the reason; besides these, all that deal with what XLA has no values for:
# sparse matrices and lists
_LENGTH = "how long its output is depends on the data"
_OUTSIDE = "it calls what only Python has"
_NUMPYS = "the numbers are those of numpy's generator"
ON_HOST = {
    "AdvancedBooleanSubtensor": _LENGTH,
    "Default": "an input may be None",
    "Eig": "jax has it on CPUs only",
    "FFT": "how long its output is depends on the data; theano.tensor.fft is for XLA",
    "FromFunctionOp": _OUTSIDE,
    "LoadFromDisk": _OUTSIDE,
    "Minimal": _OUTSIDE,
    "Nonzero": _LENGTH,
    "PdbBreakpoint": _OUTSIDE,
    "Observed": "what is observed may be None",
    "RandomFunction": _NUMPYS,
    **{cls.__name__: _NUMPYS for cls in RandomVariable.__subclasses__()},
    "Unique": _LENGTH,
    "lstsq": "its outputs' lengths depend on the rank",
}
