# Everything here works in a fresh clone: each target first sets up what it needs in .venv, once.

VENV := .venv
PYTHON := $(VENV)/bin/python
PORT ?= 8888

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
types: $(VENV)/test.stamp  ## mypy --strict over everything
	$(PYTHON) -m mypy --strict -p server -p channels -p tests -p bench
	$(PYTHON) -m mypy --strict -c "$$(cat server.py)"

client: $(VENV)/test.stamp  ## the tests of the browser client, in Node
	node --test $$(find tests/client -name '*.test.*js' | sort)

unit: $(VENV)/test.stamp tests/interop/node_modules/stamp  ## all tests in Python, with the coverage of channels/
	$(PYTHON) -m pytest --cov --cov-report=term --cov-report=html:build/coverage

interop: $(VENV)/test.stamp tests/interop/node_modules/stamp  ## stock clients of other people's, against running servers
	$(PYTHON) -m pytest tests/interop

bench: $(VENV)/test.stamp  ## measure fan-out beside plain Tornado (about five minutes; nothing else should run)
	$(PYTHON) -m bench fanout

clean:  ## remove what was set up and built
	rm -rf $(VENV) build tests/interop/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

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

tests/interop/node_modules/stamp: tests/interop/package.json tests/interop/package-lock.json
	cd tests/interop && npm ci --no-audit --no-fund --silent
	@touch $@
