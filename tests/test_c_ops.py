"""Ops that are written in C alone."""

import gc
import multiprocessing
import os
import pickle
import re
import sys
import threading

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import function, scalar
from theano.compile.debugmode import BadDestroyMap, BadViewMap, DebugMode
from theano.gof import Apply, CEnumType, COp, EnumList, EnumType, Generic, Op, ParamsType, Type
from theano.gof.type import CDataType

HERE = os.path.dirname(os.path.abspath(__file__))

pytestmark = pytest.mark.skipif(not theano.config.cxx, reason="there is no C++ compiler")

v, m = T.dvector("v"), T.dmatrix("m")

TWICE = """
Py_XDECREF(%(z)s);
%(z)s = (PyArrayObject*)PyArray_NewLikeArray(%(x)s, NPY_KEEPORDER, NULL, 0);
if (!%(z)s || PyArray_CopyInto(%(z)s, %(x)s)) %(fail)s
npy_intp n = PyArray_SIZE(%(z)s);  // errors may jump over it
dtype_%(z)s* data = (dtype_%(z)s*)PyArray_DATA(%(z)s);
for (npy_intp i = 0; i < n; i++) data[i] = data[i] + data[i];
"""


class Unary(Op):
    """One array in, one of the same type out; `code` is the C code, with %(x)s, %(z)s, %(name)s and %(fail)s."""

    __props__ = ("code",)

    def __init__(self, code=TWICE):
        self.code = code

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def c_code(self, node, name, inputs, outputs, sub):
        return self.code % dict(sub, name=name, x=inputs[0], z=outputs[0])

    def c_code_cache_version(self):
        return (1,)


class Differentiable(Unary):
    def infer_shape(self, node, shapes):
        return shapes

    def grad(self, inputs, output_grads):
        return [output_grads[0] * 2]


SAME = "Py_XDECREF(%(z)s); %(z)s = %(x)s; Py_INCREF(%(z)s);"
RAISES = 'PyErr_SetString(PyExc_IndexError, "not so"); %(fail)s'


def ramp(shape, dtype="float64"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


# ---------------------------------------------------------------- arrays
@pytest.mark.parametrize("dtype", ["int8", "uint64", "float32", "float64", "complex64"])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4), (0, 3)])
def test_dtypes_and_shapes(dtype, shape):
    x = T.TensorType(dtype, (False,) * len(shape))()
    value = ramp(shape, dtype)
    result = function([x], Unary()(x))(value)
    assert result.dtype == dtype and result.shape == shape
    np.testing.assert_array_equal(result, value * 2)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2],
        lambda a: a[:, ::-1],
        lambda a: a.T,
        lambda a: a[:, :0],
        lambda a: np.broadcast_to(a[0], (3, 5)),
        np.asfortranarray,
    ],
)
def test_memory_in_any_order(view):
    value = view(ramp((4, 5)))
    np.testing.assert_array_equal(function([m], Unary()(m))(value), value * 2)


def test_between_what_xla_runs():
    f = function([m], Unary()(m.T[::-1]).sum() + Unary()(T.exp(m).sum()) + Unary()(m[0, 0]))
    value = ramp((3, 4)) / 10
    np.testing.assert_allclose(f(value), 2 * (value.sum() + np.exp(value).sum() + value[0, 0]))
    assert re.search(r"why: Unary\{.*\} is written in C", str(f.fn.plan))


def test_the_same_input_twice():
    class Product(Unary):
        def make_node(self, x, y):
            return Apply(self, [x, y], [x.type()])

        def c_code(self, node, name, inputs, outputs, sub):
            code = "Py_XDECREF(%(z)s); %(z)s = (PyArrayObject*)PyNumber_Multiply((PyObject*)%(x)s, (PyObject*)%(y)s);"
            return code % dict(x=inputs[0], y=inputs[1], z=outputs[0])

    op = Product("")
    f = function([v], [op(v, v), op(v, T.constant(np.array([2.0, 3.0])))])
    np.testing.assert_array_equal(f([1.0, 3.0]), [[1.0, 9.0], [2.0, 9.0]])


