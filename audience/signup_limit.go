package audience

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Limits of the mails that ask to confirm. They hold for a mailbox, with all its tags, whoever asks.
const (
	// MailsPerList is how many a mailbox gets for one list within MailsPerListSpan when none of them is answered, and MailGap the time between two of them.
	MailsPerList     = 3
	MailsPerListSpan = 30 * 24 * time.Hour
	MailGap          = 10 * time.Minute
	// MailsPerMailbox is how many a mailbox gets within a day for all lists together.
	MailsPerMailbox = 5
	// SignUpsPerNetwork is how many sign-ups one network address may send in an hour over all forms.
	SignUpsPerNetwork = 60
)

// Advisory locks, two numbers each: the kind, and a hash of the key.
const (
	lockOfMailbox = 0x70727331 // "prs1"
	lockOfNetwork = 0x70727332 // "prs2"
)

func lockKey(ctx context.Context, tx pgx.Tx, kind int32, key string) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash takes everything
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, kind, int32(h.Sum32())); err != nil {
		return fmt.Errorf("waiting for a turn: %w", err)
	}
	return nil
}

// lockMailbox lets one transaction at a time decide about mails to a mailbox: two at once would both find room for the last one.
func lockMailbox(ctx context.Context, tx pgx.Tx, mailbox string) error {
	return lockKey(ctx, tx, lockOfMailbox, mailbox)
}

// networkTurn refuses a sign-up when too many came from its network within an hour: errs.Unavailable. A network that is not known has no limit.
func (s *Service) networkTurn(ctx context.Context, tx pgx.Tx, f Form, network string) error {
	if network == "" {
		return nil
	}
	if err := lockKey(ctx, tx, lockOfNetwork, network); err != nil {
		return err
	}
	var all, here int
	err := tx.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE form_id = $3) FROM signups WHERE network_key = $1 AND created_at > $2`,
		network, s.clock().Add(-time.Hour), f.ID).Scan(&all, &here)
	if err != nil {
		return fmt.Errorf("counting sign-ups: %w", err)
	}
	if all < SignUpsPerNetwork && here < f.MaxPerHour {
		return nil
	}
	return errs.New(errs.Unavailable, "too many people signed up from this network address within an hour: try again later")
}

// asked is an earlier sign-up that asked a mailbox to confirm.
type asked struct {
	ListIDs   []int64
	State     string
	CreatedAt time.Time
}

// overLimit says in an errs.Conflict why the mailbox of a sign-up gets no mail now, nil when it may. The caller holds the mailbox.
func (s *Service) overLimit(ctx context.Context, tx pgx.Tx, row signup) (*errs.E, error) {
	now := s.clock()
	earlier, err := pg.Many[asked](ctx, tx, "mails to a mailbox", `
		SELECT list_ids, state, created_at FROM signups
		WHERE mailbox_key = $1 AND id <> $2 AND created_at > $3 AND state NOT IN ('received', 'done', 'suppressed', 'limited', 'removed')
		ORDER BY created_at DESC, id DESC LIMIT 1000`, row.MailboxKey, row.ID, now.Add(-MailsPerListSpan))
	if err != nil {
		return nil, err
	}
	today, perList, answered := 0, map[int64]int{}, map[int64]bool{}
	for _, a := range earlier {
		if now.Sub(a.CreatedAt) < 24*time.Hour {
			today++
		}
		for _, id := range a.ListIDs {
			switch {
			case !slices.Contains(row.ListIDs, id), answered[id]: // what came before an answer is answered with it
			case a.State == SignupConfirmed:
				answered[id] = true
			case a.State == SignupDeclined:
				return errs.New(errs.Conflict, "they said that they had not signed up: no message goes to this address for %d days", int(MailsPerListSpan.Hours()/24)), nil
			case now.Sub(a.CreatedAt) < MailGap:
				return errs.New(errs.Conflict, "the last message to this address is less than %d minutes old: wait, and try again", int(MailGap.Minutes())), nil
			default:
				if perList[id]++; perList[id] >= MailsPerList {
					return errs.New(errs.Conflict, "this address had %d messages for the list within %d days and answered none: no more are sent",
						MailsPerList, int(MailsPerListSpan.Hours()/24)), nil
				}
			}
		}
	}
	if today >= MailsPerMailbox {
		return errs.New(errs.Conflict, "this address had %d messages within a day: no more are sent today", today), nil
	}
	return nil, nil
}
