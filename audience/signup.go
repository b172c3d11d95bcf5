package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// States of a sign-up. From SignupPending to SignupFailed they tell of the mail that asks to confirm.
const (
	SignupReceived   = "received"   // not looked at yet
	SignupDone       = "done"       // nothing had to be confirmed
	SignupPending    = "pending"    // the mail waits, maybe for another try
	SignupSending    = "sending"    // the mail is on its way to the relay
	SignupSent       = "sent"       // the relay has taken it
	SignupUncertain  = "uncertain"  // its reply was lost; the mail may have arrived
	SignupFailed     = "failed"     // the mail was refused or came back
	SignupSuppressed = "suppressed" // no mail: the address is never mailed
	SignupLimited    = "limited"    // no mail: there were enough
	SignupConfirmed  = "confirmed"
	SignupDeclined   = "declined" // "this was not me"
	SignupExpired    = "expired"
	SignupRemoved    = "removed" // the person was deleted
)

// SignUp is somebody who filled in a form: where from, and what.
type SignUp struct {
	FormValues
	IP        string
	UserAgent string
	Page      string // of which the form was a part; "" when the browser did not tell
}

// Limits of texts that come from browsers, in characters.
const maxEvidenceText = 500

// SignUp takes what somebody filled in. The problems are not nil when something is wrong with it. Whether the address is known, suppressed or over its limits makes
// no difference here: nothing looks at that before a job does (settleSignup), so the answer and the time it takes tell nothing. errs.Conflict: the form is switched off;
// errs.Unavailable: too many came from this network address.
func (s *Service) SignUp(ctx context.Context, f Form, in SignUp) (FormProblems, error) {
	if !f.Enabled || len(f.ListIDs) == 0 {
		return nil, errs.New(errs.Conflict, "this form takes nobody at the moment")
	}
	v, problems := f.read(in.FormValues)
	if len(problems) > 0 {
		return problems, nil
	}
	row := newSignup{
		formID: &f.ID, source: SourceForm, listIDs: v.listIDs, language: f.Language, email: v.address.Display, emailKey: v.address.Key, name: v.name, attributes: v.attributes,
		networkKey: NetworkKey(in.IP),
		evidence:   Evidence{IP: in.IP, UserAgent: clipTo(in.UserAgent, maxEvidenceText), FormID: f.ID, Form: f.Name, Text: f.Consent, Page: clipTo(in.Page, maxEvidenceText)},
	}
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.networkTurn(ctx, tx, f, row.networkKey); err != nil {
			return err
		}
		id, err := s.insertSignup(ctx, tx, row)
		if err != nil {
			return err
		}
		return s.wakeSignup(ctx, tx, id)
	})
	if errs.Is(err, errs.Unavailable) { // counted here, since that transaction is rolled back
		err = errors.Join(err, s.countRefusal(ctx, f.ID, "limit"))
	}
	return nil, err
}

// RefuseSignUp counts what a form did not take because a robot filled it in.
func (s *Service) RefuseSignUp(ctx context.Context, formID int64) error {
	return s.countRefusal(ctx, formID, "honeypot")
}

