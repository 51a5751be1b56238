"""The type of lists."""

from operator import attrgetter

from theanojax.graph.type import SYNC_OBJECT, Type

_EXTRACT = """
%(name)s = NULL;
if (!PyList_Check(py_%(name)s)) {
    PyErr_SetString(PyExc_TypeError, "expected a list");
    %(fail)s
}
%(name)s = (PyListObject*)py_%(name)s;
Py_INCREF(%(name)s);
"""


class TypedListType(Type):
    """Python lists of values of the type `ttype`.

    With a `depth` above 0, lists of lists ... of such lists, nested so many times. TypeError when `ttype` is no type,
    ValueError for a negative depth.
    """

    host_only = True

    def __init__(self, ttype, depth=0):
        if depth < 0:
            raise ValueError("Please specify a depth superior orequal to 0")
        if not isinstance(ttype, Type):
            raise TypeError("Expected a Theano Type")
        self.ttype = ttype if depth == 0 else TypedListType(ttype, depth - 1)

    def filter(self, x, strict=False, allow_downcast=None):
        """`x` with every element as `ttype` stores it; with `strict` only lists are taken, as they are."""
        if strict:
            if not isinstance(x, list):
                raise TypeError("Expected a python list")
            return x
        x = [self.ttype.filter(y) for y in x]
        if not all(self.ttype.is_valid_value(y) for y in x):
            raise TypeError("Expected all elements to be %s" % self.ttype)
        return x

    def __eq__(self, other):
        return type(self) is type(other) and self.ttype == other.ttype

    def __hash__(self):
        return hash((type(self), self.ttype))

    def __str__(self):
        return "TypedList <%s>" % self.ttype

    def get_depth(self):
        """How many times lists are nested: 0 for a list of what is no list."""
        return self.ttype.get_depth() + 1 if isinstance(self.ttype, TypedListType) else 0

    def values_eq(self, a, b):
        return len(a) == len(b) and all(self.ttype.values_eq(x, y) for x, y in zip(a, b, strict=True))

    def may_share_memory(self, a, b):
        """Whether two lists, or a list and an element, may have memory in common."""
        if a is b:
            return True
        a, b = (v if isinstance(v, list) else [v] for v in (a, b))
        return any(self.ttype.may_share_memory(x, y) for x in a for y in b)

    dtype = property(attrgetter("ttype"), doc="The type of the elements; lists have no dtype of their own.")
    ndim = property(lambda self: self.ttype.ndim + 1, doc="One more than the elements have.")

    # in C a PyListObject*
    def c_declare(self, name, sub, check_input=True):
        return "PyListObject* %s;\n" % name

    def c_init(self, name, sub):
        return "%s = NULL;\n" % name

    def c_extract(self, name, sub, check_input=True):
        return _EXTRACT % dict(sub, name=name)

    def c_sync(self, name, sub):
        return SYNC_OBJECT % dict(name=name)

    def c_cleanup(self, name, sub):
        return "Py_XDECREF(%s);\n" % name

    def c_code_cache_version(self):
        return (1,)
