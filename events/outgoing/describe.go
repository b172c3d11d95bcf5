package outgoing

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// names is what is known of the people and things that a batch is about.
type names struct {
	campaigns   map[int64]campaignRow
	lists       map[int64]string
	people      map[int64]Person // by id
	byKey       map[string]Person
	memberships map[int64][]int64 // lists that a person is or was on, by id: a complaint ends the subscriptions together with the suppression
	deliveries  map[delivery]deliveryRow
	links       map[linkKey]string
}

type delivery struct {
	campaign int64
	seq      int32
}

type linkKey struct {
	campaign int64
	link     int32
}

type campaignRow struct {
	ID      int64
	Name    string
	ListIDs []int64
	Counts
}

type personRow struct {
	ID       int64
	Email    string
	EmailKey string
	Name     string
	ListIDs  []int64
}

type deliveryRow struct {
	CampaignID  int64
	Seq         int32
	MessageID   *int64
	Email       string
	Variant     *int16
	ReplyCode   *int16
	ReplyStatus *string
	ReplyText   *string
	Reason      *string
	Fault       *string
}

// lookUp reads everything that the messages of a batch need, in a handful of statements.
func (s *Service) lookUp(ctx context.Context, tx pgx.Tx, all []*happening) (*names, error) {
	k := &names{campaigns: map[int64]campaignRow{}, lists: map[int64]string{}, people: map[int64]Person{}, byKey: map[string]Person{}, memberships: map[int64][]int64{},
		deliveries: map[delivery]deliveryRow{}, links: map[linkKey]string{}}
	return k, errors.Join(k.readCampaigns(ctx, tx, all), k.readPeople(ctx, tx, all), k.readDeliveries(ctx, tx, all), k.readLists(ctx, tx, all))
}

