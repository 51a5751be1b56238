"""The host and the XLA executor agree on random graphs, as written and after the rewrites of FAST_RUN.

`make fuzz` checks many more of them.
"""

import warnings
from collections import Counter

import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st

import theano
import theano.tensor as T

from .fuzz import random_graph
from .fuzz.builder import gradients
from .fuzz.check import check
from .fuzz.coverage import EXPECTED, ops_of
from .fuzz.noise import spread


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**31))
def test_executors_agree(seed):
    check(seed)


def test_random_graphs_have_every_op():
    found = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(10**6, 10**6 + 4000):
            found.update(ops_of(*random_graph(seed)[:2]).keys())
            if seed % 100 == 0 and set(EXPECTED) <= set(found):
                break
    assert set(EXPECTED) <= set(found), sorted(set(EXPECTED) - set(found))


def test_what_theano_has_no_gradient_of_is_left_out():
    x = T.dscalar()
    assert gradients(T.diag(x.dimshuffle("x")), [x]) == []


def test_noise_reaches_what_a_loop_rounds_within():
    """tanh of an int8 is a float32, whatever the loop makes of it."""
    x, h = T.bscalar(), T.dscalar()
    out = theano.scan(lambda h, x: h / 2 + T.tanh(x), outputs_info=[h], non_sequences=[x], n_steps=3)[0]
    (moved,) = spread([x, h], [out], [np.array(2, "int8"), np.array(0.5)])
    assert (moved > 1e-8).all()
