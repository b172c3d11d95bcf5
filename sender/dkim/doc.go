// Package dkim makes DKIM keys, signs composed messages and checks captured ones.
//
// RSA-SHA256 with relaxed/relaxed canonicalisation (RFC 6376, RFC 8301), and
// optionally a second Ed25519 signature (RFC 8463), are made by go-msgauth. This
// package decides which header fields are signed: everything a reader or a
// mailbox provider acts upon, including both List-Unsubscribe fields (RFC 8058
// §4), with over-signing (RFC 6376 §8.15) so that none can be added later.
package dkim
