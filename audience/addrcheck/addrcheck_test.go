package addrcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postrider/internal/addr"
)

var all = Options{Typos: true, Roles: true, Disposable: true}

func kinds(flags []Flag) string {
	var out []string
	for _, f := range flags {
		out = append(out, string(f.Kind))
	}
	return strings.Join(out, " ")
}

func TestTypos(t *testing.T) {
	t.Parallel()
	c := New(all)
	for wrong, right := range map[string]string{
		"gmial.com": "gmail.com", "gmai.com": "gmail.com", "gmaill.com": "gmail.com", "gmail.con": "gmail.com", "gmail.co": "gmail.com", "gmsil.com": "gmail.com", "ggmail.com": "gmail.com", "gnail.com": "gmail.com",
		"hotmial.com": "hotmail.com", "hotmaik.com": "hotmail.com", "hotmaul.fr": "hotmail.fr", "ohtmail.com": "hotmail.com", "hotmal.co.uk": "hotmail.co.uk",
		"outlok.com": "outlook.com", "outloook.de": "outlook.de", "outlokk.com": "outlook.com", "yaho.com": "yahoo.com", "yahooo.fr": "yahoo.fr", "yajoo.com": "yahoo.com", "yahoo.cm": "yahoo.com",
		"yandx.ru": "yandex.ru", "yandes.ru": "yandex.ru", "yandex.ry": "yandex.ru", "ramblet.ru": "rambler.ru", "mail.ry": "mail.ru", "mial.ru": "mail.ru", "iclod.com": "icloud.com", "icloid.com": "icloud.com",
		"protonmial.com": "protonmail.com", "t-onlin.de": "t-online.de", "freent.de": "freenet.de", "wandaoo.fr": "wanadoo.fr", "comacst.net": "comcast.net", "gmx.ed": "gmx.de",
		"company.con": "company.com", "some.company.comm": "some.company.com", "verein.rog": "verein.org", "firma.dee": "firma.de",
	} {
		flags := c.Flags("ann@" + wrong)
		if kinds(flags) != "typo" || flags[0].Suggestion != "ann@"+right || !strings.Contains(flags[0].Text, right) {
			t.Errorf("%s: %+v, want %s", wrong, flags, right)
		}
		if again := c.Flags("ann@" + right); len(again) != 0 {
			t.Errorf("%s is suggested, and flagged itself: %+v", right, again)
		}
	}
}

