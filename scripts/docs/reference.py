"""The pages of the reference, from docstrings; reference.toml says what is on which page."""

import ast
import importlib
import inspect
import tomllib
import types
from pathlib import Path

from scripts.docs.docstrings import described

with open(Path(__file__).with_suffix(".toml"), "rb") as file:
    PAGES = tomllib.load(file)
WITH_METHODS = PAGES.pop("with_methods")


def write(folder):
    """Write all pages into `folder`, which is made."""
    folder.mkdir()
    for name, page in PAGES.items():
        parts, done = ["# " + page["title"], page["text"]], {}
        for heading, *wanted in page["sections"]:
            parts.append("## " + heading)
            parts += [entry(*found, done) for found in members(*wanted, done=done)]
        (folder / (name + ".md")).write_text("\n\n".join(parts) + "\n")
    lines = [
        "# Reference",
        BEGINNING,
        "```{toctree}",
        ":maxdepth: 2",
        "",
        *PAGES,
        "```",
        "",
        "{ref}`All names <genindex>`",
    ]
    (folder / "index.md").write_text("\n".join(lines) + "\n")


BEGINNING = """
These pages are made from docstrings, and grouped as Theano's documentation was. Names that programs seldom call, as the
classes of Ops, are left out; they are where Theano has them ([parity](../parity.md)). Flags have
[a page of their own](../flags.md), and so have [errors and warnings](../errors.md).
"""


def members(path, names="@", *, done):
    """(path, name, object) of each name of a section that `done`, a dict from names to objects, has not."""
    module = importlib.import_module(path)
    for word in names.split():
        for name in offered(module, word[1:]) if word.startswith("@") else [word]:
            thing = getattr(module, name)
            if f"{path}.{name}" not in done and not isinstance(thing, types.ModuleType):
                done[f"{path}.{name}"] = thing
                yield path, name, thing


def offered(module, part):
    """The names in `module` that its own file offers, or those of the file `part` of theanojax.tensor."""
    if part == "elementwise":
        return [name for name, thing in sorted(vars(module).items()) if is_elementwise(thing) and public(name)]
    source = importlib.import_module("theanojax.tensor." + part) if part else module
    tree = ast.parse(inspect.getsource(source))
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "__all__":
            listed = [e.value for e in ast.walk(statement.value) if isinstance(e, ast.Constant)]
            break
    else:
        listed = [getattr(statement, "name", "_") for statement in tree.body]
    if source.__name__ == "theanojax.sparse":
        listed = list(vars(source))
    return [name for name in listed if public(name) and hasattr(module, name) and is_function(getattr(module, name))]


def public(name):
    return not name.startswith("_") and not name.endswith("_")


def is_elementwise(thing):
    return hasattr(thing, "scalar_op") and not isinstance(thing, type)


def is_function(thing):
    """Whether it is something to be called that has a docstring of ours, and no class of Ops."""
    ours = (getattr(thing, "__module__", "") or "").startswith("theano")
    if isinstance(thing, type):
        return ours and not hasattr(thing, "make_node") and not issubclass(thing, Exception)
    return ours and callable(thing) and bool(inspect.getdoc(thing))


def entry(path, name, thing, done):
    """What the reference says of one thing; of one that the page has had before, its first name."""
    full = f"{path}.{name}"
    first = next(other for other, before in done.items() if before is thing)
    if first != full:
        return directive("py:function", full + signature(thing), f"The same as `{first}`.")
    if not isinstance(thing, type):
        return directive("py:function", full + signature(thing), inspect.getdoc(thing))
    inside = []
    if full in WITH_METHODS:
        for attribute, method in methods(thing):
            kind = "py:property" if isinstance(method, property) else "py:method"
            call = "" if kind == "py:property" else signature(method, bound=True)
            inside.append(directive(kind, attribute + call, inspect.getdoc(method)))
    return directive("py:class", full + signature(thing), inspect.getdoc(thing), inside)


def methods(cls):
    """(name, function or property) of the public methods that our classes define, in the order of their names."""
    for name in sorted(dir(cls)):
        found = inspect.getattr_static(cls, name)
        found = getattr(found, "__func__", found)
        if name.startswith("_") or not isinstance(found, types.FunctionType | property):
            continue
        if inspect.getdoc(found):
            yield name, found


def directive(kind, head, doc, inside=()):
    """A directive of MyST's; those that it has inside have fewer colons."""
    fence = ":" * (4 if inside or kind == "py:class" else 3)
    body = described(doc or "")
    return "\n".join([f"{fence}{{{kind}}} {head}", "", body, *("\n" + text for text in inside), fence])


def signature(thing, bound=False):
    """The parameters of a function, method or class, without annotations."""
    if is_elementwise(thing):
        count = thing.scalar_op.nin
        return "(a, b, *more)" if count < 0 else "(%s)" % ", ".join("abcdef"[:count])
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return "()"
    parameters = list(found.parameters.values())[bound:]
    plain = [p.replace(annotation=p.empty, default=shown(p.default)) for p in parameters]
    return str(found.replace(parameters=plain, return_annotation=found.empty))


class Shown:
    """A default whose repr would be the address of an object."""

    def __repr__(self):
        return "..."


def shown(default):
    """A default that is short when it is written."""
    return Shown() if default is not inspect.Parameter.empty and repr(default).startswith("<") else default
