"""Mistakes that users make: the class of the exception and its words are Theano 1.0.5's.

Where Theano's Python and C code word an error differently, the words here are those of C, which is what most saw.
"""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.function_module import UnusedInputError
from theano.compile.ops import as_op
from theano.gof.fg import MissingInputError
from theano.gradient import DisconnectedInputError
from theano.ifelse import ifelse
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.scalar.basic import ComplexError
from theano.tensor.shared_randomstreams import RandomStreams
from theano.tensor.signal.pool import pool_2d

F, S = theano.function, theano.scan
x, y = T.dvectors("x", "y")
m, w = T.dmatrices("m", "w")
s0, i, n = T.dscalar("s0"), T.lscalar("i"), T.iscalar("n")
f32, iv, lv, bv = T.fvector("f32"), T.ivector("iv"), T.lvector("lv"), T.bvector("bv")
t4, k4 = T.dtensor4s("t4", "k4")
X, M = np.arange(1.0, 5.0), np.arange(6.0).reshape(2, 3)


def sh(value=1.0):
    return theano.shared(value, name="sh")


def call(inputs, *args):
    """Applied to what scan returned: the value of its output for `args`."""
    return lambda result: F(inputs, result[0])(*args)


# name, what is wrong, and the exception with a part of its words
CALLS = [
    ("string", lambda: F([x], x * 2)("abc"), ValueError, "could not convert string to float: 'abc'"),
    ("dict", lambda: F([x], x * 2)({}), TypeError, "float() argument must be a string or a"),
    ("object", lambda: F([x], x * 2)(object()), TypeError, "float() argument must be a string or a"),
    ("symbolic", lambda: F([x], x * 2)(y), TypeError, "Expected an array-like object, but found a Variable: maybe"),
    (
        "shared",
        lambda: F([x], x * 2)(theano.shared(X)),
        TypeError,
        "Expected an array-like object, but found a Variable: maybe",
    ),
    ("ragged", lambda: F([m], m * 2)([[1.0, 2.0], [3.0]]), ValueError, "setting an array element with a sequence."),
    (
        "scalar_for_vector",
        lambda: F([x], x * 2)(1.0),
        TypeError,
        "Wrong number of dimensions: expected 1, got 0 with shape ().",
    ),
    (
        "matrix_for_vector",
        lambda: F([x], x * 2)(M),
        TypeError,
        "Wrong number of dimensions: expected 1, got 2 with shape (2,",
    ),
    (
        "vector_for_matrix",
        lambda: F([m], m * 2)(X),
        TypeError,
        "Wrong number of dimensions: expected 2, got 1 with shape (4,).",
    ),
    (
        "array_for_scalar",
        lambda: F([s0], s0 * 2)(np.array([1.0])),
        TypeError,
        "Wrong number of dimensions: expected 0, got 1 with shape (1,).",
    ),
    (
        "f64_for_f32",
        lambda: F([f32], f32 * 2)(X),
        TypeError,
        "TensorType(float32, vector) cannot store a value of dtype",
    ),
    (
        "f64_lossy_list_for_f32",
        lambda: F([f32], f32 * 2)([0.1, 0.2]),
        TypeError,
        "TensorType(float32, vector) cannot store accurately value",
    ),
    (
        "pyfloat_for_f32_scalar",
        lambda: F([T.fscalar("a")], [], on_unused_input="ignore")(0.1),
        TypeError,
        "TensorType(float32, scalar) cannot store accurately value",
    ),
    (
        "float_for_int_scalar",
        lambda: F([n], n * 2)(1.5),
        TypeError,
        "TensorType(int32, scalar) cannot store accurately value 1.5,",
    ),
    (
        "float_for_int",
        lambda: F([iv], iv * 2)(np.array([1.5])),
        TypeError,
        "TensorType(int32, vector) cannot store a value of dtype",
    ),
    (
        "int64_too_large_for_int8",
        lambda: F([bv], bv * 2)([300, 1]),
        TypeError,
        "TensorType(int8, vector) cannot store accurately value [300,",
    ),
    (
        "pyint_too_large_int32",
        lambda: F([n], n * 2)(2**40),
        TypeError,
        "TensorType(int32, scalar) cannot store accurately value",
    ),
    ("pyint_too_large_int64", lambda: F([i], i * 2)(2**70), OverflowError, "Python int too large to convert to C long"),
    (
        "complex_for_float",
        lambda: F([x], x * 2)(np.array([1j])),
        TypeError,
        "TensorType(float64, vector) cannot store a value of dtype",
    ),
    (
        "strict_int",
        lambda: F([theano.In(x, strict=True)], x * 2)(np.arange(3)),
        TypeError,
        "TensorType(float64, vector) expected a ndarray object with",
    ),
    (
        "strict_list",
        lambda: F([theano.In(x, strict=True)], x * 2)([1.0, 2.0]),
        TypeError,
        "TensorType(float64, vector) expected a ndarray object.",
    ),
    (
        "strict_ndim",
        lambda: F([theano.In(x, strict=True)], x * 2)(M),
        TypeError,
        "Wrong number of dimensions: expected 1, got 2 with shape (2,",
    ),
    (
        "row_not_1",
        lambda: F([T.drow("r")], [], on_unused_input="ignore")(np.ones((2, 3))),
        TypeError,
        "Non-unit value on shape on a broadcastable dimension.",
    ),
    ("too_many", lambda: F([x], x * 2)(X, X), TypeError, "Too many parameter passed to theano function"),
    ("too_few", lambda: F([x, y], x * y)(X), TypeError, "Missing required input: y"),
    (
        "too_few_unnamed",
        lambda: (lambda a, b: F([a, b], a * b)(X))(T.dvector(), T.dvector()),
        TypeError,
        "Missing required input: <TensorType(float64, vector)>",
    ),
    ("unknown_kw", lambda: F([x], x * 2)(X, z=3), TypeError, "Too many parameter passed to theano function"),
    ("twice_kw", lambda: F([x], x * 2)(X, x=X), TypeError, "Too many parameter passed to theano function"),
    (
        "unknown_kw_only",
        lambda: F([x], x * 2)(zz=X),
        TypeError,
        "Unknown input or state: zz. The function has 1 named input",
    ),
    (
        "ambiguous_kw",
        lambda: (lambda a, b: F([a, b], a * b)(a=X))(T.dvector("a"), T.dvector("a")),
        TypeError,
        "Ambiguous name: a - please check the names of the inputs of",
    ),
    (
        "wrong_second_arg",
        lambda: F([x, m], [x * 2, m])(X, X),
        TypeError,
        "Wrong number of dimensions: expected 2, got 1 with shape (4,).",
    ),
    (
        "named_function",
        lambda: F([x], x * 2, name="myf")(M),
        TypeError,
        "Wrong number of dimensions: expected 1, got 2 with shape (2,",
    ),
]

