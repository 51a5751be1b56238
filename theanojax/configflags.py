"""The flags that change something, one row each: name, values, meaning. `theanojax.configinert` has the others."""

from __future__ import annotations

import math
import os
import platform
import re
import shlex
import struct
import sys
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np

from theanojax import devices
from theanojax.configparser import BoolParam, ConfigParam, EnumStr, FloatParam, IntParam, StrParam, config

# ---- Values with rules of their own


def floatX_convert(s: str) -> str:
    """`32` is short for float32, and so on."""
    return f"float{s}" if s in ("16", "32", "64") else s


class DeviceParam(ConfigParam):
    """A device name: one of `first`, `cuda*`, `tpu*` or `opencl*`; `gpu*` is the old name of `cuda*`.

    `default` is a name or a function that finds it.
    """

    def __init__(self, first: str, *options: str, default: Any = None, allow_override: bool = True):
        self.first = first
        super().__init__(first if default is None else default, self._check, allow_override)

    def _check(self, name: str) -> str:
        if name.startswith(devices.OLD_KIND):
            old, name = name, devices.today(name)
            if name == old:
                raise ValueError(f"there is no device {name}; use {self.fullname}=cuda, cuda0, cuda1 ...")
            text = f"{self.fullname}={old} is the name of Theano 0.9; use {self.fullname}={name}"
            warnings.warn(text, stacklevel=devices.program_stacklevel())
        if name == self.first or name.startswith(devices.ACCELERATORS):
            return name
        raise ValueError(
            f'Invalid value ("{name}") for configuration variable "{self.fullname}". '
            'Valid options start with one of "cpu", "opencl" or "cuda".'
        )

    def settle(self, name: str) -> None:
        """Make `name`, the device that was found, the value."""
        self.val = name

    def __str__(self) -> str:
        return f"{self.fullname} ({self.first}, opencl*, cuda*) "


def filter_contexts(value: str) -> str:
    """Check a list of contexts, `name->device;name->device`."""
    for entry in value.split(";") if value else ():
        name, arrow, device = entry.partition("->")
        if not arrow or "->" in device:
            raise ValueError(f"Malformed context map: {entry}")
        if name == "cpu" or name.startswith(("cuda", "opencl")):
            raise ValueError(f"Cannot use {name} as context name")
    return value


class ContextsParam(ConfigParam):
    """A list of named devices."""

    def __init__(self) -> None:
        super().__init__("", filter_contexts, False)


MODE_NAMES = ("Mode", "DebugMode", "FAST_RUN", "NanGuardMode", "FAST_COMPILE", "DEBUG_MODE")
# Gone in Theano 1.0, and still in the tutorials.
OLDER_MODE_NAMES = ("ProfileMode", "PROFILE_MODE")


def filter_mode(val: Any) -> Any:
    """Check a mode: one of the names, or an instance of Mode."""
    if isinstance(val, str):
        if val in MODE_NAMES + OLDER_MODE_NAMES:
            return val
    # By name: this module must not import the one that defines Mode.
    elif any(base.__name__ == "Mode" for base in type(val).__mro__):
        return val
    raise ValueError(
        "Expected one of those string 'Mode', 'DebugMode', 'FAST_RUN', 'NanGuardMode', 'FAST_COMPILE', "
        "'DEBUG_MODE' or an instance of Mode."
    )


def filter_vm_lazy(val: Any) -> bool | None:
    """True, False or None, or the name of one of them."""
    for option in (False, True, None):
        if val is option or val == str(option):
            return option
    raise ValueError(f"Valid values for an vm.lazy parameter should be None, False or True, not `{val}`.")


def good_seed_param(seed: str) -> bool:
    """Whether `seed` is an integer or the word `random`."""
    return seed == "random" or bool(re.fullmatch(r"\s*[+-]?\d+\s*", seed))


PREALLOCATED_OUTPUTS = ("initial", "previous", "c_contiguous", "f_contiguous", "strided", "wrong_size", "ALL", "")


def is_valid_check_preallocated_output_param(param: Any) -> bool:
    """Whether `param` lists only known kinds of preallocated output, separated by colons."""
    return isinstance(param, str) and set(param.split(":")) <= set(PREALLOCATED_OUTPUTS)


