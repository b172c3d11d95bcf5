// Package sources keeps the feeds and documents that newsletters are made of.
//
// It owns the table source_copies: for each kind and address the last good copy, with what its server needs to say that it is still the same, and what is wrong since when.
// Fetch gives a copy that is as fresh as is asked for, or the last good one, and says which. A copy is good when it can be read as what it is asked for as, a feed or
// JSON, so that neither a page of maintenance nor {"error": …} ever takes the place of a feed.
//
// No transaction is open while a server is asked. Two processes that ask at once do no harm: the newer answer stays.
package sources
