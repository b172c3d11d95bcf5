package campaigns

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender"
	"postrider/templates"
)

// streamKey is what of a message decides about its stream.
type streamKey struct {
	templateID                               int64
	fromName, fromEmail, replyTo, relays     string
	trackOpens, trackClicks, listUnsubscribe bool
	policy                                   string
}

func (in *MessageInput) streamKey() streamKey {
	return streamKey{in.TemplateID, in.FromName, in.FromEmail, in.ReplyTo, fmt.Sprint(in.RelayIDs), in.TrackOpens, in.TrackClicks, in.ListUnsubscribe, in.UnconfirmedPolicy}
}

// stream is a stream of messages as this process knows it.
type stream struct {
	campaignID int64
	content    *prepared
	checked    time.Time

	mu    sync.Mutex
	next  int32 // numbers that were taken for this process
	left  int
	until time.Time
	rests time.Time // until when what comes is looked at together with what waits
}

// streamBook keeps the streams that were used last, so that a message costs no look at template, settings and relays.
type streamBook struct {
	mu    sync.Mutex
	byKey map[streamKey]*stream
	byID  map[int64]*stream
}

// How long a stream is taken for what it was: a change of template, settings or relays counts after that. keptStreams is how many are known at once.
const (
	streamFresh = 5 * time.Second
	keptStreams = 1000
)

func (b *streamBook) get(key streamKey, now time.Time) *stream {
	b.mu.Lock()
	defer b.mu.Unlock()
	if st := b.byKey[key]; st != nil && now.Sub(st.checked) < streamFresh {
		return st
	}
	return nil
}

// put notes what a key leads to, and gives what is known of that stream already.
func (b *streamBook) put(key streamKey, st *stream) *stream {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byKey == nil || len(b.byKey) >= keptStreams {
		b.byKey, b.byID = map[streamKey]*stream{}, map[int64]*stream{}
	}
	if known := b.byID[st.campaignID]; known != nil {
		known.checked, st = st.checked, known
	}
	b.byKey[key], b.byID[st.campaignID] = st, st
	return st
}

// rest notes until when the relays of a stream cannot be used.
func (b *streamBook) rest(id int64, until time.Time) {
	b.mu.Lock()
	st := b.byID[id]
	b.mu.Unlock()
	if st != nil {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.rests = until
	}
}

func (st *stream) resting(now time.Time) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.rests.After(now)
}

// streamFor gives the stream that a message belongs to, and makes it when it is the first of its kind. Errors are Invalid: what is wrong with template, From or relays.
func (s *Service) streamFor(ctx context.Context, in *MessageInput) (*stream, error) {
	key, now := in.streamKey(), s.d.Now()
	if st := s.streams.get(key, now); st != nil {
		return st, nil
	}
	c, err := s.streamCampaign(ctx, in)
	if err != nil {
		return nil, err
	}
	// What a mailing needs besides, such as a way to unsubscribe, a message need not have.
	r, err := s.problems(ctx, c)
	if err == nil {
		err = r.missing.Err("the message cannot be sent")
	}
	if err != nil {
		return nil, asMessageError(err)
	}
	frozen, err := s.freezeContent(ctx, c, r.contents)
	if err != nil {
		return nil, err
	}
	c.ListIDs, frozen.ListIDs = []int64{}, nil
	frozen.Messages, frozen.ListUnsubscribe = true, in.ListUnsubscribe
	id, err := s.findStream(ctx, c.Input, frozen)
	if err != nil {
		return nil, err
	}
	content, err := s.content(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.streams.put(key, &stream{campaignID: id, content: content, checked: now}), nil
}

func asMessageError(err error) error {
	var e *errs.E
	if errors.As(err, &e) && e.Kind == errs.Invalid {
		return &errs.E{Kind: e.Kind, Public: "the message cannot be sent", Fields: e.Fields, Err: e.Err}
	}
	return err
}

// streamCampaign is the stream as a campaign that has not started.
func (s *Service) streamCampaign(ctx context.Context, in *MessageInput) (Campaign, error) {
	t, err := s.d.Templates.Get(ctx, in.TemplateID)
	if errs.Is(err, errs.NotFound) {
		return Campaign{}, errs.InvalidField("template_id", "there is no template %d", in.TemplateID)
	}
	if err != nil {
		return Campaign{}, err
	}
	if t.Role != templates.RoleContent {
		return Campaign{}, errs.InvalidField("template_id", "%q is a %s, which is put into others; choose a template with a content of its own", t.Name, t.Role)
	}
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return Campaign{}, err
	}
	c := Campaign{Input: Input{
		Name: streamPrefix + t.Name, Subject: t.Subject, Preheader: t.Preheader, Kind: t.Kind, LayoutID: t.LayoutID, KeepCSS: !t.InlineCSS, HTML: t.HTML, Text: t.Text, TemplateID: &t.ID, ReplyTo: in.ReplyTo, RelayIDs: slices.Clone(in.RelayIDs),
		FromName: cmp.Or(in.FromName, set.DefaultFromName), FromEmail: cmp.Or(in.FromEmail, set.DefaultFromEmail),
		TrackOpens: in.TrackOpens, TrackClicks: in.TrackClicks, UnconfirmedPolicy: in.UnconfirmedPolicy, ExpiresAfterHours: streamExpiry,
	}}
	if len(c.RelayIDs) == 0 {
		if c.RelayIDs, err = s.relaysForMessages(ctx, c.FromEmail); err != nil {
			return c, err
		}
	}
	c.setDefaults()
	if err := c.validate(); err != nil {
		return c, asMessageError(err)
	}
	c.ListIDs = []int64{0} // messages need no list
	return c, nil
}

