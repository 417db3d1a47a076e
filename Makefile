# Every task of the project. `make` alone explains itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SILENT:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
CODE := webhook certs tests bench docs examples charts
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
lint: $(READY) ## ruff, formatting, import contracts, generated pages, the Dockerfile
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m docs.generate --check
	$(BIN)/python charts/generate.py --check

.PHONY: types
types: $(READY) ## mypy --strict
	$(BIN)/mypy --no-error-summary

.PHONY: check
check: lint types ## the fast part: lint, types, unit, cases, laws
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n 2 tests/unit tests/laws tests/doors
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=100

.PHONY: packages
packages: ## install the Debian packages that a real node needs (as root, where apt-get is; elsewhere it only says so)
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  missing=$$(for p in $$(sed 's/#.*//' tests/kube/packages.txt); do dpkg -s $$p >/dev/null 2>&1 || command -v $$p >/dev/null || echo $$p; done); \
	  [ -z "$$missing" ] || { echo "installing $$missing" >&2; apt-get update -qq; \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }; \
	else echo "not root, or no apt-get: the tests on a real node will say what is missing" >&2; fi

.PHONY: programs
programs: $(READY) packages ## build the programs of a real Kubernetes node and helm (cached; minutes when cold)
	$(BIN)/python -m bench.programs || echo "some programs of the benchmark could not be built" >&2
	$(BIN)/python -m tests.kube.binaries --node >/dev/null || echo "some programs could not be built: their tests will say why" >&2

.PHONY: test
test: check programs ## everything, the real API server and the real node included
	$(BIN)/pytest -n 2 tests/edge tests/kube tests/chart tests/apiserver tests/cluster
	$(BIN)/python -m bench quick || { [ $$? = 2 ] && [ -z "$$PODMETA_NOTHING_SKIPPED" ]; } # 2: this machine cannot

.PHONY: cluster
cluster: programs ## a real node with podmeta on it, for you to play with
	$(BIN)/python -m tests.kube.keep up

.PHONY: cluster-down
cluster-down: $(READY) ## end it
	$(BIN)/python -m tests.kube.keep down

.PHONY: cases
cases: $(READY) ## rewrite the goldens of tests/cases from their recorded reviews
	$(BIN)/pytest -q --rewrite tests/doors/test_engine.py tests/doors/test_cli.py tests/unit/test_chapter.py

.PHONY: page
page: programs ## capture docs/chapter.md anew on a real node
	$(BIN)/pytest -q -n 0 --rewrite tests/unit/test_chapter.py tests/cluster/test_chapter.py

.PHONY: record
record: programs ## record the reviews of tests/cases anew from a real kube-apiserver
	$(BIN)/python -m tests.kube.record

.PHONY: docs
docs: $(READY) ## rewrite the generated pages, the chart's included
	$(BIN)/python -m docs.generate
	$(BIN)/python charts/generate.py

.PHONY: bench
bench: programs ## podmeta beside its peers, through the API server, and its growth; writes docs/performance.md
	$(BIN)/python -m bench

.PHONY: bench-quick
bench-quick: $(READY) ## CPU an admission against its bounds, in do-nothing endpoints
	$(BIN)/python -m bench quick

.PHONY: format
format: $(READY) ## format the code
	$(BIN)/ruff format --quiet $(CODE)
	$(BIN)/ruff check --quiet --fix $(CODE)

.PHONY: clean
clean: ## remove what was made here (the cache of built programs stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* dist
