"""The shape of the house: who may import whom, how long a file may be, what the public names are."""

import ast
import functools
import importlib
import inspect
import os
import re
import subprocess
import sys
import types

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGE = os.path.join(ROOT, "theanojax")

# The arrows, from what everything may use to what nothing below may use. Each layer may import its own
# modules and those of the layers before it, inside functions too. What it calls of a later one is in graph/above.py.
LAYERS = (
    (
        "leaves",
        r"(config|configparser|configflags|configinert|devices|errors|logs|arrays|first_import|private_folder)$",
    ),
    ("graph", r"graph\b"),
    ("notes", r"(printing\b|updates$)"),
    ("scalar", r"scalar\b"),
    ("tensor", r"(tensor|sparse|typed_list)\b"),
    ("derived", r"(gradient|scan|loop|ifelse|vectorizing|sandbox)\b"),
    ("rewrites", r"rewrites\b"),
    ("runtime", r"runtime\b"),
    ("profile", r"profile\b"),
    ("compile", r"compile\b"),
    ("outside", r"(__init__|__main__|toplevel|interop|random|pytest_plugin|d3viz|parallel|testing|legacy|demo)\b"),
)

# Modules that import each other, one way or another, are read and changed together: they are few, and in one folder.
MOST_IN_A_CIRCLE = 12

LONG = {}  # files between 600 and 1000 lines, each with the reason why it is one subject


def modules():
    """(dotted name without the package, path) of every file."""
    for folder, _, files in os.walk(PACKAGE):
        for file in sorted(files):
            if file.endswith(".py"):
                path = os.path.join(folder, file)
                yield os.path.relpath(path, PACKAGE)[:-3].replace(os.sep, ".").removesuffix(".__init__"), path


def layer_of(module):
    for number, (_, pattern) in enumerate(LAYERS):
        if re.match(pattern, module):
            return number
    raise AssertionError(f"theanojax.{module} belongs to no layer of {__file__}")


@functools.cache
def parse(path):
    with open(path, encoding="utf-8") as file:
        return ast.parse(file.read(), path)


def imported(node):
    """The modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    inner = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name if name.removeprefix("theanojax.") in PATHS else node.module or "" for name in inner]


def imports(tree):
    """(module, line) of every import, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported(node):
                yield name, node.lineno


def our_imports(module):
    """(module, line) of the imports of our own modules, without the package's name; `__init__` is the package."""
    for name, line in imports(parse(PATHS[module])):
        if name == "theanojax" or name.startswith("theanojax."):
            yield name.partition(".")[2] or "__init__", line


MODULES = sorted(modules())
PATHS = dict(MODULES)


def test_every_folder_is_a_package():
    folders = {os.path.dirname(path) for _, path in MODULES}
    assert not [folder for folder in folders if not os.path.exists(os.path.join(folder, "__init__.py"))]


def test_arrows_point_one_way():
    wrong = [
        f"{os.path.relpath(path, ROOT)}:{line} imports theanojax.{target}"
        for module, path in MODULES
        for target, line in our_imports(module)
        if layer_of(target) > layer_of(module)
    ]
    assert not wrong, "\n".join(wrong)


def circles():
    """The sets of modules each of which imports, directly or not, all others of its set."""
    targets = {module: {target for target, _ in our_imports(module)} for module in PATHS}
    reached = {}
    for module in PATHS:
        seen, todo = set(), [module]
        while todo:
            new = targets[todo.pop()] - seen
            seen |= new
            todo.extend(new)
        reached[module] = seen
    return {frozenset(m for m in reached[module] if module in reached[m]) | {module} for module in PATHS}


def test_circles_are_small_and_in_one_folder():
    wrong = [
        sorted(circle)
        for circle in circles()
        if len(circle) > MOST_IN_A_CIRCLE or len({os.path.dirname(PATHS[module]) for module in circle}) > 1
    ]
    assert not wrong, "\n".join(map(str, wrong))


