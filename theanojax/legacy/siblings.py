"""Imports without dots, by which the modules of a package of Python 2 got each other."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator


def sibling_test(filename: str) -> Callable[[str], bool]:
    """Whether a dotted name begins with a module, or package, that lies beside the file."""
    folder = os.path.dirname(os.path.abspath(filename))

    def is_sibling(name: str) -> bool:
        path = os.path.join(folder, name.partition(".")[0])
        return os.path.exists(path + ".py") or os.path.exists(os.path.join(path, "__init__.py"))

    return is_sibling


def with_dots(node: ast.Import | ast.ImportFrom, is_sibling: Callable[[str], bool]) -> list[ast.stmt]:
    """What takes the place of an import: the node itself if it is of no sibling."""
    if isinstance(node, ast.ImportFrom):
        if node.level or node.module is None or not is_sibling(node.module):
            return [node]
        return [ast.copy_location(ast.ImportFrom(node.module, node.names, 1), node)]
    if not any(is_sibling(alias.name) for alias in node.names):
        return [node]
    others = [alias for alias in node.names if not is_sibling(alias.name)]
    made: list[ast.stmt] = [ast.Import(others)] if others else []
    made += [statement for alias in node.names if is_sibling(alias.name) for statement in _from_here(alias)]
    return [ast.copy_location(statement, node) for statement in made]


def _from_here(alias: ast.alias) -> Iterator[ast.stmt]:
    parent, _, last = alias.name.rpartition(".")
    if not parent:
        yield ast.ImportFrom(None, [alias], 1)
    elif alias.asname:
        yield ast.ImportFrom(parent, [ast.alias(last, alias.asname)], 1)
    else:  # the name is that of the first; the others are to be found in it
        yield ast.ImportFrom(None, [ast.alias(alias.name.partition(".")[0])], 1)
        yield ast.ImportFrom(parent, [ast.alias(last, alias.name.replace(".", "_"))], 1)


class Dots(ast.NodeTransformer):
    """Puts the dots into a tree."""

    def __init__(self, filename: str):
        self.is_sibling = sibling_test(filename)

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """``import sibling``"""
        return with_dots(node, self.is_sibling)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        """``from sibling import x``"""
        return with_dots(node, self.is_sibling)
