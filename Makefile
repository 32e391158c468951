# Everything here works in a fresh clone: each target first sets up what it needs in .venv, once.

VENV := .venv
PYTHON := $(VENV)/bin/python
PORT ?= 8888
NODE_STAMPS := tests/interop/node_modules/stamp tests/asyncapi/node_modules/stamp

.PHONY: help demo test style format types unit client interop bench clean
.DEFAULT_GOAL := help

help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/run.stamp  ## run the demo school on http://localhost:8888 (PORT=… for another port)
	$(PYTHON) server.py demo --port $(PORT)

test: machine  ## set up what tests need, then style, types and all tests
	@$(MAKE) --no-print-directory style types client unit

style: $(VENV)/test.stamp  ## ruff: rules and format
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: $(VENV)/test.stamp  ## let ruff put the format right
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

# server.py has the name of the package that it starts, so that mypy takes it by its text, not by its name.
types: $(VENV)/test.stamp tests/client/node_modules/stamp  ## mypy --strict over everything, tsc over the browser's modules
	$(PYTHON) -m mypy --strict -p server -p channels -p tests -p bench
	$(PYTHON) -m mypy --strict -c "$$(cat server.py)"
	tests/client/node_modules/.bin/tsc --project tests/client

client: $(VENV)/test.stamp  ## the tests of the browser client, in Node
	node --test $$(find tests/client -name '*.test.mjs' -not -path '*/node_modules/*' | sort)

unit: $(VENV)/test.stamp $(NODE_STAMPS)  ## all tests in Python, with the coverage of channels/
	$(PYTHON) -m pytest --cov --cov-report=term --cov-report=html:build/coverage

interop: $(VENV)/test.stamp tests/interop/node_modules/stamp  ## stock clients of other people's, against running servers
	$(PYTHON) -m pytest tests/interop

bench: $(VENV)/test.stamp  ## measure everything beside its peers (an hour; nothing else should run), into build/bench
	@deploy/prepare bench || echo "The peers that need it are left out."
	$(PYTHON) -m bench all

clean:  ## remove what was set up and built
	rm -rf $(VENV) build tests/*/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

.PHONY: machine
machine:
	@deploy/prepare tests

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
