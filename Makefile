# make start   set everything up in .venv and run the suite
# make test    set everything up in .venv and run the tests

PYTHON ?= python3
VENV ?= .venv
SOURCES := setup.cfg pyproject.toml $(shell find mailsuite twisted -name '*.py')

.PHONY: start test check clean

start: $(VENV)/.installed
	$(VENV)/bin/twistd -n mailsuite start $(ARGS)

test: $(VENV)/.tests
	$(VENV)/bin/python -m twisted.trial $(or $(TESTS),tests)

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

clean:
	rm -rf $(VENV) build mailsuite.egg-info _trial_temp

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "mailsuite: $(PYTHON) is missing; on Debian: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "mailsuite: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "mailsuite: Python's venv is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python $(SOURCES)
	@echo "Installing Mailsuite and what it needs into $(VENV) ..."
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check . || { \
	  echo "mailsuite: the packages could not be installed; is the package registry within reach?" >&2; exit 1; }
	@rm -rf build mailsuite.egg-info
	@touch $@

$(VENV)/.tests: $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check '.[test]'
	@rm -rf build mailsuite.egg-info
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	@rm -rf build mailsuite.egg-info
	@touch $@