FUNCTIONS = [
    (
        "missing_input",
        lambda: F([x], x + y),
        MissingInputError,
        "Input 1 of the graph (indices start from 0), used to compute",
    ),
    (
        "unused_input",
        lambda: F([x, y], x * 2),
        UnusedInputError,
        "theano.function was asked to create a function computing",
    ),
    (
        "unused_bad",
        lambda: F([x, y], x * 2, on_unused_input="nope"),
        ValueError,
        "Invalid value for keyword on_unused_input of theano.function:",
    ),
    (
        "dup_input",
        lambda: F([x, x], x * 2),
        UnusedInputError,
        "Variable x is used twice in inputs to theano.function, at",
    ),
    (
        "shared_input",
        lambda: F([theano.shared(X)], []),
        TypeError,
        "Cannot use a shared variable (<TensorType(float64, vector)>)",
    ),
    (
        "constant_input",
        lambda: (lambda k: F([k], k * 2))(T.constant(1.0)),
        TypeError,
        "Constants not allowed in param list",
    ),
    ("input_not_list", lambda: F(x, x * 2), Exception, "Input variables of a Theano function should be contained in a"),
    ("input_string", lambda: F(["x"], x * 2), TypeError, "Unknown parameter type: <class 'str'>"),
    ("output_string", lambda: F([x], "abc"), TypeError, "Outputs must be theano Variable or Out instances. Received"),
    ("output_number", lambda: F([], 3)(), TypeError, "Outputs must be theano Variable or Out instances. Received 3"),
    (
        "unknown_kwarg",
        lambda: F([x], x, optimizer="fast_run"),
        TypeError,
        "function() got an unexpected keyword argument 'optimizer'",
    ),
    ("bad_mode", lambda: F([x], x * 2, mode="NOPE"), Exception, "No predefined mode exist for string: NOPE"),
    ("mode_not_tuple", lambda: F([x], x * 2, mode=theano.Mode(linker="nolinker")), KeyError, "'nolinker'"),
    ("mode_bad_opt", lambda: F([x], x * 2, mode=theano.Mode(optimizer="noopt")), KeyError, "'noopt'"),
    (
        "giv_not_in_graph",
        lambda: F([x], x * 2, givens={y: X})(X),
        UnusedInputError,
        "theano.function was asked to create a function computing",
    ),
    (
        "giv_wrong_dtype",
        lambda: F([], f32 * 2, givens={f32: theano.shared(X)}),
        TypeError,
        "Cannot convert Type TensorType(float64, vector) (of Variable",
    ),
    (
        "giv_wrong_ndim",
        lambda: F([], m * 2, givens={m: theano.shared(X)}),
        TypeError,
        "Cannot convert Type TensorType(float64, vector) (of Variable",
    ),
    (
        "giv_str",
        lambda: F([], x * 2, givens={x: "abc"}),
        TypeError,
        "Cannot convert Type Generic (of Variable <Generic>) into Type",
    ),
    ("giv_key_str", lambda: F([x], x * 2, givens={"x": X}), TypeError, "given keys must be Variable"),
    (
        "giv_input_too",
        lambda: F([x], x * 2, givens={x: theano.shared(X)})(X),
        RuntimeError,
        "You are trying to replace variable 'x' through the `givens`",
    ),
    ("upd_not_shared", lambda: F([x], x, updates=[(y, x)]), TypeError, "update target must be a SharedVariable"),
    (
        "upd_dup",
        lambda: (lambda s: F([], [], updates=[(s, s + 1), (s, s + 2)]))(sh()),
        ValueError,
        "this shared variable already has an update expression",
    ),
    (
        "upd_wrong_ndim",
        lambda: F([x], [], updates=[(sh(), x)]),
        TypeError,
        "An update must have the same type as the original shared",
    ),
    (
        "upd_wrong_dtype",
        lambda: (lambda s: F([], [], updates=[(s, s.astype("float64") * 2.5)]))(sh(np.float32(1))),
        TypeError,
        "An update must have the same type as the original shared",
    ),
    (
        "upd_not_pairs",
        lambda: F([], [], updates=[sh()]),
        ValueError,
        "The updates parameter must be an OrderedDict/dict or a list",
    ),
    (
        "upd_shape_vec_shared",
        lambda: (lambda s: F([], [], updates=[(s, s.sum())]))(theano.shared(X, name="v")),
        TypeError,
        "An update must have the same type as the original shared",
    ),
    (
        "in_update_wrong_type",
        lambda: F([theano.In(x, value=X, update=m)], x),
        TypeError,
        "Variable 'x' has type TensorType(float64, vector) but an",
    ),
    ("getitem_unknown", lambda: F([x], x)["zz"], TypeError, "Unknown input or state: zz"),
]

