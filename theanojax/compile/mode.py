"""Modes: how a function's graph is rewritten, and by what it is run."""

from theanojax.compile.linkers import CLinker, OpWiseCLinker, PerformLinker, VM_Linker
from theanojax.config import config
from theanojax.graph import above
from theanojax.graph.rewriting.db import Query
from theanojax.rewrites.queries import (
    predefined_optimizers as predefined_optimizers,
    register_optimizer as register_optimizer,
)

predefined_linkers = {
    "py": PerformLinker(),
    "c": CLinker(),
    "c|py": OpWiseCLinker(),
    "c|py_nogc": OpWiseCLinker(allow_gc=False),
    "vm": VM_Linker(use_cloop=False),
    "cvm": VM_Linker(use_cloop=True),
    "vm_nogc": VM_Linker(allow_gc=False, use_cloop=False),
    "cvm_nogc": VM_Linker(allow_gc=False, use_cloop=True),
    "jax": OpWiseCLinker(),
}


def register_linker(name, linker):
    """Let modes refer to `linker` by `name`. ValueError if the name is taken."""
    if name in predefined_linkers:
        raise ValueError("Linker name already taken: %s" % name)
    predefined_linkers[name] = linker


class Mode:
    """A way to rewrite a graph and a way to run it.

    Parameters
    ----------
    linker : str or Linker, optional
        A key of `predefined_linkers`; ``config.linker`` by default.
    optimizer : str, Query, optimizer or None
        A key of `predefined_optimizers`; ``config.optimizer`` for 'default', no rewriting for None.

    KeyError for a name that is no such key.
    """

    def __init__(self, linker=None, optimizer="default"):
        if linker is None:
            linker = config.linker
        if isinstance(optimizer, str) and optimizer == "default":
            optimizer = config.optimizer
        self._take(linker, optimizer)

    def __getstate__(self):
        return self.provided_linker, self.provided_optimizer

    def __setstate__(self, state):
        self._take(*state)

    def _take(self, linker, optimizer):
        self.provided_linker, self.provided_optimizer = linker, optimizer
        self.linker, self._optimizer = self.get_linker_optimizer(linker, optimizer)
        if isinstance(self._optimizer, Query):
            self.provided_optimizer = self._optimizer
        self.call_time = 0
        self.fn_time = 0

    def __str__(self):
        return "%s(linker = %s, optimizer = %s)" % (
            self.__class__.__name__,
            self.provided_linker,
            self.provided_optimizer,
        )

    def __repr__(self):
        linker, query = self.provided_linker, self.provided_optimizer
        linker = linker if isinstance(linker, str) else type(linker).__name__
        if isinstance(query, Query):
            query = " ".join([*query.include, *("-" + t for t in query.exclude), *("&" + t for t in query.require)])
        return "%s(linker=%s, optimizer=%s)" % (type(self).__name__, linker, query or None)

    @property
    def optimizer(self):
        """What rewrites a graph: called with a FunctionGraph."""
        if isinstance(self._optimizer, Query):
            from theanojax.rewrites.pipeline import optimizer_for

            return optimizer_for(self._optimizer)
        return self._optimizer

    def get_linker_optimizer(self, linker, optimizer):
        """The linker and the optimizer that the two names stand for; objects stand for themselves."""
        return tuple(
            table[thing] if thing is None or isinstance(thing, str) else thing
            for thing, table in ((linker, predefined_linkers), (optimizer, predefined_optimizers))
        )

    def _query(self):
        return self.get_linker_optimizer(self.provided_linker, self.provided_optimizer)[1]

    def including(self, *tags):
        """This mode, with the rewrites of `tags` too."""
        return self.clone(optimizer=self._query().including(*tags))

    def excluding(self, *tags):
        """This mode, without the rewrites of `tags`."""
        return self.clone(optimizer=self._query().excluding(*tags))

    def requiring(self, *tags):
        """This mode, with those of its rewrites that have all of `tags`."""
        return self.clone(optimizer=self._query().requiring(*tags))

    def register(self, *optimizations):
        """This mode, with rewrites of one's own: pairs (optimizer, position)."""
        return self.clone(optimizer=self._query().register(*optimizations))

    def clone(self, link_kwargs=None, optimizer="", **kwargs):
        """A copy of this mode; `link_kwargs` go to the linker's ``clone``."""
        return type(self)(
            linker=self.linker.clone(**(link_kwargs or {})),
            optimizer=self.provided_optimizer if optimizer == "" else optimizer,
        )


FAST_COMPILE = Mode(VM_Linker(use_cloop=False, c_thunks=False), "fast_compile")
FAST_RUN = Mode("cvm", "fast_run")

JAX = Mode("jax", "fast_run")  # Theano-PyMC's

predefined_modes = {"FAST_COMPILE": FAST_COMPILE, "FAST_RUN": FAST_RUN, "JAX": JAX}

# Modes that are made when they are asked for, from the optimizer of the moment: compile/debug/ adds its own.
made_anew: dict = {}

# The default mode, and the flags that it was made from.
instantiated_default_mode = None
_default_mode_flags = None


def get_mode(orig_string):
    """The mode called `orig_string`; a Mode stands for itself, None for the default of ``config.mode``.

    Raises Exception for an unknown name.
    """
    if orig_string is None:
        return get_default_mode()
    return _named_mode(orig_string) if isinstance(orig_string, str) else orig_string


above.get_mode = get_mode


def get_default_mode():
    """The mode that ``config.mode`` and its relatives describe."""
    global instantiated_default_mode, _default_mode_flags
    if not isinstance(config.mode, str):
        return config.mode
    flags = (
        config.mode,
        config.linker,
        config.optimizer,
        config.optimizer_excluding,
        config.optimizer_including,
        config.optimizer_requiring,
    )
    if instantiated_default_mode is None or flags != _default_mode_flags:
        mode = _named_mode(config.mode)
        if config.optimizer_excluding:
            mode = mode.excluding(*config.optimizer_excluding.split(":"))
        if config.optimizer_including:
            mode = mode.including(*config.optimizer_including.split(":"))
        if config.optimizer_requiring:
            mode = mode.requiring(*config.optimizer_requiring.split(":"))
        instantiated_default_mode, _default_mode_flags = mode, flags
    return instantiated_default_mode


def _named_mode(name):
    if name == "Mode":
        return Mode(linker=config.linker, optimizer=config.optimizer)
    if name in made_anew:
        return made_anew[name](config.optimizer)
    if name in predefined_modes:
        return predefined_modes[name]
    raise Exception("No predefined mode exist for string: %s" % name)


def register_mode(name, mode):
    """Let functions refer to `mode` by `name`. ValueError if the name is taken."""
    if name in predefined_modes:
        raise ValueError("Mode name already taken: %s" % name)
    predefined_modes[name] = mode
