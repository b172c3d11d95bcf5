package smtpconn

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"postrider/sender/sink"
)

// BenchmarkGrouped is what a lane does all day: a message of 6 KB and the commands of the next one in one write. The sink's own work is in the time;
// it allocates nothing for a message.
func BenchmarkGrouped(b *testing.B) {
	s, err := sink.Start(sink.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	host, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		b.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	c, err := Dialer{Host: host, Port: n}.Dial(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Quit()
	ctx, cancel := context.WithCancel(b.Context()) // as a campaign's: it can end
	defer cancel()
	e := env("ann@x.example")
	e.Body = []byte(strings.Repeat("a line of the newsletter, some seventy characters long, as most are\r\n", 85))
	hooks := Hooks{BeforeDot: func() error { return nil }, Next: func() *Envelope { return &e }}
	b.ReportAllocs()
	for b.Loop() {
		if out := c.Send(ctx, e, hooks); out.State != Accepted {
			b.Fatalf("%+v", out)
		}
	}
}
