"""The configuration, `theano.config`: registers the table of flags and applies what acts at import.

`theanojax.configparser` has the machinery, `theanojax.configflags` and `theanojax.configinert` the tables.
"""

from __future__ import annotations

import warnings

import numpy as np

from theanojax import configflags, configinert
from theanojax.configparser import (
    THEANO_FLAGS_DICT as THEANO_FLAGS_DICT,
    AddConfigVar as AddConfigVar,
    BoolParam as BoolParam,
    ConfigParam as ConfigParam,
    EnumStr as EnumStr,
    FloatParam as FloatParam,
    IntParam as IntParam,
    StrParam as StrParam,
    TheanoConfigParser as TheanoConfigParser,
    TheanoConfigWarning as TheanoConfigWarning,
    change_flags as change_flags,
    config as config,
    flags_of_thread as flags_of_thread,
    unknown_flag,
)


def _register_flags() -> None:
    for name, parameter, doc, *key in configflags.FLAGS:
        AddConfigVar(name, doc, parameter, in_c_key=bool(key))
    for reason, rows in configinert.INERT.items():
        for name, parameter, doc, *key in rows:
            AddConfigVar(name, f"{doc} Means nothing here: {reason}", parameter, in_c_key=bool(key))
            parameter.inert = reason
    for name in THEANO_FLAGS_DICT:
        warnings.warn(unknown_flag(name), stacklevel=3)


def _set_numpy_error_state() -> None:
    """Tell numpy about the numpy.seterr_* flags: by default it is silent about float errors."""
    wanted = {kind: getattr(config.numpy, f"seterr_{kind}") for kind in ("all", "divide", "over", "under", "invalid")}
    np.seterr(**{kind: None if action == "None" else action for kind, action in wanted.items()})


_register_flags()
_set_numpy_error_state()