def removed_option(name: str, instead: str) -> ConfigParam:
    """A flag that may only be left alone."""

    def refuse(value: Any) -> bool:
        if value:
            raise RuntimeError(f"The option `{name}` has been removed and should not be used anymore. {instead}")
        return True

    return ConfigParam("", refuse, allow_override=False)


def deprecated_gpuarray_sync(val: Any) -> bool:
    """Refuse a true `gpuarray.sync`."""
    if val:
        raise RuntimeError("Flag gpuarray.sync is deprecated and will be removed in next Theano release.")
    return False


def positive(number: float) -> bool:
    """Whether `number` is above zero."""
    return number > 0


def not_negative(number: float) -> bool:
    """Whether `number` is zero or more."""
    return number >= 0


def zero_one_or_two(number: int) -> bool:
    """Whether `number` is a level: 0, 1 or 2."""
    return number in (0, 1, 2)


def fixed(default: Any, make: Any = StrParam, **kwargs: Any) -> Any:
    """A flag that can't change while the program runs."""
    return make(default, allow_override=False, **kwargs)


# ---- Devices

PLUGINS = ("jax_plugins", "libtpu")  # packages that bring jax a device


def default_device() -> str:
    """The device that jax uses by default; without a plugin, it need not be asked."""
    if not any(map(find_spec, PLUGINS)):
        return "cpu"
    return devices.jax_default[0]()


# ---- Which old bugs to warn about

KNOWN_VERSIONS = (
    *("None", "all", "0.3", "0.4", "0.4.1", "0.5", "0.6", "0.7", "0.8", "0.8.1", "0.8.2", "0.9", "0.10"),
    *("1.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5"),
)


def split_version(version: str) -> tuple[int, ...]:
    """(0, 4, 1) for "0.4.1"."""
    return tuple(int(number) for number in version.split("."))


def warn_default(version: str) -> bool:
    """Whether the user wants to hear of bugs that `version` fixed."""
    limit: str = config.warn.ignore_bug_before
    if limit in ("None", "all"):
        return limit == "None"
    return split_version(limit) < split_version(version)


def warn_since(version: str) -> Any:
    """A flag that says whether to warn about a bug fixed in `version`."""
    return BoolParam(lambda: warn_default(version))


# ---- Directories


def short_platform(r: str | None = None, p: str | None = None) -> str:
    """`platform.platform()`, with the release cut to what doesn't change at every kernel update.

    `X.Y.Z-NN.rest` becomes `X.Y-rest`; anything of another form is left as it is.
    """
    release = platform.release() if r is None else r
    name = platform.platform() if p is None else p
    numbers, *rest = release.split("-")
    if not rest or len(numbers.split(".")) <= 2:
        return name
    words = rest[0].split(".")
    while words and words[0].isdigit():
        del words[0]
    short = "-".join([".".join(numbers.split(".")[:2]), ".".join(words), *rest[1:]])
    return name.replace(release, short)


def local_bitwidth() -> int:
    """Bits of a pointer."""
    return struct.calcsize("P") * 8


def python_int_bitwidth() -> int:
    """Bits of a C long."""
    return struct.calcsize("l") * 8


def compiledir_keys() -> dict[str, Any]:
    """What `compiledir_format` may refer to."""
    import socket

    return {
        **{key: getattr(platform, key)() for key in ("platform", "processor", "python_version")},
        "short_platform": short_platform(),
        "python_bitwidth": local_bitwidth(),
        "python_int_bitwidth": python_int_bitwidth(),
        "theano_version": "1.0.5",
        "numpy_version": np.__version__,
        "gxx_version": "GCC_NOT_FOUND",
        "hostname": socket.gethostname(),
        "device": config.device,
    }


default_compiledir_format = "compiledir_%(short_platform)s-%(processor)s-%(python_version)s-%(python_bitwidth)s"


def default_compiledirname() -> str:
    """The name that `compiledir_format` gives the directory of compiled code."""
    name: str = config.compiledir_format % compiledir_keys()
    return re.sub(r"[()\s,]+", "_", name)


def get_home_dir() -> str:
    """The user's home directory."""
    return os.environ.get("HOME") or os.path.expanduser("~")


def default_base_compiledir() -> str:
    """Where compiled code goes unless told."""
    local = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None
    return os.path.join(local, "Theano") if local else os.path.join(get_home_dir(), ".theano")


