package campaigns

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/templates"
)

// SendMessage is SendMessages with one message, whose refusal is an error. Nothing is kept of a request that was refused.
func (s *Service) SendMessage(ctx context.Context, by Request, in MessageInput) (a Accepted, replayed bool, err error) {
	all, replayed, err := s.sendMessages(ctx, by, []MessageInput{in}, true)
	if err != nil {
		return a, false, err
	}
	return all[0], replayed, all[0].Err()
}

// SendMessages accepts messages and says what became of each, in their order. It is one transaction: the answer to a Key is kept with the messages, so that a request that is
// repeated, at whatever moment the one before it ended, sends nothing twice and gets the same answer. Errors: Conflict when the Key was used for another request.
func (s *Service) SendMessages(ctx context.Context, by Request, in []MessageInput) (all []Accepted, replayed bool, err error) {
	if len(in) == 0 || len(in) > maxMessages {
		return nil, false, errs.InvalidField("messages", "give between 1 and %d messages", maxMessages)
	}
	return s.sendMessages(ctx, by, in, false)
}

func (s *Service) sendMessages(ctx context.Context, by Request, in []MessageInput, strict bool) ([]Accepted, bool, error) {
	var before []Accepted
	if done, err := s.answered(ctx, by, &before); done || err != nil {
		return before, done, err
	}
	p, err := s.planMessages(ctx, in, strict)
	if err != nil {
		return nil, false, err
	}
	err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		if err := s.acceptTx(ctx, tx, p, strict); err != nil {
			return err
		}
		return s.keepAnswerTx(ctx, tx, by, p.answers)
	})
	if errors.Is(err, errReplay) {
		done, err := s.answered(ctx, by, &before)
		return before, done, err
	}
	if err == nil {
		s.stillCovered(ctx, p)
	}
	return p.answers, false, err
}

// messagePlan is a request whose messages were looked at: where those go that can be sent.
type messagePlan struct {
	now     time.Time
	in      []MessageInput
	streams []*stream // nil for a message that was refused
	seqs    []int32
	data    [][]byte
	answers []Accepted
	covered []MessageArgs // those that a coming look finds, and no job
}

// planMessages checks the messages and takes numbers for them. strict makes the first refusal an error.
func (s *Service) planMessages(ctx context.Context, in []MessageInput, strict bool) (*messagePlan, error) {
	n := len(in)
	p := &messagePlan{now: s.d.Now().UTC().Truncate(time.Microsecond), in: in, streams: make([]*stream, n), seqs: make([]int32, n), data: make([][]byte, n), answers: make([]Accepted, n)}
	count := map[*stream]int{}
	for i := range in {
		st, err := s.planMessage(ctx, p, i)
		if a, ok := refused(err); ok && !strict {
			p.answers[i] = a
			continue
		}
		if err != nil {
			return nil, err
		}
		p.streams[i] = st
		count[st]++
	}
	taken := map[*stream][]int32{}
	for i, st := range p.streams {
		if st == nil {
			continue
		}
		if taken[st] == nil {
			var err error
			if taken[st], err = s.numbers(ctx, st, count[st]); err != nil {
				return nil, err
			}
		}
		p.seqs[i], taken[st] = taken[st][0], taken[st][1:]
	}
	return p, nil
}

func (s *Service) planMessage(ctx context.Context, p *messagePlan, i int) (*stream, error) {
	in := &p.in[i]
	if err := in.validate(p.now); err != nil {
		return nil, err
	}
	st, err := s.streamFor(ctx, in)
	if err != nil {
		return nil, err
	}
	if missing := st.content.compiled.MissingData(in.Data); len(missing) > 0 && !in.AllowMissing {
		var f errs.Fields
		for _, name := range missing {
			f.Add("data."+name, "the template shows this, and it is not there")
		}
		return nil, f.Err(templates.DataField(missing))
	}
	if len(in.Data) > 0 {
		// As it was understood: what JSON can hold and Postgres cannot is not in it any more.
		if p.data[i], err = json.Marshal(in.Data); err != nil {
			return nil, errs.InvalidField("data", "these are not JSON values")
		}
	}
	return st, nil
}