def test_values_that_are_not_quite_of_the_type():
    """What an Op in Python leaves: numbers in place of arrays without dimensions, long long for long."""

    class Careless(Op):
        __props__ = ("value",)

        def __init__(self, value):
            self.value = value

        def make_node(self):
            return Apply(self, [], [T.as_tensor_variable(self.value[()]).type()])

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = self.value

        def __hash__(self):
            return id(self)

    swapped = np.array([1.0, 2.0]).astype(">f8")
    for value in (np.float64(3.0), np.array([1, 2], np.longlong)):
        np.testing.assert_array_equal(function([], Unary()(Careless(value)()))(), value * 2)
    op = Careless(swapped)
    op.make_node = lambda: Apply(op, [], [v.type()])
    np.testing.assert_array_equal(function([], Unary()(op()))(), [2.0, 4.0])
    op.value = np.float32(1)
    with pytest.raises(TypeError, match=r"expected type_num 12 \(NPY_FLOAT64\) got 11"):
        function([], Unary()(op()))()
    op.value = None
    with pytest.raises(ValueError, match="expected an ndarray, not None"):
        function([], Unary()(op()))()


# ---------------------------------------------------------------- all pieces of code
class Pieces(Op):
    """Every method that gives code, or says how it is compiled."""

    __props__ = ()
    events: list = []

    def make_node(self, x):
        return Apply(self, [x], [scalar.float64(), scalar.int64()])

    def c_headers(self, c_compiler):
        assert c_compiler.version_str()
        return ["<math.h>", "answers.h"]

    def c_header_dirs(self):
        return [os.path.join(HERE, "c_code")]

    def c_libraries(self):
        return ["m"]

    def c_lib_dirs(self):
        return [HERE]

    def c_compile_args(self):
        return ["-DWANTED=1", "-DUNWANTED=1"]

    def c_no_compile_args(self):
        return ["-DUNWANTED=1"]

    def c_support_code(self):
        return ["#ifdef UNWANTED\n#error it is there\n#endif\n", "static int loaded = 0;"]

    def c_support_code_apply(self, node, name):
        return "static double twice_%s(double x) { return 2 * x; }" % name

    def c_init_code(self):
        return ["loaded = WANTED;"]

    def c_init_code_apply(self, node, name):
        return "loaded += (int)twice_%s(5);" % name

    def c_support_code_struct(self, node, name):
        return "long calls_%s; double* kept_%s;" % (name, name)

    def c_init_code_struct(self, node, name, sub):
        return "kept_%s = new double(0.5);" % name

    def c_cleanup_code_struct(self, node, name):
        return "delete kept_%s;" % name

    def c_code(self, node, name, inputs, outputs, sub):
        return """
        double* local = (double*)malloc(sizeof(double));
        if (%(x)s < 0) { PyErr_SetString(PyExc_ValueError, "negative"); %(fail)s }
        *local = half(twice_%(name)s(%(x)s)) + *kept_%(name)s + loaded;
        %(y)s = *local;
        %(z)s = ++calls_%(name)s;
        """ % dict(sub, name=name, x=inputs[0], y=outputs[0], z=outputs[1])

    def c_code_cleanup(self, node, name, inputs, outputs, sub):
        return "free(local);"


def test_every_method_that_gives_code():
    x = scalar.float64()
    f = function([x], Pieces()(x))
    assert f(3.0) == [3.0 + 0.5 + 11, 1]
    assert f(4.0) == [4.0 + 0.5 + 11, 2]
    with pytest.raises(ValueError, match=r"negative\nApply node that caused the error: Pieces\("):
        f(-1.0)
    assert f(1.0) == [1.0 + 0.5 + 11, 3]
    assert function([x], Pieces()(x))(1.0)[1] == 1


class Sections(COp):
    params_type = ParamsType(offset=scalar.float64)
    __props__ = ("offset",)

    def __init__(self, offset):
        self.offset = offset
        super().__init__("c_code/sections.c")

    def make_node(self, x):
        return Apply(self, [x], [T.fvector()])


def test_the_programs_own_names():
    """Whatever C code calls what it defines."""

    class Names(Unary):
        params_type = ParamsType(**dict.fromkeys("object source failed take field value name".split(), scalar.int64))
        object = source = failed = take = field = value = name = 2

        def c_support_code(self):
            functions = "".join(
                "static int %s(int i) { return i; }\n" % name for name in "run make destroy data".split()
            )
            return "struct Node { int a; };\nstatic int methods = 0, module = 0;\n" + functions

        def c_code(self, node, name, inputs, outputs, sub):
            code = (
                SAME
                + "Node node = {run(1) + make(1) + destroy(1) + data(1) + methods + module}; if (node.a != 4) %(fail)s"
            )
            code += "if (%(p)s->object + %(p)s->source + %(p)s->failed + %(p)s->take + %(p)s->value != 10) %(fail)s"
            return code % dict(sub, x=inputs[0], z=outputs[0], p=sub["params"])

    class Loop(scalar.UnaryScalarOp):
        def c_support_code(self):
            names = "loop operands flags descrs next data strides size left".split()
            return "".join("static double %s(double x) { return x; }\n" % name for name in names)

        def c_code(self, node, name, inputs, outputs, sub):
            return "double i = flags(next(data(size(left(%s))))); %s = i;" % (inputs[0], outputs[0])

    assert function([v], T.Elemwise(Loop(scalar.same_out))(Names()(v)))([1.0, 2.0]).tolist() == [1.0, 2.0]


