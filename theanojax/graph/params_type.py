"""The parameters of an Op as one object, each with its type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.graph.c_interface import pieces_of
from theanojax.graph.enum_types import IDENTIFIER, EnumType
from theanojax.graph.type import Type

if TYPE_CHECKING:
    from typing import NoReturn

    from theanojax.graph.c_interface import Sub


# a name that no C struct could have as a field is refused, as in Theano
C_KEYWORDS = frozenset(
    re.split(
        r"\s+",
        """
    _Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Pragma _Static_assert _Thread_local
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const
    const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern
    false float for friend goto if inline int long mutable namespace new noexcept not not_eq NULL nullptr operator or
    or_eq private protected public register reinterpret_cast restrict return short signed sizeof static static_assert
    static_cast struct switch template this thread_local throw true try typedef typeid typename union unsigned using
    virtual void volatile wchar_t while xor xor_eq
    """.strip(),
    )
)


def hash_from_code(msg: str | bytes | np.ndarray[Any, Any]) -> str:
    """A name, fit for a Python module, that stands for `msg`."""
    if isinstance(msg, str):
        msg = msg.encode()
    elif isinstance(msg, np.ndarray):
        msg = msg.tobytes()
    import hashlib

    return "m" + hashlib.sha256(msg).hexdigest()


_STRUCT = """
#ifndef defined_%(name)s
#define defined_%(name)s
struct %(name)s {
    int theanojax_failed;
    PyObject* theanojax_source;
    %(declare)s

