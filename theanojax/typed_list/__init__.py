"""theano.typed_list: lists whose elements all have one type."""

from theanojax.graph.op import Op as Op
from theanojax.graph.variable import Apply as Apply, Constant as Constant, Variable as Variable
from theanojax.tensor.type_other import SliceType as SliceType
from theanojax.typed_list.ops import (
    Append as Append,
    Count as Count,
    Extend as Extend,
    GetItem as GetItem,
    Index as Index,
    Insert as Insert,
    Length as Length,
    MakeList as MakeList,
    Remove as Remove,
    Reverse as Reverse,
    TypedListConstant as TypedListConstant,
    TypedListVariable as TypedListVariable,
    append as append,
    count as count,
    extend as extend,
    getitem as getitem,
    index_ as index_,
    insert as insert,
    length as length,
    make_list as make_list,
    remove as remove,
    reverse as reverse,
)
from theanojax.typed_list.type import TypedListType as TypedListType
