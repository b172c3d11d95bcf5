# The two commands of the README: make demo, make test. Everything else is for people who work on Postrider.

GO   ?= go
NPM  ?= npm
ARGS ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BIN  := bin/postrider
WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/package.json -type f 2>/dev/null)
GO_SOURCES  := $(shell find . -path ./web/node_modules -prune -o \( -name '*.go' -o -name '*.sql' -o -name '*.html' -o -name '*.css' \) -type f -print 2>/dev/null) go.mod go.sum

# Race detection where goroutines meet; elsewhere it costs minutes and finds nothing.
RACE := ./sender/... ./campaigns ./campaigns/confirm ./campaigns/journal ./campaigns/newsletters ./campaigns/preflight ./campaigns/sources ./events/... ./audience ./internal/pg/... ./internal/auth/...

.PHONY: build web demo test test-go test-web test-e2e check generate clean

build: $(BIN)

$(BIN): $(GO_SOURCES) web/dist/index.html
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o $@ ./cmd/postrider

web: web/dist/index.html

web/dist/index.html: $(WEB_SOURCES) web/node_modules/.installed
	cd web && $(NPM) run build
	@touch $@

web/node_modules/.installed: web/package-lock.json
	cd web && $(NPM) ci --no-audit --no-fund
	@touch $@

# make demo ARGS="--once --json" ends after the table and prints one JSON object as its last line.
demo: $(BIN)
	@$(BIN) demo $(ARGS)

test: test-go test-web test-e2e

test-go: web/dist/index.html
	scripts/need.sh postgres dkimpy openssl postfix exim spamassassin dovecot
	$(GO) test ./...
	$(GO) test -race $(RACE)

test-web: web/node_modules/.installed
	cd web && $(NPM) test

test-e2e: $(BIN)
	scripts/need.sh postgres chromium
	cd web && $(NPM) run e2e

check: web/node_modules/.installed web/dist/index.html
	scripts/check.sh

# The API description and the types of the interface, from the handlers.
generate: web/node_modules/.installed
	$(GO) run ./cmd/postrider openapi > web/openapi.json
	cd web && $(NPM) run gen

clean:
	rm -rf bin web/dist/* web/node_modules
