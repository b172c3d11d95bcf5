package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// How people come on a list by a form.
const (
	OptInSingle = "single" // at once
	OptInDouble = "double" // after they have confirmed it by the link of a mail
)

// Sources of subscriptions that people asked for themselves.
const (
	SourceForm         = "form"
	SourceConfirmation = "confirmation"
)

const (
	defaultExpireDays = 7
	maxExpireDays     = 60
	maxConfirmSubject = 500
	maxConfirmBody    = 200_000 // bytes of one part
)

// OptIn is how a list takes people, and the mail by which they confirm.
type OptIn struct {
	ListID int64
	OptInInput
	UpdatedAt *time.Time // nil: nothing was ever said
}

// OptInInput is what can be said about it. Subject, HTML and Text are Liquid; where all three are "" the usual mail in Language goes out ("" is that of the form). Where
// FromEmail is "" the settings say who it is from; RelayID nil takes any relay that takes the recipient.
type OptInInput struct {
	Mode       string
	Language   string
	Subject    string
	HTML       string
	Text       string
	FromName   string
	FromEmail  string
	RelayID    *int64
	ExpireDays int // how long the link works; 0 is the default
}

// GetOptIn gives how a list takes people.
func (s *Service) GetOptIn(ctx context.Context, listID int64) (OptIn, error) {
	return getOptIn(ctx, s.pool, listID)
}

func getOptIn(ctx context.Context, db pg.DB, listID int64) (OptIn, error) {
	o := OptIn{ListID: listID}
	rows, err := db.Query(ctx, `
		SELECT l.opt_in, COALESCE(c.language, ''), COALESCE(c.subject, ''), COALESCE(c.html, ''), COALESCE(c.text, ''), COALESCE(c.from_name, ''),
			COALESCE(c.from_email, ''), c.relay_id, COALESCE(c.expire_days, $2), c.updated_at
		FROM lists l LEFT JOIN list_confirmations c ON c.list_id = l.id WHERE l.id = $1`, listID, defaultExpireDays)
	if err != nil {
		return o, fmt.Errorf("reading the opt-in of list %d: %w", listID, err)
	}
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&o.Mode, &o.Language, &o.Subject, &o.HTML, &o.Text, &o.FromName, &o.FromEmail, &o.RelayID, &o.ExpireDays, &o.UpdatedAt}, func() error {
		n++
		return nil
	})
	if err != nil {
		return o, fmt.Errorf("reading the opt-in of list %d: %w", listID, err)
	}
	if n == 0 {
		return o, noList(listID)
	}
	o.UpdatedAt = inUTC(o.UpdatedAt)
	return o, nil
}

// Clean gives the settings as they would be stored. What the mail says is for others to judge.
func (in OptInInput) Clean() (OptInInput, error) {
	var f errs.Fields
	if in.Mode != OptInSingle && in.Mode != OptInDouble {
		f.Add("opt_in", "%q is no way: use single or double", in.Mode)
	}
	if in.Language != "" && !slices.Contains(Languages, in.Language) {
		f.Add("language", "%q is not a language that the mail speaks by itself: use %s", in.Language, strings.Join(Languages, ", "))
	}
	in.Subject = cleanLine(&f, "subject", in.Subject, maxConfirmSubject)
	in.FromName = cleanLine(&f, "from_name", in.FromName, maxFormLine)
	in.HTML, in.Text = strings.TrimSpace(in.HTML), strings.TrimSpace(in.Text)
	for name, part := range map[string]string{"html": in.HTML, "text": in.Text} {
		if len(part) > maxConfirmBody {
			f.Add(name, "this has %d bytes; at most %d are allowed", len(part), maxConfirmBody)
		}
	}
	custom := in.HTML != "" || in.Text != ""
	if custom && in.Subject == "" {
		f.Add("subject", "a text of your own needs a subject")
	}
	if !custom && in.Subject != "" {
		f.Add("text", "a subject of your own needs a text")
	}
	if in.FromEmail = strings.TrimSpace(in.FromEmail); in.FromEmail != "" {
		if _, err := addr.Normalize(in.FromEmail); err != nil {
			f.Add("from_email", "%s", publicText(err))
		}
	}
	if in.ExpireDays == 0 {
		in.ExpireDays = defaultExpireDays
	}
	if in.ExpireDays < 1 || in.ExpireDays > maxExpireDays {
		f.Add("expire_days", "use a number between 1 and %d", maxExpireDays)
	}
	return in, f.Err("this cannot be kept")
}

// SetOptIn stores how a list takes people from now on.
func (s *Service) SetOptIn(ctx context.Context, listID int64, in OptInInput) (OptIn, error) {
	in, err := in.Clean()
	if err != nil {
		return OptIn{}, err
	}
	var o OptIn
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		now := s.clock()
		tag, err := tx.Exec(ctx, `UPDATE lists SET opt_in = $2, updated_at = $3 WHERE id = $1`, listID, in.Mode, now)
		if err != nil {
			return fmt.Errorf("writing the opt-in of list %d: %w", listID, err)
		}
		if tag.RowsAffected() == 0 {
			return noList(listID)
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO list_confirmations (list_id, language, subject, html, text, from_name, from_email, relay_id, expire_days, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (list_id) DO UPDATE SET language = excluded.language, subject = excluded.subject, html = excluded.html, text = excluded.text,
				from_name = excluded.from_name, from_email = excluded.from_email, relay_id = excluded.relay_id, expire_days = excluded.expire_days, updated_at = excluded.updated_at`,
			listID, in.Language, in.Subject, in.HTML, in.Text, in.FromName, in.FromEmail, in.RelayID, in.ExpireDays, now)
		if pg.Violation(err) == "list_confirmations_relay_id_fkey" {
			return errs.InvalidField("relay_id", "there is no relay %d", *in.RelayID)
		}
		if err != nil {
			return fmt.Errorf("writing the opt-in of list %d: %w", listID, err)
		}
		o, err = getOptIn(ctx, tx, listID)
		return err
	})
	return o, err
}