// relaysForMessages gives all relays that take mail from an address, the backups last. The built-in inbox delivers to nobody: it is among them only where there is no other.
func (s *Service) relaysForMessages(ctx context.Context, from string) ([]int64, error) {
	relays, err := s.d.Sender.ListRelays(ctx)
	if err != nil {
		return nil, err
	}
	inbox := func(r sender.Relay) bool { return r.Kind == sender.RelayInbox }
	if slices.ContainsFunc(relays, func(r sender.Relay) bool { return !inbox(r) }) {
		relays = slices.DeleteFunc(relays, inbox)
	}
	relays = slices.DeleteFunc(relays, func(r sender.Relay) bool { return !r.TakesFrom(sender.DomainOf(from)) })
	if len(relays) == 0 {
		return nil, errs.InvalidField("relay_ids", "there is no relay that takes mail From %q: add one, or let one take it", from)
	}
	slices.SortFunc(relays, func(a, b sender.Relay) int {
		switch {
		case a.Backup() && !b.Backup():
			return 1
		case b.Backup() && !a.Backup():
			return -1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	ids := []int64{}
	for _, r := range relays[:min(len(relays), mostRelays)] {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// findStream gives the stream with exactly this content and these relays, old or new.
func (s *Service) findStream(ctx context.Context, in Input, frozen frozenContent) (id int64, err error) {
	b, err := json.Marshal(struct {
		Content  frozenContent
		RelayIDs []int64
		Policy   string
	}{frozen, in.RelayIDs, in.UnconfirmedPolicy})
	if err != nil {
		return 0, fmt.Errorf("looking for a stream of messages: %w", err)
	}
	hash := sha256.Sum256(b)
	err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, streamLock); err != nil {
			return fmt.Errorf("looking for a stream of messages: %w", err)
		}
		err := tx.QueryRow(ctx, `SELECT campaign_id FROM message_streams WHERE hash = $1`, hash[:]).Scan(&id)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if id, err = insertCampaign(ctx, tx, in); err != nil {
			return asMessageError(err)
		}
		if err := storeContent(ctx, tx, id, frozen); err != nil {
			return err
		}
		if err := exec(ctx, tx, `UPDATE campaigns SET purpose = 'messages', status = 'open', started_at = now() WHERE id = $1`, id); err != nil {
			return err
		}
		return exec(ctx, tx, `INSERT INTO message_streams (campaign_id, hash, list_unsubscribe, used_at) VALUES ($1, $2, $3, $4)`, id, hash[:], frozen.ListUnsubscribe, s.d.Now())
	})
	return id, err
}

// streamLock is the advisory lock under which streams are made: "prms" in ASCII.
const streamLock = 0x70726d73

// A process takes seqBlock numbers of a stream at once, and uses them for seqTime: a stream of which nobody has taken any for longer than streamKept is not in use.
const (
	seqBlock = 64
	seqTime  = time.Hour
)

// numbers gives the next n numbers of the stream, in order, and opens one that was not in use any more.
func (s *Service) numbers(ctx context.Context, st *stream, n int) ([]int32, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if now := s.d.Now(); st.left < n || now.After(st.until) {
		take := max(n, seqBlock)
		var last int32
		err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
			err := tx.QueryRow(ctx, `UPDATE message_streams SET last_seq = last_seq + $2, used_at = $3 WHERE campaign_id = $1 RETURNING last_seq`, st.campaignID, take, now).Scan(&last)
			if err != nil {
				return err
			}
			return exec(ctx, tx, `UPDATE campaigns SET status = 'open', finished_at = NULL, updated_at = now() WHERE id = $1 AND status = 'finished'`, st.campaignID)
		})
		if err != nil {
			return nil, fmt.Errorf("taking numbers of stream %d: %w", st.campaignID, err)
		}
		st.next, st.left, st.until = last-int32(take)+1, take, now.Add(seqTime)
	}
	seqs := make([]int32, n)
	for i := range seqs {
		seqs[i] = st.next + int32(i)
	}
	st.next, st.left = st.next+int32(n), st.left-n
	return seqs, nil
}

// wakeStreamTx lets everything that waits in a stream be looked at again; stream is false when the campaign is none.
func wakeStreamTx(ctx context.Context, tx pgx.Tx, id int64) (stream bool, err error) {
	tag, err := tx.Exec(ctx, `UPDATE message_streams SET look_at = '-infinity', look_from = 0 WHERE campaign_id = $1`, id)
	if err != nil {
		return false, fmt.Errorf("waking stream %d: %w", id, err)
	}
	return tag.RowsAffected() > 0, nil
}

// lookAgain lets what waits in a stream from a number on be looked at again at a moment, unless that happens sooner.
func (s *Service) lookAgain(ctx context.Context, id int64, from int32, at time.Time) error {
	s.streams.rest(id, at)
	return s.lookAt(ctx, id, from, at)
}

// lookAt is lookAgain for a stream that does not rest: what comes meanwhile has jobs of its own.
func (s *Service) lookAt(ctx context.Context, id int64, from int32, at time.Time) error {
	return exec(ctx, s.d.Pool, `
		UPDATE message_streams SET look_from = CASE WHEN look_at IS NULL THEN $2 ELSE LEAST(look_from, $2) END, look_at = LEAST(look_at, $3) WHERE campaign_id = $1
			AND (look_at IS NULL OR look_at > $3 OR look_from > $2)`, id, min(from, math.MaxInt32), at)
}