def default_compiledir() -> str:
    """The directory of compiled code for this platform."""
    return os.path.join(config.base_compiledir, default_compiledirname())


def filter_base_compiledir(path: Any) -> str:
    """`path` with its `~` expanded."""
    return os.path.expanduser(str(path))


def filter_compiledir(path: str) -> str:
    """The real path of `path`, made if need be: programs put files of their own there."""
    path = os.path.realpath(os.path.expanduser(path))
    try:
        make_private_folder(path)
    except OSError:
        raise ValueError(f"Unable to create the compiledir directory '{path}'. Check the permissions.") from None
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ValueError(f"compiledir '{path}' exists but you don't have read, write or listing permissions.")
    return path


def default_cxx() -> str:
    """The C++ compiler that is found: one of the usual names, the one Python was built with, or the package ziglang."""
    import shutil  # which takes a while to import, for the archives that it can read
    import sysconfig

    built_with = (sysconfig.get_config_var("CXX") or "").partition(" ")[0]
    for name in ("g++", "clang++", "c++", built_with):
        if name and shutil.which(name):
            return name
    return f"{shlex.quote(sys.executable)} -m ziglang c++" if find_spec("ziglang") else ""


def make_private_folder(path: str) -> None:
    """Make the folder, and those above it that are missing, for this user alone, whatever the umask is."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        make_private_folder(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:  # made by another process, meanwhile
        if not os.path.isdir(path):
            raise


# ---- The tables: (name, parameter, meaning) and, for what decides the code compiled, KEY

KEY = True
ACTIONS = ("ignore", "warn", "raise", "pdb")
TEST_VALUE_ACTIONS = ("off", "ignore", "warn", "raise", "pdb")
_SETERR_DOC = "What numpy does about float errors on the host: it names the node. XLA tells of none."
SETERR = ("ignore", "warn", "raise", "call", "print", "log")


def _seterr_of(kind: str) -> tuple[str, EnumStr, str]:
    parameter = EnumStr("None", *SETERR, allow_override=False)
    return (f"numpy.seterr_{kind}", parameter, f"As numpy.seterr_all, for errors of kind {kind} alone.")


FLAGS: tuple[tuple[Any, ...], ...] = (
    # graphs and types
    ("floatX", EnumStr("float64", "float32", "float16", convert=floatX_convert), "Default float type.", KEY),
    ("warn_float64", EnumStr(*ACTIONS), "What to do when a float64 variable is made."),
    ("cast_policy", EnumStr("custom", "numpy+floatX"), "How mixed types convert.", KEY),
    ("int_division", EnumStr("int", "raise", "floatX"), "What the old `/` of two integers does."),
    ("pickle_test_value", BoolParam(True), "Whether pickled variables keep their test values."),
    ("compute_test_value", EnumStr(*TEST_VALUE_ACTIONS), "Whether to run each Op on test values as it is applied."),
    ("compute_test_value_opt", EnumStr(*TEST_VALUE_ACTIONS), "The same, for Ops that rewrites add."),
    ("print_test_value", BoolParam(False), "Whether the repr of a variable shows its test value."),
    ("tensor.cmp_sloppy", fixed(0, IntParam, is_valid=zero_one_or_two), "How loosely values compare: 0, 1 or 2."),
    ("conv.assert_shape", BoolParam(False), "Whether convolutions check the shapes that were declared."),
    ("check_input", BoolParam(True), "Whether C code of Ops checks its inputs, as types say.", KEY),
    # compiling functions
    ("mode", ConfigParam("Mode", filter_mode), "Mode of functions that name none."),
    ("linker", EnumStr("cvm", "c|py", "py", "c", "c|py_nogc", "vm", "vm_nogc", "cvm_nogc"), "Linker of that mode."),
    (
        "optimizer",
        EnumStr("o4", "o3", "o2", "o1", "unsafe", "fast_run", "fast_compile", "merge", "None"),
        "Rewrites of that mode; o4, the default, is fast_run.",
    ),
    ("optimizer_excluding", fixed(""), "Tags of rewrites to leave out, separated by colons."),
    ("optimizer_including", fixed(""), "Tags of rewrites to add, separated by colons."),
    ("optimizer_requiring", fixed(""), "Tags that rewrites must have, separated by colons."),
    ("optimizer_verbose", BoolParam(False), "Whether to print each rewrite applied."),
    ("on_opt_error", EnumStr("warn", "raise", "pdb", "ignore"), "What to do when a rewrite fails."),
    ("on_shape_error", EnumStr("warn", "raise"), "What to do when an Op's infer_shape fails."),
    ("on_unused_input", EnumStr("raise", "warn", "ignore"), "What to do about an input that no output needs."),
    ("tensor.local_elemwise_fusion", BoolParam(True), "Whether elementwise Ops are joined into Composites."),
    ("tensor.insert_inplace_optimizer_validate_nb", IntParam(-1), "Other than 1: no Op overwrites a single number."),
    ("optdb.position_cutoff", FloatParam(math.inf), "Position at which rewriting stops."),
    ("optdb.max_use_ratio", FloatParam(8), "Uses of one rewrite, per node, before it is taken for a loop."),
    ("metaopt.verbose", IntParam(0), "How much meta-optimizers print: 0, 1 or 2."),
    (
        "metaopt.optimizer_excluding",
        StrParam(""),
        "Tags of rewrites that a meta-optimizer leaves out, separated by colons.",
    ),
    ("metaopt.optimizer_including", StrParam(""), "Tags of those that it keeps all the same, separated by colons."),
    ("cycle_detection", EnumStr("regular", "fast"), "How in-place rewrites look for cycles."),
    ("check_stack_trace", EnumStr("off", "log", "warn", "raise"), "What to do when a rewrite loses a creation line."),
    ("unpickle_function", BoolParam(True), "Whether compiled functions are restored, rather than None, by pickle."),
    ("reoptimize_unpickled_function", BoolParam(False), "Whether a restored function's graph is rewritten again."),
    # devices
    (
        "device",
        DeviceParam("cpu", default=default_device, allow_override=False),
        "Where functions run: cpu, cuda*, tpu* or opencl*. Unless told: jax's default device.",
    ),
    ("force_device", fixed(False, BoolParam), "Whether to fail, rather than use the CPU, where `device` is missing."),
    ("init_gpu_device", DeviceParam("", allow_override=False), "GPU to start without running on it."),
    ("contexts", ContextsParam(), "Names for several GPUs: name->device;name->device."),
    ("print_active_device", fixed(True, BoolParam), "Whether the GPU in use is announced."),
    (
        "gpuarray.preallocate",
        fixed(0, FloatParam),
        "GPU memory to take at start: a fraction, or megabytes; < 0: no cache.",
    ),
    ("deterministic", EnumStr("default", "more"), "Whether GPU kernels prefer determinism to speed."),
    ("assert_no_cpu_op", EnumStr(*ACTIONS), "What to do about Ops that run on the host in a graph for a GPU."),
    (
        "dnn.enabled",
        EnumStr("auto", "True", "False", "no_check"),
        "Whether cuDNN's functions may be called; True: without a GPU, too.",
    ),
    (
        "pretend_device",
        BoolParam(False, allow_override=False),
        "For tests: CPU devices after jax's first count as GPUs.",
    ),
    # running functions
    ("allow_gc", BoolParam(True), "Whether the host drops results in between once they have been used."),
    ("vm.lazy", ConfigParam("None", filter_vm_lazy), "Whether evaluation is lazy; None: where a graph needs it."),
    ("scan.allow_gc", BoolParam(False), "The same as allow_gc, inside loops."),
    ("scan.allow_output_prealloc", BoolParam(True), "Whether loops write their results in place."),
    ("scan.debug", BoolParam(False), "Whether it is printed which rewrite adds or removes a loop."),
    (
        "verbose_compile",
        EnumStr("auto", "True", "False", convert=str),
        "Whether stderr says what takes over two seconds until a function runs; auto: in terminals and notebooks.",
    ),
    (
        "scan_progress",
        EnumStr("False", "auto", "True", convert=str),
        "Whether stderr says at which step a scan of over two seconds is; auto: in terminals and notebooks.",
    ),
    ("picture_nodes", IntParam(60, lambda n: n >= 0), "Ops in the largest graph that notebooks draw; 0 draws none."),
    ("exception_verbosity", EnumStr("low", "high"), "How much errors tell about the node at fault."),
    ("traceback.limit", IntParam(8), "Lines kept of where a variable was made; -1 keeps all."),
    ("traceback.compile_limit", IntParam(0), "The same for what compilation makes; -1 keeps all."),
    ("traceback.show_internals", BoolParam(False), "Whether tracebacks of errors show this package's own frames."),
    ("numpy.seterr_all", EnumStr(*SETERR, "None", allow_override=False), _SETERR_DOC),
    *(_seterr_of(kind) for kind in ("divide", "over", "under", "invalid")),
    # checking modes
    ("NanGuardMode.nan_is_error", BoolParam(True), "Whether NanGuardMode refuses nan."),
    ("NanGuardMode.inf_is_error", BoolParam(True), "Whether NanGuardMode refuses infinities."),
    ("NanGuardMode.big_is_error", BoolParam(True), "Whether NanGuardMode refuses values past 1e10."),
    ("NanGuardMode.action", EnumStr("raise", "warn", "pdb"), "What NanGuardMode does about one."),
    ("DebugMode.patience", IntParam(10, positive), "How many times DebugMode rewrites a graph, to compare."),
    ("DebugMode.check_c", BoolParam(False), "Whether DebugMode runs compiled code."),
    ("DebugMode.check_py", BoolParam(True), "Whether DebugMode runs `perform`."),
    ("DebugMode.check_finite", BoolParam(True), "Whether DebugMode refuses nan and infinities."),
    ("DebugMode.check_strides", IntParam(0, zero_one_or_two), "On unequal strides: ignore (0), warn (1), raise (2)."),
    ("DebugMode.warn_input_not_reused", BoolParam(True), "Whether to warn of in-place Ops that are not."),
    (
        "DebugMode.check_preallocated_output",
        StrParam("", is_valid=is_valid_check_preallocated_output_param),
        "Kinds of preallocated outputs that DebugMode tries, separated by colons.",
    ),
    ("DebugMode.check_preallocated_output_ndim", IntParam(4, positive), "Dimensions over which it varies strides."),
    ("unittests.rseed", StrParam(666, is_valid=good_seed_param), "Seed of randomized tests, or `random`."),
    # rewriting
    ("cache_optimizations", BoolParam(False), "Whether rewritten graphs are kept in compiledir, for later processes."),
    ("experimental.local_alloc_elemwise_assert", BoolParam(True), "Whether that rewrite adds checks of shapes."),
    # profiling
    ("profile", BoolParam(False), "Whether functions are profiled."),
    ("profile_optimizer", BoolParam(False), "Whether rewriting is profiled."),
    ("profile_memory", BoolParam(False), "Whether profiles include memory."),
    ("profiling.time_thunks", BoolParam(True), "Whether single nodes are timed."),
    ("profiling.n_apply", IntParam(20, positive), "Nodes that a profile lists."),
    ("profiling.n_ops", IntParam(20, positive), "Ops that a profile lists."),
    ("profiling.output_line_width", IntParam(512, positive), "Width of a profile's lines."),
    ("profiling.min_memory_size", IntParam(1024, not_negative), "Bytes below which a node's memory isn't listed."),
    ("profiling.min_peak_memory", BoolParam(False), "Whether to look for the order with the lowest memory peak."),
    ("profiling.destination", StrParam("stderr"), "File that profiles go to: stderr, stdout or a path."),
    ("profiling.debugprint", BoolParam(False), "Whether a profile includes the function's graph."),
    ("profiling.ignore_first_call", BoolParam(False), "Whether a function's first call is left out."),
    ("print_global_stats", BoolParam(False), "Whether to print where the time went as the program ends."),
    ("ProfileMode.n_apply_to_print", IntParam(15, positive), "Older name of profiling.n_apply, for ProfileMode."),
    ("ProfileMode.n_ops_to_print", IntParam(20, positive), "Older name of profiling.n_ops, for ProfileMode."),
    ("ProfileMode.min_memory_size", IntParam(1024, not_negative), "Older name of profiling.min_memory_size."),
    ("ProfileMode.profile_memory", BoolParam(False), "Older name of profile_memory, for ProfileMode."),
    # warnings of Theano's that still mean something
    (
        "warn.ignore_bug_before",
        EnumStr("0.9", *KNOWN_VERSIONS, allow_override=False),
        "Don't warn of bugs that this version had fixed.",
    ),
    ("warn.round", warn_since("0.9"), "Whether to warn that round() rounds halves to even."),
    ("warn.signal_conv2d_interface", warn_since("0.7"), "Whether to warn that signal.conv.conv2d has changed."),
    ("warn.argmax_pushdown_bug", warn_since("0.3"), "Whether to warn of a bug of 2010 in argmax."),
    ("warn.inc_set_subtensor1", warn_since("0.7"), "Whether to warn of a bug in inc_subtensor of vectors."),
    ("warn.inc_subtensor1_opt", warn_since("0.10"), "Whether to warn of a bug with repeated indices."),
    # directories
    ("compiledir_format", fixed(default_compiledir_format), "Name of compiledir, with %(keys)s."),
    ("base_compiledir", ConfigParam(default_base_compiledir, filter_base_compiledir, False), "Where compiledir goes."),
    ("compiledir", ConfigParam(default_compiledir, filter_compiledir, False), "Directory of compiled code."),
    ("compile.wait", fixed(5, IntParam, is_valid=positive), "Seconds between tries to lock compiledir."),
    (
        "compile.timeout",
        fixed(lambda: config.compile.wait * 24, IntParam, is_valid=not_negative),
        "Seconds after which such a lock counts as left behind.",
    ),
    ("cmodule.age_thresh_use", fixed(60 * 60 * 24 * 24, IntParam), "Seconds that unused executables are kept for."),
    # C code of Ops
    (
        "cxx",
        StrParam(default_cxx),
        "C++ compiler for Ops that are written in C alone, and for xla_in_c; empty: there is none.",
    ),
    ("gcc.cxxflags", StrParam(""), "More options for that compiler."),
    ("nocleanup", BoolParam(False), "Whether C files that don't compile are kept."),
    ("openmp", BoolParam(False), "Whether C code uses OpenMP."),
    ("cmodule.remove_gxx_opt", BoolParam(False), "Whether C code is compiled without optimization.", KEY),
    ("cmodule.compilation_warning", BoolParam(False), "Whether the C compiler's warnings are shown."),
    ("cmodule.debug", BoolParam(False), "Whether C code is compiled with DEBUG defined.", KEY),
    ("blas.ldflags", StrParam("-lblas"), "Linker flags for BLAS: whether graphs show calls into it."),
    # our own
    ("xla_cache", fixed(True, BoolParam), "Whether what is compiled is kept in compiledir, for later processes."),
    ("specializations", IntParam(8, not_negative), "Shapes that one function compiles executables for, eagerly."),
    (
        "parallel",
        EnumStr("none", "data"),
        "Whether all functions split their batches over the devices, data_parallel().",
    ),
    (
        "xla_keep_subnormals",
        BoolParam(False),
        "Whether functions made from now on count numbers too small for full precision: on a CPU, numpy runs them.",
    ),
    ("xla_in_c", BoolParam(True), "Whether small programs that are called often are compiled in C, if there is cxx."),
    (
        "numpy_elements",
        IntParam(256, lambda i: i >= 0),
        "Numbers in the arguments of a call up to which numpy runs a few operations on them; 0 leaves them to XLA.",
    ),
    ("xla_strict", BoolParam(False), "Raise, instead of running on the host, what XLA should have run."),
)

_CHOICES_AT_RUN_TIME = ("guess_once", "guess_on_shape_change", "time_once", "time_on_shape_change")
SUPPORTED_DNN_CONV_ALGO_RUNTIME = _CHOICES_AT_RUN_TIME
SUPPORTED_DNN_CONV_ALGO_FWD = (
    *("small", "none", "large", "fft", "fft_tiling", "winograd", "winograd_non_fused"),
    *_CHOICES_AT_RUN_TIME,
)
SUPPORTED_DNN_CONV_ALGO_BWD_DATA = (
    *("none", "deterministic", "fft", "fft_tiling", "winograd", "winograd_non_fused"),
    *_CHOICES_AT_RUN_TIME,
)
SUPPORTED_DNN_CONV_ALGO_BWD_FILTER = (
    *("none", "deterministic", "fft", "small", "winograd_non_fused", "fft_tiling"),
    *_CHOICES_AT_RUN_TIME,
)
SUPPORTED_DNN_CONV_PRECISION = ("as_input_f32", "as_input", "float16", "float32", "float64")
