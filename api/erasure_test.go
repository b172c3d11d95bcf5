package api

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// impersonal are the tables in which nothing about recipients can be: what the owner of the installation writes, and the machinery. Whoever adds a table adds it here, or to
// what fills the database in TestErasureLeavesNothing.
var impersonal = strings.Fields(`users sessions api_keys login_attempts settings lists fields campaigns campaign_lists campaign_relays campaign_contents campaign_counts campaign_minutes
	campaign_stats templates template_versions relay_rates relay_slots relay_usage relay_claims relay_hours relay_site_claims sites site_limits nodes sending_domains domain_usage domain_claims dkim_keys
	mailboxes mailbox_usage webhook_sources webhook_topics webhook_seen webhook_endpoints import_chunks import_ranges list_counts erasures goose_db_version bulk_people bulk_kept
	newsletters newsletter_lists newsletter_segments newsletter_relays newsletter_issues newsletter_log newsletter_items newsletter_issue_items newsletter_slugs
	campaign_acknowledgements forms form_lists form_refusals list_confirmations campaign_segments campaign_excluded_lists campaign_exclusions suppressed_people list_suppressed
	suppressed_counted subscriber_search_backlog fetched_documents source_copies newsletter_clock media_files media_leftovers media_storages river_client river_client_queue river_job river_leader river_migration river_notification river_queue campaign_gates campaign_ab_tests campaign_variants campaign_ab_decisions sending_stops message_streams`)

const (
	gone  = "Ann.Uebel@Exämple.net"
	key   = "ann.uebel@xn--exmple-cua.net"
	other = "bob@example.net"
)

