// Package peers tests the reading of mailboxes against Dovecot, by IMAP and POP3, over TLS, STARTTLS and in the clear on loopback. It holds tests only.
//
// The server runs on loopback with configuration, mail and certificates in a temporary folder, on ports that were free, and ends with the test; what is installed on the
// machine is never started or changed. It needs root, because Dovecot gives it up in favour of users of its own. scripts/need.sh dovecot provides it.
package peers
