"""ProfileStats: where the time of compiling and calling functions went."""

import atexit
import sys
import time

from theanojax.config import config

theano_imported_time = time.time()
total_fct_exec_time = 0.0
total_graph_opt_time = 0.0
total_time_linker = 0.0

_shown_at_exit: list = []
_printers: list = []


def register_profiler_printer(fct):
    """Register ``fct(message, compile_time, fct_call_time, apply_time, apply_cimpl, output_size, file)``.

    It is called at the end of each summary. Usable as a decorator.
    """
    _printers.append(fct)
    return fct


def profile_for(profile, name):
    """The ProfileStats that the argument `profile` of a function asks for: given, new, or None."""
    if profile is None:
        profile = config.profile or config.print_global_stats or None
    if profile is True:
        return ProfileStats(message=name)
    if isinstance(profile, str):
        return ProfileStats(message=profile)
    return profile


class ProfileStats:
    """Times and counts of one function, or of several that share it.

    Parameters
    ----------
    atexit_print : bool
        Print the summary when Python exits.
    flag_time_thunks : bool, optional
        Time each node; ``config.profiling.time_thunks`` by default.
    gpu_checks : bool
        Accepted; there is nothing to check.
    **kwargs
        Attributes to set, such as `message`.
    """

    compile_time = 0.0
    fct_call_time = 0.0
    fct_callcount = 0
    vm_call_time = 0.0
    optimizer_time = 0.0
    validate_time = 0.0
    linker_time = 0.0
    import_time = 0.0
    linker_node_make_thunks = 0.0
    optimizer_profile = None
    message = None
    nb_nodes = -1
    apply_time = apply_callcount = apply_cimpl = None
    line_width = config.profiling.output_line_width

    def __init__(self, atexit_print=True, flag_time_thunks=None, gpu_checks=True, **kwargs):
        self.apply_callcount: dict = {}
        self.apply_time: dict = {}
        self.apply_cimpl: dict = {}
        self.output_size: dict = {}
        self.linker_make_thunk_time: dict = {}
        self.variable_shape: dict = {}
        self.variable_strides: dict = {}
        self.variable_offset: dict = {}
        self.flag_time_thunks = config.profiling.time_thunks if flag_time_thunks is None else flag_time_thunks
        self.ignore_first_call = config.profiling.ignore_first_call
        for key, value in kwargs.items():
            if not hasattr(self, key) and not hasattr(type(self), key):
                raise AttributeError("ProfileStats has no attribute %r" % key)
            setattr(self, key, value)
        if atexit_print:
            _shown_at_exit.append(self)

    def reset(self):
        """Forget the calls so far; the compilation's times stay."""
        self.fct_call_time = self.vm_call_time = 0.0
        self.fct_callcount = 0
        self.apply_callcount, self.apply_time, self.apply_cimpl = {}, {}, {}

    def called(self, call_time, run_time):
        """Count one call that took `call_time` seconds, of which the graph took `run_time`."""
        self.fct_callcount += 1
        self.fct_call_time += call_time
        self.vm_call_time += run_time
        if self.ignore_first_call:
            self.reset()
            self.ignore_first_call = False

    def summary_function(self, file):
        """Print the function's own times."""
        print("Function profiling", file=file)
        print("==================", file=file)
        print("  Message: %s" % self.message, file=file)
        print("  Time in %i calls to Function.__call__: %es" % (self.fct_callcount, self.fct_call_time), file=file)
        if self.fct_call_time > 0:
            print(
                "  Time in Function.fn.__call__: %es (%.3f%%)"
                % (self.vm_call_time, 100 * self.vm_call_time / self.fct_call_time),
                file=file,
            )
        print("  Total compile time: %es" % self.compile_time, file=file)
        print("    Number of Apply nodes: %d" % self.nb_nodes, file=file)
        print("    Theano Optimizer time: %es" % self.optimizer_time, file=file)
        print("       Theano validate time: %es" % self.validate_time, file=file)
        print("    Theano Linker time (includes C, CUDA code generation/compiling): %es" % self.linker_time, file=file)
        print("       Import time %es" % self.import_time, file=file)
        print("", file=file)

    def summary_globals(self, file):
        """Print the totals over all functions."""
        print("Time in all call to theano.grad() %es" % _grad_time(), file=file)
        print("Time since theano import %.3fs" % (time.time() - theano_imported_time), file=file)

    def summary(self, file=None, n_ops_to_print=20, n_apply_to_print=20):
        """Print everything that is known, to stderr by default."""
        file = sys.stderr if file is None else file
        self.summary_function(file)
        self.summary_globals(file)
        for printer in _printers:
            printer(
                self.message,
                self.compile_time,
                self.fct_call_time,
                self.apply_time,
                self.apply_cimpl,
                self.output_size,
                file,
            )


class ScanProfileStats(ProfileStats):
    """Times and counts of a Scan's inner function."""

    callcount = nbsteps = call_time = 0.0

    def __init__(self, atexit_print=True, name=None, **kwargs):
        super().__init__(atexit_print, **kwargs)
        self.name = name

    def summary_globals(self, file):
        """Totals over all functions are not a loop's business."""

    def summary_function(self, file):
        print("Scan Op profiling (" + str(self.name) + ")", file=file)
        print("==================", file=file)
        print("  Message: %s" % self.message, file=file)
        print(
            "  Time in %i calls of the op (for a total of %i steps) %es"
            % (self.callcount, self.nbsteps, self.call_time),
            file=file,
        )
        print("", file=file)


def _grad_time():
    gradient = sys.modules.get("theanojax.gradient")
    return getattr(gradient, "grad_time", 0.0)


def print_global_stats():
    """Print how long functions have been running, compiling and linking in all."""
    with _Destination() as file:
        print("=" * 50, file=file)
        print(
            "Global stats: "
            + ", ".join(
                (
                    "Time elasped since Theano import = %6.3fs" % (time.time() - theano_imported_time),
                    "Time spent in Theano functions = %6.3fs" % total_fct_exec_time,
                    "Time spent compiling Theano functions:  optimization = %6.3fs, linker = %6.3fs"
                    % (total_graph_opt_time, total_time_linker),
                )
            ),
            file=file,
        )
        print("=" * 50, file=file)


class _Destination:
    """The file that ``config.profiling.destination`` names."""

    def __enter__(self):
        where = config.profiling.destination
        if where in ("stdout", "stderr"):
            self._close = False
            self.file = getattr(sys, where)
        else:
            self._close = True
            self.file = open(where, "a")
        return self.file

    def __exit__(self, *exc):
        if self._close:
            self.file.close()


def _print_at_exit():
    if config.print_global_stats:
        print_global_stats()
    if config.profile:
        called = [p for p in _shown_at_exit if p.fct_callcount > 0 or getattr(p, "callcount", 0) > 0]
        if called:
            with _Destination() as file:
                for stats in called:
                    stats.summary(file, config.profiling.n_ops, config.profiling.n_apply)


atexit.register(_print_at_exit)
