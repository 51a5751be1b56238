"""What a function takes and gives: `In`, `Out` and their bases."""

import warnings

from theanojax.graph.container import Container
from theanojax.graph.shared import SharedVariable


class SymbolicInput:
    """An input of a function that is being made.

    Parameters
    ----------
    variable : Variable
        Receives the value of the argument.
    name : str, optional
        Keyword under which the argument can be passed. With `autoname` it defaults to the variable's name.
    update : Variable, optional
        Expression, of the same type, whose value replaces the input's after each call.
    mutable : bool, optional
        Whether the function may overwrite the object passed. Defaults to True exactly if there is an `update`.
    strict : bool
        Accept only values that need no conversion.
    allow_downcast : bool or None
        Whether a value may lose precision when converted; None allows it for Python floats only.
    implicit : bool
        The caller may not pass this input.

    Raises TypeError if the name is no string or the update is of another type than the variable.
    """

    placement = None  # graph.placement.Placement, where a function runs on several devices

    def __init__(
        self,
        variable,
        name=None,
        update=None,
        mutable=None,
        strict=False,
        allow_downcast=None,
        autoname=True,
        implicit=False,
    ):
        if implicit is None:
            raise AssertionError("implicit must be True or False here")
        self.variable = variable
        self.name = variable.name if autoname and name is None else name
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError("name must be a string! (got: %s)" % self.name)
        self.update = update
        if update is not None and not variable.type == update.type:
            raise TypeError(
                "Variable '%s' has type %s but an update of type %s. The type of the update should be the same as "
                "the type of the variable" % (variable, variable.type, update.type)
            )
        self.mutable = (update is not None) if mutable is None else mutable
        self.strict, self.allow_downcast, self.implicit = strict, allow_downcast, implicit

    def __str__(self):
        return "In(%s)" % (self.variable if self.update is None else "%s -> %s" % (self.variable, self.update))

    __repr__ = __str__


class In(SymbolicInput):
    """A `SymbolicInput` that may have a value of its own.

    Parameters
    ----------
    value : optional
        Default of the argument. Without `update` it comes back after each call; with one it is the initial
        state. A `Container` or a shared variable is shared, not copied.
    borrow : bool, optional
        Outputs may be aliased to this input. Defaults to `mutable`, which implies it (AssertionError otherwise).
    implicit : bool or None
        None means: implicit if `value` is a container or a shared variable.
    shared : bool
        The value lives in a shared variable.

    The other parameters are those of `SymbolicInput`. An implicit input without value raises TypeError.
    """

    def __init__(
        self,
        variable,
        name=None,
        value=None,
        update=None,
        mutable=None,
        strict=False,
        allow_downcast=None,
        autoname=True,
        implicit=None,
        borrow=None,
        shared=False,
    ):
        self.shared = shared
        self.borrow = mutable if borrow is None else borrow
        if mutable and not self.borrow:
            raise AssertionError(
                "Symbolic input for variable %s (name=%s) has flags mutable=True, borrow=False. This combination is "
                "incompatible since mutable=True implies that the input variable may be both aliased (borrow=True) "
                "and overwritten." % (variable, name)
            )
        if implicit is None:
            implicit = isinstance(value, (Container, SharedVariable))
        super().__init__(variable, name, update, mutable, strict, allow_downcast, autoname, implicit)
        self.value = value
        if self.implicit and value is None:
            raise TypeError("An implicit input must be given a default value")


class Param(In):
    """Old spelling of `In`, where `value` was called `default`."""

    def __init__(
        self,
        variable,
        default=None,
        name=None,
        mutable=False,
        strict=False,
        allow_downcast=None,
        implicit=None,
        borrow=None,
    ):
        warnings.warn("The Param class is deprecated. Replace Param(default=N) by theano.In(value=N)", stacklevel=2)
        super().__init__(
            variable,
            name=name,
            value=default,
            mutable=mutable,
            strict=strict,
            allow_downcast=allow_downcast,
            implicit=implicit,
            borrow=borrow,
        )


class SymbolicOutput:
    """The variable `variable` as an output of a function that is being made.

    With ``borrow=True`` the result may be memory that the function keeps.
    """

    def __init__(self, variable, borrow=False):
        self.variable, self.borrow = variable, borrow

    def with_variable(self, variable):
        """The same, of another variable."""
        return Out(variable, borrow=self.borrow)

    def __str__(self):
        return "Out(%s,%s)" % (self.variable, self.borrow)

    __repr__ = __str__


Out = SymbolicOutput
