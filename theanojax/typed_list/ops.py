"""Ops on lists, which the host runs."""

import copy
from operator import attrgetter

import numpy as np

from theanojax.config import config
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.tensor.as_tensor import as_tensor_variable, constant
from theanojax.tensor.constructors import lscalar, scalar
from theanojax.tensor.op_methods import InplaceOp
from theanojax.tensor.type_other import SliceType
from theanojax.typed_list.type import TypedListType


def _require(condition, *args):
    if not condition:
        raise AssertionError(*args)


def _is_list(x):
    _require(isinstance(x.type, TypedListType), "a list is needed, not %s" % x.type)


def _is_element(x, elem):
    _is_list(x)
    _require(x.ttype == elem.type, x.ttype, elem.type)


def _of_list(op):
    """A method of symbolic lists: `op`, with the list as the first input."""

    def method(self, *args, **kwargs):
        return op(self, *args, **kwargs)

    method.__doc__ = type(op).__doc__
    return method


class _ListOp(Op):
    __props__ = ()

    def __str__(self):
        return type(self).__name__


class GetItem(_ListOp):
    """``getitem(x, index)``: the element of a list at an int64 index, or the part of it in a slice.

    AssertionError if `x` is no list, or for other integers; IndexError, when run, if there is no such element.
    """

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x, index):
        _is_list(x)
        if not isinstance(index, Variable):
            index = Constant(SliceType(), index) if isinstance(index, slice) else constant(index, ndim=0, dtype="int64")
        part = isinstance(index.type, SliceType)
        if not part:
            if getattr(index, "ndim", None) != 0:
                raise TypeError("Expected scalar or slice as index.")
            _require(index.dtype == "int64", "an index has to be an int64, not %s" % index.dtype)
        return Apply(self, [x, index], [x.type() if part else x.ttype()])

    def perform(self, node, inputs, output_storage, params=None):
        x, index = inputs
        output_storage[0][0] = x[index if isinstance(index, slice) else int(index)]


getitem = GetItem()


class _Changing(InplaceOp):
    """An Op that changes a list, or with `inplace` false a copy of it; elements put in are copied."""

    __props__ = ("inplace",)

    def __init__(self, inplace=False):
        super().__init__(inplace)
        if not inplace:
            self.view_map = {0: [0]}  # the copy holds the same elements

    def _node(self, x, *others):
        return Apply(self, [x, *others], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        out = inputs[0] if self.inplace else list(inputs[0])
        self.change(node, out, *inputs[1:])
        output_storage[0][0] = out


class Append(_Changing):
    """``append(x, toAppend)``: the list with one element more at its end, which must have the list's `ttype`.

    AssertionError otherwise.
    """

    def make_node(self, x, toAppend):
        _is_element(x, toAppend)
        return self._node(x, toAppend)

    def change(self, node, out, element):
        out.append(copy.deepcopy(element))


append = Append()


class Extend(_Changing):
    """``extend(x, toAppend)``: the list with all elements of another at its end, which must be of its type.

    AssertionError otherwise.
    """

    def make_node(self, x, toAppend):
        _is_list(x)
        _require(x.type == toAppend.type, x.type, toAppend.type)
        return self._node(x, toAppend)

    def change(self, node, out, other):
        out.extend([copy.deepcopy(element) for element in other])


extend = Extend()


class Insert(_Changing):
    """``insert(x, index, toInsert)``: the list with one element more, at an int64 index.

    AssertionError for other integers, and unless the element has the list's `ttype`.
    """

    def make_node(self, x, index, toInsert):
        _is_element(x, toInsert)
        if not isinstance(index, Variable):
            index = constant(index, ndim=0, dtype="int64")
        elif index.type != lscalar:
            raise AssertionError("an index has to be an int64 scalar, not %s" % index.type)
        return self._node(x, index, toInsert)

    def change(self, node, out, index, element):
        out.insert(int(index), copy.deepcopy(element))


insert = Insert()


class Remove(_Changing):
    """``remove(x, toRemove)``: the list without the first element equal to the one given, if there is one."""

    def make_node(self, x, toRemove):
        _is_element(x, toRemove)
        return self._node(x, toRemove)

    def change(self, node, out, element):
        same = node.inputs[0].ttype.values_eq
        for i, other in enumerate(out):
            if same(other, element):
                del out[i]
                return


remove = Remove()


class Reverse(_Changing):
    """``reverse(x)``: the list backwards."""

    def make_node(self, x):
        _is_list(x)
        return self._node(x)

    def change(self, node, out):
        out.reverse()


reverse = Reverse()


class _Comparing(_ListOp):
    """An Op that compares all elements with one, ``of(the answers)`` being a number."""

    __props__ = ()

    def make_node(self, x, elem):
        _is_element(x, elem)
        return Apply(self, [x, elem], [scalar()])

    def perform(self, node, inputs, output_storage, params=None):
        x, element = inputs
        same = node.inputs[0].ttype.values_eq
        output_storage[0][0] = np.asarray(self.of(bool(same(other, element)) for other in x), dtype=config.floatX)


class Index(_Comparing):
    """``index_(x, elem)``: the index of the first element equal to the one given, a scalar of floatX.

    ValueError, when run, if there is none; AssertionError unless `elem` has the list's `ttype`.
    """

    __props__ = ()

    def of(self, equal):
        for i, found in enumerate(equal):
            if found:
                return i
        raise ValueError("the element is not in the list")


index_ = Index()


class Count(_Comparing):
    """``count(x, elem)``: how many elements are equal to the one given, a scalar of floatX."""

    __props__ = ()

    def of(self, equal):
        return sum(equal)


count = Count()


class Length(_ListOp):
    """``length(x)``: the number of elements, an int64 scalar."""

    __props__ = ()

    def make_node(self, x):
        _is_list(x)
        return Apply(self, [x], [scalar(dtype="int64")])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = np.asarray(len(inputs[0]), dtype="int64")


length = Length()


class MakeList(Op):
    """``make_list(a)``: a list of the variables or values in `a`, a list or tuple (AssertionError otherwise).

    They must have one type (TypeError); `a` may not be empty (IndexError), because nothing tells a type then.
    """

    __props__ = ()

    def make_node(self, a):
        _require(isinstance(a, tuple | list), "a list or tuple is needed, not %s" % type(a))
        elements = [v if isinstance(v, Variable) else as_tensor_variable(v) for v in a]
        if any(v.type != elements[0].type for v in elements):
            raise TypeError("MakeList need all input variable to be of the same type.")
        return Apply(self, elements, [TypedListType(elements[0].type)()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = [copy.deepcopy(v) for v in inputs]


make_list = MakeList()


class _typed_list_py_operators:
    """Methods of everything that is a symbolic list."""

    __getitem__, __len__ = _of_list(getitem), _of_list(length)
    append, extend, insert = _of_list(append), _of_list(extend), _of_list(insert)
    remove, reverse = _of_list(remove), _of_list(reverse)
    count, ind = _of_list(count), _of_list(index_)  # variables have an attribute ``index`` already

    ttype = property(attrgetter("type.ttype"), doc="The type of the elements.")
    dtype = property(attrgetter("ttype.dtype"))
    ndim = property(attrgetter("type.ndim"))


class TypedListVariable(_typed_list_py_operators, Variable):
    """A symbolic list."""


class TypedListConstant(_typed_list_py_operators, Constant):
    """A list in a graph."""


TypedListType.Variable, TypedListType.Constant = TypedListVariable, TypedListConstant
