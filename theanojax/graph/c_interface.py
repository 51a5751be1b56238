"""What Ops and types may say of themselves in C: Theano's methods, each optional.

All give pieces of C++ code, or say how it is compiled; `runtime.native` puts them together.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from theanojax.errors import MethodNotDefined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from theanojax.graph.variable import Apply

    Names = Sequence[str]
    Sub = dict[str, Any]


def call(method: Callable[..., Any], *args: Any, optional: int = 1) -> Any:
    """``method(*args)``, without the last `optional` of the arguments if it does not take them."""
    try:
        inspect.signature(method).bind(*args)
    except TypeError:
        args = args[:-optional]
    return method(*args)


def pieces_of(thing: CLinkerObject, method: str, *args: Any) -> list[str]:
    """What a method that gives a string, or several, says; nothing where it is not defined.

    The compiler, if it is given after the name of the method, is left out where the method does not take it.
    """
    give = getattr(thing, method, None)
    if give is None:
        return []
    try:
        found = call(give, *args) if args else give()
    except MethodNotDefined:
        return []
    return [found] if isinstance(found, str) else [piece for piece in found if piece]


class CLinkerObject:
    """What Ops and types have in common. A method may also take the compiler, ``gof.cmodule.GCC_compiler``."""

    def c_headers(self, c_compiler: Any = None) -> Names:
        """Headers to include: ``<math.h>``, or names that are put in quotes."""
        raise MethodNotDefined.of(self, "c_headers")

    def c_header_dirs(self) -> Names:
        """Folders where headers are looked for."""
        raise MethodNotDefined.of(self, "c_header_dirs")

    def c_libraries(self, c_compiler: Any = None) -> Names:
        """Libraries to link with, without `-l`."""
        raise MethodNotDefined.of(self, "c_libraries")

    def c_lib_dirs(self) -> Names:
        """Folders where libraries are looked for."""
        raise MethodNotDefined.of(self, "c_lib_dirs")

    def c_compile_args(self, c_compiler: Any = None) -> Names:
        """More options for the compiler."""
        raise MethodNotDefined.of(self, "c_compile_args")

    def c_no_compile_args(self) -> Names:
        """Options that the compiler must not get."""
        raise MethodNotDefined.of(self, "c_no_compile_args")

    def c_support_code(self) -> str | list[str]:
        """Code at the top: functions, structs, macros."""
        raise MethodNotDefined.of(self, "c_support_code")

    def c_init_code(self) -> Names:
        """Statements to run when the module is loaded."""
        raise MethodNotDefined.of(self, "c_init_code")

    def c_code_cache_version(self) -> tuple[Any, ...]:
        """What changes when the code does; empty: what is compiled from private headers serves one process."""
        return ()


class CLinkerOp(CLinkerObject):
    """What Ops may have. `name` is the same in all methods, `sub["fail"]` is the statement that ends in an error."""

    def c_code(self, node: Apply, name: str, inputs: Names, outputs: Names, sub: Sub) -> str:
        """The computation, from the C variables `inputs` to those called `outputs`."""
        raise MethodNotDefined("%s.c_code" % self.__class__.__name__)

    def c_code_cleanup(self, node: Apply, name: str, inputs: Names, outputs: Names, sub: Sub) -> str:
        """What to run after ``c_code``, whether it has failed or not."""
        raise MethodNotDefined("%s.c_code_cleanup" % self.__class__.__name__)

    def c_code_cache_version_apply(self, node: Apply) -> tuple[Any, ...]:
        return self.c_code_cache_version()

    def c_support_code_apply(self, node: Apply, name: str) -> str:
        """Code at the top that depends on the node."""
        raise MethodNotDefined.of(self, "c_support_code_apply")

    def c_init_code_apply(self, node: Apply, name: str) -> str:
        """Statements that depend on the node, to run when the module is loaded."""
        raise MethodNotDefined.of(self, "c_init_code_apply")

    def c_support_code_struct(self, node: Apply, name: str) -> str:
        """Members of the struct that stands for the node: what it keeps from call to call."""
        raise MethodNotDefined.of(self, "c_support_code_struct")

    def c_init_code_struct(self, node: Apply, name: str, sub: Sub) -> str:
        """What the struct's constructor does."""
        raise MethodNotDefined.of(self, "c_init_code_struct")

    def c_cleanup_code_struct(self, node: Apply, name: str) -> str:
        """What the struct's destructor does."""
        raise MethodNotDefined.of(self, "c_cleanup_code_struct")


class CLinkerType(CLinkerObject):
    """What types may have: how a C variable called `name` is declared, read from ``py_<name>`` and written there."""

    def c_element_type(self) -> str:
        """The C type of one element."""
        raise MethodNotDefined.of(self, "c_element_type")

    def c_is_simple(self) -> bool:
        """Whether values are small: an output then starts from ``c_init``, and never from an earlier result."""
        return False

    def c_literal(self, data: Any) -> str:
        """`data` as C spells it."""
        raise MethodNotDefined.of(self, "c_literal")

    def c_declare(self, name: str, sub: Sub, check_input: bool = True) -> str:
        """Declarations, of `name` among them."""
        raise MethodNotDefined.of(self, "c_declare")

    def c_init(self, name: str, sub: Sub) -> str:
        """Give it a value where there is none."""
        raise MethodNotDefined.of(self, "c_init")

    def c_extract(self, name: str, sub: Sub, check_input: bool = True) -> str:
        """Read it from ``py_<name>``."""
        raise MethodNotDefined.of(self, "c_extract")

    def c_extract_out(self, name: str, sub: Sub, check_input: bool = True) -> str:
        """Read an output's earlier value, or start from ``c_init`` if that is None."""
        return "if (py_%s == Py_None) {\n%s\n} else {\n%s\n}\n" % (
            name,
            self.c_init(name, sub),
            call(self.c_extract, name, sub, check_input),
        )

    def c_sync(self, name: str, sub: Sub) -> str:
        """Write it to ``py_<name>``, whose old value is released."""
        raise MethodNotDefined.of(self, "c_sync")

    def c_cleanup(self, name: str, sub: Sub) -> str:
        """Release what the variable holds."""
        raise MethodNotDefined.of(self, "c_cleanup")
