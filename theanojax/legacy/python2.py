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
import difflib
import functools
import logging
import warnings
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, TypeVar

from theanojax.legacy import siblings
from theanojax.legacy.array_syntax import Arrays, call
from theanojax.legacy.old_objects import METHODS, METHODS_OF_PYTHON2
from theanojax.legacy.which_python import changed_meaning, only_in_python2, says_python2, uses_python2

# 2to3's fixers for syntax and for methods of built-in types. Those for names are left out: see above.
FIXERS = (
    *("apply", "dict", "except", "exec", "funcattrs", "has_key", "metaclass", "methodattrs", "ne", "next"),
    *("nonzero", "paren", "print", "repr", "sys_exc", "throw", "tuple_params"),
    *("unicode", "xreadlines"),
)

OUR_FIXERS = tuple(f"theanojax.legacy.fix_{name}" for name in ("raise", "lambda", "numbers"))

Tree = TypeVar("Tree", ast.Module, ast.Expression)

RAISED = "__python2_raised__"
METHOD = "__python2_%s__"
MESSAGE = "__python2_message__"
IS_NONE = "__python2_is_none__"
IS_NOT_NONE = "__python2_is_not_none__"
UNICODE = "__python2_unicode__"
PRINT = "__python2_print__"
CODE = "__python2_code__"
BYTES = "__python2_bytes__"
CAUGHT = "__python2_caught__"
DIVIDE = "__python2_div__"
DIVIDE_IN_PLACE = "__python2_idiv__"


def compile_source(source: str, filename: str, *args: Any, **options: Any) -> tuple[CodeType, bool]:
    """The code of `source`, and whether it was taken for Python 2; arguments are those of `parse_source`."""
    tree, is_python2 = parse_source(source, filename, *args, **options)
    return compile_tree(tree, filename, is_python2), is_python2


def compile_tree(tree: ast.Module, filename: str, is_python2: bool) -> CodeType:
    """The code of a tree of `parse_source`."""
    with warnings.catch_warnings():
        # `is` with a literal, invalid escapes: the style of the day.
        warnings.simplefilter("ignore")
        return compile(as_meant(tree, is_python2), filename, "exec", dont_inherit=True)


def parse_source(
    source: str,
    filename: str,
    in_package: bool = False,
    default_python2: bool = False,
    version: int | None = None,
    notice: Callable[[str], None] | None = None,
) -> tuple[ast.Module, bool]:
    """The tree of `source`, in the syntax of Python 3, and whether it was taken for Python 2.

    `default_python2` is for source that could be either: a module of a program in Python 2. `version` (2 or 3) decides
    what else the source does. `notice` gets a line when it reads as both, and means something else in Python 2.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if version == 2:
        return _parse_python2(source, filename, in_package, None), True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename)
    except SyntaxError as error:
        if version == 3:
            raise
        return _parse_python2(source, filename, in_package, error), True
    if version is None:
        if says_python2(source) or uses_python2(tree):
            return _parse_python2(source, filename, in_package, None), True
        found = None if default_python2 else only_in_python2(tree)
        if found is not None and notice is not None:
            notice(_differs(filename, found, 2))
        if default_python2 or found is not None:
            try:
                return _parse_python2(source, filename, in_package, None), True
            except SyntaxError:
                pass  # it is in Python 3, then
        elif notice is not None and (found := changed_meaning(tree)) is not None:
            notice(_differs(filename, found, 3))
    return tree, False


def _differs(filename: str, found: tuple[int, str], taken: int) -> str:
    line, what = found
    return (
        f"{filename} reads as Python 2 and as Python 3, which differ in {what} (line {line}): taken for Python {taken}"
        f"; -{5 - taken} runs it as Python {5 - taken}, -{taken} as Python {taken} without this line"
    )


def as_meant(tree: ast.Module, is_python2: bool) -> ast.Module:
    """`tree`, of `parse_source`, with what it meant in its time; in Python 3, that is what numpy's arrays took."""
    if is_python2:
        return with_old_meaning(tree, _has_future_division(tree))
    tree = Arrays(tree).visit(tree)
    tree = _Methods().visit(tree)
    if not _has_future(tree, "generator_stop"):
        tree = _Generators().visit(tree)
    return ast.fix_missing_locations(tree)


# ---- Conversion


