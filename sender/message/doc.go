// Package message composes newsletter mail: RFC 5322 header, MIME body, nothing
// else. It appends bytes to a buffer the caller reuses, because it runs once per
// recipient.
//
// What comes out is ready for signing and for SMTP without 8BITMIME: 7-bit, CRLF
// only, no line over 998 octets, every header field once and in a fixed order.
//
// Invariant: no value can add a header field, a recipient or a body part. Header
// values with CR, LF, NUL or another control character are refused with a
// [HeaderError] that names the field; they are never cleaned and sent.
package message
