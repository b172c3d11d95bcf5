package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"postrider/sender/dkim"
)

// limitTime is how long each of the bare loops runs.
const limitTime = 3 * time.Second

// limits measures what the machine could do at most: the same bytes in a bare loop into the same sink, and bare signatures.
func (c benchSendCmd) limits(ctx context.Context, a *app, campaignID int64, addr string, screen *demoScreen, res *benchResult) error {
	screen.say("Measuring what the machine can do at most …")
	sample, err := a.campaigns.Sample(ctx, campaignID)
	if err != nil {
		return err
	}
	res.MessageBytes = len(sample)
	rate, err := bareSMTP(ctx, addr, c.Connections, sample)
	if err != nil {
		return fmt.Errorf("measuring the bare loop: %w", err)
	}
	res.LimitMsgsPerS = round(rate, 0)
	if rate > 0 {
		res.Ratio = round(res.MsgsPerS/rate, 3)
	}
	backend := dkim.Open(c.Signing)
	if rate, err = bareRSA(ctx, backend); err != nil {
		return fmt.Errorf("measuring signatures: %w", err)
	}
	res.RSAPerSLimit, res.Signer = round(rate, 0), backend.String()
	return nil
}

// bareSMTP sends the same message again and again over all connections for limitTime: the end of one and the envelope of the next in one write (RFC 2920
// §3.1), and nothing else. It gives messages a second.
func bareSMTP(ctx context.Context, addr string, connections int, message []byte) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, limitTime)
	defer cancel()
	envelope := []byte("MAIL FROM:<b-limit@bounces.example.org>\r\nRCPT TO:<limit@example.org>\r\nDATA\r\n")
	group := append(append(dotStuffed(message), ".\r\n"...), envelope...)
	var sent atomic.Int64
	var all errgroup.Group
	began := time.Now()
	for range connections {
		all.Go(func() error { return bareConnection(ctx, addr, envelope, group, &sent) })
	}
	err := all.Wait()
	return float64(sent.Load()) / time.Since(began).Seconds(), err
}

func dotStuffed(message []byte) []byte {
	return bytes.ReplaceAll(message, []byte("\r\n."), []byte("\r\n.."))
}

func bareConnection(ctx context.Context, addr string, envelope, group []byte, sent *atomic.Int64) error {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = nc.Close() }()
	r := bufio.NewReaderSize(nc, 4<<10)
	if err := expect(r, "220"); err != nil {
		return err
	}
	if _, err := nc.Write([]byte("EHLO localhost\r\n")); err != nil {
		return err
	}
	if err := expect(r, "250"); err != nil {
		return err
	}
	if _, err := nc.Write(envelope); err != nil {
		return err
	}
	for {
		for _, code := range []string{"250", "250", "354"} {
			if err := expect(r, code); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if _, err := nc.Write(group); err != nil {
			return err
		}
		if err := expect(r, "250"); err != nil {
			return err
		}
		sent.Add(1)
	}
}

// expect reads one reply.
func expect(r *bufio.Reader, code string) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(line, []byte(code)) {
			return fmt.Errorf("the sink answered %q instead of %s", line, code)
		}
		if len(line) < 4 || line[3] != '-' {
			return nil
		}
	}
}

// bareRSA makes RSA-2048 signatures on all processors for limitTime and gives how many a second.
func bareRSA(ctx context.Context, backend dkim.Backend) (float64, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, err
	}
	key, err := backend.Prepare(dkim.Key{Domain: benchDomain, Selector: "limit", Signer: private})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, limitTime)
	defer cancel()
	digest := sha256.Sum256([]byte("a message"))
	var made atomic.Int64
	var all errgroup.Group
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() error {
			for ctx.Err() == nil {
				if _, err := key.Signer.Sign(nil, digest[:], crypto.SHA256); err != nil {
					return err
				}
				made.Add(1)
			}
			return nil
		})
	}
	err = all.Wait()
	return float64(made.Load()) / time.Since(began).Seconds(), err
}
