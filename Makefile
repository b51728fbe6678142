# make run · test · check · format · fuzz · bench · screenshots · lock · audit · sbom · clean
# with another Python: make run PYTHON=/path/to/python3

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
ARGS ?=
BIN := .venv/bin
AUDIT := .venv-audit/bin
INSTALL := install --quiet --disable-pip-version-check --require-hashes
PIP := $(BIN)/python -m pip $(INSTALL)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock'

.PHONY: run test check format fuzz bench screenshots lock audit sbom clean

run: $(BIN)/leafcraft
	@exec $(BIN)/leafcraft serve $(ARGS)

test: .venv/dev
	@bash .ci/mariadb
	@bash .ci/chromium
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: .venv/dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	PYTHONPATH=src $(BIN)/lint-imports --no-logo
	$(BIN)/vulture

format: .venv/dev
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

fuzz: .venv/dev                 # Schemathesis against the real service, as each role
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: .venv/dev
	PYTHONPATH=src $(BIN)/python -m bench $(ARGS)

screenshots: .venv/dev          # docs/pictures; `ARGS="--all --out DIR"` takes every page in every look
	@bash .ci/chromium
	$(BIN)/python -m tests.screenshots $(ARGS)

lock: .venv/dev                 # keeps what is pinned; `make lock ARGS=--upgrade` takes the newest
	$(COMPILE) pyproject.toml $(ARGS) --group dev -o requirements-dev.txt
	$(COMPILE) pyproject.toml --constraint requirements-dev.txt --group test -o requirements.txt
	$(COMPILE) pyproject.toml --constraint requirements-dev.txt -o requirements-service.txt
	$(COMPILE) $(ARGS) --group audit -o requirements-audit.txt

audit: .venv-audit/tools        # known holes in what the service is locked to
	@$(AUDIT)/python .ci/audit.py $(AUDIT)/pip-audit requirements-service.txt

sbom: .venv-audit/service/ready # build/sbom.json: what the service is made of, the licences and the hashes
	@mkdir -p build
	@$(AUDIT)/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
		-o build/sbom.json .venv-audit/service
	@$(AUDIT)/python .ci/sbom.py requirements-service.txt build/sbom.json

clean:
	rm -rf .venv .venv-audit .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# ── the virtual environment: each stamp is as new as the lock it was made from ──

.venv/pyvenv.cfg .venv-audit/pyvenv.cfg:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'Leafcraft needs Python 3.11 or newer: make run PYTHON=/path/to/python3' >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'This Python has no venv module; on Debian or Ubuntu: apt install python3-venv' >&2; exit 1; }
	@echo 'Making $(@D) (once; about a minute)'
	@"$(PYTHON)" -m venv $(@D)

.venv/service: .venv/pyvenv.cfg requirements-service.txt
	$(PIP) -r requirements-service.txt
	@touch $@

.venv/dev: $(BIN)/leafcraft requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@

.venv-audit/tools: .venv-audit/pyvenv.cfg requirements-audit.txt
	$(AUDIT)/python -m pip $(INSTALL) -r requirements-audit.txt
	@touch $@

# The service alone, without even pip: what lies here is what the bill of materials lists.
.venv-audit/service/ready: .venv-audit/tools requirements-service.txt
	@$(AUDIT)/python -m venv --clear --without-pip $(@D)
	$(AUDIT)/python -m pip --python $(@D)/bin/python $(INSTALL) -r requirements-service.txt
	@touch $@

# The command runs from src, so that there is nothing to build and nothing more to download.
$(BIN)/leafcraft: .venv/service Makefile
	@echo '$(CURDIR)/src' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/leafcraft.pth"
	@printf '#!/bin/sh\nexec "%s/python" -m leafcraft "$$@"\n' '$(CURDIR)/$(BIN)' > $@
	@chmod +x $@
