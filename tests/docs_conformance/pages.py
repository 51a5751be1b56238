"""The code of a page of documentation, written in reStructuredText: its blocks, in their order."""

import ast
import doctest
import re
import textwrap
import warnings
from dataclasses import dataclass, field

from theanojax.legacy import python2

DIRECTIVE = re.compile(r"(\s*)\.\. ?([a-z-]+):: ?(.*)$")
RUNS = ("testcode", "testsetup", "doctest", "code-block", "code", "sourcecode")
PYTHON = ("", "python", "pycon", "default")
OPTION = re.compile(r"\s*:[a-z-]+:")
PROMPT = re.compile(r"\s*>>>( |$)")


@dataclass
class Block:
    """What a reader would type in at once.

    Attributes
    ----------
    number : counted from 1 on its page.
    line : where it is on the page.
    parts : texts, each run on its own: the examples at prompts, or the one whole.
    shows : whether values of expressions are shown, as at a prompt.
    version : 2 or 3, the Python that it reads as; 0: it is not Python.
    fails : whether the page shows an error for it.
    """

    number: int
    line: int
    parts: list[str] = field(default_factory=list)
    shows: bool = False
    version: int = 0
    fails: bool = False


def indent(line):
    return len(line) - len(line.lstrip())


def literals(lines):
    """(number of the first line, kind, text) of what is set as code; kind is the directive, "::" or ">>>"."""
    i = 0
    while i < len(lines):
        line, i = lines[i], i + 1
        found = DIRECTIVE.match(line)
        if found and found[2] in (*RUNS, "testoutput", "parsed-literal", "math", "raw"):
            text, first, i = inside(lines, i, indent(line))
            language = found[3].strip() if found[2] in ("code-block", "code", "sourcecode") else ""
            yield first, found[2] if language in PYTHON else "other", text
        elif found is None and line.rstrip().endswith("::") and not line.lstrip().startswith(".. "):
            text, first, i = inside(lines, i, indent(line))
            if text.strip():
                yield first, "::", text
        elif PROMPT.match(line):
            first = i
            while i < len(lines) and lines[i].strip():
                i += 1
            yield first, ">>>", "\n".join(lines[first - 1 : i])


def inside(lines, i, margin):
    """(the lines from `i` on that are indented by more than `margin`, the number of the first, the next index)."""
    while i < len(lines) and (not lines[i].strip() or OPTION.match(lines[i]) and indent(lines[i]) > margin):
        i += 1
    first = end = i
    while i < len(lines) and (not lines[i].strip() or indent(lines[i]) > margin):
        i += 1
        if lines[i - 1].strip():
            end = i
    return "\n".join(lines[first:end]), first + 1, end


def blocks(text):
    """The blocks of a page."""
    found = []
    for line, kind, literal in literals(text.expandtabs(8).splitlines()):
        if kind == "testoutput":
            if found and "Traceback" in literal:
                found[-1].fails = True
        elif kind in (*RUNS, "::", ">>>"):
            found.append(block(len(found) + 1, line, textwrap.dedent(literal) + "\n"))
    return found


def block(number, line, text):
    if PROMPT.match(text.lstrip("\n").split("\n")[0]):
        return prompts(number, line, text)
    return Block(number, line, [text], version=version(text))


def prompts(number, line, text):
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:  # a prompt without its blank, say
        return Block(number, line, [text])
    parts = [e.source for e in examples]
    versions = {version(p) for p in parts}
    fails = any(e.exc_msg is not None for e in examples)
    return Block(number, line, parts, True, min(versions, key=[0, 2, 3].index), fails)


def version(source):
    """2 or 3, the Python that `source` is written in; 0 for neither. What reads as both is in Python 3."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
            return 3
        except (SyntaxError, ValueError):
            pass
        try:
            python2.parse_source(source, "<page>", version=2)
            return 2
        except Exception:  # whatever the converter says of a text that is no program
            return 0


def docstrings(source):
    """(name, text) of each docstring of a module's source."""
    todo = [("", ast.parse(source))]
    while todo:
        name, node = todo.pop(0)
        text = ast.get_docstring(node)
        if text:
            yield name, text
        for below in ast.iter_child_nodes(node):
            if isinstance(below, (ast.ClassDef, ast.FunctionDef)):
                todo.append(((name + "." + below.name).lstrip("."), below))
