#!/usr/bin/env bash
# Makes sure that a part which the tests need is there: scripts/need.sh postgres|chromium|dkimpy|openssl|postfix|exim|spamassassin|dovecot ...
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

# Mail servers are installed without being configured or started: the tests bring configuration, spool and ports of their own.
install_stopped() {
  local guard=/usr/sbin/policy-rc.d made=
  if [ "$(id -u)" = 0 ] && [ ! -e $guard ]; then
    printf '#!/bin/sh\nexit 101\n' > $guard
    chmod +x $guard
    made=1
  fi
  local status=0
  install "$@" || status=$?
  [ -z "$made" ] || rm $guard
  return $status
}

# Debian lets only one of its mail servers be installed. Postfix is the one, unless it would push out another: then a person must decide.
install_postfix() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    if [ -z "$updated" ]; then apt-get -qq update; updated=1; fi
    if apt-get -s install postfix 2>/dev/null | grep -q '^Remv'; then
      echo "installing postfix would remove the mail server of this machine; run the tests in a container" >&2
      return 1
    fi
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
  fi
  install_stopped postfix sasl2-bin libsasl2-modules
}

# Exim, which cannot be installed beside Postfix, is unpacked into the cache and run from there with a configuration of the test's. It looks up the
# user that its package would make.
exim_home="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/postrider-test/exim4"
install_exim() {
  install libdb5.3 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0 || return 1
  getent passwd Debian-exim >/dev/null || useradd --system --user-group --no-create-home --home-dir /var/spool/exim4 --shell /usr/sbin/nologin Debian-exim
  local work
  work=$(mktemp -d)
  (cd "$work" && apt-get -qq download exim4-daemon-light exim4-base 2>/dev/null && for deb in *.deb; do dpkg-deb -x "$deb" root; done) || return 1
  mkdir -p "$(dirname "$exim_home")"
  rm -rf "$exim_home"
  mv "$work/root" "$exim_home"
  rm -r "$work"
  have_exim
}

have_postfix() { [ -x /usr/lib/postfix/sbin/master ] && command -v saslpasswd2 >/dev/null && ls /usr/lib/*/sasl2/libplain.so >/dev/null 2>&1; }
have_exim() { /usr/sbin/exim4 -bV >/dev/null 2>&1 || "$exim_home/usr/sbin/exim4" -C /dev/null -bV >/dev/null 2>&1; }
have_dovecot() { [ -x /usr/sbin/dovecot ] && [ -x /usr/lib/dovecot/imap ] && [ -x /usr/lib/dovecot/pop3 ]; }
# From Debian 12 on its daemon is a package of its own.
have_spamassassin() { command -v spamassassin >/dev/null && [ -x /usr/sbin/spamd ]; }
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
    postfix) have_postfix || install_postfix || { echo "the tests against real servers need Debian's postfix, sasl2-bin and libsasl2-modules" >&2; exit 1; } ;;
    exim) have_exim || install_exim || { echo "the tests against real servers need Debian's exim4-daemon-light" >&2; exit 1; } ;;
    spamassassin) have_spamassassin || install_stopped spamassassin spamd || install_stopped spamassassin && have_spamassassin || { echo "the tests of a message's form need spamassassin" >&2; exit 1; } ;;
    dovecot) have_dovecot || install_stopped dovecot-imapd dovecot-pop3d || { echo "the tests of mailboxes need Debian's dovecot-imapd and dovecot-pop3d" >&2; exit 1; } ;;
    *) echo "unknown part: $part" >&2; exit 2 ;;
  esac
done
