"""The source of the C++ module of one node: what its Op and its types say, put together.

The module has two functions. ``make(parameters)`` gives a capsule with a struct, which keeps what the Op keeps between
calls; ``run(capsule, cells of the inputs and outputs ...)`` runs it once. Within a call every variable has a block,
``{ extract ... label: cleanup }``, around those of what comes after it; an error jumps to the label of its block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.errors import MethodNotDefined
from theanojax.graph.c_interface import call, pieces_of
from theanojax.graph.variable import NoParams, Variable
from theanojax.runtime.native import prelude

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from theanojax.graph.c_interface import CLinkerObject, Sub
    from theanojax.graph.type import Type
    from theanojax.graph.variable import Apply

MODULE = "c_code"  # every module has its own file
NAME = "node_0"  # of the node, in the names that its Op gives to functions

_FAIL = """{
    __failure = %(id)d;
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError,
        "Unexpected error in an Op's C code. No Python exception was set.");
    %(leave)s
}"""

_MODULE = """
namespace {
struct theanojax_node {
%(storage)s
%(members)s

    theanojax_node() {
#ifndef THEANO_DONT_MEMSET_STRUCT
        memset((void*)this, 0, sizeof(*this));
#endif
    }
    ~theanojax_node() {
%(cleanup)s
    }
    int theanojax_start() {
        int __failure = 0;
%(init)s
        return __failure;
    }
    int theanojax_step() {
        int __failure = 0;
%(run)s
        return __failure;
    }
};

void theanojax_destroy(PyObject* capsule) { delete (theanojax_node*)PyCapsule_GetPointer(capsule, NULL); }

PyObject* theanojax_make(PyObject*, PyObject* arguments) {
    theanojax_node* node = new theanojax_node();
    %(take_params)s
    if (node->theanojax_start()) {
        delete node;
        return NULL;
    }
    PyObject* capsule = PyCapsule_New((void*)node, NULL, theanojax_destroy);
    if (!capsule) delete node;
    return capsule;
}

PyObject* theanojax_run(PyObject*, PyObject* arguments) {
    theanojax_node* node = (theanojax_node*)PyCapsule_GetPointer(PyTuple_GET_ITEM(arguments, 0), NULL);
    if (!node) return NULL;
%(take_cells)s
    int failure = 1;
#ifdef __cpp_exceptions
    try {
        failure = node->theanojax_step();
    } catch (const std::exception& error) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, error.what());
    }
#else  // -fno-exceptions
    failure = node->theanojax_step();
#endif
    if (failure || PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

PyMethodDef theanojax_methods[] = {
    {"make", theanojax_make, METH_VARARGS, ""}, {"run", theanojax_run, METH_VARARGS, ""}, {NULL, NULL, 0, NULL}
};
PyModuleDef theanojax_module = {PyModuleDef_HEAD_INIT, "%(module)s", NULL, -1, theanojax_methods};
}

