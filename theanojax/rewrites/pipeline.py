"""The order in which a graph is rewritten: whatever a mode knows by name or tag has its row here, and nowhere else.

A row of `PASSES` is (position, name, pass, tags). Positions are those under which Theano's own passes were known,
so that a program's ``optdb.register(name, rewrite, 49.3, "fast_run")`` ends up where it expects. `INNER` has such rows
for the passes that are databases themselves. Two passes are registered where their Ops are, in theanojax/compile.

A row of `LOCAL` is (rewrite, groups) or (rewrite, groups, tags). The groups are written as letters: ``u`` useless,
``c`` canonicalize, ``s`` stabilize, ``p`` specialize, ``n`` uncanonicalize, ``d`` specialize_device. A rewrite is tried
in the order of the rows within each group. All are tagged fast_run; tags after a group's letter and a colon are for
that group alone, as in "u c:fast_compile".

A row of `FINISHING` is as one of `PASSES`. These bring a graph into the form that Theano's had in the end: BLAS calls,
fused elementwise Ops, Ops that overwrite their inputs. XLA gains nothing from them, so a function that is compiled runs
without, and they are applied, with all the others and in this order, when somebody looks at ``f.maker.fgraph``.

A mode chooses by tags: FAST_RUN takes what is tagged fast_run, FAST_COMPILE what is tagged fast_compile, and
``including``, ``excluding`` and ``requiring`` add, drop and demand tags and names.
"""

from theanojax.config import config
from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.db import LocalGroupDB, Query, SequenceDB, TopoDB
from theanojax.graph.rewriting.merge import MergeOptimizer
from theanojax.graph.rewriting.tools import CheckStackTraceOptimization
from theanojax.graph.rewriting.walk import NavigatorOptimizer, TopoOptimizer, in2out
from theanojax.printing import debugprint
from theanojax.rewrites import (
    algebra,
    arithmetic,
    asserts,
    batchnorm,
    blas,
    conv,
    dimshuffle,
    elemwise,
    fill,
    fusion,
    gemm,
    ifelse,
    inc_subtensor,
    inplace,
    join,
    nnet,
    reduce,
    registry,
    reshape,
    shapes,
    sigmoid,
    softmax_views,
    sort,
    sparse,
    stabilize,
    subtensor,
)
from theanojax.rewrites.constant_folding import topo_constant_folding
from theanojax.rewrites.queries import predefined_optimizers
from theanojax.rewrites.registry import optdb
from theanojax.rewrites.scan import (
    inplace as scan_inplace,
    inputs as scan_inputs,
    memory as scan_memory,
    merge as scan_merge,
    pushout as scan_pushout,
    reads as scan_reads,
)
from theanojax.rewrites.subtensor_merge import local_subtensor_merge
from theanojax.rewrites.typed_list import typed_list_inplace_opt


class PrintCurrentFunctionGraph(Optimizer):
    """Prints the graph as it is at this point; for debugging."""

    def __init__(self, header):
        self.header = header

    def apply(self, fgraph):
        print("PrintCurrentFunctionGraph:", self.header)
        debugprint(fgraph.outputs)


_useless = TopoDB(registry.local_useless, failure_callback=NavigatorOptimizer.warn_inplace)
_always = "fast_run fast_compile"


def _once_in_place(local_opt):
    return TopoOptimizer(local_opt, failure_callback=NavigatorOptimizer.warn_inplace)


def _once(local_opt):
    return in2out(local_opt, ignore_newtrees=True)


