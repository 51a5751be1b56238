"""The C of calls that run from the arguments of a function to its results with no step in Python between."""

ENTRY = r"""
// Whether the Python number `given` is one of this type; then `slot` holds it.
template <typename T> bool put_integer(long long value, bool above, void* slot) {
    if (above || (value < 0 && !std::numeric_limits<T>::is_signed)) return false;
    if (sizeof(T) < 8 && (value < (long long)std::numeric_limits<T>::min() ||
                          value > (long long)std::numeric_limits<T>::max())) return false;
    *(T*)slot = (T)value;
    return true;
}
bool put_number(PyObject* given, const Type& type, void* slot) {
    if (type.ndim) return false;
    if (PyFloat_CheckExact(given)) {
        const double value = PyFloat_AS_DOUBLE(given);
        if (type.number == NPY_FLOAT64) *(double*)slot = value;
        else if (type.number == NPY_FLOAT32 && !(std::fabs(value) > std::numeric_limits<float>::max()))
            *(float*)slot = (float)value;
        else return false;
        return true;
    }
    if (!PyLong_CheckExact(given)) return false;
    int beyond = 0;
    const long long value = PyLong_AsLongLongAndOverflow(given, &beyond);
    switch (type.number) {
        case NPY_INT8: return put_integer<int8_t>(value, beyond, slot);
        case NPY_INT16: return put_integer<int16_t>(value, beyond, slot);
        case NPY_INT32: return put_integer<int32_t>(value, beyond, slot);
        case NPY_INT64: return put_integer<int64_t>(value, beyond, slot);
        case NPY_UINT8: return put_integer<uint8_t>(value, beyond, slot);
        case NPY_UINT16: return put_integer<uint16_t>(value, beyond, slot);
        case NPY_UINT32: return put_integer<uint32_t>(value, beyond, slot);
        case NPY_UINT64: return put_integer<uint64_t>(value, beyond, slot);
        default: return false;
    }
}

// What an entry is made with, a tuple.
enum {
    ARGUMENTS,  // how many
    CONSTANT,   // a tuple of the constants
    SOURCES,    // for each other input: the position of an argument, or the cell that has the value
    NUMBERS,    // for each of them: whether a Python number will do
    RETURNED,   // positions of the outputs that are returned
    STORED,     // those of the others
    CELLS,      // where they go
    SINGLE,     // whether the only one returned stands alone
    OWN,        // what makes arrays that are nobody else's, of values that are replaced
    GUARDED,    // whether the last output says if the others are right
    OTHER       // the entry to be asked if this one does not suit
};

PyObject* declined(PyObject* self, PyObject* const* given, Py_ssize_t n) {
    PyObject* other = PyTuple_GET_ITEM(self, OTHER);
    if (other != Py_None) return PyObject_Vectorcall(other, given, n, NULL);
    Py_INCREF(Py_NotImplemented);
    return Py_NotImplemented;
}

// References to objects, for as long as a block lasts.
class Held {
    PyObject** objects;
    int count;
public:
    explicit Held(PyObject** to) : objects(to), count(0) {}
    ~Held() { while (count) Py_DECREF(objects[--count]); }
    void add(PyObject* object) {
        Py_INCREF(object);
        objects[count++] = object;
    }
};

PyObject* value_of(PyObject* source, PyObject* const* given) {
    return PyLong_CheckExact(source) ? given[PyLong_AsSsize_t(source)] : PyList_GET_ITEM(source, 0);
}

// The results of a call; NotImplemented, and nothing has happened, if it is not of the kind that this is made for.
PyObject* enter(PyObject* self, PyObject* const* given, Py_ssize_t n) {
    if (n != PyLong_AsSsize_t(PyTuple_GET_ITEM(self, ARGUMENTS))) return declined(self, given, n);
    PyObject* ins[INS + 1];
    void* in[INS + 1];
    uint64_t slots[INS + 1];
    PyObject* constant = PyTuple_GET_ITEM(self, CONSTANT);
    PyObject* sources = PyTuple_GET_ITEM(self, SOURCES);
    PyObject* numbers = PyTuple_GET_ITEM(self, NUMBERS);
    PREPARE(value_of(PyTuple_GET_ITEM(sources, KNOWN - CONSTANTS), given), return declined(self, given, n);)
    Held held(ins);  // whatever makes an object may run code of the user, who sets the value of a shared variable
    for (int i = 0; i < CONSTANTS; ++i) {
        held.add(PyTuple_GET_ITEM(constant, i));
        in[i] = PyArray_DATA((PyArrayObject*)ins[i]);
    }
    for (int i = CONSTANTS; i < INS; ++i) {
        PyObject* source = PyTuple_GET_ITEM(sources, i - CONSTANTS);
        PyObject* a = value_of(source, given);
        held.add(a);
        if (is_replaced(replaced_in, i)) {
            if (PyArray_Check(a)) return declined(self, given, n);
            if (!is_like(a, in_types[i])) return PyErr_Occurred() ? NULL : declined(self, given, n);
            for (int k = CONSTANTS; k < i; ++k)
                if (ins[k] == a) return declined(self, given, n);
        } else if (is_exactly(a, in_types[i])) {
            in[i] = PyArray_DATA((PyArrayObject*)a);
        } else if (PyTuple_GET_ITEM(numbers, i - CONSTANTS) == Py_True && put_number(a, in_types[i], slots + i)) {
            in[i] = slots + i;
        } else {
            return declined(self, given, n);
        }
    }
    if (CHECKED) {
        char* raw = taken_room();
        if (!raw) return NULL;
        const bool may_run = holds(in, aligned(raw));
        free(idle.exchange(raw));
        if (!may_run) return declined(self, given, n);
    }
    PyObject *returned = PyTuple_GET_ITEM(self, RETURNED), *stored = PyTuple_GET_ITEM(self, STORED);
    PyObject* cells = PyTuple_GET_ITEM(self, CELLS);
    const Py_ssize_t results = PyTuple_GET_SIZE(returned), updates = PyTuple_GET_SIZE(stored);
    PyObject* result = NULL;  // all that can fail comes before values are replaced
    if (PyTuple_GET_ITEM(self, SINGLE) != Py_True && !(result = PyList_New(results))) return NULL;
    PyObject* outs = results_of(ins, in, PyTuple_GET_ITEM(self, OWN));
    if (!outs) {
        Py_XDECREF(result);
        return NULL;
    }
    if (PyTuple_GET_ITEM(self, GUARDED) == Py_True &&
        !*(uint8_t*)PyArray_DATA((PyArrayObject*)PyList_GET_ITEM(outs, OUTS - 1))) {
        Py_DECREF(outs);
        Py_XDECREF(result);
        return declined(self, given, n);
    }
    for (Py_ssize_t k = 0; k < results; ++k) {
        PyObject* a = PyList_GET_ITEM(outs, PyLong_AsSsize_t(PyTuple_GET_ITEM(returned, k)));
        Py_INCREF(a);
        if (result) PyList_SET_ITEM(result, k, a);
        else result = a;
    }
    if (!result) Py_INCREF(result = Py_None);
    PyObject* old[OUTS + 1];  // kept until all is stored: letting go of an array may run code of the user
    for (Py_ssize_t k = 0; k < updates; ++k) {
        PyObject *a = PyList_GET_ITEM(outs, PyLong_AsSsize_t(PyTuple_GET_ITEM(stored, k)));
        PyObject* cell = PyTuple_GET_ITEM(cells, k);
        Py_INCREF(a);
        old[k] = PyList_GET_ITEM(cell, 0);
        PyList_SET_ITEM(cell, 0, a);
    }
    for (Py_ssize_t k = 0; k < updates; ++k) Py_XDECREF(old[k]);
    Py_DECREF(outs);
    return result;
}

PyMethodDef entering = {"entry", (PyCFunction)(void (*)(void))enter, METH_FASTCALL, ""};

PyObject* make_entry(PyObject*, PyObject* made_with) { return PyCFunction_New(&entering, made_with); }
"""
