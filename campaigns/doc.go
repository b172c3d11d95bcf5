// Package campaigns owns mailings and the ledger of their deliveries: what is to be sent, to whom, and what came of every single message.
//
// Its tables are campaigns, campaign_lists, campaign_relays, campaign_contents, deliveries, delivery_attempts, exclusions, campaign_exclusions,
// campaign_segments, campaign_excluded_lists, campaign_selections, campaign_gates, campaign_ab_tests, campaign_variants, campaign_ab_decisions, campaign_counts,
// campaign_minutes, campaign_preflights, campaign_acknowledgements, message_streams, messages and message_requests.
//
// The way of a mailing:
//
//	launch     a start now, at a moment, at local times, or at the end of a grace period
//	Start      one transaction freezes the content and the first part of the audience (deliveries, exclusions) and hands the first ranges to River
//	freeze     a job writes the rest of a large audience, part by part
//	deliver    a job takes a range of deliveries: claim a few → render, compose, sign → send through the relay's pool → record
//	retry      a periodic job makes new ranges of deferred deliveries that are due
//	message    a request puts one delivery into a stream of messages, a campaign that never ends, with a job in a queue of its own
//	settle     a node that died is accounted for: from its journal when it is here, else after its lease
//
// Invariant: the rows in deliveries are the truth and the jobs only wake-ups. A job may run twice, or never, without a message being sent twice or
// lost: a delivery is claimed by one UPDATE that only finds it queued, and what has no job gets one when the campaign's run is raised.
//
// Invariant: the claim is committed before MAIL is sent, the "dot" record is in the journal before the final dot is sent, and a reply is in the
// journal before the next dot goes out on its connection. So after a crash a claimed delivery without a dot record was never accepted by anyone, one with a reply has that
// reply, and only one with a dot and no reply is in doubt (unconfirmed): at most one for each connection.
package campaigns