RUNNING = [
    (
        "add",
        lambda: F([x, y], x + y)(np.ones(3), np.ones(2)),
        ValueError,
        "Input dimension mis-match. (input[0].shape[0] = 3, input[1]",
    ),
    (
        "add_bcast1",
        lambda: F([x, y], x + y)(np.ones(3), np.ones(1)),
        ValueError,
        "Input dimension mis-match. (input[0].shape[0] = 3, input[1]",
    ),
    (
        "dot_mm",
        lambda: F([m, w], T.dot(m, w))(M, M),
        ValueError,
        "shapes (2,3) and (2,3) not aligned: 3 (dim 1) != 2 (dim 0)",
    ),
    ("dot_mv", lambda: F([m, x], T.dot(m, x))(M, np.ones(2)), ValueError, "shapes (2,3) and (2,"),
    ("dot_vv", lambda: F([y, x], T.dot(x, y))(X, np.ones(3)), ValueError, "not aligned"),
    (
        "join",
        lambda: F([m, w], T.join(0, m, w))(M, np.ones((2, 2))),
        ValueError,
        "all the input array dimensions for the concatenation axis",
    ),
    (
        "join_axis",
        lambda: F([m, w, i], T.join(i, m, w))(M, M, 5),
        np.exceptions.AxisError,
        "axis 5 is out of bounds for array of dimension 2",
    ),
    ("reshape", lambda: F([x], x.reshape((3, 2)))(X), ValueError, "cannot reshape array of size 4 into shape (3,2)"),
    ("reshape_m1", lambda: F([x], x.reshape((-1, 3)))(X), ValueError, "cannot reshape array of size 4 into shape"),
    (
        "advidx_oob",
        lambda: F([x, lv], x[lv])(X, [0, 10]),
        IndexError,
        "index 10 is out of bounds for axis 0 with size 4",
    ),
    (
        "advidx2_mismatch",
        lambda: F([m, lv, iv], m[lv, iv])(M, [0, 1], [0, 1, 1]),
        IndexError,
        "shape mismatch: indexing arrays could not be broadcast",
    ),
    (
        "advidx2_oob",
        lambda: F([m, lv, iv], m[lv, iv])(M, [0, 5], [0, 1]),
        IndexError,
        "index 5 is out of bounds for axis 0 with size 2",
    ),
    (
        "bool_mismatch",
        lambda: (lambda b: F([x, b], x[b])(X, [True, False]))(T.vector("b", dtype="bool")),
        IndexError,
        "boolean index did not match indexed array along dimension 0;",
    ),
    ("scalar_oob", lambda: F([x, i], x[i])(X, 10), IndexError, "index out of bounds"),
    ("scalar_neg_oob", lambda: F([x, i], x[i])(X, -5), IndexError, "index out of bounds"),
    ("const_oob", lambda: F([x], x[10])(X), IndexError, "index out of bounds"),
    (
        "setsub_vec",
        lambda: F([x, y], T.set_subtensor(x[:2], y))(X, np.ones(3)),
        ValueError,
        "could not broadcast input array from shape (3",
    ),
    (
        "incsub_vec",
        lambda: F([x, y], T.inc_subtensor(x[:2], y))(X, np.ones(3)),
        ValueError,
        "operands could not be broadcast together with shapes (2,)",
    ),
    ("setsub_oob", lambda: F([x, i], T.set_subtensor(x[i], 1.0))(X, 10), IndexError, "index out of bounds"),
    (
        "incsub_adv",
        lambda: F([x, lv, y], T.inc_subtensor(x[lv], y))(X, [0, 1], np.ones(3)),
        ValueError,
        "array is not broadcastable to correct shape",
    ),
    (
        "incsub_adv_oob",
        lambda: F([x, lv, y], T.inc_subtensor(x[lv], y))(X, [0, 9], np.ones(2)),
        IndexError,
        "index 9 is out of bounds for axis 0 with size 4",
    ),
    (
        "conv_channels",
        lambda: F([t4, k4], T.nnet.conv2d(t4, k4))(np.ones((1, 2, 3, 3)), np.ones((1, 3, 2, 2))),
        ValueError,
        "images and kernel must have the same stack size",
    ),
    (
        "conv_kernel_large",
        lambda: F([t4, k4], T.nnet.conv2d(t4, k4))(np.ones((1, 2, 3, 3)), np.ones((1, 2, 5, 5))),
        ValueError,
        "CorrMM: impossible output shape",
    ),
    (
        "pool_ws0",
        lambda: F([m], pool_2d(m, (0, 2), ignore_border=True))(M),
        NotImplementedError,
        "padding must be smaller than strides",
    ),
    (
        "split_sizes",
        lambda: F([x, lv], T.split(x, lv, 2))(X, [1, 1]),
        ValueError,
        "Split: the splits sums to 2, expected 4",
    ),
    (
        "split_len",
        lambda: F([x, lv], T.split(x, lv, 2))(X, [1, 1, 2]),
        ValueError,
        "Split: splits count (3) != expected count (2)",
    ),
    (
        "split_neg",
        lambda: F([x, lv], T.split(x, lv, 2))(X, [5, -1]),
        ValueError,
        "Split: you try to take a negative number (-1) of elements",
    ),
    (
        "alloc_shape",
        lambda: F([x, i], T.alloc(x, 2, i))(X, 3),
        ValueError,
        "could not broadcast input array from shape (4",
    ),
    ("alloc_neg", lambda: F([i], T.zeros((i,)))(-1), ValueError, "negative dimensions are not allowed"),
    ("arange_zero_step", lambda: F([i], T.arange(0, 5, i))(0), ZeroDivisionError, "division by zero"),
    ("max_empty", lambda: F([x], x.max())([]), ValueError, "has zero-size on axis 0"),
    ("argmax_empty", lambda: F([x], x.argmax())([]), ValueError, "attempt to get argmax of an empty sequence"),
    (
        "repeat_mismatch",
        lambda: F([x, lv], T.repeat(x, lv))(X, [1, 2]),
        ValueError,
        "operands could not be broadcast together with shape (4,) (2,)",
    ),
    ("repeat_neg", lambda: F([x, i], T.repeat(x, i))(X, -1), ValueError, "negative dimensions are not allowed"),
    (
        "specify_shape",
        lambda: F([x], T.specify_shape(x, (3,)))(X),
        AssertionError,
        "SpecifyShape: dim 0 of input has shape 4, expected 3.\nApply node that caused the error: SpecifyShape(",
    ),
    (
        "addbroadcast",
        lambda: F([m], T.addbroadcast(m, 0))(M),
        ValueError,
        "Dimension 0 in Rebroadcast's input was supposed to be 1 (got",
    ),
    (
        "unbroadcast_dimshuffle",
        lambda: F([m], m.dimshuffle(1))(M),
        ValueError,
        "You cannot drop a non-broadcastable dimension.",
    ),
    (
        "inv_singular",
        lambda: F([m], T.nlinalg.matrix_inverse(m))(np.ones((2, 2))),
        np.linalg.LinAlgError,
        "Singular matrix",
    ),
    (
        "inv_nonsq",
        lambda: F([m], T.nlinalg.matrix_inverse(m))(M),
        np.linalg.LinAlgError,
        "Last 2 dimensions of the array must be square",
    ),
    (
        "cholesky",
        lambda: F([m], T.slinalg.cholesky(m))(-np.eye(2)),
        np.linalg.LinAlgError,
        "1-th leading minor of the array is not positive definite",
    ),
    (
        "solve_singular",
        lambda: F([m, x], T.slinalg.solve(m, x))(np.zeros((2, 2)), np.ones(2)),
        np.linalg.LinAlgError,
        "singular.",
    ),
    (
        "crossentropy_neg",
        lambda: F([m, lv], T.nnet.categorical_crossentropy(T.nnet.softmax(m), lv))(M, [0, -1]),
        ValueError,
        "y_i value out of bounds",
    ),
    (
        "crossentropy_rows",
        lambda: F([m, lv], T.nnet.categorical_crossentropy(T.nnet.softmax(m), lv))(M, [0, 1, 1]),
        ValueError,
        "number of rows in x (2) does not match length of y (3)",
    ),
    (
        "onehot_oob",
        lambda: F([lv], T.extra_ops.to_one_hot(lv, 3))([0, 7]),
        IndexError,
        "index 7 is out of bounds for axis 1 with size 3",
    ),
    ("choose_oob", lambda: F([lv, m], T.choose(lv, m))([0, 7, 1], M), ValueError, "invalid entry in choice array"),
    (
        "assert",
        lambda: F([x], T.opt.Assert("must be positive")(x, T.all(x > 0)))(-X),
        AssertionError,
        "must be positive",
    ),
    (
        "switch_shape",
        lambda: F([x, y], T.switch(x > 0, x, y))(X, np.ones(2)),
        ValueError,
        "Input dimension mis-match. (input[0].shape[0] = 4, input[2]",
    ),
    (
        "batchnorm_shape",
        lambda: F([m, x], T.nnet.bn.batch_normalization(m, x, x, x, x))(M, np.ones(2)),
        ValueError,
        "Input dimension mis-match. (input[0].shape[1] = 3, input[1]",
    ),
    ("slice_step0", lambda: F([x, i], x[::i])(X, 0), ValueError, "slice step cannot be zero"),
    (
        "fill_diagonal_nonsq",
        lambda: F([x, s0], T.extra_ops.fill_diagonal(x, s0)),
        TypeError,
        "FillDiagonal: first parameter must have at least two",
    ),
    (
        "random_size_ndim",
        lambda: F([lv], RandomStreams(1).uniform(lv, ndim=2))([2, 2, 2]),
        ValueError,
        "Shape mismatch: self.outtype.ndim (2) != len(shape) (3) +",
    ),
    ("random_normal_negstd", lambda: F([s0], RandomStreams(1).normal((3,), 0.0, s0))(-1.0), ValueError, "scale < 0"),
]

