"""Expressions as one line of text: ``pp(x ** 2)`` gives ``(x ** TensorConstant{2})``.

A printer has ``process(variable, pstate)`` and returns text. `pprint` chooses the printer of a variable by the Op
that computes it. How the library's own Ops are printed is the table at the end.
"""

import sys
from contextlib import contextmanager
from copy import copy

from theanojax.graph import above
from theanojax.graph.op import Op
from theanojax.graph.tag import Scratchpad
from theanojax.graph.traverse import io_toposort

VALID_ASSOC = {"left", "right", "either"}
_DEEP = 200  # Applies beyond which parts are printed first, so that printers do not recurse too deeply

use_ascii = True
special = {"middle_dot": "\\dot", "big_sigma": "\\Sigma"}
greek = {name: "\\" + name for name in ("alpha", "beta", "gamma", "delta", "epsilon")}


class PrinterState(Scratchpad):
    """What printers tell each other: ``pprinter``, ``precedence`` and ``memo``, the texts found so far."""

    def __init__(self, props=None, **more_props):
        if isinstance(props, Scratchpad):
            self.__update__(props)
        elif props is not None:
            self.__dict__.update(props)
        self.__dict__.update(more_props)
        self.memo = {}


@contextmanager
def _precedence(pstate, value):
    old = getattr(pstate, "precedence", None)
    pstate.precedence = value
    try:
        yield
    finally:
        pstate.precedence = old


class _NodePrinter:
    """Prints a variable from the Apply that computes it; each variable once per call of ``pp``."""

    what = "This printer"

    def process(self, output, pstate):
        if output not in pstate.memo:
            if output.owner is None:
                raise TypeError("%s cannot represent a variable that is not the result of an operation" % self.what)
            pstate.memo[output] = self.text(output, pstate)
        return pstate.memo[output]


class OperatorPrinter(_NodePrinter):
    """``(a + b)``, or ``(-a)`` where there is one input.

    Everything is put in parentheses; `precedence` and `assoc` ('left', 'right' or 'either') are passed on to
    printers that look at them.
    """

    def __init__(self, operator, precedence, assoc="left"):
        self.operator, self.precedence, self.assoc = operator, precedence, assoc
        if assoc not in VALID_ASSOC:
            raise AssertionError("assoc must be one of %s, not %r." % (sorted(VALID_ASSOC), assoc))

    what = property(lambda self: "operator %s" % self.operator)

    def text(self, output, pstate):
        inputs = output.owner.inputs
        parts = []
        for i, v in enumerate(inputs):
            inner = self.assoc == "left" and i != 0 or self.assoc == "right" and i != len(inputs) - 1
            with _precedence(pstate, self.precedence + (1e-6 if inner else 0)):
                parts.append(pstate.pprinter.process(v, pstate))
        return "(%s)" % (self.operator + parts[0] if len(parts) == 1 else (" %s " % self.operator).join(parts))


class PatternPrinter(_NodePrinter):
    """A template for each output, such as ``|%(0)s|``, filled with the inputs by position.

    Instead of a template alone, a tuple (template, precedence of input 0, of input 1 ...).
    """

    def __init__(self, *patterns):
        self.patterns = [(p, ()) if isinstance(p, str) else (p[0], tuple(p[1:])) for p in patterns]

    what = property(lambda self: "Patterns %s" % self.patterns)

    def text(self, output, pstate):
        node = output.owner
        pattern, precedences = self.patterns[node.outputs.index(output)]
        parts = {}
        for i, v in enumerate(node.inputs):
            with _precedence(pstate, precedences[i] if i < len(precedences) else 1000):
                parts[str(i)] = pstate.pprinter.process(v, pstate)
        return pattern % parts


class FunctionPrinter(_NodePrinter):
    """``name(a, b)``, with one of `names` for each output."""

    def __init__(self, *names):
        self.names = names

    what = property(lambda self: "function %s" % ", ".join(self.names))

    def name(self, output):
        return self.names[output.owner.outputs.index(output)]

    def text(self, output, pstate):
        with _precedence(pstate, -1000):
            args = [pstate.pprinter.process(v, pstate) for v in output.owner.inputs]
        return "%s(%s)" % (self.name(output), ", ".join(args))


class IgnorePrinter(_NodePrinter):
    """The first input, as if the Op were not there."""

    def text(self, output, pstate):
        return "%s" % pstate.pprinter.process(output.owner.inputs[0], pstate)


class LeafPrinter:
    """The name of the variable."""

    def process(self, output, pstate):
        if output not in pstate.memo:
            pstate.memo[output] = greek[output.name] if output.name in greek else str(output)
        return pstate.memo[output]


leaf_printer = LeafPrinter()


