package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"postrider/campaigns"
	"postrider/internal/errs"
	"postrider/internal/idempotency"
)

const (
	idempotencyKey    = "Idempotency-Key"
	maxIdempotencyKey = 255
	// A request with a key must be over before its claim counts as dead, or else a retry could do the work a second time beside it.
	idempotentTime = idempotency.Stale - 5*time.Second
)

// repeatable makes an operation heed Idempotency-Key: a second request with the same key gets the first one's answer. Only answers that tell of
// success are kept; a request that was refused did nothing, and may be tried again under its key.
func (s *server) repeatable(maxBody int64) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(ctx)
		key := r.Header.Get(idempotencyKey)
		if key == "" {
			next(ctx)
			return
		}
		if err := checkIdempotencyKey(key); err != nil {
			s.writeProblem(w, r, err)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			s.writeProblem(w, r, errs.Because(errs.TooLarge, err, "the request is larger than %d bytes", maxBody))
			return
		}
		principal := principalName(ctx.Context())
		hash := hashRequest(r, body)
		claim, answer, done, err := s.deps.Idempotency.Begin(ctx.Context(), principal, key, hash)
		if err != nil {
			s.writeProblem(w, r, err)
			return
		}
		if done {
			writeAnswer(w, answer)
			return
		}
		by := campaigns.Request{Principal: principal, Key: key, Hash: hash}
		s.runOnce(ctx.Operation(), w, r.WithContext(context.WithValue(r.Context(), onceKey{}, by)), body, claim, next)
	}
}

func (s *server) runOnce(op *huma.Operation, w http.ResponseWriter, r *http.Request, body []byte, claim idempotency.Claim, next func(huma.Context)) {
	ctx, cancel := context.WithTimeout(r.Context(), idempotentTime)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := &answerRecorder{ResponseWriter: w}
	finished := false
	defer func() {
		// Also after a panic, and when the caller has gone: the outcome must be kept either way.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		var err error
		if finished && rec.answer.Status >= 200 && rec.answer.Status < 300 {
			rec.answer.ContentType = w.Header().Get("Content-Type")
			err = s.deps.Idempotency.Finish(ctx, claim, rec.answer)
		} else {
			err = s.deps.Idempotency.Abandon(ctx, claim)
		}
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "idempotency key not settled", slog.String("request_id", requestOf(ctx).id), slog.String("error", err.Error()))
		}
	}()
	next(humachi.NewContext(op, r, rec))
	finished = true
}

type onceKey struct{}

// requestOnce is the request of a repeatable operation, without a key when it brought none. The store of answers frees the key of a request that died; what must not be done twice even then is kept
// with what it does.
func requestOnce(ctx context.Context) campaigns.Request {
	by, _ := ctx.Value(onceKey{}).(campaigns.Request)
	return by
}

func checkIdempotencyKey(key string) error {
	printable := !strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' })
	if len(key) > maxIdempotencyKey || !printable {
		return errs.New(errs.Invalid, "the Idempotency-Key must be at most %d printable ASCII characters", maxIdempotencyKey)
	}
	return nil
}

// principalName separates the keys of different callers.
func principalName(ctx context.Context) string {
	p := caller(ctx)
	if p.KeyID != 0 {
		return "key:" + strconv.FormatInt(p.KeyID, 10)
	}
	return "user:" + strconv.FormatInt(p.UserID, 10)
}

func hashRequest(r *http.Request, body []byte) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", r.Method, r.URL.RequestURI())
	h.Write(body)
	return h.Sum(nil)
}

func writeAnswer(w http.ResponseWriter, a idempotency.Answer) {
	if a.ContentType != "" {
		w.Header().Set("Content-Type", a.ContentType)
	}
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a reader who went away can ask once more
}

// answerRecorder keeps a copy of what is answered. The operations it is used for answer with one object, so it is small.
type answerRecorder struct {
	http.ResponseWriter
	answer idempotency.Answer
}

func (w *answerRecorder) WriteHeader(status int) {
	if w.answer.Status == 0 {
		w.answer.Status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerRecorder) Write(p []byte) (int, error) {
	if w.answer.Status == 0 {
		w.answer.Status = http.StatusOK
	}
	w.answer.Body = append(w.answer.Body, p...)
	return w.ResponseWriter.Write(p)
}

func (w *answerRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
