package sender

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
)

// bundle is a service on a database of its own.
type bundle struct {
	*Service
	pool *pgxpool.Pool
	dns  *zone
	logs *safeBuffer
	// inbox is what InboxAddr answers.
	inbox string
	clock *clock
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// safeBuffer collects logs of several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func testBox(t *testing.T) *secret.Box {
	t.Helper()
	box, err := secret.FromString(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, secret.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{pool: pgtest.DB(t), dns: &zone{txt: map[string][]string{}}, logs: &safeBuffer{}, clock: &clock{at: time.Now()}}
	b.Service = New(b.pool, testBox(t), Config{
		InboxAddr: func() string { return b.inbox },
		Resolver:  b.dns,
	}, slog.New(slog.NewJSONHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), b.clock.now)
	return b
}

func (b *bundle) campaign(t *testing.T, name, status string, relayID int64) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), `INSERT INTO campaigns (name, status, relay_id) VALUES ($1, $2, $3)`, name, status, relayID); err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) create(t *testing.T, in RelayInput) Relay {
	t.Helper()
	relay, err := b.CreateRelay(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return relay
}

var ignoreTimes = cmp.Options{cmpopts.IgnoreFields(Relay{}, "CreatedAt", "UpdatedAt", "ID"), cmpopts.IgnoreUnexported(Relay{})}

func TestRelayCreateUpdate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := goodRelay()
	limit := 14
	in.Limits.PerSecond, in.SigningProfile = &limit, "ses"
	relay := b.create(t, in)
	want := Relay{Name: "Main", Kind: "smtp", Host: "smtp.example.org", Port: 587, TLS: "starttls", Auth: "auto", Username: "news@example.org",
		HasPassword: true, MaxConnections: 10, MaxMessagesPerConnection: 100, Limits: Limits{PerSecond: &limit},
		Routing: Routing{Weight: 1, FromDomains: []string{}, RecipientSites: []string{}}, ReturnPath: "per_recipient", DKIM: "sign", SigningProfile: "ses", Status: "active"}
	if diff := cmp.Diff(want, relay, ignoreTimes); diff != "" {
		t.Error(diff)
	}
	in.Password, in.Limits.PerSecond, in.Port = nil, nil, 465
	relay, err := b.UpdateRelay(t.Context(), relay.ID, in)
	if err != nil {
		t.Fatal(err)
	}
	if !relay.HasPassword || relay.PerSecond != nil || relay.Port != 465 {
		t.Errorf("after the update: %+v", relay)
	}
	if got := b.opened(t, relay); got != "s3cret-passw0rd" {
		t.Errorf("the kept password opens to %q", got)
	}
	elsewhere := in
	elsewhere.Host = "smtp.example.net"
	if _, err := b.UpdateRelay(t.Context(), relay.ID, elsewhere); !errs.Is(err, errs.Invalid) {
		t.Errorf("the stored password was taken along to another server: %v", err)
	}
	in.Auth = AuthNone
	if relay, err = b.UpdateRelay(t.Context(), relay.ID, in); err != nil || relay.HasPassword || relay.Username != "" {
		t.Errorf("auth none keeps credentials: %+v, %v", relay, err)
	}
	in.Auth, in.Username = AuthPlain, "x"
	if _, err = b.UpdateRelay(t.Context(), relay.ID, in); names(wrongFields(t, err)) != "password" {
		t.Errorf("a password that is gone counts as stored: %v", err)
	}
	if _, err = b.UpdateRelay(t.Context(), 99, in); !errs.Is(err, errs.NotFound) {
		t.Errorf("update of no relay: %v", err)
	}
}

func (b *bundle) opened(t *testing.T, r Relay) string {
	t.Helper()
	got, err := b.box.Open(r.sealedPassword, secretContext(r.ID, secretPassword))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestRelayNamesAreUnique(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t, goodRelay())
	in := goodRelay()
	in.Name = "MAIN"
	_, err := b.CreateRelay(t.Context(), in)
	if !errs.Is(err, errs.Conflict) || names(wrongFields(t, err)) != "name" {
		t.Errorf("second relay of the name: %v", err)
	}
	in.Name = "Alpha"
	second := b.create(t, in)
	in.Name = "main"
	if _, err := b.UpdateRelay(t.Context(), second.ID, in); !errs.Is(err, errs.Conflict) {
		t.Errorf("renamed to a taken name: %v", err)
	}
	relays, err := b.ListRelays(t.Context())
	if err != nil || len(relays) != 2 || relays[0].Name != "Alpha" {
		t.Errorf("list: %+v, %v", relays, err)
	}
}

