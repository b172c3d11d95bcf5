package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"

	"postrider/sender/dkim"
)

// demo is one run of the story. It uses the API as a stranger would; only the captured mail is read directly, since that is the other side.
type demo struct {
	app    *app
	api    *client
	people int
	screen *demoScreen
	result demoResult

	listID, relayID, campaignID int64
	keys                        map[string]string // DKIM records by name
}

func (d *demo) play(ctx context.Context) error {
	for _, step := range []func(context.Context) error{d.setUp, d.importPeople, d.leaveSomeOut, d.prepareSending, d.send, d.checkInbox, d.react} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return d.figures(ctx)
}

type object map[string]any

type created struct {
	ID int64 `json:"id"`
}

func (d *demo) setUp(ctx context.Context) error {
	err := d.api.call(ctx, http.MethodPost, "/setup", object{"organization": "The Library Garden", "name": "Demo", "email": demoEmail, "password": demoPassword}, nil)
	if err != nil {
		return err
	}
	err = d.api.call(ctx, http.MethodPut, "/settings", object{
		"organization": "The Library Garden", "public_url": d.api.base, "postal_address": "12 Orchard Lane\nExampletown",
		"default_from_name": "The Library Garden", "default_from_email": "garden@news.example.org", "time_zone": "Europe/Berlin",
	}, nil)
	if err != nil {
		return err
	}
	var list created
	err = d.api.call(ctx, http.MethodPost, "/lists", object{"name": "Friends of the garden", "description": "The sample list"}, &list)
	d.listID = list.ID
	return err
}

type demoImport struct {
	ID      int64
	Status  string
	Error   *string
	Columns []struct {
		Index     int
		Header    string
		Suggested *struct{ Target string }
	}
	Rows, Created, Updated, Unchanged, Rejected int64
}

func (d *demo) importPeople(ctx context.Context) error {
	var imp demoImport
	err := d.api.upload(ctx, "/imports", map[string]string{"list_id": fmt.Sprint(d.listID)}, "friends.csv", demoFile(d.people), &imp)
	if err != nil {
		return err
	}
	var columns []object
	for _, c := range imp.Columns {
		target := object{"index": c.Index, "target": "attribute", "attribute": strings.ToLower(c.Header)}
		if c.Suggested != nil && c.Suggested.Target != "attribute" {
			target = object{"index": c.Index, "target": c.Suggested.Target}
		}
		columns = append(columns, target)
	}
	mapping := object{"mapping": object{"columns": columns, "status": "subscribed"}}
	path := fmt.Sprintf("/imports/%d", imp.ID)
	if err := d.api.call(ctx, http.MethodPost, path+"/start", mapping, &imp); err != nil {
		return err
	}
	err = poll(ctx, func() (bool, error) {
		if err := d.api.call(ctx, http.MethodGet, path, nil, &imp); err != nil {
			return false, err
		}
		d.screen.bar("Importing", imp.Rows, int64(d.people))
		return imp.Status == "done" || imp.Status == "failed" || imp.Status == "cancelled", nil
	})
	if err != nil {
		return err
	}
	if imp.Status != "done" {
		return fmt.Errorf("the import ended as %s: %v", imp.Status, imp.Error)
	}
	d.result.Imported, d.result.Rejected = imp.Created+imp.Updated+imp.Unchanged, imp.Rejected
	return nil
}

