"""A program of jax as a C++ module that runs it on numpy's arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from theanojax.runtime.in_c import loops as loops  # has loops written, too
from theanojax.runtime.in_c.blocks import Writer
from theanojax.runtime.in_c.cost import what_loses
from theanojax.runtime.in_c.crew import CREW
from theanojax.runtime.in_c.elements import stored
from theanojax.runtime.in_c.entry import ENTRY
from theanojax.runtime.in_c.flat import NotInC, flattened
from theanojax.runtime.in_c.places import Memory, contiguous
from theanojax.runtime.in_c.prelude import PRELUDE
from theanojax.runtime.in_c.products import PRODUCTS
from theanojax.runtime.in_c.simpler import simplified
from theanojax.runtime.in_c.text import Text
from theanojax.runtime.native.source import MODULE
from theanojax.runtime.xla import cores

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from jax.extend.core import ClosedJaxpr

    from theanojax.runtime.in_c.flat import Block, Var
    from theanojax.runtime.in_c.places import Place

MOST_EQUATIONS = 1000
LONG = 1 << 14  # elements of an argument or a result
MOST_ROOM = 1 << 26  # bytes between inputs and outputs

OF_LENGTH = "LENGTHS"  # stands, in texts that are alike, for what the length of a call changes

_MODULE = """
namespace {
struct Type { int number, ndim; npy_intp dims[8]; };
%(length)sType in_types[] = {%(in_types)s};
%(length)sType out_types[] = {%(out_types)s};
const int INS = %(ins)d, OUTS = %(outs)d, REPLACED = %(replaced)d, CONSTANTS = %(constants)d;
const bool CHECKED = %(checked)s;
const int replaced_in[] = {%(replaced_in)s}, replaced_out[] = {%(replaced_out)s};
std::atomic<char*> idle(NULL);
%(declare)s
%(statics)s

void compute(void* const* in, void* const* out, char* room) {
    %(locals)s
%(pointers)s
%(body)s
}

// Whether the program may run at all, for such arguments.
bool holds(void* const* in, char* room) {
    %(locals)s
%(condition)s
}

%(define)s

bool is_replaced(const int* positions, int i) {
    for (int k = 0; k < REPLACED; ++k)
        if (positions[k] == i) return true;
    return false;
}

// Whether `given` is such an array and can be read as it is.
bool is_exactly(PyObject* given, const Type& type) {
    if (!PyArray_CheckExact(given)) return false;
    PyArrayObject* a = (PyArrayObject*)given;
    if (PyArray_TYPE(a) != type.number || PyArray_NDIM(a) != type.ndim || !PyArray_ISCARRAY_RO(a)) return false;
    for (int d = 0; d < type.ndim; ++d)
        if (PyArray_DIM(a, d) != type.dims[d]) return false;
    return true;
}

// A new reference to `given` as an array of this type, or NULL with an error.
PyObject* array_of(PyObject* given, const Type& type) {
    if (is_exactly(given, type)) {
        Py_INCREF(given);
        return given;
    }
    PyObject* a = PyArray_FromAny(given, PyArray_DescrFromType(type.number), type.ndim, type.ndim,
                                  NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED, NULL);
    if (a && !is_exactly(a, type)) {
        PyErr_SetString(PyExc_ValueError, "an argument of another shape");
        Py_CLEAR(a);
    }
    return a;
}

// Whether `array`, one of jax, has this type; false with an error if a signal's handler raises one meanwhile.
bool is_like(PyObject* array, const Type& type) {
    PyObject *shape = PyObject_GetAttrString(array, "shape");
    PyObject *dtype = shape ? PyObject_GetAttrString(array, "dtype") : NULL;
    bool fits = shape && dtype && PyTuple_CheckExact(shape) && PyTuple_GET_SIZE(shape) == type.ndim &&
                PyArray_DescrCheck(dtype) && ((PyArray_Descr*)dtype)->type_num == type.number;
    for (int d = 0; fits && d < type.ndim; ++d) fits = PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, d)) == type.dims[d];
    Py_XDECREF(shape);
    Py_XDECREF(dtype);
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
    return fits && !PyErr_Occurred();
}

int raise_later(void* held) {
    PyObject* error = (PyObject*)held;
    PyErr_SetObject((PyObject*)Py_TYPE(error), error);
    Py_DECREF(error);
    return -1;
}

