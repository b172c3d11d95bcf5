// Package peers tests what we send against programs that others wrote: Postfix and
// Exim take it over TLS and AUTH and deliver it, dkimpy verifies the signature on what
// was delivered, SpamAssassin looks at its form. It holds tests only.
//
// The servers run on loopback with configuration, spool and certificates in a
// temporary folder, on ports that were free, and end with the test; what is
// installed on the machine is never started or changed. They need root, because both
// give it up in favour of users of their own. scripts/need.sh provides them.
package peers
