# make help lists what there is. Tools are pinned in tools.mod, apart from
# go.mod, so that the program's own dependencies are not changed by them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
TOOL    := $(GO) tool -modfile=tools.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)

# golangci-lint brings hundreds of modules of its own; it is built from its own
# go.mod, as its authors released it, and only when asked for.
GOLANGCI_LINT ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

FUZZTIME ?= 10s# for each target; 10000x is a count of inputs
SEEDS    ?= 500# how many seeds make sim runs
SEED     ?=# the only seed that make sim runs, or what make mutants draws its SAMPLE by
SAMPLE   ?=# how many faults make mutants draws; empty: all
MUTANT   ?=# the only fault that make mutants makes
ROUNDS   ?=# for how many rounds make e2e kills or stops cities, and cuts their power; empty: a few
FUSE     ?= on# off: make e2e leaves out what needs /dev/fuse, the tests of power cuts
E2E      ?= .# pattern of the tests that make e2e runs
HOSTILE  ?= 30s# how long each attack of make hostile lasts
ATTACK   ?= .# pattern of the tests that make hostile runs
CITIES   ?= 50# how many cities make detection runs
HOURS    ?=# for how many virtual hours make sim runs each seed; empty: minutes
VULNDB   ?=# folder of OSV files for make vuln

# What make vuln may find; ARCHITECTURE.md says why each is accepted.
VULN_ACCEPTED := GO-2024-3218
BENCH    ?= .# pattern of the benchmarks that make bench runs
BENCHTIME ?= 1s# for each of them, where it repeats itself
RUNS     ?= 1# how often make bench runs each

##@ Use

.PHONY: build
build: ## build bin/citynode
	@echo "building bin/citynode $(VERSION) (the first time compiles libp2p: a minute or two)"
	@set -o pipefail; $(GO) build -v -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/citynode ./cmd/citynode 2>&1 | awk ' \
		NF == 1 && $$1 !~ /[:(]/ { n++; if (n % 10 == 0) { printf "."; fflush() }; next } \
		{ if (n >= 10) print ""; n = 0; print } \
		END { if (n >= 10) print "" }'

.PHONY: demo
demo: build ## build, then watch a few cities on this machine work, fail and heal
	@bin/citynode demo

.PHONY: install
install: ## install citynode where go install puts programs
	$(GO) install -buildvcs=false -ldflags '$(LDFLAGS)' ./cmd/citynode

##@ Check

.PHONY: check
check: check-format vet staticcheck check-modules check-notice test ## all that must hold before a commit; under five minutes once caches are warm

.PHONY: test
test: ## run all unit tests
	$(GO) test ./...

.PHONY: examples
examples: ## check and run the programs in examples, a module of its own that embeds this one
	cd examples && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./...

.PHONY: race
race: ## run all unit tests under the race detector
	$(GO) test -race -timeout 20m ./...

.PHONY: e2e
e2e: ## as root: run real cities on several hosts, in network namespaces, with faults of the network, disks and power
	@if [ '$(FUSE)' != off ] && [ '$(E2E)' = . ] && [ ! -e /dev/fuse ]; then \
		echo "e2e: there is no /dev/fuse, so no power can be cut: make e2e FUSE=off leaves those tests out"; exit 1; fi
	CITYNODE_E2E=1 CITYNODE_E2E_FUSE=$(FUSE) CITYNODE_E2E_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 90m -v -run '$(E2E)' ./internal/netlab ./internal/lossyfs ./internal/e2e
	@if [ '$(FUSE)' = off ]; then echo "e2e: LEFT OUT by FUSE=off: all tests of power cuts"; fi

.PHONY: e2e-stop
e2e-stop: ## as root: stop 50 cities at once, 20 times
	$(MAKE) e2e E2E=TestCitiesThatAreStoppedAtOnceAllEnd ROUNDS=20

.PHONY: hostile
hostile: ## as root: attack real cities, in a network namespace, each attack for HOSTILE
	CITYNODE_HOSTILE=1 $(GO) test -count=1 -timeout 90m -v -run '$(ATTACK)' ./internal/hostile -hostile.for $(HOSTILE)

