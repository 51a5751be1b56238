"""Calls of the functions of old_arrays.py in the syntax tree of an old script, in either Python.

What is plainly the same today (an index that is an integer, the difference from a number) is left alone: programs go
through it in loops.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from typing import Any

from theanojax.legacy import old_arrays

ITEM = "__python2_item__"
GET = "__python2_get__"
PUT = "__python2_put__"
KEPT = "__python2_kept__"
SLICE = "__python2_slice__"
PART = "__python2_part_%d__"
NEGATIVE = "__python2_neg__"
SUBTRACT = "__python2_sub__"
SUBTRACT_IN_PLACE = "__python2_isub__"
FORMATTED = "__python2_format__"
CONVERTED = "__python2_number__"
METHOD = "__python2_array_method__"

FUNCTIONS: dict[str, Callable] = {
    **{ITEM: old_arrays.item, GET: old_arrays.get, PUT: old_arrays.put, KEPT: old_arrays.kept, SLICE: slice},
    **{NEGATIVE: old_arrays.negative, SUBTRACT: old_arrays.subtract, FORMATTED: old_arrays.formatted},
    **{SUBTRACT_IN_PLACE: old_arrays.subtract_in_place},
    **{CONVERTED: old_arrays.converted, METHOD: old_arrays.method},
}

# Expressions that give no array.
DISPLAYS = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Lambda)
DISPLAYS += (ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)


class Arrays(ast.NodeTransformer):
    """Has operators, indices and calls do with arrays what they did; hints of types are left alone."""

    def __init__(self, tree: ast.AST):
        self.modules = {
            alias.asname or alias.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    # ---- indices

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """``a[i]`` -> ``a[item(a, i)]`` or ``get(a, i)``: arrays took floats, and lists of slices."""
        repeatable = is_path(node.value)
        owner = _read(node.value)
        self.generic_visit(node)
        if plain(node.slice):
            return node
        if repeatable:
            node.slice = ast.copy_location(call(ITEM, owner, _index(node.slice)), node.slice)
        elif isinstance(node.ctx, ast.Load):
            return ast.copy_location(call(GET, node.value, _index(node.slice)), node)
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        """``a[i] = v`` -> ``put(v, a, i)``, also where several are assigned to."""
        target = node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Subscript):
            return self._stored(node, target)
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else node.targets
        several = len(node.targets) == 1 or parts is node.targets
        simple = all(isinstance(part, ast.Name | ast.Attribute | ast.Subscript) for part in parts)
        if not (several and simple and any(isinstance(part, ast.Subscript) for part in parts)):
            return self.generic_visit(node)
        # Python, too, has all values before it assigns the first, from the left to the right.
        names = [PART % (0 if parts is node.targets else place) for place in range(len(parts))]
        first: ast.expr = ast.Name(names[0], ast.Store())
        if parts is not node.targets:
            first = ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())
        made: list[ast.stmt] = [ast.copy_location(ast.Assign([first], self.visit(node.value)), node)]
        for part, name in zip(parts, names, strict=True):
            made.append(self.visit(ast.copy_location(ast.Assign([part], ast.Name(name, ast.Load())), node)))
        made.append(ast.copy_location(ast.Delete([ast.Name(name, ast.Del()) for name in set(names)]), node))
        return made

    def _stored(self, node: ast.Assign, target: ast.Subscript) -> ast.AST:
        if plain(target.slice) and (isinstance(node.value, DISPLAYS) or isinstance(target.slice, ast.Slice)):
            return self.generic_visit(node)
        value, owner, index = self.visit(node.value), self.visit(target.value), self.visit(target.slice)
        made = ast.Expr(ast.copy_location(call(PUT, value, owner, _index(index)), node))
        return ast.copy_location(made, node)

    # ---- operators

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """``mask -= other``, ``a[i] += v``"""
        target = node.target
        owner = _read(target.value if isinstance(target, ast.Subscript) else target)
        repeatable = is_path(owner)
        self.generic_visit(node)
        if isinstance(node.value, DISPLAYS) or not repeatable:
            return node
        if isinstance(target, ast.Subscript):
            node.value = ast.copy_location(call(KEPT, owner, node.value), node.value)
            return node
        if not isinstance(node.op, ast.Sub):
            return node
        value = ast.copy_location(call(SUBTRACT_IN_PLACE, owner, node.value), node)
        return ast.copy_location(ast.Assign([target], value), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """``mask - other``, ``"%f" % array``"""
        self.generic_visit(node)
        if isinstance(node.op, ast.Sub) and not _is_number(node.left) and not _is_number(node.right):
            return ast.copy_location(call(SUBTRACT, node.left, node.right), node)
        text = node.left.value if isinstance(node.left, ast.Constant) else None
        if isinstance(node.op, ast.Mod) and isinstance(text, str) and not isinstance(node.right, ast.Constant):
            return ast.copy_location(call(FORMATTED, node.left, node.right), node)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """``-mask``"""
        self.generic_visit(node)
        if not isinstance(node.op, ast.USub) or isinstance(node.operand, ast.Constant | ast.BinOp):
            return node
        return ast.copy_location(call(NEGATIVE, node.operand), node)

    # ---- calls

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``float(a)``, ``a.sum(axis)``"""
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Name):
            is_number = function.id in ("float", "int", "long", "complex") and len(node.args) == 1
            if is_number and not node.keywords and not isinstance(node.args[0], ast.Constant | ast.Starred):
                return ast.copy_location(call(CONVERTED, function, node.args[0]), node)
        elif isinstance(function, ast.Attribute) and function.attr in old_arrays.WHOLE:
            owner, places = function.value, old_arrays.WHOLE[function.attr]
            given = [*enumerate(node.args), *((word.arg, word.value) for word in node.keywords)]
            of_module = isinstance(owner, ast.Name) and owner.id in self.modules
            if not of_module and not all(plain(value) for place, value in given if place in places):
                name = ast.Constant(function.attr)
                made = ast.Call(ast.Name(METHOD, ast.Load()), [name, owner, *node.args], node.keywords)
                return ast.copy_location(made, node)
        return node


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, bool)


