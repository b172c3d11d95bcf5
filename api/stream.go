package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

const (
	streamPoll      = 500 * time.Millisecond
	streamKeepAlive = 15 * time.Second
	streamWrite     = 30 * time.Second // after which a reader that takes nothing is given up
)

// stream is the output of a handler that answers with server-sent events.
type stream struct {
	ContentType string `header:"Content-Type"`
	Body        func(huma.Context)
}

// snapshot is the present state of what a stream is about.
type snapshot struct {
	state any
	mark  any  // what must differ for the state to be worth sending
	final bool // nothing will change any more
}

// load takes a snapshot.
type load func(ctx context.Context) (snapshot, error)

// progress makes a stream of "progress" events: one at once, one whenever the state has changed, the last one with the final state. It also ends when
// the server stops or the caller goes away. An error of the first look is an ordinary problem.
func (s *server) progress(ctx context.Context, look load) (*stream, error) {
	first, err := look(ctx)
	if err != nil {
		return nil, err
	}
	return &stream{ContentType: "text/event-stream", Body: func(hc huma.Context) {
		_, w := humachi.Unwrap(hc)
		w.Header().Set("X-Accel-Buffering", "no") // or nginx keeps the events to itself
		f := &follower{w: w, control: http.NewResponseController(w)}
		if err := s.follow(hc.Context(), f, look, first); err != nil && hc.Context().Err() == nil {
			s.log.LogAttrs(hc.Context(), slog.LevelWarn, "progress stream ended", slog.String("request_id", requestOf(hc.Context()).id), slog.String("error", err.Error()))
		}
	}}, nil
}

func (s *server) follow(ctx context.Context, f *follower, look load, now snapshot) error {
	if err := f.send(now); err != nil || now.final {
		return err
	}
	poll, keepAlive := time.NewTicker(streamPoll), time.NewTicker(streamKeepAlive)
	defer poll.Stop()
	defer keepAlive.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.cfg.Done:
			return nil
		case <-keepAlive.C:
			err = f.write([]byte(": still here\n\n"))
		case <-poll.C:
			if now, err = look(ctx); err == nil {
				err = f.send(now)
			}
		}
		if err != nil || now.final {
			return err
		}
	}
}

// follower writes events to one reader.
type follower struct {
	w       http.ResponseWriter
	control *http.ResponseController
	last    []byte
}

// send writes the state, unless its mark is that of what was sent last.
func (f *follower) send(now snapshot) error {
	mark, err := json.Marshal(now.mark)
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	if bytes.Equal(mark, f.last) {
		return nil
	}
	f.last = mark
	data, err := json.Marshal(now.state)
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return f.write(fmt.Appendf(nil, "event: progress\ndata: %s\n\n", data))
}

func (f *follower) write(p []byte) error {
	// Not every writer has deadlines; those of the network do.
	_ = f.control.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := f.w.Write(p); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	return f.control.Flush()
}

// streamOf documents a stream of "progress" events with data of the type.
func streamOf(name string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "Server-sent events named \"progress\"; their data is a " + name + " as JSON"}
}
