# Two commands do everything: `make up` and `make test`.
.PHONY: up down setup check lint test bench lock wheel help

help:           ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

up: setup       ## install what is missing, start the manager, boot a first VM
	@.venv/bin/castalia up

down:           ## stop the manager; VMs run on
	@.venv/bin/castalia down

setup:
	@scripts/setup

lint:
	@.venv/bin/ruff format --check --quiet src tests bench
	@.venv/bin/ruff check --quiet src tests bench
	@.venv/bin/mypy --no-error-summary
	@.venv/bin/lint-imports --no-cache >/dev/null || .venv/bin/lint-imports --no-cache

check: lint     ## the quick part: format, lint, types, layers, unit tests
	@.venv/bin/pytest tests/unit tests/golden tests/docs

test:           ## everything, in at most 20 minutes on 2 cores
	@scripts/setup --tests
	@scripts/test

bench:          ## figures against named peers
	@.venv/bin/python -m bench

lock:           ## renew the hash locks
	@PATH="$(CURDIR)/.venv/bin:$$PATH" scripts/lock

wheel: setup    ## a wheel with the web assets in it
	@.venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
