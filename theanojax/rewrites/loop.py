"""The rewrites of loops, and when they run.

First (`scan_eqopt1`) whatever leaves a loop does so, before shapes are inferred; after stabilization
(`scan_eqopt2`) loops are merged; then, once, their buffers are cut down.
"""

from theanojax.graph.rewrite_db import EquilibriumDB, SequenceDB
from theanojax.graph.rewrite_walk import in2out
from theanojax.rewrites.scan_inplace import ScanInplaceOptimizer
from theanojax.rewrites.scan_inputs import remove_constants_and_unused_inputs_scan, scan_merge_inouts
from theanojax.rewrites.scan_memory import ScanKeepLastRows, ScanSaveMem, local_last_of_scan, scan_uncut_sequences
from theanojax.rewrites.scan_merge import ScanMerge
from theanojax.rewrites.scan_pushout import PushOutDot1, PushOutNonSeqScan, PushOutScanOutput, PushOutSeqScan

scan_seqopt1 = SequenceDB()
scan_eqopt1 = EquilibriumDB()
scan_eqopt2 = EquilibriumDB()


def _tidy():
    return in2out(remove_constants_and_unused_inputs_scan, ignore_newtrees=True)


_FIRST = [
    (0.5, "local_last_of_scan", in2out(local_last_of_scan, ignore_newtrees=True), ""),
    (1, "scanOp_remove_constants_and_unused_inputs0", _tidy(), "remove_constants_and_unused_inputs_scan"),
    (2, "scanOp_pushout_nonseqs_ops", PushOutNonSeqScan(), ""),
    (3, "scanOp_pushout_seqs_ops", PushOutSeqScan(), ""),
    (4, "scan_pushout_dot1", PushOutDot1(), "more_mem"),
    (5, "scanOp_pushout_output", PushOutScanOutput(), "more_mem"),
]
_LATER = [
    ("scanOp_remove_constants_and_unused_inputs1", _tidy(), "remove_constants_and_unused_inputs_scan"),
    ("scanOp_merge", ScanMerge(), ""),
    ("scanop_remove_constants_and_unused_inputs2", _tidy(), "remove_constants_and_unused_inputs_scan"),
    ("scanOp_merge_inouts", in2out(scan_merge_inouts, ignore_newtrees=True), "scan_merge_inouts"),
    ("scanOp_remove_constants_and_unused_inputs3", _tidy(), "remove_constants_and_unused_inputs_scan"),
]

for _position, _name, _rewrite, _tags in _FIRST:
    scan_seqopt1.register(_name, _rewrite, _position, "fast_run", "scan", *_tags.split())
for _name, _rewrite, _tags in _LATER:
    scan_eqopt2.register(_name, _rewrite, "fast_run", "scan", *_tags.split())
scan_eqopt1.register("all_pushout_opt", scan_seqopt1, "fast_run", "scan")

PASSES = [
    (0.05, "scan_eqopt1", scan_eqopt1, "fast_run scan"),
    (0.055, "scan_keep_last_rows", ScanKeepLastRows(), "fast_run scan"),
    (0.06, "scan_uncut_sequences", in2out(scan_uncut_sequences, ignore_newtrees=True), "fast_run scan"),
    (1.6, "scan_eqopt2", scan_eqopt2, "fast_run scan"),
    (1.61, "scanOp_save_mem", ScanSaveMem(), "fast_run scan"),
    (75, "scanOp_make_inplace", ScanInplaceOptimizer(), "fast_run inplace scan"),
]
