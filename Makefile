# Everything here works in a fresh clone: each target first sets up what it needs in .venv and node_modules, once.

VENV := .venv
PYTHON := $(VENV)/bin/python
PORT ?= 8888
CLIENT := tests/client/node_modules
NODE_STAMPS := $(patsubst %,tests/%/node_modules/stamp,interop asyncapi oidc) $(CLIENT)/stamp

# Processes that run tests side by side: more than there are cores, because many tests wait for most of their time.
JOBS ?= 4
SIDE_BY_SIDE := --numprocesses $(JOBS)

# Chooses what happens in the long schedules. Each run takes another one; a schedule that fails says how to replay it.
SEED ?= $(shell date +%s)

# Whatever the environment says: tests start Python a hundred times, which would compile everything each time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-long style format types unit client compiled interop faults coverage bench bench-pages hooks clean machine long-machine tools
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/run.stamp  ## run the demo school on http://localhost:8888 (PORT=… for another port)
	$(PYTHON) server.py demo --port $(PORT)

test: machine  ## set up what tests need, then style, types and all tests but the long ones
	@$(MAKE) --no-print-directory --jobs=4 tools
	@$(MAKE) --no-print-directory --jobs=2 style client compiled
	@$(MAKE) --no-print-directory --jobs=2 unit types

test-long: long-machine  ## the long tests, long schedules of faults, and the coverage of all tests (two hours)
	@$(MAKE) --no-print-directory --jobs=4 tools
	$(PYTHON) -m pytest -m long
	@$(MAKE) --no-print-directory faults coverage

style: $(VENV)/test.stamp $(CLIENT)/stamp  ## ruff over Python (rules and format), eslint over JavaScript
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(CLIENT)/.bin/eslint --config tests/client/eslint.config.js static server/views tests

format: $(VENV)/test.stamp  ## let ruff correct the format
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

# server.py has the name of the package that it starts, so mypy is given its text instead of its name.
types: $(VENV)/test.stamp $(CLIENT)/stamp  ## mypy --strict over everything, tsc over the browser's modules
	$(PYTHON) -m mypy --strict -p server -p channels -p tests -p bench
	$(PYTHON) -m mypy --strict -c "$$(cat server.py)"
	$(CLIENT)/.bin/tsc --project tests/client

client: $(VENV)/test.stamp  ## the tests of the browser client, in Node
	node --test $$(find tests/client -name '*.test.mjs' -not -path '*/node_modules/*' | sort)

# Each of the processes that run tests needs all of them: together they would compile them JOBS times.
compiled: $(VENV)/test.stamp
	@$(PYTHON) -m pytest --collect-only --quiet >/dev/null || true  # `unit` says what is wrong

unit: $(VENV)/test.stamp $(NODE_STAMPS)  ## the tests in Python but the long ones, JOBS of them at a time
	$(PYTHON) -m pytest $(SIDE_BY_SIDE) -m "not long"

interop: $(VENV)/test.stamp tests/interop/node_modules/stamp  ## stock clients, kept by others, against running servers
	$(PYTHON) -m pytest tests/interop

faults: $(VENV)/test.stamp $(NODE_STAMPS)  ## long schedules of faults in servers, networks and databases (an hour; SEED=…)
	$(PYTHON) -m tests.faults --rounds 40 --seed $(SEED)
	$(PYTHON) -m tests.faults --rounds 40 --seed $(SEED) --postgresql
	$(PYTHON) -m tests.faults.cluster --schedules 6 --seed $(SEED)
	$(PYTHON) -m tests.faults.cluster --schedules 6 --seed $(SEED) --database postgresql
	$(PYTHON) -m tests.faults.cluster --schedules 2 --seed $(SEED) --database pgbouncer
	$(PYTHON) -m tests.faults.lesson --schedules 6 --seed $(SEED)
	$(PYTHON) -m tests.faults.lesson --schedules 6 --seed $(SEED) --database postgresql
	$(PYTHON) -m tests.faults.votes --pupils 2000 --within 5
	$(PYTHON) -m tests.faults.votes --pupils 2000 --within 5 --database postgresql
	$(PYTHON) -m tests.faults.network --schedules 14 --seed $(SEED)
	$(PYTHON) -m tests.faults.network --schedules 6 --seed $(SEED) --workers 1

coverage: $(VENV)/test.stamp $(NODE_STAMPS)  ## how much of channels/ the tests reach, servers that they start included
	$(PYTHON) -m pytest $(SIDE_BY_SIDE) -m "not long" --cov --cov-report=term --cov-report=html:build/coverage

bench: $(VENV)/test.stamp  ## measure everything beside its peers (two hours; nothing else should run), into build/bench
	@deploy/prepare bench || echo "The peers that need it are left out."
	$(PYTHON) -m bench all

bench-pages: $(VENV)/test.stamp  ## measure the pages in Chromium (BEFORE=… for a checkout to compare with), into build/bench
	$(PYTHON) -m bench pages $(if $(BEFORE),--before $(BEFORE))

hooks: $(VENV)/test.stamp  ## let git run `make style` before each commit and `make types` before each push
	$(PYTHON) -m pre_commit install --hook-type pre-commit --hook-type pre-push

clean:  ## remove what was set up and built
	rm -rf $(VENV) build tests/*/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

machine:
	@deploy/prepare tests

long-machine:
	@deploy/prepare long

tools: $(VENV)/test.stamp $(NODE_STAMPS)

$(VENV)/bin/python:
	@deploy/prepare venv $(VENV)

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/python
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/test.stamp: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

# Without the packages' own scripts: none of these needs one.
tests/%/node_modules/stamp: tests/%/package.json tests/%/package-lock.json
	cd tests/$* && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@
