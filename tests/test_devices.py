"""Devices by flags. The tests of tests/on_device run in processes where CPU devices stand for GPUs."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import theano
import theano.tensor as T
from theanojax import devices as names
from theanojax.runtime.xla import devices

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOUR = "--xla_force_host_platform_device_count=4"


def run(arguments, flags, *, pretend=True, **environment):
    """A Python process with these Theano flags; with `pretend` jax has four CPU devices, three of them GPUs."""
    flags = ",".join(filter(None, [os.environ.get("THEANO_FLAGS"), "pretend_device=%s" % pretend, flags]))
    env = {**os.environ, "THEANO_FLAGS": flags, "XLA_FLAGS": FOUR if pretend else "", **environment}
    return subprocess.run([sys.executable, *arguments], env=env, cwd=ROOT, capture_output=True, text=True)


def said(code, flags, **options):
    """(lines of stdout, stderr) of a program."""
    done = run(["-c", "import theano, numpy as np\nimport theano.tensor as T\n" + code], flags, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    "file, flags",
    [
        ("residence", "device=cuda"),
        ("names", "device=cuda1"),
        ("beside", "device=cpu,contexts=dev0->cuda0"),
        ("contexts", "device=cpu,contexts=dev0->cuda0;dev1->cuda1"),
    ],
)
def test_where_devices_stand_for_gpus(file, flags):
    done = run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/on_device/%s.py" % file], flags)
    assert done.returncode == 0 and "passed" in done.stdout and "skipped" not in done.stdout, done.stdout


def test_a_sample_is_lowered_for_gpus_and_tpus():
    sample = "xla and (scan or grad or sort or sum or dot or random)"
    done = run(
        ["-m", "pytest", "-q", "-p", "tests.lowering", "tests/test_features.py", "-k", sample], "", pretend=False
    )
    found = re.search(r"programs lowered: (\d+) for cuda, (\d+) for tpu", done.stdout)
    assert done.returncode == 0 and int(found[1]) == int(found[2]) > 10, done.stdout


WHERE = """
w = theano.shared(np.ones(3), "w")
f = theano.function([], updates=[(w, w * 2)])
f()
value = list.__getitem__(w.container.storage, 0)
print(theano.config.device, f.device, *(device.id for device in value.devices()))
"""


@pytest.mark.parametrize(
    "flag, want, device",
    [
        ("", "cpu", "cpu:0"),
        ("device=cpu", "cpu", "cpu:0"),
        ("device=cuda", "cuda", "cpu:1"),
        ("device=cuda2", "cuda2", "cpu:3"),
        ("device=cuda:1", "cuda:1", "cpu:2"),
    ],
)
def test_functions_run_where_the_flag_says(flag, want, device):
    out, err = said(WHERE, flag)
    assert out == ["%s %s %s" % (want, device, device.partition(":")[2])]
    assert ("Mapped name None to device %s: cpu" % want in err) == ("cuda" in want)
    assert said(WHERE, "print_active_device=False," + flag)[1] == ""


def test_old_names_work_with_a_warning():
    out, err = said(WHERE, "device=gpu1")
    assert out[0].split()[:2] == ["cuda1", "cpu:2"]
    assert "<string>:1: UserWarning: device=gpu1 is the name of Theano 0.9; use device=cuda1" in err
    out, err = said("print(theano.gpuarray.get_context('a').dev)", "contexts=a->gpu1")
    assert out == ["cuda1"]


@pytest.mark.parametrize(
    "flag, why",
    [
        ("device=cuda", "device=cuda: jax finds no such device (for NVIDIA's GPUs: pip install 'jax[cuda13]'"),
        ("device=gpu0", "device=cuda0: jax finds no such device"),
        ("device=tpu", "device=tpu: jax finds no such device (for TPUs: pip install 'jax[tpu]')"),
        ("device=opencl0:0", "device=opencl0:0: jax finds no such device (XLA has none for OpenCL)"),
    ],
)
def test_a_device_that_is_not_there_is_said_once(flag, why):
    out, err = said(WHERE, flag, pretend=False, JAX_PLATFORMS="")
    assert out[0].startswith("cpu ")  # config.device tells the truth
    assert err.count(why) == 1 and "Functions run on cpu instead" in err and err.count("UserWarning: device=") <= 2
    assert "<string>:1: UserWarning: " in err  # the program's line


def test_a_number_that_is_too_large():
    out, err = said(WHERE, "device=cuda3")
    assert out[0].startswith("cpu ") and "device=cuda3: jax has 3 of cuda here, which count from 0" in err


def test_platforms_that_jax_is_told_not_to_look_for():
    _, err = said(WHERE, "device=cuda", pretend=False, JAX_PLATFORMS="cpu")
    assert "device=cuda: JAX_PLATFORMS=cpu hides it from jax" in err


def test_force_device():
    done = run(["-c", "import theano"], "device=cuda0,force_device=True", pretend=False)
    assert "OSError: You forced the use of gpu device cuda0, but CUDA initialization failed with error" in done.stderr
    assert said(WHERE, "device=cuda0,force_device=True")[0][0].startswith("cuda0 ")
    assert said(WHERE, "force_device=True", pretend=False)[0][0].startswith("cpu ")


def test_contexts_that_are_not_there_are_the_device_in_use():
    code = "w = theano.shared(np.ones(3), target='dev1')\nprint(theano.function([], w * 2)().tolist())"
    out, err = said(code, "contexts=dev1->cuda5")
    assert out == ["[2.0, 2.0, 2.0]"]
    assert "contexts=dev1->cuda5: jax has 3 of cuda here, which count from 0. cpu is used instead" in err
    done = run(["-c", "import theano"], "contexts=dev1->cuda5,force_device=True")
    assert "OSError: You forced the use of gpu device cuda5" in done.stderr


def test_init_gpu_device_moves_nothing():
    code = WHERE + "from theano.gpuarray import dnn, pygpu_activated\nprint(pygpu_activated, dnn.dnn_available(None))"
    out, err = said(code, "init_gpu_device=cuda1")
    assert out[0].split()[:2] == ["cpu", "cpu:0"] and out[1] == "True True"
    assert "Mapped name None to device cuda1" in err


def test_use_chooses_a_device_later():
    active = "print(theano.gpuarray.pygpu_activated, theano.gpuarray.type.pygpu_activated)"
    code = WHERE.replace("w =", "theano.gpuarray.use('cuda1')\nw =") + active
    out, _ = said(code, "")
    assert out[0].split()[:2] == ["cuda1", "cpu:2"] and out[1] == "True True"
    code = "theano.sandbox.cuda.use('gpu0')\nprint(theano.config.device, theano.sandbox.cuda.cuda_enabled)\n" + active
    assert said(code, "")[0] == ["cuda0 True", "True True"]


def test_init_dev_names_a_device_and_moves_nothing_else():
    code = """
