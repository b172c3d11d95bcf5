package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Reasons of a suppression.
const (
	ReasonBounce      = "bounce"
	ReasonComplaint   = "complaint"
	ReasonUnsubscribe = "unsubscribe"
	ReasonManual      = "manual"
)

// maxDetail bounds the evidence of a suppression, in characters; what is over is cut off.
const maxDetail = 2000

// Suppression is an address that is never mailed, and why. Email is the address in its normalised form.
type Suppression struct {
	Email     string
	Reason    string
	Source    string
	Detail    string
	CreatedAt time.Time
}

// Suppress puts an address on the list of those never mailed. The first evidence stays: a second call changes nothing and gives what is there.
func (s *Service) Suppress(ctx context.Context, email, reason, source, detail string) (Suppression, error) {
	a, err := addr.Normalize(email)
	if err != nil {
		return Suppression{}, asField("email", err)
	}
	if err := s.SuppressTx(ctx, s.pool, a.Key, reason, source, detail); err != nil {
		return Suppression{}, err
	}
	return getSuppression(ctx, s.pool, a.Key)
}

// SuppressTx is Suppress with a normalised address, in the caller's transaction.
func (s *Service) SuppressTx(ctx context.Context, db pg.DB, emailKey, reason, source, detail string) error {
	var f errs.Fields
	if !slices.Contains([]string{ReasonBounce, ReasonComplaint, ReasonUnsubscribe, ReasonManual}, reason) {
		f.Add("reason", "%q is not a reason: use bounce, complaint, unsubscribe or manual", reason)
	}
	if err := f.Err("the suppression is not valid"); err != nil {
		return err
	}
	_, err := db.Exec(ctx, `INSERT INTO suppressions (email_key, reason, source, detail, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (email_key) DO NOTHING`, emailKey, reason, clip(source), clip(detail), s.clock())
	if err != nil {
		return fmt.Errorf("suppressing: %w", err)
	}
	return nil
}

// Unsuppress lets an address be mailed again; its subscriptions are as they were.
func (s *Service) Unsuppress(ctx context.Context, email string) error {
	a, err := addr.Normalize(email)
	if err != nil {
		return asField("email", err)
	}
	tag, err := s.pool.Exec(ctx, `DELETE FROM suppressions WHERE email_key = $1`, a.Key)
	if err != nil {
		return fmt.Errorf("lifting a suppression: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "%s is not suppressed", a.Key)
	}
	return nil
}

// clip makes one line of evidence, which may be whatever a server answered, that Postgres can hold and a person can read.
func clip(evidence string) string {
	r := []rune(oneLine(strings.ToValidUTF8(evidence, "\uFFFD")))
	return string(r[:min(len(r), maxDetail)])
}

func getSuppression(ctx context.Context, db pg.DB, key string) (Suppression, error) {
	return pg.One[Suppression](ctx, db, "suppression of "+key,
		`SELECT email_key AS email, reason, source, detail, created_at FROM suppressions WHERE email_key = $1`, key)
}