def test_an_op_of_c_files():
    x = T.ivector()
    f = function([x], Sections(0.5)(x))
    np.testing.assert_array_equal(f([1, 2, 3]), np.float32([12.5, 13.5, 14.5]))
    with pytest.raises(ValueError, match="there is nothing"):
        f(np.zeros(0, "int32"))
    with pytest.raises(ValueError, match="offset is negative"):
        function([x], Sections(-1.0)(x))([1])


def test_an_op_of_a_c_function():
    class Scale(COp):
        __props__ = ()

        def __init__(self):
            super().__init__(["c_code/scale.c"], "APPLY_SPECIFIC(scale)")

        def make_node(self, x):
            return Apply(self, [x], [T.TensorType("float64", x.broadcastable)()])

    x = T.ivector()
    np.testing.assert_array_equal(function([x], Scale()(x))([1, 2]), [3.0, 6.0])
    with pytest.raises(ValueError, match=r"scale is for vectors\nApply node"):
        function([m], Scale()(m))(ramp((2, 2)))
    op = Scale()
    op._cop_num_inputs, op._cop_num_outputs = 2, 2
    assert op.format_c_function_args(["a"], ["b"]) == "a, NULL, &b, NULL"
    assert pickle.loads(pickle.dumps(Sections(2.0))).code_sections == Sections(2.0).code_sections


@pytest.mark.parametrize(
    "files, error",
    [
        (["int x;"], "No valid section marker was found in file"),
        (["int x;\n#section code\n"], "Stray code before first #section statement"),
        (["#section nonsense\n"], r"Unknown section type \(in file .*\): nonsense"),
        (["#section code\n", "THEANO_APPLY_CODE_SECTION\n"], "Both the new and the old syntax"),
        ([], "No sections where defined in C files"),
    ],
)
def test_files_that_are_not_as_they_should_be(files, error, tmp_path):
    for i, text in enumerate(files):
        (tmp_path / ("%d.c" % i)).write_text(text)
    with pytest.raises(ValueError, match=error):
        COp([str(tmp_path / ("%d.c" % i)) for i in range(len(files))])


def test_old_names_of_sections(tmp_path):
    path = tmp_path / "old.c"
    path.write_text("// x\nTHEANO_SUPPORT_CODE_SECTION\nint a;\nTHEANO_APPLY_CODE_SECTION\nint APPLY_SPECIFIC(b);\n")
    op = COp(str(path), "f")
    assert op.c_support_code().split() == ["int", "a;"]
    node = Apply(op, [v], [v.type()])
    assert "int APPLY_SPECIFIC(b);" in op.c_support_code_apply(node, "n") and "#define TYPENUM_INPUT_0 12" in (
        op.c_support_code_apply(node, "n")
    )


# ---------------------------------------------------------------- parameters
class Quadratic(Unary):
    """a x + b with parameters of all kinds."""

    params_type = ParamsType(
        a=T.TensorType("float64", ()), b=scalar.float32, c=Generic(), kind=EnumList(("PLUS", "+"), ("MINUS", "-"))
    )
    __props__ = ("a", "b", "c", "kind")

    def __init__(self, a, b, c, kind):
        self.a, self.b, self.c, self.kind = a, b, c, kind

    def c_code(self, node, name, inputs, outputs, sub):
        return """
        Py_XDECREF(%(z)s);
        %(z)s = (PyArrayObject*)PyArray_ZEROS(1, PyArray_DIMS(%(x)s), NPY_FLOAT64, 0);
        if (!%(z)s) %(fail)s
        double a = *(double*)PyArray_DATA(%(p)s->a), b = %(p)s->b, c = PyFloat_AsDouble(%(p)s->c);
        for (npy_intp i = 0; i < PyArray_DIM(%(x)s, 0); i++) {
            double x = *(double*)PyArray_GETPTR1(%(x)s, i), y = a * x + b + c;
            *(double*)PyArray_GETPTR1(%(z)s, i) = %(p)s->kind == MINUS ? -y : y;
        }
        """ % dict(sub, x=inputs[0], z=outputs[0], p=sub["params"])


