package confirm

import (
	"strings"
	"testing"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/settings"
	"postrider/sender"
)

func TestRelaysThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending("ann@example.net")
	_, err := b.d.Sender.PauseRelay(t.Context(), b.relay.ID, "")
	ok(t, err)
	if again := b.send(id); again == 0 || !strings.Contains(b.request(id).Reply, "paused") || len(b.smtp.Accepted()) > 0 {
		t.Errorf("%v %+v", again, b.request(id))
	}
	second := must[sender.Relay](t)(b.d.Sender.CreateRelay(t.Context(), sender.RelayInput{
		Name: "Second", Kind: sender.RelaySMTP, Host: b.smtp.Host(), Port: b.smtp.Port(), TLS: sender.TLSNone, DKIM: sender.DKIMOff}))
	b.set(audience.OptInInput{Mode: audience.OptInDouble, RelayID: &b.relay.ID})
	if again := b.send(id); again == 0 {
		t.Error("another relay than the list's was taken")
	}
	b.set(audience.OptInInput{Mode: audience.OptInDouble, FromName: "List", FromEmail: "list@example.com", RelayID: &second.ID})
	if again := b.send(id); again != 0 || b.request(id).State != audience.SignupSent {
		t.Errorf("%v %+v", again, b.request(id))
	}
	if m, _, _ := parts(t, b.smtp.Accepted()[0].Raw); m.Header.Get("From") != "List <list@example.com>" && m.Header.Get("From") != `"List" <list@example.com>` {
		t.Error(m.Header.Get("From"))
	}
}

// addRelay adds one that leads to the test's server where nothing else is said.
func (b *bundle) addRelay(in sender.RelayInput) sender.Relay {
	b.t.Helper()
	if in.Kind == "" {
		in.Kind, in.Port, in.TLS, in.DKIM = sender.RelaySMTP, b.smtp.Port(), sender.TLSNone, sender.DKIMOff
	}
	if in.Host == "" {
		in.Host = b.smtp.Host()
	}
	return must[sender.Relay](b.t)(b.d.Sender.CreateRelay(b.t.Context(), in))
}

// TestTheInboxTakesNothingFromARelay: every installation begins with the built-in inbox, which takes all mail and delivers to nobody.
func TestTheInboxTakesNothingFromARelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	inbox := b.addRelay(sender.RelayInput{Name: "Inbox", Kind: sender.RelayInbox})
	id := b.pending("ann@example.net")
	_, err := b.d.Sender.PauseRelay(t.Context(), b.relay.ID, "")
	ok(t, err)
	if again := b.send(id); again == 0 || b.request(id).State != audience.SignupPending || !strings.Contains(b.request(id).Reply, "Test relay: the relay is paused") {
		t.Errorf("%v %+v", again, b.request(id))
	}
	// Where it is all that there is, it is taken, and where it was chosen.
	m := confirmation{to: "ann@example.net", set: must[settings.Settings](t)(b.d.Settings.Get(t.Context()))}
	taken := func() {
		t.Helper()
		if relay, _, held, err := b.route(t.Context(), m); err != nil || held != nil || relay.ID != inbox.ID {
			t.Errorf("%+v %+v %v", relay, held, err)
		}
	}
	m.optIn.RelayID = &inbox.ID
	taken()
	m.optIn.RelayID = nil
	ok(t, b.d.Sender.DeleteRelay(t.Context(), b.relay.ID))
	taken()
}

// TestRelaysTakeMailOfTheirDomainsOnly has domains written as people write them.
func TestRelaysTakeMailOfTheirDomainsOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.addRelay(sender.RelayInput{Name: "One", FromDomains: []string{"bücher.example"}})
	two := b.addRelay(sender.RelayInput{Name: "Two", FromDomains: []string{"example.org"}, RecipientSites: []string{"example.net"}})
	ok(t, b.d.Sender.DeleteRelay(t.Context(), b.relay.ID))
	set := must[settings.Settings](t)(b.d.Settings.Get(t.Context()))
	for from, tc := range map[string]struct {
		chosen *int64
		to     string
		want   int64 // 0: none
		why    string
	}{
		"house@Bücher.example":           {nil, "ann@example.net", one.ID, ""},
		"house@xn--bcher-kva.example":    {&one.ID, "ann@example.net", one.ID, ""},
		"house@EXAMPLE.org":              {nil, "ann@EXAMPLE.net", two.ID, ""},
		"house@example.org":              {nil, "ann@example.com", 0, "no relay that takes mail to this recipient From example.org"},
		"house@example.com":              {nil, "ann@example.net", 0, "no relay that takes mail to this recipient From example.com"},
		"somebody@xn--bcher-kva.example": {&two.ID, "ann@example.net", 0, `"Two" only takes mail From example.org, and this message is From xn--bcher-kva.example`},
	} {
		m := confirmation{to: tc.to, set: set, optIn: audience.OptInInput{FromEmail: from, RelayID: tc.chosen}}
		relay, _, _, err := b.route(t.Context(), m)
		if tc.want == 0 && (!errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), tc.why)) || tc.want != 0 && (err != nil || relay.ID != tc.want) {
			t.Errorf("%s: %+v %v", from, relay, err)
		}
	}
}

// TestNoMailWithADeadLink: the address of this installation is not known, or is good for nobody who gets mail.
func TestNoMailWithADeadLink(t *testing.T) {
	t.Parallel()
	for origin, here := range map[string]bool{"": false, "http://127.0.0.1:8080": true, "http://news.example.org": false} {
		t.Run(origin, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			away := b.addRelay(sender.RelayInput{Name: "Away", Host: "smtp.invalid"})
			set := must[settings.Settings](t)(b.d.Settings.Get(t.Context()))
			set.PublicURL = origin
			must[settings.Settings](t)(b.d.Settings.Put(t.Context(), set))
			id := b.pending("ann@example.net")
			in := audience.OptInInput{Mode: audience.OptInDouble, RelayID: &away.ID}
			b.set(in)
			if again := b.send(id); again == 0 || b.request(id).State != audience.SignupPending || !strings.Contains(b.request(id).Reply, "set an https address") {
				t.Errorf("%v %+v", again, b.request(id))
			}
			if _, err := b.SendTest(t.Context(), b.list, in, "me@example.net"); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "public URL") {
				t.Errorf("a test: %v", err)
			}
			b.set(audience.OptInInput{Mode: audience.OptInDouble, RelayID: &b.relay.ID})
			if again := b.send(id); (again == 0 && b.request(id).State == audience.SignupSent) != here {
				t.Errorf("by a relay on this machine: %v %+v", again, b.request(id))
			}
		})
	}
}
