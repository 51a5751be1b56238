"""Identity from metadata: ``__props__`` gives equality, hash and printing."""


def hashable(value):
    if isinstance(value, (list, tuple)):
        return tuple(map(hashable, value))
    if isinstance(value, dict):
        return tuple(sorted((k, hashable(v)) for k, v in value.items()))
    return value


class Props:
    """Base of classes that may declare ``__props__``, a tuple of attribute names.

    A class that declares it gets ``__eq__``, ``__hash__`` and ``__str__`` from these attributes, unless it
    defines them itself: two instances of the same class with equal attributes are the same thing.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if "__props__" not in own or own["__props__"] is None:
            return
        if not isinstance(own["__props__"], tuple):
            raise TypeError("__props__ should be a tuple")
        if "__hash__" not in own and "__eq__" not in own:
            cls.__hash__ = Props._props_hash
            cls.__eq__ = Props._props_eq
        elif "__hash__" not in own:
            cls.__hash__ = Props._props_hash
        elif "__eq__" not in own:
            cls.__eq__ = Props._props_eq
        if "__str__" not in own:
            cls.__str__ = Props._props_str

    def _props(self):
        return tuple(getattr(self, name) for name in self.__props__)

    def _props_dict(self):
        return {name: getattr(self, name) for name in self.__props__}

    def _props_hash(self):
        return hash((type(self), hashable(self._props())))

    def _props_eq(self, other):
        return self is other or (type(self) is type(other) and self._props() == other._props())

    def _props_str(self):
        if not self.__props__:
            return type(self).__name__
        return "%s{%s}" % (type(self).__name__, ", ".join("%s=%r" % (p, getattr(self, p)) for p in self.__props__))