PyMODINIT_FUNC PyInit_%(module)s(void) {
%(init_code)s
    return PyModule_Create(&theanojax_module);
}
"""


@dataclass(frozen=True)
class Source:
    """A module to compile.

    Attributes
    ----------
    code : C++, but for the prelude, so that its lines count from 1.
    headers : the text that includes headers.
    options, no_options : for the compiler, and those that it must not get.
    folders, library_folders, libraries : where headers are, where libraries are, and their names.
    version : what the Op and the types say of the version of their code; empty if one of them says nothing.
    compiler : the class of the compiler that the Op or a type asks for, None for the usual one.
    variables : the inputs and outputs whose cells `run` takes, each once.
    """

    code: str
    headers: str
    options: tuple[str, ...]
    no_options: tuple[str, ...]
    folders: tuple[str, ...]
    library_folders: tuple[str, ...]
    libraries: tuple[str, ...]
    version: tuple[Any, ...]
    compiler: Any
    variables: tuple[Variable, ...]

    @property
    def text(self) -> str:
        return self.headers + self.code


@dataclass
class _Block:
    """Part of a function: `before` runs first, `after` last, whatever happens in between."""

    number: int
    declare: str
    before: str
    after: str

    def around(self, inner: str) -> str:
        # a label needs a statement after it
        return "{\n%s\n%s\n__label_%d: ;\n%s\n}\n" % (self.before, inner, self.number, self.after)


def _scope(code: str) -> str:
    """`code` so that errors may jump over what it declares."""
    return "{\n%s\n}" % code


def write(node: Apply, default_compiler: Any) -> Source:
    """The source of `node`; NotImplementedError if its Op or one of its types has no C code for it."""
    op = node.op
    try:
        return _Writer(node, default_compiler).source()
    except MethodNotDefined as error:
        raise NotImplementedError("%s cannot produce C code: there is no %s" % (op, error.args[0])) from None


class _Writer:
    def __init__(self, node: Apply, default_compiler: Any) -> None:
        op: Any = node.op
        self.node, self.op = node, op
        halves = [v for v in node.inputs + node.outputs if getattr(v.type, "dtype", None) == "float16"]
        if halves and not getattr(op, "_f16_ok", False):
            raise NotImplementedError("%s has no C code for float16" % op)
        self.variables = tuple(dict.fromkeys(node.inputs + node.outputs))
        self.names = {v: "V%d" % (2 * i + 1) for i, v in enumerate(self.variables)}
        self.check = getattr(op, "check_input", config.check_input)
        self.params: str | None = None
        types: list[CLinkerObject] = [v.type for v in self.variables]  # type: ignore[misc]
        if node.run_params() is not NoParams:
            self.params = "V%d" % (2 * len(self.variables) + 1)
            types.append(node.params_type)
        self.parts = [*types, op]
        asked = {x.c_compiler() for x in self.parts if hasattr(x, "c_compiler")} - {None}
        if len(asked) > 1:
            raise NotImplementedError("%s asks for different compilers: %s" % (op, asked))
        self.asked = asked.pop() if asked else None
        self.compiler = self.asked or default_compiler

    def source(self) -> Source:
        op, node = self.op, self.node
        headers = [prelude.BEFORE, *map(_include, self._pieces("c_headers")), prelude.AFTER]
        if config.cmodule.debug:
            headers.append("#ifndef DEBUG\n#define DEBUG\n#endif\n")
        support = [piece for part in self.parts for piece in pieces_of(part, "c_support_code")]
        support += optional(op.c_support_code_apply, node, NAME)
        init_code = dict.fromkeys(["import_array();", *self._pieces("c_init_code", compiler=False)])
        init_code.update(dict.fromkeys(optional(op.c_init_code_apply, node, NAME)))
        code = "\n".join([*dict.fromkeys(support), _MODULE % dict(self._struct(), init_code="\n".join(init_code))])
        ways = "c_compile_args c_no_compile_args c_header_dirs c_lib_dirs c_libraries".split()
        options, no_options, folders, library_folders, libraries = (tuple(self._pieces(way)) for way in ways)
        return Source(
            code,
            "\n".join(headers) + '\n#line 1 "%s"\n' % type(getattr(op, "scalar_op", op)).__name__,
            options,
            no_options,
            folders,
            library_folders,
            libraries,
            self._version(),
            self.asked,
            self.variables,
        )

    def _pieces(self, method: str, compiler: bool = True) -> list[str]:
        args = (self.compiler,) if compiler else ()
        return list(dict.fromkeys(piece for part in self.parts for piece in pieces_of(part, method, *args)))

    def _version(self) -> tuple[Any, ...]:
        versions = [v.type.c_code_cache_version() for v in self.variables]  # type: ignore[attr-defined]
        versions.append(self.op.c_code_cache_version_apply(self.node))
        return tuple(versions) if all(versions) else ()

    # ---------------------------------------------------------------- the struct
    def _struct(self) -> dict[str, str]:
        op, node = self.op, self.node
        number = 2 * len(self.variables) + 3
        sub = self._sub(number)
        sub_init = dict(sub, id=number + 1, fail=_fail(number + 1, "return __failure;"))
        inputs, outputs = ([self.names[v] for v in variables] for variables in (node.inputs, node.outputs))
        blocks = [self._block(v) for v in self.variables]
        behaviour = op.c_code(node, NAME, inputs, outputs, sub)
        if not isinstance(behaviour, str):
            raise TypeError("%s didn't return a string for c_code" % op)
        after = "".join(optional(op.c_code_cleanup, node, NAME, inputs, outputs, sub))
        # what c_code declares is seen by its cleanup; without one, errors may jump over it
        body = _Block(number, "", behaviour if after else _scope(behaviour), after).around("")
        for block in reversed(blocks):
            body = block.around(body)
        members, init, cleanup = [], [], optional(op.c_cleanup_code_struct, node, NAME)
        if self.params:
            kind, name, sub_params = node.params_type, self.params, dict(sub_init, py_ptr="py_" + self.params)
            members += ["PyObject* py_%s;" % name, _declare(kind, name, sub_params, True)]
            init.append(_scope(_extract(kind.c_extract, name, sub_params, True)))
            cleanup += [kind.c_cleanup(name, sub_params), "Py_XDECREF(py_%s);" % name]
        members += optional(op.c_support_code_struct, node, NAME)
        init += optional(op.c_init_code_struct, node, NAME, sub_init)
        names = [self.names[v] for v in self.variables]
        cells = ["node->storage_%s = PyTuple_GET_ITEM(arguments, %d);" % (n, i) for i, n in enumerate(names, 1)]
        return dict(
            module=MODULE,
            storage="\n".join("PyObject* storage_%s;" % name for name in names),
            members="\n".join(members),
            init="\n".join(init),
            cleanup="\n".join(cleanup),
            run="".join(block.declare for block in blocks) + body,
            take_params="node->py_{0} = PyTuple_GET_ITEM(arguments, 0);\n    Py_INCREF(node->py_{0});".format(
                self.params
            )
            if self.params
            else "",
            take_cells="\n".join(cells),
        )

    def _sub(self, number: int, leave: str = "goto __label_%(id)d;") -> Sub:
        sub = dict(failure_var="__failure", id=number, fail=_fail(number, leave % dict(id=number)))
        if self.params:
            sub["params"] = self.params
        return sub

    def _block(self, v: Variable) -> _Block:
        """How an input or output gets into C, and out of it."""
        kind: Any = v.type
        name, number = self.names[v], self.variables.index(v) * 2 + 2
        sub = dict(self._sub(number), py_ptr="py_" + name, stor_ptr="storage_" + name)
        declare = "PyObject* py_%s;\n%s" % (name, _declare(kind, name, sub, self.check))
        after = "%s\nPy_XDECREF(py_%s);" % (kind.c_cleanup(name, sub), name)
        before = "py_%s = PyList_GET_ITEM(storage_%s, 0);\nPy_XINCREF(py_%s);\n" % (name, name, name)
        if v in self.node.inputs:
            return _Block(number, declare, before + _scope(_extract(kind.c_extract, name, sub, self.check)), after)
        if kind.c_is_simple():
            before = "py_%s = Py_None;\nPy_INCREF(Py_None);\n%s" % (name, kind.c_init(name, sub))
        else:
            before += _scope(_extract(kind.c_extract_out, name, sub, self.check))
        return _Block(number, declare, before, _STORE % dict(name=name, sync=kind.c_sync(name, sub)) + after)


_STORE = """
if (!__failure) {
    %(sync)s
    PyObject* old = PyList_GET_ITEM(storage_%(name)s, 0);
    Py_XINCREF(py_%(name)s);
    PyList_SET_ITEM(storage_%(name)s, 0, py_%(name)s);
    Py_XDECREF(old);
}
"""


def _fail(number: int, leave: str) -> str:
    return _FAIL % dict(id=number, leave=leave)


def _declare(kind: Type, name: str, sub: Sub, check: bool) -> str:
    return _extract(kind.c_declare, name, sub, check)


def _extract(method: Callable[..., Any], name: str, sub: Sub, check: bool) -> str:
    return str(call(method, name, sub, check))


def _include(header: str) -> str:
    return "#include %s" % (header if header[0] in '<"' else '"%s"' % header)


def optional(method: Callable[..., Any], *args: Any) -> list[str]:
    """What a method gives, as a list; empty if it is not defined."""
    try:
        found = method(*args)
    except MethodNotDefined:
        return []
    if not isinstance(found, str):
        raise TypeError("%s should return a string" % method.__qualname__)
    return [found] if found.strip() else []
