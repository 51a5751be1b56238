"""Scalar Ops that are written in C, on arrays: their code in a loop over the elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theanojax.graph.c_interface import pieces_of
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.runtime.native.source import optional
from theanojax.scalar.types import get_scalar_type
from theanojax.tensor.type import TensorType

if TYPE_CHECKING:
    from typing import Any

    from theanojax.graph.c_interface import Names, Sub

_LOOP = """
{
    struct loop_holder {
        NpyIter* iter;
        loop_holder() : iter(NULL) {}
        ~loop_holder() { if (iter) NpyIter_Deallocate(iter); }  // however the loop is left
    } loop_guard;
    PyArrayObject* loop_operands[] = {%(operands)s};
    npy_uint32 loop_flags[] = {%(flags)s};
    PyArray_Descr* loop_descrs[] = {%(descrs)s};
    loop_guard.iter = NpyIter_MultiNew(%(n)d, loop_operands, NPY_ITER_EXTERNAL_LOOP | NPY_ITER_ZEROSIZE_OK,
                                       NPY_KEEPORDER, NPY_NO_CASTING, loop_flags, loop_descrs);
    for (int i = 0; i < %(n)d; i++) Py_XDECREF(loop_descrs[i]);
    if (!loop_guard.iter) %(fail)s
    if (NpyIter_GetIterSize(loop_guard.iter)) {
        NpyIter_IterNextFunc* loop_next = NpyIter_GetIterNext(loop_guard.iter, NULL);
        if (!loop_next) %(fail)s
        char** loop_data = NpyIter_GetDataPtrArray(loop_guard.iter);
        npy_intp* loop_strides = NpyIter_GetInnerStrideArray(loop_guard.iter);
        npy_intp* loop_size = NpyIter_GetInnerLoopSizePtr(loop_guard.iter);
        do {
            %(start)s
            for (npy_intp loop_left = *loop_size; loop_left > 0; loop_left--) {
                %(load)s
                {
%(code)s
                }
                %(store)s
            }
        } while (loop_next(loop_guard.iter));
    }
    %(results)s
}
"""


class ScalarLoop(Op):
    """`scalar_op` on arrays of the dtypes that its `node` on scalars has, which broadcast as numpy's do."""

    __props__ = ("scalar_op",)
    _f16_ok = True  # the scalar Op has been asked

    def __init__(self, scalar_op: Any, node: Apply) -> None:
        self.scalar_op, self.scalar_node = scalar_op, node

    def c_code(self, node: Apply, name: str, inputs: Names, outputs: Names, sub: Sub) -> str:
        names, made = [*inputs, *outputs], len(inputs)
        types = [v.type for v in self.scalar_node.inputs + self.scalar_node.outputs]
        n = range(len(names))
        numbers = ["NPY_" + kind.dtype.upper() for kind in types]  # type: ignore[attr-defined]
        c_types = [kind.c_element_type() for kind in types]  # type: ignore[attr-defined]
        out = "NPY_ITER_WRITEONLY | NPY_ITER_ALLOCATE"
        elements = [name + "_i" for name in names]
        step = "loop_data_%d += loop_stride_%d;"
        one = self.scalar_node, name, elements[:made], elements[made:], sub
        code = self.scalar_op.c_code(*one) + "".join(optional(self.scalar_op.c_code_cleanup, *one))
        return _LOOP % dict(
            n=len(names),
            fail=sub["fail"],
            operands=", ".join("NULL" if i >= made else names[i] for i in n),
            flags=", ".join(out if i >= made else "NPY_ITER_READONLY" for i in n),
            descrs=", ".join("PyArray_DescrFromType(%s)" % number for number in numbers),
            start="\n".join(
                "char* loop_data_{0} = loop_data[{0}]; npy_intp loop_stride_{0} = loop_strides[{0}];".format(i)
                for i in n
            ),
            load="\n".join(
                ["typedef %s dtype_%s; %s %s;" % (c_types[i], elements[i], c_types[i], elements[i]) for i in n]
                + ["%s = *(%s*)loop_data_%d; %s" % (elements[i], c_types[i], i, step % (i, i)) for i in n[:made]]
            ),
            code=code,
            store="\n".join(
                "*(%s*)loop_data_%d = %s%s; %s"
                % (c_types[i], i, elements[i], " != 0" if c_types[i] == "npy_bool" else "", step % (i, i))
                for i in n[made:]
            ),
            results="\n".join(
                "Py_XDECREF({0}); {0} = NpyIter_GetOperandArray(loop_guard.iter)[{1}]; Py_INCREF({0});".format(
                    names[i], i
                )
                for i in n[made:]
            ),
        )

    # the rest is the scalar Op's own
    def c_support_code_apply(self, node: Apply, name: str) -> Any:
        return self.scalar_op.c_support_code_apply(self.scalar_node, name)

    def c_init_code_apply(self, node: Apply, name: str) -> Any:
        return self.scalar_op.c_init_code_apply(self.scalar_node, name)

    def c_support_code_struct(self, node: Apply, name: str) -> Any:
        return self.scalar_op.c_support_code_struct(self.scalar_node, name)

    def c_init_code_struct(self, node: Apply, name: str, sub: Sub) -> Any:
        return self.scalar_op.c_init_code_struct(self.scalar_node, name, sub)

    def c_cleanup_code_struct(self, node: Apply, name: str) -> Any:
        return self.scalar_op.c_cleanup_code_struct(self.scalar_node, name)

    def c_code_cache_version_apply(self, node: Apply) -> Any:
        return self.scalar_op.c_code_cache_version_apply(self.scalar_node)

    def __getattr__(self, name: str) -> Any:
        if name in ("c_compiler", "params_type"):
            return getattr(self.scalar_op, name)
        raise AttributeError(name)

    def get_params(self, node: Apply) -> Any:
        return self.scalar_op.get_params(self.scalar_node)


def _delegate(name: str) -> Any:
    return lambda self, *args: pieces_of(self.scalar_op, name, *args)


for _name in (
    "c_headers c_header_dirs c_libraries c_lib_dirs c_compile_args c_no_compile_args c_support_code c_init_code"
).split():
    setattr(ScalarLoop, _name, _delegate(_name))


def loop_node(op: Any, dtypes: tuple[str, ...]) -> Apply:
    """The node of a ScalarLoop of the scalar Op `op` on arrays of these dtypes, of any shapes."""
    scalars = op.make_node(*[get_scalar_type(dtype)() for dtype in dtypes])
    if any(v.type.dtype == "float16" for v in scalars.inputs + scalars.outputs) and not getattr(op, "_f16_ok", False):
        raise NotImplementedError("%s has no C code for float16" % op)
    arrays = [[TensorType(v.type.dtype, ())() for v in group] for group in (scalars.inputs, scalars.outputs)]
    return Apply(ScalarLoop(op, scalars), *arrays)
