# SPDX-License-Identifier: MIT
# The commands people use. `make help` lists them; CMakeLists.txt holds the build itself.

BUILD ?= build
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PORT ?= 6379
DATA ?= ./data
ARGS ?=
PREFIX ?= /usr/local
DESTDIR ?=
ROUNDS ?=
FUZZ_SECONDS ?= 30
MINUTES ?= 10
COVERAGE_LEAST ?= 90
CMAKE_ARGS ?=

SERVER = $(BUILD)/rubellite-server
ADMIN = $(BUILD)/rubellite
DEPS = tests/tools/deps
CTEST = ctest --output-on-failure --no-tests=error
# The thread sanitizer cannot place its shadow where a kernel spreads addresses widely.
FIXED_ADDRESSES = $(shell setarch -R true 2>/dev/null && echo setarch -R)
C_FILES = $(shell find src include tests bench -name '*.[ch]' 2>/dev/null)
export ROUNDS

# $(call configure,folder,options): the options of a folder are set once, or again when asked.
configure = mkdir -p $(1) && \
	{ cmake -S . -B $(1) $(2) $(CMAKE_ARGS) >$(1)/configure.log 2>&1 || \
		{ cat $(1)/configure.log; exit 1; }; }
compile = cmake --build $(1) -j $(JOBS)

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help deps build run test test-unit test-integration test-asan test-ubsan test-tsan \
	test-clang coverage fuzz crash power soak mutations compat clients bench bench-quick \
	bench-docs bench-publish bench-latency bench-sql bench-micro bench-built demo demo-sql install uninstall format \
	format-check lint check docs docs-check clean fresh-debian tests-built

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  PORT=$(PORT) DATA=$(DATA) ARGS='--appendfsync always'   for run"
	@echo "  PREFIX=$(PREFIX) DESTDIR=                       for install, uninstall"
	@echo "  ROUNDS=100 for crash, FUZZ_SECONDS=$(FUZZ_SECONDS) for fuzz (per target), MINUTES=$(MINUTES) for soak"
	@echo "  JOBS=$(JOBS), BUILD=$(BUILD)"

deps: ## Install what building and testing need (Debian, Ubuntu)
	@$(DEPS) run test

build: ## Build the server and the administration program into build/
	@$(DEPS) run
	@test -f $(BUILD)/CMakeCache.txt || \
		{ $(call configure,$(BUILD),-DRUBELLITE_TESTS=OFF -DRUBELLITE_BENCH=OFF); }
	@$(call compile,$(BUILD)) --target rubellite-server rubellite

run: build ## Build and start a server on 127.0.0.1:6379 with its data in ./data
	@mkdir -p $(DATA)
	@exec $(SERVER) --bind 127.0.0.1 -::1 --port $(PORT) --dir $(DATA) $(ARGS)

tests-built:
	@$(DEPS) run test
	@$(call configure,$(BUILD),-DRUBELLITE_TESTS=ON)
	@$(call compile,$(BUILD))

test: tests-built ## Unit, integration, compat and a few crash tests
	@ROUNDS=$(or $(ROUNDS),5) $(CTEST) --test-dir $(BUILD) -j $(JOBS)

test-unit: tests-built
	@$(CTEST) --test-dir $(BUILD) -j $(JOBS) -L unit

test-integration: tests-built
	@$(CTEST) --test-dir $(BUILD) -j $(JOBS) -L integration

# $(call variant,folder,options,ctest's choice): build another way and run tests there.
variant = $(call configure,$(BUILD)/$(1),$(2) -DRUBELLITE_TESTS=ON -DRUBELLITE_BENCH=OFF) && \
	$(call compile,$(BUILD)/$(1)) && \
	$(4) $(CTEST) --test-dir $(BUILD)/$(1) -j $(JOBS) $(3)

test-asan: ## Unit and integration tests under the address and undefined behaviour sanitizers
	@$(DEPS) run test
	@$(call variant,asan,-DRUBELLITE_SANITIZE=address$(comma)undefined,-L 'unit|integration')

test-ubsan: ## ... under the undefined behaviour sanitizer alone
	@$(DEPS) run test
	@$(call variant,ubsan,-DRUBELLITE_SANITIZE=undefined,-L 'unit|integration')

