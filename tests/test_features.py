"""What programs rely on and other back ends refuse or get wrong: one small program for each feature, on both executors.

The programs are in tests/features, under the names of its theano.tsv.
"""

import re

import numpy as np
import pytest

import theano
from tests.features import MODULES, PROGRAMS, THEANO

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(params=["py", "cvm"], ids=["host", "xla"])
def executor(request):
    """The default mode runs on the host, or in XLA without ever falling back to the host."""
    with theano.change_flags(linker=request.param, xla_strict=True):
        yield {"py": "HostExecutor", "cvm": "XlaExecutor"}[request.param]


def test_the_default_mode_runs_where_it_is_told_to(executor):
    assert type(theano.function([], theano.shared(1.0) * 2).fn.executor).__name__ == executor


@pytest.mark.parametrize("name", [k for k, p in PROGRAMS.items() if not p.error])
def test_program(name, executor, tmp_path):
    if name == "pydotprint" and not theano.printing.pydot_imported:
        pytest.skip("no graphviz")
    pairs = PROGRAMS[name].run(tmp_path)
    assert pairs
    for found, want in pairs:
        if isinstance(want, (str, bool, list, set)) and not np.issubdtype(np.asarray(want).dtype, np.number):
            assert found == want
        else:
            assert np.shape(found) == np.shape(want)
            np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", [k for k, p in PROGRAMS.items() if p.error])
def test_error(name, executor):
    program = PROGRAMS[name]
    with pytest.raises(program.error, match=program.text):
        program.build()


def test_every_row_has_a_program():
    assert len(MODULES) == 4 and len(THEANO) == 150
    assert set(PROGRAMS) == set(THEANO)


@pytest.mark.parametrize("name", PROGRAMS)
def test_outcome_is_theanos_unless_the_table_says_otherwise(name):
    outcome = THEANO[name]["here"] or THEANO[name]["theano"]
    raised = re.match(r"raises (\w+)", outcome)
    error = PROGRAMS[name].error
    assert (raised.group(1) if raised else None) == (error.__name__ if error else None)
