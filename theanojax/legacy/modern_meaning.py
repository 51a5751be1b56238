"""Where Python 3 and today's numpy take an old program in another way: what it meant, written out."""

from __future__ import annotations

import ast
import re
from typing import Any

from theanojax.legacy import moved, old_numpy
from theanojax.legacy.edits import each
from theanojax.legacy.kinds import Kinds, name_of

LATIN = 'encoding="latin1"'
RENAMED_METHODS = {
    old: new for classes in moved.METHODS.values() for names in classes.values() for old, new in names.items()
}
NOT_OF_TEXT = ("hex", "base64", "rot13", "rot_13", "zlib", "bz2", "string_escape", "string-escape", "hex_codec")


def write_out(modern: Any, divides: float) -> None:
    """Note in `modern`, a `theanojax.legacy.modern.Modern`, what is to change; quotients from a line on stay."""
    writer = _Writer(modern, divides)
    each(modern.tree, ast.Call, writer.call)
    if modern.is_python2:
        writer.files()
        each(modern.tree, ast.BinOp, writer.quotient)
        each(modern.tree, ast.AugAssign, writer.quotient_in_place)
        each(modern.tree, ast.Compare, writer.comparison)
        each(modern.tree, ast.UnaryOp, writer.negative)
        each(modern.tree, ast.BinOp, writer.difference)
        each(modern.tree, ast.ClassDef, writer.class_)
        each(modern.tree, ast.ExceptHandler, writer.handler)
        each(modern.tree, ast.FunctionDef, writer.generator)
        each(modern.tree, ast.Expr, writer.statement)
        each(modern.tree, ast.Subscript, writer.index)
        each(modern.tree, ast.Attribute, writer.message)