SCAN = [
    (
        "scan_neg_steps",
        lambda: call([s0, n], 2.0, -3)(S(lambda p: p * 2, outputs_info=s0, n_steps=n)),
        IndexError,
        "Scan was asked to run for negative number of step -3",
    ),
    (
        "scan_no_length",
        lambda: S(lambda p: p * 2, outputs_info=s0),
        ValueError,
        "No information about the number of steps provided. Either",
    ),
    (
        "scan_fn_none",
        lambda: S(lambda v: None, sequences=x),
        ValueError,
        "The return value of your scan lambda expression may only be",
    ),
    (
        "scan_outputs_info_count",
        lambda: S(lambda v, s: (s + v, v), sequences=x, outputs_info=s0),
        ValueError,
        "Please provide None as outputs_info for any output that does",
    ),
    (
        "scan_oi_ndim_lower",
        lambda: S(lambda v, s: s + x, sequences=x, outputs_info=s0),
        ValueError,
        "When compiling the inner function of scan (the function",
    ),
    (
        "scan_oi_ndim_higher",
        lambda: S(lambda v, s: s.sum(), sequences=x, outputs_info=y),
        ValueError,
        "When compiling the inner function of scan (the function",
    ),
    (
        "scan_oi_f32_state_f64_result",
        lambda: S(lambda v, s: s + v, sequences=x, outputs_info=T.fscalar("st")),
        ValueError,
        "When compiling the inner function of scan the following error",
    ),
    (
        "scan_oi_f64_state_f32_result",
        lambda: call([x], X)(S(lambda v, s: T.cast(v, "float32"), sequences=x, outputs_info=T.constant(np.float64(0)))),
        ValueError,
        "When compiling the inner function of scan the following error",
    ),
    (
        "scan_oi_number",
        lambda: call([x], X)(S(lambda v, s: s + v, sequences=x, outputs_info=0.0)),
        ValueError,
        "When compiling the inner function of scan the following error",
    ),
    (
        "scan_oi_taps_no_init",
        lambda: S(lambda v, s: s + v, sequences=x, outputs_info=dict(taps=[-2])),
        ValueError,
        "If you are using slices of an output you need to provide a",
    ),
    (
        "scan_oi_taps_pos",
        lambda: S(lambda v, s: s + v, sequences=x, outputs_info=dict(initial=y, taps=[1])),
        ValueError,
        "All the tap values must be smaller than 0.",
    ),
    ("scan_seq_scalar", lambda: S(lambda v: v, sequences=s0), IndexError, "too many indices for array"),
    (
        "scan_strict_missing_shared",
        lambda: (lambda s: S(lambda v: v * s, sequences=x, strict=True))(sh(2.0)),
        MissingInputError,
        "ScanOp is missing an input: sh",
    ),
    (
        "scan_rt_shape_state",
        lambda: call([m, x], M, np.ones(2))(S(lambda v, s: v * 2 + 0 * s[0], sequences=m, outputs_info=x)),
        ValueError,
        "could not broadcast input array from shape (3",
    ),
    (
        "scan_rt_shape_state_add",
        lambda: call([m, x], M, np.ones(2))(S(lambda v, s: v + s, sequences=m, outputs_info=x)),
        ValueError,
        "Input dimension mis-match",
    ),
    (
        "scan_rt_dot",
        lambda: call([m, w, x], M, np.ones((2, 2)), np.ones(3))(
            S(lambda v, s: T.tanh(T.dot(w, s) + v), sequences=m, outputs_info=x)
        ),
        ValueError,
        "shapes (2,2) and (3,",
    ),
    (
        "scan_rt_nitsot_shape",
        lambda: call([x], X)(S(lambda k: T.arange(k), sequences=T.arange(x.shape[0]))),
        ValueError,
        "could not broadcast input array from shape (2",
    ),
    (
        "scan_rt_index",
        lambda: call([x], X)(S(lambda k: x[k + 2], sequences=T.arange(x.shape[0]))),
        IndexError,
        "index out of bounds",
    ),
    (
        "scan_until_nonscalar",
        lambda: S(lambda v: (v, theano.scan_module.until(m > 1)), sequences=x),
        AssertionError,
        "must be a scalar",
    ),
    (
        "scan_update_nonshared",
        lambda: S(lambda v: (v, {y: y + 1}), sequences=x),
        TypeError,
        "update target must be a SharedVariable",
    ),
    (
        "scan_mode_bad",
        lambda: S(lambda v: v, sequences=x, mode="NOPE"),
        Exception,
        "No predefined mode exist for string: NOPE",
    ),
    (
        "scan_kwarg",
        lambda: S(lambda v: v, sequence=x),
        TypeError,
        "scan() got an unexpected keyword argument 'sequence'",
    ),
    (
        "scan_missing_input",
        lambda: F([x], S(lambda v: v * y[0], sequences=x)[0]),
        MissingInputError,
        "Input 3 of the graph (indices start from 0), used to compute",
    ),
]

