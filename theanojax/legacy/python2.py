"""Python 2 source, made into code objects that Python 3 runs and whose tracebacks show the original.

The syntax is converted by fissix, the maintained fork of the 2to3 that came with Python up to 3.12 (a
grammar for Python 2 is nothing to write again). Only what is syntax, or methods of built-in types, is
converted here: names that Python 3 lacks or changed (`xrange`, `raw_input`, `map`) are given to the
script at run time by `theanojax.legacy.script_names`, which leaves its text, and so its lines, alone.

Division is done on the syntax tree: `a / b` becomes a call of `div`, which does what Python 2 did with
these two values, unless the source says `from __future__ import division`.
"""

from __future__ import annotations

import ast
import copy
import difflib
import functools
import logging
import warnings
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any

import numpy as np

from theanojax.legacy.which_python import changed_meaning, says_python2, uses_python2

# 2to3's fixers for syntax and for methods of built-in types. Those for names are left out: see above.
FIXERS = (
    *("apply", "dict", "except", "exec", "funcattrs", "has_key", "metaclass", "methodattrs", "ne", "next"),
    *("nonzero", "numliterals", "paren", "print", "repr", "sys_exc", "throw", "tuple_params"),
    *("unicode", "xreadlines"),
)

RAISED = "__python2_raised__"
ITEM = "__python2_item__"
GET = "__python2_get__"
SLICE = "__python2_slice__"
SORT = "__python2_sort__"
DIVIDE = "__python2_div__"
DIVIDE_IN_PLACE = "__python2_idiv__"


def compile_source(
    source: str,
    filename: str,
    in_package: bool = False,
    default_python2: bool = False,
    version: int | None = None,
    notice: Callable[[str], None] | None = None,
) -> tuple[CodeType, bool]:
    """The code of `source`, and whether it was taken for Python 2.

    `default_python2` is for source that could be either: a module of a program in Python 2. `version` (2 or 3) decides
    what else the source does. `notice` gets a line when it reads as both, and means something else in Python 2.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if version == 2:
        return _compile_python2(source, filename, in_package, None), True
    try:
        with warnings.catch_warnings():
            # `is` with a literal, invalid escapes: the style of the day.
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename)
    except SyntaxError as error:
        if version == 3:
            raise
        return _compile_python2(source, filename, in_package, error), True
    if version is None:
        if says_python2(source) or uses_python2(tree):
            return _compile_python2(source, filename, in_package, None), True
        if default_python2:
            try:
                return _compile_python2(source, filename, in_package, None), True
            except SyntaxError:
                pass  # it is in Python 3, then
        elif notice is not None and (found := changed_meaning(tree)) is not None:
            line, what = found
            notice(
                f"{filename} reads as Python 2 and as Python 3, which differ in {what} (line {line}): taken for "
                "Python 3; -2 runs it as Python 2, -3 as Python 3 without this line"
            )
    return compile(tree, filename, "exec", dont_inherit=True), False


# ---- Conversion


def _compile_python2(source: str, filename: str, in_package: bool, python3_error: SyntaxError | None) -> CodeType:
    converted = _convert(source, filename, in_package, python3_error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parse(converted, filename)
    except SyntaxError as error:
        # Line numbers of the converted text mean nothing to the user.
        raise (python3_error or error) from None
    _show_original_lines(tree, source, converted)
    tree = with_old_meaning(tree, _has_future_division(tree))
    return compile(tree, filename, "exec", dont_inherit=True)


def to_python3(source: str, filename: str, default_python2: bool) -> str | None:
    """The text of `source` in Python 3; None if it is in that already, or in neither."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename)
        if not default_python2 and not uses_python2(tree):
            return None
    except SyntaxError:
        pass
    try:
        converted = _convert(source, filename, False, None)
        _parse(converted, filename)
    except SyntaxError:
        return None
    return converted


def has_future_division(source: str) -> bool:
    """Whether `source` asks for quotients as in Python 3."""
    return _has_future_division(_parse(source, "<source>"))


def with_old_meaning(tree: ast.Module, divides: bool) -> ast.Module:
    """`tree` with indices and, unless it `divides` as Python 3 does, quotients of Python 2."""
    if not divides:
        tree = _Division().visit(tree)
    return ast.fix_missing_locations(_Items().visit(tree))


def _parse(converted: str, filename: str) -> ast.Module:
    try:
        return ast.parse(converted, filename)
    except TabError:
        # For Python 2 a tab went to the next multiple of eight, and mixing was fine.
        lines = converted.split("\n")
        return ast.parse("\n".join(_expand_indentation(line) for line in lines), filename)


def _expand_indentation(line: str) -> str:
    text = line.lstrip(" \t\f")
    return line[: len(line) - len(text)].expandtabs(8) + text


