package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

const (
	attemptWindow = 15 * time.Minute
	// One place that guesses is stopped early. An account is stopped later, or else anybody could lock its owner out with ten requests.
	maxOriginFailures  = 10
	maxAccountFailures = 50
)

// Wait is the cause of a RateLimited error: how long until the next try is allowed.
type Wait struct{ For time.Duration }

// Error makes Wait an error.
func (w *Wait) Error() string { return fmt.Sprintf("blocked for another %s", w.For.Round(time.Second)) }

type attemptLimit struct {
	key     string
	max     int
	account bool
}

// attemptLimits names what a sign-in is counted under. The place comes first: one that is blocked leaves no further rows. The account's name is hashed
// because what strangers type is of any kind.
func attemptLimits(emailKey, origin string) []attemptLimit {
	var limits []attemptLimit
	if origin != "" {
		limits = append(limits, attemptLimit{key: "origin:" + originKey(origin), max: maxOriginFailures})
	}
	sum := sha256.Sum256([]byte(emailKey))
	return append(limits, attemptLimit{key: "account:" + hex.EncodeToString(sum[:16]), max: maxAccountFailures, account: true})
}

// originKey counts an IPv6 /64 as one place: it is what one customer gets.
func originKey(origin string) string {
	ip, err := netip.ParseAddr(origin)
	if err != nil {
		return origin
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

func (s *Service) countAttempts(ctx context.Context, limits []attemptLimit) error {
	for _, l := range limits {
		if err := s.countAttempt(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// countAttempt counts a try before its password is looked at, so that parallel tries cannot pass the limit together. A success takes it back.
func (s *Service) countAttempt(ctx context.Context, l attemptLimit) error {
	now := s.now()
	var failures int
	var start time.Time
	err := s.pool.QueryRow(ctx, `
		INSERT INTO login_attempts AS a (key, window_start, failures) VALUES ($1, $2, 1)
		ON CONFLICT (key) DO UPDATE SET
			failures     = CASE WHEN a.window_start <= $3 THEN 1 ELSE least(a.failures, 1000000) + 1 END,
			window_start = CASE WHEN a.window_start <= $3 THEN $2 ELSE a.window_start END
		RETURNING failures, window_start`, l.key, now, now.Add(-attemptWindow)).Scan(&failures, &start)
	if err != nil {
		return fmt.Errorf("counting a sign-in: %w", err)
	}
	if failures <= l.max {
		return nil
	}
	wait := max(start.Add(attemptWindow).Sub(now), time.Second)
	minutes := int((wait + time.Minute - 1) / time.Minute)
	return errs.Because(errs.RateLimited, &Wait{For: wait}, "too many failed sign-ins: try again in %d min", minutes)
}

// forgiveAttempt takes back what countAttempt counted, after a success. The account starts afresh; the place keeps its earlier failures.
func forgiveAttempt(ctx context.Context, db pg.DB, limits []attemptLimit) error {
	for _, l := range limits {
		sql := `UPDATE login_attempts SET failures = greatest(failures - 1, 0) WHERE key = $1`
		if l.account {
			sql = `DELETE FROM login_attempts WHERE key = $1`
		}
		if _, err := db.Exec(ctx, sql, l.key); err != nil {
			return fmt.Errorf("forgetting failed sign-ins: %w", err)
		}
	}
	return nil
}
