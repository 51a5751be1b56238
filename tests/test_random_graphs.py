"""The host and the XLA executor agree on random graphs, as written and after the rewrites of FAST_RUN."""

import os
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import theano

from .helpers import agree, both
from .random_graphs import random_graph


def check(seed):
    inputs, outs, values = random_graph(seed)
    if not outs:
        return
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        want = both(inputs, outs, values)
        f = theano.function(inputs, outs, on_unused_input="ignore")
        got = f(*values)
    assert not f.fn.executor.fallbacks, f.fn.executor.fallbacks
    for v, a, b in zip(outs, want, got):
        agree(v, a, b, rtol=1e-4 if "32" in v.dtype else 1e-7)


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**31))
def test_executors_agree(seed):
    check(seed)


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(20))
def test_executors_agree_on_many(part):
    """20,000 graphs, or FUZZ_GRAPHS of them."""
    count = int(os.environ.get("FUZZ_GRAPHS", "20000")) // 20
    for seed in range(part * count, (part + 1) * count):
        try:
            check(seed)
        except Exception as e:
            e.add_note("random graph number %d" % seed)
            raise
