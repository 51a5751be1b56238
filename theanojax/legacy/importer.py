"""The import hook behind `import theano`, and behind module paths that moved.

One finder, first on `sys.meta_path`, answers three questions:

- `theano.a.b` is `theanojax.a.b`, the same module object under both names (`theano` itself is not: see `OldName`);
- a `theanojax.a.b` that is no file, but has an entry in `theanojax.legacy.paths`, becomes a *facade*: a
  module that finds its names in the modules that the entry lists;
- a `theanojax.a.b` that is a file *and* has an entry, or has such modules below it, gets the same
  look-up for the names that it doesn't define, so that `theano.tensor.opt` works without an import.

The classes of our files say that they are from the module of Theano that had them: programs print and compare
`type(x).__module__`, and pickle finds them there.

Facades are ordinary modules and can be written to. They look names up when asked, and not before, so
that `import theano` stays quick and the order of imports doesn't matter.
"""

from __future__ import annotations

import functools
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from theanojax.legacy import paths

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:
    Loader = MetaPathFinder = object  # importing importlib.abc takes a while

OURS = "theanojax"
OLD = "theano"
THEANO_VERSION = "1.0.5"


class OldName(ModuleType):
    """`theano`: the names of `theanojax`, read and written there, and the version of Theano whose API they are.

    What the import system writes when a module is loaded again, `__spec__` and its like, stays here, and the version.
    """

    OWN = {"__file__", "__path__", "__cached__", "__loader__", "__name__", "__package__", "__spec__", "__version__"}

    def __init__(self, ours: ModuleType):
        super().__init__(OLD, ours.__doc__)
        where: Any = ours.__path__
        spec: Any = spec_from_file_location(OLD, ours.__file__, submodule_search_locations=where)
        for name, value in {"__package__": OLD, "__loader__": spec.loader, "__spec__": spec}.items():
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:  # cloudpickle knows modules by their exact type
        return importlib.import_module, (OLD,)

    @property
    def __dict__(self) -> dict[str, Any]:  # what vars(theano), exec and `import *` ask for
        return vars(sys.modules[OURS])

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":  # not stored: pytest and mock delete what they have set of names that vars() lacks
            return THEANO_VERSION
        return getattr(sys.modules[OURS], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.OWN:
            super().__setattr__(name, value)
        else:
            setattr(sys.modules[OURS], name, value)

    def __delattr__(self, name: str) -> None:
        if name == "__version__":
            super().__setattr__(name, THEANO_VERSION)
        elif name in self.OWN:
            super().__delattr__(name)
        else:
            delattr(sys.modules[OURS], name)

    def __dir__(self) -> list[str]:
        return dir(sys.modules[OURS])


def install() -> None:
    """Serve the old names from now on; calling it again does no harm."""
    if not any(isinstance(finder, LegacyFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, LegacyFinder())
        if OLD not in sys.modules:
            _warn_of_another()
        for name, module in list(sys.modules.items()):
            # Aliases have names of their own, and are none of our business.
            if (name == OURS or name.startswith(OURS + ".")) and module.__name__ == name:
                _adopt(module)
    _share_loaded_modules()


def _warn_of_another() -> None:
    """Say so if `import theano` would give something else, which pip has put in the place of ours or before it."""
    spec = PathFinder.find_spec(OLD)
    if spec is None or spec.origin is None:
        return
    loader: Any = spec.loader  # which reads in zip files, too
    if OURS.encode() not in loader.get_data(spec.origin)[:1000]:
        warnings.warn(
            f"`import theano` gives {spec.origin}, which is not theanojax's: a package that requires Theano has "
            "brought it. Uninstall it, install theanojax again, and its stubs/theano, which meets the requirement.",
            RuntimeWarning,
            stacklevel=2,
        )


class LegacyFinder(MetaPathFinder):
    """See the module's documentation."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of an old name, of a facade, or of one of our modules that needs extending."""
        top, _, rest = fullname.partition(".")
        if top == OLD and rest:
            return self._find_old(rest, fullname)
        if top == OURS and rest:
            return self._find_ours(rest, fullname, path)
        return None

    def _find_old(self, rest: str, fullname: str) -> ModuleSpec | None:
        if rest in paths.RAISES:
            raise paths.RAISES[rest]()
        if not _exists(rest):
            return None
        importlib.import_module(f"{OURS}.{rest}")
        # Whatever was loaded on the way has its old name from here on, too. Without this, the old name
        # of `compile.function` would be imported later, and the import system would then replace the
        # function `theano.compile.function` by the module.
        _share_loaded_modules()
        return _alias(fullname, sys.modules[f"{OURS}.{rest}"])

    def _find_ours(self, rest: str, fullname: str, path: Any) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None:
            if spec.loader is not None:
                _run_after(spec.loader, _adopt)
            return spec
        if rest in paths.RAISES:
            raise paths.RAISES[rest]()
        entry = paths.PATHS.get(rest)
        if entry is None:
            return None
        if entry.same_as:
            return _alias(fullname, _import(entry.same_as))
        return ModuleSpec(fullname, _FacadeLoader(rest, entry), is_package=True)


def _alias(fullname: str, module: ModuleType) -> ModuleSpec:
    # A name that turned up while its spec was being looked for would be loaded by its module's own spec, again.
    sys.modules.pop(fullname, None)
    origin = getattr(module.__spec__, "origin", None)  # the __file__ of what `python -m` runs
    return ModuleSpec(fullname, _AliasLoader(module), origin=origin)


class _AliasLoader(Loader):
    """Loads a module under a second name."""

    def __init__(self, module: ModuleType):
        self.module = module

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def get_code(self, name: str) -> CodeType | None:
        """What `python -m` runs."""
        loader: Any = self.module.__spec__ and self.module.__spec__.loader
        return loader.get_code(self.module.__name__)

    def exec_module(self, module: ModuleType) -> None:
        # Replaced rather than returned by create_module, where the import system would change its
        # __spec__, and with it the module's idea of its own name.
        sys.modules[module.__name__] = self.module


class _FacadeLoader(Loader):
    """Makes the module for an entry of the table that is no file."""

    def __init__(self, rest: str, entry: paths.Entry):
        self.rest = rest
        self.entry = entry

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def get_code(self, name: str) -> CodeType:
        """What `python -m` runs, which is nothing."""
        return compile("", name, "exec")

    def exec_module(self, module: ModuleType) -> None:
        where = ", ".join(f"{OURS}.{source}" for source in self.entry.sources)
        module.__doc__ = f"The names of Theano's {OLD}.{self.rest}, which live in {where or 'modules below it'}."
        _extend(module)


def _run_after(loader: Any, action: Callable[[ModuleType], None]) -> None:
    """Have `loader` call `action` with each module that it has executed."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        action(module)

    loader.exec_module = exec_module


def _adopt(module: ModuleType) -> None:
    """Do with one of our modules, once it is loaded, what its names need."""
    _extend(module)
    if _theirs_is_loaded():
        return
    rest = module.__name__.partition(".")[2]
    for cls in list(vars(module).values()):
        if isinstance(cls, type) and cls.__module__ == module.__name__ and "." not in cls.__qualname__:
            home = paths.home(rest, cls.__name__)
            if home is not None:
                cls.__module__ = f"{OLD}.{home}"
                if home != rest:
                    _load_facade(home)
                    if "__firstlineno__" in vars(cls):  # from Python 3.13 on: a line of a file that is no more named
                        del cls.__firstlineno__


@functools.cache
def _load_facade(path: str) -> None:
    """See that `path` is in `sys.modules`, where some picklers look. Files are left alone: they may be busy."""
    parent = path.rpartition(".")[0]
    if parent and parent in paths.PATHS:
        _load_facade(parent)
    name = f"{OURS}.{parent}" if parent else OURS
    search = getattr(sys.modules.get(name), "__path__", None)
    if search is not None and PathFinder.find_spec(f"{OURS}.{path}", search) is None:
        sys.modules.setdefault(f"{OLD}.{path}", _import(path))


# ---- Looking names up


def _import(source: str) -> ModuleType:
    """The module that an entry calls `source`: one of ours, or with a leading `=` any other."""
    if source.startswith("="):
        return importlib.import_module(source[1:])
    name = f"{OURS}.{source}" if source else OURS
    importlib.import_module(name)
    # import_module follows attributes, and `theanojax.scan` is a function.
    return sys.modules[name]


def _exists(rest: str) -> bool:
    """Whether there is a module `theanojax.<rest>`, without importing more than its parents."""
    if rest in paths.PATHS or f"{OURS}.{rest}" in sys.modules:
        return True
    parent, _, _ = rest.rpartition(".")
    if parent and not _exists(parent):
        return False
    search = getattr(_import(parent), "__path__", None)
    return search is not None and PathFinder.find_spec(f"{OURS}.{rest}", search) is not None


def _extend(module: ModuleType) -> None:
    """Let `module` find the names of its entry, and the modules below it, when they are asked for."""
    rest = module.__name__.partition(".")[2]
    if paths.children(rest) and "__path__" not in vars(module):
        module.__path__ = []  # a file of ours, which was a package
    is_package = "__path__" in vars(module)
    own_getattr = vars(module).get("__getattr__")
    if not (is_package or rest in paths.PATHS) or hasattr(own_getattr, "own_getattr"):
        return
    entry = paths.PATHS.get(rest, paths.Entry())

    def __getattr__(name: str) -> Any:
        if own_getattr is not None:
            try:
                return own_getattr(name)
            except AttributeError:
                pass  # the table is asked next, and has the last word
        if name == "__all__" and (entry.sources or entry.renamed):
            return sorted(_public_names(entry) | {own for own in vars(module) if own[0] != "_"})
        if not name.startswith("__"):
            for value in _candidates(rest, entry, is_package, name):
                return value
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}", name=name, obj=module)

    def __dir__() -> list[str]:
        return sorted({*vars(module), *_public_names(entry), *(paths.children(rest) if is_package else ())})

    __getattr__.own_getattr = own_getattr
    vars(module).update(__getattr__=__getattr__, __dir__=__dir__)
    _keep_names(module, rest, entry)


def _keep_names(module: ModuleType, rest: str, entry: paths.Entry) -> None:
    """Import now the facades whose name `module` has for something else, as in `scan_module.scan`.

    The import system sets a submodule as an attribute of its package, once: after this, nobody's
    import can put the module in the place of the function.
    """
    for name in paths.children(rest):
        own = vars(module).get(name)
        place = entry.renamed.get(name, f"{rest}.{name}")
        taken = place != f"{rest}.{name}" or own is not None and not isinstance(own, ModuleType)
        if taken and paths.is_old(f"{rest}.{name}") and f"{module.__name__}.{name}" not in sys.modules:
            importlib.import_module(f"{module.__name__}.{name}")
            if own is None:
                delattr(module, name)
            else:
                setattr(module, name, own)


def _named(place: str) -> Any:
    """What the table calls `module` or `module:name`."""
    source, _, attribute = place.partition(":")
    module = _import(source)
    return getattr(module, attribute) if attribute else module


def _candidates(rest: str, entry: paths.Entry, is_package: bool, name: str) -> Iterator[Any]:
    """What `name` may be in the module `rest`, the best first."""
    if name in entry.renamed:
        yield _named(entry.renamed[name])
    if name == OLD:  # which nearly every module of Theano imported
        yield sys.modules[OLD]
    child = f"{rest}.{name}" if rest else name
    if is_package and child not in paths.RAISES and _exists(child):
        yield _import(child)
    for source in _sources(entry):
        own = vars(source)
        if name in own:
            yield own[name]
        elif (lazy := _own_getattr(source)) is not None:
            try:
                yield lazy(name)
            except AttributeError:
                continue
    if name in paths.EVERYWHERE and not paths.children(rest):
        yield _named(paths.EVERYWHERE[name])


def _sources(entry: paths.Entry) -> Iterator[ModuleType]:
    seen = set()
    for source in entry.sources:
        for name in _expand(source):
            if name not in seen:
                seen.add(name)
                yield _import(name)


def _expand(source: str) -> list[str]:
    """The modules that `package.*` stands for; what is not there stands for none."""
    package, star, _ = source.partition(".*")
    if not package.startswith("=") and not _exists(package):
        return []
    if not star:
        return [source]
    return _modules_below(package)


@functools.cache
def _modules_below(package: str) -> list[str]:
    import pkgutil  # which takes a while to import

    found = pkgutil.iter_modules(_import(package).__path__)
    return [f"{package}.{module.name}" for module in found if not module.name.startswith("_")]


def _own_getattr(module: ModuleType) -> Callable[[str], Any] | None:
    """The `__getattr__` that `module` itself defines: asking ours would ask every other module again."""
    current = vars(module).get("__getattr__")
    return getattr(current, "own_getattr", current)


def _public_names(entry: paths.Entry) -> set[str]:
    """What `from <facade> import *` gives."""
    names = set(entry.renamed)
    for source in _sources(entry):
        own = vars(source).get("__all__")
        if own is None:
            own = [name for name, value in vars(source).items() if name[0] != "_" and not _is_no_name(name, value)]
        names.update(own)
    return names


def _is_no_name(name: str, value: Any) -> bool:
    """Whether a module has `name` for its own use: a module, or what its type hints need."""
    hints = name in ("annotations", "TYPE_CHECKING") or getattr(value, "__module__", None) == "typing"
    return hints or isinstance(value, ModuleType)


def _share_loaded_modules() -> None:
    """Give every module of ours that is loaded its old name, too."""
    if OURS not in sys.modules or _theirs_is_loaded():
        return
    if not isinstance(sys.modules.get(OLD), OldName):
        sys.modules[OLD] = OldName(sys.modules[OURS])
    for name, module in list(sys.modules.items()):
        if name.startswith(OURS + "."):
            sys.modules.setdefault(OLD + name[len(OURS) :], module)


def _theirs_is_loaded() -> bool:
    """Whether the original Theano is loaded, which is left alone."""
    module = sys.modules.get(OLD)
    return not (module is None or isinstance(module, OldName))