// leaveSomeOut suppresses a few people and unsubscribes a few others, who must then not be mailed.
func (d *demo) leaveSomeOut(ctx context.Context) error {
	var page struct{ Items []created }
	if err := d.api.call(ctx, http.MethodGet, fmt.Sprintf("/subscribers?list_id=%d&q=reader&limit=12", d.listID), nil, &page); err != nil {
		return err
	}
	for i, sub := range page.Items {
		if i%2 == 0 {
			err := d.api.call(ctx, http.MethodPut, fmt.Sprintf("/subscribers/%d/subscriptions/%d", sub.ID, d.listID), object{"status": "unsubscribed"}, nil)
			if err != nil {
				return err
			}
			continue
		}
		var full struct{ Email string }
		if err := d.api.call(ctx, http.MethodGet, fmt.Sprintf("/subscribers/%d", sub.ID), nil, &full); err != nil {
			return err
		}
		if err := d.api.call(ctx, http.MethodPost, "/suppressions", object{"email": full.Email, "detail": "asked by telephone"}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) prepareSending(ctx context.Context) error {
	var relay created
	err := d.api.call(ctx, http.MethodPost, "/relays", object{"name": "Demo inbox", "kind": "inbox", "dkim": "sign"}, &relay)
	if err != nil {
		return err
	}
	d.relayID = relay.ID
	var domain struct {
		Keys []struct {
			RecordName  string `json:"record_name"`
			RecordValue string `json:"record_value"`
		}
	}
	err = d.api.call(ctx, http.MethodPost, "/domains", object{"domain": "news.example.org", "bounce_domain": "bounces.example.org"}, &domain)
	if err != nil {
		return err
	}
	d.keys = map[string]string{}
	for _, k := range domain.Keys {
		d.keys[k.RecordName] = k.RecordValue
	}
	var campaign created
	err = d.api.call(ctx, http.MethodPost, "/campaigns", object{
		"name": "The autumn letter", "subject": demoSubject, "html": demoHTML, "preheader": "Bulbs, a bench, and soup on Saturday.",
		"from_name": "The Library Garden", "from_email": "garden@news.example.org", "relay_id": d.relayID, "list_ids": []int64{d.listID},
		"track_opens": true, "track_clicks": true,
	}, &campaign)
	d.campaignID = campaign.ID
	return err
}

type demoStats struct {
	Recipients, Excluded, Queued, Claimed, Sent, Deferred, Bounced, Unconfirmed int64
	Opens, Clicks                                                               demoTally
	Unsubscribes                                                                int64
}

func (d *demo) stats(ctx context.Context) (st demoStats, err error) {
	err = d.api.call(ctx, http.MethodGet, fmt.Sprintf("/campaigns/%d/stats", d.campaignID), nil, &st)
	return st, err
}

func (d *demo) send(ctx context.Context) error {
	if err := d.api.call(ctx, http.MethodPost, fmt.Sprintf("/campaigns/%d/start", d.campaignID), nil, nil); err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		st, err := d.stats(ctx)
		if err != nil {
			return false, err
		}
		waiting := st.Queued + st.Claimed
		d.screen.bar("Sending", st.Recipients-waiting, st.Recipients)
		return st.Recipients > 0 && waiting == 0, nil
	})
}

// checkInbox judges from outside: from the bytes that the inbox captured.
func (d *demo) checkInbox(ctx context.Context) error {
	seen := map[string]int64{}
	err := d.app.store.All(ctx, func(raw []byte) error {
		m, err := mail.CreateReader(bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("a captured message cannot be parsed: %w", err)
		}
		seen[m.Header.Get("To")]++
		results, err := dkim.Verify(raw, func(name string) ([]string, error) {
			if v, ok := d.keys[strings.TrimSuffix(name, ".")]; ok {
				return []string{v}, nil
			}
			return nil, fmt.Errorf("nothing published at %s", name)
		})
		if err == nil && len(results) > 0 && results[0].Err == nil {
			d.result.DKIMVerified++
		}
		return nil
	})
	for _, n := range seen {
		d.result.Duplicates += n - 1
	}
	return err
}

var (
	hrefs  = regexp.MustCompile(`href="([^"]+/t/c/[^"]+)"`)
	pixels = regexp.MustCompile(`src="([^"]+/t/o/[^"]+)"`)
	unsubs = regexp.MustCompile(`<(https?://[^>]+)>`)
)

// hidden finds the link that no person sees.
var hidden = regexp.MustCompile(`<a href="([^"]+)" style="display:none"`)

// How some readers' programs name themselves. Apple's loads the images of every mail; nobody knows whether anybody reads.
const (
	agentBrowser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
	agentPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
	agentApple   = "Mozilla/5.0"
	agentOdd     = "Letterbox 2"
)

