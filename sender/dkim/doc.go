// Package dkim makes DKIM keys, signs composed messages and checks captured ones.
//
// Signatures are RSA-SHA256 with relaxed/relaxed canonicalisation (RFC 6376, RFC
// 8301), and optionally a second one with Ed25519 (RFC 8463). Signed is everything
// a reader or a mailbox provider acts upon, including both List-Unsubscribe fields
// (RFC 8058 §4), with over-signing (RFC 6376 §8.15) so that none can be added later.
//
// A message is read once, whatever the number of keys, and nothing is allocated
// for it; the RSA arithmetic is done by a [Backend]. Checking is go-msgauth's.
package dkim