def test_parameters_as_a_struct():
    ops = [Quadratic(2, 0.5, 100.0, "+"), Quadratic(3, 1, 0.0, "-")]
    results = function([v], [op(v) for op in ops])([1.0, 2.0])
    np.testing.assert_array_equal(results, [[102.5, 104.5], [-4.0, -7.0]])


def test_constants_of_enumerations():
    class Choice(Op):
        __props__ = ("value",)
        params_type = EnumType(FIRST=1.5, SECOND=("two", 2), ctype="float")

        def __init__(self, value):
            self.value = value

        def get_params(self, node):
            return self.params_type.filter(self.value)

        def make_node(self):
            return Apply(self, [], [scalar.float64()])

        def c_code(self, node, name, inputs, outputs, sub):
            return "%s = %s == FIRST ? 1 : %s == SECOND ? 2 : 0;" % (outputs[0], sub["params"], sub["params"])

    assert function([], [Choice(1.5)(), Choice("two")()])() == [1.0, 2.0]


@pytest.mark.parametrize("debug", [False, True])
def test_constants_of_a_header(debug):
    class Constant(Op):
        __props__ = ("value",)
        params_type = CEnumType(("SMALL", "small"), ("LARGE", "large"), ctype="long", cname="size")

        def __init__(self, value):
            self.value = self.params_type.fromalias(value)

        def get_params(self, node):
            return self.value

        def make_node(self):
            return Apply(self, [], [scalar.int64()])

        def c_headers(self):
            return ["answers.h"]

        def c_header_dirs(self):
            return [os.path.join(HERE, "c_code")]

        def c_code(self, node, name, inputs, outputs, sub):
            code = """
            #ifdef DEBUG
                char text[10];
                if (theano_enum_to_string_size(%(p)s, text)) %(fail)s
                if (strcmp(text, "LARGE") && strcmp(text, "SMALL")) { %(fail)s }
            #endif
            %(z)s = %(p)s;
            """
            return code % dict(sub, p=sub["params"], z=outputs[0])

    with theano.change_flags(**{"cmodule.debug": debug}):
        assert function([], [Constant("small")(), Constant("large")()])() == [10**6, 10**9]


# ---------------------------------------------------------------- types
class Double(Type):
    """As Theano's documentation writes it."""

    def filter(self, x, strict=False, allow_downcast=None):
        return x if strict else float(x)

    def c_declare(self, name, sub):
        return "double %s;" % name

    def c_init(self, name, sub):
        return "%s = 0;" % name

    def c_extract(self, name, sub):
        code = 'if (!PyFloat_Check(py_%(name)s)) { PyErr_SetString(PyExc_TypeError, "expected a float"); %(fail)s }'
        return (code + "%(name)s = PyFloat_AsDouble(py_%(name)s);") % dict(sub, name=name)

    def c_sync(self, name, sub):
        return "Py_XDECREF(py_%(name)s); py_%(name)s = PyFloat_FromDouble(%(name)s);" % dict(name=name)

    def c_cleanup(self, name, sub):
        return ""

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))


class Minus(Op):
    __props__ = ()

    def make_node(self, *inputs):
        return Apply(self, inputs, [inputs[0].type()])

    def c_code(self, node, name, inputs, outputs, sub):
        return "%s = %s - %s;" % (outputs[0], *inputs)


def test_types_of_the_user():
    x, y = Double()("x"), Double()("y")
    f = function([x, y], Minus()(Minus()(x, y), theano.gof.Constant(Double(), 0.5)))
    assert f(3.0, 1.0) == 1.5 and type(f(3, 1)) is float
    with pytest.raises(TypeError, match="expected a float"):
        Minus()(x, y).owner.perform(["no", 1.0], [[None]])


@pytest.mark.parametrize("dtype", ["int8", "uint32", "int64", "float32", "complex128"])
def test_numbers(dtype):
    x, y = (scalar.get_scalar_type(dtype)() for _ in range(2))
    kind = np.dtype(dtype).type
    result = function([x, y], Minus()(x, y))(kind(7), kind(3))
    assert type(result) is kind and result == 4


