.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 6543
BIN := .venv/bin

.PHONY: help serve test coverage test-browser test-deployment fuzz torture bench bench-login bench-scale lint openapi format clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

serve: .venv/installed ## migrate todo.sqlite and serve it: make serve PORT=7000
	@$(BIN)/alembic -c development.ini upgrade head
	@$(BIN)/pserve development.ini http_port=$(PORT)

test: .venv/installed-testing ## run the whole suite, on SQLite and on a real PostgreSQL
	@$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

coverage: .venv/installed-testing ## the same, and which lines no test has run
	@$(BIN)/python -m pytest --cov --numprocesses=auto --dist=worksteal

test-browser: .venv/installed-browser ## try the documentation page in a headless Chromium
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
		{ echo 'The browser is missing: apt-get install chromium chromium-driver' >&2; exit 1; }
	@$(BIN)/python -m pytest tests/browser

test-deployment: export PATH := $(PATH):/usr/sbin
test-deployment: .venv/installed-testing ## try the files of deploy/ with nginx, HAProxy, pgbouncer and systemd
	@missing=; \
	for tool in nginx:nginx-light haproxy:haproxy openssl:openssl systemd-analyze:systemd pgbouncer:pgbouncer; do \
		command -v $${tool%:*} >/dev/null || missing="$$missing $${tool#*:}"; \
	done; \
	test -z "$$missing" || { echo "Programs are missing: apt-get install$$missing" >&2; exit 1; }
	@$(BIN)/python -m pytest tests/deployment

fuzz: .venv/installed-testing ## attack every operation on both databases, for three minutes
	@FUZZ_SECONDS=60 $(BIN)/python -m pytest tests/fuzz

torture: .venv/installed-testing ## kill and race the service on both databases, for five minutes; prints counts
	@TORTURE=1 $(BIN)/python -m pytest tests/torture

bench: .venv/installed-bench ## this project beside its peers, for about ten minutes; writes benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks.compare

bench-login: .venv/installed-testing ## what a flood of logins does to others, and what a login's time tells
	@$(BIN)/python -m benchmarks.login

bench-scale: .venv/installed-testing ## pages of an account with a million tasks, for some minutes; writes benchmarks/scale.md
	@$(BIN)/python -m benchmarks.scale

lint: .venv/installed-dev ## check format, style, types and the direction of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache

openapi: .venv/installed-testing ## write docs/openapi.json anew, unless that would break clients
	@$(BIN)/python -m tests.support.contract
	@$(BIN)/python -m tests.support.authorization

format: .venv/installed-dev ## put the code into the format that lint wants
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## remove the virtual environment and what tools left behind; todo.sqlite stays
	rm -rf .venv build *.egg-info .coverage* .mypy_cache .ruff_cache .hypothesis

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "todo needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv

.venv/installed: setup.py .venv/bin/pip
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/installed-testing .venv/installed-bench .venv/installed-browser .venv/installed-dev: .venv/installed-%: setup.py .venv/bin/pip
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@ .venv/installed
