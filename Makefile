# Every task in one word. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORY ?= deploy/scenarios/sanchajie.yaml
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
# why the interpreter crashed, if it did, where the end of the output shows it
CRASHED = { status=$$?; for told in build/crash*.txt; do head -n 2 $$told; sed -n '/^Current thread/,$$p' $$told | head -n 18; done; exit $$status; }
# install by hash what a lock of deploy names, then Linli itself; the locks are for Python 3.11, other versions go by the constraints
INSTALL = { if $(1)/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; \
	then $(1)/bin/python -m pip install --quiet --require-hashes --requirement deploy/$(2) \
		&& $(1)/bin/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .; \
	else $(1)/bin/python -m pip install --quiet --constraint deploy/constraints.txt --editable '.$(3)'; fi; }
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYTHONWARNINGS = ignore

.DEFAULT_GOAL := help
.PHONY: help run test test-mongodb city check lint types imports bench faults fuzz up down logs lock sbom licences clean reset

help: ## list the tasks
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: pyproject.toml deploy/constraints.txt deploy/requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or later is needed (PYTHON=... names another one)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; $(PYTHON) is older"; exit 1; }
	@echo "installing into $(VENV) (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(call INSTALL,$(VENV),requirements.lock)
	@touch $@

$(VENV)/tested: $(VENV)/installed deploy/requirements-test.lock
	@echo "installing what the tests need (once) …"
	@$(call INSTALL,$(VENV),requirements-test.lock,[test])
	@deploy/install-test-servers
	@npm install --silent --no-audit --no-fund --prefix $(VENV)/redocly @redocly/cli@2.77.0
	@$(PYTHON) -m venv $(VENV)/client  # a place of its own: it wants other versions of what Linli uses
	@$(VENV)/client/bin/python -m pip install --quiet openapi-python-client==0.29.1
	@touch $@

run: $(VENV)/installed ## start Linli here, load a neighbourhood's year, and serve until Ctrl-C
	@LINLI_TRIAL=$${LINLI_TRIAL:-yes} $(BIN)/linli up --scenario $(STORY) --log-file $${LINLI_DATA:-data}/linli.log

test: $(VENV)/tested ## run the tests, servers and browser included (installs what they need)
	@$(BIN)/python -m tests.side_by_side || $(CRASHED)

test-mongodb: $(VENV)/tested ## all tests about MongoDB, on MONGODB_URI, MONGOD or containers of mongo:8, else the stand-in; says which
	@MONGO_IMAGE="$${MONGO_IMAGE:-mongo:8}" $(BIN)/python -m pytest -m 'mongodb and not city' -rs

city: $(VENV)/tested ## tests of whole cities: in containers with the story told, over TLS, and killed, cut off and frozen in every way
	@$(BIN)/python -m pytest -m city || $(CRASHED)

check: lint types imports test city ## everything CI runs

lint: $(VENV)/tested ## style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/tested ## types
	@$(BIN)/mypy

imports: $(VENV)/tested ## who may import whom
	@$(BIN)/lint-imports

.venv-bench/installed: $(VENV)/installed
	@echo "installing what the benchmarks need (once) …"
	@$(PYTHON) -m venv .venv-bench
	@$(call INSTALL,.venv-bench,requirements-test.lock,[bench])
	@deploy/install-test-servers
	@touch $@

bench: .venv-bench/installed ## measure, side by side with what is compared (SHAPE=embedded, city or both; some 5 and 8 minutes)
	@.venv-bench/bin/python -m tests.bench --shape $(or $(SHAPE),both) $(BENCH)

faults: $(VENV)/tested ## break a running city for a long time (KILLS=1000 SEED=7 SHAPE=city AWAY=600 ROLLING=10 MUTATIONS=100000 LOSSES=100)
	@$(BIN)/python -m tests.faults --kills $(or $(KILLS),100) --shape $(or $(SHAPE),both) --away $(or $(AWAY),0) --rolling $(or $(ROLLING),1) \
		--mutations $(or $(MUTATIONS),0) --losses $(or $(LOSSES),0) $(if $(SEED),--seed $(SEED))

fuzz: $(VENV)/tested ## throw what fits the OpenAPI document, and what does not, at every path as everybody (FUZZ=50 SEED=1)
	@$(BIN)/python -m tests.component.gateway.fuzzing --examples $(or $(FUZZ),50) --seed $(or $(SEED),1)

up: ## start a city in containers (needs Docker): RabbitMQ, MongoDB, every service, Prometheus, Grafana
	@deploy/secrets $${LINLI_SECRETS:-secrets}
	@echo "building the image …"
	@DOCKER_BUILDKIT=1 docker build --quiet --tag $${LINLI_IMAGE:-linli/linli:latest} $${LINLI_BUILD:-} --file deploy/Dockerfile . >/dev/null
	@$(COMPOSE) --profile watch up -d
	@echo "the portal: http://127.0.0.1:8000   dashboards: http://127.0.0.1:3000   operator's token: $${LINLI_SECRETS:-secrets}/operator_token"

down: ## stop the city in containers; its data stays
	@$(COMPOSE) --profile watch down

logs: ## follow the log of the city in containers
	@$(COMPOSE) logs --follow --tail 20

# tools of the supply chain, apart from what runs
.venv-tools/installed: Makefile
	@$(PYTHON) -m venv .venv-tools
	@.venv-tools/bin/python -m pip install --quiet 'pip-tools==7.6.2' 'cyclonedx-bom==7.5.0'
	@touch $@

# what the image holds: every file compared with its hash
.venv-locked/installed: deploy/requirements.lock
	@$(PYTHON) -m venv --clear .venv-locked
	@.venv-locked/bin/python -m pip install --quiet --require-hashes --requirement deploy/requirements.lock
	@touch $@

lock: .venv-tools/installed ## write deploy/requirements.lock and requirements-test.lock: each package with its hashes (Python 3.11)
	@.venv-tools/bin/python deploy/lock.py .venv-tools/bin/pip-compile

sbom: .venv-tools/installed .venv-locked/installed ## write build/sbom.json: what Linli is made of, in CycloneDX
	@mkdir -p build
	@.venv-tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file build/sbom.json .venv-locked/bin/python
	@echo "build/sbom.json"

licences: .venv-locked/installed ## check licences, and advisories that were brought along (ADVISORIES=folder of OSV files)
	@.venv-locked/bin/python deploy/supply_chain.py deploy/requirements.lock $(if $(ADVISORIES),--advisories $(ADVISORIES))

reset: ## forget the loaded data (removes ./data)
	@rm -rf data

clean: ## remove what was installed here
	@rm -rf $(VENV) .venv-bench .venv-tools .venv-locked