from theano.gpuarray import init_dev, list_contexts
before = theano.function([], theano.shared(np.ones(2)) * 2)
before()
init_dev("cuda1", "ctx1")
init_dev("gpu1", "ctx1")
init_dev("cuda:2", "ctx2")
a, b = (theano.shared(np.full((2, 2), k), target=target) for k, target in ((1.0, "ctx1"), (2.0, "ctx2")))
f = theano.function([], [T.dot(a, a), T.dot(b, b), a + b])
print(*(value[0, 0] for value in f()), *before())
print(*(list.__getitem__(v.container.storage, 0).device.id for v in (a, b)), theano.config.device, *list_contexts())
for device, context in (("cuda0", "ctx1"), ("cuda9", "ctx9")):
    try:
        init_dev(device, context)
    except (ValueError, RuntimeError) as error:
        print(error)
"""
    out, err = said(code, "")
    assert out[:3] == ["2.0 8.0 3.0 2.0 2.0", "2 3 cpu ctx1 ctx2", "context name ctx1 is already defined"]
    assert out[3].startswith("theano.gpuarray.init_dev('cuda9'): ") and "jax has 3 of cuda here" in out[3]
    assert "Mapped name ctx1 to device cuda1" in err


def test_the_program_that_compares_two_devices_uses_both():
    out, err = said("from theano.misc.check_multi_gpu import main\nmain('cuda0', 'cuda1', size=8)", "")
    assert [line.partition(":")[0] for line in out] == [
        "one call with two products",
        "two calls, one after the other",
        "two calls, in two threads",
    ]
    assert "Mapped name ctx1 to device cuda0" in err and "Mapped name ctx2 to device cuda1" in err


def test_every_op_of_gpuarray_is_that_of_tensors():
    from theano.gpuarray import basic_ops, elemwise, fft, nnet, subtensor
    from theanojax.legacy import gpu_ops

    assert all(getattr(gpu_ops, name) is not None for name in gpu_ops.__all__)
    assert elemwise.GpuElemwise is T.elemwise.Elemwise and subtensor.GpuIncSubtensor is T.IncSubtensor
    x = T.dmatrix("x")
    f = theano.function([x], [nnet.gpu_softmax(x), basic_ops.gpu_join(0, x, x), *basic_ops.GpuSplit(2)(x, 0, [1, 2])])
    assert [v.shape for v in f(np.ones((3, 2)))] == [(3, 2), (6, 2), (1, 2), (2, 2)]
    assert fft.curfft is theano.tensor.fft.rfft
    with pytest.raises(AttributeError, match="no attribute 'GpuNothing'"):
        subtensor.GpuNothing


@pytest.mark.parametrize(
    "module, name, why",
    [
        ("dnn", "GpuDnnRNNOp", "XLA calls cuDNN, .* RNNBlock are here"),
        ("opt", "GraphToGPU", "no rewrite moves a graph to a GPU"),
        ("kernel_codegen", "inline_softmax", "XLA makes the kernels"),
        ("linalg", "GpuMagmaQR", "XLA calls cuSOLVER .* gpu_qr"),
    ],
)
def test_what_gpuarray_was_made_of_can_be_asked_about_and_not_called(module, name, why):
    import importlib

    missing = getattr(importlib.import_module("theano.gpuarray." + module), name)
    assert missing.__name__ == name and not isinstance(T.dot, missing)
    with pytest.raises(NotImplementedError, match="theano.gpuarray's %s is not here: %s" % (name, why)):
        missing()


def test_linear_algebra_of_gpuarray():
    from theano.gpuarray import linalg

    rng = np.random.RandomState(0)
    A, b = rng.rand(4, 4) + 4 * np.eye(4), rng.rand(4, 2)
    m, v = T.dmatrix("m"), T.dmatrix("v")
    forms = {"general": A, "symmetric": A + A.T, "lower": np.tril(A), "upper": np.triu(A)}
    for structure, value in forms.items():
        for trans in "NTC":
            found = theano.function([m, v], linalg.gpu_solve(m, v, structure, trans))(value, b)
            np.testing.assert_allclose(np.dot(value if trans == "N" else value.T, found), b, atol=1e-12)
    low, high = linalg.gpu_solve_lower_triangular(m, v, "T"), linalg.gpu_solve_upper_triangular(m, v)
    low, high = theano.function([m, v], [low, high])(A, b)
    np.testing.assert_allclose(np.dot(np.tril(A).T, low), b, atol=1e-12)
    np.testing.assert_allclose(np.dot(np.triu(A), high), b, atol=1e-12)
    with pytest.raises(ValueError, match="A_structure 'banded' and trans 'N' are none that cuSOLVER has"):
        linalg.gpu_solve(m, v, "banded")
    (q, r), only = linalg.gpu_qr(m), linalg.gpu_qr(m, complete=False)
    q, r, only, upper = theano.function([m], [q, r, only, linalg.gpu_cholesky(T.dot(m.T, m), lower=False)])(A)
    np.testing.assert_allclose(np.dot(q, r), A)
    np.testing.assert_allclose(only, r)
    np.testing.assert_allclose(np.dot(upper.T, upper), np.dot(A.T, A))


def test_ops_of_gpuarray_that_take_something_else():
    from theano import scalar
    from theano.gpuarray import basic_ops, blas, elemwise, multinomial, opt

    x, a, b = T.dmatrix("x"), T.dtensor3("a"), T.dtensor3("b")
    reduce = elemwise.GpuCAReduceCuda(scalar.add, (1,), (0, 1), pre_scalar_op=scalar.sqr)
    products = blas.gpugemmbatch_no_inplace(a, 2.0, a, b, 0.5)
    outs = [reduce(x), elemwise.gpu_ca_reduce_cuda(scalar.maximum, 0)(x), basic_ops.empty_like(x).shape, products]
    rng = np.random.RandomState(0)
    X, A, B = rng.rand(3, 2), rng.rand(2, 3, 3), rng.rand(2, 3, 3)
    squares, largest, shape, found = theano.function([x, a, b], outs)(X, A, B)
    np.testing.assert_allclose(squares, (X**2).sum(1))
    np.testing.assert_allclose(largest, X.max(0))
    np.testing.assert_allclose(found, 2 * np.matmul(A, B) + A / 2)
    assert shape.tolist() == [3, 2]
    choice = multinomial.GPUAChoiceFromUniform("int64", replace=True)
    assert isinstance(choice, theano.sandbox.multinomial.ChoiceFromUniform) and choice.replace

    def moved(op, context_name, inputs, outputs):
        raise AssertionError("nothing is moved")

    opt.register_opt("fast_compile")(opt.op_lifter([T.Dot])(moved))
    theano.function([x], T.dot(x, x.T))(X)
    assert opt.safe_to_cpu(x) is x


def test_a_function_from_before_runs_after_another_device_was_chosen():
    code = """
