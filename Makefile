# Every task of development, by name. Go and make are enough; what a target needs
# beyond these and does not find, it names in one line and counts as skipped.

GO       ?= go
PREFIX   ?= /usr/local
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 20s
REPORT   := conformance-report

# The names under which the official scripts are called: the binary looks at the
# name it was started by.
LINKS := mqnamesrv mqbroker mqadmin mqproxy mqcontroller mqshutdown

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

.PHONY: build
build: ## build the one static binary, bin/gantry
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/gantry ./cmd/gantry

.PHONY: run
run: build ## build, then name server and broker in one process on ./data; Ctrl-C stops it
	@exec bin/gantry server

.PHONY: install
install: build ## install into $(PREFIX)/bin (default /usr/local), with links under the official names
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 bin/gantry $(DESTDIR)$(PREFIX)/bin/gantry
	for name in $(LINKS); do ln -sf gantry $(DESTDIR)$(PREFIX)/bin/$$name; done

.PHONY: generate
generate: ## write the generated files again
	$(GO) generate ./...

.PHONY: test
test: ## formatting, vet, linters, generated files, unit tests, fast conformance cases
	@$(GO) run ./internal/check

.PHONY: lint
lint: ## the checks of make test that run no test
	@$(GO) run ./internal/check gofmt vet lint staticcheck

.PHONY: test-long
test-long: ## the tests behind the build tag long too, an hour of mixed load among them (GANTRY_SOAK sets the time); then a broker is killed 100 times under load
	$(GO) vet -tags long ./...
	$(GO) test -tags long -timeout 90m ./...
	$(GO) run ./cmd/conformance -target process -run '^go/kill-' -kills 100

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (default 20s)
	@grep -rHoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' . | while IFS=: read -r file func; do \
		echo "$${func#func } in $$(dirname $$file)"; \
		$(GO) test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) "$$(dirname $$file)" </dev/null || exit 1; \
	done

.PHONY: conformance
conformance: ## every case on Gantry and on the official release; writes docs/compatibility.md
	conformance/prepare/prepare.sh
	mkdir -p $(REPORT)
	$(GO) run ./cmd/conformance -clusters 4 -parallel 6 -time-factor 3 -target process,container \
		-json $(REPORT)/results.json -junit $(REPORT)/results.xml -page docs/compatibility.md

# The folder for the servers' data: on a disk, not in memory.
BENCHDIR ?= $(CURDIR)/bench-data

.PHONY: bench
bench: build ## every workload on the official release and on Gantry, in turn; writes docs/performance.md
	conformance/prepare/prepare.sh jars
	$(GO) run ./bench/sidebyside -gantry bin/gantry -dir $(BENCHDIR) -page docs/performance.md

.PHONY: bench-quick
bench-quick: build ## the main rows of bench, in under 5 minutes
	conformance/prepare/prepare.sh jars
	$(GO) run ./bench/sidebyside -gantry bin/gantry -dir $(BENCHDIR) -page docs/performance.md -quick

.PHONY: bench-scale
bench-scale: build ## measure how cost grows on Gantry with connections, sizes, topics and the like; writes docs/scaling.md
	$(GO) run ./bench/sidebyside -gantry bin/gantry -dir $(BENCHDIR) -scale -page docs/scaling.md

.PHONY: bench-startup
bench-startup: build ## measure starts on a directory of 10 million messages, Gantry beside the official release; writes docs/startup.md
	conformance/prepare/prepare.sh jars
	$(GO) run ./bench/sidebyside -gantry bin/gantry -dir $(BENCHDIR) -startup all -page docs/startup.md

.PHONY: clean
clean: ## remove what the targets above wrote, except ./data
	rm -rf bin $(REPORT) bench-data