// fill puts something about the person into every place that can hold it. The placeholders are the number of the person and of the list.
const fillSQL = `
	INSERT INTO relays (id, name, kind, host, port, tls, auth, pause_reason, blocked_reason) OVERRIDING SYSTEM VALUE
		VALUES (70, 'r', 'smtp', 'h', 25, 'none', 'none', 'a message came back: 550 {mail}', '452 {key}');
	INSERT INTO campaigns (id, name, status, subject, recipients, started_at) OVERRIDING SYSTEM VALUE VALUES (7, 'c', 'finished', 's', 3, now()), (8, 'd', 'running', 's', 1, now());
	INSERT INTO segments (id, name, definition) OVERRIDING SYSTEM VALUE VALUES (7, 's', '{"any": [{"op": "is", "type": "email", "value": "{mail}"}, {"op": "is_any", "type": "email", "values": ["bob@example.net", "{key}"]}]}');
	INSERT INTO campaign_selections (campaign_id, selection) SELECT 7, jsonb_build_object('segments', jsonb_build_array(definition)) FROM segments;
	INSERT INTO campaign_preflights (campaign_id, content_hash, report, sampled, ran_at, ran_by) VALUES (7, '', '{"links": [{"url": "https://x.example/?for={mail}"}]}', '{{id}}', now(), 'a');
	INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, state, reply_text) VALUES (7, 1, {id}, '{mail}', 4, '550 <{mail}> unknown'), (7, 2, 990, 'bob@example.net', 2, 'ok'),
		(7, 3, 991, lower('{mail}'), 2, 'ok'), (8, 1, {id}, '{mail}', 3, '450 {key} later');
	INSERT INTO campaign_counts (campaign_id, backend, sent, bounced, deferred) VALUES (7, 0, 2, 1, 0), (8, 0, 0, 0, 1);
	INSERT INTO delivery_attempts (campaign_id, seq, attempt, outcome, reply_text, reason, fault) VALUES (7, 1, 1, 'bounced', '550 <{mail}>', 'user_unknown', 'recipient');
	INSERT INTO exclusions (campaign_id, subscriber_id, email, reason) VALUES (8, {id}, '{mail}', 'suppressed');
	INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, detail, user_agent, actor) VALUES (now(), 'open', 7, 1, {id}, 'for {key}', 'Mail of {key}', 'human'), (now(), 'bounce', 7, 1, {id}, '550 {key}', NULL, NULL);
	INSERT INTO reports (key, source, kind, at, campaign_id, seq, subscriber_id, address, diagnostic, action, raw) VALUES ('message 1 {mail}', 's', 'bounce', now(), 7, 1, {id}, '{mail}', 'x {mail}', 'none', 'To: {mail}\000\374'),
		('message 2 {key}', 's', 'bounce', now(), NULL, NULL, NULL, '{mail}', NULL, 'unmatched', NULL);
	INSERT INTO unsubscribes (at, subscriber_id, campaign_id, seq, source, everything, list_ids, was, comment) VALUES (now(), {id}, 7, 1, 'link', false, '{}', '{}', 'I am {mail}'),
		(now(), 990, 7, 2, 'link', false, '{}', '{}', 'write to {mail} instead');
	INSERT INTO suppressions (email_key, reason, source, detail) VALUES ('{key}', 'manual', 'admin', 'is {mail}'), ('bob@example.net', 'manual', 'admin', 'now {mail}');
	INSERT INTO webhook_outbox (type, subscriber_id, source) VALUES ('x', {id}, '{}'), ('x', NULL, '{"to": "{mail}"}');
	INSERT INTO webhook_endpoints (id, url) OVERRIDING SYSTEM VALUE VALUES (7, 'https://x.example');
	INSERT INTO webhook_messages (id, endpoint_id, message_id, type, payload, status) OVERRIDING SYSTEM VALUE VALUES (7, 7, 'm1', 'x', '{"email": "{mail}"}', 'failed'), (8, 7, 'm2', 'x', '{}', 'failed');
	INSERT INTO webhook_attempts (message_id, attempt, at, duration_ms, reply) VALUES (8, 1, now(), 1, 'thanks for {mail}');
	INSERT INTO mailboxes (id, name, protocol, host, port, tls, auth, username, after_taken, poll_minutes) OVERRIDING SYSTEM VALUE VALUES (7, 'm', 'imap', 'h', 993, 'implicit', 'password', 'u', 'leave', 5);
	INSERT INTO mailbox_messages (mailbox_id, uid, state, error) VALUES (7, 'u', 'stuck', 'cannot read {mail}');
	INSERT INTO inbox_messages (mail_from, rcpt_to, subject, message_id, size, raw) VALUES ('b@x.example', ARRAY['{mail}'], 'Dear Ann', 'm', 1, 'To: {mail}');
	INSERT INTO relay_pace (relay_id, connections, rest_until, rests, reason, reply, changed_at) VALUES (70, 1, now(), 0, 'r', '421 {mail}', now());
	INSERT INTO relay_pace_changes (relay_id, change, reply) VALUES (70, 'slower', '421 {mail}');
	INSERT INTO relay_sites (relay_id, site, reply) VALUES (70, 's', '421 {key}');
	INSERT INTO imports (id, list_id, filename, status, columns) OVERRIDING SYSTEM VALUE VALUES (7, {list}, 'f.csv', 'done', '[{"index": 0, "header": "email", "samples": ["{mail}"]}, {"index": 1, "header": "name", "samples": ["Xyzzy Übel"]}]');
	INSERT INTO import_errors (import_id, row, column_name, value, reason, record) VALUES (7, 2, 'city', 'x', 'r', ARRAY['{mail}', 'Xyzzy Übel']);
	INSERT INTO import_samples (import_id, kind, row, email, before) VALUES (7, 'updated', 2, '{mail}', '{"name": "Xyzzy Übel"}');
	INSERT INTO import_changes (import_id, subscriber_id, before, after) VALUES (7, {id}, '{"name": "Xyzzy Übel"}', '{}');
	INSERT INTO import_kept (import_id, subscriber_id, email, what, reason) VALUES (7, {id}, '{mail}', 'name', 'r');
	INSERT INTO bulk_actions (id, action, params, selection, status, created_by, source, total, created_at) OVERRIDING SYSTEM VALUE
		VALUES (7, 'suppress', '{"note": "ask {mail}"}', '{"search": "{key}"}', 'done', 'a', 'admin', 1, now());
	INSERT INTO signups (source, subscriber_id, list_ids, email, email_key, name, mailbox_key, state, evidence) VALUES ('form', {id}, '{{list}}', '{mail}', '{key}', 'Xyzzy Übel', '{key}', 'sent', '{"note": "{mail}", "ip": "192.0.2.99"}'),
		('form', NULL, '{{list}}', '{mail}', '{key}', '', '{key}', 'expired', '{}');
	INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after) VALUES (7, 995, '{}', '{"suppression": {"email_key": "{key}"}}'), (7, {id}, '{}', '{"suppression": {"email_key": "{key}"}}'), (7, 992, '{"subscriber": {"email_key": "{key}", "name": "Xyzzy Übel"}}', '{}');
	INSERT INTO messages (campaign_id, seq, subscriber_id, to_name, data, tags, expires_at, created_at) VALUES (7, 1, {id}, 'Xyzzy Übel', '{"mail": "{mail}"}', ARRAY['{key}'], now(), now()),
		(7, 2, 990, '', '{"invited": [{"by": "{mail}"}]}', '{}', now(), now());
	INSERT INTO message_requests (principal, key, hash, answer, created_at) VALUES ('key:1', 'welcome {key}', '\000', '[]', now()), ('key:1', 'k', '\000', '[{"subscriber_id": {id}}]', now());
	INSERT INTO subscription_history (list_id, subscriber_id, status, source, evidence, since, until) VALUES ({list}, {id}, 'unconfirmed', 'form', '{"ip": "192.0.2.99", "note": "{mail}"}', now(), now())`