def _parse_python2(source: str, filename: str, in_package: bool, python3_error: SyntaxError | None) -> ast.Module:
    converted = _convert(source, filename, python3_error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parse(converted, filename)
    except SyntaxError as error:
        # Line numbers of the converted text mean nothing to the user.
        raise (python3_error or error) from None
    _show_original_lines(tree, source, converted)
    if in_package and not _has_future(tree, "absolute_import"):
        tree = siblings.Dots(filename).visit(tree)
    return tree


def to_python3(source: str, filename: str, default_python2: bool, prints: bool = False) -> str | None:
    """The text of `source` in Python 3; None if it is in that already, or in neither.

    With `prints`, something before it has said that `print` is a function.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename)
        if not default_python2 and not uses_python2(tree):
            return None
    except SyntaxError:
        pass
    try:
        converted = _convert(source, filename, None, prints)
        _parse(converted, filename)
    except SyntaxError:
        return None
    return converted


def futures(source: str) -> tuple[bool, bool]:
    """Whether `source` asks for quotients, and for a `print`, as in Python 3."""
    tree = _parse(source, "<source>")
    return _has_future_division(tree), _has_future(tree, "print_function")


def with_old_meaning(tree: Tree, divides: bool, prints: bool = False) -> Tree:
    """`tree` with indices, calls and, unless it `divides` as Python 3 does, quotients of Python 2."""
    prints = prints or isinstance(tree, ast.Module) and _has_future(tree, "print_function")
    if not divides:
        tree = _Division().visit(tree)
    tree = Arrays(tree).visit(tree)
    tree = _Calls(divides, prints).visit(tree)
    tree = _Generators().visit(tree)
    return ast.fix_missing_locations(tree)


@functools.lru_cache(4096)
def _code_of_text(text: str, mode: str, divides: bool) -> CodeType:
    tree: ast.Module | ast.Expression
    if mode == "exec":
        tree = _parse(_convert(text, "<string>", None), "<string>")
        return compile(with_old_meaning(tree, divides or _has_future_division(tree)), "<string>", mode)
    text = text.strip()
    try:
        tree = ast.parse(text, "<string>", "eval")
    except SyntaxError:
        value = _parse(_convert("(%s\n)" % text, "<string>", None), "<string>").body[0]
        assert isinstance(value, ast.Expr)
        tree = ast.Expression(value.value)
    return compile(with_old_meaning(tree, divides), "<string>", mode)


def code(text: Any, mode: str, divides: bool) -> Any:
    """What to give to `exec` or `eval` (`mode`) for `text` in Python 2; what is no text goes as it is."""
    return _code_of_text(text, mode, divides) if isinstance(text, str) else text


def _parse(converted: str, filename: str) -> ast.Module:
    try:
        return ast.parse(converted, filename)
    except TabError:
        return ast.parse(expand_tabs(converted), filename)


def expand_tabs(text: str) -> str:
    """`text` with blanks for tabs: for Python 2 a tab went to the next multiple of eight, and mixing was fine."""
    return "\n".join(map(_expand_indentation, text.split("\n")))


def _expand_indentation(line: str) -> str:
    text = line.lstrip(" \t\f")
    return line[: len(line) - len(text)].expandtabs(8) + text


def _convert(source: str, filename: str, python3_error: SyntaxError | None, prints: bool = False) -> str:
    """The source with its syntax converted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fissix.pgen2.parse import ParseError
        from fissix.pgen2.tokenize import TokenError

        tool = _refactoring_tool(prints)
        try:
            return str(tool.refactor_string(source + "\n", filename))[:-1]
        except (ParseError, TokenError) as error:
            raise syntax_error(error, source, filename, python3_error) from None


def _refactoring_tool(prints: bool) -> Any:
    from fissix.fixes.fix_dict import FixDict
    from fissix.fixes.fix_unicode import FixUnicode
    from fissix.refactor import RefactoringTool

    logger = logging.getLogger("RefactoringTool")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        tool = RefactoringTool(
            [*(f"fissix.fixes.fix_{name}" for name in FIXERS), *OUR_FIXERS], {"print_function": prints}
        )
    finally:
        logger.setLevel(level)
    tool.log_message = tool.log_debug = tool.warning = lambda *args, **kwargs: None
    for fixer in (*tool.pre_order, *tool.post_order):
        if isinstance(fixer, FixDict):
            # 2to3 leaves `for k in d.keys()` alone; the loop may change `d`, so it has to be a list.
            special = fixer.in_special_context
            fixer.in_special_context = lambda node, isiter, special=special: isiter and special(node, isiter)
        elif isinstance(fixer, FixUnicode):
            # The names `unicode` and `unichr` are built-ins of the script.
            fixer.PATTERN = "STRING"
            fixer.compile_pattern()
    return tool


def syntax_error(error: Any, source: str, filename: str, python3_error: SyntaxError | None) -> SyntaxError:
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
    places = line_places(old, new)
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


def line_places(old: list[str], new: list[str]) -> dict[int, int]:
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
    return _has_future(tree, "division")


def _has_future(tree: ast.Module, feature: str) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == feature for alias in node.names)
        for node in tree.body
    )


