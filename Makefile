# The index of everything one may run. Needs only Python >= 3.11 (with venv) and make; uv is bootstrapped here.
PYTHON ?= python3
UV := .venv/bin/uv
RUN := .venv/bin/
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv

.PHONY: bundle setup demo test check format bench bench-scale bench-peers faults screenshots docs clean fuzz audit

setup: .venv/.ready                ## make the environment from uv.lock

.venv/.ready: uv.lock pyproject.toml
	@test -x $(RUN)python || $(PYTHON) -m venv .venv
	@test -x $(UV) || $(RUN)python -m pip install --quiet --disable-pip-version-check uv
	$(UV) sync --frozen --inexact --quiet
	@$(RUN)python -m compileall -q $(CURDIR)/.venv/lib gateway adapters || true
	@touch $@

demo: setup                        ## a province exchanges documents for a week: make demo ARGS="--once --json"
	@$(RUN)gateway demo $(ARGS)

test: setup                        ## every test, PostgreSQL included (it comes in a wheel)
	$(RUN)pytest -n auto --dist loadfile $(ARGS)

check: setup                       ## style, types, layers, documents
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)pytest -n auto tests/test_architecture.py tests/test_docs.py

format: setup                      ## put the code into form
	$(RUN)ruff check --fix .
	$(RUN)ruff format .

docs: setup                        ## write the generated documents anew
	$(RUN)gateway docs
	$(RUN)python -m tests.unit.signature_table
	$(RUN)python -m tests.unit.evidence_cases
	$(RUN)python -m gateway.web.openapi > schemas/openapi.json.new && mv schemas/openapi.json.new schemas/openapi.json

bench: setup                       ## documents per second beside the floor: var/bench/*.json
	$(RUN)python -m tests.bench $(ARGS)

faults: setup                      ## servers struck in every way, N times: cycles, losses, duplicates
	$(RUN)python -m tests.fault $(N) $(ARGS)

bench-scale: setup                 ## what 1 to 4 processes do, on SQLite and PostgreSQL; ARGS=--write puts it into docs
	$(RUN)python -m tests.bench.scale $(ARGS)

bench-peers: setup                 ## the same work through django-pyas2 (fetched from PyPI into var/peers) and ours
	$(RUN)python -m tests.bench.peers $(ARGS)

fuzz: setup                        ## one target fed for some time: make fuzz TARGET=envelope SECONDS=600 (vxp, langson, api)
	$(UV) pip install --quiet --target var/fuzz/lib atheris==3.0.0
	PYTHONPATH=var/fuzz/lib $(RUN)python -m tests.fuzz $(or $(TARGET),envelope) -max_total_time=$(or $(SECONDS),60)

audit: setup                       ## known weaknesses of what uv.lock names; asks PyPI, so it needs a network
	$(UV) export --frozen --quiet --no-emit-project --all-extras --no-dev --format requirements-txt -o var/requirements.txt
	$(UV) tool run --quiet pip-audit==2.10.1 --disable-pip --require-hashes -r var/requirements.txt $(ARGS)

bundle: setup                      ## an offline installer with every wheel and an SBOM: dist/*-bundle.tar.gz
	$(RUN)python docs/operations/bundle.py $(ARGS)

screenshots: setup                 ## the console's pages in a real browser, as pictures: docs/console/*.png
	REQUIRE_BROWSER=1 SCREENSHOTS=1 $(RUN)pytest tests/browser $(ARGS)

clean:                             ## forget environment and data of this checkout
	rm -rf .venv var dist
