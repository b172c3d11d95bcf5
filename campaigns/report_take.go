package campaigns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/addr"
	"postrider/internal/pg"
	"postrider/internal/settings"
	"postrider/sender/reply"
)

// What was done because of a report.
const (
	actionSuppressed   = "suppressed"   // the address is not mailed again
	actionCounted      = "counted"      // one more soft bounce of this person
	actionUnsubscribed = "unsubscribed" // the person was taken off the campaign's lists
	actionNone         = "none"         // noted
	actionUnmatched    = "unmatched"    // nothing tells whose delivery it is about
	actionConfirmation = "confirmation" // it is about a mail that asks to confirm a subscription
)

// TakeReports takes what others say of our mail into the ledger, all in one transaction.
//
// A bounce turns a delivery that counts as sent, or is in doubt, into a bounced one; a later one of the same delivery is only kept. An address that does not exist is
// suppressed; what says something of a mailbox is counted; what blames us never touches a person.
func (s *Service) TakeReports(ctx context.Context, reports []events.Report) error {
	_, err := s.takeReports(ctx, reports)
	return err
}

// takeReports says besides whether one of the reports is about a delivery of ours.
func (s *Service) takeReports(ctx context.Context, reports []events.Report) (ours bool, err error) {
	var troubles []trouble
	err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		ours, troubles = false, nil
		for _, r := range reports {
			matched, t, err := s.takeReportTx(ctx, tx, s.clean(r))
			if err != nil {
				return err
			}
			ours = ours || matched
			troubles = append(troubles, t...)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, t := range troubles {
		// The same trouble comes again with the next message, so a failure here loses nothing.
		if err := s.d.Sender.Reported(ctx, t.relayID, t.class, t.words); err != nil {
			s.d.Logger.Warn("a report about a relay was not heeded", "relay", t.relayID, "error", err)
		}
	}
	return ours, nil
}

// trouble is what a report says against a relay.
type trouble struct {
	relayID int64
	class   reply.Class
	words   string
}

// Limits of what reports bring.
const (
	maxReportKey   = 200
	maxReportWords = 2000
	maxReportIDs   = 20
)

// clean makes a report storable and bounds it.
func (s *Service) clean(r events.Report) events.Report {
	if r.At.IsZero() || r.At.After(s.d.Now()) {
		r.At = s.d.Now()
	}
	if len(r.Key) > maxReportKey || !utf8.ValidString(r.Key) || strings.ContainsRune(r.Key, 0) {
		sum := sha256.Sum256([]byte(r.Key))
		r.Key = "sha256:" + hex.EncodeToString(sum[:])
	}
	for _, text := range []*string{&r.Source, &r.Address, &r.Reason, &r.Fault, &r.Status, &r.Diagnostic, &r.FeedbackType} {
		*text = storable(*text, maxReportWords)
	}
	if r.ReplyCode < 0 || r.ReplyCode > 999 {
		r.ReplyCode = 0
	}
	for _, ids := range []*[]string{&r.ReturnPaths, &r.MessageIDs, &r.UnsubscribeURLs, &r.QueueIDs} {
		*ids = (*ids)[:min(len(*ids), maxReportIDs)]
	}
	r.Raw = r.Raw[:min(len(r.Raw), events.MaxRaw)]
	return r
}

// storable makes a text that Postgres can hold: no NUL, no broken UTF-8, at most so many bytes.
func storable(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

func (s *Service) takeReportTx(ctx context.Context, tx pgx.Tx, r events.Report) (matched bool, _ []trouble, _ error) {
	r, err := s.withoutErased(ctx, tx, r)
	if err != nil {
		return false, nil, err
	}
	// Whoever brings the same fact at the same time waits here, and finds it known.
	tag, err := tx.Exec(ctx, `
		INSERT INTO reports (key, source, kind, at, address, hard, reason, fault, status, reply_code, diagnostic, feedback_type, action, raw)
		VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, ''), NULLIF($8, ''), NULLIF($9, ''), NULLIF($10, 0), NULLIF($11, ''), NULLIF($12, ''), $13, $14)
		ON CONFLICT (key) DO NOTHING`,
		r.Key, r.Source, string(r.Kind), r.At, r.Address, r.Hard, r.Reason, r.Fault, r.Status, r.ReplyCode, r.Diagnostic, r.FeedbackType, actionUnmatched, r.Raw)
	if err != nil {
		return false, nil, fmt.Errorf("storing a report: %w", err)
	}
	if tag.RowsAffected() == 0 {
		if err := tx.QueryRow(ctx, `SELECT campaign_id IS NOT NULL OR action = $2 FROM reports WHERE key = $1`, r.Key, actionConfirmation).Scan(&matched); err != nil {
			return false, nil, fmt.Errorf("looking up a report: %w", err)
		}
		return matched, nil, nil
	}
	if ours, err := s.confirmationReportTx(ctx, tx, r); err != nil || ours {
		return ours, nil, err
	}
	d, by, err := s.matchTx(ctx, tx, r)
	if err != nil || d == nil {
		return false, nil, err
	}
	did, err := s.actTx(ctx, tx, r, d)
	if err != nil {
		return false, nil, err
	}
	err = exec(ctx, tx, `UPDATE reports SET campaign_id = $2, seq = $3, subscriber_id = $4, matched_by = $5, action = $6, applied = $7 WHERE key = $1`,
		r.Key, d.CampaignID, d.Seq, d.SubscriberID, by, did.action, did.applied)
	return true, did.troubles, err
}

// reported is the delivery that a report is about.
type reported struct {
	CampaignID   int64
	Seq          int32
	SubscriberID int64
	Email        string
	State        State
	RelayID      *int64
}

const reportedColumns = `SELECT d.campaign_id, d.seq, d.subscriber_id, d.email, d.state, d.relay_id FROM deliveries d `

// matchTx finds the delivery and locks it. Tokens are signed, so nobody can make one up; an id of the relay counts only together with the address.
func (s *Service) matchTx(ctx context.Context, tx pgx.Tx, r events.Report) (*reported, string, error) {
	for _, way := range []struct {
		by    string
		texts []string
		ref   func(string) (events.Ref, bool)
	}{
		{"return_path", r.ReturnPaths, s.refOfReturnPath},
		{"message_id", r.MessageIDs, s.refOfMessageID},
		{"unsubscribe_url", r.UnsubscribeURLs, s.refOfUnsubscribe},
	} {
		for _, text := range way.texts {
			ref, ok := way.ref(text)
			if !ok || ref.Seq == testSeq {
				continue
			}
			rows, err := pg.Many[reported](ctx, tx, "the delivery of a report", reportedColumns+`WHERE d.campaign_id = $1 AND d.seq = $2 FOR UPDATE`, ref.CampaignID, ref.Seq)
			if err != nil {
				return nil, "", err
			}
			if len(rows) == 1 {
				return &rows[0], way.by, nil
			}
		}
	}
	address, err := addr.Normalize(r.Address)
	if err != nil || len(r.QueueIDs) == 0 && !r.Trusted {
		return nil, "", nil //nolint:nilerr // an address that is none leads to nobody
	}
	ids := slices.DeleteFunc(slices.Clone(r.QueueIDs), func(id string) bool { return len(id) < 6 || len(id) > 200 })
	rows, err := pg.Many[struct {
		reported
		ByID bool
	}](ctx, tx, "the delivery of a report", `
		SELECT r.campaign_id, r.seq, r.subscriber_id, r.email, r.state, r.relay_id, EXISTS (SELECT FROM unnest($2::text[]) AS q (id) WHERE strpos(r.reply_text, q.id) > 0) AS by_id FROM (
			SELECT d.campaign_id, d.seq, d.subscriber_id, d.email, d.state, d.relay_id, d.reply_text, d.updated_at
			FROM deliveries d WHERE d.subscriber_id = (SELECT id FROM subscribers WHERE email_key = $1) AND d.state IN (2, 4, 6) AND d.updated_at > $3
			ORDER BY d.updated_at DESC LIMIT 100) r`, address.Key, ids, r.At.Add(-reportAge))
	if err != nil {
		return nil, "", err
	}
	for _, row := range rows {
		if row.ByID {
			return &row.reported, "queue_id", nil
		}
	}
	if r.Trusted && len(rows) > 0 {
		return &rows[0].reported, "address", nil
	}
	return nil, "", nil
}

// reportAge is how old a delivery may be that an id or an address leads to.
const reportAge = 30 * 24 * time.Hour

// refOfReturnPath reads the token out of "b-TOKEN@…" or "name+b-TOKEN@…".
func (s *Service) refOfReturnPath(address string) (events.Ref, bool) {
	return s.refOfLocalPart(events.ReturnPath, address, "b-")
}

// tokenOfLocalPart gives what follows the prefix in the local part, or behind its last plus sign.
func tokenOfLocalPart(address, prefix string) (token string, found bool) {
	address = strings.ToLower(strings.Trim(address, "<> "))
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", false
	}
	local := address[:at]
	return strings.CutPrefix(local[strings.LastIndexByte(local, '+')+1:], prefix)
}

func (s *Service) refOfLocalPart(kind events.Kind, address, prefix string) (events.Ref, bool) {
	token, found := tokenOfLocalPart(address, prefix)
	if !found {
		return events.Ref{}, false
	}
	ref, err := s.d.Tokens.Parse(kind, token)
	return ref, err == nil
}

func (s *Service) refOfMessageID(id string) (events.Ref, bool) {
	left, _, _ := strings.Cut(strings.Trim(id, "<> "), "@")
	ref, err := s.d.Tokens.Parse(events.MessageID, left)
	return ref, err == nil
}

// refOfUnsubscribe reads the token out of the address of the unsubscribe page or of the mailbox for it.
func (s *Service) refOfUnsubscribe(text string) (events.Ref, bool) {
	u, err := url.Parse(strings.Trim(text, "<> "))
	if err != nil {
		return events.Ref{}, false
	}
	if u.Scheme == "mailto" {
		return s.refOfLocalPart(events.Unsubscribe, u.Opaque, "u-")
	}
	_, token, found := strings.Cut(u.Path, "/u/")
	if !found {
		return events.Ref{}, false
	}
	ref, err := s.d.Tokens.Parse(events.Unsubscribe, token)
	return ref, err == nil
}

// did is what came of a report.
type did struct {
	action   string
	applied  bool
	troubles []trouble
}

func (s *Service) actTx(ctx context.Context, tx pgx.Tx, r events.Report, d *reported) (did, error) {
	switch r.Kind {
	case events.ReportBounce:
		return s.bounceTx(ctx, tx, r, d)
	case events.ReportComplaint:
		return s.complaintTx(ctx, tx, r, d)
	case events.ReportUnsubscribe:
		address, err := addr.Normalize(d.Email)
		if err != nil {
			return did{}, fmt.Errorf("the address of delivery %d of campaign %d: %w", d.Seq, d.CampaignID, err)
		}
		changed, err := s.leaveTx(ctx, tx, events.Ref{CampaignID: d.CampaignID, Seq: d.Seq}, audience.Leave{SubscriberID: d.SubscriberID, EmailKey: address.Key, Source: r.Source})
		if err != nil || !changed {
			return did{action: actionNone}, err
		}
		return did{action: actionUnsubscribed}, nil
	}
	return did{action: actionNone}, nil
}

func (s *Service) bounceTx(ctx context.Context, tx pgx.Tx, r events.Report, d *reported) (did, error) {
	out := did{action: actionNone}
	out.applied = d.State == Sent || d.State == Unconfirmed
	var err error
	hard := r.Hard && r.Fault == string(reply.FaultRecipient)
	soft := !hard && softFault(r.Fault)
	if out.applied {
		// updated_at stays what it is: when the relay took the message.
		if err := exec(ctx, tx, `UPDATE deliveries SET state = 4 WHERE campaign_id = $1 AND seq = $2`, d.CampaignID, d.Seq); err != nil {
			return out, err
		}
		if err := addToMinute(ctx, tx, d.CampaignID, 0, 1, 0); err != nil {
			return out, err
		}
		err := s.d.Events.RecordTx(ctx, tx, []events.Event{{
			Kind: events.KindBounce, At: r.At, CampaignID: d.CampaignID, Seq: d.Seq, SubscriberID: d.SubscriberID, Detail: reportWords(r), Reason: r.Reason, Soft: soft,
		}})
		if err != nil {
			return out, err
		}
	}
	switch {
	case hard:
		out.action = actionSuppressed
		return out, s.suppressTx(ctx, tx, d.Email, audience.ReasonBounce, fmt.Sprintf("campaign %d, report by %s", d.CampaignID, r.Source), reportWords(r))
	case soft && out.applied:
		given, err := s.giveUpTx(ctx, tx, []softBounced{{d.SubscriberID, d.Email}})
		out.action = actionCounted
		if given > 0 {
			out.action = actionSuppressed
		}
		return out, err
	case d.RelayID != nil && out.applied:
		out.troubles, err = s.troubleTx(ctx, tx, r, *d.RelayID)
		return out, err
	}
	return out, nil
}

// troubleOf is how many different deliveries of a relay must have come back for the same fault within an hour before that is believed of the relay: whoever has a message of
// ours can make up a bounce of it.
const troubleOf = 3

// troubleTx gives what a report says against the relay. What came by mail is at most a reason to go slower; the provider's own word stops the relay.
func (s *Service) troubleTx(ctx context.Context, tx pgx.Tx, r events.Report, relayID int64) ([]trouble, error) {
	class := reply.Class{Permanence: reply.Permanent, Reason: reply.Reason(r.Reason), Fault: reply.Fault(r.Fault)}
	if !r.Trusted {
		var others int
		err := tx.QueryRow(ctx, `
			SELECT count(DISTINCT (r.campaign_id, r.seq)) FROM reports r JOIN deliveries d ON d.campaign_id = r.campaign_id AND d.seq = r.seq
			WHERE r.received_at > now() - interval '1 hour' AND r.raw IS NOT NULL AND r.applied AND r.fault = $1 AND d.relay_id = $2`, r.Fault, relayID).Scan(&others)
		if err != nil {
			return nil, fmt.Errorf("looking for reports about relay %d: %w", relayID, err)
		}
		if others+1 < troubleOf {
			return nil, nil
		}
		if class.Fault == reply.FaultAccount {
			class.Fault = reply.FaultReputation
		}
	}
	return []trouble{{relayID, class, reportWords(r)}}, nil
}

// softFault says that a refusal for good that does not suppress is about the recipient's side, and so counts against the address.
func softFault(fault string) bool {
	return fault == string(reply.FaultRecipient) || fault == string(reply.FaultReceiver)
}

func (s *Service) suppressTx(ctx context.Context, tx pgx.Tx, email, reason, source, words string) error {
	address, err := addr.Normalize(email)
	if err != nil {
		return fmt.Errorf("suppressing a recipient (%s): %w", source, err)
	}
	return s.d.Audience.SuppressTx(ctx, tx, address.Key, reason, source, words)
}

// complaintTx suppresses whoever calls our mail spam and takes them off the lists. It counts once for each delivery.
func (s *Service) complaintTx(ctx context.Context, tx pgx.Tx, r events.Report, d *reported) (did, error) {
	var known bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM events WHERE campaign_id = $1 AND seq = $2 AND kind = 'complaint')`, d.CampaignID, d.Seq).Scan(&known)
	if err != nil {
		return did{}, fmt.Errorf("looking for earlier complaints: %w", err)
	}
	if !known {
		err := s.d.Events.RecordTx(ctx, tx, []events.Event{{
			Kind: events.KindComplaint, At: r.At, CampaignID: d.CampaignID, Seq: d.Seq, SubscriberID: d.SubscriberID, Detail: r.FeedbackType,
		}})
		if err != nil {
			return did{}, err
		}
	}
	// Without the address: of somebody who was deleted, the suppression below is what remains.
	l := audience.Leave{SubscriberID: d.SubscriberID, Source: "complaint, report by " + r.Source}
	if _, err := s.leaveTx(ctx, tx, events.Ref{CampaignID: d.CampaignID, Seq: d.Seq}, l); err != nil {
		return did{}, err
	}
	words := "complaint"
	if r.FeedbackType != "" {
		words += ": " + r.FeedbackType
	}
	return did{action: actionSuppressed, applied: !known},
		s.suppressTx(ctx, tx, d.Email, audience.ReasonComplaint, fmt.Sprintf("campaign %d, report by %s", d.CampaignID, r.Source), words)
}

// reportWords is the evidence of a bounce: what the server that refused said, as far as it is known.
func reportWords(r events.Report) string {
	parts := []string{}
	if r.ReplyCode != 0 {
		parts = append(parts, fmt.Sprint(r.ReplyCode))
	}
	if r.Status != "" && !strings.Contains(r.Diagnostic, r.Status) {
		parts = append(parts, r.Status)
	}
	words := strings.TrimPrefix(r.Diagnostic, fmt.Sprint(r.ReplyCode)+" ")
	if words == "" {
		words = r.Reason
	}
	return strings.Join(append(parts, words), " ")
}

// softBounced is a person of whom one more soft bounce was recorded.
type softBounced struct {
	subscriberID int64
	email        string
}

// deliveredAfter is how long after it was sent a message without a bounce counts as arrived: no server tries longer (RFC 5321 §4.5.4.1).
const deliveredAfter = 5 * 24 * time.Hour

// giveUpTx suppresses those who have had so many soft bounces over so many days as the settings say, without anything that arrived or was read in between. It gives how many.
func (s *Service) giveUpTx(ctx context.Context, tx pgx.Tx, people []softBounced) (int, error) {
	if len(people) == 0 {
		return 0, nil
	}
	set, err := settings.Read(ctx, tx)
	if err != nil {
		return 0, err
	}
	ids := make([]int64, len(people))
	for i, p := range people {
		ids[i] = p.subscriberID
	}
	rows, err := pg.Many[struct {
		ID    int64
		Times int
		First time.Time
	}](ctx, tx, "soft bounces", `
		SELECT p.id, b.times, b.first FROM unnest($1::bigint[]) AS p (id), LATERAL (
			SELECT count(DISTINCT (e.campaign_id, e.seq))::int AS times, min(e.at) AS first, max(e.at) AS last FROM events e
			WHERE e.subscriber_id = p.id AND e.soft AND e.at > GREATEST(
				(SELECT max(d.updated_at) FROM deliveries d WHERE d.subscriber_id = p.id AND d.state = 2 AND d.updated_at < $2),
				(SELECT max(o.at) FROM events o WHERE o.subscriber_id = p.id AND o.kind IN ('open', 'click') AND o.actor IS DISTINCT FROM 'machine'), '-infinity')) b
		WHERE b.times >= $3 AND b.last - b.first >= make_interval(days => $4)`, ids, s.d.Now().Add(-deliveredAfter), set.SoftBounceCount, set.SoftBounceDays)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		i := slices.Index(ids, row.ID)
		words := fmt.Sprintf("%d soft bounces since %s", row.Times, row.First.UTC().Format(time.DateOnly))
		if err := s.suppressTx(ctx, tx, people[i].email, audience.ReasonBounce, "soft bounces", words); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// reportKept is how long the message of a report is kept as it was received.
const reportKept = 90 * 24 * time.Hour

// forgetRaw empties what was received long ago; the facts stay.
func (s *Service) forgetRaw(ctx context.Context) error {
	return exec(ctx, s.d.Pool, `
		UPDATE reports SET raw = NULL WHERE id IN (SELECT id FROM reports WHERE raw IS NOT NULL AND received_at < $1 ORDER BY received_at LIMIT 1000)`,
		s.d.Now().Add(-reportKept))
}