class DefaultPrinter(FunctionPrinter):
    """``Op(a, b)``, or the name of a variable that is not computed."""

    def __init__(self):
        super().__init__()

    def name(self, output):
        return str(output.owner.op)

    def process(self, output, pstate):
        printer = leaf_printer if output.owner is None else super()
        return printer.process(output, pstate)


default_printer = DefaultPrinter()


class DimShufflePrinter(_NodePrinter):
    """``x.T``, ``x`` where only dimensions of size 1 are put in front, else ``DimShuffle{0, x, 1}(x)``."""

    what = "DimShuffle"

    def text(self, output, pstate):
        order = list(output.owner.op.new_order)
        v = output.owner.inputs[0]
        inner = pstate.pprinter.process(v, pstate)
        while order and order[0] == "x":
            order.pop(0)
        if order == list(range(v.type.ndim)):
            return inner
        if order == list(range(v.type.ndim))[::-1]:
            return inner + ".T"
        return "DimShuffle{%s}(%s)" % (", ".join(map(str, order)), inner)


class SubtensorPrinter(_NodePrinter):
    """``x[1:, i]``. Symbolic ends of slices are printed as their types."""

    what = "Subtensor"

    def text(self, output, pstate):
        pprinter, node = pstate.pprinter, output.owner
        indices = list(node.inputs[1:])
        parts = []
        for entry in node.op.idx_list:
            if isinstance(entry, slice):
                start = "" if entry.start is None or entry.start == 0 else entry.start
                stop = "" if entry.stop is None or entry.stop == sys.maxsize else entry.stop
                parts.append("%s:%s%s" % (start, stop, "" if entry.step is None else ":%s" % entry.step))
            elif isinstance(entry, int):
                parts.append(str(entry))
            else:  # taken from the end, as Theano does: x[i, j] is printed x[j, i]
                with _precedence(pstate, -1000):
                    parts.append(pprinter.process(indices.pop(), pstate))
        with _precedence(pstate, 1000):
            return "%s[%s]" % (pprinter.process(node.inputs[0], pstate), ", ".join(parts))


class MakeVectorPrinter(_NodePrinter):
    """``[a, b]``."""

    what = "MakeVector"

    def text(self, output, pstate):
        with _precedence(pstate, 1000):
            return "[%s]" % ", ".join(pstate.pprinter.process(v, pstate) for v in output.owner.inputs)


class PPrinter:
    """Chooses a printer for each variable, and is called to print: ``pp(x)`` or ``pp(inputs, outputs, updates)``."""

    def __init__(self):
        self.printers, self.printers_dict = [], {}

    def assign(self, condition, printer):
        """Use `printer` for an Op, for a class of Ops, or where ``condition(pstate, variable)`` holds.

        Ops and classes go before conditions, later conditions before earlier ones.
        """
        if isinstance(condition, (Op, type)):
            self.printers_dict[condition] = printer
        else:
            self.printers.insert(0, (condition, printer))

    def process(self, r, pstate=None):
        """The text for the variable `r`."""
        if pstate is None or isinstance(pstate, dict):
            pstate = PrinterState(pprinter=self, **(pstate or {}))
            self._process_parts(r, pstate)
        owner = getattr(r, "owner", None)
        if owner is not None:
            for key in (owner.op, type(owner.op)):
                printer = self.printers_dict.get(key) or _library_printer(key)
                if printer is not None:
                    return printer.process(r, pstate)
        for condition, printer in self.printers:
            if condition(pstate, r):
                return printer.process(r, pstate)

    def _process_parts(self, r, pstate):
        if getattr(r, "owner", None) is None:
            return
        nodes = io_toposort([], [r])
        if len(nodes) > _DEEP:
            for v in {v: None for node in nodes for v in node.inputs}:
                self.process(v, pstate)

    def clone(self):
        twin = copy(self)
        twin.printers, twin.printers_dict = list(self.printers), dict(self.printers_dict)
        return twin

    def clone_assign(self, condition, printer):
        twin = self.clone()
        twin.assign(condition, printer)
        return twin

    def process_graph(self, inputs, outputs, updates=None, display_inputs=False):
        """One line for each named variable between `inputs` and `outputs`, for each output and for each update.

        `updates` is a dict from shared variable to its new value.
        """
        updates = dict(updates or {})
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        nodes = io_toposort(inputs + list(updates), outputs + list(updates.values()))
        named = [v for node in nodes for v in node.outputs if v.name is not None]

        def text(v):  # other named variables, which have lines of their own, by name
            pstate = PrinterState(pprinter=self)
            pstate.memo.update((u, leaf_printer.process(u, PrinterState())) for u in named if u is not v)
            return self.process(v, pstate)

        targets = {new: old for old, new in updates.items()}
        body, results, changes = [], {}, []
        for v in [v for node in nodes for v in node.outputs]:
            if v in targets:
                changes.append("%s <- %s" % (targets[v], text(v)))
            if v in outputs:
                i = outputs.index(v)
                start = "return" if len(outputs) == 1 else "%s =" % (v.name or "out[%i]" % i)
                results[i] = "%s %s" % (start, text(v))
            elif v.name is not None:
                body.append("%s = %s" % (v.name, text(v)))
        head = ["inputs: " + ", ".join(map(str, inputs + list(updates)))] if display_inputs else []
        return "\n".join(head + body + changes + [results[i] for i in sorted(results)])

    def __call__(self, *args):
        if len(args) == 1 or len(args) == 2 and isinstance(args[1], (PrinterState, dict)):
            return self.process(*args)
        if len(args) > 2:
            return self.process_graph(*args)
        raise TypeError("Not enough arguments to call.")