GRADIENTS = [
    ("grad_nonscalar", lambda: T.grad(x * 2, x), TypeError, "cost must be a scalar."),
    ("grad_none", lambda: T.grad(None, x), AssertionError, "cost and known_grads can't both be None."),
    ("grad_number", lambda: T.grad(3.0, x), AttributeError, "float' object has no attribute 'type'"),
    ("grad_wrt_number", lambda: T.grad(x.sum(), 3.0), TypeError, "Expected Variable, got 3.0 of type <class 'float'>"),
    ("grad_wrt_str", lambda: T.grad(x.sum(), "x"), TypeError, "Expected Variable, got x of type <class 'str'>"),
    (
        "grad_notin",
        lambda: T.grad(x.sum(), y),
        DisconnectedInputError,
        "is not part of the computational graph of the cost",
    ),
    (
        "grad_disc_bad",
        lambda: T.grad(x.sum(), y, disconnected_inputs="nope"),
        ValueError,
        "Invalid value for keyword 'disconnected_inputs",
    ),
    (
        "grad_index",
        lambda: T.grad(x[i], i),
        DisconnectedInputError,
        "is not part of the computational graph of the cost",
    ),
    (
        "grad_known_type",
        lambda: T.grad(None, x, known_grads={x * 2: m}),
        ValueError,
        "Elemwise{mul,no_inplace}.grad returned a term with 2",
    ),
    (
        "grad_complex_cost",
        lambda: T.grad(T.zvector("z").sum(), x),
        DisconnectedInputError,
        "is not part of the computational graph of the cost",
    ),
    (
        "grad_abs_complex",
        lambda: T.grad(abs(T.complex(x, y)).sum(), x),
        TypeError,
        "Elemwise{abs_,no_inplace}.grad illegally  returned an",
    ),
    (
        "jacobian_scalarwrt",
        lambda: theano.gradient.jacobian(m, x),
        AssertionError,
        "tensor.jacobian expects a 1 dimensional variable as",
    ),
    (
        "hessian_nonscalar",
        lambda: theano.gradient.hessian(x, x),
        AssertionError,
        "tensor.hessian expects a 0 dimensional variable as `cost`",
    ),
    (
        "hessian_wrt_mat",
        lambda: theano.gradient.hessian((m**2).sum(), m),
        AssertionError,
        "tensor.hessian expects a (list of) 1 dimensional variable as",
    ),
    (
        "rop_shape",
        lambda: T.Rop(x * 2, x, m),
        ValueError,
        "Element 0 of wrt/eval_point have mismatched dimensionality: 1",
    ),
    (
        "grad_grad_undefined",
        lambda: T.grad(theano.gradient.grad_undefined(T.add, 0, x, "c"), x),
        ValueError,
        "Can't differentiate a NaN cost.cost is NaN because This",
    ),
]

SHARED = [
    (
        "sv_ndim",
        lambda: theano.shared(X).set_value(M),
        TypeError,
        "Wrong number of dimensions: expected 1, got 2 with shape (2,",
    ),
    (
        "sv_dtype",
        lambda: theano.shared(X.astype("float32")).set_value(X),
        TypeError,
        "TensorType(float32, vector) cannot store a value of dtype",
    ),
    (
        "sv_float_to_int",
        lambda: theano.shared(np.arange(3)).set_value(X),
        TypeError,
        "TensorType(int64, vector) cannot store a value of dtype",
    ),
    ("sv_str", lambda: theano.shared(X).set_value("abc"), ValueError, "could not convert string to float: 'abc'"),
    (
        "sv_scalar",
        lambda: theano.shared(X).set_value(1.0),
        TypeError,
        "Wrong number of dimensions: expected 1, got 0 with shape",
    ),
    (
        "sv_symbolic",
        lambda: theano.shared(X).set_value(x),
        TypeError,
        "Expected an array-like object, but found a Variable: maybe",
    ),
    (
        "sv_strict_scalar",
        lambda: theano.shared(1.0, strict=True).set_value(2),
        TypeError,
        "TensorType(float64, scalar) expected a ndarray object.",
    ),
    (
        "sv_f32_scalar",
        lambda: theano.shared(np.float32(1)).set_value(0.1),
        TypeError,
        "TensorType(float32, scalar) cannot store accurately value",
    ),
    (
        "shared_symbolic",
        lambda: theano.shared(x),
        TypeError,
        "Shared variable constructor needs numeric values and not",
    ),
    (
        "shared_kw",
        lambda: theano.shared(X, nope=3),
        TypeError,
        "No suitable SharedVariable constructor could be found. Are",
    ),
    (
        "shared_bcast",
        lambda: theano.shared(M, broadcastable=(True, False)),
        TypeError,
        "No suitable SharedVariable constructor could be found. Are",
    ),
]