class _Division(ast.NodeTransformer):
    """Replaces `/` and `/=` by calls of `div` and `idiv`, under names that no script uses."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        return ast.copy_location(call(DIVIDE, node.left, node.right), node)

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
        value = ast.copy_location(call(DIVIDE_IN_PLACE, ast.copy_location(read, node), node.value), node)
        return ast.copy_location(ast.Assign([target], value), node)


class _Methods(ast.NodeTransformer):
    """Calls of `theanojax.legacy.old_objects` for what objects did then."""

    methods = METHODS

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``a.sort(f)`` -> ``sort(a, f)``, and so on."""
        self.generic_visit(node)
        function = node.func
        if not isinstance(function, ast.Attribute) or function.attr not in self.methods:
            return node
        name = ast.Name(METHOD % function.attr, ast.Load())
        return ast.copy_location(ast.Call(name, [function.value, *node.args], node.keywords), node)


class _Calls(_Methods):
    """The same for objects of Python 2, and what else calls meant there."""

    methods = METHODS_OF_PYTHON2

    def __init__(self, divides: bool, prints: bool):
        self.divides, self.prints = divides, prints

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """What is to be executed is in Python 2."""
        found = super().visit_Call(node)
        function = node.func
        if found is not node or not isinstance(function, ast.Name):
            return found
        if function.id == "print" and not self.prints:
            function.id = PRINT
        elif function.id == "unicode":
            function.id = UNICODE
        elif function.id in ("exec", "eval") and node.args:
            words = ast.Constant(function.id), ast.Constant(self.divides)
            node.args[0] = ast.copy_location(call(CODE, node.args[0], *words), node.args[0])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """``error.message``"""
        self.generic_visit(node)
        if node.attr != "message" or not isinstance(node.ctx, ast.Load):
            return node
        return ast.copy_location(call(MESSAGE, node.value), node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """``b"x"``, which text can be joined to."""
        return ast.copy_location(call(BYTES, node), node) if isinstance(node.value, bytes) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """``x == None``"""
        self.generic_visit(node)
        right = node.comparators[0]
        if len(node.ops) > 1 or not isinstance(right, ast.Constant) or right.value is not None:
            return node
        name = {ast.Eq: IS_NONE, ast.NotEq: IS_NOT_NONE}.get(type(node.ops[0]))
        return ast.copy_location(call(name, node.left), node) if name else node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """The name of an error stayed after its ``except``."""
        self.generic_visit(node)
        if node.name is not None:
            kept = ast.Assign([ast.Name(node.name, ast.Store())], ast.Name(CAUGHT, ast.Load()))
            node.body.insert(0, ast.copy_location(kept, node.body[0]))
            node.name = CAUGHT
        return node


class _Generators(ast.NodeTransformer):
    """Up to Python 3.6, a StopIteration ended the generator that it came out of."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A generator is guarded."""
        self.generic_visit(node)
        if not any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in _own_nodes(node)):
            return node
        first = int(ast.get_docstring(node, clean=False) is not None)
        body = node.body[first:]
        if not body:
            return node
        end = ast.copy_location(ast.Return(), body[0])
        handler = ast.ExceptHandler(ast.Name("StopIteration", ast.Load()), None, [end])
        guarded = ast.Try(body, [ast.copy_location(handler, body[0])], [], [])
        node.body[first:] = [ast.copy_location(guarded, body[0])]
        return node


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function that are in no other inside it."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            todo += ast.iter_child_nodes(node)
