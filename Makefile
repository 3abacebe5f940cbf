# Two commands: `make run` does the main job and keeps serving; `make test` proves it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run demo test lint torture fuzz bench year schemas clean

help: ## what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(BIN)/.tested: $(BIN)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

run: $(BIN)/.installed ## the whole story on SQLite with its own PKI, then keep serving
	$(BIN)/cms-gateway demo

demo: $(BIN)/.installed ## the same story once
	$(BIN)/cms-gateway demo --once

test: $(BIN)/.tested ## install and test
	$(BIN)/python -m pytest -n auto

lint: $(BIN)/.tested ## style, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

torture: $(BIN)/.tested ## the long forms: fifty kills, and what else is marked slow
	$(BIN)/python -m pytest -m slow -s

fuzz: $(BIN)/.tested ## mutated bytes into every reader, a minute each
	$(BIN)/python -m tests.fuzz --plain

bench: $(BIN)/.installed ## ratios against the bare parts, into docs/performance.md
	$(BIN)/python -m bench

year: $(BIN)/.installed ## 10,000 organisations and 100,000 requests, lived in minutes
	$(BIN)/python -m bench.year

schemas: $(BIN)/.installed ## write anew what is made from the code: JSON Schemas and pages
	$(BIN)/python -m gateway.cli.schemas
	$(BIN)/python -m gateway.cli.duty_page
	$(BIN)/python -m gateway.cli.records_page
	$(BIN)/python -m gateway.cli.manual

clean: ## remove what was made here
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
