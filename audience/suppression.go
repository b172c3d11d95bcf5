package audience

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/page"
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

// Suppression is an address that is never mailed, or a whole domain, and why. Email is the address in its normalised form, "@example.org" for a domain. A domain is
// that domain alone: "@example.org" says nothing of news.example.org, which may be somebody else's.
type Suppression struct {
	Email     string
	Reason    string
	Source    string
	Detail    string
	CreatedAt time.Time
}

// Domain says that everybody there is suppressed.
func (x Suppression) Domain() bool { return strings.HasPrefix(x.Email, "@") }

// SuppressionFilter picks suppressions; zero fields pick all. Search is a part of the address or domain; Domains leaves out single addresses.
type SuppressionFilter struct {
	Search  string
	Reason  string
	Domains bool
}

// Actor is who does something, for those who ask later: Name is the address of a user or the name of an API key, Source SourceAdmin or SourceAPI.
type Actor struct {
	Name   string
	Source string
}

// suppressionKey reads an address, or "@example.org" for a domain, as a key of suppressions.
func suppressionKey(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if domain, ok := strings.CutPrefix(typed, "@"); ok {
		d, err := addr.Domain(domain)
		if err != nil {
			return "", err
		}
		return "@" + d, nil
	}
	a, err := addr.Normalize(typed)
	return a.Key, err
}

// Suppress puts an address on the list of those never mailed. The first evidence stays: a second call changes nothing and gives what is there.
func (s *Service) Suppress(ctx context.Context, email, reason, source, detail string) (Suppression, error) {
	return s.SuppressBy(ctx, email, reason, Actor{Source: source}, detail)
}

// SuppressBy is Suppress with who does it. An address that was erased is not written down again: nobody can mail it, and it is a Conflict.
func (s *Service) SuppressBy(ctx context.Context, email, reason string, by Actor, detail string) (Suppression, error) {
	key, err := suppressionKey(email)
	if err != nil {
		return Suppression{}, asField("email", err)
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if gone, err := s.erased(ctx, tx, []string{key}); err != nil {
			return err
		} else if gone[key] {
			return errs.New(errs.Conflict, "the data of the person with this address was erased: they are not mailed, and the address is kept nowhere")
		}
		if err := actBy(ctx, tx, by, ""); err != nil {
			return err
		}
		return s.SuppressTx(ctx, tx, key, reason, by.Source, detail)
	})
	if err != nil {
		return Suppression{}, err
	}
	return getSuppression(ctx, s.pool, key)
}

// actBy says for the log of this transaction who does it and why.
func actBy(ctx context.Context, tx pgx.Tx, by Actor, note string) error {
	if _, err := tx.Exec(ctx, `SELECT set_config('postrider.actor', $1, true), set_config('postrider.note', $2, true)`, by.Name, note); err != nil {
		return fmt.Errorf("noting who does it: %w", err)
	}
	return nil
}

func checkReason(reason string) error {
	if !slices.Contains([]string{ReasonBounce, ReasonComplaint, ReasonUnsubscribe, ReasonManual}, reason) {
		return errs.InvalidField("reason", "%q is not a reason: use bounce, complaint, unsubscribe or manual", storable(reason))
	}
	return nil
}

// SuppressTx is Suppress with a normalised address, in the caller's transaction. For an address that was erased it does nothing: what comes back late of mail to it
// must not bring the address back.
func (s *Service) SuppressTx(ctx context.Context, db pg.DB, emailKey, reason, source, detail string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	if _, err := db.Exec(ctx, `SELECT FROM subscribers WHERE email_key = $1 FOR KEY SHARE`, emailKey); err != nil {
		return fmt.Errorf("suppressing: %w", err)
	}
	if reason != ReasonManual {
		_, err := db.Exec(ctx, `UPDATE bulk_changes SET left_since = true WHERE NOT left_since AND subscriber_id = (SELECT id FROM subscribers WHERE email_key = $1)`, emailKey)
		if err != nil {
			return fmt.Errorf("suppressing: %w", err)
		}
	}
	_, err := s.suppressTx(ctx, db, Suppression{Email: emailKey, Reason: reason, Source: source, Detail: detail, CreatedAt: s.clock()})
	return err
}