x = T.dvector("x")
w = theano.shared(np.ones(3), "w")
step = theano.function([x], updates=[(w, w + x)])
step(np.ones(3))
theano.gpuarray.use("cuda1")
later = theano.function([x], updates=[(w, w * x)])
later(np.full(3, 2.0))
step(np.ones(3))
print(w.get_value())
"""
    assert said(code, "")[0] == ["[5. 5. 5.]"]


def test_without_a_gpu_cudnn_may_be_asked_for():
    code = """
from theano.gpuarray import dnn
print(theano.config.device, dnn.dnn_available(None), theano.gpuarray.pygpu_activated)
x = T.ftensor4("x")
print(theano.function([x], dnn.dnn_pool(x, (2, 2)))(np.ones((1, 1, 3, 3), "float32")).shape)
"""
    assert said(code, "dnn.enabled=True", pretend=False)[0] == ["cpu True True", "(1, 1, 2, 2)"]
    code = "from theano.gpuarray import dnn\nprint(dnn.dnn_available(None), dnn.dnn_available.msg)"
    assert said(code, "dnn.enabled=False,device=cuda")[0] == ["False Disabled by dnn.enabled flag"]


@pytest.mark.parametrize(
    "amount, variables",
    [
        (-1, {"XLA_PYTHON_CLIENT_ALLOCATOR": "platform"}),
        (0, {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}),
        (0.5, {"XLA_PYTHON_CLIENT_PREALLOCATE": "true", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.5000"}),
        (1, {"XLA_PYTHON_CLIENT_PREALLOCATE": "true", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.9500"}),
    ],
)
def test_memory_that_is_taken_at_start(amount, variables):
    assert devices._memory_variables(amount) == variables
    code = """