def test_objects_lists_and_numbers_together():
    class Get(Op):
        __props__ = ()

        def make_node(self, objects, i):
            return Apply(self, [objects, i], [Generic()(), scalar.bool()])

        def c_code(self, node, name, inputs, outputs, sub):
            return """
            %(z)s = PyObject_GetItem((PyObject*)%(x)s, py_%(i)s);
            if (!%(z)s) %(fail)s
            %(b)s = %(i)s > 1;
            """ % dict(sub, x=inputs[0], i=inputs[1], z=outputs[0], b=outputs[1])

    i = scalar.int64()
    objects, lists = Generic()(), theano.typed_list.TypedListType(T.dvector)()
    f = function([objects, i], Get()(objects, i))
    assert f("abc", 2) == ["c", np.True_] and f([1, None], 1)[0] is None
    with pytest.raises(IndexError):
        f("abc", 3)
    assert function([lists, i], Get()(lists, i)[0])([np.ones(2)], 0).tolist() == [1.0, 1.0]


class Wrap(Op):
    """An array as a pointer, and back."""

    __props__ = ("back",)
    pointer = CDataType("void *", "release", extra_support_code="static void release(void*);")

    def __init__(self, back):
        self.back = back

    def make_node(self, x):
        return Apply(self, [x], [v.type() if self.back else self.pointer()])

    def c_support_code(self):
        return "static void release(void *object) { Py_XDECREF((PyObject*)object); }"

    def c_code(self, node, name, inputs, outputs, sub):
        cast = "PyArrayObject*" if self.back else "void*"
        return "{0} = ({1}){2}; Py_INCREF((PyObject*){2});".format(outputs[0], cast, inputs[0])


def test_pointers():
    value = np.arange(3.0)
    for mode in ("FAST_RUN", "DebugMode"):
        f = function([v], Wrap(True)(Wrap(False)(v)), mode=mode)
        for _ in range(3):
            np.testing.assert_array_equal(f(value), value)
    kind = CDataType("char*")
    assert "capsule object" in repr(kind.make_value(id(value)))
    assert kind.make_value(0) is None and kind.filter(None) is None
    with pytest.raises(TypeError, match="expected None or a PyCapsule"):
        kind.filter(3)


# ---------------------------------------------------------------- scalar Ops
class Cube(scalar.UnaryScalarOp):
    def c_support_code_apply(self, node, name):
        kind = node.inputs[0].type.dtype_specs()[1]
        return "static %s cube_%s(%s x) { return x * x * x; }" % (kind, name, kind)

    def c_code(self, node, name, inputs, outputs, sub):
        return "%s = cube_%s(%s);" % (outputs[0], name, inputs[0])

    def grad(self, inputs, output_grads):
        return [3 * inputs[0] * inputs[0] * output_grads[0]]


cube = Cube(scalar.same_out, name="cube")
cubes = T.Elemwise(cube)


@pytest.mark.parametrize("dtype", ["int8", "float32", "float64", "complex128"])
def test_a_scalar_op_on_arrays(dtype):
    x = T.TensorType(dtype, (False, False))()
    f = function([x], cubes(x))
    for value in (ramp((2, 3), dtype), ramp((2, 3), dtype).T, ramp((0, 3), dtype)):
        result = f(value)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, value**3)


def test_a_scalar_op_in_other_ops():
    x, number = scalar.float64(), T.dscalar()
    assert function([number], [cubes(number), T.grad(cubes(number), number)])(2.0) == [8.0, 12.0]
    assert function([x], cube(x) + 1)(2.0) == 9.0
    composite = T.Elemwise(scalar.Composite([x], [cube(x) + x]))
    np.testing.assert_array_equal(function([v], composite(v))([1.0, 2.0]), [2.0, 10.0])
    np.testing.assert_array_equal(function([v], cubes(cubes(v) + 1) * 2)([1.0, 2.0]), [16.0, 1458.0])
    assert cube.impl(2.0) == 8.0


def test_broadcasting_and_several_outputs():
    class Choose(scalar.ScalarOp):
        nin, nout = 3, 2

        def c_code(self, node, name, inputs, outputs, sub):
            code = """
            if (%(c)s < 0) { PyErr_SetString(PyExc_ValueError, "negative"); %(fail)s }
            %(p)s = %(c)s > 0.5 ? %(a)s : %(b)s;
            %(q)s = %(a)s < %(b)s ? 7 : 0;
            """
            return code % dict(sub, **dict(zip("abcpq", [*inputs, *outputs])))

    row, col = T.drow(), T.dcol()
    f = function([m, row, col], T.Elemwise(Choose(lambda a, b, c: [a, scalar.bool]))(m, row, col))
    a = ramp((3, 4))
    b, c = a[:1] * 3, np.array([[0.0], [1.0], [0.6]])
    p, q = f(a, b, c)
    np.testing.assert_array_equal(p, np.where(c > 0.5, a, b))
    np.testing.assert_array_equal(q, a < b)
    assert q.view("uint8").max() == 1  # as numpy's booleans are
    with pytest.raises(ValueError, match=r"negative\nApply node that caused the error: Elemwise\{Choose\}"):
        f(a, b, c - 1)


