"""Identity from metadata: ``__props__`` gives equality, hash and printing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def hashable(value: Any) -> Any:
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

    __props__: tuple[str, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if "__props__" not in own or own["__props__"] is None:
            return
        if not isinstance(own["__props__"], tuple):
            raise TypeError("__props__ should be a tuple")
        for name, ours in _OURS:
            if name not in own:
                setattr(cls, name, ours)

    def _props(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__props__)

    def _props_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__props__}

    def _props_hash(self) -> int:
        return hash((type(self), hashable(self._props())))

    def _props_eq(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self._props() == other._props())

    def _props_str(self) -> str:
        if not self.__props__:
            return type(self).__name__
        return "%s{%s}" % (type(self).__name__, ", ".join("%s=%r" % (p, getattr(self, p)) for p in self.__props__))


_OURS = (("__hash__", Props._props_hash), ("__eq__", Props._props_eq), ("__str__", Props._props_str))
