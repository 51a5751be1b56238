"""Enumerations: types of Op parameters whose values are named constants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from theanojax.graph.type import Type

if TYPE_CHECKING:
    from typing import NoReturn

    from theanojax.graph.c_interface import Sub


CONSTANT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_TO_STRING = """
#ifdef DEBUG
static int theano_enum_to_string_%(cname)s(%(ctype)s value, char* text) {
    %(cases)s
    PyErr_SetString(PyExc_ValueError, "%(kind)s: unknown enum value.");
    return -1;
}
#endif
"""
_EXTRACT = """
%(name)s = PyLong_Check(py_%(name)s) ? (%(ctype)s)PyLong_AsLong(py_%(name)s)
                                     : (%(ctype)s)PyFloat_AsDouble(py_%(name)s);
if (PyErr_Occurred()) { %(fail)s }
"""
_EXTRACT_CONSTANT = """
switch (PyLong_AsLong(py_%(name)s)) {
    %(cases)s
    default:
        PyErr_SetString(PyExc_ValueError, "CEnumType: invalid value to map to C constants.");
        { %(fail)s }
}
"""


class EnumType(Type, dict[str, int | float]):
    """Named constants with given values: ``EnumType(A=1, B=2.5, C=("gamma", True))``.

    A value is an int, a float or a bool (kept as an int); a pair is an alias and a value. The constants are
    attributes and items (``enum.A``, ``enum["A"]``) and never change. In C they are macros of these names, a value is a
    `ctype`, and `cname` is part of the names of functions.

    Raises AttributeError for a name other than capital letters, digits and underscores, TypeError for a value or
    an alias that cannot be one.
    """

    def __init__(self, **kwargs: Any) -> None:
        ctype = kwargs.pop("ctype", "double").split()
        if not all(IDENTIFIER.fullmatch(word) for word in ctype):
            self._reject("invalid C type.")
        self.ctype = " ".join(ctype)
        self.cname = kwargs.pop("cname", "_".join(ctype))
        if not IDENTIFIER.fullmatch(self.cname):
            self._reject("invalid C name.")
        self.aliases: dict[str, str] = {}
        super().__init__({name: self._constant(name, value) for name, value in kwargs.items()})
        if any(alias in self for alias in self.aliases):
            self._reject("some aliases have same names as constants.")

    def _reject(self, why: str, error: type[Exception] = TypeError) -> NoReturn:
        raise error("%s: %s" % (type(self).__name__, why))

    def _constant(self, name: str, value: Any) -> int | float:
        """The value of constant `name`, whose alias, if any, is noted."""
        if not CONSTANT_NAME.fullmatch(name):
            self._reject(
                'invalid enum name: "%s". Only capital letters, underscores and digits are allowed.' % name,
                AttributeError,
            )
        if isinstance(value, (list, tuple)):
            alias, value = self._pair(value, "constant alias followed by constant value")
            self._check_alias(alias)
            if alias == name:
                self._reject("it's useless to create an alias with the same name as its associated constant.")
            if alias in self.aliases:
                self._reject('constant alias "%s" already used.' % alias)
            self.aliases[alias] = name
        if not isinstance(value, (int, float)):
            self._reject('constant "%s": expected integer or floating value, got "%s".' % (name, type(value).__name__))
        return int(value) if isinstance(value, bool) else value

    def _pair(self, value: Any, parts: str) -> Any:
        if len(value) != 2:
            self._reject("when using a tuple to define a constant, your tuple should contain 2 values: %s." % parts)
        return value

    def _check_alias(self, alias: object) -> None:
        if not isinstance(alias, str):
            self._reject('constant alias should be a string, got "%s".' % (alias,))

    def fromalias(self, alias: str) -> int | float:
        """The value of the constant with this alias, or with this name; KeyError if there is none."""
        return self[self.aliases.get(alias, alias)]

    def has_alias(self, alias: str) -> bool:
        return alias in self.aliases

    def get_aliases(self) -> tuple[str, ...]:
        """All aliases, sorted."""
        return tuple(sorted(self.aliases))

    def __getattr__(self, name: str) -> int | float:
        if name in self:
            return self[name]
        raise AttributeError("%r object has no attribute %r" % (type(self).__name__, name))

    def _refuse(self, *_: object) -> NoReturn:
        raise NotImplementedError("constant values are immutable.")

    __setitem__ = __delitem__ = _refuse

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self:
            self._refuse()
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # dict's own protocol would set the items one by one
        alias_of = {name: alias for alias, name in self.aliases.items()}
        state = {name: (alias_of[name], value) if name in alias_of else value for name, value in self.items()}
        return _rebuild, (type(self), dict(state, ctype=self.ctype, cname=self.cname))

    def _key(self) -> tuple[Any, ...]:
        return type(self), self.ctype, tuple(sorted(self.items())), tuple(sorted(self.aliases.items()))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]  # unlike other dicts it never changes
        return hash(self._key())

    def __repr__(self) -> str:
        alias_of = {name: "(%s)" % alias for alias, name in self.aliases.items()}
        constants = ("%s%s:%s" % (name, alias_of.get(name, ""), self[name]) for name in sorted(self))
        return "%s<%s>(%s)" % (type(self).__name__, self.ctype, ", ".join(constants))

    __str__ = __repr__

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> int | float:
        """`data` if it is one of the values; unless `strict` also a bool, or the name or alias of a constant.

        AssertionError when it is none of these, KeyError for an unknown name.
        """
        if not strict and isinstance(data, (bool, str)):
            data = self.fromalias(data) if isinstance(data, str) else int(data)
        if data not in self.values():
            raise AssertionError("%r is not a value of %s" % (data, self))
        return data

    def is_valid_value(self, a: Any) -> bool:
        return a in self.values()

    def c_to_string(self) -> str:
        """A C function ``theano_enum_to_string_<cname>(value, text)``, there with the flag ``cmodule.debug``.

        It writes the name of the constant; for an unknown value it sets a ValueError and is not 0.
        """
        cases = "".join('if (value == %s) { strcpy(text, "%s"); return 0; }\n' % (name, name) for name in self)
        return _TO_STRING % dict(cname=self.cname, ctype=self.ctype, cases=cases, kind=type(self).__name__)

    def c_support_code(self) -> str:
        defined = "".join("#define %s %s\n" % (name, self[name]) for name in sorted(self))
        return defined + self.c_to_string()

    def c_declare(self, name: str, sub: Sub, check_input: bool = True) -> str:
        return "%s %s;\n" % (self.ctype, name)

    def c_init(self, name: str, sub: Sub) -> str:
        return "%s = (%s)0;\n" % (name, self.ctype)

    def c_extract(self, name: str, sub: Sub, check_input: bool = True) -> str:
        return _EXTRACT % dict(sub, name=name, ctype=self.ctype)

    def c_cleanup(self, name: str, sub: Sub) -> str:
        return ""

    def c_code_cache_version(self) -> tuple[Any, ...]:
        return (1, self.ctype, self.cname, tuple(self.items()))


def _rebuild(cls: type[EnumType], constants: dict[str, Any]) -> EnumType:
    """A pickled enumeration; its class may take other arguments than EnumType's."""
    enum = cls.__new__(cls)
    EnumType.__init__(enum, **constants)
    return enum