def test_scalar_ops_that_call_themselves_equal():
    class Times(scalar.UnaryScalarOp):
        def __init__(self, n):
            self.n = n
            super().__init__(scalar.same_out)

        def c_code(self, node, name, inputs, outputs, sub):
            return "%s = %d * %s;" % (outputs[0], self.n, inputs[0])

    two, three = Times(2), Times(3)
    assert two == three
    assert [function([v], T.Elemwise(op)(v))([1.0]).tolist() for op in (two, three)] == [[2.0], [3.0]]


def test_a_reduction_by_a_scalar_op():
    class Larger(scalar.BinaryScalarOp):
        identity = -1

        def c_code(self, node, name, inputs, outputs, sub):
            return "%s = %s > %s ? %s : %s;" % (outputs[0], *inputs, *inputs)

    larger = Larger(scalar.upcast_out)
    f = function([m], [T.CAReduce(larger, axis)(m) for axis in (None, 0, 1)] + [T.CAReduce(larger, 1)(m[:, :0])])
    value = np.array([[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]])
    for result, expected in zip(f(value), (5.0, [4.0, 5.0, 3.0], [5.0, 4.0], [-1.0, -1.0])):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("how", ["perform", "impl"])
def test_python_that_is_not_implemented(how):
    if how == "perform":

        class Both(Unary):
            def perform(self, node, inputs, output_storage):
                raise NotImplementedError("it is in C")

        op = Both()
    else:

        class Both(Cube):
            def impl(self, x):
                raise NotImplementedError("it is in C")

        op = T.Elemwise(Both(scalar.same_out))
    f = function([v], op(v))
    np.testing.assert_array_equal(f([2.0]), [4.0 if how == "perform" else 8.0])
    with theano.change_flags(cxx=""), pytest.raises(NotImplementedError, match="it is in C"):
        function([v], op(v))([2.0])


# ---------------------------------------------------------------- errors
def test_errors_name_the_node_and_leave_shared_variables():
    shared = theano.shared(np.zeros(2))
    f = function([v], Unary(RAISES)(v), updates=[(shared, shared + v)])
    for _ in range(2):
        with pytest.raises(IndexError, match=r"not so\nApply node that caused the error: Unary\{") as info:
            f([1.0, 2.0])
        assert "test_c_ops.py" in str(info.value)
    np.testing.assert_array_equal(shared.get_value(), [0.0, 0.0])
    g = function([], [], updates=[(shared, Unary()(shared) + 1)])
    g()
    g()
    np.testing.assert_array_equal(shared.get_value(), [3.0, 3.0])


@pytest.mark.parametrize(
    "code, error, text",
    [
        ("%(fail)s", RuntimeError, r"Unexpected error in an Op's C code. No Python exception was set\."),
        (SAME + 'PyErr_SetString(PyExc_OSError, "forgotten");', OSError, "forgotten"),
        ("throw std::runtime_error(\"thrown\");", RuntimeError, "thrown"),
    ],
)  # fmt: skip
def test_unusual_ends(code, error, text):
    f = function([v], Unary(code)(v))
    with pytest.raises(error, match=text):
        f([1.0])


def test_code_without_exceptions():
    """As starry compiles its own."""

    class Plain(Unary):
        def c_compile_args(self):
            return ["-std=c++11", "-fno-exceptions", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]

    np.testing.assert_array_equal(function([v], Plain()(v))([1.0, 2.0]), [2.0, 4.0])
    with pytest.raises(RuntimeError, match="No Python exception was set"):
        function([v], Plain("%(fail)s")(v))([1.0])


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: Unary()(T.TensorType("float16", (False,))()), "Unary.* has no C code for float16"),
        (lambda: cubes(T.TensorType("float16", (False,))()), "cube has no C code for float16"),
        (lambda: Minus()(*[T.raw_random.RandomStateType()() for _ in "ab"]), "cannot produce C code: there is no "),
    ],
)
def test_no_c_code_for_these_types(make, text):
    out = make()
    with pytest.raises(NotImplementedError, match=text):
        function(theano.gof.graph.inputs([out]), out)


