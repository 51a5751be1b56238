"""Which expressions of a program are whole numbers, and which are floats, as far as its text says.

A converter must know what a quotient is of. Kinds are "int" (a number, an array or a symbolic variable of
integers), "float" (the same of floats), "bool" (a comparison), "str"; None is for what only a run can tell.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from typing import Any

UNDECIDED = "undecided"  # what is being asked about, itself

INTEGER_CALLS = frozenset("int len ord hash id long".split())
INTEGER_ATTRIBUTES = frozenset("size ndim itemsize".split())
FLOAT_CALLS = frozenset(
    "acos arccos arcsin arctan arctan2 asin atan atan2 ceil clock cos cosh erf erfinv exp exp2 expm1 float float32 "
    "float64 floor gamma gammaln hypot linspace log log10 log1p log2 logspace mean nanmean normal rand randn "
    "random_sample sigmoid sin sinh softmax softplus sqrt standard_normal std tan tanh time uniform var".split()
)
# Constructors of Theano's variables: the letter before the shape is of the dtype.
SHAPES = "scalar vector matrix row col tensor3 tensor4 tensor5 scalars vectors matrices rows cols".split()
FLOAT_VARIABLES = frozenset(letter + shape for letter in ("", "f", "d") for shape in SHAPES)
INTEGER_VARIABLES = frozenset(letter + shape for letter in "bwil" for shape in SHAPES)
FIRST_ARGUMENT = frozenset(
    "abs shared asarray array sum max min prod cumsum dot maximum minimum sqr sign neg reshape".split()
)
OWNER_METHODS = frozenset(
    "sum max min copy reshape dimshuffle flatten transpose dot astype get_value prod cumsum".split()
)
FLOAT_DTYPES = ("float", "floatX", "float32", "float64", "f4", "f8", "f", "d")
ZEROS = frozenset("zeros ones empty full eye identity".split())


def dtype_of(node: ast.expr | None) -> str | None:
    """The kind that a dtype is of: a string, a type's name, ``config.floatX``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        name = node.value
    else:
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if name in FLOAT_DTYPES:
        return "float"
    return "int" if name.startswith(("int", "uint")) else None


