package campaigns

import (
	"testing"

	"postrider/events"
	"postrider/events/dsn"
)

// TestReportOfAForwardedMessage: a delivery is known by the address that was mailed, not by the one that it was forwarded to.
func TestReportOfAForwardedMessage(t *testing.T) {
	t.Parallel()
	parsed := dsn.Report{Kind: dsn.KindBounce, Recipients: []dsn.Recipient{
		{Address: "person@elsewhere.example", Original: "ann@example.org", Kind: dsn.KindBounce},
		{Address: "bob@example.org", Kind: dsn.KindBounce},
	}}
	got := (&Service{}).reportsOf(events.Inbound{}, parsed, nil)
	if len(got) != 2 || got[0].Address != "ann@example.org" || got[1].Address != "bob@example.org" {
		t.Errorf("the reports are about %+v", got)
	}
}