import os
from theanojax.runtime.xla import devices
seen = {n: v for n, v in os.environ.items() if n.startswith("XLA_PYTHON_CLIENT")}
print(seen)
"""
    early = """
import os, jax
old, seen = jax.local_devices, {}
def look(*args, **options):
    seen.update({n: v for n, v in os.environ.items() if n.startswith('XLA_PYTHON')})
    return old(*args, **options)
jax.local_devices = look
"""
    done = run(["-c", early + "import theano\nprint(sorted(seen.items()))" + code], "gpuarray.preallocate=%s" % amount)
    assert done.stdout.splitlines() == [str(sorted(variables.items())), "{}"], done.stderr


def test_memory_in_megabytes(monkeypatch):
    class Answer:
        stdout = "16384\n16384\n"

    monkeypatch.setattr(subprocess, "run", lambda *args, **options: Answer)
    assert devices._memory_variables(4096)["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.2500"


def test_no_setting_of_jax_changes():
    code = """
import jax
print(jax.config.jax_default_device, jax.numpy.ones(2).devices(), jax.jit(lambda x: x * 2)(np.ones(2)).devices())
"""
    assert said(WHERE + code, "device=cuda1")[0][1:] == ["None {CpuDevice(id=0)} {CpuDevice(id=0)}"]


def test_old_programs(tmp_path):
    script = tmp_path / "old.py"
    script.write_text("""