PASSES = [
    (-1, "CheckStackTrace", CheckStackTraceOptimization(), "" if config.check_stack_trace == "off" else _always),
    # -0.01: inline_ofg_expansion, in theanojax/compile/builders.py
    (0, "merge1", MergeOptimizer(), "fast_run fast_compile merge"),
    # Whatever leaves a loop does so before shapes are inferred.
    (0.05, "scan_eqopt1", registry.scan_eqopt1, "fast_run scan"),
    (0.06, "scan_uncut_sequences", _once(scan_memory.scan_uncut_sequences), "fast_run scan"),
    (0.1, "ShapeOpt", shapes.ShapeOptimizer(), _always),
    (0.6, "useless", _useless, _always),
    (0.65, "merge1.1", MergeOptimizer(), "fast_run fast_compile merge"),
    (0.99, "pre_local_IncSubtensor_serialize", in2out(inc_subtensor.local_IncSubtensor_serialize), "fast_run"),
    (1, "canonicalize", registry.canonicalize, "fast_run fast_compile canonicalize_db"),
    (1.2, "merge1.2", MergeOptimizer(), "fast_run fast_compile merge"),
    (1.21, "Print1.21", PrintCurrentFunctionGraph("Post-canonicalize"), ""),
    (1.5, "stabilize", registry.stabilize, "fast_run"),
    (1.51, "Print1.51", PrintCurrentFunctionGraph("Post-stabilize"), ""),
    (1.51, "local_fill_to_alloc", in2out(fill.local_fill_to_alloc), "fast_run"),
    (1.52, "local_elemwise_alloc", in2out(fill.local_elemwise_alloc), "fast_run"),
    (1.6, "local_log_sum_exp", _once(stabilize.local_log_sum_exp), "fast_run"),
    # Stable loops are merged, and then, once, their buffers are cut down.
    (1.6, "scan_eqopt2", registry.scan_eqopt2, "fast_run scan"),
    (1.61, "scanOp_save_mem", scan_memory.ScanSaveMem(), "fast_run scan"),
    (1.75, "local_scaled_by_zero", in2out(blas.local_scaled_by_zero), "fast_run"),
    (2, "specialize", registry.specialize, "fast_run fast_compile_gpu"),
    (
        2.01,
        "crossentropy_to_crossentropy_with_softmax",
        nnet.crossentropy_to_crossentropy_with_softmax,
        "fast_run xent fast_compile_gpu",
    ),
    (3, "uncanonicalize", registry.uncanonicalize, "fast_run"),
    # Lengths and reductions have their last form now.
    (3.5, "scan_keep_reads", scan_reads.ScanKeepReads(), "fast_run scan"),
    (10, "UnShapeOpt", shapes.UnShapeOptimizer(), ""),
    (48.6, "specialize_device", registry.specialize_device, _always),
    (49, "merge2", MergeOptimizer(), "fast_run merge"),
    (49.3, "local_alloc_empty_to_zeros", in2out(fill.local_alloc_empty_to_zeros), "alloc_empty_to_zeros"),
    # 49.5: add_destroy_handler, in theanojax/compile/optimizers.py
    (60, "local_inplace_sparse_block_gemv", _once_in_place(nnet.local_inplace_sparse_block_gemv), "fast_run inplace"),
    (60, "local_inplace_sparse_block_outer", _once_in_place(nnet.local_inplace_sparse_block_outer), "fast_run inplace"),
    (60, "local_inplace_DiagonalSubtensor", _once_in_place(conv.local_inplace_DiagonalSubtensor), "fast_run inplace"),
    (60, "local_inplace_remove0", _once_in_place(sparse.local_inplace_remove0), "fast_run inplace"),
    (60, "typed_list_inplace_opt", _once_in_place(typed_list_inplace_opt), "fast_run inplace"),
    (75, "scanOp_make_inplace", scan_inplace.ScanInplaceOptimizer(), "fast_run inplace scan"),
    (95, "cond_make_inplace", _once(ifelse.cond_make_inplace), "fast_run inplace"),
    (100, "merge3", MergeOptimizer(), "fast_run merge"),
]

_fusion_tags = "fusion local_elemwise_fusion FusionOptimizer"

