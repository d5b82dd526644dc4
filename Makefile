# Everything runs in .venv, which is made when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := hub plugins/recorder plugins/analysis plugins/alerting plugins/nurse_station \
	plugins/record_forwarding device_sim firmware_bridge
EDITABLE := $(foreach member,$(MEMBERS),-e $(member))
# Tests that run hospitals in processes of their own, and mostly wait for them: three at once
# take a third of the time. The others are measured by what they take, and so run alone.
HOSPITALS := tests/faults tests/system
AT_ONCE ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs validate clean

help: ## Say what can be made.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.runs ## Run a ward of simulated patients.
	$(BIN)/monitorme demo $(DEMO)

test: $(VENV)/.develops ## Run all tests; TEST="-k journal" only some.
ifdef TEST
	$(BIN)/pytest $(TEST)
else
	$(BIN)/pytest $(HOSPITALS:%=--ignore=%)
	$(BIN)/pytest -n $(AT_ONCE) --maxschedchunk 1 $(HOSPITALS)
endif

lint: $(VENV)/.develops ## Check format, style and types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(addsuffix /src,$(MEMBERS))

bench: $(VENV)/.develops ## Measure the hot paths; prints ratios.
	@for bench in tests/bench/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

faults: $(VENV)/.develops ## Break a hospital under load in every way; FAULTS="--only broker".
	$(BIN)/python -m tests.faults --write $(FAULTS)

docs: $(VENV)/.develops ## Write again what is generated from the code.
	$(BIN)/monitorme schema --write docs
	$(BIN)/monitorme recorder openapi --write docs/history.openapi.json
	$(BIN)/monitorme config --force config
	$(BIN)/python tests/regenerate_readmes.py

validate: $(VENV)/.validates ## Prove the analysis on recordings again; writes docs/analysis.md.
	$(BIN)/python -m monitorme_analysis.validation --write docs/analysis.md

clean: ## Remove what was installed and made.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis artifacts

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "MonitorMe needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

# The members are installed editable, so that a change in their code is seen at once.
$(VENV)/.runs: $(VENV)/.python pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS))
	$(BIN)/python -m pip install --quiet -e 'hub[server,web]' $(EDITABLE)
	@touch $@

$(VENV)/.develops: $(VENV)/.runs
	$(BIN)/python -m pip install --quiet --group dev -e 'hub[server,web]' \
		-e 'device_sim[recordings]' -e 'plugins/recorder[parquet]' $(EDITABLE)
	@touch $@

# Detectors of others, to stand beside ours.
$(VENV)/.validates: $(VENV)/.develops
	$(BIN)/python -m pip install --quiet --group validate
	@touch $@