.PHONY: hostile-short
hostile-short: ## as root: the same, for a few seconds each, and nothing that is a time is judged: for a busy machine
	CITYNODE_HOSTILE=1 $(GO) test -count=1 -timeout 30m -v -run '$(ATTACK)' ./internal/hostile -hostile.short -hostile.for 3s

.PHONY: detection
detection: ## run the long tests of failure detection: CITIES cities for virtual hours, what it costs, twenty cuts of up to 100; half an hour of a quiet core
	$(GO) test ./internal/detection -count=1 -timeout 30m -v -run 'TestWhoever|TestNobody' -detection.long
	$(GO) test ./node -count=1 -timeout 60m -v -run 'TestACityThatIsCutOff|TestNobodyIsTaken|TestDetection' -node.detection=$(CITIES)

.PHONY: e2e-detection
e2e-detection: ## as root: CITIES real cities, of which some are frozen, cut off and killed; needs a core for each twenty or so
	CITYNODE_E2E=1 CITYNODE_E2E_CITIES=$(CITIES) $(GO) test -count=1 -timeout 30m -v -run 'TestTheyAreNoticedBy' ./internal/e2e

# What takes hours in all and is too long for each commit. It goes on after a failure, and
# fails in the end.
.PHONY: nightly
nightly: ## as root: all deliberate faults, and the long runs of everything else; some hours
	@failed=; for run in "mutants" "sim SEED=1 HOURS=48" "sim SEEDS=5000" "fuzz FUZZTIME=200000x" \
		"e2e ROUNDS=200 E2E=NothingAcknowledged" "e2e ROUNDS=50 E2E=PowerCuts" "e2e-stop" "hostile" "detection"; do \
		echo "== make $$run"; $(MAKE) --no-print-directory $$run || failed+=" [make $$run]"; \
	done; [[ -z $$failed ]] || { echo "failed:$$failed"; exit 1; }

.PHONY: check-format
check-format: ## fail if gofumpt would change a file
	@unformatted=$$($(TOOL) gofumpt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted (make format does it):"; echo "$$unformatted"; exit 1; fi

.PHONY: format
format: ## format all files with gofumpt
	$(TOOL) gofumpt -l -w .

.PHONY: vet
vet: ## run go vet
	$(GO) vet ./...

.PHONY: staticcheck
staticcheck: ## run staticcheck
	$(TOOL) staticcheck ./...

.PHONY: check-modules
check-modules: ## fail if go.mod or go.sum is not tidy
	$(GO) mod tidy -diff

.PHONY: notice
notice: ## write NOTICE, the licences of what the binary contains
	$(GO) run ./internal/tools/notice

.PHONY: check-notice
check-notice: ## fail if NOTICE does not agree with what the binary contains
	$(GO) run ./internal/tools/notice -check

# Systems and processors that the types are checked for. The two of 32 bits are
# where a constant can overflow an int.
PLATFORMS := linux/386 linux/arm darwin/amd64 darwin/arm64 windows/amd64 freebsd/amd64

.PHONY: cross
cross: ## check the types of all code, tests included, for other systems (PLATFORMS)
	$(GO) run ./internal/tools/typecheck $(PLATFORMS)

.PHONY: lint
lint: ## run golangci-lint (.golangci.yml); builds it first, for some minutes
	$(GOLANGCI_LINT) run ./...

##@ Search for bugs

# Before Go 1.27 a fuzzer that runs for a time, not for a count, now and then
# fails at its end with nothing but "context deadline exceeded" (go.dev/issue/75804).
.PHONY: fuzz
fuzz: ## fuzz every target of every package for FUZZTIME
	@set -o pipefail; grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sort | while IFS=: read -r file _ func; do \
		name=$${func#func }; \
		echo "== $$name in $$(dirname $$file) for $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname $$file)" </dev/null 2>&1 | tee .fuzz.log && continue; \
		if grep -q '^    context deadline exceeded$$' .fuzz.log && ! grep -q 'Failing input' .fuzz.log; then \
			echo "== no input failed: that was go.dev/issue/75804"; continue; \
		fi; \
		exit 1; \
	done
	@rm -f .fuzz.log

.PHONY: sim
sim: ## simulate SEEDS clusters with faults, or only SEED
	$(GO) test ./internal/sim -count=1 -timeout 90m -run TestSeeds $(if $(SEED),-sim.seed=$(SEED),-sim.seeds=$(SEEDS)) $(if $(HOURS),-v -sim.hours=$(HOURS))

.PHONY: mutants
mutants: ## make deliberate faults (SAMPLE of them, or only MUTANT), and fail if the tests do not notice one
	$(GO) run ./internal/tools/mutants $(if $(MUTANT),-only '$(MUTANT)') $(if $(SAMPLE),-sample '$(SAMPLE)') $(if $(SEED),-seed '$(SEED)')

.PHONY: vuln
vuln: ## look for known vulnerabilities in the folder of OSV files VULNDB
ifeq ($(VULNDB),)
	@echo "vuln: SKIPPED, nothing was checked: set VULNDB to a folder of OSV files"
else
	@status=0; found=$$($(TOOL) govulncheck -db 'file://$(abspath $(VULNDB))' ./...) || status=$$?; \
	echo "$$found" | awk '/^    Example traces/ { skip = 1 } /^$$/ { skip = 0 } !skip'; \
	if [ $$status != 0 ] && [ $$status != 3 ]; then exit $$status; fi; \
	for id in $$(echo "$$found" | sed -nE 's/^Vulnerability #[0-9]+: (GO-[0-9-]+)$$/\1/p'); do \
		case ' $(VULN_ACCEPTED) ' in \
		*" $$id "*) echo "vuln: $$id is known and accepted: see ARCHITECTURE.md" ;; \
		*) echo "vuln: $$id has to be looked at"; bad=1 ;; \
		esac; \
	done; [ -z "$${bad:-}" ]
