#!/usr/bin/env bash
# Makes sure that a part which the tests need is there: scripts/need.sh postgres|chromium|dkimpy|openssl ...
# As root on Debian or Ubuntu it is installed; elsewhere it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

updated=
install() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    if [ -z "$updated" ]; then apt-get -qq update; updated=1; fi
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
  else
    return 1
  fi
}

have_postgres() { ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql@*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null; }
have_chromium() { [ -n "${CHROMIUM:-}" ] || [ -x /usr/bin/chromium ] || ls "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}"/chromium-*/ >/dev/null 2>&1; }
have_dkimpy() { /usr/bin/python3 -c 'import dkim, nacl' >/dev/null 2>&1 || python3 -c 'import dkim, nacl' >/dev/null 2>&1; }
have_openssl() { [[ "$(openssl version 2>/dev/null)" == "OpenSSL 3."* ]]; }

for part in "$@"; do
  case $part in
    # Without Postgres the tests fetch a pinned build themselves.
    postgres) have_postgres || install postgresql || echo "note: no Postgres found; the tests will fetch one" ;;
    chromium) have_chromium || install chromium || (cd web && npx playwright install chromium) ;;
    dkimpy) have_dkimpy || install python3-dkim python3-nacl || pip3 install --user dkimpy pynacl ||
      { echo "the DKIM tests need a second verifier: install python3-dkim (Debian) or dkimpy (pip)" >&2; exit 1; } ;;
    # The program does without it, the tests compare it with Go.
    openssl) have_openssl || install openssl || { echo "the signing tests need OpenSSL 3: install openssl" >&2; exit 1; } ;;
    *) echo "unknown part: $part" >&2; exit 2 ;;
  esac
done
