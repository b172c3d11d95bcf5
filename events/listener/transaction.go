package listener

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"postrider/events"
)

// begin takes MAIL. Any sender may write: bounces have none, complaints and answers of machines have one.
func (c *session) begin(arg string) error {
	if !c.greeted || c.mail {
		return c.wrong(noSequence)
	}
	p, params, ok := pathArgument(arg, "FROM:")
	if !ok || p.local != "" && p.domain == "" {
		return c.wrong(noSender)
	}
	for _, param := range params {
		name, value, _ := strings.Cut(strings.ToUpper(param), "=")
		switch name {
		case "SIZE":
			size, err := strconv.ParseUint(value, 10, 64)
			if err != nil && !errors.Is(err, strconv.ErrRange) {
				return c.wrong(answer{501, "5.5.4", "SIZE is no number"})
			}
			if err != nil || size > uint64(c.s.limits.MessageSize) {
				return c.wrong(tooLarge)
			}
		case "BODY":
			if value != "7BIT" && value != "8BITMIME" {
				return c.wrong(noParameter)
			}
		case "SMTPUTF8":
		default:
			return c.wrong(noParameter)
		}
	}
	c.mail, c.from = true, p
	c.say(okSender)
	return nil
}

// pathArgument reads the argument of MAIL or RCPT.
func pathArgument(arg, keyword string) (p path, params []string, ok bool) {
	if len(arg) < len(keyword) || !strings.EqualFold(arg[:len(keyword)], keyword) {
		return path{}, nil, false
	}
	p, rest, ok := parsePath(strings.TrimLeft(arg[len(keyword):], " "))
	if !ok || rest != "" && rest[0] != ' ' {
		return path{}, nil, false
	}
	return p, strings.Fields(rest), true
}

// recipient takes RCPT.
func (c *session) recipient(arg string) error {
	if !c.mail {
		return c.wrong(noSequence)
	}
	p, params, ok := pathArgument(arg, "TO:")
	switch {
	case !ok || p.local == "":
		return c.wrong(noAddress)
	case len(params) > 0:
		return c.wrong(noParameter)
	case len(c.to) >= c.s.limits.Recipients:
		c.say(manyRcpt)
		return nil
	}
	a := c.s.accept(c.ctx, p)
	if a == okRcpt {
		c.to = append(c.to, p)
	} else if a.code >= 500 {
		if c.refused++; c.refused >= c.s.limits.Refused {
			return c.bye(byRefused)
		}
	}
	c.say(a)
	return nil
}

// data takes a message and answers once, or by LMTP once for each recipient (RFC 2033 §4.2).
func (c *session) data() error {
	if !c.mail || len(c.to) == 0 {
		return c.wrong(noSequence)
	}
	c.say(answer{354, "", "send the message, and end it with CR LF . CR LF"})
	if err := c.w.Flush(); err != nil {
		return err
	}
	raw := bytes.NewBufferString("Return-Path: <" + c.from.address() + ">\r\n") // RFC 5321 §4.4
	_ = c.nc.SetReadDeadline(time.Now().Add(c.s.limits.CommandTimeout))
	a := tooLarge
	switch err := readData(raw, c.r, c.s.limits.MessageSize, c.s.limits.flood()); {
	case err == nil:
		a = c.take(raw.Bytes())
	case errors.Is(err, errFlood):
		return c.bye(byFlood)
	case !errors.Is(err, errTooLarge):
		return c.interrupted(err)
	}
	answers := 1
	if c.lmtp {
		answers = len(c.to)
	}
	for range answers {
		c.say(a)
	}
	c.reset()
	return nil
}

// take gives a message to the Taker. Only when that has returned is it ours.
func (c *session) take(raw []byte) answer {
	m := events.Inbound{Source: "listener", From: c.from.address(), Raw: raw, ReceivedAt: c.s.cfg.Now()}
	for _, p := range c.to {
		m.To = append(m.To, p.address())
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.s.limits.TakeTimeout)
	defer cancel()
	if err := c.s.taking.Acquire(ctx, 1); err != nil {
		return later
	}
	defer c.s.taking.Release(1)
	verdict, err := c.s.takeMessage(ctx, m)
	if err != nil {
		c.s.cfg.Logger.Error("the bounce listener could not hand a message on; its sender comes again", "error", err)
		return later
	}
	c.commands = 0
	return judge(verdict, m.From, c.lmtp)
}

// takeMessage turns a panic into an error: one strange message must not end the program.
func (s *Server) takeMessage(ctx context.Context, m events.Inbound) (v events.Verdict, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Logger.Error("the bounce listener failed at a message", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errors.New("a panic")
		}
	}()
	return s.cfg.Taker.TakeMessage(ctx, m)
}
