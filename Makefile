# `make analyze REPO=<dir>` and `make test` do all the set-up that they need.
PYTHON ?= python3
VENV ?= .venv
REPO ?= .
BIN := $(VENV)/bin

.PHONY: analyze test lint unit install dev clean

analyze: install
	$(BIN)/agentforge analyze $(REPO) $(ARGS) || test $$? -eq 1 # findings are a result, not a failure

install: $(VENV)/.installed
dev: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed

test: lint unit

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: dev
	$(BIN)/python -m pytest -n 2 $(ARGS)

clean:
	rm -rf $(VENV)
