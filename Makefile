# Every task of this project. `make serve` and `make test` set up all they need; see README.md.
PORT ?= 8000
export SITE_URL
export REAL
export SITE_LANG
PY := .venv/bin/python
LINT := .venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && $(PY) build/npm.py run --silent types

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the tasks
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: serve
serve: site ## set up, build, and serve the site at 127.0.0.1:8000 (PORT=9000 for another port)
	@$(PY) build/serve.py --port $(PORT)

.PHONY: site
site: .venv/.build node_modules/.ready ## set up and build _site/ (REAL=0: without the real language model)
	@$(PY) build/make_site.py

.PHONY: preview
preview: PORT = 8001
preview: .venv/.build node_modules/.ready ## one page, live, and again after each change: make preview PAGE=attention (at 127.0.0.1:8001)
	@$(PY) build/preview.py $(PAGE) --port $(PORT)

.PHONY: test
test: .venv/.test .venv/.lint node_modules/.ready browser site ## set up, lint, and run every test
	@failed=0; echo lint; $(LINT) || failed=1; for part in unit views site; do echo "tests/$$part"; $(PY) -m pytest -q -n 2 --dist loadgroup -m "not long" tests/$$part || failed=1; done; exit $$failed

.PHONY: test-long
test-long: .venv/.test .venv/.lab node_modules/.ready browser panel ## what make test leaves out: JupyterLab, panel convert, properties on other examples
	@for part in unit views; do EXPLORE=1 $(PY) -m pytest -q -n 2 --dist loadgroup tests/$$part || exit 1; done; $(PY) -m pytest -q -m long tests/site

.PHONY: panel
panel: .venv/.build node_modules/.ready ## bundle the widgets' JavaScript for panel serve and for notebooks
	@$(PY) build/panel_bundle.py

.PHONY: unit
unit: .venv/.test node_modules/.ready ## the tests that need neither browser nor site
	@$(PY) -m pytest -q tests/unit && $(PY) -m pytest -q tests/views

.PHONY: single
single: site ## one widget or page in one file: make single WIDGET=temperature
	@$(PY) build/single.py $(WIDGET)

.PHONY: zip
zip: site ## the whole site as one zip: _site/transformer-explainer.zip
	@ls -l _site/transformer-explainer.zip

.PHONY: release
release: .venv/.release node_modules/.ready ## all files of a release, in dist/ (TAG=v1.2.3: only if that is this version)
	@$(PY) build/release.py --check --tag "$(TAG)"
	@$(MAKE) --no-print-directory site
	@$(PY) build/release.py --tag "$(TAG)"

.PHONY: hosting
hosting: .venv/.test node_modules/.ready browser site ## the zip on eight real servers, before a browser; KEEP=--keep writes it down
	@$(PY) tests/site/hosting.py $(KEEP)

.PHONY: bench
bench: .venv/.test node_modules/.ready browser site ## measure speed and size: _bench/*.json and a table
	@$(PY) tests/bench/run.py

.PHONY: shots
shots: .venv/.test node_modules/.ready browser site ## a contact sheet of every page: _shots/index.html
	@$(PY) tests/site/shots.py

.PHONY: engines
engines: .venv/.test node_modules/.ready browser site ## seconds to live and a screenshot of every page in three engines: _shots/
	@$(PY) tests/site/engines.py

ACTIONS ?= 500
SEED ?= 1

.PHONY: monkey
monkey: .venv/.test node_modules/.ready browser site ## random actions on every page and embed: ACTIONS=500 SEED=1
	@$(PY) tests/site/monkey.py --actions $(ACTIONS) --seed $(SEED)

.PHONY: moving-picture
moving-picture: .venv/.test node_modules/.ready browser site ## film the picture at the head of the README
	@$(PY) tests/site/moving.py

.PHONY: words
words: .venv/.build ## gather the words of the frame: build/locale/messages.pot, and what translations lack
	@$(PY) build/words.py

.PHONY: inventory
inventory: .venv/.test node_modules/.ready browser site ## keep what is on every page now: tests/site/inventory.json
	@$(PY) tests/site/inventory.py --keep

.PHONY: heights
heights: .venv/.test node_modules/.ready browser site ## measure how tall every embed is: pages/*/heights.json
	@$(PY) tests/site/measure_heights.py --keep

.PHONY: recipes
recipes: .venv/.test node_modules/.ready browser site ## build a post with every embed recipe in its own tool: ONLY="hugo astro"
	@$(PY) tests/recipes/run.py $(ONLY)

.PHONY: lint
lint: .venv/.lint node_modules/.ready ## ruff, mypy, and tsc on our JavaScript
	@$(LINT)

.PHONY: format
format: .venv/.lint ## let ruff put the code in order
	@.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

.PHONY: train
train: .venv/.train ## train the model family anew (hours; see explainer/training)
	@for layers in 4 2 1; do $(PY) -m explainer.training --layers $$layers || exit 1; done
	@$(PY) -m explainer.training.memory
	@$(PY) -m explainer.training.alphabets --anew
	@$(PY) -m explainer.training.depth

.PHONY: train-memory
train-memory: .venv/.train ## of these only the machines that copy, a memory and a tape (minutes)
	@$(PY) -m explainer.training.memory

.PHONY: train-alphabets
train-alphabets: .venv/.train ## of these only the models of bytes and of pieces (ten minutes; without --anew: from where it stopped on)
	@$(PY) -m explainer.training.alphabets --anew

.PHONY: train-depth
train-depth: .venv/.train ## of these only the learners of the shell game, one to six layers (half an hour; goes on where it stopped)
	@$(PY) -m explainer.training.depth

.PHONY: numpy-wheel
numpy-wheel: ## build numpy's wheel for Pyodide from source (root, Debian; about 20 minutes)
	@bash build/numpy_wheel/recipe.sh

.PHONY: browser
browser: .venv/.test ## find Chromium or install it
	@$(PY) build/browser.py

.PHONY: browsers
browsers: .venv/.test ## install Firefox and WebKitGTK too (Debian, as root)
	@$(PY) build/browser.py --all

.PHONY: lock
lock: .venv/.lint ## write the lock files anew
	@$(PY) build/lock.py

.PHONY: clean
clean: ## remove what was built (not .venv and node_modules)
	@rm -rf _site _bench _shots _cache

# ---- set-up: one stamp per set of packages, made again when its lock file changes

.venv/.made:
	@echo "making the Python environment (.venv)"
	@python3 -m venv .venv && touch $@

.venv/.%: lock/%.txt | .venv/.made
	@echo "installing the Python packages for '$*'"
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

node_modules/.ready: package-lock.json | .venv/.build
	@echo "installing the npm packages"
	@$(PY) build/npm.py ci && touch $@
