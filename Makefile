# Each target is one line; `make` alone tells what there is.
.DEFAULT_GOAL := help
.PHONY: help install demo test test-faults test-security test-scale test-scale-small check format up down status bench
UV ?= $(or $(shell command -v uv),$(CURDIR)/.uv/bin/uv)
RUN := .venv/bin/
# sqlfluff's processes end without releasing a lock of their progress bar, and Python warns of it
QUIET := PYTHONWARNINGS=ignore::UserWarning:multiprocessing.resource_tracker

help:  ## Tell what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed superset/.venv/installed  ## Install the environments of the stack, from the locked versions

demo: install  ## Start everything, simulate a day of a city, load, publish, compare with the truth
	$(RUN)ioc demo

test: install lint/.venv/installed  ## Run every test: unit, golden, property, integration, browser
	$(RUN)pytest -n 2 --dist loadscope --no-loadscope-reorder

test-faults: install  ## Run the tests of faults at full length, with those that `make test` shortens or skips, and write docs/reliability.md
	$(RUN)pytest tests/faults tests/property tests/integration/test_one_instant.py tests/integration/test_city.py tests/integration/test_city_without_faults.py tests/integration/test_health_claims.py tests/integration/test_withdrawal.py tests/integration/test_add_a_feed.py tests/browser/test_maps.py tests/browser/test_reports.py --faults -n 2 --dist loadscope && $(RUN)python -m tests.faults.report

test-security: install  ## Try every attempt of docs/security.md against a live stack
	$(RUN)pytest tests/security --faults 1

test-scale: install  ## Build every domain on DuckDB and on Trino, compare every mart, and write the table of docs/scale.md
	$(RUN)pytest tests/integration/test_scale.py --scale

test-scale-small: install  ## The same with one domain, as in `make test`
	$(RUN)pytest tests/integration/test_scale.py -rs

check: install lint/.venv/installed  ## Lint, types, models, contracts, dashboards, secrets: everything that needs no service
	$(RUN)ruff check . && $(RUN)ruff format --check . && $(RUN)mypy . && $(QUIET) $(RUN)sqlfluff lint --processes 0 dbt_project/models && lint/.venv/bin/python lint/portable_sql.py && lint/.venv/bin/python lint/contracts.py && $(RUN)ioc contracts check && $(RUN)python superset/check_assets.py

format: install  ## Put the code in order
	$(RUN)ruff check --fix . && $(RUN)ruff format .

up: install  ## Start the services
	$(RUN)ioc up

down:  ## End what `make up` or `make demo` started
	$(RUN)ioc down

status:  ## Tell how each service is
	$(RUN)ioc status

bench: install  ## Measure, and print the tables of docs/benchmarks.md
	$(RUN)python -m bench

$(CURDIR)/.uv/bin/uv:
	python3 -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv

.venv/installed: requirements.lock pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python 3.11 .venv && $(UV) pip sync --quiet --compile-bytecode --python .venv requirements.lock && $(UV) pip install --quiet --python .venv --no-deps --editable . && touch $@

superset/.venv/installed: superset/requirements.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python 3.11 superset/.venv && $(UV) pip sync --quiet --compile-bytecode --python superset/.venv superset/requirements.lock && touch $@

lint/.venv/installed: lint/requirements.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python 3.11 lint/.venv && $(UV) pip sync --quiet --compile-bytecode --python lint/.venv lint/requirements.lock && touch $@
