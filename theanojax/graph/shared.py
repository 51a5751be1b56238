"""SharedVariable: a variable that has a value, which all functions that use it share; and `shared`, which makes one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from theanojax.arrays import aligned_copy
from theanojax.devices import contexts
from theanojax.graph.cells import Cell, raw
from theanojax.graph.container import Container
from theanojax.graph.placement import spec_of
from theanojax.graph.shared_memory import keep_in_place
from theanojax.graph.tag import add_tag_trace
from theanojax.graph.tracebacks import boundary
from theanojax.graph.type import generic
from theanojax.graph.variable import Variable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from theanojax.graph.placement import Spec
    from theanojax.graph.type import PureType

    Constructor = Callable[..., "SharedVariable"]


class SharedVariable(Variable):
    """A variable with a value of its own; made by ``theano.shared``.

    Parameters
    ----------
    name, type : as of other variables.
    value : the initial value, converted by ``type.filter``.
    strict : values must have the right type; nothing is converted.
    allow_downcast : True lets conversions lose precision, False never, None only that of Python floats to floatX.
    container : the Container to use instead of a new one; `value` and `strict` must then be None.

    Functions read an attribute ``default_update``: the expression of the next value, used whenever a function
    that uses this variable is called.
    """

    default_update: Variable
    sharding: Spec | None = None  # the axis of devices that each dimension is split over, or None

    def __init__(
        self,
        name: str | None,
        type: PureType,
        value: Any,
        strict: bool | None,
        allow_downcast: bool | None = None,
        container: Container | None = None,
    ) -> None:
        super().__init__(type=type, name=name, owner=None, index=None)
        if container is None:
            cell = Cell(type.filter(value, strict=bool(strict), allow_downcast=allow_downcast))
            container = Container(self, cell, strict=bool(strict), allow_downcast=allow_downcast)
        elif value is not None or strict is not None:
            raise TypeError("value and strict are ignored if you pass a container here")
        self.container: Container = container

    def get_test_value(self) -> Any:
        return self.get_value(borrow=True)

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The value: a copy, or with `borrow` the stored object itself, through which the variable may be changed."""
        return self.container.value if borrow else self.container.copy_value()

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Replace the value, by a copy of `new_value` or with `borrow` by the object itself.

        A borrowed array stays the value until the next update; one in memory that is shared between processes
        also after that: updates are written into it.

        Raises
        ------
        TypeError or ValueError : the new value does not fit the type of the variable.
        """
        self.container.value = new_value if borrow else _copy(new_value)
        if borrow:
            keep_in_place(raw(self.container.storage, 0))

    def zero(self, borrow: bool = False) -> None:
        """Set all elements to 0; with `borrow`, in the stored array itself."""
        value = self.container.value
        if borrow:
            value[...] = 0
        else:
            self.container.value = value * 0

    def clone(self) -> SharedVariable:
        """Another variable with the same container."""
        twin = self.__class__(name=self.name, type=self.type, value=None, strict=None, container=self.container)
        twin.tag = copy.copy(self.tag)
        if self.sharding is not None:
            twin.sharding = self.sharding
        return twin

    def __getitem__(self, *args: Any) -> NoReturn:
        value = self.get_value(borrow=True)
        if isinstance(value, np.ndarray):
            contents = (
                "a Numpy array with dtype: '%s'. This data type is not currently recognized by Theano tensors: "
                "please cast your data into a supported numeric type if you need Theano tensor "
                "functionalities." % value.dtype
            )
        else:
            contents = (
                "an object of type: %s. Did you forget to cast it into a Numpy array before calling "
                "theano.shared()?" % type(value)
            )
        raise TypeError(
            "The generic 'SharedVariable' object is not subscriptable. This shared variable contains " + contents
        )

    def _no_value(self, *args: Any) -> NoReturn:
        raise Exception(
            "sharedvar.value does not exist anymore. Use sharedvar.get_value() or sharedvar.set_value() instead."
        )

    value = property(_no_value, _no_value)


def _copy(value: Any) -> Any:
    return aligned_copy(value) if type(value) is np.ndarray and value.dtype != object else copy.deepcopy(value)


_constructors: list[Constructor] = []


def shared_constructor(ctor: Constructor, remove: bool = False) -> Constructor:
    """Register `ctor` (or withdraw it) as a maker of shared variables; usable as a decorator.

    A constructor raises TypeError for values that are not its business. The last one registered is asked first.
    """
    (_constructors.remove if remove else _constructors.append)(ctor)
    return ctor


@boundary
def shared(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    sharding: Any = None,
    **kwargs: Any,
) -> SharedVariable:
    """A shared variable that starts with `value`.

    Parameters
    ----------
    value : array, number, sparse matrix, RandomState, ... not a symbolic variable. An array gives a tensor of its
        dtype, a Python int or float a scalar of int64 or float64; anything else, lists too, a variable of type Generic.
    name : str, optional
    strict : bool
        Values set later must have the right type already.
    allow_downcast : bool or None
        Whether values set later may lose precision.
    sharding : str or tuple, optional
        For an array too large for one device: the name of the axis of devices that each dimension is split over, or
        None; a name alone is that of the first dimension. See `data_parallel`.
    **kwargs
        For the constructor: ``borrow``, ``broadcastable``, ...

    Raises TypeError when no constructor accepts the value and the keywords.
    """
    if isinstance(value, Variable):
        raise TypeError("Shared variable constructor needs numeric values and not symbolic variables.")
    for construct in reversed(_constructors):
        try:
            made = construct(value, name=name, strict=strict, allow_downcast=allow_downcast, **kwargs)
        except TypeError:  # not its business
            continue
        except MemoryError as e:
            e.args = (*e.args, "you might consider using 'theano.shared(..., borrow=True)'")
            raise
        if sharding is not None:
            made.sharding = spec_of(sharding, getattr(made.type, "ndim", 0), name or "the variable")
        return add_tag_trace(made)
    text = (
        "No suitable SharedVariable constructor could be found. Are you sure all kwargs are supported? We do not "
        'support the parameter dtype or type. value="%s". parameters="%s"' % (value, kwargs)
    )
    target = kwargs.get("target", "cpu")
    if isinstance(target, str) and target not in ("cpu", *contexts):
        text += '. There is no context %s: the flag "contexts=%s->cuda0" names one' % (target, target)
    raise TypeError(text)


shared.constructors = _constructors  # type: ignore[attr-defined]  # for programs that look there


@shared_constructor
def generic_constructor(
    value: Any, name: str | None = None, strict: bool = False, allow_downcast: bool | None = None
) -> SharedVariable:
    """A shared variable for any Python object."""
    return SharedVariable(type=generic, value=value, name=name, strict=strict, allow_downcast=allow_downcast)
