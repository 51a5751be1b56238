"""Functions on several devices and machines: what `theanojax.parallel` is; docs/parallel.md tells of it."""

from theanojax.compile.parallel import DataParallel as DataParallel, data_parallel as data_parallel
from theanojax.errors import ParallelWarning as ParallelWarning
from theanojax.parallel.checkpoints import restore as restore, save as save
from theanojax.parallel.parts import collectives as collectives, part as part
from theanojax.runtime.parallel.processes import (
    initialize as initialize,
    process_count as process_count,
    process_index as process_index,
)
