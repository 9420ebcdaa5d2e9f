# hedgerow: `make demo` shows it, `make test` proves it, `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= auto
FUZZ ?= 50000

# $(call step,what,command): says what happens and how long it took.
define step
@if [ -t 1 ]; then bold=$$'\033[1m'; dim=$$'\033[2m'; plain=$$'\033[0m'; else bold=; dim=; plain=; fi; \
	printf '\n%s▸ %s%s\n' "$$bold" "$(1)" "$$plain"; begin=$$(date +%s%N); $(2); \
	printf '%s  %s took %d.%01d s%s\n' "$$dim" "$(1)" $$((($$(date +%s%N) - begin) / 1000000000)) \
	$$((($$(date +%s%N) - begin) / 100000000 % 10)) "$$plain"
endef

.PHONY: help
help: ## List the targets
	@if [ -t 1 ]; then name=$$'\033[36m'; plain=$$'\033[0m'; else name=; plain=; fi; \
	awk -F ':.*## ' -v name="$$name" -v plain="$$plain" \
		'/^[a-z-]+:.*## / {printf "  %s%-12s%s %s\n", name, $$1, plain, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "hedgerow needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

.PHONY: setup
setup: ## Create the virtual environment and install everything, pinned
	$(call step,Setting up $(VENV),$(MAKE) --silent $(STAMP))

.PHONY: demo
demo: setup ## Real patients, two tenants, four splits: see the walls hold
	$(call step,Starting the embedded PostgreSQL,$(BIN)/hedgerow db start)
	$(call step,alembic upgrade head,$(BIN)/alembic upgrade head)
	$(call step,Seeding,$(BIN)/hedgerow seed)
	$(call step,examples/breast_cancer.py,$(BIN)/python examples/breast_cancer.py)

.PHONY: test
test: setup ## Run every test, in parallel
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

.PHONY: fuzz
fuzz: $(STAMP) ## Compare both locks with an oracle over many random statements (FUZZ=50000)
	HEDGEROW_FUZZ=$(FUZZ) $(BIN)/python -m pytest --numprocesses $(WORKERS) --verbose tests/leakage/test_fuzz.py

.PHONY: mutants
mutants: $(STAMP) ## Take away each hook and check in turn, and see a test fail
	PYTHONPATH=tests $(BIN)/python tests/mutants.py

.PHONY: lint
lint: $(STAMP) ## Lint and check the formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(STAMP) ## Check types, strictly
	$(BIN)/mypy

.PHONY: db
db: $(STAMP) ## Start the embedded PostgreSQL and say where it is
	@$(BIN)/hedgerow db start
	@$(BIN)/hedgerow db status

.PHONY: upgrade
upgrade: $(STAMP) ## Upgrade the database to head
	$(BIN)/alembic upgrade head

.PHONY: downgrade
downgrade: $(STAMP) ## Take back the last revision (ARGS="-x allow-data-loss=true" to drop data)
	$(BIN)/alembic $(ARGS) downgrade -1

.PHONY: revision
revision: $(STAMP) ## Write a revision from what the models declare: make revision m="why"
	@test -n "$(m)" || { echo 'Say what it does: make revision m="add the thing"'; exit 2; }
	$(BIN)/hedgerow db revision -m "$(m)"

.PHONY: seed
seed: $(STAMP) ## Load the deterministic fixtures
	$(BIN)/hedgerow seed

.PHONY: check
check: $(STAMP) ## Compare models, revisions and database: no drift, nothing pending
	$(BIN)/hedgerow db check

.PHONY: regenerate
regenerate: $(STAMP) ## Before the first release only: write all revisions anew from the declarations
	$(BIN)/python -m hedgerow.migrations.regenerate

.PHONY: bench bench-scope
bench bench-scope: $(STAMP) ## Measure what the locks cost, side by side
	$(BIN)/python benchmarks/scope.py

.PHONY: bench-audience
bench-audience: $(STAMP) ## Measure what it costs to tell apart who asks
	$(BIN)/python benchmarks/audience.py

.PHONY: bench-requests
bench-requests: $(STAMP) ## Measure what the locks cost a service over HTTP
	$(BIN)/python benchmarks/requests.py

.PHONY: bench-audit
bench-audit: $(STAMP) ## Measure what audit chains cost, beside plain tables
	$(BIN)/python benchmarks/audit.py

.PHONY: bench-memory
bench-memory: $(STAMP) ## Measure how well and how fast memories are found, beside plain searches
	$(BIN)/python benchmarks/memory.py

.PHONY: bench-features
bench-features: $(STAMP) ## Measure what features as they were known cost, beside queries by hand
	$(BIN)/python benchmarks/features.py

.PHONY: docs
docs: $(STAMP) ## Write the pages that are generated: the schema reference, the leakage battery
	$(BIN)/hedgerow docs
	PYTHONPATH=tests $(BIN)/python -m leakage.page

.PHONY: clean
clean: ## Stop the embedded server and remove everything that was made here, its data included
	@test ! -x $(BIN)/hedgerow || HEDGEROW_HOME=$(CURDIR)/.hedgerow $(BIN)/hedgerow db stop --remove
	rm -rf $(VENV) .hedgerow build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
