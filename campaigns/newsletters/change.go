package newsletters

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// mostTries bounds how often a change is begun anew when the regular work was in its way.
const mostTries = 5

// errMissed says that an issue was made after the issues had been locked and before their newsletter was.
var errMissed = errors.New("an issue was made meanwhile")

// change runs fn on the locked newsletter and on those of its issues that can still go out, locked as well, and gives the newsletter as it is afterwards. Runs that have come
// have their issues by then, so that no change makes them be forgotten. fn may be run more than once; only its last run counts.
func (s *Service) change(ctx context.Context, id int64, fn func(tx pgx.Tx, n *Newsletter, open []Issue) error) (n Newsletter, err error) {
	for range mostTries {
		err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) (err error) {
			n, err = s.changeTx(ctx, tx, id, fn)
			return err
		})
		if !errors.Is(err, errMissed) && !pg.Deadlock(err) {
			return n, err
		}
	}
	return n, errs.New(errs.Conflict, "newsletter %d is being changed by others at the same moment; look at it and try again", id)
}

// changeTx locks issues before their newsletter, as all do, though only who holds the newsletter knows which issues there are: it looks again, and is to be done again when one
// came in between.
func (s *Service) changeTx(ctx context.Context, tx pgx.Tx, id int64, fn func(tx pgx.Tx, n *Newsletter, open []Issue) error) (Newsletter, error) {
	locked, err := openIssues(ctx, tx, id, "FOR UPDATE OF i")
	if err != nil {
		return Newsletter{}, err
	}
	n, err := lockNewsletter(ctx, tx, id)
	if err != nil {
		return n, err
	}
	open, err := openIssues(ctx, tx, id, "")
	if err != nil {
		return n, err
	}
	if !among(open, locked) {
		return n, errMissed
	}
	for n.isLate(s.d.Now()) {
		if err := s.makeTx(ctx, tx, n); err != nil {
			return n, err
		}
		if n, err = getNewsletter(ctx, tx, id); err != nil {
			return n, err
		}
		if open, err = openIssues(ctx, tx, id, ""); err != nil {
			return n, err
		}
	}
	if err := fn(tx, &n, open); err != nil {
		return n, err
	}
	return getNewsletter(ctx, tx, id)
}

// isLate reports whether a run has come of which there is no issue. One that is paused has such a run when its pause has ended, and nobody has said so yet.
func (n Newsletter) isLate(now time.Time) bool {
	return (n.Status == StatusActive || n.Status == StatusPaused) && n.NextRunAt != nil && !n.NextRunAt.After(now)
}

// openIssues gives the issues of a newsletter that can still go out.
func openIssues(ctx context.Context, db pg.DB, newsletterID int64, lock string) ([]Issue, error) {
	return issues(ctx, db, `WHERE i.newsletter_id = $1 AND i.state IN `+unsentStates+` ORDER BY i.id `+lock, newsletterID)
}

// among reports whether all of some issues, which are in the order of their numbers, are among others in that order.
func among(some, others []Issue) bool {
	for _, i := range others {
		if len(some) > 0 && some[0].ID == i.ID {
			some = some[1:]
		}
	}
	return len(some) == 0
}