test-tsan: ## ... under the thread sanitizer
	@$(DEPS) run test
	@$(call variant,tsan,-DRUBELLITE_SANITIZE=thread,-L 'unit|integration',$(FIXED_ADDRESSES))

test-clang: ## ... built with clang, warnings as errors
	@$(DEPS) run test clang
	@$(call variant,clang,-DCMAKE_C_COMPILER=clang -DRUBELLITE_WERROR=ON,-L 'unit|integration')

coverage: ## ... and compat, with gcov; prints the share of lines each file's tests reach
	@$(DEPS) run test coverage
	@$(call variant,coverage,-DCMAKE_BUILD_TYPE=Debug -DRUBELLITE_COVERAGE=ON,-L 'unit|integration|compat')
	@gcovr -j $(JOBS) --root . --filter src/ $(BUILD)/coverage --txt $(BUILD)/coverage/lines.txt \
		--html-details $(BUILD)/coverage/lines.html --fail-under-line $(COVERAGE_LEAST)
	@cat $(BUILD)/coverage/lines.txt && echo "coverage: $(BUILD)/coverage/lines.html shows the lines"

fuzz: ## Run each fuzz target for FUZZ_SECONDS
	@$(DEPS) run clang
	@$(call configure,$(BUILD)/fuzzing,-DCMAKE_C_COMPILER=clang -DRUBELLITE_FUZZ=ON)
	@$(call compile,$(BUILD)/fuzzing)
	@tests/tools/fuzz $(BUILD)/fuzzing $(FUZZ_SECONDS)

crash: tests-built ## Kill -9 under load, ROUNDS times, and check that nothing answered is lost
	@rm -f $(BUILD)/crash-summary
	@failed=0; ROUNDS=$(or $(ROUNDS),100) CRASH_SUMMARY=$(abspath $(BUILD))/crash-summary \
		$(CTEST) --test-dir $(BUILD) -L crash -V --timeout 36000 || failed=1; \
		echo; echo "What ran:"; cat $(BUILD)/crash-summary; exit $$failed

power: tests-built ## Failing disks and power failures on simulated files, SEEDS schedules of each
	@SEEDS=$(or $(SEEDS),1000) $(BUILD)/tests/unit_keyspace_power_loss

soak: build ## A mixed load for MINUTES; what drifts, stalls or is wrong; a verdict and a chart
	@$(DEPS) test
	@tests/soak/soak.py --ours $(SERVER) --admin $(ADMIN) --minutes $(MINUTES) --dir $(BUILD) \
		--svg $(BUILD)/soak.svg $(ARGS)

mutations: ## Plant bugs in a copy of the tree: a test must notice each
	@$(DEPS) run test
	@tests/mutations/run.py --build $(BUILD)/mutations --jobs $(JOBS)

compat: tests-built ## Compare every command's replies with redis-server's
	@$(CTEST) --test-dir $(BUILD) -L compat -V

clients: build ## Real clients: redis-cli, -benchmark, redis-py, Celery, Django, node's, an exporter
	@$(DEPS) clients
	@tests/clients/run.py --ours $(SERVER) $(ARGS)

bench-built:
	@$(DEPS) run bench >&2
	@$(call configure,$(BUILD),-DRUBELLITE_BENCH=ON) >&2
	@$(call compile,$(BUILD)) --target benchmarks >&2

# What every benchmark is told: whom to measure, with which programs, and on which disk.
measure = python3 bench/$(1).py --ours $(SERVER) --tools $(BUILD)/bench --dir $(BUILD) $(2) $(ARGS)

results = --results $(BUILD)/bench-results

bench: bench-built ## Everything side by side with redis-server, collections, latency, SQL; ARGS=--json
	@$(call measure,all,$(results))

bench-quick: bench-built ## The main rows, under two minutes
	@$(call measure,bench,--quick)

bench-docs: bench-built ## The same as bench, and its results into docs/
	@$(call measure,all,$(results) --publish)

bench-publish: ## Results into docs/ of a run that was stopped
	@python3 bench/publish.py $(BUILD)/bench-results

