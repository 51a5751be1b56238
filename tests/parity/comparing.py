"""What of a table of names, parameters and flags is here under the same path, and what is not."""

import fnmatch
import importlib
import inspect
import warnings

from tests.parity import flags, reading

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
KINDS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
# What differs: the kind, and what it means.
DIFFERENCES = {
    "module": "modules that cannot be imported",
    "name": "functions, classes and values that a module does not have",
    "method": "methods that a class does not have",
    "parameters": "functions and methods that do not take all calls that Theano's take",
    "flag": "flags whose values, default or kind are others",
    "spelling": "functions and methods that take all of Theano's calls by position, but call a parameter otherwise",
}


def compare(table):
    """Rows (difference, module, name, Theano's parameters, ours) for each row of `table` that is not so here."""
    found = flags.compare([row[2:] for row in table if row[1] == "flag"])
    for path, kind, name, theirs in table:
        if kind == "flag":
            continue
        module = _import(path)
        if module is None:
            found += [("module", path, "", "", "")] if kind == "module" else []
            continue
        owner, _, last = name.rpartition(".")
        holder = getattr(module, owner, None) if owner else module
        if kind == "module" or holder is None:  # of a class that is missing, one row tells
            continue
        if not hasattr(holder, last):
            found.append(("method" if owner else "name", path, name, theirs, ""))
        elif kind in ("function", "method") and theirs != "?":
            bound = bool(owner) and not isinstance(inspect.getattr_static(holder, last), (staticmethod, classmethod))
            found += _difference(path, name, theirs, getattr(holder, last), bound)
    return found


def _import(name):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError:
        return None


def explain(rows, reasons):
    """(row, reason) of each: that of the first of `reasons`, (difference, pattern, reason), that fits, or ""."""
    return [(row, next((r for kind, pattern, r in reasons if fits(row, kind, pattern)), "")) for row in rows]


def fits(row, kind, pattern):
    return row[0] == kind and fnmatch.fnmatchcase(("%s.%s" % row[1:3]).rstrip("."), pattern)


def _difference(module, name, theirs, function, skip_first):
    """A row if `function` does not take what Theano's takes, else none."""
    try:
        ours = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    ours = ours[1:] if skip_first and ours and ours[0].kind in POSITIONAL else ours
    words = theirs.split(", ") if theirs else []
    if takes(ours, words):
        return []
    return [
        ("spelling" if takes(ours, words, False) else "parameters", module, name, theirs, ", ".join(map(text, ours)))
    ]


def text(parameter):
    word = KINDS.get(parameter.kind, "") + parameter.name
    if parameter.default is parameter.empty:
        return word
    return "%s=%s" % (word, reading.shown(parameter.default))


def takes(ours, theirs, by_name=True):
    """Whether parameters, `ours`, take each call that `theirs`, texts, take; what we have besides is optional."""
    named = {p.name: p for p in ours}
    has = {p.kind for p in ours}
    positions = [p for p in ours if p.kind in POSITIONAL]
    asked = [w for w in theirs if not w.startswith("*")]
    for word in theirs:
        if word.startswith("**") and inspect.Parameter.VAR_KEYWORD not in has:
            return False
        if word.startswith("*") and word[1:2] not in ("*", "") and inspect.Parameter.VAR_POSITIONAL not in has:
            return False
    used = []
    for i, word in enumerate(asked):
        name, _, default = word.partition("=")
        if by_name:
            found = named.get(name)
        elif i < len(positions):
            found = positions[i]
        elif inspect.Parameter.VAR_POSITIONAL in has:
            continue
        else:
            return False
        if found is None:
            if {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= has:
                continue
            return False
        if found.kind in POSITIONAL and (i >= len(positions) or positions[i] is not found):
            return False
        if default and not _same_default(found, default):
            return False
        used.append(found)
    return all(p.default is not p.empty for p in positions if p not in used)


def _same_default(parameter, default):
    ours = "" if parameter.default is parameter.empty else reading.shown(parameter.default)
    return ours == default or bool(ours) and "_" in (default, ours)
