"""Small programs, with what Theano 1.0.5 answered."""

import json
import os

import pytest

import theano  # noqa: F401  (the cases are written for it)

from .golden import check
from .golden.cases import CASES

with open(os.path.join(os.path.dirname(__file__), "golden", "expected.json")) as f:
    EXPECTED = json.load(f)

# Another first line, from numpy or Python: numpy's own words for `dot` (Theano's C code had others); a lambda's
# qualified name, which Python shows since 3.10.
OTHER_WORDS = {"e_dot_mismatch", "e_scan_steps"}


# Recorded in one process: what this one reads, that one has set.
AFTER = {"e_config_read": "e_config_flag"}


@pytest.mark.parametrize("name", sorted(CASES))
def test_case(name):
    if name in AFTER:
        check.run(CASES[AFTER[name]])
    got, want = check.run(CASES[name]), EXPECTED[name]
    if "raises" in want:
        assert "raises" in got, got
        assert want["raises"][0] in got["raises"], got
        if name not in OTHER_WORDS:
            assert got["message"] == want["message"]
    else:
        assert check.close(got, want), (got, want)
