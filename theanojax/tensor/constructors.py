"""Short names for tensor types (``dmatrix``) and functions that make free variables (``matrix("x")``)."""

from functools import partial

from theanojax.config import config
from theanojax.tensor.type import TensorType

# Every prefix of a type name, and the dtype that it stands for.
PREFIXES = {
    "c": "complex64",
    "z": "complex128",
    "f": "float32",
    "d": "float64",
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
}
PATTERNS = {
    "scalar": (),
    "vector": (False,),
    "matrix": (False, False),
    "row": (True, False),
    "col": (False, True),
    "tensor3": (False,) * 3,
    "tensor4": (False,) * 4,
    "tensor5": (False,) * 5,
    "tensor6": (False,) * 6,
    "tensor7": (False,) * 7,
}
PLURALS = {name: name[:-2] + "ices" if name.endswith("ix") else name + "s" for name in PATTERNS}


def tensor(*args, **kwargs):
    """A free variable of ``TensorType(*args, **kwargs)``; the keyword `name` names the variable.

    ``tensor("float32", (True, False))`` is a row of float32. TypeError for an unsupported dtype.
    """
    name = kwargs.pop("name", None)
    return TensorType(*args, **kwargs)(name=name)


def _several(make, *names):
    """One variable per name, or as many unnamed ones as an integer says; a single one is not put in a list."""
    if names and isinstance(names[0], int):
        return [make() for _ in range(names[0])]
    if len(names) == 1:
        names = names[0]
    if len(names) == 1:
        return make(names)
    return [make(name) for name in names]


def _floatx_constructor(kind):
    def construct(name=None, dtype=None):
        return TensorType(config.floatX if dtype is None else dtype, PATTERNS[kind])(name)

    construct.__name__ = construct.__qualname__ = kind
    construct.__doc__ = (
        "A free %s variable, with broadcast pattern %s and that `name`.\n\n"
        "`dtype` None means ``config.floatX``; TypeError for an unsupported one."
    ) % (kind, PATTERNS[kind])
    return construct


def _plural(kind, make, dtype):
    several = partial(_several, make)
    several.__doc__ = (
        "A list of free %s variables of %s, with broadcast pattern %s, one for each of `names`.\n\n"
        "A single string stands for its letters (one letter gives the variable itself), an int for so many variables\n"
        "without a name."
    ) % (kind, dtype, PATTERNS[kind])
    return several


def constructor(f):
    """The function `f` itself; Theano listed the functions that were so decorated in its documentation."""
    return f


def _define():
    """dmatrix, matrix, dmatrices, matrices ... and the tuples int_matrix_types ..."""
    names = {}
    for kind, pattern in PATTERNS.items():
        names[kind] = _floatx_constructor(kind)
        names[PLURALS[kind]] = _plural(kind, names[kind], "``config.floatX``")
        for prefix, dtype in PREFIXES.items():
            names[prefix + kind] = TensorType(dtype, pattern)
            if prefix in "ifdl":
                names[prefix + PLURALS[kind]] = _plural(kind, names[prefix + kind], dtype)
        if kind in ("scalar", "vector", "matrix"):
            for family, prefixes in (("int", "bwil"), ("float", "fd"), ("complex", "cz")):
                names["%s_%s_types" % (family, kind)] = tuple(names[p + kind] for p in prefixes)
    return names


_names = _define()
globals().update(_names)
int_types, float_types, complex_types = (_names[f + "_scalar_types"] for f in ("int", "float", "complex"))

__all__ = ["tensor", "constructor", "int_types", "float_types", "complex_types"]
__all__ += list(_names)
