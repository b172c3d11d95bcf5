// Package hooksource takes in the webhooks of mail providers. It owns the tables webhook_sources, webhook_topics and webhook_seen.
//
// A request goes this way: Find compares the secret at the end of its path, Take has events/hooks check the signature and read what is said, hands the reports
// to a [Taker], and only then marks the request as seen and counts it. So a request that could not be stored leaves nothing behind, and the provider's
// next try is taken as if it were the first.
//
// Amazon SNS needs more: its certificates are fetched, checked and kept for a day, and a topic sends nothing until a person has let it in, because everybody's
// topics have good signatures.
package hooksource
