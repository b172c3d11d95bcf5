package campaigns

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Kinds of what is on a person's timeline.
const (
	MomentMessage     = "message"     // a delivery: Status is its state
	MomentExcluded    = "excluded"    // left out of a campaign, for Reason
	MomentOpen        = "open"        // Actor says who
	MomentClick       = "click"       // Actor says who
	MomentBounce      = "bounce"      // Reason is a word of sender/reply
	MomentComplaint   = "complaint"   //
	MomentUnsubscribe = "unsubscribe" // by a link; Reason and Detail are what they said
	MomentConsent     = "consent"     // on a list with Status from then on
	MomentImport      = "import"      // Status is created or changed; Detail names what
	MomentPreference  = "preference"  // Status is paused, weekly or monthly
	MomentSuppression = "suppression" // Status is added or lifted
	MomentBulk        = "bulk"        // Status is the action
	MomentCreated     = "created"     // became known
)

// MomentKinds are the kinds, in the order in which people choose among them.
var MomentKinds = []string{MomentMessage, MomentExcluded, MomentOpen, MomentClick, MomentBounce, MomentComplaint, MomentUnsubscribe, MomentConsent, MomentImport,
	MomentPreference, MomentSuppression, MomentBulk, MomentCreated}

// Moment is something that happened to, or was done by, a person. Fields that a kind has no use for are zero.
type Moment struct {
	Kind         string
	At           time.Time
	Ref          string // unique among those of the kind
	Status       string
	Source       string // where it came from: the source of a consent or suppression, who started a bulk action
	Reason       string
	Detail       string // free text: a server's words, a comment, a note, names of what changed
	Actor        string // human, machine or unknown; of a suppression who added or lifted it
	CampaignID   int64
	CampaignName string
	Seq          int32
	Message      int64 // the id of a message that a program sent
	Link         int32 // of a click
	ListID       int64
	ListName     string
	ImportID     int64
	ImportName   string // the name of its file
	BulkID       int64
	Evidence     json.RawMessage // of a consent, nil when there is none
	Address      string          // of a message, an exclusion and a suppression: as it was then; "@example.org" for a domain
}

// momentColumns are the columns of each part of the query, with what they are where a part does not say.
var momentColumns = []struct{ name, otherwise string }{
	{"at", ""}, {"ref", ""}, {"status", "''"}, {"source", "''"}, {"reason", "''"}, {"detail", "''"}, {"actor", "''"}, {"campaign_id", "0::bigint"}, {"seq", "0"}, {"message", "0::bigint"}, {"link", "0"},
	{"list_id", "0::bigint"}, {"import_id", "0::bigint"}, {"bulk_id", "0::bigint"}, {"evidence", "NULL::jsonb"}, {"address", "''"},
}

// momentPart is what one table knows about person $1, whose address is $2.
type momentPart struct {
	kind   string
	values map[string]string
	from   string
}