BUILDING = [
    (
        "conv_border_bad",
        lambda: T.nnet.conv2d(t4, k4, border_mode="samee"),
        ValueError,
        'invalid border_mode samee, which must be either "valid',
    ),
    ("conv_ndim_bad", lambda: T.nnet.conv2d(m, k4), TypeError, "img must be 4D tensor"),
    ("pool_ndim", lambda: pool_2d(x, (2, 2)), NotImplementedError, "pool_2d requires a dimension >= 2"),
    ("pool_mode", lambda: pool_2d(m, (2, 2), mode="maxx"), ValueError, "Pool mode parameter only support"),
    (
        "pool_pad",
        lambda: pool_2d(m, (2, 2), ignore_border=False, pad=(1, 1)),
        NotImplementedError,
        "padding works only with ignore_border=True",
    ),
    (
        "pool_pad_large",
        lambda: pool_2d(m, (2, 2), ignore_border=True, pad=(2, 2)),
        NotImplementedError,
        "padding must be smaller than strides",
    ),
    ("iter_tensor", lambda: list(x), ValueError, "length not known: x [id A]"),
    ("iter_scalar", lambda: list(s0), TypeError, "TensorType does not support iteration. Maybe you are using"),
    ("len_tensor", lambda: len(x), TypeError, "object of type 'TensorVariable' has no len()"),
    ("float_tensor", lambda: float(x), TypeError, "float() argument must be a string or a"),
    ("range_tensor", lambda: range(i), TypeError, "TensorVariable' object cannot be interpreted as an integer"),
    (
        "setitem2",
        lambda: exec("x[0] = 1", {"x": x}),
        TypeError,
        "TensorVariable' object does not support item assignment",
    ),
    ("delitem", lambda: exec("del x[0]", {"x": x}), TypeError, "TensorVariable' object doesn't support item deletion"),
    ("add_str", lambda: x + "a", TypeError, "unsupported operand type(s) for +: 'TensorVariable' and 'str'"),
    ("add_none", lambda: x + None, TypeError, "unsupported operand type(s) for +: 'TensorVariable' and"),
    ("pow_str", lambda: x ** "a", TypeError, "unsupported operand type(s) for ** or pow(): 'TensorVariable'"),
    ("getitem_float", lambda: x[1.5], TypeError, "index must be integers or a boolean mask"),
    ("getitem_symfloat", lambda: x[s0], TypeError, "Expected an integer"),
    ("getitem_bool_ndim", lambda: x[T.matrix("b", dtype="bool")], IndexError, "too many indices for array"),
    ("getitem_pybool", lambda: x[True], TypeError, "TensorType does not support Python bools for indexing, such"),
    (
        "getitem_npbool_len",
        lambda: F([x], x[np.array([True, False])])(X),
        IndexError,
        "boolean index did not match indexed array along dimension 0;",
    ),
    ("getitem_slicevec", lambda: x[lv:], ValueError, "TensorType could not be cast to have 0 dimensions"),
    ("setsub_notsub", lambda: T.set_subtensor(x, 1.0), TypeError, "x must be the result of a subtensor operation"),
    (
        "setsub_ndim",
        lambda: T.set_subtensor(x[:2], m),
        TypeError,
        "Trying to increment a 1-dimensional subtensor with a",
    ),
    ("sum_axis", lambda: x.sum(axis=1), ValueError, "Not enough dimensions on x to reduce on axis 1"),
    ("sum_axis_sym", lambda: x.sum(axis=i), TypeError, "TensorType does not support iteration. Maybe you are using"),
    ("max_axis", lambda: x.max(axis=1), ValueError, "Not enough dimensions on x to reduce on axis 1"),
    (
        "argmax_axis",
        lambda: x.argmax(axis=3),
        ValueError,
        "Computation needs a valid axis number for 1-D tensor. Got 3",
    ),
    ("cumsum_axis", lambda: T.cumsum(x, axis=2), ValueError, "axis(=2) out of bounds"),
    ("sum_dtype_bad", lambda: x.sum(dtype="nope"), TypeError, "Unsupported dtype for TensorType: nope"),
    (
        "sum_acc_dtype",
        lambda: x.sum(acc_dtype="float16"),
        TypeError,
        "Cannot build Sum{acc_dtype=float16} node with input dtype",
    ),
    ("ds_pattern_missing", lambda: m.dimshuffle(0), ValueError, "You cannot drop a non-broadcastable dimension."),
    (
        "ds_pattern_dup",
        lambda: m.dimshuffle(0, 0),
        ValueError,
        "The same input dimension may not appear twice in the list of",
    ),
    ("ds_pattern_oob", lambda: m.dimshuffle(0, 1, 2), ValueError, "new_order[2] is 2, but the input only has 2 axes."),
    ("reshape_nd", lambda: x.reshape(lv), ValueError, "The length of the provided shape (lv) cannot be automatically"),
    ("reshape_float", lambda: x.reshape((1.5, 2)), TypeError, "Shape must be integers"),
    ("join_ndim", lambda: T.join(0, x, m), TypeError, "Join() can only join tensors with the same number of"),
    ("join_axis", lambda: T.join(2, m, m), ValueError, 'Join argument "axis" is out of range (given input dimensions)'),
    ("join_scalar", lambda: T.join(0, s0, s0), TypeError, "Join cannot handle arguments of dimension 0. For joining"),
    (
        "concat_tensor",
        lambda: T.concatenate(x),
        TypeError,
        "The 'tensors' argument must be either a tuple or a list, make",
    ),
    ("stack_axis", lambda: T.stack([x, x], axis=5), IndexError, "axis 5 is out of bounds [-2, 2)"),
    (
        "tensordot_axes",
        lambda: T.tensordot(m, m, axes=3),
        ValueError,
        "axes can not be larger than the dimension of a (a.ndim=2,",
    ),
    (
        "alloc_float_shape",
        lambda: T.alloc(1.0, 2.5),
        TypeError,
        "Shape arguments to Alloc must be integers, but argument 0 is",
    ),
    ("zeros_neg", lambda: F([], T.zeros((-1,)))(), ValueError, "negative dimensions are not allowed"),
    ("arange_step0", lambda: F([], T.arange(0, 5, 0))(), ZeroDivisionError, "division by zero"),
    (
        "switch_few",
        lambda: T.switch(x > 0, x),
        TypeError,
        "Wrong number of inputs for Switch.make_node (got 2((<bool>,",
    ),
    (
        "ifelse_nonscalar",
        lambda: ifelse(x > 0, x, y),
        TypeError,
        "Condition given to the op has to be a scalar with 0 standing",
    ),
    ("ifelse_types", lambda: ifelse(n, x, m), TypeError, "The two branches should have identical types, but they are"),
    (
        "ifelse_dtypes",
        lambda: ifelse(n, f32, iv).type,
        TypeError,
        "The two branches should have identical types, but they are",
    ),
    (
        "ifelse_counts",
        lambda: ifelse(n, [x, y], [x]),
        ValueError,
        "The number of values on the `then` branch should have the",
    ),
    (
        "ifelse_pybool",
        lambda: F([x, y], ifelse(True, x, y), on_unused_input="ignore")(X, X),
        T.AsTensorError,
        "Cannot cast True or False as a tensor variable. Please use",
    ),
    ("clip_few", lambda: T.clip(x, 0), TypeError, "Wrong number of inputs for clip.make_node (got 2((<float64>,"),
    ("cast_bad", lambda: T.cast(x, "nope"), KeyError, "'nope'"),
    ("cast_none", lambda: T.cast(x, None), KeyError, "None"),
    (
        "cast_complex_to_real",
        lambda: T.cast(T.zvector("z"), "float64"),
        TypeError,
        "Casting from complex to real is ambiguous: consider real(),",
    ),
    ("bitand_float", lambda: x & y, TypeError, "input to a BitOp must have type (u)int8, (u)int16, (u)int32"),
    (
        "mod_complex",
        lambda: T.zvector("z") % 2,
        ComplexError,
        "Theano does not support the mod operator (%) on complex",
    ),
    ("shift_float", lambda: x << 2, TypeError, "unsupported operand type(s) for <<: 'TensorVariable' and 'int'"),
    ("round_mode", lambda: T.round(x, mode="nope"), Exception, "round mode nope is not implemented."),
    ("vector_dtype", lambda: T.vector("v", dtype="nope"), TypeError, "Unsupported dtype for TensorType: nope"),
    ("vector_name_num", lambda: T.vector(3), TypeError, "name must be a string"),
    ("constant_str", lambda: T.constant("abc"), TypeError, "Could not convert abc to TensorType"),
    ("constant_ragged", lambda: T.constant([[1, 2], [3]]), TypeError, "Could not convert [[1, 2], [3]] to TensorType"),
    ("astensor_str", lambda: T.as_tensor_variable("a"), T.AsTensorError, "Cannot convert a to TensorType"),
    (
        "astensor_ndim",
        lambda: T.as_tensor_variable(m, ndim=1),
        ValueError,
        "TensorType could not be cast to have 1 dimensions",
    ),
    ("astensor_mixed", lambda: T.as_tensor_variable([x, m]), T.AsTensorError, "Cannot convert [x, m] to TensorType"),
    ("astensor_dict", lambda: T.as_tensor_variable({}), T.AsTensorError, "Cannot convert {} to TensorType"),
    (
        "astensor_multi",
        lambda: T.as_tensor_variable(theano.Apply(T.add, [x], [x.type(), x.type()])),
        ValueError,
        "It is ambiguous which output of a multi-output Op has to be",
    ),
    (
        "astensor_mixedlist",
        lambda: F([s0], T.as_tensor_variable([s0, 1, "a"]))(1),
        T.AsTensorError,
        "Cannot convert [s0, 1, 'a'] to TensorType",
    ),
    ("softmax_3d", lambda: T.nnet.softmax(t4), ValueError, "x must be 1-d or 2-d tensor of floats. Got"),
    (
        "cce_types",
        lambda: T.nnet.categorical_crossentropy(m, x),
        TypeError,
        "integer vector required for argument: true_one_of_n(got type:",
    ),
    ("dropout_bad", lambda: MRG_RandomStreams("a"), TypeError, "seed should be 1 integer or 6 integers"),
    (
        "mrg_size_neg",
        lambda: MRG_RandomStreams(1).uniform((-2,)),
        ValueError,
        "The specified size contains a dimension with value <= 0",
    ),
    ("eval_missing", lambda: x.eval(), MissingInputError, "Undeclared input"),
    ("eval_notdict", lambda: x.eval(X), AttributeError, "numpy.ndarray' object has no attribute 'keys'"),
    (
        "eval_extra",
        lambda: (x * 2).eval({x: X, y: X}),
        UnusedInputError,
        "theano.function was asked to create a function computing",
    ),
    (
        "clone_type",
        lambda: theano.clone(x * 2, replace={x: m}),
        TypeError,
        "Cannot convert Type TensorType(float64, matrix) (of Variable",
    ),
    (
        "opfg_call",
        lambda: theano.OpFromGraph([x], [x * 2])(m),
        TypeError,
        "Cannot convert Type TensorType(float64, matrix) (of Variable",
    ),
    ("opfg_few", lambda: theano.OpFromGraph([x, y], [x * y])(x), ValueError, "Expected 2 inputs, got 1"),
    (
        "asop_wrong_in",
        lambda: as_op(itypes=[T.dvector], otypes=[T.dvector])(lambda a: a)(m),
        TypeError,
        "We expected inputs of types '[TensorType(float64, vector)]'",
    ),
    (
        "asop_raises",
        lambda: (lambda o: F([x], o(x))(X))(as_op(itypes=[T.dvector], otypes=[T.dvector])(lambda a: 1 / 0)),
        ZeroDivisionError,
        "division by zero",
    ),
    (
        "cfg_unknown_get",
        lambda: theano.config.nope,
        AttributeError,
        "TheanoConfigParser' object has no attribute 'nope'",
    ),
]

