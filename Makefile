.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 6543
BIN := .venv/bin

NODE_MODULES := tests/page/node_modules/.package-lock.json
PRETTIER := tests/page/node_modules/.bin/prettier --config tests/page/.prettierrc.json --ignore-path .gitignore --log-level warn

define need-browsers
@command -v chromium >/dev/null && command -v firefox-esr >/dev/null || \
	{ echo 'Browsers are missing: apt-get install chromium firefox-esr' >&2; exit 1; }
endef

.PHONY: help serve test coverage test-browser test-clients test-container test-deployment cluster test-cluster torture-cluster fuzz torture abuse bench bench-login bench-scale bench-leader bench-scaling bench-page lint openapi screenshots format clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

serve: .venv/installed ## migrate todo.sqlite and serve it: make serve PORT=7000
	@$(BIN)/alembic -c development.ini upgrade head
	@$(BIN)/pserve development.ini http_port=$(PORT)

test: .venv/installed-testing ## run the test suite on SQLite and PostgreSQL (8 minutes)
	@$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

coverage: .venv/installed-testing ## run the test suite and list untested lines (9 minutes)
	@$(BIN)/python -m pytest --cov --numprocesses=auto --dist=worksteal

test-browser: export PATH := $(abspath $(BIN)):$(PATH)
test-browser: .venv/installed-browser $(NODE_MODULES) ## test the page and the documentation page in headless Chromium and Firefox
	$(need-browsers)
	@node --test 'tests/page/unit/*.test.js'
	@node --test --test-concurrency=2 'tests/page/browser/*.test.js'

test-clients: export PATH := $(abspath $(BIN)):$(PATH)
test-clients: .venv/installed-clients tests/clients/node_modules/.package-lock.json ## test clients that generators make of the OpenAPI document
	@$(BIN)/python -m pytest tests/clients

test-container: export PATH := $(PATH):/usr/sbin:/usr/lib/podman
test-container: .venv/installed-container ## build the image and run compose.yaml with Podman
	@test "$$(id -u)" = 0 || { echo 'debootstrap needs root: sudo make test-container' >&2; exit 1; }
	@missing=; \
	for tool in debootstrap podman runc netavark aardvark-dns iptables; do \
		command -v $$tool >/dev/null || missing="$$missing $$tool"; \
	done; \
	test -z "$$missing" || { echo "Programs are missing: apt-get install$$missing" >&2; exit 1; }
	@$(BIN)/python -m pytest tests/container

test-deployment: export PATH := $(PATH):/usr/sbin
test-deployment: .venv/installed-testing ## test the files in deploy/ with nginx, HAProxy, pgbouncer, Prometheus and systemd
	@missing=; \
	for tool in nginx:nginx-light haproxy:haproxy openssl:openssl systemd-analyze:systemd pgbouncer:pgbouncer promtool:prometheus; do \
		command -v $${tool%:*} >/dev/null || missing="$$missing $${tool#*:}"; \
	done; \
	test -z "$$missing" || { echo "Programs are missing: apt-get install$$missing" >&2; exit 1; }
	@$(BIN)/python -m pytest tests/deployment

cluster: .venv/installed ## run a cluster on this machine until Ctrl-C: three databases, two nodes, and what stands between
	@deploy/cluster/run

test-cluster: .venv/installed-testing ## test a cluster: each part fails once, and the functional tests run through pgbouncer
	@$(BIN)/python -m pytest tests/cluster

torture-cluster: .venv/installed-testing ## let each part of a cluster fail three times under load (20 minutes)
	@TORTURE=1 $(BIN)/python -m pytest tests/cluster

fuzz: .venv/installed-testing ## send generated requests to every operation (3 minutes)
	@FUZZ_SECONDS=60 $(BIN)/python -m pytest tests/fuzz

torture: .venv/installed-testing ## kill and race the service and look for lost writes (5 minutes)
	@TORTURE=1 $(BIN)/python -m pytest tests/torture

abuse: .venv/installed-testing ## attack the service and measure how long others wait (5 minutes)
	@ABUSE=1 $(BIN)/python -m pytest tests/abuse

bench: .venv/installed-bench ## compare speed with other frameworks and write benchmarks/RESULTS.md (10 minutes)
	@$(BIN)/python -m benchmarks.compare

bench-login: .venv/installed-testing ## measure how a flood of logins slows other requests, and the timing of failed logins
	@$(BIN)/python -m benchmarks.login

bench-scale: .venv/installed-testing ## measure pages of an account with a million tasks and write benchmarks/scale.md
	@$(BIN)/python -m benchmarks.scale

bench-leader: .venv/installed-testing ## measure what a request costs PostgreSQL and write benchmarks/leader.md (4 minutes)
	@$(BIN)/python -m benchmarks.leader

bench-scaling: .venv/installed-testing ## simulate shards by account and lagging replicas, and write benchmarks/scaling.md
	@$(BIN)/python -m benchmarks.scaling

lint: export PATH := $(abspath $(BIN)):$(PATH)
lint: .venv/installed-dev $(NODE_MODULES) ## check format, style, types, the direction of imports, and the container files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/hadolint Dockerfile tests/container/postgres/Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	@$(PRETTIER) --check todo/web/page tests/page
	@for part in tsconfig tsconfig.page tsconfig.worker; do \
		tests/page/node_modules/.bin/tsc --project tests/page/$$part.json || exit 1; \
	done

openapi: .venv/installed-testing ## update docs/openapi.json, errors.md, authorization.md and limits.md; refuse changes that break clients
	@$(BIN)/python -m tests.support.contract
	@$(BIN)/python -m tests.support.authorization
	@$(BIN)/python -m tests.support.costs

bench-page: export PATH := $(abspath $(BIN)):$(PATH)
bench-page: .venv/installed-browser $(NODE_MODULES) ## measure the page with 10,000 tasks
	$(need-browsers)
	@node tests/page/measure.js

screenshots: export PATH := $(abspath $(BIN)):$(PATH)
screenshots: .venv/installed-browser $(NODE_MODULES) ## take the pictures in docs/pictures anew
	$(need-browsers)
	@node tests/page/screenshots.js

format: export PATH := $(abspath $(BIN)):$(PATH)
format: .venv/installed-dev $(NODE_MODULES) ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(PRETTIER) --write todo/web/page tests/page

clean: ## remove the virtual environment and the files of tools; todo.sqlite stays
	rm -rf .venv build *.egg-info .coverage* .mypy_cache .ruff_cache .hypothesis tests/*/node_modules

.venv/bin/pip:
	@case "$$PWD" in *%*) echo 'PasteDeploy cannot read ini files in a path with a %: rename or move this folder' >&2; exit 1;; esac
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "todo needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv

.venv/installed: setup.py .venv/bin/pip
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# No scripts: those of the packages only report to their makers. Node.js has its own certificate
# authorities, which lack those of a company's proxy.
tests/page/node_modules/.package-lock.json: tests/page/package-lock.json .venv/installed-browser
tests/clients/node_modules/.package-lock.json: tests/clients/package-lock.json .venv/installed-clients
tests/%/node_modules/.package-lock.json: export PATH := $(abspath $(BIN)):$(PATH)
tests/%/node_modules/.package-lock.json:
	@NODE_USE_SYSTEM_CA=1 npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --prefix tests/$*
	@touch $@

.venv/installed-testing .venv/installed-clients .venv/installed-container .venv/installed-bench .venv/installed-browser .venv/installed-dev: .venv/installed-%: setup.py .venv/bin/pip
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@ .venv/installed
