# Thin wrapper: everything is CMake and ctest underneath. `make help` lists the targets.

BUILD ?= build
ASAN_BUILD ?= build-asan
FUZZ_BUILD ?= build-fuzz
SECONDS ?= 60
PIPES ?= 1000
JOBS ?= $(shell nproc)
CHAOS = $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(if $(MODE),--mode $(MODE))
# Only for a new build folder: one that is there keeps its generator.
ifneq ($(shell command -v ninja),)
export CMAKE_GENERATOR ?= Ninja
endif

.PHONY: all help demo demo-down test test-kafka test-terraform test-thousand unit lint asan fuzz bench bench-api bench-thousand chaos format clean

all: ## build penstock-api and penstock-worker (needs only the development packages)
	@cmake -S . -B $(BUILD) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: ## install, build, start everything and watch rows arrive (DEMO_EVENTS, DEMO_EXIT=1, DEMO_KAFKA=apache)
	@demo/demo

demo-down: ## end what a killed demo left behind
	@demo/demo --down

test: ## install what is missing, build, run every test (SUITE=regex picks some)
	@tests/run $(if $(SUITE),--suite '$(SUITE)')

test-kafka: ## the Kafka suite with every pair of Apache Kafka 3.9.2, 4.3.1 and librdkafka of the system, newest
	@deploy/install-deps test
	@cmake -S . -B $(BUILD) -DPENSTOCK_KAFKA_MATRIX=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target all demo-programs
	@cd $(BUILD) && ctest -L kafka-matrix --output-on-failure; status=$$?; cmake -DPENSTOCK_KAFKA_MATRIX=OFF . >/dev/null; exit $$status

test-terraform: ## the official Terraform provider against a running Penstock (PENSTOCK_TF_PROVIDER_BIN=executable)
	@deploy/install-deps test
	@cmake -S . -B $(BUILD) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target all demo-programs
	@PENSTOCK_BUILD_DIR=$(abspath $(BUILD)) tests/terraform/run

test-thousand: ## 1,000 idle pipes on this machine (about 8 GB and some minutes)
	@deploy/install-deps test
	@cmake -S . -B $(BUILD) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target all demo-programs
	@PENSTOCK_BUILD_DIR=$(abspath $(BUILD)) PENSTOCK_FLEET_PIPES=$(PIPES) /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/e2e/fleet_test.py

unit: ## only the unit tests
	@cmake -S . -B $(BUILD) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target unit-tests
	@cd $(BUILD) && ctest -L unit --output-on-failure

lint: ## only the lint
	@cmake -S . -B $(BUILD) >/dev/null
	@cd $(BUILD) && ctest -L lint --output-on-failure

asan: ## the unit tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake -S . -B $(ASAN_BUILD) -DPENSTOCK_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug >/dev/null
	@cmake --build $(ASAN_BUILD) -j $(JOBS) --target unit-tests
	@cd $(ASAN_BUILD) && ctest -L unit --output-on-failure

fuzz: ## the libFuzzer targets for SECONDS together (TARGET=name for one; make fuzz SECONDS=3600)
	@CC=clang-14 CXX=clang++-14 cmake -S . -B $(FUZZ_BUILD) -DPENSTOCK_FUZZ=ON >/dev/null
	@cmake --build $(FUZZ_BUILD) -j $(JOBS) --target fuzz-targets
	@tests/fuzz/run.py --build $(FUZZ_BUILD) --seconds $(SECONDS) $(TARGET)

chaos: ## kill everything under load and account for every record (ROUNDS=200 SEED=n MODE=both|exactly|at-least|check|all)
	@deploy/install-deps test
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target all demo-programs
	@PENSTOCK_BUILD_DIR=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m tests.chaos $(CHAOS)

bench: ## measure ratios against librdkafka, simdjson and end to end
	@bench/run

bench-api: ## measure the REST api: get one pipe, list 1,000, create (requests per CPU-second, p99)
	@deploy/install-deps bench
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target all demo-programs
	@PENSTOCK_BUILD_DIR=$(abspath $(BUILD)) /usr/bin/python3 bench/api.py

bench-thousand: ## measure PIPES idle pipes on this machine (1000; about 8 GB): start, CPU, memory, statements, summaries
	@deploy/install-deps bench
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target all demo-programs
	@PENSTOCK_BUILD_DIR=$(abspath $(BUILD)) /usr/bin/python3 bench/thousand.py --pipes $(PIPES)

format: ## format every C file in place
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

clean: ## remove the build folders
	@rm -rf $(BUILD) $(ASAN_BUILD) $(FUZZ_BUILD) build-clang
