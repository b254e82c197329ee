# Millwright: `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export CGO_ENABLED := 0
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/millwright-connect/millwright/worker.Version=$(VERSION)
LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/millwright, one static binary
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/millwright ./cmd/millwright

.PHONY: demo
demo: ## run the demonstration: plant -> Kafka protocol -> SQLite
	$(GO) run ./cmd/millwright demo

.PHONY: test
test: ## run the tests with every real server found or installable; ends with what was left out
	$(GO) run ./test/run

.PHONY: test-kafka
test-kafka: ## run Apache Kafka's own integration tests of Connect against this worker (Java, Maven, ../shared/kafka-tests; a quarter of an hour)
	$(GO) build -o bin/kafka-test-worker ./test/kafka
	echo "$(CURDIR)/bin/kafka-test-worker" > test/kafka/BINARY
	MILLWRIGHT_KAFKA_TESTS="$${TESTS:-all}" $(GO) test -v -count=1 -timeout 3h ./test/kafka

.PHONY: check
check: ## gofumpt, vet, golangci-lint, import rules, generated files current
	$(GO) vet ./...
	$(GO) run $(LINT) run ./...
	$(GO) test ./test
	$(GO) generate ./... && git diff --exit-code

.PHONY: vuln
vuln: ## look for known vulnerabilities in what the binary uses
	$(GO) run $(VULN) ./cmd/millwright

.PHONY: generate
generate: ## renew generated files (README tables of the connectors)
	$(GO) generate ./...

.PHONY: bench
bench: ## Go benchmarks, start time, memory, size; see test/bench for the comparison with Apache Connect
	$(GO) test -run '^$$' -bench . -benchmem ./connectors/... ./worker/... ./offsets/...
	$(GO) run ./test/bench

.PHONY: image
image: ## build the container image with docker or podman
	$$(command -v docker || command -v podman) build -t millwright:$(VERSION) --build-arg VERSION=$(VERSION) .

.PHONY: clean
clean: ## remove what the build made
	rm -rf bin
