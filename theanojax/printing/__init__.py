"""Looking at graphs and values: debugprint, pp, the Print Op, pydotprint."""

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.printing import dot as printing_dot
from theanojax.printing.debug import char_from_number, debugprint
from theanojax.printing.dot import default_colorCodes, pydotprint
from theanojax.printing.pp import (
    VALID_ASSOC,
    DefaultPrinter,
    DimShufflePrinter,
    FunctionPrinter,
    IgnorePrinter,
    LeafPrinter,
    MakeVectorPrinter,
    OperatorPrinter,
    PatternPrinter,
    PPrinter,
    PrinterState,
    SubtensorPrinter,
    default_printer,
    greek,
    leaf_printer,
    pp,
    pprint,
    special,
    use_ascii,
)
from theanojax.printing.shown import mimebundle as _mimebundle  # noqa: F401
from theanojax.printing.text import (
    _TagGenerator,
    get_variable_trace_string,
    hex_digest,
    min_informative_str,
    position_independent_str,
    var_descriptor,
)

__all__ = [
    "DefaultPrinter",
    "DimShufflePrinter",
    "FunctionPrinter",
    "IgnorePrinter",
    "LeafPrinter",
    "MakeVectorPrinter",
    "OperatorPrinter",
    "PPrinter",
    "PatternPrinter",
    "Print",
    "PrinterState",
    "SubtensorPrinter",
    "VALID_ASSOC",
    "_TagGenerator",
    "char_from_number",
    "debugprint",
    "default_colorCodes",
    "default_printer",
    "get_variable_trace_string",
    "greek",
    "hex_digest",
    "leaf_printer",
    "min_informative_str",
    "position_independent_str",
    "pp",
    "pprint",
    "pydotprint",
    "special",
    "use_ascii",
    "var_descriptor",
]


def __getattr__(name):
    if name in ("pydot_imported", "pydot_imported_msg"):  # looked up late: it starts graphviz
        imported, message = printing_dot.pydot_status()
        return imported if name == "pydot_imported" else message
    raise AttributeError("module %r has no attribute %r" % (__name__, name))


def _print_fn(op, xin):
    for attr in op.attrs:
        value = getattr(xin, attr)
        print(op.message, attr, "=", value() if callable(value) else value)


class Print(Op):
    """The input itself, which is printed each time the graph runs.

    ``Print("x", attrs=["shape", "min"])(x)`` prints a line ``x shape = (3,)`` and a line ``x min = 0.5``: for each
    name in `attrs` an attribute of the value, called if it is a method. `global_fn` is called with the Op and the
    value instead of that, if given. Rewrites do not look through the Op.
    """

    __props__ = ("message", "attrs", "global_fn")
    view_map = {0: [0]}
    side_effect = True

    def __init__(self, message="", attrs=("__str__",), global_fn=_print_fn):
        self.message = message
        self.attrs = tuple(attrs)
        self.global_fn = global_fn

    def make_node(self, xin):
        return Apply(self, [xin], [xin.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0]
        self.global_fn(self, inputs[0])

    def lower_xla(self, ctx, node, x):
        ctx.host_callback(lambda value: self.global_fn(self, value), x)
        return x

    def grad(self, input, output_gradients):
        return output_gradients

    def R_op(self, inputs, eval_points):
        return list(eval_points)

    def vectorize_node(self, node, inputs, batch):
        return [self(inputs[0])]

    def __setstate__(self, dct):
        dct.setdefault("global_fn", _print_fn)  # absent from old pickles
        self.__dict__.update(dct)

    def c_code_cache_version(self):
        return (1,)
