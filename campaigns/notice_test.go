package campaigns

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

func TestNoticesAreSentAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := Notice{To: []string{"ann@example.org"}, Subject: "To do {{ subscriber.email }}", Text: "Finish {% it %} by noon.", FromName: "House", FromEmail: "house@example.org", RelayIDs: []int64{b.relay.ID}}
	results, err := b.SendNotice(t.Context(), n)
	must(t, err)
	if len(results) != 1 || !results[0].OK {
		t.Fatalf("%+v", results)
	}
	raw := b.messages()["ann@example.org"]
	if !strings.Contains(raw, "Subject: To do { { subscriber.email }}") || !strings.Contains(raw, "Finish { % it %} by noon.") {
		t.Errorf("the notice:\n%s", raw)
	}
	n.RelayIDs = nil
	if _, err := b.SendNotice(t.Context(), n); !errs.Is(err, errs.Invalid) {
		t.Errorf("without a relay: %v", err)
	}
}

func TestStartTogetherWithSomethingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	c := b.draft()
	no := errors.New("no")
	if _, err := b.StartAlso(t.Context(), c.ID, func(pgx.Tx, Campaign) error { return no }); !errors.Is(err, no) {
		t.Fatal(err)
	}
	if c, err := b.Get(t.Context(), c.ID); err != nil || c.Status != StatusDraft {
		t.Fatalf("the campaign is %s (%v), though what belongs to its start was not to be had", c.Status, err)
	}
	c, err := b.StartAlso(t.Context(), c.ID, func(tx pgx.Tx, was Campaign) error {
		if !was.UpdatedAt.Equal(c.UpdatedAt) || was.Status != StatusDraft {
			t.Errorf("it is started as %+v, want it as it was", was)
		}
		_, err := tx.Exec(t.Context(), `UPDATE campaigns SET name = 'also' WHERE id = $1`, c.ID)
		return err
	})
	must(t, err)
	if c.Name != "also" || c.Status != StatusRunning {
		t.Errorf("%s is %s", c.Name, c.Status)
	}
	b.awaitFinished(c.ID)
}
