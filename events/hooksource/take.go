package hooksource

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"

	"postrider/events"
	"postrider/events/hooks"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Find gives the source that a path leads to. A wrong secret is a NotFound like a source that is not there.
func (s *Service) Find(ctx context.Context, provider string, id int64, secret string) (Source, error) {
	source, err := s.Get(ctx, id)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return Source{}, err
	}
	given, want := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(source.secret))
	same := subtle.ConstantTimeCompare(given[:], want[:]) == 1
	if err != nil || !same || source.secret == "" || string(source.Provider) != provider {
		return Source{}, errs.New(errs.NotFound, "there is no such webhook: copy its address again from Provider webhooks")
	}
	return source, nil
}

// Take takes one request. When it returns without an error, everything that was said in it is committed; after an error nothing is, and the provider may come
// again with the same. What is wrong is noted at the source. Errors: Forbidden (signature, age, topic), Invalid (not what the provider sends), Unavailable.
func (s *Service) Take(ctx context.Context, source Source, header http.Header, body []byte) error {
	url, err := s.URL(ctx, source)
	if err != nil {
		return err
	}
	err = s.take(ctx, source, hooks.Request{URL: url, Header: header, Body: body, Now: s.now()})
	if err == nil {
		return nil
	}
	text, err := refusal(err)
	if noted := noteError(ctx, s.pool, source.ID, text, s.now()); noted != nil {
		return errors.Join(err, noted)
	}
	return err
}

// refusal turns an error into what is told to the provider, and to people.
func refusal(err error) (text string, told error) {
	var wrong *hooks.Error
	if errors.As(err, &wrong) {
		kind := errs.Forbidden
		switch wrong.Kind {
		case hooks.Malformed:
			kind = errs.Invalid
		case hooks.NoKey:
			kind = errs.Unavailable // the provider tries again until somebody has entered it
		}
		return wrong.Text, errs.New(kind, "%s", wrong.Text)
	}
	var known *errs.E
	if errors.As(err, &known) && known.Kind != errs.Internal {
		return known.Public, err
	}
	return "The reports could not be stored. The provider tries again; the log of the server says why.", err
}

func (s *Service) take(ctx context.Context, source Source, r hooks.Request) error {
	if source.Provider == hooks.SES {
		return s.takeSNS(ctx, source, r)
	}
	if hooks.IsTest(source.Provider, r) {
		return s.done(ctx, source, hooks.Proof{}, r.Body, 0)
	}
	key, err := s.key(source)
	if err != nil {
		return err
	}
	proof, err := hooks.Verify(source.Provider, key, r)
	if err != nil {
		return err
	}
	return s.takeOnce(ctx, source, proof, r, r.Body)
}

// takeOnce takes what a request says, unless it has been taken before. said is what holds the events, body what was signed.
func (s *Service) takeOnce(ctx context.Context, source Source, proof hooks.Proof, r hooks.Request, said []byte) error {
	body := r.Body
	again, err := s.seen(ctx, source, proof, body)
	if err != nil {
		return err
	}
	if again {
		return s.done(ctx, source, hooks.Proof{}, body, 0)
	}
	r.Body = said
	reports, err := hooks.Parse(source.Provider, r)
	if err != nil {
		return err
	}
	if err := s.hand(ctx, reports); err != nil {
		return err
	}
	return s.done(ctx, source, proof, body, len(reports))
}

func (s *Service) hand(ctx context.Context, reports []events.Report) error {
	if len(reports) == 0 {
		return nil
	}
	if err := s.taker.TakeReports(ctx, reports); err != nil {
		return fmt.Errorf("taking the reports of a webhook: %w", err)
	}
	return nil
}

// seen says whether a request was taken before. A mark that was used for other content is refused: somebody has got hold of it.
func (s *Service) seen(ctx context.Context, source Source, proof hooks.Proof, body []byte) (bool, error) {
	if proof.Replay == "" {
		return false, nil
	}
	known, err := seenBody(ctx, s.pool, source.ID, hash(proof.Replay), s.now())
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(body)
	if subtle.ConstantTimeCompare(known, sum[:]) != 1 {
		return false, &hooks.Error{Kind: hooks.BadSignature, Text: "the request carries the mark of another one that was taken before, with other content"}
	}
	return true, nil
}

func hash(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// done marks a request as seen and counts it, after everything in it has been committed. When that fails the provider comes again and nothing is taken twice:
// the keys of the reports are known.
func (s *Service) done(ctx context.Context, source Source, proof hooks.Proof, body []byte, reports int) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if proof.Replay != "" {
			sum := sha256.Sum256(body)
			if err := markSeen(ctx, tx, source.ID, hash(proof.Replay), sum[:], proof.Until, s.now()); err != nil {
				return err
			}
		}
		return countReceived(ctx, tx, source.ID, reports, s.now())
	})
}
