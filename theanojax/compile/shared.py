"""`shared`: a variable that keeps its value between calls, made by the constructor that knows the value's kind."""

from theanojax.graph.shared import SharedVariable
from theanojax.graph.tag import add_tag_trace
from theanojax.graph.type import generic
from theanojax.graph.variable import Variable


def shared_constructor(ctor, remove=False):
    """Register `ctor` (or withdraw it) as a maker of shared variables; usable as a decorator.

    A constructor raises TypeError for values that are not its business. The last one registered is asked first.
    """
    if remove:
        shared.constructors.remove(ctor)
    else:
        shared.constructors.append(ctor)
    return ctor


def shared(value, name=None, strict=False, allow_downcast=None, **kwargs):
    """A shared variable that starts with `value`.

    Parameters
    ----------
    value : array, number, sparse matrix, RandomState, ... not a symbolic variable.
    name : str, optional
    strict : bool
        Values set later must have the right type already.
    allow_downcast : bool or None
        Whether values set later may lose precision.
    **kwargs
        For the constructor: ``borrow``, ``broadcastable``, ...

    Raises TypeError when no constructor accepts the value and the keywords.
    """
    if not isinstance(value, Variable):
        for ctor in reversed(shared.constructors):
            try:
                var = ctor(value, name=name, strict=strict, allow_downcast=allow_downcast, **kwargs)
            except TypeError:
                continue
            except MemoryError as e:
                e.args = (*e.args, "you might consider using 'theano.shared(..., borrow=True)'")
                raise
            return add_tag_trace(var)
        raise TypeError(
            "No suitable SharedVariable constructor could be found. Are you sure all kwargs are supported? We do not "
            'support the parameter dtype or type. value="%s". parameters="%s"' % (value, kwargs))
    raise TypeError("Shared variable constructor needs numeric values and not symbolic variables.")


shared.constructors = []


@shared_constructor
def generic_constructor(value, name=None, strict=False, allow_downcast=None):
    """A shared variable for any Python object."""
    return SharedVariable(type=generic, value=value, name=name, strict=strict, allow_downcast=allow_downcast)