var momentParts = []momentPart{
	{MomentMessage, map[string]string{"at": "d.updated_at", "ref": "d.campaign_id || CASE WHEN d.message_id IS NULL THEN '' ELSE '/' || d.seq END", "status": "(ARRAY['" + strings.Join(stateNames[:], "','") + "'])[d.state + 1]",
		"reason": "COALESCE(d.skip_reason, '')", "detail": "COALESCE(d.reply_text, '')", "campaign_id": "d.campaign_id", "seq": "d.seq", "message": "COALESCE(d.message_id, 0)", "address": "d.email"},
		"deliveries d WHERE d.subscriber_id = $1"},
	// By campaign, since the primary key begins with it.
	{MomentExcluded, map[string]string{"at": "COALESCE(c.started_at, c.created_at)", "ref": "c.id::text", "reason": "x.reason", "campaign_id": "c.id", "address": "x.email"},
		"campaigns c JOIN exclusions x ON x.campaign_id = c.id AND x.subscriber_id = $1"},
	eventMoments(MomentOpen), eventMoments(MomentClick), eventMoments(MomentBounce), eventMoments(MomentComplaint),
	{MomentUnsubscribe, map[string]string{"at": "l.at", "ref": "l.id::text", "status": "CASE WHEN l.undone_at IS NOT NULL THEN 'undone' WHEN l.everything THEN 'everything' ELSE 'lists' END",
		"source": "l.source", "reason": "COALESCE(l.reason, '')", "detail": "l.comment", "campaign_id": "l.campaign_id", "seq": "l.seq"},
		"unsubscribes l WHERE l.subscriber_id = $1"},
	{MomentConsent, map[string]string{"at": "s.updated_at", "ref": "'now ' || s.list_id", "status": "s.status", "source": "s.source", "list_id": "s.list_id", "import_id": "COALESCE(s.import_id, 0)",
		"evidence": "s.evidence", "detail": "COALESCE(s.evidence ->> 'note', '')"}, "subscriptions s WHERE s.subscriber_id = $1"},
	{MomentConsent, map[string]string{"at": "h.since", "ref": "h.id::text", "status": "h.status", "source": "h.source", "list_id": "h.list_id", "import_id": "COALESCE(h.import_id, 0)",
		"evidence": "h.evidence", "detail": "COALESCE(h.evidence ->> 'note', '')"}, "subscription_history h WHERE h.subscriber_id = $1"},
	{MomentImport, map[string]string{"at": "COALESCE(i.started_at, i.created_at)", "ref": "i.id::text", "status": "'changed'", "import_id": "i.id", "list_id": "i.list_id",
		"detail": "(SELECT COALESCE(string_agg(k, ', ' ORDER BY k), '') FROM jsonb_object_keys(c.after) k WHERE k <> 'updated_at')"},
		"import_changes c JOIN imports i ON i.id = c.import_id WHERE c.subscriber_id = $1"},
	{MomentImport, map[string]string{"at": "u.created_at", "ref": "'new'", "status": "'created'", "import_id": "u.import_id"}, "subscribers u WHERE u.id = $1 AND u.import_id IS NOT NULL"},
	{MomentPreference, map[string]string{"at": "u.paused_at", "ref": "'pause'", "status": "'paused'", "source": "u.paused_source", "detail": "to_char(u.paused_until AT TIME ZONE 'UTC', 'YYYY-MM-DD')"},
		"subscribers u WHERE u.id = $1 AND u.paused_at IS NOT NULL"},
	{MomentPreference, map[string]string{"at": "u.frequency_at", "ref": "'frequency'", "status": "u.frequency", "source": "u.frequency_source"},
		"subscribers u WHERE u.id = $1 AND u.frequency IS NOT NULL"},
	{MomentSuppression, map[string]string{"at": "g.at", "ref": "g.id::text", "status": "g.action", "source": "g.source", "reason": "g.reason",
		"detail": "CASE WHEN g.action = 'lifted' OR g.detail = '' THEN g.note ELSE g.detail END", "actor": "g.actor", "address": "g.email_key"},
		"suppression_log g WHERE g.email_key IN ($2, substring($2 FROM '@[^@]*$'))"},
	{MomentBulk, map[string]string{"at": "COALESCE(b.started_at, b.created_at)", "ref": "b.id::text", "status": "b.action", "source": "b.created_by", "bulk_id": "b.id",
		"list_id": "COALESCE((b.params ->> 'list_id')::bigint, 0)", "detail": "COALESCE(b.params ->> 'field', b.params ->> 'note', '')"},
		"bulk_changes c JOIN bulk_actions b ON b.id = c.bulk_id WHERE c.subscriber_id = $1"},
	{MomentCreated, map[string]string{"at": "u.created_at", "ref": "''"}, "subscribers u WHERE u.id = $1"},
}

