"""docs/flags.md from the table of flags: `python -m scripts.docs.flags` writes it, a test compares."""

import inspect
import re

from scripts.docs.pages import DOCS
from theanojax import configflags, configinert
from theanojax.configparser import EnumStr, TypedParam, booltype

PAGE = DOCS / "flags.md"

BEGINNING = """\
# Flags

`python -m scripts.docs.flags` writes this page from `theanojax/configflags.py` and `configinert.py`. `theanojax config`
prints all flags with the values that they have where you are.

A flag takes its value from the first of these that names it:

1. an assignment, `theano.config.floatX = "float32"`, or a block, `with theano.change_flags(floatX="float32"):`;
2. the environment: `THEANO_FLAGS=floatX=float32,gcc.cxxflags=-O1`;
3. the files that `THEANORC` names, else `~/.theanorc`: the flag `gcc.cxxflags` is the line `cxxflags = -O1` below
   `[gcc]`, and flags without a dot stand below `[global]`;
4. its default.

Booleans are written True, true, 1, False, false or 0. A flag marked with * is set before theano is imported, and then
stays. A dot may be written as two underscores, in keywords, too: `theano.change_flags(gcc__cxxflags="-O1")`.

```python
import theano

print(theano.config.floatX)  # float64
with theano.change_flags(floatX="float32", compute_test_value="raise"):
    print(theano.tensor.matrix().dtype)  # float32
print(theano.config.compute_test_value)  # off
```

A name that is no flag is warned of, and a value that a flag does not take is an error that names both:

```python raises=ValueError
theano.config.floatX = "float23"
```

```output
ValueError: Invalid value ("float23") for configuration variable "floatX". Valid options are (...)
```
"""

# Defaults that are looked for at run time.
COMPUTED = {
    "base_compiledir": "`~/.theano`; on Windows `%LOCALAPPDATA%\\Theano`",
    "compiledir": "`compiledir_format` in `base_compiledir`",
    "compile.timeout": "24 times `compile.wait`",
    "cuda.root": "`$CUDA_ROOT`",
    "cxx": "g++, clang++, c++, the one Python was built with, or ziglang's",
    "device": "jax's default device",
    "gpuarray.cache_path": "`gpuarray_kernels` in `compiledir`",
}


def text():
    """The page."""
    parts = [BEGINNING, "## Flags that change something"]
    rows = {row[0]: row for row in configflags.FLAGS}
    for heading, names in groups():
        parts += [f"### {heading}", table(rows[name] for name in names)]
    parts += [
        "## Flags that are accepted",
        "They are checked as Theano did, kept and shown, and change nothing. Why is said above each table.",
    ]
    for reason, rows in configinert.INERT.items():
        parts += [reason, table(rows)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def groups():
    """(heading, names of flags) of the table of `configflags`, as the comments in it have them."""
    source = inspect.getsource(configflags).split("\nFLAGS: ")[1].split("\n)\n")[0]
    found = []
    for line in source.splitlines():
        heading, flag = re.match(r"    # (.*)", line), re.match(r' {4,8}\(?"([\w.]+)",', line)
        if heading:
            found.append((heading[1][0].upper() + heading[1][1:], []))
        elif flag:
            found[-1][1].append(flag[1])
        elif "_seterr_of(kind) for kind in" in line:
            found[-1][1].extend("numpy.seterr_" + kind for kind in re.findall(r'"(\w+)"', line))
    listed = {flag for _, flags in found for flag in flags}
    assert listed == {row[0] for row in configflags.FLAGS}, "a flag without a heading"
    return found


def table(rows):
    """The rows of a table of flags."""
    lines = ["| flag | values, the default first | what it says |", "|---|---|---|"]
    for name, param, meaning, *_ in rows:
        star = "" if param.allow_override else " *"
        lines.append(f"| `{name}`{star} | {values(name, param)} | {meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def values(name, param):
    """What a flag may be."""
    if isinstance(param, EnumStr):
        return ", ".join("`%s`" % value.replace("|", "\\|") for value in param.all)
    if name.startswith("warn.") and callable(param.default):
        return "as `warn.ignore_bug_before` says"
    default = COMPUTED[name] if callable(param.default) else "empty" if param.default == "" else f"`{param.default}`"
    if isinstance(param, TypedParam) and param.mytype in (int, float) and not callable(param.default):
        return default + {int: ", an integer", float: ", a number"}[param.mytype]
    if isinstance(param, TypedParam) and param.mytype is booltype and not callable(param.default):
        return default + ", `%s`" % (not param.default)
    return default


if __name__ == "__main__":
    PAGE.write_text(text())
