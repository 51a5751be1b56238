"""`shared` under the path where compile's users look for it; it lives in `theanojax.graph.shared`."""

from theanojax.graph.shared import (
    SharedVariable as SharedVariable,
    generic_constructor as generic_constructor,
    shared as shared,
    shared_constructor as shared_constructor,
)