    %(name)s(PyObject* theanojax_object) {
        theanojax_failed = 0;
        theanojax_source = theanojax_object;
        %(init)s
        %(take)s
    }
    ~%(name)s() {
        %(cleanup)s
    }
    void theanojax_take(const char* field, void (%(name)s::*extract)(PyObject*)) {
        if (theanojax_failed) return;
        PyObject* value = PyMapping_GetItemString(theanojax_source, field);
        if (value) (this->*extract)(value);
        else theanojax_failed = 1;
        Py_XDECREF(value);
    }
    %(extract)s
};
#endif
"""


class Params(dict[str, Any]):
    """Values of the fields of a ParamsType, read as attributes or items; they cannot be changed.

    Hashing and comparing go by the types, so that arrays take part by their content. TypeError when a field is
    missing.
    """

    def __init__(self, params_type: ParamsType, **kwargs: Any) -> None:
        if not isinstance(params_type, ParamsType):
            raise TypeError("Params: 1st constructor argument should be a ParamsType.")
        missing = [field for field in params_type.fields if field not in kwargs]
        if missing:
            raise TypeError('Params: ParamsType attribute "%s" not in Params args.' % missing[0])
        super().__init__(**kwargs)
        vars(self)["params_type"] = params_type

    def __repr__(self) -> str:
        return "Params(%s)" % ", ".join("%s:%s:%s" % (k, type(v).__name__, v) for k, v in sorted(self.items()))

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError('Params: attribute "%s" does not exist.' % name)
        return self[name]

    def _refuse(self, *_: object) -> NoReturn:
        raise NotImplementedError("Params is immutable")

    __setattr__ = __setitem__ = __delitem__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        # dict's own protocol would set the items one by one
        return _rebuild, (vars(self)["params_type"], dict(self))

    def __hash__(self) -> int:  # type: ignore[override]  # unlike other dicts it never changes
        kind = vars(self)["params_type"]
        values = (t.make_constant(self[field]).signature() for field, t in zip(kind.fields, kind.types))
        return hash((type(self), kind, *values))

    def __eq__(self, other: object) -> bool:
        kind = vars(self)["params_type"]
        return type(self) is type(other) and kind == vars(other)["params_type"] and kind.values_eq(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


def _rebuild(params_type: ParamsType, values: dict[str, Any]) -> Params:
    return Params(params_type, **values)


class ParamsType(Type):
    """The type of several parameters: ``ParamsType(axis=Scalar("int32"), table=TensorType("float64", (False,)))``.

    An Op whose ``params_type`` is one gets, after the inputs and the output cells of ``perform``, a Params object
    with its attributes of these names. Constants of enumerations among the types are attributes of the ParamsType.

    Raises ValueError without fields, AttributeError for a field that is no identifier or for constants that two
    enumerations share, SyntaxError for a keyword of C, TypeError for what is not a Type.
    """

    def __init__(self, **kwargs: Type) -> None:
        if not kwargs:
            raise ValueError("Cannot create ParamsType from empty data.")
        for name, kind in kwargs.items():
            if not IDENTIFIER.fullmatch(name):
                raise AttributeError('ParamsType: attribute "%s" should be a valid identifier.' % name)
            if name in C_KEYWORDS:
                raise SyntaxError(
                    'ParamsType: "%s" is a potential C/C++ keyword and should not be used as attribute name.' % name
                )
            if not isinstance(kind, Type):
                raise TypeError(
                    'ParamsType: attribute "%s" should inherit from Theano Type, got "%s".'
                    % (name, type(kind).__name__)
                )
        self.fields = tuple(sorted(kwargs))
        self.types = tuple(kwargs[field] for field in self.fields)
        self.length = len(self.fields)
        self._constants, self._aliases = self._collect_enums()

    def _collect_enums(self) -> tuple[dict[str, int | float], dict[str, int | float]]:
        """Constant name -> value and alias -> value, of all enumerations among the types."""
        enums = [t for t in self.types if isinstance(t, EnumType)]
        constants = {name: value for e in enums for name, value in e.items()}
        aliases = {alias: e.fromalias(alias) for e in enums for alias in e.aliases}
        if len(constants) != sum(map(len, enums)):
            raise AttributeError("ParamsType: found different enum types with common constants names.")
        if len(aliases) != sum(len(e.aliases) for e in enums):
            raise AttributeError("ParamsType: found different enum types with common constants aliases.")
        if constants.keys() & aliases.keys():
            raise AttributeError("ParamsType: found aliases that have same names as constants.")
        return constants, aliases

    @property
    def name(self) -> str:
        """A name that equal ParamsTypes share and others do not."""
        return self.generate_struct_name()

    def generate_struct_name(self) -> str:
        return "_Params_%s_%s" % (hash_from_code(",".join(self.fields)), hash_from_code(",".join(map(str, self.types))))

    def __getattr__(self, name: str) -> int | float:
        # `_constants` itself is missing while a pickle is read
        if not name.startswith("_") and name in self._constants:
            return self._constants[name]
        raise AttributeError("%r object has no attribute %r" % (type(self).__name__, name))

    def __repr__(self) -> str:
        return "ParamsType<%s>" % ", ".join("%s:%s" % pair for pair in zip(self.fields, self.types))

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.fields == other.fields and self.types == other.types

    def __hash__(self) -> int:
        return hash((type(self), self.fields, self.types))

    def has_type(self, theano_type: Type) -> bool:
        return theano_type in self.types

    def get_type(self, field_name: str) -> Type:
        """The type of a field; ValueError for an unknown one."""
        return self.types[self.fields.index(field_name)]

    def get_field(self, theano_type: Type) -> str:
        """The first field, in alphabetical order, of this type; ValueError if there is none."""
        return self.fields[self.types.index(theano_type)]

    def get_enum(self, key: str) -> int | float:
        """The value of an enumeration's constant; KeyError for an unknown one."""
        return self._constants[key]

    def enum_from_alias(self, alias: str) -> int | float:
        """The value of an enumeration's constant with this alias or name; KeyError for an unknown one."""
        return self._aliases[alias] if alias in self._aliases else self._constants[alias]

    def get_params(self, *objects: Any, **kwargs: Any) -> Params:
        """Params with the fields' values from `kwargs`, or else from the last of `objects` that has such an attribute.

        Values are converted to their types, losing precision where need be. KeyError for a field without a value.
        """
        values: dict[str, Any] = {}
        for source in objects:
            values.update((field, getattr(source, field)) for field in self.fields if hasattr(source, field))
        values.update(kwargs)
        return Params(
            self,
            **{
                field: kind.filter(values[field], strict=False, allow_downcast=True)
                for field, kind in zip(self.fields, self.types)
            },
        )

    def extended(self, **kwargs: Type) -> ParamsType:
        """A ParamsType with these fields too."""
        return ParamsType(**{**dict(zip(self.fields, self.types)), **kwargs})

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Params:
        """Params with the attributes of `data`; TypeError if one does not fit, or if `strict` and it is no Params."""
        if strict and not isinstance(data, Params):
            raise TypeError("%s: strict mode: data should be an instance of Params." % self)
        values = {
            field: kind.filter(getattr(data, field), strict, allow_downcast)
            for field, kind in zip(self.fields, self.types)
        }
        return data if isinstance(data, Params) else Params(self, **values)

    def values_eq(self, a: Any, b: Any) -> bool:
        return all(kind.values_eq(getattr(a, field), getattr(b, field)) for field, kind in zip(self.fields, self.types))

    def values_eq_approx(self, a: Any, b: Any) -> bool:
        return all(
            kind.values_eq_approx(getattr(a, field), getattr(b, field)) for field, kind in zip(self.fields, self.types)
        )

    # ---------------------------------------------------------------- C: a pointer to a struct with the fields
    def c_support_code(self) -> list[str]:
        sub = {"fail": "{ theanojax_failed = 1; return; }"}
        code = [piece for kind in self.types for piece in pieces_of(kind, "c_support_code")]
        fields = list(zip(self.fields, self.types))
        extract = "void extract_%s(PyObject* py_%s) {\n%s\n}\n"
        return [
            *dict.fromkeys(code),
            _STRUCT
            % dict(
                name=self.name,
                declare="".join(kind.c_declare(field, sub) for field, kind in fields),
                init="".join(kind.c_init(field, sub) for field, kind in fields),
                cleanup="".join(kind.c_cleanup(field, sub) for field, kind in fields),
                extract="".join(extract % (field, field, kind.c_extract(field, sub)) for field, kind in fields),
                take="".join(
                    'theanojax_take("%s", &%s::extract_%s);\n' % (field, self.name, field) for field in self.fields
                ),
            ),
        ]

    def c_declare(self, name: str, sub: Sub, check_input: bool = True) -> str:
        return "%s* %s;\n" % (self.name, name)

    def c_init(self, name: str, sub: Sub) -> str:
        return "%s = NULL;\n" % name

    def c_extract(self, name: str, sub: Sub, check_input: bool = True) -> str:
        return "%s = new %s(py_%s);\nif (%s->theanojax_failed) %s\n" % (name, self.name, name, name, sub["fail"])

    def c_cleanup(self, name: str, sub: Sub) -> str:
        return "delete %s;\n%s = NULL;\n" % (name, name)

    def c_headers(self, c_compiler: Any = None) -> list[str]:
        return self._pieces("c_headers", c_compiler)

    def c_header_dirs(self, c_compiler: Any = None) -> list[str]:
        return self._pieces("c_header_dirs", c_compiler)

    def c_libraries(self, c_compiler: Any = None) -> list[str]:
        return self._pieces("c_libraries", c_compiler)

    def c_lib_dirs(self, c_compiler: Any = None) -> list[str]:
        return self._pieces("c_lib_dirs", c_compiler)

    def c_compile_args(self, c_compiler: Any = None) -> list[str]:
        return self._pieces("c_compile_args", c_compiler)

    def c_no_compile_args(self, c_compiler: Any = None) -> list[str]:
        return self._pieces("c_no_compile_args", c_compiler)

    def c_init_code(self) -> list[str]:
        return self._pieces("c_init_code")

    def _pieces(self, method: str, *args: Any) -> list[str]:
        return [piece for kind in self.types for piece in pieces_of(kind, method, *args)]

    def c_code_cache_version(self) -> tuple[Any, ...]:
        versions = tuple(kind.c_code_cache_version() for kind in self.types)
        return (1, *versions) if all(versions) else ()