# The same, where Theano did otherwise; what it did is said behind each.
OTHERWISE = [
    (
        "call_none",
        lambda: F([x], x * 2)(None),
        ValueError,
        "expected an ndarray, not None",
    ),  # so says C; AttributeError of the Python code of some Op
    ("call_none_named", lambda: F([s0], T.exp(s0))(s0=None), ValueError, "expected an ndarray, not None"),
    (
        "batched_dot",
        lambda: F([t4, k4], T.batched_dot(t4[0], k4[0]))(np.ones((1, 2, 3, 4)), np.ones((1, 3, 4, 2))),
        ValueError,
        "Shape mismatch: batch sizes unequal",
    ),  # so says C; TypeError in Python
    (
        "int_div_zero",
        lambda: F([i], 7 // i)(0),
        ZeroDivisionError,
        "integer division by zero",
    ),  # so says C; 0 in Python
    ("int_mod_zero", lambda: F([i], 7 % i)(0), ZeroDivisionError, "integer modulo by zero"),
    (
        "crossentropy_index",
        lambda: F([m, lv], T.nnet.categorical_crossentropy(T.nnet.softmax(m), lv))(M, [0, 7]),
        ValueError,
        "y_i value out of bounds",
    ),  # so says C; IndexError in Python
    (
        "pool_window_of_three",
        lambda: F([m, lv], pool_2d(m, lv, ignore_border=True))(M, [2, 2, 2]),
        ValueError,
        "ws must be a vector of size 2",
    ),  # so says C; AssertionError in Python
    # No steps: NotImplementedError
    ("no_steps_grad", lambda: call([x, n], X, 0)((T.grad(loop(n)[-1].sum(), x),)), IndexError, "out of bounds"),
    # Zeros, by a slip: no derivative passes through complex numbers, and real, imag and abs raise this.
    ("angle_grad", lambda: T.grad(T.angle(T.complex(x, y)).sum(), x), TypeError, "illegally"),
    ("getitem_str", lambda: x["a"], T.AsTensorError, "Cannot convert a to TensorType"),  # RecursionError
]


def loop(steps):
    return S(lambda p, a: p * a, outputs_info=T.ones_like(x), non_sequences=x, n_steps=steps)[0]


TABLES = {
    "calls": CALLS,
    "functions": FUNCTIONS,
    "running": RUNNING,
    "scan": SCAN,
    "gradients": GRADIENTS,
    "shared": SHARED,
    "building": BUILDING,
    "otherwise": OTHERWISE,
}
ROWS = [pytest.param(*row[1:], id="%s-%s" % (table, row[0])) for table, rows in TABLES.items() for row in rows]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("linker", ["py", "cvm"])
@pytest.mark.parametrize("mistake, error, words", ROWS)
def test_mistake(mistake, error, words, linker):
    with theano.change_flags(linker=linker), pytest.raises(error) as found:
        mistake()
    assert type(found.value) is error
    assert words in str(found.value)


@pytest.mark.parametrize("row", CALLS, ids=[row[0] for row in CALLS])
def test_a_bad_argument_is_named(row):
    _, mistake, error, words = row
    with pytest.raises(error) as found:
        mistake()
    if words.startswith(("Missing", "Too many", "Unknown", "Ambiguous")):
        return
    assert "Bad input argument" in str(found.value) and "at index " in str(found.value)


FAILING = {
    "shapes": (x + y, (X, X[:2])),
    "index": (x[10] + y, (X, X)),
    "ndim": (x + y, (X, M)),
    "none": (x + y, (None, X)),
    "missing": (x + y, (X,)),
    "assertion": (T.opt.Assert("no")(x, T.all(x > y)), (X, X)),
    "loop": (S(lambda v: v + y[10], sequences=x)[0], (X, X)),
}


@pytest.mark.parametrize("linker", ["py", "cvm"])
@pytest.mark.parametrize("name", FAILING)
def test_a_failing_call_changes_nothing(name, linker):
    out, args = FAILING[name]
    state, count = theano.shared(np.zeros(4)), theano.shared(0)
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    with theano.change_flags(linker=linker):
        f = F([x, y], out, updates=[(state, state + T.ones((4,))), (count, count + 1)])
    for _ in range(2):
        with pytest.raises(Exception):
            f(*args)
    assert not state.get_value().any() and count.get_value() == 0
    for a, b in zip(args, given):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "value, error", [(M, TypeError), ("abc", ValueError), (x, TypeError), (1.0, TypeError), (np.array([1j]), TypeError)]
)
def test_a_refused_value_leaves_the_shared_variable_alone(value, error):
    s = theano.shared(X)
    with pytest.raises(error):
        s.set_value(value)
    np.testing.assert_array_equal(s.get_value(), X)


