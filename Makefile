# Everything sets up .venv by itself, once, from requirements.lock. MAILGATE_TEST_APT=1 as root: with real servers too.
# PYTHON and VENV choose another Python and another folder for it: make quick PYTHON=python3.13 VENV=.venv-3.13
.DEFAULT_GOAL := quick
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: venv python demo test quick quick-system check format fuzz bench year storm install-test test-fresh deb golden lock apt clean

VENV ?= .venv
# the first that is new enough and can make a venv: a shim of pyenv may be none, and Debian's needs python3-venv for it
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$python && break; done)
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PYTEST := $(BIN)/python -m pytest -n 2
SLOW := slow or shared or server

$(STAMP): requirements.lock pyproject.toml | $(if $(wildcard $(STAMP)),,python)
	[ -n "$(PYTHON)" ] || { echo "Python 3.11 to 3.14 with its module venv is needed (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

venv: $(STAMP)

python:
ifeq ($(MAILGATE_TEST_APT),1)
	@[ -n "$(PYTHON)" ] || ! command -v apt-get || { apt-get update -qq; apt-get install -y -qq --no-install-recommends python3-venv; }
endif

demo: $(STAMP)              ## a desk that plays a short story; ONCE=1 ends after it
	$(BIN)/mailgate demo $(if $(ONCE),--once)

quick: $(STAMP)             ## the tests without servers and long runs
	$(PYTEST) -m "not ($(SLOW))"

quick-system:               ## the quick tests on the machine's own Python, where that is another one than .venv's
	@same='import os, sys; print(sys.version, os.path.realpath(sys.executable))'; \
	if [ ! -x /usr/bin/python3 ]; then echo "quick-system: no /usr/bin/python3 here"; \
	elif [ "$$($(BIN)/python -c "$$same" 2>/dev/null)" = "$$(/usr/bin/python3 -c "$$same")" ]; then echo "quick-system: $(VENV) is the machine's own Python"; \
	else $(MAKE) quick VENV=.venv-system PYTHON=/usr/bin/python3; fi

check: $(STAMP)             ## format, lint, types, the house rules, quick tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict mailgate
	$(PYTEST) -n 0 tests/test_architecture.py
	$(PYTEST) -m "not ($(SLOW))"

test: $(STAMP) apt          ## all tests; what is skipped is named at the end, with its reason
	$(PYTEST) -rs

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(STAMP)              ## hostile mail; SECONDS_EACH=600 looks longer
	MAILGATE_TEST_FUZZ_SECONDS=$(or $(SECONDS_EACH),60) $(BIN)/python -m pytest -n 2 -rs tests/fuzz

bench: $(STAMP)             ## every mark beside today's figure, a quarter of an hour; BESIDE=folder of an older version: to compare with, ONLY=word: a part
	$(BIN)/python bench/marks.py $(if $(BESIDE),--beside $(BESIDE)) $(if $(ONLY),--only $(ONLY))

year: $(STAMP)              ## a virtual year of a desk: 100,000 mails, every deadline accounted for; MAILS=500 is shorter
	$(BIN)/python bench/year.py $(if $(MAILS),--mails $(MAILS))

storm: $(STAMP)             ## mail from all sides under kill -9, relay failing; MAILS=1000 is shorter, ROUNDS=500 kills more often
	$(BIN)/python bench/storm.py $(if $(MAILS),--mails $(MAILS))
	MAILGATE_TEST_STORM_ROUNDS=$(or $(ROUNDS),50) $(BIN)/python -m pytest -n 0 -rs -s tests/crash/test_kill.py -k storm

install-test: $(STAMP) apt  ## docs/install.md, followed word by word on a fresh Debian (root, debootstrap, Debian's mirror)
	MAILGATE_TEST_INSTALL=1 $(BIN)/python -m pytest -n 0 -rs -s tests/install

test-fresh: $(STAMP) apt    ## all tests on a fresh Debian by its own Python: RELEASE=bookworm, or trixie; FILES="tests/imap …" runs fewer
	$(BIN)/python -m tests.install.fresh $(or $(RELEASE),trixie) $(FILES)

deb:                        ## dist/mailgate_VERSION_amd64.deb, for the Debian that it runs on
	bash packaging/deb.sh

golden: $(STAMP)            ## write the expected letters anew; read the difference before you commit it
	RENEW_GOLDEN=1 $(BIN)/python -m pytest -q -n 0 tests/compose/test_golden.py

lock:                       ## renew the locks, with hashes, from pyproject.toml (needs uv); the service's has no tools of ours
	uv pip compile pyproject.toml --group dev --extra postgresql --extra mysql --extra s3 --python-version 3.11 --universal --generate-hashes \
		--no-emit-index-url --output-file requirements.lock
	uv pip compile pyproject.toml --group build --extra postgresql --extra mysql --extra s3 --constraints requirements.lock --python-version 3.11 \
		--universal --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements-service.lock

# The servers that tests talk to. They are installed, never started: tests start their own on ports of their own.
apt:
ifeq ($(MAILGATE_TEST_APT),1)
	[ "$$(id -u)" = 0 ] || { echo "MAILGATE_TEST_APT=1 needs root"; exit 1; }
	sh tests/install_servers.sh
endif

clean:
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache build dist