// What a method gives, or NULL with an error. jax looks for signals as it waits: what a handler raises then, while
// values are neither here nor there, is raised once they are stored.
PyObject* undisturbed(PyObject* array, const char* method) {
    PyObject* held = NULL;
    for (int tries = 0;; ++tries) {
        PyObject* result = PyObject_CallMethod(array, method, NULL);
        if (!result && tries < 100) {
            PyObject *type, *error, *trace;
            PyErr_Fetch(&type, &error, &trace);
            PyErr_NormalizeException(&type, &error, &trace);
            Py_XDECREF(type);
            Py_XDECREF(trace);
            Py_XDECREF(held);
            held = error;
            continue;
        }
        if (!result) Py_CLEAR(held);  // it is no signal, but fails
        if (held && Py_AddPendingCall(raise_later, held)) {
            Py_DECREF(held);
            PyErr_SetInterrupt();
        }
        return result;
    }
}

// The memory of an array of jax that nobody else knows, or NULL with an error.
void* memory_of(PyObject* array) {
    PyObject* ready = undisturbed(array, "block_until_ready");
    if (!ready) return NULL;
    Py_DECREF(ready);
    PyObject* number = undisturbed(array, "unsafe_buffer_pointer");
    if (!number) return NULL;
    void* pointer = PyLong_AsVoidPtr(number);
    Py_DECREF(number);
    return pointer;
}

// `own` makes, of the values that are replaced, arrays that are ours alone: once it has been called nothing may fail.
bool take_over(PyObject* own, PyObject* const* ins, PyObject* outs, void** in, void** out) {
    PyObject* old[REPLACED + 1];
    for (int k = 0; k < REPLACED; ++k) old[k] = ins[replaced_in[k]];
    PyObject* taken = PyObject_Vectorcall(own, old, REPLACED, NULL);
    if (!taken) return false;
    for (int k = 0; k < REPLACED; ++k) {
        PyObject* array = PySequence_GetItem(taken, k);
        void* memory = array ? memory_of(array) : NULL;
        if (!memory) {
            Py_XDECREF(array);
            Py_DECREF(taken);
            return false;
        }
        in[replaced_in[k]] = out[replaced_out[k]] = memory;
        PyList_SET_ITEM(outs, replaced_out[k], array);
    }
    Py_DECREF(taken);
    return true;
}

char* aligned(char* raw) { return raw + (64 - (uintptr_t)raw %% 64); }

// Room for what lies between inputs and outputs, or NULL with an error; to be put back into `idle`.
char* taken_room() {
    %(locals)s
    const size_t needed = %(room)d;
    char* raw = idle.exchange(NULL);
    if (raw && *(size_t*)raw < needed) {  // the first bytes, which nothing else uses, say how many there are
        free(raw);
        raw = NULL;
    }
    if (!raw && (raw = (char*)malloc(needed))) *(size_t*)raw = needed;
    if (!raw) PyErr_NoMemory();
    return raw;
}

// A list of what `ins` give, or NULL with an error; `in` are their numbers, but for those that are replaced.
PyObject* results_of(PyObject* const* ins, void** in, PyObject* own) {
    void* out[OUTS + 1];
    char* raw = taken_room();
    if (!raw) return NULL;
    PyObject* outs = PyList_New(OUTS);
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
    if (outs && REPLACED && !take_over(own, ins, outs, in, out)) Py_CLEAR(outs);
    if (outs) {
        char* room = aligned(raw);
        Flushing flushing;
        %(release)s
        compute(in, out, room);
        %(restore)s
    }
    free(idle.exchange(raw));
    return outs;
}

// Constants, `own` if something is replaced, then the arguments.
PyObject* run_program(PyObject*, PyObject* const* given, Py_ssize_t n) {
    PyObject *ins[INS + 1], *outs = NULL;
    void* in[INS + 1];
    int got = 0;
    PREPARE(n > KNOWN ? given[KNOWN] : NULL, {
        PyErr_SetString(PyExc_ValueError, "a length that this is not for");
        return NULL;
    })
    if (n != INS + (REPLACED > 0)) {
        PyErr_SetString(PyExc_TypeError, "another number of arguments");
        return NULL;
    }
    for (; got < INS; ++got) {
        PyObject* a = given[got < CONSTANTS ? got : got + (REPLACED > 0)];
        if (is_replaced(replaced_in, got)) {
            if (!is_like(a, in_types[got])) {
                if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "what is to be replaced is of another type");
                break;
            }
            Py_INCREF(a);
        } else {
            a = array_of(a, in_types[got]);
            if (!a) break;
            in[got] = PyArray_DATA((PyArrayObject*)a);
        }
        ins[got] = a;
    }
    if (got == INS) outs = results_of(ins, in, REPLACED ? given[CONSTANTS] : NULL);
    while (got) Py_DECREF(ins[--got]);
    return outs;
}
%(entry)s
PyObject* release(PyObject*, PyObject*) {
    free(idle.exchange(NULL));
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"run", (PyCFunction)(void (*)(void))run_program, METH_FASTCALL, ""}, {"release", release, METH_NOARGS, ""},
    {"entry", make_entry, METH_O, ""}, {NULL, NULL, 0, NULL}
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