def _read(node: ast.expr) -> ast.expr:
    """The same expression, read."""
    read = copy.deepcopy(node)
    for part in ast.walk(read):
        if hasattr(part, "ctx"):
            part.ctx = ast.Load()
    return read


def is_path(owner: ast.expr) -> bool:
    """Whether an expression may be read twice: names, their attributes, and items of these by plain indices."""
    while isinstance(owner, ast.Attribute) or isinstance(owner, ast.Subscript) and plain(owner.slice):
        owner = owner.value
    return isinstance(owner, ast.Name)


def plain(index: ast.expr) -> bool:
    """Whether an index is what it is today."""
    if isinstance(index, ast.Tuple):
        return all(map(plain, index.elts))
    if isinstance(index, ast.Slice):
        return all(part is None or plain(part) for part in (index.lower, index.upper, index.step))
    if isinstance(index, ast.UnaryOp):
        return plain(index.operand)
    return isinstance(index, ast.Constant) and not isinstance(index.value, float)


def _index(index: ast.expr) -> ast.expr:
    """An index as an expression: slices are calls."""
    if isinstance(index, ast.Slice):
        parts = [part or ast.Constant(None) for part in (index.lower, index.upper, index.step)]
        return ast.copy_location(call(SLICE, *parts), index)
    if isinstance(index, ast.Tuple):
        return ast.copy_location(ast.Tuple([_index(part) for part in index.elts], ast.Load()), index)
    return index


def call(function: str, *arguments: ast.expr) -> ast.Call:
    """A call of a built-in of ours."""
    return ast.Call(ast.Name(function, ast.Load()), list(arguments), [])
