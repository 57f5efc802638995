# Outcomes Registry: `make` lists what there is. Needs Python 3.11 or newer, pip, make, git.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
SEEDS ?= 1000

.DEFAULT_GOAL := help
.PHONY: help demo serve test simulate mutants chaos drill check audit bench lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/runtime ## enrol a cohort, live 36 months, print the tables, serve the result (ARGS="--no-serve")
	$(BIN)/registry demo $(ARGS)

serve: .venv/runtime ## the registry itself, in one process on SQLite
	$(BIN)/registry serve $(ARGS)

test: .venv/dev ## the whole suite; says at the end what was left out and how to get it
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

drill: .venv/dev ## full disks, no broker, no beat, three beats, 50 restarts; as root (ARGS="flushall redis_down")
	PYTHONPATH=.:tests $(BIN)/python -m drills $(ARGS)

check: .venv/dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: .venv/dev ## known vulnerabilities of the locked packages; fails if none could be looked up
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

simulate: .venv/dev ## seeds of the simulation (SEEDS=10000; ARGS="--replay 17")
	PYTHONPATH=.:tests $(BIN)/python -m simulation --seeds $(SEEDS) $(ARGS)

mutants: .venv/dev ## every planted bug against the simulation; the table of docs/developer.md (ARGS=--write)
	PYTHONPATH=.:tests $(BIN)/python -m simulation.mutants $(ARGS)

chaos: .venv/dev ## kill -9 of every process for ten minutes over 20,000 invitations, and a judge (ARGS="--minutes 1")
	PYTHONPATH=.:tests $(BIN)/python -m chaos $(ARGS)

bench: .venv/dev ## the benchmarks, each as a ratio to this machine's limit in the same run
	$(BIN)/python -m benchmarks $(ARGS)

lock: .venv/dev ## write uv.lock and the requirements files anew from pyproject.toml
	$(BIN)/uv lock
	$(BIN)/uv export -q --no-dev --no-emit-project -o requirements.txt
	$(BIN)/uv export -q --no-emit-project -o requirements-dev.txt

# A machine without ensurepip can still make an environment: pip installs itself into it.
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv || ($(PYTHON) -m venv --without-pip .venv \
		&& $(PYTHON) -m pip --python .venv/bin/python install pip)

.venv/runtime: requirements.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

.venv/dev: requirements-dev.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@ .venv/runtime
