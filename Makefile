# Thin on purpose: each target is one line of sense.
PYTHON ?= python3
BIN := .venv/bin
PROCESSES ?= 7
SWARM ?= simulated
# Every process of a test would compile all modules anew.
export PYTHONDONTWRITEBYTECODE :=
# The engine of all tests on a real swarm: 20.10 (the machine's own), 26.1 or 28.5; empty: see tests/on_engines.
ENGINE ?=
export LAB_ENGINE ?= $(ENGINE)
SEEDS ?= 25
FROM ?= 1

.PHONY: help demo setup packages test chaos check lint bench lock page

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: packages .venv/.ready ## make .venv from the lock

demo: .venv/.demo ## the whole bot in a browser: no root, Slack, Docker or Redis; SWARM=docker: this machine's swarm
	$(BIN)/python -m playground --swarm $(SWARM) $(ARGS)

packages: ## as root on Debian or Ubuntu: install what is missing for the tests
	PYTHON=$(PYTHON) sh tests/lab/install

NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)")'

.venv/.demo: requirements/playground.lock
	@$(NEW_ENOUGH)
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/playground.lock
	touch $@

.venv/.ready: requirements/dev.lock pyproject.toml
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

test: setup ## every test: unit, contract and (as root) those on a real swarm; ENGINE=26.1: on that engine
	@# compiled once here, not by every process; what is wrong with a file is said below
	-@for part in unit "swarm tests/browser tests/contract"; do $(BIN)/pytest --collect-only -qq tests/$$part > /dev/null & done; wait
	sh tests/on_engines $(BIN)/python $(PROCESSES) $(ARGS)

chaos: setup ## break everything as seeds draw it: SEEDS=25, FROM=1; REPLAY=17 runs one again
	$(BIN)/python -m tests.chaos $(if $(REPLAY),--replay $(REPLAY),--seeds $(SEEDS) --from $(FROM)) $(ARGS)

lint: setup ## format, lint, types, direction of imports, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

check: lint ## before each commit, about a minute: lint, then the unit tests
	$(BIN)/pytest -n 3 --dist loadfile tests/unit $(ARGS)

bench: setup ## print the benchmarks' tables
	$(BIN)/python -m benchmarks

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links

lock: setup ## write the lock files anew from pyproject.toml
	$(LOCK) pyproject.toml -o requirements/bot.lock
	$(LOCK) --group demo pyproject.toml -o requirements/playground.lock
	$(LOCK) --group dev pyproject.toml -o requirements/dev.lock
	echo 'hatchling>=1.27' | $(LOCK) - -o requirements/build.lock

page: ## build the demo's page from playground/page/web/ (needs Node; the built one is checked in)
	cd playground/page/web && npm ci --ignore-scripts && npm run check && npm run build