// eventMoments are events of one kind: those of machines count as events too.
func eventMoments(kind string) momentPart {
	return momentPart{kind, map[string]string{"at": "e.at", "ref": "e.id::text", "actor": "CASE WHEN e.kind IN ('open', 'click') THEN COALESCE(e.actor, 'unknown') ELSE '' END",
		"reason": "COALESCE(e.reason, '')", "detail": "COALESCE(e.detail, '')", "campaign_id": "e.campaign_id", "seq": "e.seq", "link": "COALESCE(e.link, 0)"},
		"events e WHERE e.subscriber_id = $1 AND e.kind = '" + kind + "'"}
}

// momentsSQL is the parts of the wanted kinds, each no longer than a page can be, so that one with thousands of rows does not sort them with all the others.
// $3 to $5 are the cursor, NULL at the start, and $6 how many rows.
func momentsSQL(kinds []string) string {
	var parts []string
	for _, p := range momentParts {
		if len(kinds) > 0 && !slices.Contains(kinds, p.kind) {
			continue
		}
		columns := make([]string, len(momentColumns))
		for i, c := range momentColumns {
			columns[i] = c.otherwise + " AS " + c.name
			if v := p.values[c.name]; v != "" {
				columns[i] = v + " AS " + c.name
			}
		}
		parts = append(parts, "(SELECT * FROM (SELECT '"+p.kind+"' AS kind, "+strings.Join(columns, ", ")+" FROM "+p.from+
			") p WHERE $3::timestamptz IS NULL OR (p.at, p.kind, p.ref) < ($3, $4, $5) ORDER BY p.at DESC, p.ref DESC LIMIT $6)")
	}
	return `SELECT m.kind, m.at, m.ref, m.status, m.source, m.reason, m.detail, m.actor, m.campaign_id, COALESCE(c.name, '') AS campaign_name, m.seq, m.message, m.link,
			m.list_id, COALESCE(l.name, '') AS list_name, m.import_id, COALESCE(i.filename, '') AS import_name, m.bulk_id, m.evidence, m.address
		FROM (SELECT * FROM (` + strings.Join(parts, " UNION ALL ") + `) all_parts WHERE $2::text IS NOT NULL ORDER BY at DESC, kind DESC, ref DESC LIMIT $6) m
		LEFT JOIN campaigns c ON c.id = m.campaign_id LEFT JOIN lists l ON l.id = m.list_id LEFT JOIN imports i ON i.id = m.import_id
		ORDER BY m.at DESC, m.kind DESC, m.ref DESC`
}

// PersonTimeline gives everything that was ever sent to a person and what came of it, what they did, and what was done with what is known of them, newest first. kinds
// leaves out the others; none is all.
func (s *Service) PersonTimeline(ctx context.Context, subscriberID int64, kinds []string, q page.Query) (page.Page[Moment], error) {
	var none page.Page[Moment]
	for _, k := range kinds {
		if !slices.Contains(MomentKinds, k) {
			return none, errs.InvalidField("kind", "%q is not a kind: use one of %s", strings.ToValidUTF8(k, "?"), strings.Join(MomentKinds, ", "))
		}
	}
	person, err := s.d.Audience.GetSubscriber(ctx, subscriberID)
	if err != nil {
		return none, err
	}
	address, err := addr.Normalize(person.Email)
	if err != nil {
		return none, err
	}
	var at *time.Time
	var kind, ref string
	if q.Cursor != "" {
		at = new(time.Time)
		if err := page.Decode(q.Cursor, at, &kind, &ref); err != nil {
			return none, err
		}
	}
	rows, err := pg.Many[Moment](ctx, s.d.Pool, fmt.Sprintf("timeline of subscriber %d", subscriberID), momentsSQL(kinds), subscriberID, address.Key, at, kind, ref, q.Size()+1)
	if err != nil {
		return none, err
	}
	for i := range rows {
		rows[i].At = rows[i].At.UTC()
	}
	return page.Cut(rows, q, func(m Moment) string { return page.Encode(m.At, m.Kind, m.Ref) }), nil
}