def _convert(source: str, filename: str, in_package: bool, python3_error: SyntaxError | None) -> str:
    """The source with its syntax converted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fissix.pgen2.parse import ParseError
        from fissix.pgen2.tokenize import TokenError

        tool = _refactoring_tool(in_package)
        try:
            return str(tool.refactor_string(source + "\n", filename))[:-1]
        except (ParseError, TokenError) as error:
            raise _syntax_error(error, source, filename, python3_error) from None


def _refactoring_tool(in_package: bool) -> Any:
    from fissix.fixes.fix_dict import FixDict
    from fissix.refactor import RefactoringTool

    # `import sibling`, within a package, meant `from . import sibling`.
    names = [*FIXERS, *(["import"] if in_package else [])]
    logger = logging.getLogger("RefactoringTool")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        tool = RefactoringTool([*(f"fissix.fixes.fix_{name}" for name in names), "theanojax.legacy.fix_raise"])
    finally:
        logger.setLevel(level)
    tool.log_message = tool.log_debug = tool.warning = lambda *args, **kwargs: None
    for fixer in (*tool.pre_order, *tool.post_order):
        if isinstance(fixer, FixDict):
            # 2to3 leaves `for k in d.keys()` alone; the loop may change `d`, so it has to be a list.
            special = fixer.in_special_context
            fixer.in_special_context = lambda node, isiter, special=special: isiter and special(node, isiter)
    return tool


def _syntax_error(error: Any, source: str, filename: str, python3_error: SyntaxError | None) -> SyntaxError:
    """The error to show where neither Python can read the source: of the one that got further."""
    context = getattr(error, "context", None)
    line, column = context[1] if context else error.args[1]
    if python3_error is not None and (python3_error.lineno or 0) > line:
        return python3_error
    lines = source.rstrip().split("\n")
    if line > len(lines):
        return SyntaxError("unexpected end of file", (filename, len(lines), len(lines[-1]) + 1, lines[-1]))
    return SyntaxError("invalid syntax", (filename, line, column + 1, lines[line - 1]))


# ---- Places


def _show_original_lines(tree: ast.Module, source: str, converted: str) -> None:
    """Give every node its place in the original text."""
    old, new = source.split("\n"), converted.split("\n")
    if old == new:
        return
    places = _line_places(old, new)
    for node in ast.walk(tree):
        if not hasattr(node, "lineno"):
            continue
        first, last = places[node.lineno], places[node.end_lineno]
        same = all(new[n - 1] == old[places[n] - 1] for n in {node.lineno, node.end_lineno} if places[n] <= len(old))
        node.lineno, node.end_lineno = first, max(first, last)
        if not same:
            # Columns are of the converted text: point at the whole line, which shows no markers.
            text = old[first - 1]
            node.end_lineno = first
            node.col_offset = len(text.encode()) - len(text.lstrip().encode())
            node.end_col_offset = max(len(text.rstrip().encode()), node.col_offset + 1)


def _line_places(old: list[str], new: list[str]) -> dict[int, int]:
    """The line of the original, counted from one, for each line of the converted text."""
    if len(old) == len(new):
        return {number: number for number in range(1, len(new) + 1)}
    places: dict[int, int] = {}
    for _, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for j in range(j1, j2):
            places[j + 1] = max(1, min(i1 + (j - j1) + 1, max(i2, i1)))
    return places


# ---- Division


def _has_future_division(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "division" for alias in node.names)
        for node in tree.body
    )


class _Division(ast.NodeTransformer):
    """Replaces `/` and `/=` by calls of `div` and `idiv`, under names that no script uses."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        return ast.copy_location(_call(DIVIDE, node.left, node.right), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        target = node.target
        if isinstance(target, ast.Name):
            read: ast.expr = ast.Name(target.id, ast.Load())
        elif isinstance(target, ast.Attribute):
            read = ast.Attribute(target.value, target.attr, ast.Load())
        else:
            read = ast.Subscript(target.value, target.slice, ast.Load())
        # The parts of the target are evaluated twice. They are names and indices; a call with a side
        # effect there would be seen.
        value = ast.copy_location(_call(DIVIDE_IN_PLACE, ast.copy_location(read, node), node.value), node)
        return ast.copy_location(ast.Assign([target], value), node)


