"""COp: Ops whose code is in C files."""

from __future__ import annotations

import inspect
import os
import re
from typing import TYPE_CHECKING

import numpy as np

from theanojax.errors import MethodNotDefined
from theanojax.graph.op import Op
from theanojax.graph.params_type import ParamsType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from theanojax.graph.c_interface import Names, Sub
    from theanojax.graph.variable import Apply

    Macros = dict[str, Any]

SECTION = re.compile(r"^#section ([a-zA-Z0-9_]+)$", re.MULTILINE)
OLD_SECTION = re.compile(r"^THEANO_(APPLY|SUPPORT)_CODE_SECTION$", re.MULTILINE)
_OLD_NAMES = {"APPLY": "support_code_apply", "SUPPORT": "support_code"}


class COp(Op):
    """An Op with C code in `func_files`, in sections: a line ``#section code`` starts the code of ``c_code``.

    Parameters
    ----------
    func_files : path of a file, or a list of them; from the folder of the file that the class is in.
    func_name : a C function, which one of the sections defines. It takes the inputs, pointers to the outputs, and the
        parameters of the Op if it has any, and is 0 if all went well, or has set a Python exception.

    Raises
    ------
    ValueError : code outside of sections, unknown sections, or old and new names of sections together.
    OSError : a file cannot be read.
    """

    SECTIONS = frozenset(
        "init_code init_code_apply init_code_struct support_code support_code_apply support_code_struct "
        "cleanup_code_struct code code_cleanup".split()
    )

    @classmethod
    def get_path(cls, f: str) -> str:
        """`f` as an absolute path, from the folder of the file that the class is in."""
        return f if os.path.isabs(f) else os.path.realpath(os.path.join(os.path.dirname(inspect.getfile(cls)), f))

    def __init__(self, func_files: str | list[str], func_name: str | None = None) -> None:
        self.func_files = [func_files] if isinstance(func_files, str) else list(func_files)
        self.func_name = func_name
        self.load_c_code(self.func_files)
        if not self.code_sections:
            raise ValueError("No sections where defined in C files")

    def load_c_code(self, func_files: Sequence[str]) -> None:
        """Read the files, and cut them into sections."""
        self.func_codes = []
        for path in map(self.get_path, func_files):
            with open(path, encoding="utf-8") as file:
                self.func_codes.append(file.read())
        if any(map(OLD_SECTION.search, self.func_codes)) and any(map(SECTION.search, self.func_codes)):
            raise ValueError(
                "Both the new and the old syntax for identifying code sections are present in the provided C code. "
                "These two syntaxes should not be used at the same time."
            )
        self.code_sections: dict[str, str] = {}
        for path, code in zip(func_files, self.func_codes):
            old = OLD_SECTION.split(code)
            if len(old) > 1:
                self.code_sections.update((_OLD_NAMES[name], text) for name, text in zip(old[1::2], old[2::2]))
                continue
            before, *new = SECTION.split(code)
            if not new:
                raise ValueError("No valid section marker was found in file %s" % path)
            if before.strip():
                raise ValueError("Stray code before first #section statement (in file %s): %s" % (path, before))
            for name, text in zip(new[::2], new[1::2]):
                if name not in self.SECTIONS:
                    raise ValueError("Unknown section type (in file %s): %s" % (path, name))
                self.code_sections[name] = self.code_sections.get(name, "") + text

    def c_code_cache_version(self) -> tuple[Any, ...]:
        version: tuple[Any, ...] = tuple(self.func_codes)
        return version if self.params_code_version() is None else (*version, self.params_code_version())

    def params_code_version(self) -> tuple[Any, ...] | None:
        """What the type of the parameters says of its C code; None without one."""
        kind = getattr(self, "params_type", None)
        return None if kind is None else kind.c_code_cache_version()

    # ---------------------------------------------------------------- macros
    def get_c_macros(self, node: Apply, name: str, check_input: bool | None = None) -> tuple[str, str]:
        """What defines, and what removes, the macros that depend on `node`: ``DTYPE_INPUT_0`` ..."""
        if check_input is None:
            check_input = getattr(self, "check_input", True)
        macros: Macros = {}
        named = [("INPUT_%d" % i, v) for i, v in enumerate(node.inputs)]
        named += [("OUTPUT_%d" % i, v) for i, v in enumerate(node.outputs)]
        for label, v in named if check_input else ():
            dtype = getattr(v.type, "dtype", None)
            if isinstance(dtype, str):
                macros["DTYPE_" + label] = "npy_" + dtype
                macros["TYPENUM_" + label] = np.dtype(dtype).num
                macros["ITEMSIZE_" + label] = np.dtype(dtype).itemsize
        macros["APPLY_SPECIFIC(str)"] = "str##_%s" % name
        macros.update(getattr(self, "get_op_params", list)())  # as Theano before 1.0 had it
        kind = getattr(self, "params_type", None)
        if isinstance(kind, ParamsType):
            macros["PARAMS_TYPE"] = kind.name
            for field, field_type in zip(kind.fields, kind.types):
                try:
                    macros["DTYPE_PARAM_" + field] = field_type.c_element_type()
                except MethodNotDefined:
                    continue
        return _define(macros)

    def get_sub_macros(self, sub: Sub) -> tuple[str, str]:
        """The same for ``FAIL`` and ``PARAMS``."""
        macros = {"FAIL": sub["fail"].replace("\n", " \\\n")}
        if "params" in sub:
            macros["PARAMS"] = sub["params"]
        return _define(macros)

    def get_io_macros(self, inputs: Names, outputs: Names) -> tuple[str, str]:
        """The same for ``INPUT_0`` ... and ``OUTPUT_0`` ..."""
        macros = {"INPUT_%d" % i: name for i, name in enumerate(inputs)}
        macros.update(("OUTPUT_%d" % i, name) for i, name in enumerate(outputs))
        return _define(macros)

    def format_c_function_args(self, inp: Names, out: Names) -> str:
        """The arguments of the C function, with NULL for those that ``_cop_num_inputs`` or outputs count beyond."""
        inputs, outputs = list(inp), ["&%s" % name for name in out]
        inputs += ["NULL"] * (getattr(self, "_cop_num_inputs", 0) - len(inputs))
        outputs += ["NULL"] * (getattr(self, "_cop_num_outputs", 0) - len(outputs))
        return ", ".join(inputs + outputs)

    def _section(self, section: str, *macros: tuple[str, str]) -> str:
        if section not in self.code_sections:
            raise MethodNotDefined.of(self, "c_" + section)
        before, after = zip(*macros) if macros else ((), ())
        return "\n".join(["", *before, self.code_sections[section], *after[::-1], ""])

    # ---------------------------------------------------------------- sections
    def c_support_code(self) -> str:
        return self._section("support_code")

    def c_init_code(self) -> list[str]:
        return [self._section("init_code")]

    def c_support_code_apply(self, node: Apply, name: str) -> str:
        return self._section("support_code_apply", self.get_c_macros(node, name))

    def c_init_code_apply(self, node: Apply, name: str) -> str:
        return self._section("init_code_apply", self.get_c_macros(node, name))

    def c_support_code_struct(self, node: Apply, name: str) -> str:
        return self._section("support_code_struct", self.get_c_macros(node, name))

    def c_cleanup_code_struct(self, node: Apply, name: str) -> str:
        return self._section("cleanup_code_struct", self.get_c_macros(node, name))

    def c_init_code_struct(self, node: Apply, name: str, sub: Sub) -> str:
        return self._section("init_code_struct", self.get_c_macros(node, name), self.get_sub_macros(sub))

    def c_code(self, node: Apply, name: str, inp: Names, out: Names, sub: Sub) -> str:
        if self.func_name is None:
            return self._with_all_macros("code", node, name, inp, out, sub)
        define, undefine = self.get_c_macros(node, name, check_input=False)
        arguments = self.format_c_function_args(inp, out) + (", " + sub["params"] if "params" in sub else "")
        call = "if (%s(%s) != 0) {\n%s\n}" % (self.func_name, arguments, sub["fail"])
        return "\n".join(["", define, call, undefine, ""])

    def c_code_cleanup(self, node: Apply, name: str, inputs: Names, outputs: Names, sub: Sub) -> str:
        return self._with_all_macros("code_cleanup", node, name, inputs, outputs, sub)

    def _with_all_macros(self, section: str, node: Apply, name: str, inputs: Names, outputs: Names, sub: Sub) -> str:
        macros = self.get_c_macros(node, name), self.get_sub_macros(sub), self.get_io_macros(inputs, outputs)
        return self._section(section, *macros)


def _define(macros: Macros) -> tuple[str, str]:
    names: Iterable[str] = (name.partition("(")[0] for name in macros)
    return (
        "\n".join("#define %s %s" % item for item in macros.items()),
        "\n".join("#undef %s" % name for name in names),
    )