func (s *Service) countRefusal(ctx context.Context, formID int64, reason string) error {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO form_refusals (form_id, day, reason, n) SELECT id, $2, $3, 1 FROM forms WHERE id = $1
		ON CONFLICT (form_id, day, reason) DO UPDATE SET n = form_refusals.n + 1`, formID, s.clock().Format(time.DateOnly), reason)
	if err != nil {
		return fmt.Errorf("counting what form %d refused: %w", formID, err)
	}
	return nil
}

// newSignup is a row of signups before it has an id.
type newSignup struct {
	formID       *int64
	source       string
	subscriberID *int64
	listIDs      []int64
	language     string
	email        string
	emailKey     string
	name         string
	attributes   map[string]any
	evidence     Evidence
	networkKey   string
}

func (s *Service) insertSignup(ctx context.Context, tx pgx.Tx, n newSignup) (int64, error) {
	attributes, err := json.Marshal(n.attributes)
	if err != nil {
		return 0, fmt.Errorf("storing a sign-up: %w", err)
	}
	if n.attributes == nil {
		attributes = []byte("{}")
	}
	var id int64
	err = tx.QueryRow(ctx, `
		INSERT INTO signups (form_id, source, subscriber_id, list_ids, language, email, email_key, name, attributes, evidence, mailbox_key, network_key, state, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'received', $13, $13) RETURNING id`,
		n.formID, n.source, n.subscriberID, n.listIDs, n.language, n.email, n.emailKey, n.name, attributes, n.evidence, mailboxKey(n.emailKey), n.networkKey, s.clock()).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("storing a sign-up: %w", err)
	}
	return id, nil
}

// signup is a row of signups.
type signup struct {
	ID           int64
	FormID       *int64
	Source       string
	SubscriberID *int64
	MadePerson   bool
	ListIDs      []int64
	Language     string
	Email        string
	EmailKey     string
	Name         string
	Attributes   json.RawMessage
	Evidence     Evidence
	MailboxKey   string
	State        string
	Attempt      int
	DottedAt     *time.Time
	CreatedAt    time.Time
	UpdatedAt    time.Time
	ExpiresAt    *time.Time
	ClosedAt     *time.Time
}

const signupColumns = `SELECT id, form_id, source, subscriber_id, made_person, list_ids, language, email, email_key, name, attributes, evidence, mailbox_key, state, attempt,
	dotted_at, created_at, updated_at, expires_at, closed_at FROM signups `

func getSignup(ctx context.Context, db pg.DB, id int64, lock string) (signup, error) {
	return pg.One[signup](ctx, db, fmt.Sprintf("sign-up %d", id), signupColumns+`WHERE id = $1 `+lock, id)
}

// holdSignup locks a sign-up and its mailbox, the mailbox first: of two transactions that each have a row of a mailbox and come to the row of the other, none could go on.
func holdSignup(ctx context.Context, tx pgx.Tx, id int64) (signup, error) {
	row, err := getSignup(ctx, tx, id, "")
	if err == nil {
		err = lockMailbox(ctx, tx, row.MailboxKey)
	}
	if err != nil {
		return row, err
	}
	return getSignup(ctx, tx, id, `FOR UPDATE`)
}

// settleSignup decides what becomes of a sign-up: who may be on the lists at once is, and for the rest a mail is put into the queue in the same transaction. It may be called
// any number of times.
func (s *Service) settleSignup(ctx context.Context, id int64) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := shareTurn(ctx, tx); err != nil {
			return err
		}
		row, err := holdSignup(ctx, tx, id)
		if errs.Is(err, errs.NotFound) || err == nil && row.State != SignupReceived {
			return nil
		}
		if err != nil {
			return err
		}
		return s.settleTx(ctx, tx, row, settling{})
	})
}

// settling is how a sign-up is settled.
type settling struct {
	again  bool // it repeats one that was to be confirmed, so all of it is, whatever the lists ask for by now
	strict bool // that no mail may be sent is an errs.Conflict; otherwise only the row says so
}

// settleTx is settleSignup for a row whose mailbox the caller holds.
func (s *Service) settleTx(ctx context.Context, tx pgx.Tx, row signup, how settling) error {
	var err error
	// Lists that were deleted since are left out, and those that are there are held.
	if row.ListIDs, err = holdLists(ctx, tx, row.ListIDs); err != nil {
		return err
	}
	if len(row.ListIDs) == 0 {
		if how.strict {
			return errs.New(errs.Conflict, "the lists of this sign-up are gone")
		}
		return s.endSignup(ctx, tx, row.ID, SignupRemoved)
	}
	who, made, err := s.personOf(ctx, tx, row)
	if err != nil {
		return err
	}
	row.SubscriberID, row.MadePerson = &who, made
	stand, confirm, err := s.enter(ctx, tx, row, how.again)
	if err != nil {
		return err
	}
	if len(confirm) == 0 {
		return s.updateSettled(ctx, tx, row, SignupDone, nil)
	}
	row.ListIDs = confirm
	return s.askToConfirm(ctx, tx, row, stand, how.strict)
}

// askToConfirm puts the mail into the queue, unless the address must not have one.
func (s *Service) askToConfirm(ctx context.Context, tx pgx.Tx, row signup, stand membership, strict bool) error {
	days, err := expireDays(ctx, tx, row.ListIDs)
	if err != nil {
		return err
	}
	expires := s.clock().AddDate(0, 0, days)
	if stand.suppressed != "" && stand.suppressed != ReasonUnsubscribe {
		if strict {
			return errs.New(errs.Conflict, "this address is never mailed (%s): lift the suppression first", stand.suppressed)
		}
		return s.updateSettled(ctx, tx, row, SignupSuppressed, &expires)
	}
	over, err := s.overLimit(ctx, tx, row)
	if err != nil {
		return err
	}
	if over != nil {
		if strict {
			return over
		}
		return s.updateSettled(ctx, tx, row, SignupLimited, &expires)
	}
	if err := s.updateSettled(ctx, tx, row, SignupPending, &expires); err != nil {
		return err
	}
	return s.wakeConfirm(ctx, tx, row.ID)
}

// SignupRef is how tokens name a sign-up. Stamp is the second in which it was made: after a backup was put back ids are given once more, and what is out in the world with an id
// from before must lead to nobody else.
type SignupRef struct {
	ID    int64
	Stamp int32
}

// NewSignupRef makes the name of a sign-up.
func NewSignupRef(id int64, createdAt time.Time) SignupRef {
	return SignupRef{ID: id, Stamp: int32(createdAt.Unix() & math.MaxInt32)}
}

// names says whether it is this row.
func (r SignupRef) names(row signup) bool { return r == NewSignupRef(row.ID, row.CreatedAt) }

// updateSettled writes what was decided. Without a time at which it expires the sign-up is at its end.
func (s *Service) updateSettled(ctx context.Context, tx pgx.Tx, row signup, state string, expires *time.Time) error {
	var closed *time.Time
	now := s.clock()
	if expires == nil {
		closed = &now
	}
	_, err := tx.Exec(ctx, `UPDATE signups SET state = $2, subscriber_id = $3, made_person = $4, list_ids = $5, expires_at = $6, closed_at = $7, updated_at = $8 WHERE id = $1`,
		row.ID, state, row.SubscriberID, row.MadePerson, row.ListIDs, expires, closed, now)
	if err != nil {
		return fmt.Errorf("settling sign-up %d: %w", row.ID, err)
	}
	return nil
}

func (s *Service) endSignup(ctx context.Context, tx pgx.Tx, id int64, state string) error {
	_, err := tx.Exec(ctx, `UPDATE signups SET state = $2, closed_at = $3, updated_at = $3 WHERE id = $1`, id, state, s.clock())
	if err != nil {
		return fmt.Errorf("ending sign-up %d: %w", id, err)
	}
	return nil
}

// holdLists gives those of the lists that are there, in their order, and keeps them from being deleted.
func holdLists(ctx context.Context, tx pgx.Tx, ids []int64) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM lists WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE`, ids)
	if err != nil {
		return nil, fmt.Errorf("looking for lists: %w", err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("looking for lists: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return !slices.Contains(there, id) }), nil
}

// expireDays is how long the link for some lists works: as long as the list that is the most generous says.
func expireDays(ctx context.Context, db pg.DB, listIDs []int64) (days int, err error) {
	err = db.QueryRow(ctx, `SELECT max(COALESCE(c.expire_days, $2)) FROM unnest($1::bigint[]) AS l (id) LEFT JOIN list_confirmations c ON c.list_id = l.id`,
		listIDs, defaultExpireDays).Scan(&days)
	if err != nil {
		return 0, fmt.Errorf("reading how long links work: %w", err)
	}
	return days, nil
}

// clipTo makes one line of what a browser says, of at most limit characters.
func clipTo(s string, limit int) string {
	r := []rune(oneLine(strings.ToValidUTF8(s, "\uFFFD")))
	return string(r[:min(len(r), limit)])
}

// NetworkKey is what limits of a network go by: an IPv4 address, or the /64 that one customer has of IPv6. "" when the address is not known.
func NetworkKey(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// mailboxKey is what limits of an address go by: the address without what follows a plus sign, which leads to the same mailbox nearly everywhere. Where dots mean
// nothing (support.google.com/mail/answer/7436150) they are left out, too.
func mailboxKey(emailKey string) string {
	at := strings.LastIndexByte(emailKey, '@')
	if at < 0 {
		return emailKey
	}
	local, domain := emailKey[:at], emailKey[at:]
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		local = local[:plus]
	}
	if domain == "@gmail.com" || domain == "@googlemail.com" {
		local, domain = strings.ReplaceAll(local, ".", ""), "@gmail.com"
	}
	return local + domain
}