// react opens, clicks and unsubscribes: two in five open, one in eight clicks, one in fifty leaves. Most are people; beside them Apple Mail loads images by itself, a
// scanner follows every link, and a program that nobody knows reads too.
func (d *demo) react(ctx context.Context) error {
	n := 0
	err := d.app.store.All(ctx, func(raw []byte) error {
		n++
		m, err := mail.CreateReader(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		leave := unsubs.FindStringSubmatch(m.Header.Get("List-Unsubscribe"))
		body, err := htmlPart(m)
		if err != nil {
			return err
		}
		pixel, href := pixels.FindStringSubmatch(body), hrefs.FindStringSubmatch(body)
		if leave == nil || pixel == nil || href == nil {
			return errors.New("a captured message lacks its pixel, a link or List-Unsubscribe")
		}
		if n%5 < 2 {
			agent := []string{agentBrowser, agentApple, agentPhone, agentBrowser, agentPhone, agentApple, agentBrowser, agentOdd}[n/5%8]
			if err := d.fetch(ctx, agent, http.MethodGet, pixel[1], "", http.StatusOK); err != nil {
				return err
			}
		}
		if n%8 == 0 {
			if err := d.fetch(ctx, agentBrowser, http.MethodGet, href[1], "", http.StatusFound); err != nil {
				return err
			}
		}
		if trap := hidden.FindStringSubmatch(body); trap != nil && n%40 == 0 {
			if err := d.fetch(ctx, agentBrowser, http.MethodGet, trap[1], "", http.StatusOK); err != nil {
				return err
			}
		}
		if n%50 == 0 {
			return d.fetch(ctx, "", http.MethodPost, leave[1], "List-Unsubscribe=One-Click", http.StatusOK)
		}
		return nil
	})
	return err
}

func (d *demo) fetch(ctx context.Context, agent, method, url, form string, want int) error {
	got, err := d.api.visit(ctx, agent, method, html.UnescapeString(url), form)
	if err == nil && got != want {
		err = fmt.Errorf("%s of a link in the mail gave %d, not %d", method, got, want)
	}
	switch {
	case err != nil:
	case strings.Contains(url, "/t/c/"):
		d.result.Clicks++
	case method == http.MethodPost:
		d.result.Unsubscribes++
	default:
		d.result.Opens++
	}
	return err
}

func htmlPart(m *mail.Reader) (string, error) {
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return "", errors.New("a captured message has no HTML part")
		}
		if err != nil {
			return "", err
		}
		if h, ok := p.Header.(*mail.InlineHeader); ok {
			if kind, _, _ := h.ContentType(); kind == "text/html" {
				b, err := io.ReadAll(p.Body)
				return string(b), err
			}
		}
	}
}

// figures takes the final numbers from the service itself, after the events have reached the database.
func (d *demo) figures(ctx context.Context) error {
	made := d.result
	return poll(ctx, func() (bool, error) {
		st, err := d.stats(ctx)
		if err != nil {
			return false, err
		}
		d.result.Recipients, d.result.Excluded = st.Recipients, st.Excluded
		d.result.Sent, d.result.Deferred, d.result.Bounced, d.result.Unconfirmed = st.Sent, st.Deferred, st.Bounced, st.Unconfirmed
		d.result.Opens, d.result.Clicks, d.result.Unsubscribes = st.Opens.total(), st.Clicks.total(), st.Unsubscribes
		return d.result.Opens == made.Opens && d.result.Clicks == made.Clicks && st.Unsubscribes == made.Unsubscribes, nil
	})
}

// poll asks until it is done, at most for five minutes.
func poll(ctx context.Context, done func() (bool, error)) error {
	return pollFor(ctx, 5*time.Minute, 100*time.Millisecond, done)
}

func pollFor(ctx context.Context, most, every time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the service: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// demoTally is a figure by who was behind it.
type demoTally struct{ Human, Machine, Unknown int64 }

func (t demoTally) total() int64 { return t.Human + t.Machine + t.Unknown }
