// Package schedule says when something that recurs runs next: an RRULE (RFC 5545) in an IANA time zone, with exceptions, skipped dates and pauses.
//
// It is pure: no clock, no database. Its one promise is that there is exactly one run for each local date that the rule names, whatever the clocks of the zone do:
//
//   - A time that comes twice, because clocks are set back, runs the first time.
//   - A time that does not exist, because clocks are set forward, is taken with the offset from before the change (RFC 5545 §3.3.5): 02:30 becomes 03:30. Where that would be
//     another date, it runs in the last minute of its own date.
//   - A date that does not exist at all (Apia, 30 December 2011) has no run.
//
// Rules are hostile until read: what is read is bounded, so that every question ends soon.
package schedule
