package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"postrider/sender/sink"
)

func TestBenchTrackGoesTheRealWay(t *testing.T) {
	t.Parallel()
	s, err := sink.Start(sink.Config{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	c := benchTrackCmd{Requests: 620, Readers: 90, Connections: 3}
	must(t, c.check())
	res, err := c.measure(t.Context(), s.Addr(), &demoScreen{w: io.Discard})
	must(t, err)
	if res.LostEvents != 0 || res.Requests != 1240 || res.Connections != 3 {
		t.Errorf("%+v", res)
	}
	for name, figure := range map[string]float64{
		"pixel_per_s": res.PixelPerS, "redirect_per_s": res.RedirectPerS, "limit_per_s": res.LimitPerS, "ratio": res.Ratio, "p99_ms": res.P99Ms, "seconds": res.Seconds,
	} {
		if figure <= 0 {
			t.Errorf("%s is %v", name, figure)
		}
	}
}

func TestBenchTrackRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]benchTrackCmd{
		"no requests":          {Readers: 1, Connections: 1},
		"nobody":               {Requests: 100, Connections: 1},
		"too many connections": {Requests: 100, Readers: 1, Connections: 5000},
	} {
		if c.check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// The loader counts nothing that is not the answer it asked for.
func TestLoaderReadsAnswers(t *testing.T) {
	t.Parallel()
	good := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	r := bufio.NewReader(strings.NewReader(good + good))
	for range 2 {
		must(t, readAnswer(r, []byte("HTTP/1.1 200 ")))
	}
	if err := readAnswer(r, []byte("HTTP/1.1 200 ")); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
	for _, bad := range []string{"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", good[:len(good)-1]} {
		if readAnswer(bufio.NewReader(strings.NewReader(bad)), []byte("HTTP/1.1 200 ")) == nil {
			t.Errorf("%q is an answer", bad)
		}
	}
}