func TestRelayInUseCannotBeDeleted(t *testing.T) {
	t.Parallel()
	for status, inUse := range map[string]bool{"draft": false, "finished": false, "scheduled": true, "running": true, "paused": true} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			relay := b.create(t, goodRelay())
			b.campaign(t, "Spring sale", status, relay.ID)
			// A live campaign keeps its relay whatever the foreign key says about the others.
			if _, err := b.pool.Exec(t.Context(), `ALTER TABLE campaigns DROP CONSTRAINT campaigns_relay_id_fkey`); err != nil {
				t.Fatal(err)
			}
			relay, err := b.GetRelay(t.Context(), relay.ID)
			if err != nil || relay.InUse != inUse {
				t.Errorf("in use: %v, %v", relay.InUse, err)
			}
			err = b.DeleteRelay(t.Context(), relay.ID)
			if inUse && (!errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), `"Spring sale" (`+status+`)`)) {
				t.Errorf("delete: %v", err)
			}
			if !inUse && err != nil {
				t.Errorf("delete: %v", err)
			}
		})
	}
}

func TestRelayDelete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	relay := b.create(t, goodRelay())
	if err := b.DeleteRelay(t.Context(), relay.ID); err != nil {
		t.Error(err)
	}
	if err := b.DeleteRelay(t.Context(), relay.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

// someNode is the id of a process that nobody settles.
const someNode = "00000000-0000-0000-0000-000000000001"

func TestRelayPauseReasons(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, goodRelay()).ID
	look := func(relay Relay, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if relay.PauseReason == nil {
			return relay.Status
		}
		return relay.Status + " " + *relay.PauseReason
	}
	trouble := func(text string) string {
		t.Helper()
		if err := b.Trouble(t.Context(), id, someNode, text); err != nil {
			t.Fatal(err)
		}
		return look(b.GetRelay(t.Context(), id))
	}
	before, _ := b.GetRelay(t.Context(), id)
	steps := []struct{ got, want string }{
		{trouble("no route"), "active no route"},
		{trouble(""), "active"},
		{trouble("no route"), "active no route"},
		{look(b.PauseRelay(t.Context(), id, "")), "paused"},
		{look(b.PauseRelay(t.Context(), id, "535 wrong password")), "paused 535 wrong password"},
		{look(b.PauseRelay(t.Context(), id, "")), "paused 535 wrong password"},
		{trouble(""), "paused 535 wrong password"},
		{look(b.ResumeRelay(t.Context(), id)), "active"},
	}
	for i, s := range steps {
		if s.got != s.want {
			t.Errorf("step %d: %q, want %q", i, s.got, s.want)
		}
	}
	if _, err := b.PauseRelay(t.Context(), 99, ""); !errs.Is(err, errs.NotFound) {
		t.Errorf("pause of no relay: %v", err)
	}
	_ = b.Trouble(t.Context(), id, someNode, "x")
	resumed, _ := b.GetRelay(t.Context(), id)
	if !resumed.UpdatedAt.After(before.UpdatedAt) {
		t.Error("a pause does not show in updated_at")
	}
}

func TestTroubleLeavesUpdatedAt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	relay := b.create(t, goodRelay())
	if err := b.Trouble(t.Context(), relay.ID, someNode, "no route"); err != nil {
		t.Fatal(err)
	}
	after, err := b.GetRelay(t.Context(), relay.ID)
	if err != nil || !after.UpdatedAt.Equal(relay.UpdatedAt) {
		t.Errorf("%v became %v, %v", relay.UpdatedAt, after.UpdatedAt, err)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := goodRelay()
	password := *in.Password
	relay := b.create(t, in)
	domain, err := b.CreateDomain(t.Context(), DomainInput{Domain: "example.org"})
	if err != nil {
		t.Fatal(err)
	}
	in.Port = -1
	_, invalid := b.CreateRelay(t.Context(), in)
	in.Port, in.Name = 25, "main"
	_, conflict := b.CreateRelay(t.Context(), in)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, broken := b.CreateRelay(ctx, in)
	b.logger.Info("look", "relay", relay, "input", in, "domain", domain, "error", invalid)
	shown := b.logs.String()
	for _, v := range []any{relay, in, &in, domain, invalid, conflict, broken, b.Service} {
		shown += fmt.Sprintf("%v %+v %#v %s\n", v, v, v, v)
	}
	if !strings.Contains(shown, "smtp.example.org") {
		t.Error("nothing was shown, so the test shows nothing")
	}
	var stored []byte
	if err := b.pool.QueryRow(t.Context(), `SELECT password FROM relays WHERE id = $1`, relay.ID).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{password, base64.StdEncoding.EncodeToString([]byte(password)), fmt.Sprint([]byte(password))} {
		if strings.Contains(shown, hidden) || bytes.Contains(stored, []byte(hidden)) {
			t.Errorf("%q is shown or stored in the clear", hidden)
		}
	}
	var key []byte
	if err := b.pool.QueryRow(t.Context(), `SELECT private_key FROM dkim_keys`).Scan(&key); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(key, []byte{0x02, 0x01, 0x00, 0x30, 0x0d}) {
		t.Error("the private key is stored in the clear")
	}
}