// acceptTx writes the messages that can be sent into the ledger, with jobs for them.
func (s *Service) acceptTx(ctx context.Context, tx pgx.Tx, p *messagePlan, strict bool) error {
	who := make([]audience.Recipient, 0, len(p.in))
	var place []int
	for i := range p.in {
		if p.streams[i] != nil {
			who, place = append(who, p.in[i].Recipient), append(place, i)
		}
	}
	found, err := s.d.Audience.RecipientsTx(ctx, tx, who)
	if err != nil {
		return err
	}
	for j := range found {
		found[j].Err = asRecipientError(found[j].Err)
	}
	var rows messageRows
	for j, f := range found {
		a, ok := refused(f.Err)
		switch {
		case ok && !strict:
			p.answers[place[j]] = a
		case f.Err != nil:
			return f.Err
		default:
			rows.add(p, place[j], f)
		}
	}
	if len(rows.seqs) == 0 {
		return nil
	}
	if err := rows.insertTx(ctx, tx, p); err != nil {
		return err
	}
	if err := rows.countTx(ctx, tx); err != nil {
		return err
	}
	jobs, err := s.messageJobsTx(ctx, tx, p, rows)
	if err != nil {
		return err
	}
	return s.queueTx(ctx, tx, jobs)
}

// asRecipientError names the fields as messages have them.
func asRecipientError(err error) error {
	e, ok := err.(*errs.E)
	if !ok {
		return err
	}
	named := *e
	named.Fields = slices.Clone(e.Fields)
	for i := range named.Fields {
		named.Fields[i].Name = "to." + named.Fields[i].Name
	}
	return &named
}

// messageRows are the messages of a request as columns.
type messageRows struct {
	places        []int // in the request
	campaigns     []int64
	seqs          []int32
	people        []int64
	emails, names []string
	data          []*string
	tags          []string // JSON
	sendAts       []*time.Time
	expires       []time.Time
	states        []int16
	skips         []*string
}

func (r *messageRows) add(p *messagePlan, i int, who audience.FoundRecipient) {
	in := &p.in[i]
	state, skip := Queued, (*string)(nil)
	if in.SendAt != nil {
		state = Deferred
	}
	if audience.StopsMessages(who.Suppressed, in.ListUnsubscribe) {
		why := skippedMessage + who.Suppressed
		state, skip = Skipped, &why
		p.answers[i].SkipReason = why
	}
	var data *string
	if p.data[i] != nil {
		text := string(p.data[i])
		data = &text
	}
	tags, _ := json.Marshal(in.Tags) // strings can always be
	r.places, r.campaigns, r.seqs, r.people = append(r.places, i), append(r.campaigns, p.streams[i].campaignID), append(r.seqs, p.seqs[i]), append(r.people, who.ID)
	r.emails, r.names, r.data, r.tags = append(r.emails, who.Email), append(r.names, who.Name), append(r.data, data), append(r.tags, string(tags))
	r.sendAts, r.expires = append(r.sendAts, in.SendAt), append(r.expires, in.due(p.now).Add(in.ExpiresAfter))
	r.states, r.skips = append(r.states, int16(state)), append(r.skips, skip)
	p.answers[i].CampaignID, p.answers[i].Seq, p.answers[i].SubscriberID, p.answers[i].State = p.streams[i].campaignID, p.seqs[i], who.ID, state.String()
}

// insertTx writes them. A message that waits for its moment is one that was put off until then.
func (r *messageRows) insertTx(ctx context.Context, tx pgx.Tx, p *messagePlan) error {
	rows, err := tx.Query(ctx, `
		WITH n AS MATERIALIZED (
			SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::timestamptz[], $9::timestamptz[], $10::smallint[], $11::text[])
				AS n (campaign_id, seq, subscriber_id, email, to_name, data, tags, send_at, expires_at, state, skip)),
		m AS (
			INSERT INTO messages (campaign_id, seq, subscriber_id, to_name, data, tags, send_at, expires_at, expiring, created_at)
			SELECT campaign_id, seq, subscriber_id, to_name, data::jsonb, ARRAY(SELECT jsonb_array_elements_text(tags)), send_at, expires_at, state <> 7, $12 FROM n
			RETURNING id, campaign_id, seq)
		INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, state, skip_reason, next_attempt_at, message_id)
		SELECT n.campaign_id, n.seq, n.subscriber_id, n.email, n.state, n.skip, CASE WHEN n.state = 3 THEN n.send_at END, m.id
		FROM n JOIN m ON m.campaign_id = n.campaign_id AND m.seq = n.seq
		RETURNING campaign_id, seq, message_id`,
		r.campaigns, r.seqs, r.people, r.emails, r.names, r.data, r.tags, r.sendAts, r.expires, r.states, r.skips, p.now)
	if err != nil {
		return fmt.Errorf("accepting messages: %w", err)
	}
	type ref struct {
		campaign int64
		seq      int32
	}
	ids := map[ref]int64{}
	var at ref
	var id int64
	if _, err = pgx.ForEachRow(rows, []any{&at.campaign, &at.seq, &id}, func() error { ids[at] = id; return nil }); err != nil {
		return fmt.Errorf("accepting messages: %w", err)
	}
	for j, i := range r.places {
		p.answers[i].ID = ids[ref{r.campaigns[j], r.seqs[j]}]
	}
	return nil
}

