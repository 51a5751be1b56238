"""The nodes of a symbolic graph: Variable, Constant and Apply."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.errors import MethodNotDefined
from theanojax.graph import above
from theanojax.graph.pickling import Flattened
from theanojax.graph.tag import Scratchpad, add_tag_trace, get_variable_trace_string
from theanojax.graph.tracebacks import boundary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, ClassVar, Literal, TypeAlias

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.op import Op
    from theanojax.graph.type import PureType

    # Who uses a variable: a node, or the graph itself as its output; and as which input or output.
    User: TypeAlias = "Apply | Literal['output']"
    Client: TypeAlias = tuple[User, int]


NoParams = object()


class Node(Flattened):
    """What a graph is made of."""

    tag: Scratchpad

    def get_parents(self) -> Sequence[Node]:
        raise NotImplementedError()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """What notebooks show."""
        return above.mimebundle(self)


class Apply(Node):
    """The application of an Op to input variables, giving new output variables.

    Parameters
    ----------
    op : Op
    inputs, outputs : lists of Variables. An output must be fresh: it may belong to no other Apply.
    """

    # set by the FunctionGraph that the node is in
    fgraph: FunctionGraph | None
    deps: dict[Any, Any]

    def __init__(self, op: Op, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
        for what, given in (("inputs", inputs), ("output", outputs)):
            if not isinstance(given, (list, tuple)):
                raise TypeError("The %s of an Apply must be a list or tuple" % what)
        for v in inputs:
            if not isinstance(v, Variable):
                raise TypeError("The 'inputs' argument to Apply must contain Variable instances, not %s" % (v,))
        for i, v in enumerate(outputs):
            if not isinstance(v, Variable):
                raise TypeError(
                    "The 'outputs' argument to Apply must contain Variable instances with no owner, not %s" % (v,)
                )
            if v.owner is None:
                v.owner, v.index = self, i
            elif (v.owner, v.index) != (self, i):
                raise ValueError("All output variables passed to Apply must belong to it.")
        self.op, self.inputs, self.outputs, self.tag = op, list(inputs), list(outputs), Scratchpad()

    nin = property(lambda self: len(self.inputs))
    nout = property(lambda self: len(self.outputs))
    out = property(lambda self: self.default_output())
    params_type = property(lambda self: getattr(self.op, "params_type", None))

    def run_params(self) -> Any:
        """What the Op says its parameters are; NoParams if it has none."""
        if self.params_type is None or not hasattr(self.op, "get_params"):
            return NoParams
        return self.op.get_params(self)

    def perform(self, inputs: Sequence[Any], output_storage: Sequence[list[Any]]) -> Any:
        """Run ``op.perform`` on values and output cells, with the parameters if it takes any.

        Where it is not implemented, the Op's C code.
        """
        if not self.op.only_c_code():
            params = self.run_params()
            extra = () if params is NoParams else (self.params_type.filter(params),)
            try:
                return self.op.perform(self, inputs, output_storage, *extra)
            except (NotImplementedError, MethodNotDefined):
                if not above.native.can_build(self):
                    raise
        return above.native.run(self, inputs, output_storage)

    def __copy__(self) -> Apply:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__getstate__())
        return twin

    def pickled_with(self) -> list[Variable]:
        return [*self.outputs, *self.inputs]

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__, fgraph=None)

    def default_output(self) -> Variable:
        """The output that stands for the whole node in an expression."""
        index = getattr(self.op, "default_output", None)
        if index is None:
            if self.nout == 1:
                return self.outputs[0]
            raise AttributeError("%s.default_output should be an output index." % self.op)
        if not isinstance(index, int):
            raise AttributeError("%s.default_output should be an int or long" % self.op)
        if not 0 <= index < self.nout:
            raise AttributeError("%s.default_output is out of range." % self.op)
        return self.outputs[index]

    def __str__(self) -> str:
        return default_node_formatter(self, map(str, self.inputs))

    __repr__ = __str__

    def clone(self) -> Apply:
        """The same application with fresh outputs."""
        return self._with(self.op, list(self.inputs))

    def _with(self, op: Op, inputs: Sequence[Variable]) -> Apply:
        twin = self.__class__(op, inputs, [o.clone() for o in self.outputs])
        twin.tag.__dict__.update(self.tag.__dict__)
        return twin

    def clone_with_new_inputs(self, inputs: Sequence[Variable], strict: bool = True) -> Apply:
        """The same Op on other `inputs`.

        With ``strict=False`` inputs of another type are accepted and the node is built anew by ``make_node``.
        """
        inputs = list(inputs)
        remake = False
        for i, (old, new) in enumerate(zip(self.inputs, inputs)):
            if old is not new and old.type is not new.type and old.type != new.type:
                if strict:
                    inputs[i] = old.type.filter_variable(new)
                else:
                    remake = True
        if not remake:
            return self._with(self.op, inputs)
        twin = self.op.make_node(*inputs)
        twin.tag.__dict__.update(self.tag.__dict__)
        return twin

    def get_parents(self) -> list[Variable]:
        """The inputs."""
        return list(self.inputs)


def _undefined_comparison(name: str) -> Callable[[Variable, object], Any]:
    def compare(self: Variable, other: object) -> Any:
        raise NotImplementedError("Subclasses of Variable must provide " + name, self.__class__.__name__)

    compare.__name__ = name
    return compare


class Variable(Node):
    """A symbolic value of some Type, either free (no owner) or output number `index` of the Apply `owner`.

    Equality is identity, so that variables can be keys; elementwise comparison is spelled ``eq``.
    """

    # set by the FunctionGraph that the variable is in
    fgraph: FunctionGraph | None
    clients: list[Client]

    __count__ = count(0)

    # Constructors that do for a copy no more than `clone` does.
    plain_constructors: ClassVar[set[Callable[..., None]]] = set()
    construction_observers: list[Callable[[Variable], None]] = []

    def get_test_value(self) -> Any:
        """The value that the variable has while graphs are tested as they are built; AttributeError without one."""
        if hasattr(self.tag, "test_value"):
            return self.tag.test_value
        raise AttributeError("%s has no test value %s" % (self, get_variable_trace_string(self)))

    @classmethod
    def append_construction_observer(cls, observer: Callable[[Variable], None]) -> None:
        """Call `observer` with each variable that is made from now on."""
        cls.construction_observers.append(observer)

    @classmethod
    def remove_construction_observer(cls, observer: Callable[[Variable], None]) -> None:
        """Call `observer` no more; ValueError if it was not called."""
        cls.construction_observers.remove(observer)

    @classmethod
    def notify_construction_observers(cls, instance: Variable) -> None:
        """Tell all observers of `instance`."""
        for observer in cls.construction_observers:
            observer(instance)

    def __init__(
        self, type: PureType, owner: Apply | None = None, index: int | None = None, name: str | None = None
    ) -> None:
        super().__init__()
        for value, kind, complaint in (
            (owner, Apply, "owner must be an Apply instance"),
            (index, int, "index must be an int"),
            (name, str, "name must be a string"),
        ):
            if value is not None and not isinstance(value, kind):
                raise TypeError(complaint, value)
        self.type, self.owner, self.index, self.name = type, owner, index, name
        self.tag = Scratchpad()
        self.auto_name = "auto_" + str(next(self.__count__))
        add_tag_trace(self)
        if self.construction_observers:
            self.notify_construction_observers(self)

    __numpy_dtype__ = property(lambda self: self.type.__numpy_dtype__)
    __lt__, __le__, __gt__, __ge__ = map(_undefined_comparison, ("__lt__", "__le__", "__gt__", "__ge__"))

    def __str__(self) -> str:
        return self._unnamed() if self.name is None else self.name

    def _unnamed(self) -> str:
        """How it prints without a name."""
        node = self.owner
        if node is None:
            return "<%s>" % self.type
        return "%s.%s" % (node.op, "out" if self.index == getattr(node.op, "default_output", None) else self.index)

    def __repr__(self) -> str:
        if not config.print_test_value:
            return str(self)
        from theanojax.graph.op import get_test_value

        try:
            return "%s\n%r" % (self, get_test_value(self))
        except AttributeError:  # it has none
            return str(self)

    def __copy__(self) -> Variable:
        return self.clone()

    def clone(self) -> Variable:
        """A free variable of the same type, name and annotations."""
        cls = self.__class__
        plain = cls.__init__ in self.plain_constructors and Variable.__init__ is _INIT
        if not plain or self.construction_observers:
            twin = cls(self.type, None, None, self.name)
        else:
            twin = cls.__new__(cls)
            twin.type, twin.owner, twin.index, twin.name = self.type, None, None, self.name
            twin.tag, twin.auto_name = Scratchpad(), "auto_" + str(next(self.__count__))
            if not hasattr(self.tag, "trace"):
                add_tag_trace(twin)
        _copy_tag(twin, self)
        return twin

    def get_parents(self) -> list[Apply]:
        """The Apply that computes this variable, in a list; an empty list if it is free."""
        return [] if self.owner is None else [self.owner]

    @boundary
    def eval(self, inputs_to_values: dict[Variable, Any] | None = None) -> Any:
        """The value of this expression, as a numpy array.

        Parameters
        ----------
        inputs_to_values : dict from Variable to value, for every free variable needed.

        The compiled function is kept on the variable, so a second call with the same keys is quick. MissingInputError
        if a free variable is missing.
        """
        values = {} if inputs_to_values is None else inputs_to_values
        given = tuple(sorted(values.keys(), key=id))
        compiled = self.__dict__.setdefault("_fn_cache", {})
        if given not in compiled:
            compiled[given] = above.function(given, self)
        return compiled[given](*map(values.get, given))

    def pickled_with(self) -> list[Apply]:
        return [] if self.owner is None else [self.owner]

    def __getstate__(self) -> dict[str, Any]:
        d = dict(self.__dict__)
        d.pop("_fn_cache", None)
        d.pop("clients", None)
        d.pop("fgraph", None)
        if not config.pickle_test_value and hasattr(self.tag, "test_value"):
            tag = Scratchpad()
            tag.__dict__.update({k: v for k, v in self.tag.__dict__.items() if k != "test_value"})
            d["tag"] = tag
        return d


_INIT = Variable.__init__  # what watches new variables puts another in its place
Variable.plain_constructors.add(_INIT)


def _copy_tag(target: Variable, source: Variable) -> None:
    copied = {k: v for k, v in source.tag.__dict__.items() if k not in ("attr", "attr_filter")}
    target.tag.__dict__.update(copied)


class Constant(Variable):
    """A variable whose value, `data`, is fixed while the graph is built."""

    def __init__(self, type: PureType, data: Any, name: str | None = None) -> None:
        super().__init__(type, None, None, name)
        self.data = type.filter(data)

    def get_test_value(self) -> Any:
        return self.data

    def equals(self, other: object) -> bool:
        return isinstance(other, Constant) and self.signature() == other.signature()

    def signature(self) -> Any:
        """A hashable key; constants with equal signatures are interchangeable."""
        return self.type, self.data

    def merge_signature(self) -> Any:
        """The key by which equal constants of one graph become one."""
        return self.signature()

    def _unnamed(self) -> str:
        text = str(self.data)
        return "Constant{%s}" % (text if len(text) <= 20 else text[:10] + "..." + text[-10:])

    def clone(self) -> Constant:
        twin = self.__class__(self.type, self.data, self.name)
        _copy_tag(twin, self)
        return twin

    @property
    def owner(self) -> None:
        return None

    @owner.setter
    def owner(self, value: Any) -> None:
        if value is not None:
            raise ValueError("Constant instances cannot have an owner.")

    @property
    def value(self) -> Any:
        return self.data


default_leaf_formatter = str


def default_node_formatter(op: Apply, argstrings: Iterable[str]) -> str:
    """The application `op`, an Apply, of inputs that are written `argstrings`: ``op(input, input)``."""
    return "%s(%s)" % (op.op, ", ".join(argstrings))