class _Items(ast.NodeTransformer):
    """``a[i]`` -> ``a[item(a, i)]`` or ``get(a, i)``, and ``a.sort(f)`` -> ``sort(a, f)``."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Arrays took floats, and lists of slices."""
        repeatable = _is_path(node.value)
        read = copy.deepcopy(node.value)
        self.generic_visit(node)
        if _plain(node.slice):
            return node
        if repeatable:
            for part in ast.walk(read):
                if hasattr(part, "ctx"):
                    part.ctx = ast.Load()
            node.slice = ast.copy_location(_call(ITEM, read, _index(node.slice)), node.slice)
        elif isinstance(node.ctx, ast.Load):
            return ast.copy_location(_call(GET, node.value, _index(node.slice)), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Lists were sorted by a function that compares."""
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "sort" and (node.args or node.keywords):
            return ast.copy_location(
                ast.Call(ast.Name(SORT, ast.Load()), [function.value, *node.args], node.keywords), node
            )
        return node


def _is_path(owner: ast.expr) -> bool:
    """Whether an expression may be read twice: names, their attributes, and items of these by plain indices."""
    while isinstance(owner, ast.Attribute) or isinstance(owner, ast.Subscript) and _plain(owner.slice):
        owner = owner.value
    return isinstance(owner, ast.Name)


def _plain(index: ast.expr) -> bool:
    """Whether an index is what it is today."""
    if isinstance(index, ast.Tuple):
        return all(map(_plain, index.elts))
    if isinstance(index, ast.Slice):
        return all(part is None or _plain(part) for part in (index.lower, index.upper, index.step))
    if isinstance(index, ast.UnaryOp):
        return _plain(index.operand)
    return isinstance(index, ast.Constant) and not isinstance(index.value, float)


def _index(index: ast.expr) -> ast.expr:
    """An index as an expression: slices are calls."""
    if isinstance(index, ast.Slice):
        parts = [part or ast.Constant(None) for part in (index.lower, index.upper, index.step)]
        return ast.copy_location(_call(SLICE, *parts), index)
    if isinstance(index, ast.Tuple):
        return ast.copy_location(ast.Tuple([_index(part) for part in index.elts], ast.Load()), index)
    return index


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), list(arguments), [])


def div(a: Any, b: Any) -> Any:
    """What `a / b` was in Python 2: floored for two integers, or two arrays of integers."""
    for method, left, right in (("__div__", a, b), ("__rdiv__", b, a)):
        function = getattr(type(left), method, None)
        if function is not None:
            result = function(left, right)
            if result is not NotImplemented:
                return result
    return a // b if _is_integral(a) and _is_integral(b) else a / b


def idiv(a: Any, b: Any) -> Any:
    """What `a /= b` left in `a`."""
    function = getattr(type(a), "__idiv__", None)
    if function is not None:
        return function(a, b)
    if hasattr(type(a), "__div__") or hasattr(type(b), "__rdiv__"):
        return div(a, b)
    if _is_integral(a) and _is_integral(b):
        a //= b
    else:
        a /= b
    return a


def _is_integral(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return getattr(dtype, "kind", "") in "biu" if dtype is not None else isinstance(value, int)


def raised(kind: Any, value: Any = None, traceback: TracebackType | None = None) -> BaseException:
    """The exception that Python 2 raised for ``raise kind, value, traceback``."""
    while isinstance(kind, tuple) and kind:
        kind = kind[0]
    if isinstance(kind, type) and issubclass(kind, BaseException):
        if isinstance(value, kind):
            error = value
        elif value is None:
            error = kind()
        else:
            error = kind(*value) if isinstance(value, tuple) else kind(value)
    elif isinstance(kind, BaseException):
        if value is not None:
            return TypeError("instance exception may not have a separate value")
        error = kind
    else:
        return TypeError(
            "exceptions must be old-style classes or derived from BaseException, not %s" % type(kind).__name__
        )
    return error if traceback is None else error.with_traceback(traceback)


def item(owner: Any, index: Any) -> Any:
    """The index that means today what `index` of `owner` meant."""
    if type(index) is int or not isinstance(owner, np.ndarray):
        return index
    if type(index) is list and any(isinstance(part, slice) for part in index):
        index = tuple(index)
    return tuple(map(_whole, index)) if type(index) is tuple else _whole(index)


def get(owner: Any, index: Any) -> Any:
    """``owner[index]``, as it was meant."""
    return owner[item(owner, index)]


def _whole(index: Any) -> Any:
    if isinstance(index, float | np.floating):
        return int(index)
    if type(index) is slice:
        return slice(*[_whole(part) for part in (index.start, index.stop, index.step)])
    return index


def sort(owner: Any, *args: Any, **options: Any) -> Any:
    """``owner.sort(...)``, whose first argument, `cmp`, compared two items of a list."""
    if type(owner) is not list:
        return owner.sort(*args, **options)
    compare, key, reverse = [*args, *(None, None, False)[len(args) :]]
    compare, key = options.get("cmp", compare), options.get("key", key)
    owner.sort(key=_key(compare, key), reverse=options.get("reverse", reverse))
    return None


def _key(compare: Any, key: Any) -> Any:
    if compare is None:
        return key
    by = functools.cmp_to_key(compare)
    return by if key is None else lambda value: by(key(value))