bench-latency: bench-built ## Latency over time under a steady mixed load
	@$(call measure,latency)

bench-sql: bench-built ## SQL alone and beside a steady load
	@$(call measure,sql)

bench-micro: bench-built ## Parts by themselves: parser, keys, batches, fold, types; ARGS='--only fold --json'
	@$(BUILD)/bench/micro --dir $(BUILD) $(ARGS)

demo: build ## Load a real data set, kill -9, restart, compare, look at it with sqlite3
	@$(DEPS) demo
	@tests/demo/demo.sh $(SERVER)

demo-sql: build ## Run the examples of docs/sql.md over the same data and compare them
	@$(DEPS) demo
	@tests/demo/sql_tutorial.py --packages $(ARGS) $(SERVER)

bin_dir = $(DESTDIR)$(PREFIX)/bin
man_dir = $(DESTDIR)$(PREFIX)/share/man
doc_dir = $(DESTDIR)$(PREFIX)/share/doc/rubellite
unit_dir = $(DESTDIR)$(PREFIX)/lib/systemd/system
example_dir = $(doc_dir)/examples

install: build ## Install both programs, their man pages, systemd unit, documents and example config
	install -D -m 755 $(SERVER) $(bin_dir)/rubellite-server
	install -D -m 755 $(ADMIN) $(bin_dir)/rubellite
	@for page in packaging/*.[1-8]; do \
		install -v -D -m 644 $$page $(man_dir)/man$${page##*.}/$${page##*/}; done
	@install -d $(unit_dir)
	sed 's|@PREFIX@|$(PREFIX)|g' packaging/rubellite.service >$(unit_dir)/rubellite.service
	@chmod 644 $(unit_dir)/rubellite.service
	@for page in README.md CHANGELOG.md LICENSE docs/*.* docs/charts/*.svg; do \
		test ! -e $$page || install -v -D -m 644 $$page $(doc_dir)/$$page; done
	@test ! -e packaging/rubellite.conf || \
		install -v -D -m 644 packaging/rubellite.conf $(example_dir)/rubellite.conf

uninstall: ## Remove what install put there; data and configuration stay
	rm -f $(bin_dir)/rubellite-server $(bin_dir)/rubellite $(unit_dir)/rubellite.service
	@for page in packaging/*.[1-8]; do rm -fv $(man_dir)/man$${page##*.}/$${page##*/}; done
	rm -rf $(doc_dir)

format: ## Format the C files
	@$(DEPS) format
	@clang-format -i $(C_FILES)

format-check: ## Fail when a C file is not formatted
	@$(DEPS) format
	@bad=$$(for file in $(C_FILES); do \
		clang-format --dry-run -Werror $$file 2>/dev/null || echo "  $$file"; done); \
	test -z "$$bad" || { echo "format: run make format for:"; echo "$$bad"; exit 1; }
	@echo "format: $(words $(C_FILES)) files are clean"

lint: ## Layers, names, links and lists of the documents, clang-tidy, cppcheck
	@$(DEPS) lint run test
	@$(call configure,$(BUILD)/lint,-DCMAKE_BUILD_TYPE=Debug -DRUBELLITE_TESTS=ON)
	@$(call compile,$(BUILD)/lint) --target rubellite-server rubellite
	@tests/tools/check-links
	@tests/tools/check-lists
	@tests/tools/check-layers --build $(BUILD)/lint
	@tests/tools/lint $(BUILD)/lint $(JOBS)

check: format-check lint docs-check test ## Everything a change should pass before it is committed

docs: build ## Write the generated documents again
	@$(DEPS) docs
	@$(call compile,$(BUILD)) --target print_docs
	@tests/tools/docs $(BUILD)/print_docs

docs-check: build ## Fail when a generated document is out of date
	@$(DEPS) docs
	@$(call compile,$(BUILD)) --target print_docs
	@tests/tools/docs --check $(BUILD)/print_docs

clean: ## Remove everything that was built (data stays)
	rm -rf $(BUILD)

fresh-debian: ## make run and make test in a new Debian 12 root (needs root)
	@$(DEPS) fresh
	@tests/tools/fresh-debian.sh

comma := ,
