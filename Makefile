# Two targets do everything on a fresh machine: `make rehearse` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
STACK ?= gke
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  STACK=gke|eks|aks|local names the stack of up, preview and destroy; ARGS="..." adds arguments to the command.'

# The stamp is keyed by the files that pin the dependencies: an unchanged checkout installs nothing twice.
$(VENV)/.runtime: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Say: make PYTHON=python3.12 ..."; exit 2; }
	@echo "Installing the pinned Python packages into $(VENV) (once, for some minutes; the Pulumi SDKs are about 1 GB on disk)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -e '.[dev,policy,gitlab]'
	@touch $@

.PHONY: rehearse
rehearse: $(VENV)/.runtime ## Plan every stack and prove it on an embedded Kubernetes control plane; no cloud account needed
	@$(BIN)/multiarch rehearse $(ARGS)

.PHONY: test
test: $(VENV)/.dev lint ## Lint, type-check, and run every test tier whose component is here, some side by side
	@$(BIN)/python -m tests.tiers $(ARGS)

.PHONY: unit
unit: $(VENV)/.dev ## Run the unit tests only: they need nothing
	@$(BIN)/pytest tests/unit tests/golden $(ARGS)

# Not in the dev extra: botocore wants an older python-dateutil than the kubernetes client. Its data alone is read. The
# version is the one that the record was made from.
# renovate: datasource=pypi depName=botocore
BOTOCORE := 1.43.11
$(VENV)/truth: $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $@ botocore==$(BOTOCORE)

.PHONY: provider-truth
provider-truth: $(VENV)/truth ## Compare the record of what is replaced with EKS's API (SOURCES=DIR: with the other providers' sources too)
	@PYTHONPATH=$(VENV)/truth $(if $(SOURCES),MULTIARCH_PROVIDER_SOURCES=$(SOURCES)) $(BIN)/pytest tests/unit/providers/test_replaced.py $(ARGS)

.PHONY: renovate
renovate: $(VENV)/.dev ## Ask the real Renovate whether it sees every pin (needs npm; half a gigabyte, once)
	@MULTIARCH_RENOVATE=1 $(BIN)/pytest tests/unit/pins $(ARGS)

.PHONY: test-templates
test-templates: $(VENV)/.dev ## Run the CI templates' tests: whole pipelines without a GitLab
	@$(BIN)/pytest tests/templates $(ARGS)

.PHONY: test-engine
test-engine: $(VENV)/.dev ## Run all tests under the real Pulumi engine (`pulumi` from PATH, else built once, for minutes)
	@MULTIARCH_ENGINE=full $(BIN)/pytest tests/engine $(ARGS)

.PHONY: test-nodes
test-nodes: $(VENV)/.dev ## Start real kubelets on this machine, as root, and make their images (minutes; docs/real-nodes.md)
	@MULTIARCH_NODES=1 $(BIN)/pytest tests/images tests/nodes $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .

.PHONY: bench
bench: $(VENV)/.dev ## Measure the rehearsal: time, memory, and where they go
	@$(BIN)/python -m bench.rehearse $(ARGS)

.PHONY: bench-drift
bench-drift: $(VENV)/.dev ## Measure `multiarch drift` on many stacks: total against the ideal, memory, a stack that hangs
	@$(BIN)/python -m bench.drift $(ARGS)

.PHONY: bench-help
bench-help: $(VENV)/.dev ## Measure every `--help` beside an empty click program's; each stays below 0.3 s
	@$(BIN)/python -m bench.help $(ARGS)

.PHONY: bench-look
bench-look: $(VENV)/.dev ## Measure a look at a cluster of 1000 nodes and 5000 pods (embedded control plane, kwok)
	@$(BIN)/python -m bench.look $(ARGS)

.PHONY: pictures
pictures: $(VENV)/.dev ## Make docs/images anew from recorded runs (ARGS="--record rehearse-gke drift doctor onboard": record them first)
	@$(BIN)/python -m docs.pictures $(ARGS)

.PHONY: bench-doctor
bench-doctor: $(VENV)/.dev ## Measure the doctor on 2500 jobs' pods (minutes: they are made first)
	@$(BIN)/python -m bench.doctor $(ARGS)

.PHONY: bench-house
bench-house: $(VENV)/.dev ## Measure the code: what is said once, what imports what, how long it is
	@$(BIN)/python -m bench.house $(ARGS)

.PHONY: docs-doctor
docs-doctor: $(VENV)/.dev ## Make docs/doctor.md's table again
	@$(BIN)/python -m multiarch.doctor.docs docs/doctor.md

.PHONY: zipapp
zipapp: $(VENV)/.dev ## Build dist/archmerge.pyz: archmerge for any Python 3.11 or later, nothing to install
	@mkdir -p dist
	@$(BIN)/python archmerge/packaging/make_zipapp.py dist/archmerge.pyz

.PHONY: release
release: $(VENV)/.dev ## Say whether this commit is ready to be released, and leave the artifacts in dist/ (ARGS=--push tags it)
	@$(BIN)/python -m ci.release $(ARGS)

.PHONY: bench-merge
bench-merge: $(VENV)/.dev ## Measure archmerge against the tools it replaces (needs docker-registry; builds pinned peers)
	@$(BIN)/python -m bench.merge.run $(ARGS)

.PHONY: docs
docs: $(VENV)/.dev ## Write the generated files again (config reference, JSON Schema, CI templates)
	@$(BIN)/python -m docs.edits_table
	@$(BIN)/python -m docs.config_page
	@$(BIN)/python -m docs.policy_page
	@$(BIN)/python -m docs.pages
	@$(BIN)/python -m docs.starters
	@$(BIN)/python -m docs.monitoring_page
	@$(BIN)/python -m ci.render
	@$(BIN)/python -m docs.record_drift
	@$(BIN)/python -m docs.record_schemas

.PHONY: up preview destroy
up: $(VENV)/.runtime ## Create or update STACK with the real Pulumi CLI
	@$(BIN)/python -m multiarch.model.pulumi_cli up $(STACK) $(ARGS)
preview: $(VENV)/.runtime ## Show what `up` would change in STACK
	@$(BIN)/python -m multiarch.model.pulumi_cli preview $(STACK) $(ARGS)
destroy: $(VENV)/.runtime ## Delete what STACK created
	@$(BIN)/python -m multiarch.model.pulumi_cli destroy $(STACK) $(ARGS)

.PHONY: clean
clean: ## Remove the virtual environment and caches of this checkout (not the control plane's cache)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
