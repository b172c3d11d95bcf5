package audience

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"postrider/audience/addrcheck"
	"postrider/internal/errs"
)

// Inserter puts a job into the queue in the caller's transaction. river.Client[pgx.Tx] is one.
type Inserter interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Service is the use cases of this package. It is safe for concurrent use once SetJobs was called.
type Service struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	now  func() time.Time
	jobs Inserter

	batchRows int64         // rows of a file in one transaction, at most
	lockWait  time.Duration // see defaultLockWait
	limits    searchLimits
	budgets   countBudgets
	uploads   UploadLimits
	addresses AddressLists
	mx        *addrcheck.MX
	// How erased people are known, and who else has something about them; see SetErasure.
	erasureKey *[32]byte
	erasers    []Eraser
}

// New makes a Service. Imports can be started only after SetJobs.
func New(pool *pgxpool.Pool, logger *slog.Logger, now func() time.Time) *Service {
	return &Service{
		pool: pool, log: logger, now: now, batchRows: maxBatchRows, lockWait: defaultLockWait, mx: addrcheck.NewMX(net.DefaultResolver, now),
		limits: defaultLimits(), budgets: defaultBudgets(),
	}
}

// SetJobs gives the queue for import jobs. It is apart from New because the queue's client needs this service's workers first.
func (s *Service) SetJobs(jobs Inserter) { s.jobs = jobs }

// clock is the time as Postgres keeps it, so that what is returned equals what is read again.
func (s *Service) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// Sources of a subscription: where the consent came from.
const (
	SourceAdmin       = "admin"
	SourceAPI         = "api"
	SourceImport      = "import"
	SourceUnsubscribe = "unsubscribe link"
)

// cleanLine makes one line of what a person typed into a field: no space around it, runs of space and control characters as one space. It notes in
// f when that is not possible or longer than limit characters.
func cleanLine(f *errs.Fields, field, s string, limit int) string {
	if !utf8.ValidString(s) {
		f.Add(field, "this is not valid UTF-8")
		return ""
	}
	s = oneLine(s)
	if n := utf8.RuneCountInString(s); n > limit {
		f.Add(field, "this has %d characters; at most %d are allowed", n, limit)
	}
	return s
}

// oneLine folds runs of space and control characters into one space each.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// likePattern makes a LIKE pattern that finds s anywhere, in lower case. Text that Postgres could not hold finds nothing anywhere, so it is an error.
func likePattern(s string) (string, error) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return "", errs.InvalidField("q", "this text cannot be searched for: it is not valid UTF-8")
	}
	s = strings.ToLower(strings.TrimSpace(s))
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%", nil
}
