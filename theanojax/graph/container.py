"""Container: the cell that holds the value of an input, an output or a shared variable."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from theanojax.graph.cells import Cell, on_device, raw
from theanojax.graph.shared_memory import kept
from theanojax.graph.type import PureType

if TYPE_CHECKING:
    from typing import Any

    from theanojax.graph.variable import Variable


class Container:
    """A value that always fits a type.

    Parameters
    ----------
    r : the variable whose value it is, or a type.
    storage : list whose first element is the value. Functions that share the list share the value.
    readonly : refuse assignment.
    strict, allow_downcast : how assigned values are converted, see ``TensorType.filter``.
    name : for error messages; the variable's by default.
    """

    def __init__(
        self,
        r: Variable | PureType,
        storage: list[Any],
        readonly: bool = False,
        strict: bool = False,
        allow_downcast: bool | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(storage, list) or not storage:
            raise TypeError("storage must be a list of length at least one")
        self.type: PureType = r if isinstance(r, PureType) else r.type
        self.name = getattr(r, "name", None) if name is None else name
        self.storage, self.readonly = storage, readonly
        self.strict, self.allow_downcast = strict, allow_downcast

    def __get__(self) -> Any:
        value = self.storage[0]
        if on_device(value):  # the caller may write into what it gets, so that becomes the value
            value = self.storage[0] = np.array(value)
        return value

    def __set__(self, value: Any) -> None:
        if self.readonly:
            raise Exception("Cannot set readonly storage: %s" % self.name)
        try:
            self._put(None if value is None else self._converted(value))
        except Exception as e:
            e.args = e.args + ('Container name "%s"' % self.name,)
            raise

    def _converted(self, value: Any) -> Any:
        """`value` as the type has it. Its methods need not know of what is not asked of them."""
        how = {"strict": True} if self.strict else {}
        if self.allow_downcast is not None:
            how["allow_downcast"] = self.allow_downcast
        if type(self.type).filter_inplace is PureType.filter_inplace:
            return self.type.filter(value, **how)
        return self.type.filter_inplace(value, self.storage[0], **how)

    def _put(self, value: Any) -> None:
        if isinstance(self.storage, Cell):
            self.storage.put(value)
        else:
            self.storage[0] = value

    data = property(__get__, __set__)
    value = property(__get__, __set__)

    def peek(self) -> Any:
        """The value as numpy has it, not to be written into; no call is waited for."""
        return self.copy_value() if on_device(raw(self.storage, 0)) else raw(self.storage, 0)

    def copy_value(self) -> Any:
        """A copy of the value, which leaves a device array where it is."""
        value = raw(self.storage, 0)
        if on_device(value):
            return self.storage.copied() if isinstance(self.storage, Cell) else np.array(value)
        if value is None or isinstance(value, np.generic):
            return value
        if type(value) is np.ndarray and value.dtype != object:
            if id(value) in kept and isinstance(self.storage, Cell):
                return self.storage.alone(value.copy)  # what is written in place is not read at the same time
            return value.copy()
        return deepcopy(value)

    def __str__(self) -> str:
        return "<%s>" % (self.storage[0],)

    def __repr__(self) -> str:
        return "<%r>" % (self.storage[0],)

    def __deepcopy__(self, memo: dict[int, Any]) -> Container:
        # Two containers of one list still share it after both are copied; their arrays are never devices'.
        self.__get__()
        return type(self)(
            deepcopy(self.type, memo),
            deepcopy(self.storage, memo),
            self.readonly,
            self.strict,
            self.allow_downcast,
            self.name,
        )

    def __getstate__(self) -> dict[str, Any]:
        self.__get__()
        return self.__dict__
