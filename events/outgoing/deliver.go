package outgoing

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

const (
	// lookEvery is how often a process looks for what is due.
	lookEvery = time.Second
	// perEndpoint is how many messages a process sends to one endpoint at once.
	perEndpoint = 4
	// lease is how long a message that is being sent is left to its process. It is longer than an attempt and its record take.
	lease = time.Minute
	// recordTimeout bounds the writing of what came of an attempt.
	recordTimeout = 20 * time.Second
	pruneEvery    = time.Hour
	// mostBatches are made into messages before sending gets its turn.
	mostBatches = 10
)

// Run makes messages and sends what is due until ctx ends. What is being sent then is broken off and given back.
func (s *Service) Run(ctx context.Context) error {
	var workers errgroup.Group
	defer func() { _ = workers.Wait() }() // workers give no errors
	look, prune := time.NewTicker(lookEvery), time.NewTicker(pruneEvery)
	defer look.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-s.wake:
		case <-prune.C:
			s.warn(ctx, s.prune(ctx))
		}
		s.warn(ctx, s.round(ctx, &workers))
	}
}

func (s *Service) warn(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.log.Warn("a part of the work on webhooks was not done; it is tried again in a moment", "error", err)
	}
}

// round makes messages and sees to it that somebody works for every endpoint that has some due.
func (s *Service) round(ctx context.Context, workers *errgroup.Group) error {
	for range mostBatches {
		more, err := s.fanOut(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		s.rouse()
	}
	due, err := pg.Many[endpointDue](ctx, s.pool, "webhooks", `
		SELECT e.id, d.due FROM webhook_endpoints e CROSS JOIN LATERAL (
			SELECT count(*) AS due FROM (
				SELECT FROM webhook_messages m WHERE m.endpoint_id = e.id AND m.status = 'pending' AND m.next_attempt_at <= $1 LIMIT $2) first) d
		WHERE e.status = 'active' AND (e.rest_until IS NULL OR e.rest_until <= $1) AND d.due > 0`, s.clock(), perEndpoint)
	if err != nil {
		return err
	}
	for _, e := range due {
		for range s.hire(e.ID, int(e.Due)) {
			workers.Go(func() error { s.work(ctx, e.ID); return nil })
		}
	}
	return nil
}

type endpointDue struct{ ID, Due int64 }

// hire gives how many workers to start for an endpoint, and counts them as working.
func (s *Service) hire(endpointID int64, due int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := max(min(due, perEndpoint)-s.working[endpointID], 0)
	s.working[endpointID] += n
	return n
}

func (s *Service) leave(endpointID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working[endpointID]--; s.working[endpointID] == 0 {
		delete(s.working, endpointID)
	}
}

// work sends message after message until none is due.
func (s *Service) work(ctx context.Context, endpointID int64) {
	defer s.leave(endpointID)
	for ctx.Err() == nil {
		c, err := s.claim(ctx, endpointID)
		if errs.Is(err, errs.NotFound) {
			return
		}
		if err == nil {
			err = s.attempt(ctx, c)
		}
		if err != nil {
			s.warn(ctx, err)
			return
		}
	}
}

// claimed is a message that this process is sending.
type claimed struct {
	ID             int64
	EndpointID     int64
	MessageID      string
	Payload        string
	Test           bool
	URL            string
	Secret         []byte
	OldSecret      []byte
	OldSecretUntil *time.Time
}

// claim takes the message that is due for longest. It is NotFound when there is none, or the endpoint is off or at rest.
func (s *Service) claim(ctx context.Context, endpointID int64) (claimed, error) {
	now := s.clock()
	return pg.One[claimed](ctx, s.pool, "webhook message that is due", `
		UPDATE webhook_messages m SET next_attempt_at = $3
		FROM webhook_endpoints e
		WHERE m.id = (
				SELECT id FROM webhook_messages WHERE endpoint_id = $1 AND status = 'pending' AND next_attempt_at <= $2
				ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
			AND e.id = m.endpoint_id AND e.status = 'active' AND (e.rest_until IS NULL OR e.rest_until <= $2)
		RETURNING m.id, m.endpoint_id, m.message_id, m.payload, m.test, e.url, e.secret, e.old_secret, e.old_secret_until`, endpointID, now, now.Add(lease))
}

// attempt sends a claimed message and writes down what came of it. When the process dies in between, the lease ends and the message is sent again.
func (s *Service) attempt(ctx context.Context, c claimed) error {
	secrets, err := s.secrets(c)
	var r result
	if err != nil {
		r = result{at: s.clock(), err: err.Error()}
	} else {
		r = s.send(ctx, outgoing{url: c.URL, secrets: secrets, messageID: c.MessageID, payload: c.Payload})
	}
	// What is known is written down even if everything ends now.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if r.cut {
		return s.giveBack(ctx, c)
	}
	return s.record(ctx, c, r)
}

func (s *Service) secrets(c claimed) ([]string, error) {
	current, err := s.open(c.EndpointID, c.Secret)
	if err != nil {
		return nil, err
	}
	if c.OldSecret == nil || c.OldSecretUntil == nil || !s.now().Before(*c.OldSecretUntil) {
		return []string{current}, nil
	}
	old, err := s.open(c.EndpointID, c.OldSecret)
	if err != nil {
		return nil, err
	}
	return []string{current, old}, nil
}

