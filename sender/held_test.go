package sender

import (
	"errors"
	"testing"
	"time"

	"postrider/sender/smtptest"
)

// TestWhatIsHeldBackBeforeItsDotWasNotSent sends messages of which some are held back, over connections that announce the next message with each.
func TestWhatIsHeldBackBeforeItsDotWasNotSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithLatency(2*time.Millisecond))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 2 })
	p := b.pools(t)
	noDisk := errors.New("no disk")
	held := make(chan error, 5)
	for range cap(held) {
		go func() {
			_, err := p.Send(t.Context(), r, Message{From: "a@example.org", To: "held@example.org", Body: testBody, BeforeDot: func() error { return noDisk }})
			held <- err
		}()
	}
	noErrors(t, sendAll(t.Context(), p, r, 0, 20))
	for range cap(held) {
		if err := <-held; !errors.Is(err, noDisk) {
			t.Errorf("a message that was held back: %v", err)
		}
	}
	counts := server.Counts()
	if counts["held@example.org"] != 0 || len(counts) != 20 {
		t.Errorf("the server has mail for %d people, %d held back", len(counts), counts["held@example.org"])
	}

	// A process that has lost its lease holds everything back.
	p.node.leaseUntil.Store(0)
	for _, err := range sendAll(t.Context(), p, r, 100, 3) {
		if !errors.Is(err, errLeaseLost) {
			t.Errorf("without a lease: %v", err)
		}
	}
}