endif

.PHONY: cover
cover: ## measure test coverage into cover.out
	$(GO) test -coverprofile=cover.out ./...
	@$(GO) tool cover -func=cover.out | tail -1

##@ Measure

# One figure a line: of several RUNS the median, and the least and the greatest.
# Times depend on the machine and on what else it does; what to watch are ratios,
# bytes, and time of CPU.
.PHONY: bench
bench: ## run the benchmarks that match BENCH, RUNS times; under five minutes for all, once
	@set -o pipefail; $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -count $(RUNS) -timeout 1h ./crdt/... ./city ./protocol ./internal/store ./node | awk -v runs=$(RUNS) ' \
		function show(figure,   n, v, i, j, t, is) { \
			n = split(values[figure], v, " "); \
			for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j-1]+0 > v[j]+0; j--) { t = v[j]; v[j] = v[j-1]; v[j-1] = t } \
			split(figure, is, SUBSEP); \
			printf "%-34s %14s %-16s", is[1], v[int((n+1)/2)], is[2]; \
			if (n > 1) printf " %s to %s", v[1], v[n]; \
			print ""; fflush() } \
		/^Benchmark/ { \
			sub(/^Benchmark/, "", $$1); sub(/-[0-9]+$$/, "", $$1); \
			for (i = 3; i < NF; i += 2) if ($$i != 0 || $$(i+1) != "ns/op") { \
				figure = $$1 SUBSEP $$(i+1); values[figure] = values[figure] " " $$i; \
				if (++seen[figure] == runs) show(figure) } \
			next } \
		/^(--- FAIL|FAIL|panic)|_test\.go:/ { print; fflush() }'

##@ Other

.PHONY: clean
clean: ## remove what was built here
	rm -rf bin cover.out .fuzz.log

.PHONY: help
help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nvariables: FUZZTIME=%s SEEDS=%s SEED= CITIES=%s HOURS= SAMPLE= MUTANT= ROUNDS= E2E=%s FUSE=%s HOSTILE=%s ATTACK=%s VULNDB= BENCH=%s BENCHTIME=%s RUNS=%s VERSION=%s\n' '$(FUZZTIME)' '$(SEEDS)' '$(CITIES)' '$(E2E)' '$(FUSE)' '$(HOSTILE)' '$(ATTACK)' '$(BENCH)' '$(BENCHTIME)' '$(RUNS)' '$(VERSION)'
