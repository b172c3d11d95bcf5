package smtpconn

import (
	"strconv"
	"testing"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

func TestMaxMessages(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, start func(...smtptest.Option) *smtptest.Server) {
		s := start(smtptest.WithLimits(smtptest.Limits{MailMax: 3}), smtptest.WithReply("bad@x.example", smtptest.AtRcpt, "550 5.1.1 nobody"))
		var to []string
		for i := range 8 {
			to = append(to, strconv.Itoa(i)+"@x.example")
		}
		to[4] = "bad@x.example" // counts as well
		for i, out := range sendGrouped(t, dialer(s), to...) {
			if last := i%3 == 2; out.Reusable == last || out.Stale || (out.State == Accepted) == (i == 4) {
				t.Errorf("message %d: %+v", i, out)
			}
		}
		if n, _ := s.Connections(); n != 3 || len(s.Accepted()) != 7 {
			t.Errorf("%d connections, %d accepted", n, len(s.Accepted()))
		}
	})
}

// TestMaxMessagesAfterAsking: a MAIL that was only tried out counts.
func TestMaxMessagesAfterAsking(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithLimits(smtptest.Limits{MailMax: 1}))
	c := open(t, dialer(s))
	if _, err := c.Ask(t.Context(), reply.StageMail, "a@x.example"); err != nil || c.MaxMessages() != 1 {
		t.Fatal(err)
	}
	if out := send(t, c, "a@x.example"); out.State != NotSent || !out.Stale || out.Reusable {
		t.Errorf("%+v", out)
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

// TestMaxDomains is RFC 9422's RCPTDOMAINMAX: a message to a further domain is neither announced nor tried.
func TestMaxDomains(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, start func(...smtptest.Option) *smtptest.Server) {
		s := start(smtptest.WithLimits(smtptest.Limits{RcptDomainMax: 2}))
		to := []string{"a@x.example", "a@y.example", "b@X.example", "b@z.example", "c@Z.example", "c@x.example", "d@y.example"}
		stale := 0
		for _, out := range sendGrouped(t, dialer(s), to...) {
			if out.Stale {
				stale++
			} else if out.State != Accepted {
				t.Errorf("%+v", out)
			}
		}
		if n, _ := s.Connections(); n != 3 || stale != 2 || len(s.Accepted()) != len(to) {
			t.Errorf("%d connections, %d stale, %d accepted", n, stale, len(s.Accepted()))
		}
	})
}

func TestLimitsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		"LIMITS":                           0,
		"LIMITS MAILMAX":                   0,
		"LIMITS MAILMAX=":                  0,
		"LIMITS MAILMAX=0":                 0,
		"LIMITS MAILMAX=-1":                0,
		"LIMITS MAILMAX=+5":                0,
		"LIMITS MAILMAX=05":                0,
		"LIMITS MAILMAX=5x":                0,
		"LIMITS MAILMAX=9999999":           0,
		"LIMITS MAILMAX=99999999999999999": 0,
		"LIMITS MAILMAX=\xff":              0,
		"LIMITS MAILMAX=999999":            999999,
		"LIMITS RCPTMAX=9 mailmax=7 X=Y":   7,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, func(c *smtptest.Config) { c.Offer = []string{line} })
			c := open(t, dialer(s))
			if c.MaxMessages() != want {
				t.Errorf("%d, want %d", c.MaxMessages(), want)
			}
			if out := send(t, c, good); out.State != Accepted || !out.Reusable {
				t.Errorf("%+v", out)
			}
		})
	}
}
