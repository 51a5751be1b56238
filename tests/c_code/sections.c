#section support_code
static int loaded = 0;

#section init_code
loaded = 1;

#section init_code_apply
loaded += 10;

#section support_code_apply
static DTYPE_OUTPUT_0 APPLY_SPECIFIC(sum)(DTYPE_INPUT_0 a, double b) { return (DTYPE_OUTPUT_0)(a + b); }

#section support_code_struct
int APPLY_SPECIFIC(calls);
double APPLY_SPECIFIC(offset);

#section init_code_struct
APPLY_SPECIFIC(calls) = 0;
APPLY_SPECIFIC(offset) = PARAMS->offset;
if (PARAMS->offset < 0) {
    PyErr_SetString(PyExc_ValueError, "offset is negative");
    FAIL;
}

#section code
npy_intp* dims = PyArray_DIMS(INPUT_0);
void* buffer = malloc(8);
if (dims[0] == 0) {
    PyErr_SetString(PyExc_ValueError, "there is nothing");
    FAIL;
}
Py_XDECREF(OUTPUT_0);
OUTPUT_0 = (PyArrayObject*)PyArray_EMPTY(1, dims, TYPENUM_OUTPUT_0, 0);
if (!OUTPUT_0) FAIL;
APPLY_SPECIFIC(calls)++;
for (npy_intp i = 0; i < dims[0]; i++) {
    DTYPE_INPUT_0 x = *(DTYPE_INPUT_0*)((char*)PyArray_DATA(INPUT_0) + i * PyArray_STRIDE(INPUT_0, 0));
    ((DTYPE_OUTPUT_0*)PyArray_DATA(OUTPUT_0))[i] = APPLY_SPECIFIC(sum)(x, APPLY_SPECIFIC(offset) + loaded);
}

#section code_cleanup
free(buffer);

#section cleanup_code_struct
APPLY_SPECIFIC(calls) = -1;