pprint = pp = PPrinter()
pprint.assign(lambda pstate, r: True, default_printer)

# ---------------------------------------------------------------- the library's own Ops
_ARITHMETIC = {
    "add": ("+", -2, "either"),
    "mul": ("*", -1, "either"),
    "sub": ("-", -2, "left"),
    "neg": ("-", 0, "either"),
    "true_div": ("/", -1, "left"),
    "int_div": ("//", -1, "left"),
    "pow": ("**", 1, "right"),
}


def _scalar_printers(scalar):
    rows = dict(_ARITHMETIC, mod=("%", -1, "left"))
    return {getattr(scalar, name): OperatorPrinter(*row) for name, row in rows.items()}


def _elemwise_printers(module):
    """A printer for each Elemwise of `module`, by the name that it was given (``Elemwise{exp,no_inplace}``)."""
    Elemwise, identity = above.tensor.Elemwise, above.tensor.scal.identity
    printers = {}
    for op in list(vars(module).values()):
        if not isinstance(op, Elemwise):
            continue
        if op.scalar_op == identity:
            printers[op] = IgnorePrinter()
            continue
        name = op.name or ""
        if name.startswith("Elemwise{"):
            name = name[len("Elemwise{") :].split(",")[0].rstrip("}")
        elif not name.endswith("_inplace"):
            continue
        base, inplace = (name[: -len("_inplace")], "=") if name.endswith("_inplace") else (name, "")
        if base in _ARITHMETIC:
            row = _ARITHMETIC[base]
            printers[op] = OperatorPrinter(row[0] + inplace, *row[1:])
        elif base == "abs_" and not inplace:
            printers[op] = PatternPrinter(("|%(0)s|", -1000))
        else:
            printers[op] = FunctionPrinter(("fill" if base == "second" else base) + inplace)
    return printers


def _cast_printers(module):
    return {op: FunctionPrinter(dtype) for dtype, op in module._cast_mapping.items()}


def _named(**printers):
    return lambda module: {getattr(module, name): printer for name, printer in printers.items()}


# module -> what makes its printers. A module that is not loaded yet has no Op in any graph.
_TABLES = {
    "theanojax.scalar": _scalar_printers,
    "theanojax.tensor.math": _elemwise_printers,
    "theanojax.tensor.inplace": _elemwise_printers,
    "theanojax.tensor.cast": _cast_printers,
    "theanojax.tensor.elemwise": _named(DimShuffle=DimShufflePrinter()),
    "theanojax.tensor.indexing.subtensor": _named(Subtensor=SubtensorPrinter()),
    "theanojax.tensor.shape": _named(MakeVector=MakeVectorPrinter()),
    "theanojax.tensor.creation": _named(Alloc=FunctionPrinter("alloc")),
    "theanojax.tensor.join": _named(Join=FunctionPrinter("join")),
    "theanojax.tensor.linalg.products": _named(Dot=OperatorPrinter(special["middle_dot"], -1, "left")),
    "theanojax.tensor.linalg.blas": _named(
        gemm_inplace=FunctionPrinter("gemm_inplace"), gemm_no_inplace=FunctionPrinter("gemm_no_inplace")
    ),
    "theanojax.tensor.nnet.sigm": _named(
        sigmoid=FunctionPrinter("sigmoid"),
        softplus=FunctionPrinter("softplus"),
        ultra_fast_sigmoid=FunctionPrinter("ultra_fast_sigmoid"),
    ),
}
_library: dict = {}  # Op or class -> printer


def _library_printer(op):
    """The printer for one of the library's own Ops (or a class of them), or None."""
    for name in list(_TABLES):
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, "_initializing", False):
            _library.update(_TABLES.pop(name)(module))
    return _library.get(op)
