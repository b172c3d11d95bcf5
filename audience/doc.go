// Package audience owns the people: subscribers, the lists they are on, with which consent, the addresses that are never mailed, and the
// imports that bring people in.
//
// Tables: subscribers with subscriber_search and its backlog, fields, lists with list_counts, subscriptions with subscription_history, suppressions, unsubscribes,
// imports and import_*, list_confirmations, forms, form_lists, form_refusals, signups. Nobody else writes them.
//
// A person is one row of subscribers, known by the normalised address (package internal/addr). A subscription is a person on a list with a status;
// only "subscribed" is mailed. A suppression is about an address, not about a person: it outlives the person's deletion and wins over every
// subscription. People themselves choose lists, a pause and a frequency (preference.go), and say why they left (unsubscribe.go). What campaigns need to know
// about who may be mailed is in audience.go, as SQL for their own transactions.
//
// People sign up by a form (form.go) or are asked by an admin: a row of signups, which a job settles (signup.go). What has to be confirmed becomes a mail that package
// campaigns/confirm sends (signup_mail.go), and its link leads to signup_confirm.go; what nobody confirms expires (signup_expire.go).
//
// An import is: upload (CreateImport: streamed into import_chunks, its form guessed by tablefile and
// corrected by SetImportFormat) → preview → StartImport → a River job that reads the chunks, and
// commits batches of rows together with the counters, so that a job that died goes on behind its last batch.
package audience
