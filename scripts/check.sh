#!/usr/bin/env bash
# What must hold before a change lands, short of the tests: format, vet, staticcheck, generated files, lint and types of the interface.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { echo "== $*"; }

step gofmt
unformatted=$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; exit 1; }

step go vet
go vet ./...

step staticcheck
go tool -modfile=tools/go.mod staticcheck ./...

step go.mod is tidy
go mod tidy -diff

step import graph
go test ./internal/arch

step generated files
spec=$(mktemp)
trap 'rm -f "$spec"' EXIT
go run ./cmd/postrider openapi > "$spec"
cmp -s "$spec" web/openapi.json || { echo "web/openapi.json is stale: make generate" >&2; exit 1; }
(cd web && npm run --silent gen:check)

step interface
(cd web && npm run --silent lint && npm run --silent typecheck)

step commits speak of the product only
if git grep -nE 'registry\.npmjs|proxy\.golang' -- . ':!internal/pg/pgboot/fetch.go' ':!scripts/check.sh' ':!web/package-lock.json' >/dev/null; then
  echo "a registry's host name is in the tree" >&2
  exit 1
fi
echo "all checks passed"