class Written(NamedTuple):
    """The C++ of a program.

    Attributes
    ----------
    given : constants that each call is given before its arguments.
    outputs : how many there are.
    replaced : what outputs replace.
    checks : whether it has the condition in it.
    """

    text: str
    given: Sequence[Any]
    outputs: int
    replaced: Mapping[int, int]
    checks: bool


class Condition(NamedTuple):
    """What has to be true before a program may run: a program of the arguments at these positions."""

    program: ClosedJaxpr
    positions: Sequence[int]


def source_of(
    closed: ClosedJaxpr,
    volatile: Container[int] = (),
    replaced: Mapping[int, int] = {},
    condition: Condition | None = None,
    alike: bool = False,
) -> Written:
    """The C++ of a program; NotInC if there is none.

    Parameters
    ----------
    volatile : positions of arguments that other threads may write to meanwhile.
    replaced : position of an output -> that of the argument whose memory it takes over, if it can.
    condition : written, too, if it can be.
    alike : whether that of the same program for other lengths differs in nothing but numbers.
    """
    if slow := what_loses(closed):
        raise NotInC(slow + ", which XLA does in less time")
    block = simplified(flattened(closed))
    _check(block)
    replaced = {o: i for o, i in replaced.items() if _can_replace(block, o, i)}
    text = Text(alike)
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
    checked = condition and _condition(text, condition, constants, set(replaced.values()))
    code = _MODULE % {
        "in_types": ", ".join(map(_type, ins)) or "{0, 0, {0}}",
        "out_types": ", ".join(map(_type, block.outs)) or "{0, 0, {0}}",
        "ins": len(ins),
        "outs": len(block.outs),
        "replaced": len(replaced),
        "constants": constants,
        "replaced_in": ", ".join(str(constants + i) for i in replaced.values()) or "0",
        "replaced_out": ", ".join(map(str, replaced)) or "0",
        "checked": "true" if checked else "false",
        "condition": checked or "    return true;",
        "statics": "\n".join(text.statics),
        "pointers": "\n".join(pointers),
        "body": "\n".join(text.arrays + text.lines),
        "room": text.room + 128,
        "length": "thread_local " if alike else "const ",
        "declare": "thread_local int64_t LENGTH = 0, ROOM_LENGTH = 0;" if alike else "",
        # loops that write numbers could change one that is everybody's
        "locals": "const int64_t length = LENGTH, room_length = ROOM_LENGTH;" if alike else "",
        "define": OF_LENGTH if alike else "#define PREPARE(array, otherwise)",
        "release": "Py_BEGIN_ALLOW_THREADS" if alike or _is_long(block) else "",
        "restore": "Py_END_ALLOW_THREADS" if alike or _is_long(block) else "",
        "name": MODULE,
        "entry": ENTRY,
        "init": "if (!find_crew(%d)) return NULL;" % cores.count() if text.needs_crew else "",
    }
    given = [np.ascontiguousarray(v.literal) for _, v in text.given]
    before = PRELUDE + (CREW + PRODUCTS if text.needs_crew else "") + "".join(sorted(text.helpers))
    return Written(before + code, given, len(block.outs), replaced, checked is not None)


def _condition(text: Text, condition: Condition, constants: int, replaced: set[int]) -> str | None:
    """The C of a condition, whose arrays and room `text` gets; None if there is none."""
    if replaced & set(condition.positions):
        return None
    own = Text(text.alike)
    own.names = text.names  # arrays that are known have the names of both
    try:
        block = simplified(flattened(condition.program))
        _check(block)
        writer = Writer(own, block, {v: Memory("x%d" % i, contiguous(v.shape)) for i, v in enumerate(block.ins)})
        writer.write()
        own.add("return %s;" % writer.read(block.outs[0]))
    except NotInC:
        return None
    if own.given or own.needs_crew or own.helpers:
        return None
    text.statics += own.statics
    # the greater one, unless that may be the other for other lengths
    text.room = text.room + own.room if text.alike else max(text.room, own.room)
    pointers = [
        _pointer("x%d" % i, "const " + stored(v.dtype), "in", constants + position)
        for i, (v, position) in enumerate(zip(block.ins, condition.positions))
    ]
    return "\n".join(pointers + own.arrays + own.lines)


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