func (k *names) readCampaigns(ctx context.Context, tx pgx.Tx, all []*happening) error {
	var ids []int64
	for _, h := range all {
		if id := h.campaign(); id != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := pg.Many[campaignRow](ctx, tx, "campaigns", `
		SELECT c.id, c.name, ARRAY(SELECT list_id FROM campaign_lists l WHERE l.campaign_id = c.id ORDER BY list_id) AS list_ids, n.*
		FROM campaigns c CROSS JOIN LATERAL (
			SELECT COALESCE(sum(sent), 0)::bigint AS sent, COALESCE(sum(bounced), 0)::bigint AS bounced, COALESCE(sum(failed), 0)::bigint AS failed,
				COALESCE(sum(unconfirmed), 0)::bigint AS unconfirmed, COALESCE(sum(skipped), 0)::bigint AS skipped
			FROM campaign_counts WHERE campaign_id = c.id) n
		WHERE c.id = ANY ($1)`, sorted(ids))
	for _, r := range rows {
		k.campaigns[r.ID] = r
	}
	return err
}

func (k *names) readPeople(ctx context.Context, tx pgx.Tx, all []*happening) error {
	var ids []int64
	var keys []string
	for _, h := range all {
		if h.row.SubscriberID != 0 {
			ids = append(ids, h.row.SubscriberID)
		}
		if h.row.EmailKey != "" {
			keys = append(keys, h.row.EmailKey)
		}
	}
	if len(ids)+len(keys) == 0 {
		return nil
	}
	rows, err := pg.Many[personRow](ctx, tx, "subscribers", `
		SELECT p.id, p.email, p.email_key, p.name, ARRAY(SELECT list_id FROM subscriptions su WHERE su.subscriber_id = p.id ORDER BY list_id) AS list_ids
		FROM subscribers p WHERE p.id = ANY ($1) OR p.email_key = ANY ($2)`, sorted(ids), sorted(keys))
	for _, r := range rows {
		p := Person{ID: r.ID, Email: r.Email, Name: r.Name}
		k.people[r.ID], k.byKey[r.EmailKey], k.memberships[r.ID] = p, p, r.ListIDs
	}
	return err
}

func (k *names) readDeliveries(ctx context.Context, tx pgx.Tx, all []*happening) error {
	var campaigns []int64
	var seqs []int32
	seen := map[delivery]bool{}
	for _, h := range all {
		ref := delivery{h.row.CampaignID, h.row.Seq}
		if ref.campaign != 0 && ref.seq != 0 && !seen[ref] {
			seen[ref] = true
			campaigns, seqs = append(campaigns, ref.campaign), append(seqs, ref.seq)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	rows, err := pg.Many[deliveryRow](ctx, tx, "deliveries", `
		SELECT d.campaign_id, d.seq, d.message_id, d.email, d.variant, d.reply_code, d.reply_status, d.reply_text, a.reason, a.fault
		FROM unnest($1::bigint[], $2::integer[]) AS u (campaign_id, seq)
		JOIN deliveries d ON d.campaign_id = u.campaign_id AND d.seq = u.seq
		LEFT JOIN LATERAL (
			SELECT reason, fault FROM delivery_attempts t WHERE t.campaign_id = d.campaign_id AND t.seq = d.seq AND d.state IN (4, 5) ORDER BY attempt DESC LIMIT 1) a ON true`,
		campaigns, seqs)
	for _, r := range rows {
		k.deliveries[delivery{r.CampaignID, r.Seq}] = r
	}
	return err
}

func (k *names) readLists(ctx context.Context, tx pgx.Tx, all []*happening) error {
	var ids []int64
	for _, h := range all {
		ids = append(ids, h.lists...)
		if h.row.ListID != 0 {
			ids = append(ids, h.row.ListID)
		}
	}
	for _, c := range k.campaigns {
		ids = append(ids, c.ListIDs...)
	}
	for _, of := range k.memberships {
		ids = append(ids, of...)
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := pg.Many[ListRef](ctx, tx, "lists", `SELECT id, name FROM lists WHERE id = ANY ($1)`, sorted(ids))
	for _, r := range rows {
		k.lists[r.ID] = r.Name
	}
	return err
}

// listsOf gives the lists that something is about: those left, that of an import, those of a suppressed person, and otherwise those that the campaign went to.
func (k *names) listsOf(h *happening) []ListRef {
	var ids []int64
	switch h.Type {
	case TypeUnsubscribed:
		ids = sorted(h.lists)
	case TypeImported:
		ids = []int64{h.row.ListID}
	case TypeSuppressed:
		ids = k.memberships[k.byKey[h.row.EmailKey].ID]
	default:
		ids = k.campaigns[h.campaign()].ListIDs
	}
	refs := make([]ListRef, len(ids))
	for i, id := range ids {
		refs[i] = ListRef{ID: id, Name: k.lists[id]}
	}
	return refs
}

func (k *names) campaignRef(id int64) *CampaignRef {
	if id == 0 {
		return nil
	}
	return &CampaignRef{ID: id, Name: k.campaigns[id].Name}
}

// person gives who a delivery went to. The address is the one that was mailed, which stays when the person is gone.
func (k *names) person(h *happening) *Person {
	p, known := k.people[h.row.SubscriberID]
	d, mailed := k.deliveries[delivery{h.row.CampaignID, h.row.Seq}]
	if !known && !mailed {
		return nil
	}
	p.ID = h.row.SubscriberID
	if mailed {
		p.Email = d.Email
	}
	return &p
}

// describe gives the data of the message.
func (s *Service) describe(ctx context.Context, k *names, h *happening, lists []ListRef) any {
	r := h.row
	switch h.Type {
	case TypeUnsubscribed:
		return Unsubscribed{Campaign: k.campaignRef(r.CampaignID), Lists: lists, Subscriber: k.person(h), Source: r.Source}
	case TypeSuppressed:
		out := Suppressed{Email: r.EmailKey, Lists: lists, Reason: r.Reason, Source: r.Source, Detail: r.Detail}
		if p, ok := k.byKey[r.EmailKey]; ok {
			out.Subscriber = &p
		}
		return out
	case TypeImported:
		return Imported{Lists: lists, Import: ImportRef{ID: r.ID, Filename: r.Filename, Status: r.Status, Error: r.Error, Rows: r.Rows, Created: r.Created, Updated: r.Updated,
			Unchanged: r.Unchanged, Rejected: r.Rejected, Suppressed: r.Suppressed}}
	case TypeStarted, TypePaused, TypeResumed, TypeFinished, TypeCancelled:
		return k.campaignState(h, lists)
	}
	return s.delivered(ctx, k, h, lists)
}

func (k *names) campaignState(h *happening, lists []ListRef) CampaignState {
	out := CampaignState{Campaign: CampaignStatus{CampaignRef{ID: h.row.ID, Name: h.row.Name}, h.row.Status}, Lists: lists, Reason: h.row.PauseReason,
		Recipients: h.row.Recipients, Excluded: h.row.Excluded}
	if c, ok := k.campaigns[h.row.ID]; ok && h.Type == TypeFinished {
		out.Counts = &c.Counts
	}
	return out
}

func (s *Service) delivered(ctx context.Context, k *names, h *happening, lists []ListRef) Delivered {
	d := k.deliveries[delivery{h.row.CampaignID, h.row.Seq}]
	out := Delivered{Campaign: k.campaignRef(h.row.CampaignID), Lists: lists, Subscriber: k.person(h), Delivery: &DeliveryRef{Seq: h.row.Seq, Message: d.MessageID, Variant: d.Variant}}
	switch h.Type {
	case TypeOpened, TypeClicked:
		out.Actor, out.UserAgent = h.row.Actor, h.row.UserAgent
		if out.Actor == "" {
			out.Actor = "unknown"
		}
		if h.Type == TypeClicked {
			out.Link = &LinkRef{Number: h.row.Link, URL: s.linkURL(ctx, k, h.row)}
		}
		return out
	}
	out.Detail, out.Reason, out.Soft = h.row.Detail, h.row.Reason, h.row.Soft
	switch h.Type {
	case TypeFailed:
		out.Detail = h.row.ReplyText
		d.addReason(&out)
		d.addReply(&out)
	case TypeBounced:
		if d.refused() {
			d.addReason(&out)
		}
		d.addReply(&out)
	}
	return out
}

// refused says that the relay's last answer was a refusal. Otherwise it had taken the message.
func (d deliveryRow) refused() bool { return d.ReplyCode != nil && *d.ReplyCode >= 400 }

// addReason adds how the last attempt was judged.
func (d deliveryRow) addReason(out *Delivered) {
	if d.Reason == nil {
		return
	}
	out.Fault = *d.Fault
	if out.Reason == "" {
		out.Reason = *d.Reason
	}
}

// addReply adds the refusal in the server's words.
func (d deliveryRow) addReply(out *Delivered) {
	if !d.refused() {
		return
	}
	out.Reply = &Refusal{Code: int(*d.ReplyCode)}
	if d.ReplyStatus != nil {
		out.Reply.Status = *d.ReplyStatus
	}
	if d.ReplyText != nil {
		out.Reply.Text = *d.ReplyText
	}
}

// linkURL asks once for each link of a batch. A link that cannot be told is no reason to hold up messages.
func (s *Service) linkURL(ctx context.Context, k *names, r source) string {
	if s.cfg.LinkURL == nil {
		return ""
	}
	key := linkKey{r.CampaignID, r.Link}
	url, asked := k.links[key]
	if asked {
		return url
	}
	url, err := s.cfg.LinkURL(ctx, r.CampaignID, r.Link)
	if err != nil {
		s.log.Debug("the link of a click cannot be told", "error", fmt.Errorf("campaign %d: %w", r.CampaignID, err))
	}
	k.links[key] = url
	return url
}
