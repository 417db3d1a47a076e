# Every task of the project. `make` alone explains itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SILENT:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
CODE := webhook certs tests bench docs examples
READY := $(VENV)/.ready

.PHONY: help
help: ## this list
	awk 'BEGIN {FS = ":.*## "; print "podmeta: make TARGET\n"} /^[a-z-]+:.*## / {printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##### set-up

$(READY): requirements-dev.lock pyproject.toml
	command -v $(PYTHON) >/dev/null || { echo "podmeta needs Python 3.11 or newer: https://www.python.org/downloads/" >&2; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "podmeta needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12" >&2; exit 1; }
	echo "setting up $(VENV): dependencies pinned by hash in requirements-dev.lock" >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: venv
venv: $(READY) ## the virtual environment with everything pinned

.PHONY: lock
lock: ## resolve the newest dependencies into the two lock files (needs uv on PATH)
	for extra in "" "--extra dev"; do \
	  out=requirements$${extra:+-dev}.lock; \
	  uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --python-version 3.11 $$extra pyproject.toml --output-file $$out || exit 1; done

##### use

.PHONY: demo
demo: $(READY) ## the real service over TLS takes a recorded review; the pod before and after
	$(BIN)/python -m examples.demo

##### tests

.PHONY: lint
lint: $(READY) ## ruff, formatting, import contracts, generated pages
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	$(BIN)/python -m docs.generate --check

.PHONY: types
types: $(READY) ## mypy --strict
	$(BIN)/mypy --no-error-summary

.PHONY: check
check: lint types ## the fast part: lint, types, unit, cases, laws
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q tests/unit tests/laws tests/doors
	$(BIN)/coverage report --fail-under=100

.PHONY: programs
programs: $(READY) ## build the real etcd, kube-apiserver, controller-manager and kubectl (cached; minutes when cold)
	$(BIN)/python -m tests.kube.binaries >/dev/null

.PHONY: test
test: check programs ## everything, the real API server included
	$(BIN)/pytest -n 2 --dist loadgroup tests

.PHONY: cases
cases: $(READY) ## rewrite the goldens of tests/cases from their recorded reviews
	$(BIN)/pytest -q --rewrite tests/doors/test_engine.py tests/doors/test_cli.py

.PHONY: record
record: programs ## record the reviews of tests/cases anew from a real kube-apiserver
	$(BIN)/python -m tests.kube.record

.PHONY: docs
docs: $(READY) ## rewrite the generated pages
	$(BIN)/python -m docs.generate

.PHONY: bench
bench: $(READY) ## CPU per review beside a do-nothing endpoint and plain FastAPI with pydantic
	$(BIN)/python -m bench

.PHONY: format
format: $(READY) ## format the code
	$(BIN)/ruff format --quiet $(CODE)
	$(BIN)/ruff check --quiet --fix $(CODE)

.PHONY: clean
clean: ## remove what was made here (the cache of built programs stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* dist
