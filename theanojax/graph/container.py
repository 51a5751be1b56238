"""Container: the cell that holds the value of an input, an output or a shared variable."""

from copy import deepcopy

import numpy as np

from theanojax.graph.type import PureType, Type


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

    def __init__(self, r, storage, readonly=False, strict=False, allow_downcast=None, name=None):
        if not isinstance(storage, list) or not storage:
            raise TypeError("storage must be a list of length at least one")
        self.type = r if isinstance(r, Type) else r.type
        self.name = getattr(r, "name", None) if name is None else name
        self.storage = storage
        self.readonly = readonly
        self.strict = strict
        self.allow_downcast = allow_downcast

    def __get__(self):
        value = self.storage[0]
        if value is None or isinstance(value, (np.ndarray, np.generic)):
            return value
        to_host = getattr(self.type, "to_host", None)
        if to_host is None:
            return value
        # An array on a device. The caller may write into what it gets, so that becomes the value.
        self.storage[0] = to_host(value)
        return self.storage[0]

    def __set__(self, value):
        if self.readonly:
            raise Exception("Cannot set readonly storage: %s" % self.name)
        try:
            if value is None:
                self.storage[0] = None
                return
            how = {}
            if self.strict:
                how["strict"] = True
            if self.allow_downcast is not None:
                how["allow_downcast"] = self.allow_downcast
            if type(self.type).filter_inplace is not PureType.filter_inplace:
                self.storage[0] = self.type.filter_inplace(value, self.storage[0], **how)
            else:
                self.storage[0] = self.type.filter(value, **how)
        except Exception as e:
            e.args = e.args + ('Container name "%s"' % self.name,)
            raise

    data = property(__get__, __set__)
    value = property(__get__, __set__)

    def copy_value(self):
        """A copy of the value, which leaves a device array where it is."""
        value = self.storage[0]
        to_host = getattr(self.type, "to_host", None)
        if value is None or isinstance(value, np.generic):
            return value
        if type(value) is np.ndarray and value.dtype != object:
            return value.copy()
        if to_host is not None and not isinstance(value, np.ndarray):
            return to_host(value)
        return deepcopy(value)

    def __str__(self):
        return "<" + str(self.storage[0]) + ">"

    def __repr__(self):
        return "<" + repr(self.storage[0]) + ">"

    def __deepcopy__(self, memo):
        # Two containers of one list still share it after both are copied; their arrays are never devices'.
        self.__get__()
        return type(self)(deepcopy(self.type, memo), deepcopy(self.storage, memo), self.readonly, self.strict,
                          self.allow_downcast, self.name)

    def __getstate__(self):
        self.__get__()
        return self.__dict__
