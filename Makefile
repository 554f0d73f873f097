# The book's commands. `make help` lists them. Python 3.11–3.13 and make are all that is needed.

SHELL := /bin/bash
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for p in python3 python python3.13 python3.12 python3.11; do $$p -c '$(FITS)' 2> /dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/ready
export NO_MKDOCS_2_WARNING = 1
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2> /dev/null || date +%s) # the date of the site's map
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup serve site test snippets twice bench lint format pins clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY)  ## make .venv and docs/node_modules from the pins (the other targets do it by themselves)

$(READY): requirements.txt docs/package-lock.json pyproject.toml
	$(if $(PYTHON),,$(error Python 3.11, 3.12 or 3.13 is needed (TensorFlow has wheels for no other): install one, or name it with PYTHON=…))
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	cd docs && npm ci --silent --no-audit --no-fund --omit=dev
	@touch $(READY)

serve: $(READY)  ## run the examples, build both editions, serve them and follow edits (PORT=8000)
	@python -m book serve $(if $(PORT),--port $(PORT))

site: $(READY)  ## build both editions strictly into build/site
	python -m book run $(if $(FRESH),--fresh)
	@rm -rf build/en
	mkdocs build --strict --quiet -f docs/mkdocs.en.yml -d ../build/en & english=$$!; \
	mkdocs build --strict --quiet; korean=$$?; wait $$english && exit $$korean
	mv build/en build/site/en

test: $(READY) site  ## all that CI trusts: checks, the chapters' code, both built editions (FRESH=1 runs all anew)
	python -m pytest

snippets: $(READY)  ## execute the pages' visible code as a reader would paste it (LABS=1 with the labs)
	python -m book run
	rm -rf build/snippets && mkdir -p build/snippets
	python -m book expand --to build/snippets
	$(if $(LABS),,rm -f $(patsubst %,build/snippets/*/%.md,$(LAB_PAGES)))
	cd build/snippets && MPLBACKEND=agg python -m pytest -c /dev/null --rootdir=. -p no:cacheprovider --codeblocks -q ko en

twice: $(READY) site  ## build all but the labs a second time elsewhere: not a byte may differ
	LAB_PAGES="$(LAB_PAGES)" python -m pytest -q tests/twice.py

bench: $(READY)  ## measure the book and its peers side by side, write docs/{ko,en}/benchmark.md (half an hour; BENCH=--quick)
	python tests/benchmark/bench.py $(BENCH)

LAB_PAGES := mnist fashion-mnist

lint: $(READY)  ## ruff, formatting, Markdown and info strings
	ruff check .
	ruff format --check .
	python -m pytest -q tests/test_chapters.py -k lint

format: $(READY)  ## let ruff format all Python
	ruff check --fix .
	ruff format .

pins: $(READY)  ## renew requirements.txt and docs/package-lock.json
	uv pip compile pyproject.toml --group dev --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --quiet -o requirements.txt
	cd docs && npm update --omit-lockfile-registry-resolved --no-audit --no-fund

clean:  ## remove the build, but not .venv
	rm -rf build