// suppressTx writes a suppression, unless there is one already or the address was erased, and says whether it did. The caller holds the person.
func (s *Service) suppressTx(ctx context.Context, db pg.DB, x Suppression) (bool, error) {
	if gone, err := s.erased(ctx, db, []string{x.Email}); err != nil || gone[x.Email] || x.Email == ErasedAddress {
		return false, err
	}
	// What is there may be the suppression of a bulk action, which would go with its undoing. It is marked first: an undoing that has begun takes it away before the INSERT.
	if err := keepSuppressed(ctx, db, `SELECT $1::text`, x.Email); err != nil {
		return false, err
	}
	tag, err := db.Exec(ctx, `INSERT INTO suppressions (email_key, reason, source, detail, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (email_key) DO NOTHING`, x.Email, x.Reason, clip(x.Source), clip(x.Detail), x.CreatedAt)
	if err != nil {
		return false, fmt.Errorf("suppressing: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// maxNote bounds what somebody writes about lifting a suppression, in characters.
const maxNote = 500

// Unsuppress lets an address, or "@example.org", be mailed again; its subscriptions are as they were. note says why, and is kept with who did it and the evidence
// that there was.
func (s *Service) Unsuppress(ctx context.Context, email string, by Actor, note string) error {
	key, err := suppressionKey(email)
	if err != nil {
		return asField("email", err)
	}
	var f errs.Fields
	if note = cleanLine(&f, "note", note, maxNote); note == "" && len(f) == 0 {
		f.Add("note", "say why this may be mailed again: it is kept for those who ask later")
	}
	if err := f.Err("lifting a suppression takes a note"); err != nil {
		return err
	}
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := actBy(ctx, tx, by, note); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM suppressions WHERE email_key = $1`, key)
		if err != nil {
			return fmt.Errorf("lifting a suppression: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return errs.New(errs.NotFound, "%s is not suppressed", key)
		}
		return nil
	})
}

// SuppressionLogEntry is a suppression that was added or lifted. Reason, Source, Detail and SuppressedAt are its evidence; Actor and Note say who did it and why,
// "" where a program of ours did.
type SuppressionLogEntry struct {
	ID           int64
	At           time.Time
	Action       string
	Email        string
	Reason       string
	Source       string
	Detail       string
	SuppressedAt time.Time
	Actor        string
	Note         string
}

// Actions of the suppression log.
const (
	SuppressionAdded  = "added"
	SuppressionLifted = "lifted"
)

// SuppressionLog gives what was added and lifted, newest first; email "" is all. Of an address that is what was about its domain too.
func (s *Service) SuppressionLog(ctx context.Context, email, action string, q page.Query) (page.Page[SuppressionLogEntry], error) {
	var none page.Page[SuppressionLogEntry]
	before := int64(math.MaxInt64)
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return none, err
		}
	}
	var keys []string
	if email != "" {
		key, err := suppressionKey(email)
		if err != nil {
			return none, asField("email", err)
		}
		keys = []string{key, key[strings.LastIndexByte(key, '@'):]}
	}
	rows, err := pg.Many[SuppressionLogEntry](ctx, s.pool, "suppression log", `
		SELECT id, at, action, email_key AS email, reason, source, detail, suppressed_at, actor, note FROM suppression_log
		WHERE id < $1 AND ($2::text[] IS NULL OR email_key = ANY ($2)) AND ($3 = '' OR action = $3) ORDER BY id DESC LIMIT $4`, before, keys, action, q.Size()+1)
	if err != nil {
		return none, err
	}
	return page.Cut(rows, q, func(e SuppressionLogEntry) string { return page.Encode(e.ID) }), nil
}

// clip makes one line of evidence, which may be whatever a server answered, that Postgres can hold and a person can read.
func clip(evidence string) string {
	r := []rune(oneLine(strings.ToValidUTF8(evidence, "\uFFFD")))
	return string(r[:min(len(r), maxDetail)])
}

func getSuppression(ctx context.Context, db pg.DB, key string) (Suppression, error) {
	return pg.One[Suppression](ctx, db, "suppression",
		`SELECT email_key AS email, reason, source, detail, created_at FROM suppressions WHERE email_key = $1`, key)
}
