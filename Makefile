# Every target makes its environment, .venv, the first time, and again when pyproject.toml changes.
#
#   make demo         run the tutorial's listings and show what they print
#   make test         what CI runs: lint, types, tests, a sample of Theano's own tests
#   make lint         ruff and mypy alone
#   make fuzz         compare the two executors on GRAPHS=20000 random graphs, see docs/fuzz.md
#   make conformance  run Theano 1.0.5's own tests on theanojax and record the table, docs/conformance.md
#   make bench        measure
#
# PYTHON names the interpreter, 3.11 or later.

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2
GRAPHS ?= 20000

.PHONY: demo test lint fuzz conformance bench

$(READY): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "make: theanojax needs Python 3.11 or later, with venv. Found: $$(python3 --version 2>&1 || echo none)." >&2; \
		echo "make: name one, as in: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is $$("$(PYTHON)" --version 2>&1), and theanojax needs 3.11 or later" >&2; exit 1; }
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,examples]'
	@touch $@

demo: $(READY)
	@$(BIN)/python examples/demo.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n $(JOBS)
	$(BIN)/python tests/conformance/run.py --sample -n $(JOBS)

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --jobs $(JOBS) --graphs $(GRAPHS)

conformance: $(READY)
	$(BIN)/python tests/conformance/run.py --write -n $(JOBS)

bench: $(READY)
	$(BIN)/python -m benchmarks
