# Pointsman. `make` prints what each target does; Go 1.26 or later is all it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN      := bin/pointsman
GUESTS   := openai anthropic google
POSTGRES := host/store/storetest/postgres.sh
SQLC     := go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1
FUZZTIME ?= 30s
# The race detector is left out of SQLite and of the passes of wazero's compiler: see "Why is … not under the race
# detector?" in host/store/RATIONALE.md and engine/wasm/RATIONALE.md.
WAZERO   := github.com/tetratelabs/wazero/internal
UNRACED  := modernc.org/sqlite/lib modernc.org/libc/... $(WAZERO)/leb128 $(WAZERO)/wasm/binary $(addprefix $(WAZERO)/engine/wazevo/,ssa frontend backend/...)
RACE     := -race $(UNRACED:%=-gcflags=%=-race=false)
BENCHSTAT := go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260709024250-82a0b07e230d
BENCH    ?= ChatPass|FirstParty|RuleCall|MeterCost|Validate|Neighbour|AdapterRequest|StreamEvent|NativeEvent|Decide|PolicyOf|WordsScan|Parse/|ReserveSettle|BudgetHold|AllowReport|AddUsage/2000|Summary|Observe$$

.PHONY: help build guests run test check bench bench-baseline bench-gateway soak fuzz generate ui dashboard clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The tool that builds guests is the program itself: the first link may lack them.
guests: ## build the first-party provider adapters as wasm
	@go build -trimpath -o $(BIN) ./host/cmd/pointsman
	@for g in $(GUESTS); do \
	  echo "guest $$g"; \
	  $(BIN) plugin build --manifest plugins/$$g/manifest.json --package ./plugins/$$g/guest -o plugins/dist/$$g.wasm; \
	done

build: guests dashboard ## build bin/pointsman with its guests, and the dashboard if npm is there
	@go build -trimpath -o $(BIN) ./host/cmd/pointsman

run: build ## build and serve on 127.0.0.1:8080 with the embedded store
	@exec $(BIN) serve

test: guests ## run every test with the race detector, on SQLite, a throwaway Postgres and real npm and pip clients
	@sdk/toolchains.sh
	@host/dashboard/toolchain.sh
	@host/dashboard/build.sh --if-stale
	@$(POSTGRES) go test $(RACE) -timeout 20m ./...

check: ## what must hold before a commit: tidy, format, vet, generated code, tests
	@go mod tidy -diff
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	@go vet ./...
	@$(MAKE) --no-print-directory generate
	@git diff --exit-code -- host/store || { echo "generated code is stale: commit what make generate made"; exit 1; }
	@$(MAKE) --no-print-directory test
	@test -z "$$(git status --porcelain)" || { git status --short; exit 1; }

bench: guests ## print the speed figures as ratios of one run, and what changed since the committed ones
	@mkdir -p .build
	@$(POSTGRES) go test -run '^$$' -bench '$(BENCH)' -benchmem -count 3 -benchtime 300ms ./engine ./engine/document ./engine/rule ./engine/wasm ./plugins ./host/ratelimit ./host/cost ./host/cost/budget ./host/cost/spool ./host/store/postgres ./host/store/sqlite ./host/health ./host/telemetry | tee .build/bench.txt | awk -f .ci/bench.awk
	@echo; echo "against the committed baseline (another machine's, unless it is this one's):"
	@if test -f .ci/bench.txt; then $(BENCHSTAT) baseline=.ci/bench.txt now=.build/bench.txt; else echo "there is none: make bench-baseline"; fi

bench-baseline: bench ## make the figures of this machine the committed baseline
	@cp .build/bench.txt .ci/bench.txt

bench-gateway: build ## measure the whole gateway beside bare proxies; rewrites the README's table and plots
	@$(BIN) plugin build --manifest examples/plugins/go-topic-router/manifest.json --package ./examples/plugins/go-topic-router -o .build/go-topic-router.wasm
	@go build -buildvcs=auto -o .build/bench ./host/bench
	@.build/bench -plugin .build/go-topic-router.wasm -manifest examples/plugins/go-topic-router/manifest.json -write . $(BENCHFLAGS)

fuzz: guests ## fuzz every parser for FUZZTIME each (default 30s)
	@for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | sed 's/func //' | sort -u); do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$p; \
	  done; \
	done

soak: guests ## the long forms of the tests
	@POINTSMAN_SOAK=1 $(POSTGRES) go test $(RACE) -timeout 60m -run 'Soak|Hammer|Replicas|Buckets|Replay|Explain|Findings|Examples' ./...
	@$(MAKE) --no-print-directory fuzz

generate: ## regenerate the committed generated code
	@$(SQLC) generate -f host/store/sqlc.yaml

ui: guests ## build the dashboard into host/dashboard/dist; needs npm
	@host/dashboard/build.sh

# Without npm, or when its build fails, the program serves a page that says so.
dashboard: guests
	@host/dashboard/build.sh --if-stale || echo "The dashboard was not built; the server runs without it, or with the one before."

clean: ## remove what was built
	@rm -rf bin .build plugins/dist/*.wasm host/dashboard/dist/*
