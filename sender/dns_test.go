package sender

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
)

// zone answers from a map; names that are not in it do not exist.
type zone struct {
	mu  sync.Mutex
	txt map[string][]string
	mx  map[string][]*net.MX
	err error
}

func (z *zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.err != nil {
		return nil, z.err
	}
	if txt, ok := z.txt[name]; ok {
		return txt, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z *zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.err != nil {
		return nil, z.err
	}
	if mx, ok := z.mx[name]; ok {
		return mx, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z *zone) set(name string, txt ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.txt[name] = txt
}

func TestCheckRecord(t *testing.T) {
	t.Parallel()
	const key, at = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG", "pr1._domainkey.example.org"
	keyRecord := Record{Purpose: PurposeDKIM, Name: at, Value: key}
	spf := Record{Purpose: PurposeSPF, Name: "example.org", Value: "v=spf1 include:<x> ~all"}
	dmarc := Record{Purpose: PurposeDMARC, Name: "_dmarc.news.example.org", Value: "v=DMARC1; p=none"}
	mx := Record{Purpose: PurposeBounceMX, Name: "bounce.example.org", Value: "10 <x>"}
	tests := []struct {
		name    string
		record  Record
		txt     map[string][]string
		mx      []*net.MX
		err     error
		status  string
		message string
	}{
		{name: "key published", record: keyRecord, txt: map[string][]string{at: {"v=DKIM1; p=MIIBIjAN Bgkqhk iG;"}}, status: CheckOK},
		{name: "key missing", record: keyRecord, status: CheckMissing, message: "no TXT record at " + at},
		{name: "key under a doubled name", record: keyRecord, txt: map[string][]string{at + ".example.org": {key}}, status: CheckMissing, message: "enter the name as pr1._domainkey"},
		{name: "another key", record: keyRecord, txt: map[string][]string{at: {"v=DKIM1; p=AAAA"}}, status: CheckDifferent, message: "another key"},
		{name: "key cut off", record: keyRecord, txt: map[string][]string{at: {"v=DKIM1; p=MIIBIj"}}, status: CheckDifferent, message: "cut off"},
		{name: "key revoked", record: keyRecord, txt: map[string][]string{at: {"v=DKIM1; p="}}, status: CheckDifferent, message: "revoked"},
		{name: "key of another kind", record: keyRecord, txt: map[string][]string{at: {"v=DKIM1; k=ed25519; p=MIIBIjANBgkqhkiG"}}, status: CheckDifferent, message: "another kind"},
		{name: "key among others", record: keyRecord, txt: map[string][]string{at: {"v=DKIM1; p=AAAA", key}}, status: CheckDifferent, message: "1 other"},
		{name: "DNS down", record: keyRecord, err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}, status: CheckError, message: "no answer in time"},
		{name: "DNS broken", record: keyRecord, err: errors.New("boom"), status: CheckError, message: "could not be asked"},
		{name: "spf there", record: spf, txt: map[string][]string{"example.org": {"google-site-verification=x", "v=spf1 include:a ~all"}}, status: CheckOK},
		{name: "spf missing", record: spf, txt: map[string][]string{"example.org": {"v=spf10 x"}}, status: CheckMissing},
		{name: "spf twice", record: spf, txt: map[string][]string{"example.org": {"v=spf1 a ~all", "v=spf1 mx -all"}}, status: CheckDifferent, message: "join them"},
		{name: "spf for all", record: spf, txt: map[string][]string{"example.org": {"v=spf1 +all"}}, status: CheckDifferent, message: "everybody"},
		{name: "dmarc there", record: dmarc, txt: map[string][]string{"_dmarc.news.example.org": {"v=DMARC1;p=reject"}}, status: CheckOK, message: "p=reject"},
		{name: "dmarc of the parent", record: dmarc, txt: map[string][]string{"_dmarc.example.org": {"v=DMARC1; p=none"}}, status: CheckOK, message: "of example.org holds"},
		{name: "dmarc of the suffix does not count", record: dmarc, txt: map[string][]string{"_dmarc.org": {"v=DMARC1; p=none"}}, status: CheckMissing},
		{name: "dmarc without policy", record: dmarc, txt: map[string][]string{"_dmarc.news.example.org": {"v=DMARC1"}}, status: CheckDifferent},
		{name: "dmarc twice", record: dmarc, txt: map[string][]string{"_dmarc.news.example.org": {"v=DMARC1; p=none", "v=DMARC1; p=none"}}, status: CheckDifferent},
		{name: "mx there", record: mx, mx: []*net.MX{{Host: "mx.example.org.", Pref: 10}}, status: CheckOK},
		{name: "mx missing", record: mx, status: CheckMissing},
		{name: "null mx", record: mx, mx: []*net.MX{{Host: ".", Pref: 0}}, status: CheckDifferent, message: "takes no mail"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			z := &zone{txt: tt.txt, mx: map[string][]*net.MX{}, err: tt.err}
			if tt.mx != nil {
				z.mx["bounce.example.org"] = tt.mx
			}
			domain := "example.org"
			if tt.record.Purpose == PurposeDMARC {
				domain = "news.example.org"
			}
			c := checkRecord(t.Context(), z, domain, tt.record)
			if c.Status != tt.status || !strings.Contains(c.Message, tt.message) || c.Message == "" {
				t.Errorf("%s: %s; want %s: …%s…", c.Status, c.Message, tt.status, tt.message)
			}
			if c.Found == nil || c.Expected != tt.record.Value || c.Name != tt.record.Name {
				t.Errorf("incomplete: %+v", c)
			}
		})
	}
}
