#section support_code

// The lengths along all dimensions of two arrays of the same number of them.
static bool same_shape(PyArrayObject* a, PyArrayObject* b) {
    return PyArray_CompareLists(PyArray_DIMS(a), PyArray_DIMS(b), PyArray_NDIM(a));
}

#section support_code_apply

int APPLY_SPECIFIC(scale)(PyArrayObject* x, PyArrayObject** out) {
    if (PyArray_NDIM(x) != 1) {
        PyErr_SetString(PyExc_ValueError, "scale is for vectors");
        return 1;
    }
    if (!*out || !same_shape(x, *out)) {
        Py_XDECREF(*out);
        *out = (PyArrayObject*)PyArray_EMPTY(1, PyArray_DIMS(x), TYPENUM_OUTPUT_0, 0);
        if (!*out) return 1;
    }
    for (npy_intp i = 0; i < PyArray_DIM(x, 0); i++)
        *(DTYPE_OUTPUT_0*)PyArray_GETPTR1(*out, i) = 3 * *(DTYPE_INPUT_0*)PyArray_GETPTR1(x, i);
    return 0;
}
