"""A program of jax as a C++ module that runs it on numpy's arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.runtime.in_c import loops as loops  # has loops written, too
from theanojax.runtime.in_c.blocks import Writer
from theanojax.runtime.in_c.elements import stored
from theanojax.runtime.in_c.flat import NotInC, flattened
from theanojax.runtime.in_c.places import Memory, contiguous
from theanojax.runtime.in_c.prelude import BLAS, PRELUDE
from theanojax.runtime.in_c.text import Text
from theanojax.runtime.native.source import MODULE

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from jax.extend.core import ClosedJaxpr

    from theanojax.runtime.in_c.flat import Block, Var
    from theanojax.runtime.in_c.places import Place

MOST_EQUATIONS = 1000
LONG = 1 << 14  # elements of an argument or a result
MOST_ROOM = 1 << 26  # bytes between inputs and outputs

_MODULE = """
namespace {
struct Type { int number, ndim; npy_intp dims[8]; };
const Type in_types[] = {%(in_types)s};
const Type out_types[] = {%(out_types)s};
const int INS = %(ins)d, OUTS = %(outs)d, REPLACED = %(replaced)d, CONSTANTS = %(constants)d;
const int replaced_in[] = {%(replaced_in)s}, replaced_out[] = {%(replaced_out)s};
std::atomic<char*> idle(NULL);
%(statics)s

void compute(void* const* in, void* const* out, char* room) {
%(pointers)s
%(body)s
}

bool is_replaced(const int* positions, int i) {
    for (int k = 0; k < REPLACED; ++k)
        if (positions[k] == i) return true;
    return false;
}

// A new reference to `given` as an array of this type, or NULL with an error.
PyObject* array_of(PyObject* given, const Type& type) {
    PyObject* a = PyArray_FromAny(given, PyArray_DescrFromType(type.number), type.ndim, type.ndim,
                                  NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED, NULL);
    bool fits = a && PyArray_NDIM((PyArrayObject*)a) == type.ndim;
    for (int d = 0; fits && d < type.ndim; ++d) fits = PyArray_DIM((PyArrayObject*)a, d) == type.dims[d];
    if (a && !fits) {
        PyErr_SetString(PyExc_ValueError, "an argument of another shape");
        Py_CLEAR(a);
    }
    return a;
}

// The memory of an array of jax that nobody else knows, or NULL with an error.
void* memory_of(PyObject* array) {
    PyObject* ready = PyObject_CallMethod(array, "block_until_ready", NULL);
    if (!ready) return NULL;
    Py_DECREF(ready);
    PyObject* number = PyObject_CallMethod(array, "unsafe_buffer_pointer", NULL);
    if (!number) return NULL;
    void* pointer = PyLong_AsVoidPtr(number);
    Py_DECREF(number);
    return pointer;
}

// Between constants and arguments is what makes, of those that are replaced, arrays that are ours alone: once it has
// been called nothing may fail.
bool take_over(PyObject* const* given, PyObject* outs, void** in, void** out) {
    PyObject* old[REPLACED + 1];
    for (int k = 0; k < REPLACED; ++k) old[k] = given[1 + replaced_in[k]];
    PyObject* taken = PyObject_Vectorcall(given[CONSTANTS], old, REPLACED, NULL);
    if (!taken) return false;
    for (int k = 0; k < REPLACED; ++k) {
        PyObject* own = PySequence_GetItem(taken, k);
        void* memory = own ? memory_of(own) : NULL;
        if (!memory) {
            Py_XDECREF(own);
            Py_DECREF(taken);
            return false;
        }
        in[replaced_in[k]] = out[replaced_out[k]] = memory;
        PyList_SET_ITEM(outs, replaced_out[k], own);
    }
    Py_DECREF(taken);
    return true;
}

PyObject* run_program(PyObject*, PyObject* const* given, Py_ssize_t n) {
    PyObject *ins[INS + 1] = {NULL}, *outs = NULL;
    void *in[INS + 1], *out[OUTS + 1];
    char* raw = NULL;
    if (n != INS + (REPLACED > 0)) {
        PyErr_SetString(PyExc_TypeError, "another number of arguments");
        return NULL;
    }
    for (int i = 0; i < INS; ++i) {
        if (is_replaced(replaced_in, i)) continue;
        ins[i] = array_of(given[i < CONSTANTS ? i : i + (REPLACED > 0)], in_types[i]);
        if (!ins[i]) goto end;
        in[i] = PyArray_DATA((PyArrayObject*)ins[i]);
    }
    raw = idle.exchange(NULL);
    if (!raw) raw = (char*)malloc(%(room)d);
    if (!raw) {
        PyErr_NoMemory();
        goto end;
    }
    outs = PyList_New(OUTS);
    for (int i = 0; outs && i < OUTS; ++i) {
        if (is_replaced(replaced_out, i)) continue;
        PyObject* a = PyArray_SimpleNew(out_types[i].ndim, out_types[i].dims, out_types[i].number);
        if (!a) {
            Py_CLEAR(outs);
            break;
        }
        PyList_SET_ITEM(outs, i, a);
        out[i] = PyArray_DATA((PyArrayObject*)a);
    }
    if (outs && REPLACED && !take_over(given, outs, in, out)) Py_CLEAR(outs);
    if (outs) {
        char* room = raw + (64 - (uintptr_t)raw %% 64);
        Flushing flushing;
        %(release)s
        compute(in, out, room);
        %(restore)s
    }
end:
    for (int i = 0; i < INS; ++i) Py_XDECREF(ins[i]);
    free(idle.exchange(raw));
    return outs;
}

PyObject* release(PyObject*, PyObject*) {
    free(idle.exchange(NULL));
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"run", (PyCFunction)(void (*)(void))run_program, METH_FASTCALL, ""}, {"release", release, METH_NOARGS, ""},
    {NULL, NULL, 0, NULL}
};
PyModuleDef definition = {PyModuleDef_HEAD_INIT, "%(name)s", NULL, -1, methods};
}