class Kinds:
    """The kinds of the expressions of one module."""

    def __init__(self, tree: ast.Module):
        self.scope_of: dict[ast.AST, ast.AST] = {}
        self.values: dict[ast.AST, dict[str, list[Callable[[], str | None]]]] = {}
        self.asked: list[tuple[ast.AST, str]] = []
        self.known: dict[tuple[ast.AST, str], str | None] = {}
        self.functions: set[str] = set()
        self.module = tree
        self.values[tree] = {}
        self._enter(tree, tree)

    # ---- What is assigned

    def _enter(self, node: ast.AST, scope: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.scope_of[child] = scope
            inner = scope
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
                inner = child
                self.values[child] = {}
                if not isinstance(child, ast.Lambda):
                    self._note(scope, child.name, None)
                    self.functions.add(child.name)
                if not isinstance(child, ast.ClassDef):
                    given = child.args
                    for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
                        if arg is not None:
                            self._note(child, arg.arg, None)
            self._assignments(child, scope)
            self._enter(child, inner)

    def _note(self, scope: ast.AST, name: str, kind: Callable[[], str | None] | None) -> None:
        self.values[scope].setdefault(name, []).append(kind or (lambda: None))

    def _assignments(self, node: ast.AST, scope: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._target(target, node.value, scope)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._target(node.target, node.value, scope)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            name, op, value = node.target, node.op, node.value
            self._note(scope, name.id, lambda: self._operation(self._name(name, scope), op, self(value), value))
        elif isinstance(node, ast.For | ast.comprehension):
            self._loop(node.target, node.iter, scope)
        elif isinstance(node, ast.Global):
            for word in node.names:
                self._note(self.module, word, None)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                self._note(scope, (alias.asname or alias.name).split(".")[0], None)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._target(node.optional_vars, None, scope)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self._note(scope, node.name, None)

    def _target(self, target: ast.expr, value: ast.expr | None, scope: ast.AST) -> None:
        if isinstance(target, ast.Name):
            self._note(scope, target.id, None if value is None else lambda: self(value))
        elif isinstance(target, ast.Tuple | ast.List):
            parts: list[Any] = [None] * len(target.elts)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(parts):
                parts = value.elts
            of_shape = isinstance(value, ast.Attribute) and value.attr == "shape"
            for part, element in zip(target.elts, parts):
                if of_shape and isinstance(part, ast.Name):
                    self._note(scope, part.id, lambda: "int")
                else:
                    self._target(part, element, scope)

    def _loop(self, target: ast.expr, over: ast.expr, scope: ast.AST) -> None:
        function = name_of(over.func) if isinstance(over, ast.Call) else ""
        if function == "list" and isinstance(over, ast.Call) and over.args and isinstance(over.args[0], ast.Call):
            function = name_of(over.args[0].func)
        if function in ("range", "xrange", "arange") and isinstance(target, ast.Name):
            self._note(scope, target.id, lambda: "int")
        elif function == "enumerate" and isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
            self._note(scope, target.elts[0].id, lambda: "int")
            self._target(target.elts[1], None, scope)
        else:
            self._target(target, None, scope)

    # ---- What is asked

    def __call__(self, node: ast.expr | None) -> str | None:
        """The kind of an expression."""
        method = getattr(self, f"_of_{type(node).__name__}", None)
        return method(node) if method else None

    def _of_Constant(self, node: ast.Constant) -> str | None:
        return {bool: "int", int: "int", float: "float", str: "str"}.get(type(node.value))

    def _of_UnaryOp(self, node: ast.UnaryOp) -> str | None:
        return "bool" if isinstance(node.op, ast.Not) else self(node.operand)

    def _of_Compare(self, node: ast.Compare) -> str | None:
        return "bool"

    def _of_IfExp(self, node: ast.IfExp) -> str | None:
        return _common(iter([self(node.body), self(node.orelse)]))

    def _of_BinOp(self, node: ast.BinOp) -> str | None:
        return self._operation(self(node.left), node.op, self(node.right), node.right)

    def _operation(self, left: str | None, op: ast.operator, right: str | None, exponent: ast.expr) -> str | None:
        if left == "str" or right == "str":
            return "str" if left == "str" and isinstance(op, ast.Mod) else None
        if "float" in (left, right):
            return "float"
        left, right = (right if left == UNDECIDED else left), (left if right == UNDECIDED else right)
        if left == right == "int":
            whole = not isinstance(op, ast.Pow) or isinstance(exponent, ast.Constant)
            return "int" if whole else None
        return UNDECIDED if left == right == UNDECIDED else None

    def _of_Name(self, node: ast.Name) -> str | None:
        return self._name(node, self.scope_of.get(node, self.module))

    def _name(self, node: ast.Name, scope: ast.AST) -> str | None:
        while node.id not in self.values[scope] and scope is not self.module:
            scope = self.scope_of[scope]
        key = (scope, node.id)
        if key in self.asked:
            return UNDECIDED
        if key in self.known:
            return self.known[key]
        self.asked.append(key)
        found = _common(kind() for kind in self.values[scope].get(node.id, [lambda: None]))
        self.asked.pop()
        if not self.asked:
            self.known[key] = found
        return found

    def _of_Attribute(self, node: ast.Attribute) -> str | None:
        if node.attr in INTEGER_ATTRIBUTES:
            return "int"
        if name_of(node.value) in ("math", "numpy", "np") and node.attr in ("pi", "e", "inf"):
            return "float"
        return self(node.value) if node.attr in ("T", "real") else None

    def _of_Subscript(self, node: ast.Subscript) -> str | None:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            return "int"
        return self(node.value)

    def _of_Call(self, node: ast.Call) -> str | None:
        name, first = name_of(node.func), node.args[0] if node.args else None
        given = {word.arg: word.value for word in node.keywords}
        if name in self.functions:  # the program's own
            return None
        if isinstance(node.func, ast.Name) and name in INTEGER_CALLS or name in INTEGER_VARIABLES:
            return "int"
        if name in FLOAT_CALLS or name in FLOAT_VARIABLES:
            return "float"
        if name in ("astype", "asarray", "array", "cast") and node.args:
            dtype = given.get("dtype", node.args[-1])
            return dtype_of(dtype) or (self(first) if name != "cast" else None)
        if name in ZEROS:
            dtype = given.get("dtype", node.args[1] if len(node.args) > 1 else None)
            return dtype_of(dtype) if dtype is not None else "float"
        if isinstance(node.func, ast.Attribute) and name in OWNER_METHODS and (kind := self(node.func.value)):
            return kind
        if name in FIRST_ARGUMENT and first is not None:
            both = name in ("max", "min", "dot", "maximum", "minimum") and len(node.args) > 1
            kinds = [self(arg) for arg in node.args] if both else [self(first)]
            return "float" if name == "dot" and "float" in kinds else _common(iter(kinds))
        return None


def name_of(function: ast.expr) -> str:
    """The last part of a dotted name."""
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _common(kinds: Iterator[str | None]) -> str | None:
    start: str | None = UNDECIDED
    return functools.reduce(_join, kinds, start)


def _join(a: str | None, b: str | None) -> str | None:
    if a == UNDECIDED or a == b:
        return b
    return a if b == UNDECIDED else None
