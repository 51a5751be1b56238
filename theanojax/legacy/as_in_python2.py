"""What a program that `theanojax convert` has written imports where today's Python has nothing that means the same."""

from theanojax.legacy.byte_strings import as_bytes as as_bytes, as_text as as_text
from theanojax.legacy.old_arrays import item as item, negative as negative, subtract as subtract
from theanojax.legacy.old_objects import (
    cmp as cmp,
    compares as compares,
    decode as decode,
    encode as encode,
    message as message,
    round as round,
    sort_key as sort_key,
    unicode as unicode,
)
from theanojax.legacy.python2_values import div as div, idiv as idiv