// countTx counts them where the triggers count what becomes of them. Rows of a mailing are counted with its recipients; a stream's recipients stay 0, since all messages would
// have to wait for one another to change them.
func (r *messageRows) countTx(ctx context.Context, tx pgx.Tx) error {
	return exec(ctx, tx, `
		INSERT INTO campaign_counts AS c (campaign_id, backend, queued, deferred, skipped)
		SELECT n.id, pg_backend_pid(), count(*) FILTER (WHERE n.state = 0), count(*) FILTER (WHERE n.state = 3), count(*) FILTER (WHERE n.state = 7)
		FROM unnest($1::bigint[], $2::smallint[]) AS n (id, state) GROUP BY n.id
		ON CONFLICT (campaign_id, backend) DO UPDATE SET queued = c.queued + excluded.queued, deferred = c.deferred + excluded.deferred, skipped = c.skipped + excluded.skipped`,
		r.campaigns, r.states)
}

// messageJobsTx gives one job for each stream that has something new to send, unless its relays rest: then it is looked at with what waits already.
func (s *Service) messageJobsTx(ctx context.Context, tx pgx.Tx, p *messagePlan, r messageRows) ([]river.InsertManyParams, error) {
	byStream := map[*stream]MessageArgs{}
	for j, i := range r.places {
		if State(r.states[j]) != Queued {
			continue
		}
		st, seq := p.streams[i], r.seqs[j]
		args, known := byStream[st]
		if !known {
			args = MessageArgs{CampaignID: st.campaignID, Lo: seq}
		}
		args.Lo, args.Hi = min(args.Lo, seq), max(args.Hi, seq)
		byStream[st] = args
	}
	// In one order, since what follows locks them.
	order := slices.SortedFunc(maps.Keys(byStream), func(a, b *stream) int { return cmp.Compare(a.campaignID, b.campaignID) })
	var jobs []river.InsertManyParams
	for _, st := range order {
		args := byStream[st]
		if st.resting(p.now) {
			covered, err := coverTx(ctx, tx, args.CampaignID, args.Lo)
			if err != nil {
				return nil, err
			}
			if covered {
				p.covered = append(p.covered, args)
				continue
			}
			s.streams.rest(args.CampaignID, time.Time{}) // somebody has woken it
		}
		jobs = append(jobs, messageJob(args))
	}
	return jobs, nil
}

// coverTx lets the coming look at a stream begin at a number, or lower; covered is false when no look is to come. Numbers are taken in blocks by each process, so that one
// may be lower than those that the stream came to rest with.
func coverTx(ctx context.Context, tx pgx.Tx, id int64, seq int32) (covered bool, err error) {
	var from int32
	err = tx.QueryRow(ctx, `SELECT look_from FROM message_streams WHERE campaign_id = $1 AND look_at IS NOT NULL`, id).Scan(&from)
	if err == nil && from > seq {
		err = tx.QueryRow(ctx, `UPDATE message_streams SET look_from = LEAST(look_from, $2) WHERE campaign_id = $1 AND look_at IS NOT NULL RETURNING look_from`, id, seq).Scan(&from)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking when stream %d is looked at: %w", id, err)
	}
	return true, nil
}

// stillCovered sees to the messages that were left to a coming look: when that came before they were committed, it has not seen them. The messages are accepted whatever comes
// of this.
func (s *Service) stillCovered(ctx context.Context, p *messagePlan) {
	for _, args := range p.covered {
		err := exec(context.WithoutCancel(ctx), s.d.Pool, `
			UPDATE message_streams SET look_from = CASE WHEN look_at IS NULL THEN $2 ELSE LEAST(look_from, $2) END, look_at = COALESCE(look_at, $3)
			WHERE campaign_id = $1 AND (look_at IS NULL OR look_from > $2)`, args.CampaignID, args.Lo, s.d.Now())
		if err != nil {
			s.d.Logger.Warn("it is not known whether messages are looked at that came while their stream rested; they go out when nothing else of it waits", "campaign", args.CampaignID, "error", err)
		}
	}
}
