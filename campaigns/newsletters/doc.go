// Package newsletters owns mailings that come again and again: when, with what content, and what became of each issue.
//
// Its tables are newsletters, newsletter_lists, newsletter_segments, newsletter_relays, newsletter_issues, newsletter_log, newsletter_items, newsletter_issue_items,
// newsletter_slugs and newsletter_clock.
//
// The way of an issue:
//
//	due      at its time less the lead, one transaction makes the issue and moves the newsletter on to its next run
//	prepare  the content is gathered, and one transaction makes a campaign of it: a draft that a person can look at, edit, hold, approve, skip or send now
//	run      at its time, unedited content from a feed is gathered again, and the transaction that starts the campaign marks issue and items as sent
//	follow   what happens to the campaign, by whomever, is taken over
//
// Each step takes what is due from the tables and is safe to be done by several processes at once, and to be broken off anywhere: what was not committed is done again.
// What asks only the database is done by one loop; issues and sources by several workers, few of them for one host, so that a slow source holds up none but its own.
//
// Invariant: there is one issue for a newsletter and local date (newsletter_issues_once), one campaign for an issue, and a campaign starts once. So no run can go out twice.
//
// Invariant: a run that has come leaves an issue, and an issue ends sent or skipped with a reason. So no run is lost without a word.
//
// Nothing is fetched or mailed inside a transaction. Who locks several rows takes them in the order campaign, issue, newsletter; the lock for giving items out comes last.
package newsletters
