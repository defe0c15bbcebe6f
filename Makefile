# Two commands need nothing but Python 3.11: `make run` and `make test`. Each sets up what it lacks, once.
# With uv on the PATH the set-up takes about five seconds, with plain pip about twenty-five.

PYTHON ?= $(shell for p in python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
UV ?= $(shell command -v uv 2>/dev/null)

BIN := .venv/bin
INSTALL = $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check) \
	--no-deps --require-hashes
LOCK = $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help install dev run test check bench bench-quick train-hear lock clean

help: ## what can be asked for
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

install: .venv/.runtime ## what the service needs, into .venv

dev: .venv/.dev ## the same, and what its tests need

run: install ## start the service
	$(BIN)/python -m bot serve

test: dev ## every test, on all cores; ARGS="tests/test_x.py -k word" for some, on one
	.ci/browser
	.ci/postgres
	.ci/exiftool
	$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),-n auto --dist loadfile)

check: dev ## style, types, who may import whom, and the proof of flows, rules and catalogues
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m bot check

bench: dev ## the benchmarks, in full; ARGS=... is passed on
	$(BIN)/python -m benchmarks $(ARGS)

bench-quick: dev ## the same in short
	$(BIN)/python -m benchmarks --quick $(ARGS)

train-hear: dev ## learn the weights of words anew from the messages in tests/hear
	$(BIN)/python tests/hear/train.py

lock: ## write the lock files anew from pyproject.toml; needs uv. UPGRADE=1 takes the newest that fit
	@test -n "$(UV)" || { echo 'make lock needs uv on the PATH: pip install uv' >&2; exit 1; }
	$(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	$(LOCK) $(if $(UPGRADE),--upgrade) --group dev --output-file requirements-dev.lock
	@! grep -nE '://|^(-|--find-links|--index)' requirements.lock requirements-dev.lock

clean: ## remove what make and the tools have made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

.venv/bin/python:
	.ci/venv "$(PYTHON)"

.venv/.runtime: requirements.lock | .venv/bin/python
	$(INSTALL) -r requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock | .venv/bin/python
	$(INSTALL) -r requirements-dev.lock
	@touch .venv/.runtime $@