def test_what_is_called_from_above_is_set_by_one_module():
    with open(os.path.join(PACKAGE, "graph", "above.py"), encoding="utf-8") as file:
        named = [node.target.id for node in ast.parse(file.read()).body if isinstance(node, ast.AnnAssign)]
    found = [
        node.attr
        for _, path in MODULES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and getattr(node.value, "id", "") in ("above", "_above")
    ]
    assert sorted(found) == sorted(named)


def test_few_modules_call_the_tensor_package_from_below():
    """Its name in graph/above.py could hide any circle: it is for what all tensors are made of."""
    users = {
        module
        for module, path in MODULES
        for node in ast.walk(parse(path))
        if (isinstance(node, ast.ImportFrom) and node.module == "theanojax.graph.above")
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and ast.unparse(node) == "above.tensor")
    }
    assert users == {"graph.op", "printing.pp", "scalar.casting"} | {
        f"tensor.{name}" for name in ("as_tensor", "elemwise", "type", "var")
    }


def test_only_runtime_and_interop_import_jax():
    wrong = [
        f"{os.path.relpath(path, ROOT)}:{line}"
        for module, path in MODULES
        for name, line in imports(parse(path))
        if name.split(".")[0] in ("jax", "jaxlib") and not module.startswith(("runtime", "interop"))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_legacy_imports_theano():
    wrong = [
        f"{os.path.relpath(path, ROOT)}:{line}"
        for module, path in MODULES
        for name, line in imports(parse(path))
        if name.split(".")[0] == "theano" and not module.startswith("legacy")
    ]
    assert not wrong, "\n".join(wrong)


def test_rewrites_are_registered_by_one_table():
    wrong = []
    for module, path in MODULES:
        if module.startswith("rewrites.") and module not in ("rewrites.pipeline", "rewrites.registry"):
            calls = [node.func for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
            calls = [call for call in calls if getattr(call, "attr", "") == "register"]
            wrong += [f"{os.path.relpath(path, ROOT)}:{call.lineno}" for call in calls]
    assert not wrong, "their rows belong in rewrites/pipeline.py: " + ", ".join(wrong)


def test_relative_imports_are_not_used():
    wrong = [
        f"{os.path.relpath(path, ROOT)}:{node.lineno}"
        for _, path in MODULES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not wrong, "\n".join(wrong)


def test_size_of_files():
    sizes = {}
    for module, path in MODULES:
        with open(path, encoding="utf-8") as file:
            sizes[module] = sum(1 for _ in file)
    assert not {module: size for module, size in sizes.items() if size > 1000}
    assert {module for module, size in sizes.items() if size > 600} == set(LONG), sizes


def test_no_module_is_called_utils():
    assert not [
        path
        for module, path in MODULES
        if re.search(r"(^|\.)(utils?|helpers?|misc)$", module) and not module.startswith("legacy.")
    ]


def test_nothing_is_swallowed():
    """No handler that catches everything and goes on."""
    wrong = []
    for _, path in MODULES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
                if node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"):
                    wrong.append(f"{os.path.relpath(path, ROOT)}:{node.lineno}")
    assert not wrong, "\n".join(wrong)


# ---- public names

NAMES = os.path.join(ROOT, "tests", "public_names.txt")
PUBLIC = ("theanojax", "theanojax.tensor", "theanojax.tensor.nnet", "theanojax.scalar", "theanojax.compile")


def public_names():
    """What each of PUBLIC shows after `import theanojax` in a fresh process, modules left out."""
    code = (
        "import importlib, types\n"
        f"for path in {PUBLIC!r}:\n"
        "    module = importlib.import_module(path)\n"
        "    for name, value in sorted(vars(module).items()):\n"
        "        if name[0] != '_' and not isinstance(value, types.ModuleType):\n"
        "            print(f'{path}.{name}')\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_public_names():
    with open(NAMES, encoding="utf-8") as file:
        recorded = set(file.read().split())
    shown = set(public_names().split())
    hint = "(record a change with: python -m tests.test_layout)"
    assert shown == recorded, f"new: {sorted(shown - recorded)}, gone: {sorted(recorded - shown)} {hint}"


def test_public_names_are_documented():
    """What can be called says what it does; classes for themselves, not by what they derive from."""
    missing = []
    for line in public_names().split():
        path, _, name = line.rpartition(".")
        value = getattr(importlib.import_module(path), name)
        doc = vars(value).get("__doc__") if isinstance(value, type) else inspect.getdoc(value)
        if callable(value) and not doc:
            missing.append(line)
    assert not missing


# Modules whose functions users call besides the public names. Those of theanojax.scalar are left out below: its tables
# document operations, and its rules for dtypes are all called alike, by Ops.
CALLED_BY_USERS = (
    "gradient ifelse printing scan sparse typed_list tensor.fft tensor.io tensor.linalg.nlinalg "
    "tensor.linalg.slinalg tensor.linalg.decompositions tensor.nnet.abstract_conv tensor.nnet.bilinear "
    "tensor.nnet.blocksparse tensor.nnet.bn tensor.nnet.conv tensor.nnet.conv2d_functions tensor.nnet.conv3d2d "
    "tensor.nnet.conv_shapes tensor.nnet.ctc tensor.nnet.neighbours tensor.random.mrg tensor.random.raw_random "
    "tensor.random.shared_randomstreams tensor.signal.conv tensor.signal.pool"
).split()

# Functions whose parameters explain themselves, or are none of the user's business.
SAYS_ENOUGH = {
    f"theanojax.tensor.io.{name}": "what a sort calls, with nodes"
    for name in ("mpi_send_wait_key", "mpi_tag_key", "mpi_send_wait_cmp", "mpi_tag_cmp")
}


def called_by_users():
    """The functions (dotted name, function), those of theanojax.scalar and those of other packages left out."""
    for line in public_names().split():
        path, _, name = line.rpartition(".")
        if not path.startswith("theanojax.scalar"):
            yield line, getattr(importlib.import_module(path), name)
    for module in CALLED_BY_USERS:
        for name, value in vars(importlib.import_module("theanojax." + module)).items():
            if getattr(value, "__module__", "").startswith("theanojax." + module) and not name.startswith("_"):
                yield f"theanojax.{module}.{name}", value


def required(function):
    """The names of the parameters that have no default, and of ``*args``."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]


def test_docstrings_name_what_has_to_be_given():
    """Each required parameter is in the text, marked as code, or has a line under Parameters."""
    missing = []
    for line, value in called_by_users():
        if not isinstance(value, types.FunctionType | functools.partial) or line in SAYS_ENOUGH:
            continue
        doc = inspect.getdoc(value) or ""
        for name in required(value):
            if not re.search(rf"`[^`]*\b{name}\b[^`]*`|^ *(\w+, )*{name}\b[^:]* : ", doc, re.MULTILINE):
                missing.append(f"{line}: {name}")
    assert not missing, "\n".join(missing)


HELD_BY_USERS = (
    "compile.Function sparse.SparseVariable tensor.TensorSharedVariable tensor.TensorVariable "
    "tensor.random.mrg.MRG_RandomStreams tensor.random.shared_randomstreams.RandomStreams typed_list.TypedListVariable"
).split()


@pytest.mark.parametrize("name", HELD_BY_USERS)
def test_methods_are_documented(name):
    module, _, cls = name.rpartition(".")
    cls = getattr(importlib.import_module("theanojax." + module), cls)
    methods = [n for n in dir(cls) if not n.startswith("_") and callable(getattr(cls, n))]
    assert not [n for n in methods if not inspect.getdoc(getattr(cls, n))]


@pytest.mark.parametrize("path", ["theanojax/config.py", "theanojax/__main__.py"])
def test_import_of_nothing_heavy(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        assert "import jax" not in file.read()


def test_import_of_nothing_that_few_programs_need():
    """They make `import theano` a fifth slower."""
    late = "compile.debug.run graph.params_type profile.memory profile.tips runtime.executor runtime.native"
    late = [f"theanojax.{name}" for name in (late + " runtime.planning.plan").split()]
    late += ["jax", "pdb", "scipy", "subprocess", "unittest"]
    code = "import numpy, sys; before = set(sys.modules); import theano; print(*sys.modules.keys() - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(late) & set(run.stdout.split())


if __name__ == "__main__":
    with open(NAMES, "w", encoding="utf-8") as file:
        file.write(public_names())
