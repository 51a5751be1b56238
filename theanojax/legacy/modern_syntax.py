"""The syntax of Python 2 in that of Python 3, for a program that is to stay there: what people would write.

`theanojax.legacy.python2` converts for one run and leaves names to the run. Here names and methods are converted,
too, by the fixers of fissix that know them; comments and layout stay.
"""

from __future__ import annotations

import ast
import functools
import logging
import re
import warnings
from collections.abc import Callable
from typing import Any

from theanojax.legacy import python2

# Those of 2to3 for syntax and for names, but for the names that `theanojax.legacy.moved` has.
FIXERS = (
    *(
        "apply",
        "basestring",
        "buffer",
        "dict",
        "except",
        "exec",
        "execfile",
        "exitfunc",
        "filter",
        "funcattrs",
        "future",
    ),
    *("has_key", "imports", "input", "intern", "isinstance", "itertools", "itertools_imports", "long", "map"),
    *("metaclass", "methodattrs", "ne", "next", "nonzero", "paren", "print", "raw_input", "reduce", "reload"),
    *("repr", "standarderror", "sys_exc", "throw", "tuple_params", "unicode", "urllib", "xrange", "xreadlines", "zip"),
)
OURS = tuple(f"theanojax.legacy.fix_{name}" for name in ("modern_raise", "lambda", "numbers"))
FUTURE = re.compile(r"^from[ \t]+__future__[ \t]+import[ \t]+(\([^)]*\)|.*)", re.M)
# What changes the size of a dictionary.
CHANGES = r"\bdel\s+{0}\b|\b{0}\s*\[[^\n]*\]\s*=[^=]|\b{0}\.(pop|popitem|clear|update|setdefault)\b"


def futures(source: str) -> set[str]:
    """The features that `source` imports from ``__future__``."""
    return {word for found in FUTURE.findall(source) for word in re.findall(r"\w+", found)}


def to_python3(source: str, filename: str, prints: bool) -> tuple[str, list[tuple[int, str]]]:
    """`source` in the syntax of Python 3, and notes: (line, what to look at); SyntaxError if it is in no Python.

    With `prints`, something before it has said that `print` is a function.
    """
    from fissix.pgen2.parse import ParseError
    from fissix.pgen2.tokenize import TokenError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tool = _tool(prints)
        try:
            text = str(tool.refactor_string(source + "\n", filename))[:-1]
        except (ParseError, TokenError) as error:
            raise python2.syntax_error(error, source, filename, None) from None
        text = _without_tabs(text, filename)
    notes: list[tuple[int, str]] = []
    for message in tool.fixer_log:
        place = re.match(r"Line (\d+): (?:could not convert: )?(.*)", message, re.S)
        if place:
            notes.append((int(place[1]), " ".join(place[2].split())))
        elif notes:  # why the last one is not converted
            notes[-1] = (notes[-1][0], f"{notes[-1][1]}: {message}")
    return text, [note for note in notes if "map(None, ...)" not in note[1]]  # which modern_meaning knows


def _without_tabs(text: str, filename: str) -> str:
    try:
        ast.parse(text, filename)
    except TabError:
        return python2.expand_tabs(text)
    return text


def _tool(prints: bool) -> Any:
    from fissix.fixes.fix_dict import FixDict
    from fissix.fixes.fix_tuple_params import FixTupleParams
    from fissix.refactor import RefactoringTool

    logger = logging.getLogger("RefactoringTool")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        tool = RefactoringTool([*(f"fissix.fixes.fix_{name}" for name in FIXERS), *OURS], {"print_function": prints})
    finally:
        logger.setLevel(level)
    tool.log_debug = tool.log_message = tool.warning = lambda *args, **kwargs: None
    for fixer in (*tool.pre_order, *tool.post_order):
        if isinstance(fixer, FixDict):
            special = fixer.in_special_context
            fixer.in_special_context = lambda node, isiter, special=special: (
                isiter or _is_left_alone(node) if special(node, True) else False
            )
        elif isinstance(fixer, FixTupleParams):
            fixer.new_name = functools.partial(_new_name, fixer.new_name)
    return tool


def _new_name(new: Callable[[str], str], template: str = "pair") -> str:
    return new(template)


def _is_left_alone(node: Any) -> bool:
    """Whether the loop over `node`, keys of a dictionary, leaves it as it is; what is no loop uses all at once."""
    from fissix.pygram import python_symbols as syms

    if node.parent.type not in (syms.for_stmt, getattr(syms, "comp_for", None), getattr(syms, "old_comp_for", None)):
        return True
    owner = re.escape("".join(map(str, node.children[:-2])).strip())
    return re.search(CHANGES.format(owner), str(node.parent)) is None
