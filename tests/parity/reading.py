"""What a package's source says that it has: names and parameters. Nothing is imported."""

import ast
from pathlib import Path

# folders that hold tests, or code for one kind of GPU that names here stand for
SKIPPED = ("tests", "gpuarray", "sandbox/cuda", "sandbox/gpuarray", "d3viz/js")
TYPES = (bool, int, float, str, bytes, type(None), type(...))


def modules(root):
    """(dotted name, path) of each module of the package in the folder `root`."""
    root = Path(root)
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        folder = "/".join(parts[:-1]) + "/"
        if any(folder.startswith(s + "/") or "/%s/" % s in "/" + folder for s in SKIPPED):
            continue
        if parts[-1].startswith("test_") or parts[-1] == "__main__":
            continue
        if parts[-1] == "__init__":
            parts = parts[:-1]
        yield ".".join((root.name, *parts)), path


def table(root):
    """Rows (module, kind, name, parameters) of all that is public; kinds are module, function, value, class, method.

    Parameters are "?" where a decorator may have changed them.
    """
    for name, path in modules(root):
        module = Module(path)
        yield (name, "module", "", "")
        for function, parameters in sorted(module.functions.items()):
            yield (name, "function", function, "?" if parameters is None else parameters)
        for value in sorted(module.values - module.functions.keys() - module.classes.keys()):
            yield (name, "value", value, "")
        for cls, methods in sorted(module.classes.items()):
            yield (name, "class", cls, "")
            for method, parameters in sorted(methods.items()):
                yield (name, "method", "%s.%s" % (cls, method), "?" if parameters is None else parameters)


def signature(args, bound=False):
    """The parameters of a function, as text: constants as defaults, ``_`` for all other defaults."""
    positional = args.posonlyargs + args.args
    defaults = [None] * (len(positional) - len(args.defaults)) + args.defaults
    words = [_parameter(a.arg, d) for a, d in zip(positional, defaults)]
    if bound and words:
        words = words[1:]
    if args.vararg:
        words.append("*" + args.vararg.arg)
    elif args.kwonlyargs:
        words.append("*")
    words += [_parameter(a.arg, d) for a, d in zip(args.kwonlyargs, args.kw_defaults)]
    if args.kwarg:
        words.append("**" + args.kwarg.arg)
    return ", ".join(words)


def _parameter(name, default):
    if default is None:
        return name
    try:
        value = ast.literal_eval(default)
    except ValueError:
        return name + "=_"
    return "%s=%s" % (name, shown(value))


def shown(value):
    """The text of a default: of numbers, texts and None; ``_`` for all else."""
    return repr(value) if isinstance(value, TYPES) else "_"


class Module:
    """The public names that a module defines itself.

    Attributes
    ----------
    functions : name -> parameters
    classes : name -> {method -> parameters, without the first}
    values : names that are assigned
    """

    def __init__(self, path):
        self.functions, self.classes, self.values = {}, {}, set()
        self._read(ast.parse(Path(path).read_text(encoding="utf-8-sig")).body)

    def _read(self, body):
        for node in body:
            if isinstance(node, ast.FunctionDef) and public(node.name):
                # what a decorator makes of a function may take other arguments
                known = {ast.unparse(d).split("(")[0] for d in node.decorator_list} <= {"deprecated"}
                self.functions[node.name] = signature(node.args) if known else None
            elif isinstance(node, ast.ClassDef) and public(node.name):
                self.classes[node.name] = dict(self._methods(node))
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                for target in getattr(node, "targets", None) or [node.target]:
                    self.values |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name) and public(n.id)}
            elif isinstance(node, ast.If) and ast.unparse(node.test).startswith("__name__"):
                continue  # the variables of a program
            elif isinstance(node, (ast.If, ast.Try)):
                self._read(node.body)
                self._read(node.orelse)
                for handler in getattr(node, "handlers", ()):
                    self._read(handler.body)

    @staticmethod
    def _methods(node):
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and (public(item.name) or item.name in ("__init__", "__call__")):
                kinds = {ast.unparse(d) for d in item.decorator_list}
                if not kinds:
                    yield item.name, signature(item.args, bound=True)
                elif kinds <= {"staticmethod", "classmethod"}:
                    yield item.name, signature(item.args, bound="classmethod" in kinds)
                else:
                    yield item.name, None


def public(name):
    return not name.startswith("_")