# Values are refused after good ones too, when the function has been compiled: name, inputs, output, good, bad, error.
LATER = [
    ("index", [x, i], x[i], (X, 1), (X, 10), IndexError),
    ("index_column", [m, i], m[:, i], (M, 1), (M, 3), IndexError),
    ("indices", [x, lv], x[lv], (X, [0, 1]), (X, [0, 4]), IndexError),
    ("indices_sum", [m, lv], m[lv].sum(), (M, [0, 1]), (M, [0, -3]), IndexError),
    ("indices_pairs", [m, lv], m[lv, lv], (M, [0, 1]), (M, [0, 2]), IndexError),
    ("indices_grad", [x, lv], T.grad((x[lv] ** 2).sum(), x), (X, [1, 0]), (X, [1, 7]), IndexError),
    ("indices_set", [x, lv], T.inc_subtensor(x[lv], 9.0), (X, [1, 1]), (X, [1, 10]), IndexError),
    ("take", [m, lv], m.take(lv, axis=1), (M, [0, 1]), (M, [0, 3]), IndexError),
    ("one_hot", [lv], T.extra_ops.to_one_hot(lv, 3), ([0, 1],), ([0, 3],), IndexError),
    ("arange_step", [i], T.arange(0, 5, i), (2,), (0,), ZeroDivisionError),
    ("slice_step", [x, i], x[::i], (X, 2), (X, 0), ValueError),
    ("zeros", [i], T.zeros((i, 2)), (2,), (-2,), ValueError),
    ("repeat", [x, lv], T.repeat(x, lv), (X, [1, 1, 0, 2]), (X, [1, 1, -1, 2]), ValueError),
    ("split", [x, lv], T.split(x, lv, 2), (X, [1, 3]), (X, [1, 2]), ValueError),
    ("specify_shape", [x, i], T.specify_shape(x, (i,)), (X, 4), (X, 3), AssertionError),
    ("choose", [lv, m], T.choose(lv, m), ([0, 1, 0], M), ([0, 2, 0], M), ValueError),
    ("bincount", [lv], T.extra_ops.bincount(lv, assert_nonneg=True), ([0, 1],), ([0, -1],), AssertionError),
    ("inverse", [m], T.nlinalg.matrix_inverse(m), (np.eye(2),), (np.ones((2, 2)),), np.linalg.LinAlgError),
    ("broadcast", [m, x], (m * x).sum(), (M, X[:3]), (M, X[:1]), ValueError),
    ("gemv", [x, y, m], y + 2 * T.dot(m, x), (X[:3], X[:2], M), (X[:3], X[:1], M), ValueError),
    ("uniform_size", [i], MRG_RandomStreams(1).uniform((i,)), (2,), (-2,), ValueError),
    ("polar", [s0], T.complex_from_polar(s0, 1.0), (1.0,), (-1.0,), ValueError),
    ("scan_steps", [x, n], S(lambda a, s: a + s, x, T.zeros(()), n_steps=n)[0], (X, 2), (X, 5), ValueError),
    ("scan_index", [x, n], S(lambda k: x[k] * 2, T.arange(n))[0], (X, 2), (X, 5), IndexError),
    ("branch", [n, x, i], ifelse(n, x[i], x[0]), (1, X, 1), (1, X, 9), IndexError),
]


@pytest.mark.parametrize("linker", ["py", "cvm"])
@pytest.mark.parametrize("inputs, out, good, bad, error", [row[1:] for row in LATER], ids=[row[0] for row in LATER])
def test_a_mistake_after_good_calls(inputs, out, good, bad, error, linker):
    with theano.change_flags(linker=linker, xla_strict=True):
        f = F(inputs, out)
        for _ in range(2):
            f(*good)
            with pytest.raises(error):
                f(*bad)


CONFIG = [
    ("floatX", "float65"),
    ("mode", "NOPE"),
    ("linker", "nope"),
    ("optimizer", "nope"),
    ("profile", "maybe"),
    ("warn_float64", "nope"),
    ("compute_test_value", "nope"),
    ("on_unused_input", "nope"),
    ("exception_verbosity", "loud"),
]


@pytest.mark.parametrize("flag, value", CONFIG)
def test_a_flag_refuses_what_it_does_not_know(flag, value):
    before = getattr(theano.config, flag)
    with pytest.raises(ValueError, match="Invalid value|Expected one of those string"):
        setattr(theano.config, flag, value)
    assert getattr(theano.config, flag) == before


def test_what_theano_refused_by_accident():
    assert T.cast(x, float).dtype == "float64" and T.vector("v", dtype=np.float32).dtype == "float32"
    np.testing.assert_array_equal(F([m, w], m @ w)(M, M.T), M @ M.T)
    bare = S(lambda v, k: v * k, sequences=x, non_sequences=sh(2.0), strict=True)
    np.testing.assert_array_equal(call([x], X)(bare), X * 2)


def test_if_of_a_comparison():
    with pytest.raises(TypeError, match="Variables do not support boolean operations"):
        if x > 2:
            raise AssertionError
    with pytest.raises(TypeError, match="Variables do not support boolean operations"):
        assert 0 < s0 < 2