FINISHING = [
    (1.7, "BlasOpt", registry.blas_optdb, "fast_run fast_compile"),
    (2.02, "local_usmm", in2out(sparse.local_usmm), "fast_run"),
    (2.03, "local_usmm_csx", in2out(sparse.local_usmm_csx), "fast_run cxx_only"),
    (2.03, "local_mul_s_d", in2out(sparse.local_mul_s_d), "fast_run cxx_only"),
    (2.03, "local_mul_s_v", in2out(sparse.local_mul_s_v), "fast_run cxx_only"),
    (2.03, "local_structured_add_s_v", in2out(sparse.local_structured_add_s_v), "fast_run cxx_only"),
    (2.03, "local_sampling_dot_csr", in2out(sparse.local_sampling_dot_csr), "fast_run cxx_only"),
    (
        49,
        "elemwise_fusion",
        registry.fuse_seqopt,
        _fusion_tags + " fast_run" if config.tensor.local_elemwise_fusion else _fusion_tags,
    ),
    (60, "local_inplace_addsd_ccode", _once_in_place(sparse.local_inplace_addsd_ccode), "fast_run inplace"),
    (
        60,
        "local_usmm_csc_dense_inplace",
        _once_in_place(sparse.local_usmm_csc_dense_inplace),
        "fast_run inplace cxx_only",
    ),
    (61, "local_addsd_ccode", TopoOptimizer(sparse.local_addsd_ccode), "fast_run"),
    (60, "local_inplace_setsubtensor", _once_in_place(inc_subtensor.local_inplace_setsubtensor), "fast_run inplace"),
    (60, "local_inplace_incsubtensor1", _once_in_place(inc_subtensor.local_inplace_incsubtensor1), "fast_run inplace"),
    (70.0, "InplaceBlasOpt", blas.blas_opt_inplace, "fast_run inplace blas_opt_inplace"),
    (70.0, "c_blas_destructive", blas.c_blas_destructive, "fast_run inplace c_blas"),
    (70.0, "make_scipy_blas_destructive", blas.make_scipy_blas_destructive, "fast_run inplace"),
    (
        75,
        "inplace_elemwise_opt",
        inplace.inplace_elemwise_optimizer,
        "fast_run inplace inplace_opt inplace_elemwise_optimizer",
    ),
    (99, "random_make_inplace", _once(inplace.random_make_inplace), "fast_run inplace"),
    (99, "random_make_inplace_mrg", _once(inplace.mrg_random_make_inplace), "fast_run inplace"),
]

_tidy = scan_inputs.remove_constants_and_unused_inputs_scan
_tidy_tags = "fast_run scan remove_constants_and_unused_inputs_scan"
_gemm = "fast_run fast_compile conv_gemm"

# The rows of each database that is a pass, or one local rewrite, of the others; without a position where that has none.
INNER = [
    (
        registry.scan_seqopt1,
        [
            (0.5, "local_last_of_scan", _once(scan_memory.local_last_of_scan), "fast_run scan"),
            (1, "scanOp_remove_constants_and_unused_inputs0", _once(_tidy), _tidy_tags),
            (2, "scanOp_pushout_nonseqs_ops", scan_pushout.PushOutNonSeqScan(), "fast_run scan"),
            (3, "scanOp_pushout_seqs_ops", scan_pushout.PushOutSeqScan(), "fast_run scan"),
            (4, "scan_pushout_dot1", scan_pushout.PushOutDot1(), "fast_run scan more_mem"),
            (5, "scanOp_pushout_output", scan_pushout.PushOutScanOutput(), "fast_run scan more_mem"),
        ],
    ),
    (registry.scan_eqopt1, [(None, "all_pushout_opt", registry.scan_seqopt1, "fast_run scan")]),
    (
        registry.scan_eqopt2,
        [
            (None, "scanOp_remove_constants_and_unused_inputs1", _once(_tidy), _tidy_tags),
            (None, "scanOp_merge", scan_merge.ScanMerge(), "fast_run scan"),
            (None, "scanop_remove_constants_and_unused_inputs2", _once(_tidy), _tidy_tags),
            (None, "scanOp_merge_inouts", _once(scan_inputs.scan_merge_inouts), "fast_run scan scan_merge_inouts"),
            (None, "scanOp_remove_constants_and_unused_inputs3", _once(_tidy), _tidy_tags),
        ],
    ),
    (
        registry.blas_optdb,
        [
            (0, "local_dot_to_dot22", in2out(blas.local_dot_to_dot22), "fast_run fast_compile"),
            (10, "gemm_optimizer", gemm.GemmOptimizer(), "fast_run"),
            (11, "local_dot22_to_dot22scalar", in2out(blas.local_dot22_to_dot22scalar), "fast_run"),
            (15, "local_gemm_to_gemv", blas.to_vectors, "fast_run"),
            (20, "use_c_blas", in2out(blas.use_c_ger, blas.use_c_gemv), "fast_run c_blas"),
            (100, "scipy_blas", blas.use_scipy_blas, "fast_run"),
        ],
    ),
    (
        registry.fuse_seqopt,
        [
            (0, "local_add_mul_fusion", fusion.FusionOptimizer(fusion.local_add_mul_fusion), "fast_run fusion"),
            (1, "composite_elemwise_fusion", fusion.FusionOptimizer(fusion.local_elemwise_fusion), "fast_run fusion"),
        ],
    ),
    (
        registry.conv_groupopt,
        [
            (30, "local_abstractconv_gemm", conv.local_abstractconv_gemm, _gemm),
            (30, "local_abstractconv_gradweight_gemm", conv.local_abstractconv_gradweight_gemm, _gemm),
            (30, "local_abstractconv_gradinputs_gemm", conv.local_abstractconv_gradinputs_gemm, _gemm),
            (30, "local_abstractconv3d_gemm", conv.local_abstractconv3d_gemm, _gemm),
            (30, "local_abstractconv3d_gradweight_gemm", conv.local_abstractconv3d_gradweight_gemm, _gemm),
            (30, "local_abstractconv3d_gradinputs_gemm", conv.local_abstractconv3d_gradinputs_gemm, _gemm),
            (40, "local_conv2d_cpu", conv.local_conv2d_cpu, _always),
            (40, "local_conv2d_gradweight_cpu", conv.local_conv2d_gradweight_cpu, _always),
            (40, "local_conv2d_gradinputs_cpu", conv.local_conv2d_gradinputs_cpu, _always),
        ],
    ),
    (
        registry.bn_groupopt,
        [
            (30, "local_abstract_batch_norm_train", batchnorm.local_abstract_batch_norm_train, _always),
            (30, "local_abstract_batch_norm_train_grad", batchnorm.local_abstract_batch_norm_train_grad, _always),
            (30, "local_abstract_batch_norm_inference", batchnorm.local_abstract_batch_norm_inference, _always),
        ],
    ),
]

