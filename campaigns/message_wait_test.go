package campaigns

import (
	"testing"
	"time"
)

// TestAMessageInDoubtIsSentAgain also when it had expired before somebody decided so, and others came after it.
func TestAMessageInDoubtIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, paused := range map[string]bool{"at once": false, "when its stream goes on": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tmpl := b.template()
			b.exec(`UPDATE relays SET status = 'paused', updated_at = now()`)
			old := b.sendMessage(receipt(tmpl, "ann@example.net"))
			b.exec(`UPDATE deliveries SET state = 6, attempts = 1, first_tried_at = now() WHERE campaign_id = $1`, old.CampaignID)
			b.exec(`UPDATE relays SET status = 'active', updated_at = now()`)
			b.clock.advance(25 * time.Hour)
			must(t, b.tick(t.Context()))
			b.awaitMessage(b.sendMessage(receipt(tmpl, "bob@example.net")).ID, Sent)
			if paused {
				_, err := b.Pause(t.Context(), old.CampaignID, "")
				must(t, err)
			}
			if n, err := b.ResolveUnconfirmed(t.Context(), old.CampaignID, PolicyResend); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			if paused {
				_, err := b.Resume(t.Context(), old.CampaignID)
				must(t, err)
			}
			m := b.awaitMessage(old.ID, Sent)
			if left := m.ExpiresAt.Sub(b.clock.now()); left < 23*time.Hour || left > 24*time.Hour {
				t.Errorf("it has %s", left)
			}
		})
	}
}

// TestAMessageInDoubtIsGivenUp when nothing takes it within a day after somebody wanted it sent again.
func TestAMessageInDoubtIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`UPDATE relays SET status = 'paused', updated_at = now()`)
	old := b.sendMessage(receipt(b.template(), "ann@example.net"))
	b.exec(`UPDATE deliveries SET state = 6, attempts = 1, first_tried_at = now() WHERE campaign_id = $1`, old.CampaignID)
	b.clock.advance(25 * time.Hour)
	must(t, b.tick(t.Context()))
	if n, err := b.ResolveUnconfirmed(t.Context(), old.CampaignID, PolicyResend); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	b.awaitMessage(old.ID, Queued)
	b.clock.advance(25 * time.Hour)
	b.awaitMessage(old.ID, Failed)
}
