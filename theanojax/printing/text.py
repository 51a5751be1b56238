"""Short descriptions of variables and values, for error messages, logs and comparisons between runs."""

import numpy as np

from theanojax.graph.tag import get_variable_trace_string as get_variable_trace_string
from theanojax.graph.variable import Variable
from theanojax.printing.debug import char_from_number


class _TagGenerator:
    """Gives the tags A, B, C ..."""

    def __init__(self):
        self.cur_tag_number = 0

    def get_tag(self):
        tag = char_from_number(self.cur_tag_number)
        self.cur_tag_number += 1
        return tag


def min_informative_str(obj, indent_level=0, _prev_obs=None, _tag_generator=None):
    """`obj` (a variable) as a tree that ends at named variables, each line tagged by a capital letter.

    It is meant for error messages on large graphs: names cut it short, and there are no ids, so that two texts
    can be compared. The arguments with an underscore carry tags from one call to another.
    """
    tags = {} if _prev_obs is None else _prev_obs
    generator = _TagGenerator() if _tag_generator is None else _tag_generator
    lines, todo = [], [(obj, indent_level)]
    while todo:
        item, level = todo.pop()
        if id(item) in tags:
            lines.append("%s<%s>" % (" " * level, tags[id(item)]))
            continue
        tags[id(item)] = tag = generator.get_tag()
        owner = getattr(item, "owner", None)
        if hasattr(item, "__array__"):
            name = "<ndarray>"
        elif getattr(item, "name", None) is not None:
            name = item.name
        elif owner is not None:
            name = str(owner.op)
            todo.extend((v, level + 1) for v in reversed(owner.inputs))
        else:
            name = str(item)
        lines.append("%s%s. %s" % (" " * level, tag, name))
    return "\n".join(lines)


def var_descriptor(obj, _prev_obs=None, _tag_generator=None):
    """`obj` (a variable or an array) in one line that says all of how it is computed.

    Nothing in it depends on memory addresses: equal computations in two runs have equal descriptors.
    """
    tags = {} if _prev_obs is None else _prev_obs
    generator = _TagGenerator() if _tag_generator is None else _tag_generator
    parts, todo = [], [(False, obj)]
    while todo:
        is_text, item = todo.pop()
        if is_text:
            parts.append(item)
            continue
        if id(item) in tags:
            parts.append("<%s>" % tags[id(item)])
            continue
        tags[id(item)] = tag = generator.get_tag()
        owner = getattr(item, "owner", None)
        parts.append(tag + "=")
        if hasattr(item, "__array__"):
            array = np.asarray(item)
            parts.append("<ndarray:strides=[%s],digest=%s>" % (",".join(map(str, array.strides)), _digest(array)))
        elif owner is not None:
            parts.append(str(owner.op) + "(")
            todo.append((True, ")"))
            for i, v in reversed(list(enumerate(owner.inputs))):
                todo.append((False, v))
                if i:
                    todo.append((True, ","))
        elif getattr(item, "name", None) is not None:
            # of computed variables the name is left out, lest it hide how they are computed
            parts.append(item.name)
        else:
            name = str(item)
            parts.append(position_independent_str(item) if " at 0x" in name else name)
    return "".join(parts)


def position_independent_str(obj):
    """A text for the variable `obj` without its address; NotImplementedError for anything else."""
    if not isinstance(obj, Variable):
        raise NotImplementedError("only variables have a position independent text, not %s" % type(obj))
    return "theano_var{type=%s}" % obj.type


def hex_digest(x):
    """A hexadecimal hash of the numpy array `x`: of its data, strides and shape. AssertionError for anything else."""
    if not isinstance(x, np.ndarray):
        raise AssertionError("hex_digest needs an array, not %s." % type(x))
    return "%s|strides=[%s]|shape=[%s]" % (_digest(x), ",".join(map(str, x.strides)), ",".join(map(str, x.shape)))


def _digest(array):
    import hashlib

    return hashlib.sha256(array.tobytes()).hexdigest()