GROUPS = {
    "u": registry.local_useless,
    "c": registry.canonicalize,
    "s": registry.stabilize,
    "p": registry.specialize,
    "n": registry.uncanonicalize,
    "d": registry.specialize_device,
}

LOCAL = [
    (dimshuffle.local_0_dot_x, "c s"),
    (dimshuffle.local_useless_dimshuffle_in_reshape, "c"),
    (dimshuffle.local_lift_transpose_through_dot, "c"),
    (dimshuffle.local_dimshuffle_lift, "c p"),
    (dimshuffle.local_tensor_scalar_tensor, "c p"),
    (dimshuffle.local_scalar_tensor_scalar, "c p"),
    # a value stretched to a shape
    (fill.local_elemwise_alloc, "p", "local_alloc_elemwise"),
    (fill.local_fill_sink, "c"),
    (fill.local_fill_to_alloc, "p s"),
    (fill.local_useless_fill, "c:fast_compile u"),
    (fill.local_useless_alloc, "p s c u"),
    (fill.local_canonicalize_alloc, "p s c"),
    # shapes
    (shapes.local_shape_to_shape_i, "p c"),
    (shapes.local_track_shape_i, "p c"),
    (subtensor.local_subtensor_inc_subtensor, "p c"),
    (subtensor.local_subtensor_remove_broadcastable_index, "p c"),
    (subtensor.local_subtensor_make_vector, "p c:fast_compile_gpu u"),
    # elementwise Ops that do nothing
    (elemwise.local_useless_elemwise, "u c:fast_compile p"),
    (fill.local_alloc_unary, "p"),
    (elemwise.local_cast_cast, "c p"),
    (elemwise.local_func_inv, "c p"),
    (asserts.local_remove_useless_assert, "p"),
    (elemwise.local_upcast_elemwise_constant_inputs, "c"),
    # indexing
    (inc_subtensor.local_useless_inc_subtensor, "u c p"),
    (inc_subtensor.local_set_to_inc_subtensor, "c"),
    (subtensor.local_useless_slice, "u c p"),
    (subtensor.local_useless_subtensor, "c p"),
    (subtensor.local_subtensor_lift, "c:fast_compile"),
    (local_subtensor_merge, "c p"),
    (subtensor.local_subtensor_of_alloc, "u c p"),
    (subtensor.local_subtensor_of_dot, "c s p"),
    (inc_subtensor.local_IncSubtensor_serialize, "c"),
    (inc_subtensor.local_incsubtensor_of_zeros, "c s", "local_incsubtensor_of_allocs"),
    (inc_subtensor.local_incsubtensor_of_zeros_to_setsubtensor, "c p"),
    (inc_subtensor.local_setsubtensor_of_constants, "c s", "local_setsubtensor_of_allocs"),
    (inc_subtensor.local_adv_sub1_adv_inc_sub1, "c s"),
    (inc_subtensor.local_useless_inc_subtensor_alloc, "p s c u"),
    (join.local_useless_rebroadcast, "u c p"),
    (join.local_rebroadcast_lift, "c p"),
    (join.local_join_1, "p c u"),
    (join.local_join_empty, "u p c"),
    (join.local_join_make_vector, "p c u"),
    (reduce.local_sumsqr2dot, "c p"),
    (stabilize.local_expm1, "s p c"),
    # switch
    (elemwise.local_useless_switch, "u c:fast_compile p", "local_remove_switch_const_cond"),
    (elemwise.local_mul_switch_sink, "p c"),
    (elemwise.local_div_switch_sink, "c"),
    (elemwise.local_merge_switch_same_cond, "c"),
    (join.local_useless_tile, "u c s"),
    (join.local_useless_split, "u c p"),
    # reshape
    (reshape.local_flatten_lift, "c s"),
    (reshape.reshape_chain, "c"),
    (reshape.local_useless_reshape, "u c s"),
    (reshape.local_reshape_to_dimshuffle, "c"),
    (reshape.local_reshape_lift, "c s"),
    (elemwise.remove_tensor_copy, "c"),
    # sums and products
    (algebra.local_mul_canonizer, "c"),
    (arithmetic.local_neg_to_mul, "c"),
    (reduce.local_sum_prod_mul_by_scalar, "p"),
    (elemwise.local_elemwise_sub_zeros, "p"),
    (elemwise.local_useless_elemwise_comparison, "u p s c"),
    (reduce.local_sum_prod_div_dimshuffle, "c p"),
    (nnet.local_sum_over_softmax_denominator, "c"),
    (reduce.local_sum_prod_all_to_none, "c"),
    (reduce.local_op_of_op, "c"),
    (reduce.local_reduce_join, "c n"),
    (reduce.local_useless_reduce, "c:fast_compile u", "local_cut_useless_reduce"),
    (reduce.local_reduce_broadcastable, "c n p"),
    (reduce.local_opt_alloc, "p"),
    (arithmetic.local_neg_neg, "p"),
    (arithmetic.local_neg_div_neg, "p"),
    (arithmetic.local_mul_zero, "c"),
    (arithmetic.local_div_to_inv, "p"),
    (arithmetic.local_inv_canon, "c"),
    (arithmetic.local_pow_canonicalize, "c"),
    (arithmetic.local_mul_to_sqr, "p"),
    (arithmetic.local_intdiv_by_one, "c"),
    (arithmetic.local_zero_div, "c p"),
    (arithmetic.local_pow_specialize, "p"),
    (arithmetic.local_pow_specialize_device, "d"),
    (registry.conv_groupopt, "d", "fast_compile"),
    (conv.local_ctc_no_grad, "c:fast_compile"),
    (arithmetic.local_mul_specialize, "p"),
    (arithmetic.local_add_specialize, "p"),
    (arithmetic.local_abs_lift, "c"),
    (arithmetic.local_abs_merge, "p"),
    # logarithms and exponentials
    (stabilize.local_log1p, "s p"),
    (stabilize.local_log_add, "s p"),
    (algebra.local_add_canonizer, "c"),
    (algebra.local_greedy_distributor, "c s"),
    (stabilize.local_one_plus_erf, "c s p"),
    (stabilize.local_one_minus_erf, "c s p"),
    (stabilize.local_one_minus_erf2, "c s p"),
    (stabilize.local_one_plus_neg_erf, "c s p"),
    (stabilize.local_erf_minus_one, "c s p"),
    (stabilize.local_one_minus_erfc, "c s p"),
    (stabilize.local_one_minus_erfc2, "c s p"),
    (stabilize.local_one_minus_erfc3, "c s p"),
    (stabilize.local_one_add_neg_erfc, "c s p"),
    (stabilize.local_erf_neg_minus_one, "c s p"),
    (stabilize.local_erf_neg_minus_one2, "c s p"),
    (stabilize.local_log_erfc, "s p"),
    (stabilize.local_grad_log_erfc_neg, "s p"),
    (elemwise.local_useless_composite, "c"),
    (elemwise.local_view_op, "c:fast_compile u:fast_compile"),
    (fill.local_merge_alloc, "u c s p"),
    (sort.local_useless_topk, "u:fast_compile"),
    # the logistic function
    (sigmoid.logsigm_to_softplus, "s"),
    (sigmoid.log1msigm_to_softplus, "s"),
    (sigmoid.log1pexp_to_softplus, "s"),
    (sigmoid.log1p_neg_sigmoid, "s"),
    (sigmoid.local_exp_over_1_plus_exp, "s"),
    (sigmoid.local_sigm_times_exp, "s"),
    (sigmoid.local_inv_1_plus_exp, "s"),
    # softmax and cross-entropy
    (nnet.local_logsoftmax, "p", "stabilize fast_compile"),
    (nnet.local_logsoftmax_grad, "p", "stabilize fast_compile"),
    (nnet.local_softmax_with_bias, "p", "fast_compile_gpu"),
    (nnet.crossentropy_to_crossentropy_with_softmax_with_bias, "s p", "fast_compile_gpu"),
    (
        nnet.local_softmax_grad_to_crossentropy_with_softmax_grad,
        "p",
        "fast_compile_gpu local_crossentropy_to_crossentropy_with_softmax_grad",
    ),
    (nnet.local_argmax_pushdown, "p", "fast_compile_gpu"),
    (nnet.local_advanced_indexing_crossentropy_onehot, "p", "fast_compile_gpu"),
    (nnet.local_advanced_indexing_crossentropy_onehot_grad, "p", "fast_compile_gpu"),
    (softmax_views.local_logsoftmax_of_view, "p"),
    (softmax_views.local_logsoftmax_grad_of_view, "p"),
    (nnet.graph_merge_softmax_with_crossentropy_softmax, "p", "fast_compile_gpu"),
    (nnet.local_useless_crossentropy_softmax_1hot_with_bias_dx_alloc, "p s c"),
    # sparse matrices
    (sparse.local_csm_properties_csm, "c p"),
    (sparse.local_dense_from_sparse_sparse_from_dense, "c"),
    (registry.bn_groupopt, "d", "fast_compile"),
    # what breaks the canonical form
    (reduce.local_max_and_argmax, "n"),
    (reduce.local_max_to_min, "n"),
    (fill.local_alloc_dimshuffle, "n"),
    (reshape.local_reshape_dimshuffle, "n"),
    (fill.local_dimshuffle_alloc, "n"),
    (dimshuffle.local_dimshuffle_subtensor, "n"),
]