// meanwhileSQL has rows written when the person goes, as by a transaction that had begun before.
const meanwhileSQL = `
	CREATE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO exclusions (campaign_id, subscriber_id, email, reason) VALUES (7, OLD.id, '{mail}', 'suppressed');
		INSERT INTO webhook_messages (endpoint_id, message_id, type, payload, status) VALUES (7, 'm3', 'x', '{"email": "{mail}"}', 'failed');
		INSERT INTO import_samples (import_id, kind, row, email) VALUES (7, 'updated', 3, '{mail}');
		INSERT INTO reports (key, source, kind, at, address, action) VALUES ('message 3', 's', 'bounce', now(), '{mail}', 'unmatched');
		RETURN NULL;
	END $$;
	CREATE TRIGGER meanwhile AFTER DELETE ON subscribers FOR EACH ROW EXECUTE FUNCTION meanwhile()`

// texts gives, by "table.column", in how many rows of the database something of the needles is found.
func (b *bundle) texts(t *testing.T, needles ...string) map[string]int {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
		JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
		WHERE c.table_schema = 'public' AND c.data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY') ORDER BY 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Table, Column, Type string }])
	if err != nil {
		t.Fatal(err)
	}
	if len(columns) < 100 {
		t.Fatalf("only %d columns were found", len(columns))
	}
	found := map[string]int{}
	for _, c := range columns {
		text := fmt.Sprintf("lower(%q::text)", c.Column)
		if c.Type == "bytea" {
			text = fmt.Sprintf("lower(encode(%q, 'escape'))", c.Column)
		}
		var n int
		sql := fmt.Sprintf("SELECT count(*) FROM %q WHERE EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(lower(a) IN %s) > 0 OR position(lower(encode(convert_to(a, 'UTF8'), 'escape')) IN %s) > 0)",
			c.Table, text, text)
		if err := b.pool.QueryRow(t.Context(), sql, needles).Scan(&n); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if n > 0 {
			found[c.Table+"."+c.Column] = n
		}
		known := slices.Contains(impersonal, c.Table)
		if !known && !strings.Contains(fillSQL, "INTO "+c.Table+" ") && !slices.Contains([]string{"subscribers", "subscriptions", "subscriber_search", "suppression_log", "idempotency_keys"}, c.Table) {
			t.Errorf("nobody has said what becomes of %s.%s when a person is erased", c.Table, c.Column)
		}
	}
	return found
}

func TestErasureLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	list := c.post("/lists", `{"name":"News"}`).want(201).id()
	id := c.post("/subscribers", fmt.Sprintf(`{"email":%q,"name":"Xyzzy Übel","attributes":{"city":"Ploughville"},"list_ids":[%d]}`, gone, list), header("Idempotency-Key", "k1")).want(201).id()
	c.post("/subscribers", fmt.Sprintf(`{"email":%q,"name":"Bob","list_ids":[%d]}`, other, list)).want(201)
	c.put(fmt.Sprint("/subscribers/", id, "/subscriptions/", list), `{"status":"unconfirmed"}`).want(200)
	sql := strings.NewReplacer("{id}", fmt.Sprint(id), "{list}", fmt.Sprint(list), "{mail}", gone, "{key}", key).Replace(fillSQL)
	if _, err := b.pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	// What others write while the erasure goes on, behind those who have looked at their tables already.
	if _, err := b.pool.Exec(t.Context(), strings.ReplaceAll(meanwhileSQL, "{mail}", gone)); err != nil {
		t.Fatal(err)
	}
	needles := []string{gone, key, "Xyzzy", "Ploughville", "192.0.2.99"}
	before := b.texts(t, needles...)
	for _, place := range strings.Fields(`subscribers.email subscribers.email_key subscribers.name subscribers.attributes subscriber_search.text deliveries.email deliveries.reply_text delivery_attempts.reply_text
		exclusions.email events.detail events.user_agent reports.address reports.key reports.raw unsubscribes.comment suppressions.email_key suppression_log.email_key suppressions.detail webhook_outbox.source
		webhook_messages.payload webhook_attempts.reply mailbox_messages.error inbox_messages.rcpt_to relay_pace.reply relay_pace_changes.reply relay_sites.reply imports.columns import_errors.record
		import_samples.email import_changes.before import_kept.email bulk_actions.params bulk_actions.selection bulk_changes.before subscription_history.evidence idempotency_keys.body
		relays.pause_reason relays.blocked_reason segments.definition campaign_selections.selection signups.evidence campaign_preflights.report messages.data messages.to_name messages.tags message_requests.key`) {
		if before[place] == 0 {
			t.Errorf("the test puts nothing into %s", place)
		}
	}
	states := `SELECT string_agg(concat_ws(' ', campaign_id, queued, claimed, sent, deferred, bounced, failed, unconfirmed, skipped), '|' ORDER BY campaign_id) FROM (
		SELECT campaign_id, sum(queued) queued, sum(claimed) claimed, sum(sent) sent, sum(deferred) deferred, sum(bounced) bounced, sum(failed) failed, sum(unconfirmed) unconfirmed, sum(skipped) skipped
		FROM campaign_counts GROUP BY campaign_id) c`
	var e erasureJSON
	c.post("/erasures", `{"email":" ANN.UEBEL@EXÄMPLE.net "}`).want(201).keys("", "erased_at places").json(&e)
	if after := b.texts(t, needles...); len(after) > 0 {
		t.Errorf("left: %v", after)
	}
	var requests int
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM message_requests`).Scan(&requests); err != nil || requests != 0 {
		t.Errorf("%d requests, %v", requests, err)
	}
	var names []string
	for _, p := range e.Places {
		names = append(names, p.Name)
	}
	want := strings.Split("deliveries,events,webhooks,mailboxes,relays,answers,imports,bulk actions,sign-ups,segments,unsubscribes,suppressions,subscriptions,subscribers", ",")
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	// The figures stay, but for what was still to be sent.
	var got string
	if err := b.pool.QueryRow(t.Context(), states).Scan(&got); err != nil || got != "7 0 0 2 0 1 0 0 0|8 0 0 0 0 0 0 0 1" {
		t.Errorf("%s, %v", got, err)
	}
	var events, opens int
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE kind = 'open' AND actor = 'human') FROM events`).Scan(&events, &opens); err != nil || events != 2 || opens != 1 {
		t.Errorf("%d events, %d opens, %v", events, opens, err)
	}
	// Others are who they were.
	if text := b.texts(t, other); text["deliveries.email"] != 1 || text["subscribers.email"] != 1 || text["suppressions.email_key"] != 1 {
		t.Errorf("of somebody else: %v", text)
	}

	for _, email := range []string{gone, key} {
		if p := c.post("/subscribers", fmt.Sprintf(`{"email":%q}`, email)).problem(409); !slices.Equal(p.locations(), []string{"body.email"}) || !strings.Contains(p.Detail, "erased") {
			t.Errorf("%+v", p)
		}
	}
	c.post("/suppressions", fmt.Sprintf(`{"email":%q}`, gone)).problem(409)
	if after := b.texts(t, needles...); len(after) > 0 {
		t.Errorf("written again: %v", after)
	}
	c.get("/erasures").want(200).keys("items.0", "erased_at erased_by")
	c.post("/erasures", `{"email":"nobody@example.net"}`).want(201)
	c.post("/erasures", `{"email":"nobody"}`).problem(400)
}

func TestErasureWaitsForMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	id := c.post("/subscribers", `{"email":"ann@example.net"}`).want(201).id()
	exec := func(sql string) {
		t.Helper()
		if _, err := b.pool.Exec(t.Context(), strings.ReplaceAll(sql, "{id}", fmt.Sprint(id))); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO campaigns (id, name, status, freeze_after) OVERRIDING SYSTEM VALUE VALUES (7, 'News', 'running', 5)`)
	if p := c.post("/erasures", `{"email":"ann@example.net"}`).problem(409); !strings.Contains(p.Detail, "News") {
		t.Errorf("%+v", p)
	}
	exec(`UPDATE campaigns SET freeze_after = NULL`)
	exec(`INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, state) VALUES (7, 1, {id}, 'ann@example.net', 1)`)
	if p := c.post("/erasures", `{"email":"ann@example.net"}`).problem(409); !strings.Contains(p.Detail, "on its way") {
		t.Errorf("%+v", p)
	}
	c.get(fmt.Sprint("/subscribers/", id)).want(200)
	exec(`UPDATE deliveries SET state = 2`)
	c.post("/erasures", `{"email":"ann@example.net"}`).want(201)
	c.get(fmt.Sprint("/subscribers/", id)).problem(404)
}

func TestExportHasEverything(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	list := c.post("/lists", `{"name":"News"}`).want(201).id()
	id := c.post("/subscribers", fmt.Sprintf(`{"email":%q,"name":"<script>alert(1)</script>","attributes":{"city":"=cmd()"},"list_ids":[%d]}`, gone, list)).want(201).id()
	sql := strings.NewReplacer("{id}", fmt.Sprint(id), "{list}", fmt.Sprint(list), "{mail}", gone, "{key}", key).Replace(fillSQL)
	if _, err := b.pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprint("/subscribers/", id, "/export")
	var data map[string]json.RawMessage
	c.get(at).want(200).json(&data)
	// Each table that holds something of them is a section of the export, or there is a reason why not.
	sections := map[string]string{"deliveries": "messages", "delivery_attempts": "attempts", "exclusions": "left_out", "events": "events", "reports": "reports", "unsubscribes": "unsubscribes",
		"suppressions": "suppressions", "import_changes": "imports", "bulk_changes": "bulk_actions", "signups": "signups", "messages": "message_data", "subscription_history": "earlier_subscriptions"}
	none := map[string]string{"relays": "what a server said", "relay_pace": "what a server said", "relay_pace_changes": "what a server said", "relay_sites": "what a server said",
		"campaigns": "of all", "campaign_counts": "of all", "campaign_selections": "what the owner asked for", "segments": "what the owner asked for", "bulk_actions": "what the owner asked for",
		"webhook_outbox": "a copy that waits to be sent", "webhook_messages": "a copy that was sent", "webhook_attempts": "what another program said", "webhook_endpoints": "of the owner",
		"mailboxes": "of the owner", "mailbox_messages": "nobody could read it", "inbox_messages": "a copy of the message", "imports": "a file of many", "import_errors": "rows that were not taken",
		"message_requests": "numbers", "import_samples": "a copy of what is in the changes", "import_kept": "what was not changed",
		"campaign_preflights": "a copy of what a message would hold"}
	for _, m := range regexp.MustCompile(`INSERT INTO (\w+)`).FindAllStringSubmatch(fillSQL, -1) {
		if sections[m[1]] == "" && none[m[1]] == "" {
			t.Errorf("nobody has said where the export has what is in %s", m[1])
		}
	}
	wanted := []string{"person", "fields", "subscriptions", "suppression_log"}
	for _, section := range sections {
		wanted = append(wanted, section)
	}
	for _, section := range wanted {
		if len(data[section]) < 5 {
			t.Errorf("%s: %s", section, data[section])
		}
	}
	if !strings.Contains(string(data["signups"]), "192.0.2.99") || !strings.Contains(string(data["signups"]), "Xyzzy") {
		t.Errorf("sign-ups: %s", data["signups"])
	}
	if !strings.Contains(string(data["fields"]), "=cmd()") || !strings.Contains(string(data["reports"]), "To: Ann.Uebel@Ex") || !strings.Contains(string(data["reports"]), `\u0000ü`) {
		t.Errorf("%s %s", data["fields"], data["reports"])
	}
	body := c.get(at + "?format=zip").want(200).Body.Bytes()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	if len(files) != 18 || !strings.Contains(files["fields.csv"], "'=cmd()") && !strings.Contains(files["fields.csv"], `=cmd()""`) {
		t.Errorf("%d files; %s", len(files), files["fields.csv"])
	}
	if page := files["read-me.html"]; strings.Contains(page, "<script>") || !strings.Contains(page, "&lt;script&gt;") || !strings.Contains(page, "550 &lt;") {
		t.Errorf("the page: %s", page)
	}
	c.get("/subscribers/999/export").problem(404)
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	list := c.post("/lists", `{"name":"News"}`).want(201).id()
	id := c.post("/subscribers", fmt.Sprintf(`{"email":%q,"list_ids":[%d]}`, gone, list)).want(201).id()
	sql := strings.NewReplacer("{id}", fmt.Sprint(id), "{list}", fmt.Sprint(list), "{mail}", gone, "{key}", key).Replace(fillSQL)
	if _, err := b.pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE subscribers SET import_id = 7, frequency = 'weekly', frequency_at = now(), frequency_source = 'page',
		paused_until = now() + interval '9 days', paused_at = now(), paused_source = 'page' WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
	c.post("/suppressions", `{"email":"@exämple.net"}`).want(201)
	at := fmt.Sprint("/subscribers/", id, "/timeline")
	keys := "kind at ref status source reason detail actor campaign_id campaign_name seq message url list_id list_name import_id import_name bulk_id evidence address"
	var all pageJSON[momentJSON]
	c.get(at+"?limit=200").want(200).keys("", "items next_cursor").keys("items.0", keys).json(&all)
	kinds := map[string]int{}
	for i, m := range all.Items {
		kinds[m.Kind]++
		if i > 0 && m.At.After(all.Items[i-1].At) {
			t.Errorf("%s is not older than what is before it", m.Kind)
		}
	}
	want := map[string]int{"message": 2, "excluded": 1, "open": 1, "bounce": 1, "unsubscribe": 1, "consent": 2, "import": 2, "preference": 2, "suppression": 2, "bulk": 1, "created": 1}
	if d := cmp.Diff(want, kinds); d != "" {
		t.Error(d)
	}
	var paged []momentJSON
	for path := at + "?limit=2"; path != ""; {
		var p pageJSON[momentJSON]
		c.get(path).want(200).json(&p)
		paged = append(paged, p.Items...)
		path = ""
		if p.NextCursor != nil {
			path = at + "?limit=2&cursor=" + *p.NextCursor
		}
	}
	if d := cmp.Diff(all.Items, paged); d != "" {
		t.Errorf("page by page: %s", d)
	}
	var some pageJSON[momentJSON]
	c.get(at + "?kind=message&kind=bounce").want(200).json(&some)
	if len(some.Items) != 3 {
		t.Errorf("%d of two kinds", len(some.Items))
	}
	c.get(at + "?kind=odd").problem(400)
	c.get("/subscribers/999/timeline").problem(404)
	c.get(fmt.Sprint("/subscribers/", id, "/consents")).want(200).keys("", "items").keys("items.0", "list_id list_name status source import_id import evidence since until")
}
