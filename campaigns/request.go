package campaigns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

// Request is who asks for mail to be sent, and what makes it safe to ask once more: a Key, which together with the Principal stands for one request with the Hash. Without a Key each
// request is another one.
type Request struct {
	Principal, Key string
	Hash           []byte
}

// errReplay says that the request was carried out meanwhile.
var errReplay = errors.New("the request was carried out by somebody else")

// answered reads into answer what a request was told before.
func (s *Service) answered(ctx context.Context, by Request, answer any) (done bool, err error) {
	if by.Key == "" {
		return false, nil
	}
	var hash, kept []byte
	err = s.d.Pool.QueryRow(ctx, `SELECT hash, answer FROM message_requests WHERE principal = $1 AND key = $2`, by.Principal, by.Key).Scan(&hash, &kept)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("looking for an earlier request: %w", err)
	case !bytes.Equal(hash, by.Hash):
		return false, errs.New(errs.Conflict, "this Idempotency-Key was used for another request: use a new one")
	}
	if err := json.Unmarshal(kept, answer); err != nil {
		return false, fmt.Errorf("reading the answer to an earlier request: %w", err)
	}
	return true, nil
}

// keepAnswerTx keeps the answer. Of two who bring the same key at the same time the second waits here for the first, and takes back what it has done.
func (s *Service) keepAnswerTx(ctx context.Context, tx pgx.Tx, by Request, answer any) error {
	if by.Key == "" {
		return nil
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("keeping the answer to a request: %w", err)
	}
	tag, err := tx.Exec(ctx, `INSERT INTO message_requests (principal, key, hash, answer, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		by.Principal, by.Key, by.Hash, b, s.d.Now())
	if err != nil {
		return fmt.Errorf("keeping the answer to a request: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errReplay
	}
	return nil
}

// launched is what is kept of a request that made a campaign and launched it.
type launched struct {
	CampaignID int64 `json:"campaign_id"`
}

// launchOnce has a campaign made and launched by a request, or gives the one that it made before, as that is now. launch writes in one transaction with what is kept of the request, so that nobody gets a campaign
// twice, at whatever moment the request before ended.
func (s *Service) launchOnce(ctx context.Context, by Request, launch func(keep func(tx pgx.Tx, id int64) error) (Campaign, error)) (Campaign, error) {
	var before launched
	if done, err := s.answered(ctx, by, &before); err != nil || done {
		return s.again(ctx, before, err)
	}
	c, err := launch(func(tx pgx.Tx, id int64) error { return s.keepAnswerTx(ctx, tx, by, launched{id}) })
	if err == nil || by.Key == "" {
		return c, err
	}
	// Another request with the key was quicker, or the connection broke when all was done.
	if done, again := s.answered(ctx, by, &before); again == nil && done {
		return s.again(ctx, before, nil)
	}
	return c, err
}

func (s *Service) again(ctx context.Context, l launched, err error) (Campaign, error) {
	if err != nil {
		return Campaign{}, err
	}
	c, err := s.Get(ctx, l.CampaignID)
	if errs.Is(err, errs.NotFound) {
		return c, errs.New(errs.Conflict, "campaign %d, which was made by the request with this Idempotency-Key, has been deleted: use a new key to make another", l.CampaignID)
	}
	return c, err
}
