# Everything a developer or a newcomer does.  `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Debian's own, which is built to be fast, whatever else is found first.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
# Tests start hundreds of processes: none of them is to compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Say what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

# -- for a newcomer ---------------------------------------------------------------------------------------------

.PHONY: demo
demo: install ## Bring a lab up, host the sample application on it, prove what was promised
	@$(BIN)/hosting lab demo

.PHONY: test
test: install .ci/.debian-installed-tests ## Run the whole suite: unit, promises, integration, and acceptance on real hosts in the lab
	@$(BIN)/python -m pytest --durations=25 --numprocesses=3 --dist=loadscope --no-loadscope-reorder

.PHONY: clean-lab
clean-lab: $(BIN)/.installed ## Remove the lab and everything it has cached
	@$(BIN)/hosting lab down --cache

# -- for a developer --------------------------------------------------------------------------------------------

.PHONY: check
check: install .ci/.debian-installed-tests ## Format, lint, types, unit tests and promises; under 30 seconds
	@$(MAKE) --no-print-directory --jobs=2 --output-sync --keep-going quick lint types

.PHONY: lint types quick
lint: $(BIN)/.installed
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
types: $(BIN)/.installed
	@$(BIN)/mypy --no-error-summary
quick: install .ci/.debian-installed-tests
	@$(BIN)/python -m pytest -q --numprocesses=2 --hypothesis-profile=check tests/unit tests/promises

.PHONY: format
format: $(BIN)/.installed ## Format the code and mend what lint can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: install .ci/.debian-installed-tests ## Measure against the raw floor and ansible-core, side by side; needs root
	@$(BIN)/python -m tests.bench

.PHONY: lock
lock: $(BIN)/.installed ## Write .ci/requirements.lock anew from pyproject.toml
	@.ci/lock

.PHONY: install
install: .ci/.debian-installed-lab $(BIN)/.installed ## Install Debian packages and the virtual environment, once

.ci/.debian-installed-%: .ci/debian-packages-%.txt
	@.ci/install-debian-packages $(<F)
	@touch $@

$(BIN)/.installed: .ci/requirements.lock pyproject.toml
	@test -x $(BIN)/python || .ci/telling "Making a virtual environment in .venv" $(PYTHON) -m venv .venv
	@.ci/telling "Installing Python packages into it from .ci/requirements.lock" \
	    $(PIP) --require-hashes -r .ci/requirements.lock
	@.ci/telling "Installing hosting into it" \
	    $(PIP) --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@