class EnumList(EnumType):
    """Constants numbered from 0 in the order given: ``EnumList("A", ("B", "beta"), "C")``.

    A pair is a name and an alias. `ctype` is ``int`` unless given. Raises what EnumType raises.
    """

    def __init__(self, *names: str | tuple[str, str] | list[str], ctype: str = "int", cname: str | None = None) -> None:
        constants = {}
        for number, name in enumerate(names):
            value = number
            if isinstance(name, (list, tuple)):
                name, alias = self._pair(name, "constant name followed by constant alias")
                self._check_alias(alias)
                value = (alias, number)
            if not isinstance(name, str):
                self._reject('constant name should be a string, got "%s".' % (name,))
            if name in constants:
                self._reject('constant name already used ("%s").' % name)
            constants[name] = value
        super().__init__(**constants, ctype=ctype, **({} if cname is None else {"cname": cname}))


class CEnumType(EnumList):
    """An EnumList whose names are constants of C, which headers or other code define; its own numbers are not those."""

    def c_support_code(self) -> str:
        return self.c_to_string()

    def c_extract(self, name: str, sub: Sub, check_input: bool = True) -> str:
        cases = "".join("case %d: %s = %s; break;\n" % (self[constant], name, constant) for constant in self)
        return _EXTRACT_CONSTANT % dict(sub, name=name, cases=cases)
