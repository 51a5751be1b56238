"""The flags of Theano, and ours: kinds, defaults, values that are allowed; and which of them anything here reads."""

import ast
from pathlib import Path

import theanojax
from theanojax import configparser

KINDS = ("BoolParam", "IntParam", "FloatParam", "StrParam", "EnumStr")
_TYPED = {configparser.booltype: "BoolParam", int: "IntParam", float: "FloatParam", str: "StrParam"}
_NO_READERS = ("configinert.py", "legacy/programs")  # these set flags for a program
_BY_NAME = ("verbose_compile",)  # read by functions that are told its name


def of_source(path):
    """Rows (name, text) of the flags that the file of a program registers.

    The text is a kind, and in brackets the values that are allowed, the default first, or the default alone; ``_`` for
    all that the program computes; ``fixed`` where the value cannot be changed later.
    """
    found, known = {}, {}
    inside = ast.walk(ast.parse(Path(path).read_text(encoding="utf-8-sig")))
    for node in sorted(inside, key=lambda n: getattr(n, "lineno", 0)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = node.value
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("AddConfigVar", "config.add"):
            name = ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else ""
            found.setdefault(name.replace("__", "."), node.args[2])
    found.pop("", None)  # names that are computed
    return [(name, _text_of_call(parameter, known)) for name, parameter in found.items()]


def _text_of_call(call, known):
    kind = ast.unparse(call.func).rpartition(".")[2] if isinstance(call, ast.Call) else ""
    if kind not in KINDS:
        return "ConfigParam(_)"
    fixed = any(k.arg in ("allow_override", "mutable") and not ast.literal_eval(k.value) for k in call.keywords)
    default = ast.unparse(call.args[0]) if call.args else "_"
    if kind == "EnumStr":
        values = [v for a in call.args for v in _values(a, known)]
    else:
        convert = {"BoolParam": configparser.booltype, "IntParam": int, "FloatParam": float, "StrParam": str}[kind]
        try:
            values = [repr(convert(ast.literal_eval(default)))]
        except ValueError:
            values = ["_"]
    return _text(kind, values, fixed)


def _values(node, known):
    """The texts of the constants in an expression of tuples, their sums and names for them."""
    if isinstance(node, ast.Constant):
        return [repr(node.value)]
    if isinstance(node, (ast.Tuple, ast.List)):
        return [v for item in node.elts for v in _values(item, known)]
    if isinstance(node, ast.Starred):
        return _values(node.value, known)
    if isinstance(node, ast.BinOp):
        return _values(node.left, known) + _values(node.right, known)
    return _values(known[node.id], known) if isinstance(node, ast.Name) and node.id in known else ["_"]


def _text(kind, values, fixed):
    return "%s(%s)%s" % (kind, ", ".join(values), " fixed" if fixed else "")


def of_parameter(p):
    """The same text of a flag of ours."""
    if isinstance(p, configparser.EnumStr):
        return _text("EnumStr", map(repr, p.all), not p.allow_override)
    if isinstance(p, configparser.TypedParam):
        default = "_" if callable(p.default) else repr(p.mytype(p.default))
        return _text(_TYPED[p.mytype], [default], not p.allow_override)
    return "ConfigParam(_)"


def compare(rows):
    """Rows (difference, "theano.config", name, Theano's text, ours) of flags that are not as in `rows`."""
    ours = {p.fullname: of_parameter(p) for p in configparser._config_var_list}
    return [
        ("flag", "theano.config", name, theirs, ours.get(name, ""))
        for name, theirs in rows
        if not _same(theirs, ours.get(name, ""))
    ]


def _same(theirs, ours):
    """Whether two texts are the same, as far as they can be read; the order of all values but the default is free."""
    kind, _, rest = theirs.partition("(")
    our_kind, _, our_rest = ours.partition("(")
    values, fixed = rest.rsplit(")", 1)
    if kind != our_kind or fixed != our_rest.rpartition(")")[2]:
        return False
    values, our_values = values.split(", "), our_rest.rpartition(")")[0].split(", ")
    if "_" in (values[0], our_values[0]):
        return True
    return values[0] == our_values[0] and set(values) == set(our_values)


def readers():
    """Flag -> files of the package in which it is read."""
    root = Path(theanojax.__file__).parent
    found = {p.fullname: [] for p in configparser._config_var_list}
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if place.startswith(_NO_READERS):
            continue
        used = _Used(ast.parse(path.read_text(encoding="utf-8")))
        for name, files in found.items():
            if used.reads(name):
                files.append(place)
    return found


class _Used:
    """What a module reads: chains of attributes of ``config``, attributes of anything, and texts."""

    def __init__(self, tree):
        self.chains, self.attributes, self.texts = set(), set(), set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                self.attributes.add(node.attr)
                self.chains.add(_chain(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.texts.add(node.value)

    def reads(self, name):
        section, _, last = name.rpartition(".")
        if name in self.chains:
            return True
        if name in _BY_NAME:
            return name in self.texts
        # a section, and later a name in it
        part = any(last.startswith(t) for t in self.texts if t.endswith("_"))
        return section in self.chains and (last in self.attributes or part)


def _chain(node):
    """``a.b`` of the expression ``config.a.b``, and of ``theano.config.a.b``."""
    words = []
    while isinstance(node, ast.Attribute):
        words.insert(0, node.attr)
        node = node.value
    words.insert(0, getattr(node, "id", ""))
    return ".".join(words[words.index("config") + 1 :]) if "config" in words else ""
