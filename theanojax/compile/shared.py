"""`shared` under the path where compile's users look for it; it lives in `theanojax.graph.shared`."""

from theanojax.graph.shared import SharedVariable as SharedVariable
from theanojax.graph.shared import generic_constructor as generic_constructor
from theanojax.graph.shared import shared as shared
from theanojax.graph.shared import shared_constructor as shared_constructor