class _Writer:
    def __init__(self, modern: Any, divides: float):
        self.modern, self.divides = modern, divides
        self.kind = Kinds(modern.tree)
        self.openings = self._openings()
        self.modes_known: set[ast.AST] = set()  # calls of open whose files pickle or csv uses
        self.caught = {h.name for h in ast.walk(modern.tree) if isinstance(h, ast.ExceptHandler) and h.name}

    # ---- quotients

    def quotient(self, node: ast.BinOp) -> None:
        """``a / b``"""
        if not isinstance(node.op, ast.Div) or node.lineno >= self.divides:
            return
        modern, left, right = self.modern, self.kind(node.left), self.kind(node.right)
        if "float" in (left, right):
            return
        at = modern.find("/", modern.end(node.left), modern.start(node.right))
        if left == right == "int":
            modern.replace(at, at + 1, "//")
            return
        modern.note(node, "division may be of integers")
        modern.before(node, modern.helper("div") + "(")
        self._comma(at, 1)
        modern.after(node, ")")

    def _comma(self, at: int, length: int) -> None:
        """A comma for an operator and the blanks around it."""
        data, end = self.modern.data, at + length
        while data[at - 1 : at] == b" ":
            at -= 1
        while data[end : end + 1] == b" ":
            end += 1
        self.modern.replace(at, end, ", ")

    def quotient_in_place(self, node: ast.AugAssign) -> None:
        """``a /= b``"""
        if not isinstance(node.op, ast.Div) or node.lineno >= self.divides:
            return
        modern, kinds = self.modern, (self.kind(node.target), self.kind(node.value))
        if "float" in kinds:
            return
        at = modern.find("/=", modern.end(node.target), modern.start(node.value))
        if kinds == ("int", "int"):
            modern.replace(at, at + 2, "//=")
            return
        modern.note(node, "division may be of integers")
        modern.replace(at, at + 2, f"= {modern.helper('idiv')}({modern.source(node.target)},")
        modern.after(node, ")")

    # ---- operators

    def comparison(self, node: ast.Compare) -> None:
        """``x == None``, which was not asked of each number of an array."""
        right = node.comparators[0]
        if len(node.ops) > 1 or not isinstance(right, ast.Constant) or right.value is not None:
            return
        for kind, old, new in ((ast.Eq, "==", "is"), (ast.NotEq, "!=", "is not")):
            if isinstance(node.ops[0], kind):
                at = self.modern.find(old, self.modern.end(node.left), self.modern.start(right))
                self.modern.replace(at, at + 2, new)

    def negative(self, node: ast.UnaryOp) -> None:
        """``-mask``"""
        if isinstance(node.op, ast.USub) and self.kind(node.operand) == "bool":
            start = self.modern.start(node)
            self.modern.replace(start, start + 1, self.modern.helper("negative") + "(")
            self.modern.after(node, ")")

    def difference(self, node: ast.BinOp) -> None:
        """``mask - other``"""
        if isinstance(node.op, ast.Sub) and self.kind(node.left) == self.kind(node.right) == "bool":
            at = self.modern.find("-", self.modern.end(node.left), self.modern.start(node.right))
            self.modern.before(node, self.modern.helper("subtract") + "(")
            self._comma(at, 1)
            self.modern.after(node, ")")

    def index(self, node: ast.Subscript) -> None:
        """``a[0.5 * n]``"""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            numbers = [part.lower, part.upper, part.step] if isinstance(part, ast.Slice) else [part]
            for number in numbers:
                if number is not None and self.kind(number) == "float" and self._is_array(node.value):
                    self.modern.note(number, "a float was the index")
                    self._whole(number)

    def _is_array(self, node: ast.expr) -> bool:
        return self.kind(node) in ("float", "int")

    def _whole(self, number: ast.expr) -> None:
        if isinstance(number, ast.Constant) and isinstance(number.value, float):
            self.modern.replace_node(number, str(int(number.value)))
        elif isinstance(number, ast.Tuple | ast.List):
            for part in number.elts:
                self._whole(part)
        elif self.kind(number) == "float":
            self.modern.wrap(number, "int(")

    # ---- calls

    def call(self, node: ast.Call) -> None:
        """A call whose function is another today, or takes something else."""
        modern, path, name = self.modern, self.modern.path(node.func), name_of(node.func)
        words = {word.arg for word in node.keywords}
        method = getattr(self, f"_{(path or '').replace('.', '_')}", None) if path else None
        if path in ("pickle.load", "pickle.loads", "pickle.Unpickler") and "encoding" not in words:
            modern.add_argument(node, LATIN)
        if path in ("pickle.load", "pickle.dump", "pickle.Unpickler", "pickle.Pickler"):
            self._note_file(node, 1 if path == "pickle.dump" else 0, True)
        elif path in ("csv.reader", "csv.writer", "csv.DictReader", "csv.DictWriter"):
            self._note_file(node, 0, False)
        elif method is not None:
            method(node, words)
        elif path and path.startswith("numpy.") and not path.startswith("numpy.random."):
            self._numpy(node, path.removeprefix("numpy."), words)
        elif path and path.startswith("numpy.random.") and path != "numpy.random.random_integers":
            self._sizes(node, old_numpy.RANDOM_SIZES.get(path.removeprefix("numpy.random."), ()))
        elif isinstance(node.func, ast.Attribute):
            self._method(node, name, words, path)
        elif isinstance(node.func, ast.Subscript) and modern.path(node.func.value) == "numpy.cast":
            modern.replace_node(node.func, f"{modern.module('numpy')}.asarray")
            modern.add_argument(node, f"dtype={modern.source(node.func.slice)}")
        elif modern.is_python2 and isinstance(node.func, ast.Name) and modern.is_builtin(node.func, name):
            self._builtin(node, name, words)

    def _builtin(self, node: ast.Call, name: str, words: set[str | None]) -> None:
        modern = self.modern
        if name in ("cmp", "round"):
            modern.helper(name)
        elif name == "sorted":
            self._compared(node, words, 1)
        elif name == "str" and len(node.args) > 1:
            modern.replace_node(node.func, modern.helper("unicode"))
        elif name == "print":
            self._print(node)
        elif name in ("exec", "eval") and node.args:
            text = node.args[0]
            if isinstance(text, ast.Call) and name_of(text.func) == "compile":
                modern.note(node, "the file that is run here has to be converted, too")
            elif not isinstance(text, ast.Constant) or not _parses(text.value, name) or "/" in str(text.value):
                modern.note(node, f"the text that {name} runs has to be in Python 3")
        elif name == "map" and len(node.args) > 1 and isinstance(node.args[0], ast.Constant):  # of None
            modern.modules.add("itertools")
            modern.replace_node(node.func, "list(itertools.zip_longest")
            modern.replace(modern.start(node.args[0]), modern.start(node.args[1]), "")
            modern.after(node, ")")
        elif name == "filter" and len(node.args) == 2 and self.kind(node.args[1]) == "str":
            modern.note(node, "filter of a string gave a string")

    def _print(self, node: ast.Call) -> None:
        modern = self.modern
        for arg in node.args:  # what is encoded to be printed
            if isinstance(arg, ast.Call) and isinstance(arg.func, ast.Attribute) and arg.func.attr == "encode":
                if arg.args and not _is_not_of_text(arg.args[0]):
                    modern.replace(modern.end(arg.func.value), modern.end(arg), "")
        for arg in node.args[:-1]:
            if isinstance(arg, ast.Constant) and str(arg.value)[-1:] in ("\n", "\t"):
                modern.note(arg, "no blank came after a text that ended in a newline or a tab")
        last = node.args[-1] if node.args else None
        end = next((word for word in node.keywords if word.arg == "end"), None)
        if end is None or last is None or getattr(end.value, "value", None) != " ":
            return
        if isinstance(last, ast.BinOp) and isinstance(last.op, ast.Mod):
            last = last.left
        if isinstance(last, ast.Constant):
            text = str(last.value)[-1:]
            if text.isspace() and text != " ":
                modern.replace_node(end.value, "''")
        elif self._is_line(last):
            modern.replace_node(end.value, "''")
        elif self.kind(last) not in ("int", "float", "bool"):
            modern.note(node, "the blank at the end was left out after a value that ended in a newline")

    def _is_line(self, node: ast.expr) -> bool:
        """Whether `node` is what goes through the lines of a file."""
        loop: Any = node
        while not isinstance(loop, ast.For | ast.Module | ast.FunctionDef):
            loop = self.modern.parents[loop]
        if not isinstance(loop, ast.For) or not isinstance(node, ast.Name) or name_of(loop.target) != node.id:
            return False
        reads = isinstance(loop.iter, ast.Call) and name_of(loop.iter.func) in ("readlines", "xreadlines", "input")
        return reads or self._file(loop.iter) is not None or self.modern.path(loop.iter) == "sys.stdin"

    def _compared(self, node: ast.Call, words: set[str | None], place: int) -> None:
        """``sorted(a, f)``, ``a.sort(cmp=f)``"""
        modern = self.modern
        given = next((word.value for word in node.keywords if word.arg == "cmp"), None)
        compare = given if given is not None else node.args[place] if len(node.args) > place else None
        if compare is None or isinstance(compare, ast.Constant) or self.kind(compare) == "int":
            return
        key = next((word.value for word in node.keywords if word.arg == "key"), None)
        if key is not None or len(node.args) > place + 1:
            modern.note(node, "a comparison and a key: write one key")
            return
        modern.modules.add("functools")
        if given is not None:
            start = modern.start(next(word for word in node.keywords if word.arg == "cmp"))
            modern.replace(start, start + 3, "key")
            modern.wrap(compare, "functools.cmp_to_key(")
        else:
            modern.wrap(compare, "key=functools.cmp_to_key(")
        if modern.is_builtin(compare, "cmp"):
            modern.helper("cmp")

    # ---- methods

    def _method(self, node: ast.Call, name: str, words: set[str | None], path: str | None) -> None:
        modern, function = self.modern, node.func
        of_module = modern.path(function.value) is not None and path is not None
        if name in RENAMED_METHODS and not of_module and name != "fromstring":
            end = modern.end(function)
            modern.replace(end - len(name), end, RENAMED_METHODS[name])
            if name == "tostring" and modern.is_python2:
                modern.note(node, "tobytes gives bytes, which are no text")
        elif name in old_numpy.RANDOM_SIZES and not of_module:
            self._sizes(node, old_numpy.RANDOM_SIZES[name])
        elif name == "random_integers":
            self._numpy_random_random_integers(node, words)
        elif name == "ptp" and not of_module:
            modern.method_to_function(node, f"{modern.module('numpy')}.ptp")
        elif name == "getchildren" and not node.args:
            modern.method_to_function(node, "list")
        elif name == "getiterator":
            modern.replace(modern.end(function) - len(name), modern.end(function), "iter")
        elif of_module or not modern.is_python2:
            return
        elif name == "sort":
            self._compared(node, words, 0)
        elif name in ("encode", "decode"):
            self._encoded(node, name)
        elif name == "next" and not node.args:
            modern.method_to_function(node, "next")

    def _encoded(self, node: ast.Call, name: str) -> None:
        modern = self.modern
        parent = modern.parents.get(node)
        printed = isinstance(parent, ast.Call) and modern.is_builtin(parent.func, "print")
        if printed and name == "encode" and node.args and not _is_not_of_text(node.args[0]):
            return
        if name == "encode" and not (node.args and _is_not_of_text(node.args[0])):
            modern.note(node, "encode gives bytes: text would do in Python 3, unless somebody needs bytes")
        modern.method_to_function(node, modern.helper(name))

    def message(self, node: ast.Attribute) -> None:
        """``error.message``"""
        if node.attr == "message" and isinstance(node.value, ast.Name) and node.value.id in self.caught:
            self.modern.replace_node(node, f"{self.modern.helper('message')}({node.value.id})")

    # ---- functions of modules

    def _numpy(self, node: ast.Call, name: str, words: set[str | None]) -> None:
        modern = self.modern
        if name in ("array", "asarray") and "copy" in words:
            word = next(word for word in node.keywords if word.arg == "copy")
            if isinstance(word.value, ast.Constant) and word.value.value is False:
                modern.replace_node(word.value, "None")
        elif name == "asscalar" and node.args:
            modern.replace_node(node.func, f"{modern.module('numpy')}.asarray")
            modern.after(node, ".item()")
        elif name == "load" and not {"encoding", "allow_pickle"} & words:
            modern.add_argument(node, f"allow_pickle=True, {LATIN}")
        elif name == "fromstring" and "sep" not in words and len(node.args) < 4:
            modern.note(node, "numpy.frombuffer reads bytes, not text")
            modern.replace_node(node.func, f"{modern.module('numpy')}.frombuffer")
            if isinstance(node.args[0], ast.Constant):
                modern.after(node.args[0], ".encode('latin-1')")
            modern.after(node, ".copy()")
        elif name == "in1d":
            modern.replace_node(node.func, f"{modern.module('numpy')}.isin")
        elif name in old_numpy.ROUNDING and node.args and "dtype" not in words and self.kind(node.args[0]) == "int":
            modern.add_argument(node, "dtype=float")
        elif name == "msort":
            modern.replace_node(node.func, f"{modern.module('numpy')}.sort")
            modern.add_argument(node, "axis=0")
        elif name == "asfarray":
            modern.replace_node(node.func, f"{modern.module('numpy')}.asarray")
            if len(node.args) < 2 and "dtype" not in words:
                modern.add_argument(node, "dtype=float")
        elif name in ("find_common_type", "maximum_sctype", "obj2sctype", "sctypes"):
            modern.note(node, f"numpy has no {name}")
        self._sizes(node, old_numpy.SIZES.get(name, ()))

    def _sizes(self, node: ast.Call, places: tuple[int | str, ...]) -> None:
        for place in places:
            if isinstance(place, int) and place < len(node.args):
                self._whole(node.args[place])
        for word in node.keywords:
            if word.arg in places:
                self._whole(word.value)

    def _numpy_random_random_integers(self, node: ast.Call, words: set[str | None]) -> None:
        """Both ends were included."""
        modern = self.modern
        if words - {"size"} or not 1 <= len(node.args) <= 3:
            modern.note(node, "numpy has no random_integers; randint leaves out the upper end")
            return
        if isinstance(node.func, ast.Name):
            modern.replace_node(node.func, f"{modern.module('numpy')}.random.randint")
        else:
            end = modern.end(node.func)
            modern.replace(end - len("random_integers"), end, "randint")
        if len(node.args) == 1:
            modern.before(node.args[0], "1, ")
        modern.after(node.args[min(1, len(node.args) - 1)], " + 1")

    def _subprocess_check_output(self, node: ast.Call, words: set[str | None]) -> None:
        if self.modern.is_python2 and not {"universal_newlines", "text"} & words:
            self.modern.add_argument(node, "universal_newlines=True")

    def _subprocess_Popen(self, node: ast.Call, words: set[str | None]) -> None:
        if {"stdin", "stdout", "stderr"} & words:
            self._subprocess_check_output(node, words)

    def _hashlib_md5(self, node: ast.Call, words: set[str | None]) -> None:
        if self.modern.is_python2 and node.args:
            self.modern.wrap(node.args[0], self.modern.helper("as_bytes") + "(")

    _hashlib_sha1 = _hashlib_sha256 = _hashlib_md5

    def _math_floor(self, node: ast.Call, words: set[str | None]) -> None:
        """A float, as it was."""
        parent = self.modern.parents.get(node)
        if self.modern.is_python2 and not (isinstance(parent, ast.Call) and name_of(parent.func) in ("int", "float")):
            self.modern.wrap(node, "float(")

    _math_ceil = _math_floor

    def _yaml_load(self, node: ast.Call, words: set[str | None]) -> None:
        if len(node.args) < 2 and "Loader" not in words:
            self.modern.add_argument(node, f"Loader={self.modern.module('yaml')}.Loader")

    def _h5py_File(self, node: ast.Call, words: set[str | None]) -> None:
        if len(node.args) < 2 and "mode" not in words:
            self.modern.add_argument(node, 'mode="a"')

    def _string_join(self, node: ast.Call, words: set[str | None]) -> None:
        modern = self.modern
        if len(node.args) == 1:
            modern.replace_node(node.func, '" ".join')
        elif len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
            modern.replace_node(node.func, f"{modern.source(node.args[1])}.join")
            modern.replace(modern.end(node.args[0]), modern.end(node.args[1]), "")
        else:
            modern.note(node, "string.join(words, by) is by.join(words)")

    _string_joinfields = _string_join

    # ---- files

    def _scope(self, node: ast.AST) -> ast.AST:
        while not isinstance(node, ast.FunctionDef | ast.Module):
            node = self.modern.parents[node]
        return node

    def _openings(self) -> dict[tuple[ast.AST, str], list[tuple[int, Any]]]:
        """For the names of a scope: the calls of open that they are for, after which place."""
        found: dict[tuple[ast.AST, str], list[tuple[int, Any]]] = {}
        for node in ast.walk(self.modern.tree):
            pairs: list[tuple[Any, Any]] = []
            if isinstance(node, ast.Assign):
                pairs = [(target, node.value) for target in node.targets]
            elif isinstance(node, ast.withitem):
                pairs = [(node.optional_vars, node.context_expr)]
            for target, value in pairs:
                if isinstance(target, ast.Name):
                    found.setdefault((self._scope(node), target.id), []).append((self.modern.end(value), value))
        return {key: sorted(places, key=lambda place: place[0]) for key, places in found.items()}

    def _file(self, node: ast.AST) -> Any:
        """The call of open that gives the file `node`, a call or a name."""
        if isinstance(node, ast.Name):
            places = self.openings.get((self._scope(node), node.id), [])
            before = [value for place, value in places if place < self.modern.start(node)]
            node = before[-1] if before else node
        return node if self._is_open(node) else None

    def _note_file(self, node: ast.Call, place: int, binary: bool) -> None:
        if len(node.args) > place and (file := self._file(node.args[place])) is not None:
            self.modes_known.add(file)
            self._set_mode(file, binary)

    def _is_open(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and any(self.modern.is_builtin(node.func, name) for name in ("open", "file"))

    def files(self) -> None:
        """The modes of files in Python 2, and `file`."""
        uses: dict[Any, list[Any]] = {}
        for node in ast.walk(self.modern.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and (call := self._file(node)):
                uses.setdefault(call, []).append((node, self.modern.parents[node]))
        for call in ast.walk(self.modern.tree):
            if not isinstance(call, ast.Call) or not self._is_open(call):
                continue
            if name_of(call.func) == "file":
                self.modern.replace_node(call.func, "open")
            if call in self.modes_known:
                continue
            if "U" in _mode(call):
                self._mode_is(call, _mode(call).replace("U", "") or "r")
            elif "b" in _mode(call):
                self._is_text(call, uses.get(call, [(call, self.modern.parents[call])]))

    def _set_mode(self, call: ast.Call, binary: bool) -> None:
        mode = _mode(call)
        if binary and "b" not in mode:
            self._mode_is(call, mode.replace("U", "") + "b" if mode[0] != "U" else "rb")
        elif not binary and "b" in mode and self.modern.is_python2:
            self._mode_is(call, mode.replace("b", ""))
            self.modern.add_argument(call, 'newline=""')

    def _mode_is(self, call: Any, mode: str) -> None:
        given = call.args[1] if len(call.args) > 1 else next((w.value for w in call.keywords if w.arg == "mode"), None)
        if given is None:
            self.modern.add_argument(
                call, f"'{mode}'" if len(call.args) == 1 and not call.keywords else f"mode='{mode}'"
            )
        elif isinstance(given, ast.Constant) and not any(
            start == self.modern.start(given) for start, *_ in self.modern.changes
        ):
            self.modern.replace_node(given, repr(mode))

    def _is_text(self, call: ast.Call, uses: list[tuple[Any, Any]]) -> None:
        """A binary file whose lines are read, or of which text is written."""
        lines = {"readline", "readlines", "close", "flush", "xreadlines"}
        if all(
            isinstance(use, ast.For | ast.comprehension) or isinstance(use, ast.Attribute) and use.attr in lines
            for _, use in uses
        ):
            self._mode_is(call, _mode(call).replace("b", ""))
        elif any(isinstance(use, ast.Attribute) and use.attr in ("write", "read") for _, use in uses):
            self.modern.note(call, "a binary file reads and writes bytes")

    # ---- definitions

    def class_(self, node: ast.ClassDef) -> None:
        """``__div__``, ``__cmp__``, ``__eq__`` without a hash"""
        modern = self.modern
        methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
        given = {
            t.id for item in node.body if isinstance(item, ast.Assign) for t in item.targets if isinstance(t, ast.Name)
        }
        for old, new in (("div", "truediv"), ("rdiv", "rtruediv"), ("idiv", "itruediv")):
            method = methods.get(f"__{old}__")
            if method is not None and f"__{new}__" not in methods and f"__{new}__" not in given:
                self._line_after(method, f"__{new}__ = __{old}__")
        if "__cmp__" in methods:
            at = node.decorator_list[0] if node.decorator_list else node
            indentation = modern.data[modern.line_start(at) : modern.start(node)].decode()
            indentation = re.match(r"[ \t]*", indentation).group()  # type: ignore[union-attr]
            start = modern.line_start(at)
            modern.replace(start, start, f"{indentation}@{modern.helper('compares')}\n")
        elif "__eq__" in methods and "__hash__" not in methods and "__hash__" not in given:
            if all(isinstance(base, ast.Name) and base.id == "object" for base in node.bases):
                self._line_after(methods["__eq__"], "__hash__ = object.__hash__")
            else:
                modern.note(node, "a class with __eq__ and without __hash__ has no hash in Python 3")
        for name in ("__getslice__", "__setslice__", "__delslice__", "__coerce__", "__unicode__", "__oct__", "__hex__"):
            if name in methods:
                modern.note(methods[name], f"Python 3 does not call {name}")

    def _line_after(self, method: ast.FunctionDef, line: str) -> None:
        first = method.decorator_list[0] if method.decorator_list else method
        indentation = self.modern.indentation(method)
        if indentation is None:
            indentation = " " * first.col_offset
        self.modern.after(method, f"\n{indentation}{line}")

    def handler(self, node: ast.ExceptHandler) -> None:
        """The name of an error stayed after its ``except``."""
        modern = self.modern
        if node.name is None or not self._used_later(node):
            return
        indentation = modern.indentation(node.body[0])
        if indentation is None:
            modern.note(node, f"{node.name} is gone after its except")
            return
        start, end = modern.end(node.type), modern.start(node.body[0])
        at = modern.find(node.name, modern.find(" as ", start, end) + 4, end)
        modern.replace(at, at + len(node.name.encode()), f"{node.name}_")
        modern.before(node.body[0], f"{node.name} = {node.name}_\n{indentation}")

    def _used_later(self, node: ast.ExceptHandler) -> bool:
        scope = self._scope(node)
        handlers = [h for h in ast.walk(scope) if isinstance(h, ast.ExceptHandler) and h.name == node.name]
        inside = {id(inner) for handler in handlers for inner in ast.walk(handler)}
        end = node.end_lineno or 0
        again = min((handler.lineno for handler in handlers if handler.lineno > end), default=None)
        later = [
            name
            for name in ast.walk(scope)
            if isinstance(name, ast.Name) and name.id == node.name and name.lineno > end and id(name) not in inside
        ]
        later.sort(key=lambda name: (name.lineno, name.col_offset))
        if not later or again is not None and again < later[0].lineno:
            return False
        return isinstance(later[0].ctx, ast.Load)

    def generator(self, node: ast.FunctionDef) -> None:
        """A StopIteration ended the generator that it came out of."""
        own: list[ast.AST] = []
        todo: list[ast.AST] = list(node.body)
        while todo:
            inner = todo.pop()
            own.append(inner)
            if not isinstance(inner, ast.FunctionDef | ast.Lambda | ast.ClassDef):
                todo += ast.iter_child_nodes(inner)
        if not any(isinstance(inner, ast.Yield) for inner in own):
            return
        for inner in own:
            if isinstance(inner, ast.Raise) and inner.exc is not None:
                raised = inner.exc.func if isinstance(inner.exc, ast.Call) else inner.exc
                if name_of(raised) == "StopIteration":
                    self.modern.replace_node(inner, "return")
            elif isinstance(inner, ast.Call) and name_of(inner.func) == "next" and len(inner.args) < 2:
                self.modern.note(inner, "StopIteration from next ended the generator; it is an error in Python 3")

    def statement(self, node: ast.Expr) -> None:
        """``reload(sys); sys.setdefaultencoding("utf-8")``"""
        if not isinstance(node.value, ast.Call):
            return
        name, args = name_of(node.value.func), node.value.args
        reloads = name == "reload" and args and self.modern.path(args[0]) == "sys"
        if reloads or name == "setdefaultencoding":
            self.modern.replace_node(node, "pass" if reloads else "pass  # text is Unicode, and files UTF-8")


def _mode(call: Any) -> str:
    mode = call.args[1] if len(call.args) > 1 else next((w.value for w in call.keywords if w.arg == "mode"), None)
    return mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) and mode.value else "r"


def _is_not_of_text(encoding: ast.expr) -> bool:
    return isinstance(encoding, ast.Constant) and encoding.value in NOT_OF_TEXT


def _parses(text: Any, mode: str) -> bool:
    try:
        ast.parse(text, mode=mode)
    except (SyntaxError, TypeError):
        return False
    return True
