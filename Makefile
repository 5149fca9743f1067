# `make help` lists the targets. PYTHON picks the interpreter that makes the environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest
EXTRAS_VENV := .venv-extras
EXTRAS_STAMP := $(EXTRAS_VENV)/.installed
EXTRAS_PYTHON := $(EXTRAS_VENV)/bin/python

# They count how often intervals hold the truth, which takes an hour and compares no speed.
UNTIMED := benchmarks/coverage.py benchmarks/simulated.py

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-extras bench check fix clean

define new_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "eyetest needs Python 3.11 or newer; set PYTHON=python3.11 (or newer)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python has no venv here. On Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(1)
endef

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## Make the environment in .venv, and nothing else

$(STAMP): pyproject.toml constraints.txt
	$(call new_venv,$(VENV))
	$(BIN)/python tools/install.py
	@touch $(STAMP)

$(EXTRAS_STAMP): pyproject.toml constraints-extras.txt
	$(call new_venv,$(EXTRAS_VENV))
	$(EXTRAS_PYTHON) tools/install.py models peers trackers
	@touch $(EXTRAS_STAMP)

demo: $(STAMP) ## The whole story on planted data; ends with the path of the page
	$(BIN)/eyetest demo --out runs/demo-$$(date -u +%Y%m%dT%H%M%S)

test: $(STAMP) check ## Everything but gpu and extras tests (installs chromium where it may)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get install -y -q chromium chromium-driver; } || \
	  echo "The browser tests need Chromium and chromedriver: apt install chromium chromium-driver"
	$(PYTEST) -m "not gpu and not extras"

test-fast: $(STAMP) ## What takes seconds
	$(PYTEST) -n auto --dist loadfile -m "not gpu and not extras and not slow and not browser"

test-extras: $(EXTRAS_STAMP) ## Agreement with other libraries, in .venv-extras (made first: minutes, 6 GB)
	$(EXTRAS_PYTHON) -m pytest -m extras

bench: $(EXTRAS_STAMP) ## Speed beside other libraries; each of benchmarks/ prints RATIO lines last
	@for one in $(filter-out $(UNTIMED),$(wildcard benchmarks/*.py)); do echo "== $$one"; $(EXTRAS_PYTHON) $$one || exit 1; done

check: $(STAMP) ## Format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(STAMP) ## Format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove the environments and caches, not the runs
	rm -rf $(VENV) $(EXTRAS_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
