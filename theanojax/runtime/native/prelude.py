"""What stands above the C code of every Op."""

# before all other headers. numpy's structs as of version 2 have `elsize` where they always had it.
BEFORE = """
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#include <Python.h>
#include <iostream>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <type_traits>
#include <math.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#if __has_include(<numpy/npy_3kcompat.h>)
#include <numpy/npy_3kcompat.h>
#endif
"""

# names that numpy and Python had

_FLAGS = (
    "C_CONTIGUOUS F_CONTIGUOUS OWNDATA FORCECAST ENSURECOPY ENSUREARRAY ELEMENTSTRIDES ALIGNED NOTSWAPPED WRITEABLE "
    "BEHAVED BEHAVED_NS CARRAY CARRAY_RO FARRAY FARRAY_RO DEFAULT IN_ARRAY OUT_ARRAY INOUT_ARRAY IN_FARRAY OUT_FARRAY "
    "INOUT_FARRAY UPDATE_ALL"
).split()

_OTHERS = """
NPY_CONTIGUOUS NPY_ARRAY_C_CONTIGUOUS
NPY_FORTRAN NPY_ARRAY_F_CONTIGUOUS
NPY_INOUT_ARRAY2 NPY_ARRAY_INOUT_ARRAY2
PyInt_Check PyLong_Check
PyInt_CheckExact PyLong_CheckExact
PyInt_AsLong PyLong_AsLong
PyInt_AS_LONG PyLong_AsLong
PyInt_FromLong PyLong_FromLong
PyInt_FromSsize_t PyLong_FromSsize_t
PyInt_Type PyLong_Type
PyNumber_Int PyNumber_Long
PyString_Check PyUnicode_Check
PyString_FromString PyUnicode_FromString
PyString_FromFormat PyUnicode_FromFormat
PyString_AsString (char*)PyUnicode_AsUTF8
PyString_AS_STRING (char*)PyUnicode_AsUTF8
"""

# Complex numbers had fields: Theano's structs, with the operators that it gave them, and numpy's names for the same.
_COMPLEX = """
template <typename R> struct theano_complex {
    typedef R scalar_type;
    typedef theano_complex<R> complex_type;
    R real, imag;
    theano_complex() {}
    template <typename T> theano_complex(const T& re, typename std::enable_if<std::is_arithmetic<T>::value>::type* = 0)
        : real((R)re), imag(0) {}
    template <typename T, typename U> theano_complex(const T& re, const U& im) : real((R)re), imag((R)im) {}
    theano_complex(const theano_complex<npy_float32>& z) : real((R)z.real), imag((R)z.imag) {}
    template <typename S> explicit theano_complex(const theano_complex<S>& z) : real((R)z.real), imag((R)z.imag) {}
    template <typename S> theano_complex& operator=(const theano_complex<S>& z) {
        real = (R)z.real; imag = (R)z.imag; return *this;
    }
    complex_type operator-() const { return complex_type(-real, -imag); }
    friend complex_type operator+(const complex_type& a, const complex_type& b) {
        return complex_type(a.real + b.real, a.imag + b.imag);
    }
    friend complex_type operator-(const complex_type& a, const complex_type& b) {
        return complex_type(a.real - b.real, a.imag - b.imag);
    }
    friend complex_type operator*(const complex_type& a, const complex_type& b) {
        return complex_type(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real);
    }
    friend complex_type operator/(const complex_type& a, const complex_type& b) {
        R norm = b.real * b.real + b.imag * b.imag;
        return complex_type((a.real * b.real + a.imag * b.imag) / norm, (a.imag * b.real - a.real * b.imag) / norm);
    }
    friend bool operator==(const complex_type& a, const complex_type& b) {
        return a.real == b.real && a.imag == b.imag;
    }
    friend bool operator!=(const complex_type& a, const complex_type& b) { return !(a == b); }
    complex_type& operator+=(const complex_type& b) { return *this = *this + b; }
    complex_type& operator-=(const complex_type& b) { return *this = *this - b; }
    complex_type& operator*=(const complex_type& b) { return *this = *this * b; }
    complex_type& operator/=(const complex_type& b) { return *this = *this / b; }
};
typedef theano_complex<npy_float32> theano_complex64;
typedef theano_complex<npy_float64> theano_complex128;
#define npy_complex64 theano_complex64
#define npy_complex128 theano_complex128
"""


def _old_names() -> str:
    pairs = [("NPY_" + flag, "NPY_ARRAY_" + flag) for flag in _FLAGS]
    pairs += [(old, new) for old, _, new in (line.partition(" ") for line in _OTHERS.strip().splitlines())]
    return "".join("#ifndef %s\n#define %s %s\n#endif\n" % (old, old, new) for old, new in pairs)


# after all headers
AFTER = _old_names() + _COMPLEX
