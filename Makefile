# Every target makes the environments that it needs the first time, and again when pyproject.toml changes.
#
#   make demo          run the tutorial's listings and show what they print
#   make test          lint, types, tests, a sample of Theano's own tests
#   make test-all      the same on every Python found from 3.11 on, and on the oldest versions that are allowed
#   make smoke         the tests of the main paths, in about a minute
#   make smoke-others  the same on one other Python and on the oldest versions; CI runs `test` and this
#   make lint          ruff, mypy and a search for dead names alone
#   make stress        threads, interrupts and failures for SECONDS=60, see tests/stress
#   make fuzz          compare the two executors on GRAPHS=20000 random graphs, see docs/fuzz.md
#   make conformance   run Theano 1.0.5's own tests on theanojax and record the table, docs/conformance.md
#   make docs-conformance  run the code of Theano 1.0.5's documentation on Theano and here, docs/conformance.md
#   make lower         lower every Op and program for GPUs and TPUs, which needs none, docs/devices.md
#   make parity        compare the names, parameters and flags of Theano 1.0.5 with ours, docs/parity.md
#   make bench         measure; about 90 minutes. `python -m benchmarks mlp whole` measures some, see --help
#   make bench-scale   measure how time and memory grow, docs/growth.md; about 20 minutes
#   make env           only make the environments; `make env-others` those of smoke-others
#   make dist-check    build sdist and wheel, and install and try them in a fresh environment, tests/dist.py
#   make docs          build the documentation's site, build/docs/html/index.html
#
# PYTHON names the interpreter, 3.11 or later. Without it: the one that .venv was made with, or the first that is found.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in $(BIN)/python python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VERSION_OF := -c 'import sys; print("%d.%d" % sys.version_info[:2])'
VERSION := $(shell [ -z "$(PYTHON)" ] || "$(PYTHON)" $(VERSION_OF) 2>/dev/null)
READY := $(VENV)/.ready-$(VERSION)
# The linters have an environment of their own, pinned: a new release of somebody's stubs cannot stop the tests.
LINT := .venvs/lint
DOCS := .venvs/docs
# Errors only: what pip warns of is how somebody's pip is set up, a line for each package.
PIP := -m pip install -qq --disable-pip-version-check
# The same for what builds and checks distributions.
DIST := .venvs/dist
# A file of pip's constraints; tests/pythons.py gives that of the oldest versions.
CONSTRAINTS :=
JOBS ?= 2
GRAPHS ?= 20000
SECONDS ?= 60
SEED ?= 1
SMOKE := $(patsubst %,tests/test_%.py,\
	function modes shared gradient scan every_op linalg sparse shim legacy_runner pickle pytest_plugin)

# What `make lower` has lowered for other devices.
LOWERED := $(patsubst %,tests/test_%.py,every_op golden features benchmark_programs)

.PHONY: demo test test-all smoke smoke-others env-others suite lint stress fuzz conformance docs-conformance parity bench bench-scale lower dist-check env docs

$(READY): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "make: theanojax needs Python 3.11 or later, with venv. Found: $$(python3 --version 2>&1 || echo none)." >&2; \
		echo "make: name one, as in: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is $$("$(PYTHON)" --version 2>&1), and theanojax needs 3.11 or later" >&2; exit 1; }
	@[ "$$($(BIN)/python $(VERSION_OF) 2>&1)" = "$(VERSION)" ] || "$(PYTHON)" -m venv --clear $(VENV)
	@echo "make: installing theanojax and what its tests need in $(VENV), with $(PYTHON)"
	@$(BIN)/python $(PIP) $(CONSTRAINTS:%=-c %) -e '.[dev,examples]'
	@touch $@

$(LINT)/.ready: requirements-lint.txt | $(READY)
	@[ -x $(LINT)/bin/python ] || $(BIN)/python -m venv $(LINT)
	$(LINT)/bin/python $(PIP) -r requirements-lint.txt
	@touch $@

$(DIST)/.ready: requirements-dist.txt | $(READY)
	@[ -x $(DIST)/bin/python ] || $(BIN)/python -m venv $(DIST)
	@$(DIST)/bin/python $(PIP) -r requirements-dist.txt
	@touch $@

env: $(READY) $(LINT)/.ready

# Sphinx reads docstrings of what is imported, so that its environment has theanojax in it, too.
$(DOCS)/.ready: requirements-docs.txt pyproject.toml | $(READY)
	@[ -x $(DOCS)/bin/python ] || $(BIN)/python -m venv $(DOCS)
	$(DOCS)/bin/python $(PIP) -r requirements-docs.txt -e .
	@touch $@

demo: $(READY)
	@$(BIN)/python examples/demo.py

lint: $(LINT)/.ready
	$(LINT)/bin/ruff check .
	$(LINT)/bin/ruff format --check -q .
	$(LINT)/bin/mypy
	$(LINT)/bin/python tests/dead_names.py

suite: $(READY)
	$(BIN)/python -m pytest -n $(JOBS)
	$(BIN)/python tests/conformance/run.py --sample -n $(JOBS)

test: lint suite

test-all: lint
	$(BIN)/python tests/pythons.py suite

smoke: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) $(SMOKE)

smoke-others: $(READY)
	$(BIN)/python tests/pythons.py smoke

env-others: $(READY)
	$(BIN)/python tests/pythons.py env

stress: $(READY)
	$(BIN)/python -m tests.stress --seconds $(SECONDS) --seed $(SEED)

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --jobs $(JOBS) --graphs $(GRAPHS)

conformance: $(READY)
	$(BIN)/python tests/conformance/run.py --write -n $(JOBS)

docs-conformance: $(READY)
	$(BIN)/python -m tests.docs_conformance.run

lower: $(READY)
	$(BIN)/python -m pytest -q -p tests.lowering $(LOWERED)

parity: $(READY)
	$(BIN)/python -m tests.parity.run

docs: $(DOCS)/.ready
	@$(DOCS)/bin/python -m scripts.docs

bench: $(READY)
	$(BIN)/python -m benchmarks

bench-scale: $(READY)
	$(BIN)/python -m benchmarks.growth

dist-check: $(DIST)/.ready
	$(DIST)/bin/python tests/dist.py
