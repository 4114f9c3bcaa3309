# Everything people type. What is made lies in .venv, var and testbed/static/vendor; nothing else is touched.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8000
ARGS ?=
# tests wait for databases and browsers as often as they work: one process more than there are cores
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
BIN := .venv/bin
PG15 ?= /usr/lib/postgresql/15/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# A lock names everything, so nothing is left to resolve; Python compiles what it imports, which is far from all.
LOCKED := $(PIP) install --require-hashes --only-binary :all: --no-deps --no-compile
# Where Python may not keep what it compiled, each of the hundred services that the tests start would compile again.
unexport PYTHONDONTWRITEBYTECODE
# npm fetches the front-end files; where the machine has none, a wheel brings it
NODE := $(if $(shell command -v npm),,-r requirements-node.lock)
# each process starts a database server of its own, and takes a file of tests at a time, as tests/conftest.py orders them
PYTEST := $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --durations 25 --durations-min 5
SOURCES := pyproject.toml testbed/static/vendoring.py testbed/static/package.json testbed/static/package-lock.json

help: ## list the commands
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/\1\t\2/p' Makefile | expand -t 12

serve: install ## start the service at http://127.0.0.1:8000 (PORT=… changes the port)
	@exec $(BIN)/testbed serve --port $(PORT) $(ARGS)

demo: install ## fill the register with the demo city and print three sign-ins
	@exec $(BIN)/testbed demo $(ARGS)

install: .venv/.installed ## make .venv from the hashed locks and fetch the front-end files

test: .venv/.dev ## run the whole test suite (ARGS="-k word" narrows it, JOBS=0 runs it in one process)
	$(PYTEST) $(ARGS)

test-pg15: .venv/.dev ## run the suite, but not browser and fault tests, on PostgreSQL 15 in PG15=folder
	TESTBED_TEST_PG_BIN="$(PG15)" $(PYTEST) --ignore tests/browser --ignore tests/faults $(ARGS)

check: .venv/.dev ## format, lint, types, architecture, docs and compose file
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target check-code check-house

check-code:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check-house:
	$(BIN)/python -m pytest tests/test_architecture.py tests/test_docs.py tests/test_packaging.py tests/test_compose.py

format: .venv/.dev ## format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

browser: .venv/.dev ## run the browser tests only (they need Chromium)
	$(BIN)/python -m pytest tests/browser $(ARGS)

night: .venv/.dev ## run the suite with everything that is repeated, of which `make test` takes a share
	TESTBED_TEST_NIGHT=1 $(PYTEST) $(ARGS)

bench: .venv/.dev ## measure, and print the table of ratios
	TESTBED_TEST_NIGHT=1 $(BIN)/python -m tests.benchmarks $(ARGS)

faults: .venv/.dev ## run the fault tests only: killed servers, full disks, lost databases
	$(BIN)/python -m pytest tests/faults $(ARGS)

# Locks name versions and hashes only: no index, no folder. A release rests a week before it is taken.
COMPILE = uv pip compile --quiet --no-config --universal --python-version 3.11 --only-binary :all: --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	--exclude-newer "$$(date -u -d '7 days ago' +%FT00:00:00Z)" $(UPGRADE)

lock: ## write the lock files again from pyproject.toml (needs uv; UPGRADE=--upgrade takes newer releases)
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group pyproject.toml:build -c requirements-dev.lock -o requirements-build.lock
	$(COMPILE) --group pyproject.toml:node -o requirements-node.lock
	cd testbed/static && npm install --package-lock-only --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: PYTHON=python3.11 make …")'
	$(PYTHON) -m venv .venv

# One stamp for the environment, one for the fetched files: losing either installs again, having both costs nothing.
.venv/.installed testbed/static/vendor/.lock &: requirements.lock requirements-build.lock requirements-node.lock $(SOURCES) | .venv/bin/pip
	@echo "Installing what requirements.lock names …"
	@$(LOCKED) -r requirements.lock -r requirements-build.lock $(NODE)
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch .venv/.installed testbed/static/vendor/.lock

.venv/.dev: .venv/.installed requirements-dev.lock
	@echo "Installing what requirements-dev.lock names …"
	@$(LOCKED) -r requirements-dev.lock
	@touch .venv/.dev

.PHONY: help serve demo install test night test-pg15 check check-code check-house format browser bench faults lock
