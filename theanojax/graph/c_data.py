"""CDataType: pointers of C that Ops in C give to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theanojax.graph import above
from theanojax.graph.op import Op
from theanojax.graph.type import Type, generic
from theanojax.graph.variable import Apply, Constant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from theanojax.graph.c_interface import Names, Sub
    from theanojax.graph.variable import Variable

# for Python the pointer is in a capsule, which frees it by the function that is its context
_CAPSULES = """
static void _capsule_destructor(PyObject *capsule) {
    void (*release)(void*) = (void (*)(void*))PyCapsule_GetContext(capsule);
    if (release) release(PyCapsule_GetPointer(capsule, NULL));
}
"""

_SYNC = """
Py_XDECREF(py_%(name)s);
if (!%(name)s) {
    py_%(name)s = Py_None;
    Py_INCREF(Py_None);
} else {
    py_%(name)s = PyCapsule_New((void*)%(name)s, NULL, _capsule_destructor);
    if (py_%(name)s && PyCapsule_SetContext(py_%(name)s, (void*)%(release)s)) Py_CLEAR(py_%(name)s);
    if (!py_%(name)s) { %(free)s %(fail)s }
}
"""


class CDataType(Type):
    """The type of a C pointer. Python sees a capsule, or None for NULL.

    Parameters
    ----------
    ctype : the C type, with its ``*``. TypeError if it is no string.
    freefunc : name of the C function, of the pointer alone, that frees what it points to.
    version : what changes when one of the other arguments, which say how the code is compiled, changes its meaning.
    """

    __props__ = (
        "ctype", "freefunc", "headers", "header_dirs", "libraries", "lib_dirs", "extra_support_code", "compile_args",
        "version",
    )  # fmt: skip
    host_only = True

    def __init__(
        self,
        ctype: str,
        freefunc: str | None = None,
        headers: Iterable[str] = (),
        header_dirs: Iterable[str] = (),
        libraries: Iterable[str] = (),
        lib_dirs: Iterable[str] = (),
        compile_args: Iterable[str] = (),
        extra_support_code: str | Iterable[str] = "",
        version: Any = None,
    ) -> None:
        if not isinstance(ctype, str):
            raise TypeError("ctype must be a string")
        self.ctype, self.freefunc = ctype, freefunc
        self.headers, self.header_dirs = tuple(headers), tuple(header_dirs)
        self.libraries, self.lib_dirs = tuple(libraries), tuple(lib_dirs)
        self.compile_args, self.version = tuple(compile_args), version
        self.extra_support_code = "".join(extra_support_code)

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """`data`, a capsule or None; TypeError for anything else."""
        if data is not None and type(data).__name__ != "PyCapsule":
            raise TypeError("expected None or a PyCapsule")
        return data

    def make_value(self, ptr: int) -> Any:
        """The value that stands for the pointer with the address `ptr`."""
        address = generic()
        return above.function([address], _MakePointer(self)(address), mode="FAST_COMPILE", profile=False)(ptr)

    def __str__(self) -> str:
        return "%s{%s}" % (type(self).__name__, self.ctype)

    def c_declare(self, name: str, sub: Sub, check_input: bool = True) -> str:
        return "%s %s;\n" % (self.ctype, name)

    def c_init(self, name: str, sub: Sub) -> str:
        return "%s = NULL;\n" % name

    def c_extract(self, name: str, sub: Sub, check_input: bool = True) -> str:
        read = "%s = (%s)PyCapsule_GetPointer(py_%s, NULL);\nif (!%s) %s\n"
        return read % (name, self.ctype, name, name, sub["fail"])

    def c_extract_out(self, name: str, sub: Sub, check_input: bool = True) -> str:
        # a capsule owns what it points to: an Op that reused the pointer would have it freed twice
        return self.c_init(name, sub)

    def c_sync(self, name: str, sub: Sub) -> str:
        free = "%s(%s);" % (self.freefunc, name) if self.freefunc else ""
        return _SYNC % dict(sub, name=name, free=free, release=self.freefunc or "NULL")

    def c_cleanup(self, name: str, sub: Sub) -> str:
        return ""

    def c_support_code(self) -> str:
        return _CAPSULES + self.extra_support_code

    def c_headers(self, c_compiler: Any = None) -> Names:
        return self.headers

    def c_header_dirs(self) -> Names:
        return self.header_dirs

    def c_libraries(self, c_compiler: Any = None) -> Names:
        return self.libraries

    def c_lib_dirs(self) -> Names:
        return self.lib_dirs

    def c_compile_args(self, c_compiler: Any = None) -> Names:
        return self.compile_args

    def c_code_cache_version(self) -> tuple[Any, ...]:
        return (1, self.version)


class CDataTypeConstant(Constant):
    """A known pointer: one of its kind, whatever it points to."""

    def merge_signature(self) -> Any:
        return id(self.data)

    def signature(self) -> Any:
        return (self.type,)


CDataType.Constant = CDataTypeConstant


class _MakePointer(Op):
    """An address as a value of `rtype`."""

    __props__ = ("rtype",)

    def __init__(self, rtype: CDataType) -> None:
        self.rtype = rtype

    def do_constant_folding(self, node: Apply) -> bool:
        return False

    def make_node(self, *inputs: Variable) -> Apply:
        return Apply(self, inputs, [self.rtype()])

    def c_code(self, node: Apply, name: str, inputs: Names, outputs: Names, sub: Sub) -> str:
        return "%s = (%s)PyLong_AsVoidPtr(%s);\nif (PyErr_Occurred()) %s\n" % (
            outputs[0],
            self.rtype.ctype,
            inputs[0],
            sub["fail"],
        )

    def c_code_cache_version(self) -> tuple[Any, ...]:
        return (1,)