# ---------------------------------------------------------------- in functions
def test_gradients_shapes_loops_and_folding():
    op = Differentiable()
    f = function([v], [op(v).shape, T.grad(op(v).sum(), v)])
    assert [r.tolist() for r in f([1.0, 2.0])] == [[2], [2.0, 2.0]]
    assert not any(isinstance(node.op, Unary) for node in f.maker.fgraph.apply_nodes)
    steps, _ = theano.scan(lambda p: op(p) + 1, outputs_info=v, n_steps=3)
    np.testing.assert_array_equal(function([v], steps)([1.0]), [[3.0], [7.0], [15.0]])
    steps, _ = theano.scan(lambda p: cubes(p) + 1, outputs_info=v, n_steps=2)
    np.testing.assert_array_equal(function([v], steps)([1.0]), [[2.0], [9.0]])
    inner = theano.OpFromGraph([v], [op(v) + 1])
    np.testing.assert_array_equal(function([v], inner(v * 2))([1.0]), [5.0])
    folded = function([], op(T.constant(np.ones(2))))
    assert not any(isinstance(node.op, Unary) for node in folded.maker.executed_fgraph.apply_nodes)
    with theano.change_flags(compute_test_value="raise"):
        x = T.dvector()
        x.tag.test_value = np.ones(2)
        assert op(x).tag.test_value.tolist() == [2.0, 2.0] and cubes(x * 2).tag.test_value.tolist() == [8.0, 8.0]


@pytest.mark.parametrize("mode", ["FAST_COMPILE", "DebugMode", "NanGuardMode", theano.Mode("py", None)])
def test_modes(mode):
    np.testing.assert_array_equal(function([v], Unary()(v), mode=mode)([1.0, 2.0]), [2.0, 4.0])


class InPlace(Unary):
    destroy_map = {0: [0]}


PLUS_ONE = SAME + "for (npy_intp i = 0; i < PyArray_DIM(%(z)s, 0); i++) *(double*)PyArray_GETPTR1(%(z)s, i) += 1;"


def test_overwritten_inputs():
    value = np.ones(2)
    f = function([v], [InPlace(PLUS_ONE)(v * 2), v * 2], accept_inplace=True)
    assert [r.tolist() for r in f(value)] == [[3.0, 3.0], [2.0, 2.0]] and value.tolist() == [1.0, 1.0]
    f = function([theano.In(v, mutable=True)], InPlace(PLUS_ONE)(v), accept_inplace=True)
    assert f(value).tolist() == [2.0, 2.0] and value.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("code, error", [(SAME, BadViewMap), (PLUS_ONE, BadDestroyMap)])
def test_debugmode_finds_what_is_not_declared(code, error):
    for mode in ("DebugMode", DebugMode(check_py_code=False)):
        with pytest.raises(error):
            function([v], Unary(code)(v), mode=mode)([1.0, 2.0])


def test_debugmode_gives_outputs_that_are_there():
    fresh = """
    if (!%(z)s || PyArray_DIM(%(z)s, 0) != PyArray_DIM(%(x)s, 0)) {
        Py_XDECREF(%(z)s);
        %(z)s = (PyArrayObject*)PyArray_EMPTY(1, PyArray_DIMS(%(x)s), NPY_FLOAT64, 0);
        if (!%(z)s) %(fail)s
    }
    for (npy_intp i = 0; i < PyArray_DIM(%(x)s, 0); i++) ((double*)PyArray_DATA(%(z)s))[%(i)s] = 1;
    """
    kinds = ["previous", "strided", "wrong_size"]
    good = Unary(fresh.replace("%(i)s", "i * PyArray_STRIDE(%(z)s, 0) / 8"))
    f = function([v], good(v), mode=DebugMode(check_preallocated_output=kinds))
    assert f([3.0, 4.0]).tolist() == [1.0, 1.0]
    bad = Unary(fresh.replace("%(i)s", "i"))
    with pytest.raises(theano.compile.debugmode.BadThunkOutput):
        function([v], bad(v), mode=DebugMode(check_preallocated_output=kinds))([3.0, 4.0])


def test_debugmode_compares_c_code_with_python():
    class Both(Unary):
        __props__ = ("factor",)
        code = TWICE

        def __init__(self, factor):
            self.factor = factor

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = inputs[0] * self.factor

    mode = DebugMode(check_c_code=True)
    assert function([v], Both(2)(v), mode=mode)([1.0]).tolist() == [2.0]
    with pytest.raises(theano.compile.debugmode.BadThunkOutput, match="c_code"):
        function([v], Both(3)(v), mode=mode)([1.0])
    assert function([v], Both(3)(v), mode="DebugMode")([1.0]).tolist() == [3.0]


