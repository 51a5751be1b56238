"""What lower layers call of upper ones: each name is set by the module that defines it, once it is imported.

This table is the only way up; imports point down. Use the names as ``above.name``, when something is called.
"""

from typing import Any

# The package theanojax.tensor: the operators of variables, and what turns values into tensors, end in its functions.
tensor: Any

# theanojax.printing.debug, for the text of an error
debugprint: Any

# theanojax.printing, for notebooks
mimebundle: Any

# theanojax.scan, for an Op whose gradient is a loop
scan: Any

# theanojax.runtime.native, for Ops that are written in C
native: Any

# theanojax.runtime.parallel, for an array on the devices of several processes
whole_array: Any

# theanojax.compile: to compute a value here and now, and to compile what is inside an Op
function: Any
get_mode: Any
OpFromGraph: Any
compiled_step: Any
is_watched: Any
HostExecutor: Any

# theanojax.toplevel, for a function as one of JAX
to_jax: Any
export: Any

# theanojax.toplevel, for packages that tensors may need and do not load
make_list: Any
construct_sparse_from_list: Any
