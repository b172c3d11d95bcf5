package sender

import (
	"net"
	"strings"
	"testing"
)

func TestCheckFromRefusesWhatCannotAlign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	account := func(host, username, dkim string) Relay {
		return Relay{Kind: RelaySMTP, Host: host, Username: username, DKIM: dkim, SigningProfile: "default"}
	}
	tests := []struct {
		name  string
		from  string
		relay Relay
		text  string // "" when it is allowed
	}{
		{"free mail through its own relay", "ada@gmail.com", account("smtp.gmail.com", "ada@gmail.com", DKIMOff), ""},
		{"free mail through its own relay, signed by us too", "ada@gmail.com", account("smtp.gmail.com", "ada@gmail.com", DKIMSign), "set DKIM to off"},
		{"free mail through a sister's relay", "ada@mac.com", account("smtp.mail.me.com", "ada", DKIMOff), ""},
		{"free mail under a country's domain", "ada@yahoo.co.uk", account("smtp.mail.yahoo.com", "ada", DKIMOff), ""},
		{"free mail of a provider we know nothing else of", "ada@seznam.cz", account("smtp.seznam.cz", "ada", DKIMOff), ""},
		{"free mail through somebody else", "ada@gmail.com", account("email-smtp.eu-west-1.amazonaws.com", "AKIA", DKIMOff), "gmail.com itself"},
		{"free mail through another mailbox", "Ada@GMAIL.com", account("smtp.yandex.ru", "ada@yandex.ru", DKIMOff), "smtp.yandex.ru"},
		{"free mail through our own server", "ada@mail.ru", account("mail.example.org", "", DKIMSign), "mail.ru itself"},
		{"a domain of one's own through a mailbox", "ada@example.org", account("smtp.gmail.com", "ada@gmail.com", DKIMOff), "signs mail for gmail.com"},
		{"a domain of one's own through an account in it", "ada@example.org", account("smtp.gmail.com", "ada@example.org", DKIMOff), ""},
		{"a domain of one's own through a relay that signs", "ada@example.org", account("smtp.sendgrid.net", "apikey", DKIMOff), ""},
		{"no key", "ada@example.org", account("mail.example.org", "", DKIMSign), "no DKIM key for example.org"},
		{"no key, on this machine", "ada@example.org", account("127.0.0.1", "", DKIMSign), "no DKIM key for example.org"},
		{"free mail on this machine", "ada@gmail.com", account("localhost", "", DKIMOff), ""},
		{"free mail in the inbox", "ada@gmail.com", Relay{Kind: RelayInbox, DKIM: DKIMOff}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantFrom(t, b.CheckFrom(t.Context(), tt.relay, tt.from), tt.text)
		})
	}
}

func wantFrom(t *testing.T, err error, text string) {
	t.Helper()
	if text == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	if err == nil {
		t.Errorf("allowed; want …%s…", text)
		return
	}
	if got := wrongFields(t, err)["from_email"]; !strings.Contains(got, text) {
		t.Errorf("%q, want …%s…", got, text)
	}
}

func TestCheckFromLooksForTheKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	relay := Relay{Kind: RelaySMTP, Host: "mail.example.org", DKIM: DKIMSign, SigningProfile: "default"}
	d := b.domain(t, "example.org")
	check := func(relay Relay, text string) {
		t.Helper()
		wantFrom(t, b.CheckFrom(t.Context(), relay, "ada@Example.org"), text)
	}
	check(relay, "there is no TXT record at "+d.Keys[0].RecordName)
	check(Relay{Kind: RelayInbox, DKIM: DKIMSign, SigningProfile: "default"}, "")
	check(Relay{Kind: RelaySMTP, Host: "::1", DKIM: DKIMSign, SigningProfile: "default"}, "")
	timeout := &net.DNSError{Err: "i/o timeout", IsTimeout: true}
	b.dns.err = timeout
	check(relay, "")
	b.dns.err = nil
	b.check(t, d.ID)
	b.dns.err = timeout
	check(relay, "when it was last looked at")
	b.dns.err = nil
	b.dns.set(d.Keys[0].RecordName, "v=DKIM1; p=AAAA")
	check(relay, "another key")
	b.publish(d.Keys[0])
	check(relay, "")
	b.check(t, d.ID)
	waiting := b.addKey(t, d.ID, AlgorithmRSA2048)
	check(relay, "")
	b.dns.set(d.Keys[0].RecordName)
	b.publish(waiting)
	check(relay, d.Keys[0].RecordName)
}
