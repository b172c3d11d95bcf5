package sender

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

func TestSiteOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"a@gmail.com": "google", "a@GoogleMail.com": "google", "a@hotmail.co.uk": "microsoft", "a@live.nl": "microsoft", "a@ya.ru": "yandex", "a@yandex.com.tr": "yandex",
		"a@bk.ru": "mailru", "a@me.com": "apple", "a@yahoo.co.jp": "yahoo", "a@web.de": "gmx", "a@example.org": "example.org", "a@Bücher.example": "xn--bcher-kva.example",
		"a@gmail.com.evil.example": "gmail.com.evil.example", "no address": "no address",
	} {
		if got := SiteOf(DomainOf(address)); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestRoutingOfARelayIsChecked(t *testing.T) {
	t.Parallel()
	in := goodRelay()
	in.FromDomains, in.RecipientSites = []string{" Example.ORG", "example.org", "Bücher.example"}, []string{"Google", "corp.example"}
	clean, err := in.clean(Relay{})
	if err != nil {
		t.Fatal(err)
	}
	want := Routing{Weight: 1, FromDomains: []string{"example.org", "xn--bcher-kva.example"}, RecipientSites: []string{"google", "corp.example"}}
	if diff := cmp.Diff(want, clean.routing()); diff != "" {
		t.Error(diff)
	}
	tooHeavy := 101
	in.Weight, in.FromDomains, in.RecipientSites = &tooHeavy, []string{"house@example.org"}, []string{"gugel"}
	_, err = in.clean(Relay{})
	if got := wrongFields(t, err); len(got) != 3 || got["weight"] == "" || got["from_domains"] == "" || got["recipient_sites"] == "" {
		t.Errorf("complaints: %v", got)
	}
}

// A relay that is not a campaign's first one is in use too.
func TestFurtherRelayOfALiveCampaignStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.create(t, goodRelay())
	in := goodRelay()
	in.Name = "Further"
	further := b.create(t, in)
	b.campaign(t, "Spring sale", "running", first.ID)
	if _, err := b.pool.Exec(t.Context(), `INSERT INTO campaign_relays (campaign_id, relay_id, position) SELECT id, $1, 2 FROM campaigns`, further.ID); err != nil {
		t.Fatal(err)
	}
	if r, err := b.GetRelay(t.Context(), further.ID); err != nil || !r.InUse {
		t.Errorf("in use: %v, %v", r.InUse, err)
	}
	if err := b.DeleteRelay(t.Context(), further.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), `"Spring sale" (running)`) {
		t.Errorf("delete: %v", err)
	}
}
