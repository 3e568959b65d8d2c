# Perennial from the command line. Each target sets up what it needs first.

PYTHON ?= python3
VENV   := .venv/bin
OPA     = $$($(VENV)/python -m infra.toolchain locate opa)

# Compiled files make the second start of everything much quicker than the first.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup up down status logs demo feast test check-kafka check-feast check-s3 check-c lint types style policies histories bench bench-orchestration bench-lifecycle \
  bench-start bench-rollout bench-serving bench-monitoring bench-large-lives bench-data bench-evaluation bench-training \
  drill telemetry replay-year clean-state

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## virtual environment and tools (minutes once, then a second)
	@$(PYTHON) -m infra.bootstrap

up: setup ## start the local stack and wait until it is ready
	@$(VENV)/python -m infra.stack up

down: ## stop the local stack, keep its data
	@test -x $(VENV)/python || { echo "nothing is set up here: run make setup"; exit 1; }
	@$(VENV)/python -m infra.stack down

status: ## what runs, since when, where
	@test -x $(VENV)/python || { echo "nothing is set up here: run make setup"; exit 1; }
	@$(VENV)/python -m infra.stack status || test $$? -eq 3 # 3: it is down

logs: ## follow the logs (SERVICE=api for one of them)
	@test -x $(VENV)/python || { echo "nothing is set up here: run make setup"; exit 1; }
	@$(VENV)/python -m infra.stack logs $(SERVICE)

demo: up ## a model's whole life on real data, live
	@$(VENV)/python -m infra.demo

feast: setup ## Feast in an environment of its own, for sources with feature views
	@$(VENV)/python -m infra.feast

test: lint policies ## everything that must hold: lint, policies, pytest
	$(VENV)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

check-kafka: setup ## the message bus on a real Kafka, from Maven Central (needs java and mvn)
	$(VENV)/python -m pytest -q tests/integration/api/check_kafka.py

check-s3: setup ## blobs, checkpoints and the log of requests in a real S3 server (needs go, for some minutes once)
	$(VENV)/python -m pytest -q tests/e2e/check_s3.py

check-feast: feast ## rows with features of a real Feast repository, in training and serving
	$(VENV)/python -m pytest -q tests/integration/ml/check_feast.py

check-c: setup ## what is in C, built to watch its own memory (needs gcc and its sanitizers)
	$(VENV)/python -m pytest -q tests/unit/serving/check_c.py

lint: setup ## style, types, and which package may import which
	@$(MAKE) --no-print-directory -j 2 types style

types: setup
	$(VENV)/mypy

style: setup
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/lint-imports

policies: setup ## format, compile and test the policies; every rule is covered
	@opa=$(OPA) && set -x && $$opa fmt --fail --list policies && $$opa check --strict policies \
	  && $$opa test policies
	@opa=$(OPA) && $$opa test --coverage --threshold 100 policies > .venv/coverage.json \
	  || { cat .venv/coverage.json; echo "some lines of the policies have no test"; exit 1; }

histories: setup ## record the workflow histories that the tests replay
	PERENNIAL_RECORD_HISTORIES=1 $(VENV)/python -m pytest -q tests/workflows

bench: setup ## measurements (NAME=x for one), written to benchmarks/results
	$(VENV)/python -m benchmarks $(NAME)

bench-orchestration: setup ## what a durable step costs, beside DBOS, Restate, Prefect and Temporal
	$(VENV)/python -m benchmarks orchestration

drill: setup ## kill each process in each stage, and compare with a life undisturbed (takes long)
	$(VENV)/python -m benchmarks drill

bench-lifecycle: setup ## what a model's life costs, beside a script, Prefect and ZenML
	$(VENV)/python -m benchmarks lifecycle

bench-start: setup ## warm start of the stack, the command line, idle memory by process
	$(VENV)/python -m benchmarks start

bench-rollout: setup ## how often a good canary is called off, and how soon a bad one is found
	$(VENV)/python -m benchmarks rollout

bench-serving: setup ## the prediction service beside FastAPI, MLServer, MLflow, BentoML, LitServe and Ray Serve (needs wrk)
	$(VENV)/python -m benchmarks serving

bench-monitoring: setup ## a window's verdict beside whylogs, Evidently and NannyML, and beside scipy's exact figures
	$(VENV)/python -m benchmarks monitoring

bench-data: setup ## snapshots and profiles beside pyarrow and whylogs alone, and 20 million rows judged in bounded memory
	$(VENV)/python -m benchmarks data

bench-large-lives: setup ## a thousand models that wait, and a month of one that is monitored
	$(VENV)/python -m benchmarks large-lives

bench-evaluation: setup ## 1,000 bootstrap samples of 100,000 rows, by task
	$(VENV)/python -m benchmarks evidence

bench-training: setup ## a training beside a plain loop of torch, on a GPU too where there is one; export and parity
	$(VENV)/python -m benchmarks training
	$(VENV)/python -m benchmarks.gpu_training

telemetry: setup ## alert rules, a dashboard and a scrape configuration, in .perennial/telemetry
	@$(VENV)/python -m infra.telemetry write .perennial/telemetry

replay-year: setup ## a year of flights, watched and trained again, beside the first champion alone
	$(VENV)/python -m benchmarks replay-year

clean-state: ## stop the local stack and delete its data
	@test ! -x $(VENV)/python || $(VENV)/python -m infra.stack clean