# Chosen by their names or tags alone.
ON_REQUEST = [
    (asserts.local_remove_all_assert, "c s p u", "unsafe"),
    (sigmoid.local_ultra_fast_sigmoid, "n", ""),
    (sigmoid.local_hard_sigmoid, "n", ""),
]


def _register(db, rows):
    for position, name, opt, tags in rows:
        if isinstance(db, SequenceDB):
            db.register(name, opt, position, *tags.split())
        elif isinstance(db, LocalGroupDB):
            db.register(name, opt, *tags.split(), position=position)
        else:
            db.register(name, opt, *tags.split())


def _fill():
    for db, rows in INNER:
        _register(db, rows)
    _register(optdb, PASSES)
    _register(optdb, FINISHING)
    for _, _, opt, _ in FINISHING:
        for single in [opt] if isinstance(opt, Optimizer) else [next(iter(opt.__db__[n])) for n in opt._names]:
            single.finishing = True
    registry.canonicalize.register("merge", MergeOptimizer(), "fast_run", "fast_compile", cleanup=True)
    for row in LOCAL:
        rewrite, groups, tags = row if len(row) == 3 else (*row, "")
        for group in groups.split():
            letter, _, own_tags = group.partition(":")
            GROUPS[letter].register(rewrite.__name__, rewrite, "fast_run", *tags.split(), *own_tags.split())
    for rewrite, groups, tags in ON_REQUEST:
        for letter in groups.split():
            GROUPS[letter].register(rewrite.__name__, rewrite, *tags.split(), use_db_name_as_tag=False)
    for letter in "cnsp":
        GROUPS[letter].register(
            "topo_constant_folding", topo_constant_folding, "fast_run", "fast_compile", final_opt=True
        )


_fill()

_built: dict = {}


def optimizer_for(query):
    """The optimizer that `query` chooses: a Query, or the name of one ("fast_run", "o1" ... "unsafe", "merge", None).

    KeyError for a name that nothing is known by.
    """
    if not isinstance(query, Query):
        query = predefined_optimizers[query]
        if not isinstance(query, Query):
            return query
    if query.extra_optimizations or query.subquery:
        return optdb.query(query)
    key = (
        tuple(query.include),
        tuple(query.require),
        tuple(query.exclude),
        query.position_cutoff,
        config.optdb.position_cutoff,
        config.optdb.max_use_ratio,
        registry.version(),
    )
    if key not in _built:
        if len(_built) > 30:
            _built.clear()
        _built[key] = optdb.query(query)
    return _built[key]
