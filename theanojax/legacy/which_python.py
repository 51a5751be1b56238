"""Which Python a source that both can read was written for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# Names that exist in Python 2 alone: a script that uses one, and doesn't define it, was written for it.
PYTHON2_NAMES = frozenset(
    "apply basestring buffer cmp coerce execfile file intern long raw_input reduce reload unichr unicode xrange".split()
)
PYTHON2_MODULES = frozenset(
    "ConfigParser HTMLParser Queue StringIO Tkinter UserDict __builtin__ cPickle cStringIO commands cookielib copy_reg "
    "httplib md5 sets sha thread urllib2 urlparse xmlrpclib".split()
)
PYTHON2_METHODS = frozenset("has_key iteritems iterkeys itervalues".split())
# What made lists in Python 2, and makes something else now, which can be walked once or has no index.
LISTS_OF_OLD = frozenset("filter map range zip".split())
LIST_METHODS_OF_OLD = frozenset("items keys values".split())
# Syntax, and names, that Python 2 does not have.
PYTHON3_NODES = (
    *(ast.AnnAssign, ast.AsyncFunctionDef, ast.Await, ast.JoinedStr, ast.Match, ast.NamedExpr, ast.Nonlocal),
    *(ast.MatMult, ast.YieldFrom),
)


def says_python2(source: str) -> bool:
    """Whether the first line says so."""
    return re.match(r"#!.*\bpython2", source) is not None


def uses_python2(tree: ast.Module) -> bool:
    """Whether source that both Pythons can read uses what only Python 2 has."""
    used, defined = _names(tree)
    guarded = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Try | ast.If) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in guarded:
            if any(alias.name in PYTHON2_MODULES for alias in node.names):
                return True
        elif isinstance(node, ast.ImportFrom) and id(node) not in guarded:
            if node.module in PYTHON2_MODULES and not node.level:
                return True
        elif isinstance(node, ast.BinOp | ast.Expr):
            # `print >>file, text` and a lone `print` are expressions in Python 3.
            printed = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift) else node
            printed = printed.value if isinstance(printed, ast.Expr) else printed
            if isinstance(printed, ast.Name) and printed.id == "print":
                return True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in PYTHON2_METHODS and not _is_module_call(node.func, "six"):
                return True
    return bool(used & PYTHON2_NAMES - defined)


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names that are used, whatever the Python, and those that are given to something."""
    used: set[str] = set()
    defined: set[str] = set()
    asked = {id(inner) for node in ast.walk(tree) if _asks_which(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                defined.add(node.id)
            elif id(node) not in asked:
                used.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    return used, defined


def _asks_which(node: ast.AST) -> bool:
    """Whether a statement asks for the Python that runs it."""
    if isinstance(node, ast.Try):
        caught = {name.id for h in node.handlers if h.type for name in ast.walk(h.type) if isinstance(name, ast.Name)}
        return not caught.isdisjoint(("NameError", "ImportError"))
    if not isinstance(node, ast.If | ast.IfExp):
        return False
    words = {getattr(inner, "attr", getattr(inner, "id", "")) for inner in ast.walk(node.test)}
    return not words.isdisjoint(("version_info", "version", "hexversion", "PY2", "PY3"))


def changed_meaning(tree: ast.Module) -> tuple[int, str] | None:
    """(line, what) of the first thing in `tree` that Python 2 takes in another way, if nothing in it is Python 3's own.

    That is: the result of zip, map, filter, range or a dict's method kept or indexed, where Python 2 has a list; and
    quotients of whole numbers, as far as one literal tells.
    """
    if says_python3(tree):
        return None
    return min((place for node in ast.walk(tree) for place in _changed(node)), default=None)


def only_in_python2(tree: ast.Module) -> tuple[int, str] | None:
    """(line, what) of the first thing in `tree`, which both Pythons read, that can only work in Python 2.

    What zip, map or filter gives is indexed, added to a list, or measured; or a function returns it, and its caller
    goes through it again and again.
    """
    nodes = list(ast.walk(tree))
    if any(isinstance(node, PYTHON3_NODES) for node in nodes):
        return None
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    found = [place for node in nodes for place in _fails_in_python3(node) if place[1].split()[-2] not in defined]
    return min([*found, *_used_again(tree, nodes)], default=None)


def _fails_in_python3(node: ast.AST) -> Iterator[tuple[int, str]]:
    values: list[ast.expr] = []
    names = LISTS_OF_OLD - {"range"}
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        values = [node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        values = node.args
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        pairs = ((node.left, node.right), (node.right, node.left))
        values = [a for a, b in pairs if isinstance(b, ast.List | ast.ListComp)]
        names = LISTS_OF_OLD
    for value in values:
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in names:
            yield value.lineno, f"a list that {value.func.id} made"


def _used_again(tree: ast.Module, nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Results of functions that return what zip, map or filter gives, which a loop that comes later uses."""
    returning: dict[str, tuple[int, str]] = {}
    for function in nodes:
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
                    name = getattr(node.value.func, "id", "")
                    if name in LISTS_OF_OLD - {"range"}:
                        returning[function.name] = node.lineno, f"a list that {name} made"
    if not returning:
        return
    loops = [node for node in nodes if isinstance(node, ast.For | ast.While)]
    inside = {loop: {id(inner) for part in loop.body for inner in ast.walk(part)} for loop in loops}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            place, name = returning.get(getattr(node.value.func, "id", "")), node.targets[0].id
            for use in nodes if place is not None else ():
                if isinstance(use, ast.Name) and use.id == name and isinstance(use.ctx, ast.Load):
                    if any(id(use) in ids and id(node) not in ids for ids in inside.values()):
                        yield place


def says_python3(tree: ast.Module) -> bool:
    """Whether something in `tree` is Python 3's own."""
    return any(isinstance(node, PYTHON3_NODES) or _is_of_python3(node) for node in ast.walk(tree))


def _is_of_python3(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        return bool(node.args.kwonlyargs) or any(a.annotation for a in [*node.args.args, *node.args.kwonlyargs])
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args
    return False


def _changed(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        if any(isinstance(side, ast.Constant) and type(side.value) is int for side in (node.left, node.right)):
            yield node.lineno, "a quotient of whole numbers"
    kept = []
    if isinstance(node, ast.Assign | ast.Return | ast.Subscript):
        kept = [node.value]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        kept = [node.left, node.right]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        kept = node.args
    for value in kept:
        if isinstance(value, ast.Call) and (name := _list_of_old(value.func)):
            yield value.lineno, f"a list that {name} made"


def _list_of_old(function: ast.expr) -> str | None:
    if isinstance(function, ast.Name) and function.id in LISTS_OF_OLD:
        return function.id
    if isinstance(function, ast.Attribute) and function.attr in LIST_METHODS_OF_OLD:
        return f".{function.attr}()"
    return None


def _is_module_call(function: ast.Attribute, module: str) -> bool:
    return isinstance(function.value, ast.Name) and function.value.id == module