// Domains that are real and look like large ones pass.
func TestRealDomainsPass(t *testing.T) {
	t.Parallel()
	c := New(all)
	for d := range strings.FieldsSeq(`gmail.com ymail.com mail.com email.com gmx.net gmx.com gmx.at yandex.com yandex.kz ya.ru live.com live.nl msn.com aol.com me.com mac.com web.de qq.com 163.com mail.ru bk.ru list.ru
		inbox.ru inbox.lv internet.ru rocketmail.com hotmail.fr hotmail.co.uk outlook.fr yahoo.co.jp googlemail.com protonmail.ch proton.me pm.me hey.com zoho.com orange.fr orange.com free.fr laposte.net wp.pl o2.pl onet.pl
		interia.pl seznam.cz email.cz centrum.sk libero.it virgilio.it tin.it alice.it ukr.net i.ua meta.ua abv.bg mail.bg naver.com daum.net rediffmail.com btinternet.com comcast.net verizon.net att.net cox.net charter.net
		hotmail.ca hmail.com zmail.com fastmail.fm fastmail.com t-online.de arcor.de freenet.de vodafone.de posteo.de mailbox.org tutanota.com tuta.io bluewin.ch telenet.be skynet.be ziggo.nl kpnmail.nl xs4all.nl
		example.com example.org company.co company.com.co startup.cm oman.om somewhere.io my.shop a.museum bücher.example yandex-team.ru corp.mail.ru outlook.live.com student.uni-ulm.de mailman.org gmbh.de golem.de
		hotmaster.com cloud.com iclub.com outlet.com outdoor.com yahweh.com yang.com gomail.example rammler.de wanted.fr freenode.net orangery.fr seznam.sk gmat.com hotwall.com hotel.com outback.com xn--80a1acny.xn--p1ai`) {
		a, err := addr.Normalize("ann@" + d)
		if err != nil {
			t.Fatal(d, err)
		}
		if flags := c.Flags(a.Key); len(flags) > 0 {
			t.Errorf("%s: %+v", d, flags)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	c := New(all)
	for local, want := range map[string]bool{
		"info": true, "noreply": true, "no-reply": true, "info+news": true, "support2": true, "postmaster": true, "kontakt": true, "contacto": true, "buchhaltung": true, "инфо": true, "ventas": true,
		"ann": false, "informatik.ann": false, "infobert": false, "salesman": false, "ann.support": false, "info.ann": false, "123": false, "a+info": false, "sale": false, "info2024": false, "": false,
	} {
		if got := kinds(c.Flags(local + "@example.org")); (got == "role") != want {
			t.Errorf("%s@: %q", local, got)
		}
	}
}

func TestDisposable(t *testing.T) {
	t.Parallel()
	c := New(Options{Typos: true, Roles: true, Disposable: true, ExtraDisposable: []string{"@Throw.Example", "müll.example"}, Fine: []string{"yopmail.com", "gmial.com"}})
	for domain, want := range map[string]string{
		"mailinator.com": "disposable", "x.mailinator.com": "disposable", "guerrillamail.info": "disposable", "throw.example": "disposable", "xn--mll-hoa.example": "disposable",
		"notmailinator.com": "", "yopmail.com": "", "gmial.com": "", "com": "", "example.org": "",
	} {
		if got := kinds(c.Flags("ann@" + domain)); got != want {
			t.Errorf("%s: %q, want %q", domain, got, want)
		}
	}
	if got := kinds(c.Flags("info@mailinator.com")); got != "disposable role" {
		t.Errorf("two flags: %q", got)
	}
	if got := New(Options{}).Flags("info@mailinator.com"); got != nil {
		t.Errorf("nothing is looked for: %+v", got)
	}
	if got := c.Flags("nothing"); got != nil {
		t.Errorf("no address: %+v", got)
	}
}

func TestListsAreInOrder(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{"roles": roleList, "disposable": disposableList} {
		seen := map[string]bool{}
		for line := range strings.Lines(list) {
			entry := strings.TrimSpace(line)
			if seen[entry] || entry[0] != '#' && entry != strings.ToLower(entry) {
				t.Errorf("%s: %q is there twice or not in small letters", name, entry)
			}
			seen[entry] = true
		}
		if len(seen) < 100 {
			t.Errorf("%s: only %d entries", name, len(seen))
		}
	}
	c := New(all)
	for wrong, right := range c.typos {
		if c.known[wrong] || !c.known[right] {
			t.Errorf("%s is said to be a misspelt %s, but one of them is otherwise known", wrong, right)
		}
	}
}

// zone is a DNS for tests. Names end in a dot; "fail" answers nothing.
type zone struct {
	mx    map[string]string
	hosts map[string]bool
	asked atomic.Int64
	now   atomic.Int64 // lookups that run
	most  atomic.Int64
	gate  chan struct{}
}

func (z *zone) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	z.asked.Add(1)
	z.most.Store(max(z.most.Load(), z.now.Add(1)))
	defer z.now.Add(-1)
	if z.gate != nil {
		select {
		case <-z.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	switch server, ok := z.mx[name]; {
	case server == "fail":
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	case ok:
		return []*net.MX{{Host: server}}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z *zone) LookupHost(_ context.Context, name string) ([]string, error) {
	if z.hosts[name] {
		return []string{"192.0.2.1"}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestMX(t *testing.T) {
	t.Parallel()
	z := &zone{mx: map[string]string{"good.example.": "mx.good.example.", "null.example.": ".", "fail.example.": "fail"}, hosts: map[string]bool{"host.example.": true}}
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	m := NewMX(z, func() time.Time { return now })
	domains := []string{"good.example", "null.example", "fail.example", "host.example", "none.example", "none.example"}
	if err := m.Ask(t.Context(), domains); err != nil {
		t.Fatal(err)
	}
	for domain, want := range map[string]string{
		"good.example": "", "null.example": "says that it takes no mail", "fail.example": "", "host.example": "", "none.example": "no mail server", "never.asked": "",
	} {
		f, ok := m.Flag(domain)
		if ok != (want != "") || !strings.Contains(f.Text, want) || ok && f.Kind != NoMX {
			t.Errorf("%s: %+v, %v", domain, f, ok)
		}
	}
	asked := z.asked.Load()
	if asked != 5 {
		t.Errorf("%d questions for 5 domains", asked)
	}
	if err := m.Ask(t.Context(), domains); err != nil || z.asked.Load() != asked+1 {
		t.Errorf("asked again: %d questions more, want only the one that had no answer (%v)", z.asked.Load()-asked, err)
	}
	now = now.Add(mxFor + time.Minute)
	if _, ok := m.Flag("none.example"); ok {
		t.Error("an old answer is believed")
	}
}

func TestMXAsksFewAtOnceAndEnds(t *testing.T) {
	t.Parallel()
	z := &zone{gate: make(chan struct{})}
	m := NewMX(z, time.Now)
	var domains []string
	for i := range 100 {
		domains = append(domains, fmt.Sprintf("d%d.example", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	var err error
	wait.Go(func() { err = m.Ask(ctx, domains) })
	for range 40 {
		z.gate <- struct{}{}
	}
	cancel()
	wait.Wait()
	if !errors.Is(err, context.Canceled) || z.most.Load() > mxAtOnce || z.asked.Load() > 40+mxAtOnce {
		t.Errorf("%v; %d at once, %d asked", err, z.most.Load(), z.asked.Load())
	}
}

func FuzzFlags(f *testing.F) {
	f.Add("ann@gmial.com")
	f.Add("info@x.mailinator.com")
	c := New(all)
	f.Fuzz(func(t *testing.T, s string) {
		first, again := c.Flags(s), c.Flags(s)
		if !slices.Equal(first, again) {
			t.Fatalf("%q: %v, then %v", s, first, again)
		}
		for _, flag := range first {
			if !flag.Kind.Valid() || flag.Text == "" {
				t.Fatalf("%q: %+v", s, flag)
			}
		}
	})
}

func BenchmarkFlags(b *testing.B) {
	c := New(all)
	for _, a := range []string{"some.body@gmail.com", "some.body@example.org", "ann@gmial.com", "info@example.org"} {
		b.Run(a, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Flags(a)
			}
		})
	}
	b.Run("new domains", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			c.meant("example.com")
		}
	})
}