PyMODINIT_FUNC PyInit_%(name)s(void) {
    import_array();
    %(init)s
    PyObject* module = PyModule_Create(&definition);
#ifdef Py_GIL_DISABLED
    if (module) PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    return module;
}
"""


class Written:
    """The C++ of a program, constants that each call is given before its arguments, and what outputs replace."""

    def __init__(self, text: str, given: list[Any], replaced: Mapping[int, int]) -> None:
        self.text, self.given, self.replaced = text, given, replaced


def source_of(closed: ClosedJaxpr, volatile: Container[int] = (), replaced: Mapping[int, int] = {}) -> Written:
    """The C++ of a program; NotInC if there is none.

    Parameters
    ----------
    volatile : positions of arguments that other threads may write to meanwhile.
    replaced : position of an output -> that of the argument whose memory it takes over, if it can.
    """
    block = flattened(closed)
    _check(block)
    replaced = {o: i for o, i in replaced.items() if _can_replace(block, o, i)}
    text = Text()
    _write(text, block, {v: Memory("x%d" % i, contiguous(v.shape)) for i, v in enumerate(block.ins)}, replaced)
    if text.room > MOST_ROOM:
        raise NotInC("%d bytes between inputs and outputs" % text.room)
    if any(len(v.shape) > 8 for _, v in text.given):
        raise NotInC("a constant of more than eight dimensions")
    constants = len(text.given)
    pointers = [_pointer(name, "const " + stored(v.dtype), "in", i) for i, (name, v) in enumerate(text.given)]
    for i, v in enumerate(block.ins):
        fixed = "" if i in replaced.values() else "const volatile " if i in volatile else "const "
        pointers.append(_pointer("x%d" % i, fixed + stored(v.dtype), "in", constants + i))
    pointers += [_pointer("y%d" % i, stored(v.dtype), "out", i) for i, v in enumerate(block.outs)]
    ins = [v for _, v in text.given] + block.ins
    code = _MODULE % {
        "in_types": ", ".join(map(_type, ins)) or "{0, 0, {0}}",
        "out_types": ", ".join(map(_type, block.outs)) or "{0, 0, {0}}",
        "ins": len(ins),
        "outs": len(block.outs),
        "replaced": len(replaced),
        "constants": constants,
        "replaced_in": ", ".join(str(constants + i) for i in replaced.values()) or "0",
        "replaced_out": ", ".join(map(str, replaced)) or "0",
        "statics": "\n".join(text.statics),
        "pointers": "\n".join(pointers),
        "body": "\n".join(text.lines),
        "room": text.room + 128,
        "release": "Py_BEGIN_ALLOW_THREADS" if _is_long(block) else "",
        "restore": "Py_END_ALLOW_THREADS" if _is_long(block) else "",
        "name": MODULE,
        "init": "if (!load_blas()) return NULL;" if text.needs_blas else "",
    }
    given = [np.ascontiguousarray(v.literal) for _, v in text.given]
    return Written(PRELUDE + (BLAS if text.needs_blas else "") + code, given, replaced)


def _check(block: Block) -> None:
    if _count(block) > MOST_EQUATIONS:
        raise NotInC("more than %d operations" % MOST_EQUATIONS)
    if any(len(v.shape) > 8 for v in (*block.ins, *block.outs)):
        raise NotInC("more than eight dimensions")


def _can_replace(block: Block, o: int, i: int) -> bool:
    out = block.outs[o]
    return not (out.literal is not None or out in block.ins or block.outs.count(out) > 1) and (
        (out.shape, out.dtype) == (block.ins[i].shape, block.ins[i].dtype)
    )


def _write(text: Text, block: Block, places: dict[Var, Memory], replaced: Mapping[int, int]) -> None:
    """Write the program, with its outputs where they are wanted."""
    targets = {block.outs[o]: places[block.ins[i]] for o, i in replaced.items()}
    owned = {v: place.base for v, place in targets.items()}
    for i, v in enumerate(block.outs):
        if v.literal is None and v not in places and v not in targets:
            targets[v] = Memory("y%d" % i, contiguous(v.shape))
    writer = Writer(text, block, places, targets, owned)
    writer.write()
    ends = [(v, targets[v] if v in owned else Memory("y%d" % i, contiguous(v.shape))) for i, v in enumerate(block.outs)]
    # what is read from memory that is about to be overwritten is put elsewhere first
    for v, to in ends:
        if writer.place(v).bases & set(owned.values()) and not _is_there(writer.place(v), to):
            held = writer.room(v)
            text.copy(v, writer.place(v), held)
            writer.set(v, held)
    for v, to in ends:
        if not _is_there(writer.place(v), to):
            text.copy(v, writer.place(v), to)


def _is_there(place: Place, to: Memory) -> bool:
    return isinstance(place, Memory) and (place.base, place.strides, place.offset) == (to.base, to.strides, to.offset)


def _pointer(name: str, kind: str, table: str, position: int) -> str:
    return "    {0}* const {1} = ({0}*){2}[{3}];".format(kind, name, table, position)


def _is_long(block: Block) -> bool:
    """Whether other threads of Python may go on meanwhile."""
    loops = any(e.name in ("while", "scan") for e in block.eqns)
    return loops or any(v.size > LONG for v in (*block.ins, *block.outs))


def _type(v: Var) -> str:
    dims = ", ".join(map(str, v.shape)) or "0"
    return "{NPY_%s, %d, {%s}}" % ({"bool": "BOOL"}.get(v.dtype.name, v.dtype.name.upper()), len(v.shape), dims)


def _count(block: Block) -> int:
    return sum(1 + sum(map(_count, e.blocks)) for e in block.eqns)