func (s *Service) giveBack(ctx context.Context, c claimed) error {
	_, err := s.pool.Exec(ctx, `UPDATE webhook_messages SET next_attempt_at = $2 WHERE id = $1 AND status = 'pending'`, c.ID, s.clock())
	if err != nil {
		return fmt.Errorf("giving a webhook message back: %w", err)
	}
	return nil
}

// record writes down an attempt, with what follows from it for the message and the endpoint.
//
// The endpoint comes before the message, as when it is deleted.
func (s *Service) record(ctx context.Context, c claimed, r result) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if !c.Test {
			if err := s.judge(ctx, tx, c.EndpointID, r); err != nil {
				return err
			}
		}
		var m struct {
			attempts, tries int
			status          string
		}
		err := tx.QueryRow(ctx, `UPDATE webhook_messages SET attempts = attempts + 1 WHERE id = $1 RETURNING attempts, tries, status`, c.ID).Scan(&m.attempts, &m.tries, &m.status)
		if err == pgx.ErrNoRows {
			return nil // deleted with its endpoint
		}
		if err != nil {
			return err
		}
		if err := insertAttempt(ctx, tx, c.ID, m.attempts, r); err != nil {
			return err
		}
		return s.settle(ctx, tx, c, r, m.tries+1, m.status)
	})
	if err != nil {
		return fmt.Errorf("recording an attempt for webhook %d: %w", c.EndpointID, err)
	}
	return nil
}

func insertAttempt(ctx context.Context, tx pgx.Tx, id int64, n int, r result) error {
	var status *int
	if r.status != 0 {
		status = &r.status
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO webhook_attempts (message_id, attempt, at, duration_ms, status_code, error, reply) VALUES ($1, $2, $3, $4, $5, NULLIF($6, ''), NULLIF($7, ''))`,
		id, n, r.at, r.took.Milliseconds(), status, r.err, r.reply)
	return err
}

// settle says what becomes of the message after its tries-th failure, or its success. One that another process has delivered meanwhile stays so.
func (s *Service) settle(ctx context.Context, tx pgx.Tx, c claimed, r result, tries int, status string) error {
	now := s.clock()
	switch wait, again := backoff(tries, r.retryAfter); {
	case r.delivered():
		_, err := tx.Exec(ctx, `UPDATE webhook_messages SET status = 'delivered', next_attempt_at = NULL, done_at = $2 WHERE id = $1`, c.ID, now)
		return err
	case status != MessagePending:
		return nil
	case c.Test, !again, r.gone():
		_, err := tx.Exec(ctx, `UPDATE webhook_messages SET status = 'failed', tries = $3, next_attempt_at = NULL, done_at = $2 WHERE id = $1`, c.ID, now, tries)
		return err
	default:
		_, err := tx.Exec(ctx, `UPDATE webhook_messages SET tries = $3, next_attempt_at = $2 WHERE id = $1`, c.ID, now.Add(wait), tries)
		return err
	}
}

func (r result) gone() bool { return r.status == 410 }

// judge keeps what the attempt says about the endpoint. A success writes only when it changes something worth it, so that workers do not wait for one another.
func (s *Service) judge(ctx context.Context, tx pgx.Tx, id int64, r result) error {
	now := s.clock()
	if r.delivered() {
		_, err := tx.Exec(ctx, `
			UPDATE webhook_endpoints SET failing_since = NULL, failures = 0, rest_until = NULL, last_success_at = $2::timestamptz
			WHERE id = $1 AND (failures > 0 OR last_success_at IS NULL OR last_success_at < $2::timestamptz - interval '1 minute')`, id, now)
		return err
	}
	var e struct {
		status   string
		since    time.Time
		failures int
	}
	err := tx.QueryRow(ctx, `
		UPDATE webhook_endpoints SET failing_since = COALESCE(failing_since, $2), failures = failures + 1 WHERE id = $1 RETURNING status, failing_since, failures`,
		id, now).Scan(&e.status, &e.since, &e.failures)
	if err == pgx.ErrNoRows || err == nil && e.status != StatusActive {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case r.gone():
		return s.disable(ctx, tx, id, "the endpoint answered 410 Gone: it wants no more messages")
	case now.Sub(e.since) >= disableAfter:
		return s.disable(ctx, tx, id, fmt.Sprintf("every attempt has failed since %s; the last time: %s", e.since.UTC().Format(time.RFC3339), r.err))
	}
	if rest := restFor(e.failures, r.retryAfter); rest > 0 {
		_, err = tx.Exec(ctx, `UPDATE webhook_endpoints SET rest_until = GREATEST(rest_until, $2) WHERE id = $1`, id, now.Add(rest))
	}
	return err
}

func (s *Service) disable(ctx context.Context, tx pgx.Tx, id int64, reason string) error {
	_, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = $2, disabled_at = $3, updated_at = $3 WHERE id = $1`, id, reason, s.clock())
	if err == nil {
		s.log.Warn("a webhook is switched off", "webhook_id", id, "reason", reason)
	}
	return err
}