def test_a_thunk_of_c_code_on_request():
    class Both(Unary):
        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = inputs[0] * 0

    out = Both()(v)
    storage, computed = {v: [np.ones(2)], out: [None]}, {v: [True], out: [False]}
    for impl, expected in (("c", 2.0), ("py", 0.0), (None, 0.0)):
        out.owner.op.make_thunk(out.owner, storage, computed, [], impl=impl)()
        assert storage[out][0].tolist() == [expected] * 2 and computed[out] == [True]


def test_names_that_numpy_and_python_had():
    x = T.TensorType("complex64", (False,))()
    code = """
    PyObject* number = PyInt_FromLong(3);
    PyObject* text = PyString_FromString("three");
    PyObject* capsule = NpyCapsule_FromVoidPtr(text, NULL);
    char* letters = PyString_AsString(text);
    if (!PyInt_Check(number) || !NpyCapsule_Check(capsule) || letters[0] != 't') %(fail)s
    Py_DECREF(number); Py_DECREF(capsule); Py_DECREF(text);
    if (PyArray_DESCR(%(x)s)->elsize != 8 || !PyArray_CHKFLAGS(%(x)s, NPY_C_CONTIGUOUS | NPY_ALIGNED)) %(fail)s
    Py_XDECREF(%(z)s);
    %(z)s = (PyArrayObject*)PyArray_FromArray(%(x)s, NULL, NPY_ENSURECOPY);
    register int i = 0;
    npy_complex64* z = (npy_complex64*)PyArray_DATA(%(z)s);
    z[i].real = z[i].imag;
    z[i] = z[i] * 2 + 1 - theano_complex64(0, 1) / 2;
    if (z[i] == theano_complex128(z[i])) z[i] += 1;
    """
    assert function([x], Unary(code)(x))([3 + 5j]).tolist() == [12 + 9.5j]


# ---------------------------------------------------------------- processes, threads, memory
def test_pickling():
    f = pickle.loads(pickle.dumps(function([v], Unary()(v) + cubes(v))))
    assert f([1.0, 2.0]).tolist() == [3.0, 12.0]


ALONE = """
if (busy_%(name)s) { PyErr_SetString(PyExc_AssertionError, "two calls at once"); %(fail)s }
busy_%(name)s = 1;
Py_BEGIN_ALLOW_THREADS
volatile double sum = 0;
for (int i = 0; i < 300000; i++) sum += i;
Py_END_ALLOW_THREADS
busy_%(name)s = 0;
"""


def test_threads_have_each_their_own_struct():
    class Busy(Unary):
        def c_support_code_struct(self, node, name):
            return "int busy_%s;" % name

    f, results = function([v], Busy(ALONE + SAME)(v)), []

    def call(i):
        for k in range(20):
            results.append(f([i, k]).tolist() == [i, k])

    threads = [threading.Thread(target=call, args=(float(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the size of a process is asked of Linux")
def test_calls_leave_nothing_behind():
    functions = [
        (function([m], [Unary()(m), cubes(m)]), ramp((100, 10))),
        (function([v], Quadratic(2, 0.5, 1.0, "+")(v)), np.ones(1000)),
        (function([v], Wrap(True)(Wrap(False)(v))), np.ones(1000)),
    ]
    fails = function([v], Unary(RAISES)(v))

    def use(times):
        for f, value in functions:
            for _ in range(times):
                f(value)
        for _ in range(times // 10):
            with pytest.raises(IndexError):
                fails([1.0])

    use(300)
    gc.collect()
    before, nones = resident(), sys.getrefcount(None)
    use(3000)
    gc.collect()
    assert resident() - before < 8e6  # 3,000 arrays that are left would be 24 MB
    if sys.version_info < (3, 12):  # since then nobody counts
        assert abs(sys.getrefcount(None) - nones) < 1000


def test_a_dropped_function_is_freed():
    class Counted(Unary):
        def c_support_code(self):
            return "static int alive = 0;"

        def c_init_code_struct(self, node, name, sub):
            return "alive++;"

        def c_cleanup_code_struct(self, node, name):
            return "alive--;"

    op = Counted("%(z)s = (PyArrayObject*)PyArray_ZEROS(1, PyArray_DIMS(%(x)s), NPY_FLOAT64, 0); "
                 "*(double*)PyArray_DATA(%(z)s) = alive;")  # fmt: skip
    for _ in range(3):
        f = function([v], op(v))
        assert f([0.0]).tolist() == [1.0]
        del f
        gc.collect()


def in_child(f, value, queue):
    queue.put(f(value).tolist())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_processes():
    f = function([v], Unary()(v) + 1)
    f([1.0])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=in_child, args=(f, np.ones(2), queue))
    child.start()
    assert queue.get(timeout=60) == [3.0, 3.0]
    child.join()