import theano.sandbox.cuda
from theano.sandbox.cuda.basic_ops import gpu_from_host, host_from_gpu, gpu_contiguous
from theano.sandbox.cuda import cuda_available, CudaNdarrayType, shared_constructor
import theano.tensor as T
import numpy
x = CudaNdarrayType((False, False))('x')
w = shared_constructor(numpy.ones((2, 2), 'float32'))
f = theano.function([x], [host_from_gpu(x) * w, gpu_from_host(x * 2)])
print cuda_available, x.type, f(numpy.ones((2, 2), 'float32'))[0].sum()
""")
    done = run(["-m", "theanojax", "run", str(script)], "device=gpu0")
    assert done.stdout == "True GpuArrayType<None>(float32, matrix) 4.0\n", done.stderr


def test_the_program_of_the_old_tutorial(tmp_path):
    script = tmp_path / "old.py"
    script.write_text("""
from theano import function, shared, sandbox
import theano.sandbox.cuda.basic_ops
from theano.sandbox.cuda.blas import *
from theano.sandbox.cuda import basic_ops, HostFromGpu
import theano.tensor as T
import numpy
x = shared(numpy.zeros(3, 'float32'))
f = function([], sandbox.cuda.basic_ops.gpu_from_host(T.exp(x)))
print numpy.asarray(f()), sandbox.cuda.var.shared_constructor is basic_ops.shared_constructor, GpuCorrMM.__name__
print isinstance(f.maker.fgraph.outputs[0].owner.op, basic_ops.GpuFromHost), HostFromGpu.__name__
""")
    done = run(["-m", "theanojax", "run", str(script)], "device=gpu")
    assert done.stdout == "[1. 1. 1.] True GpuCorrMM\nTrue HostFromGpu\n", done.stderr


def test_names_of_devices():
    assert names.today("gpu") == "cuda" and names.today("gpu12") == "cuda12" and names.today("cuda1") == "cuda1"
    assert (names.kind_of("cuda12"), names.number_of("cuda12"), names.number_of("tpu")) == ("cuda", 12, 0)
    assert (names.kind_of("cuda:1"), names.number_of("cuda:1")) == ("cuda", 1)
    assert names.pairs("a->cuda0;b->gpu1") == [("a", "cuda0"), ("b", "cuda1")]
    with pytest.raises(TypeError, match="context is not GpuContext"):
        names.reg_context("a", object())


def test_without_contexts_there_is_no_target():
    with pytest.raises(TypeError, match="No suitable SharedVariable constructor.*There is no context dev1"):
        theano.shared(np.ones(3), target="dev1")
    with pytest.raises(ValueError, match="Can't transfer to target dev1"):
        T.dvector().transfer("dev1")
    x = T.dvector()
    assert x.transfer("cpu") is x
