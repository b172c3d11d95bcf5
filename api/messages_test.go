package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postrider/internal/auth"
)

const (
	acceptedKeys      = "id status skip_reason subscriber_id campaign_id seq"
	messageKeys       = "id status template_id to_name tags send_at expires_at created_at delivery"
	receiptTemplate   = `{"name":"Receipt","subject":"Order {{ data.order }}","html":"<p>{{ data.total }}</p>"}`
	messageRelay      = `{"name":"Relay","host":"127.0.0.1","port":2525,"tls":"none","auth":"none","dkim":"off"}`
	receiptForAnn     = `{"template_id":%d,"to":{"email":"ann@example.net","name":"Ann"},"from_email":"shop@example.org","data":{"order":"A-1","total":9007199254740993},"tags":["x"]}`
	receiptWithoutAll = `{"template_id":%d,"to":{"email":"bob@example.net"},"from_email":"shop@example.org","data":{"order":"A-1"}}`
)

// shop sets up what messages need and gives the template.
func (b *bundle) shop(t *testing.T, c *client) int64 {
	t.Helper()
	c.put("/settings", `{"organization":"Shop","public_url":"http://127.0.0.1:8080","postal_address":"","default_from_name":"","default_from_email":"","time_zone":"UTC"}`).want(200)
	c.post("/relays", messageRelay).want(201)
	return c.post("/templates", receiptTemplate).want(201).id()
}

func TestMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.admin(t)
	tmpl := b.shop(t, admin)
	c := b.program(t, auth.MessagesSend)
	body := fmt.Sprintf(receiptForAnn, tmpl)
	key := header(idempotencyKey, "order A-1")
	first := c.post("/messages", body, key).want(202).keys("", acceptedKeys)
	if first.Header().Get("Idempotency-Replayed") != "" {
		t.Error("the first answer says that it was given before")
	}
	again := c.post("/messages", body, key).want(202)
	if again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s, then %s", first.Body, again.Body)
	}
	c.post("/messages", strings.Replace(body, "A-1", "A-2", 1), key).problem(409)
	c.post("/messages", body, header(idempotencyKey, "ä")).problem(400)
	if p := c.post("/messages", fmt.Sprintf(receiptWithoutAll, tmpl)).problem(400); !slices.Equal(p.locations(), []string{"body.data.total"}) || !strings.Contains(p.Detail, "total") {
		t.Errorf("%+v", p)
	}
	if p := c.post("/messages", strings.Replace(body, "ann@example.net", "ann", 1)).problem(400); !slices.Equal(p.locations(), []string{"body.to.email"}) {
		t.Errorf("%+v", p)
	}
	for _, data := range []string{`[]`, `"x"`, `{"a":"\u0000"}`} {
		c.post("/messages", strings.Replace(body, `{"order":"A-1","total":9007199254740993}`, data, 1)).problem(400)
	}
	c.post("/messages", strings.Replace(body, `"tags"`, `"tag"`, 1)).problem(400)
	if n := b.count(t, "messages"); n != 1 {
		t.Errorf("%d messages", n)
	}
	at := fmt.Sprint("/messages/", first.id())
	admin.get("/messages?email=ann@example.net&status=queued&tag=x&template_id="+fmt.Sprint(tmpl)).want(200).keys("", "items next_cursor").keys("items.0", messageKeys).keys("items.0.delivery", deliveryKeys)
	admin.get("/messages?email=nobody").problem(400)
	admin.get(at).want(200).keys("", messageKeys+" data data_forgotten first_tried_at attempts_log reports events").contains("9007199254740993")
	admin.get(at+"/preview").want(200).keys("", "subject html text").contains("9007199254740993")
	c.get(at).problem(403) // it may only send
	c.post(at+"/cancel", "").want(200).contains(`"skip_reason":"cancelled"`)
	c.post(at+"/cancel", "").problem(409)
	admin.get("/messages/99").problem(404)
	admin.get("/messages/99/preview").problem(404)
	admin.post("/messages/99/cancel", "").problem(404)
	b.program(t, auth.CampaignsSend).post("/messages", body).problem(403)
}

func TestManyMessagesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.shop(t, b.admin(t))
	c := b.program(t, auth.MessagesSend)
	body := fmt.Sprintf(`{"messages":[`+receiptForAnn+`,`+receiptWithoutAll+`,`+receiptForAnn+`]}`, tmpl, tmpl, 99)
	key := header(idempotencyKey, "k")
	first := c.post("/messages/batch", body, key).want(202).keys("", "results").keys("results.0.message", acceptedKeys)
	var got messageResultsJSON
	first.json(&got)
	if len(got.Results) != 3 || got.Results[0].Error != nil || got.Results[1].Message != nil || got.Results[1].Error.Status != 400 ||
		!slices.Equal(got.Results[1].Error.locations(), []string{"message.data.total"}) || got.Results[2].Error.Errors[0].Location != "message.template_id" {
		t.Errorf("%s", first.Body)
	}
	if again := c.post("/messages/batch", body, key).want(202); again.Body.String() != first.Body.String() {
		t.Errorf("%s, then %s", first.Body, again.Body)
	}
	c.post("/messages/batch", `{"messages":[]}`).problem(400)
	if n := b.count(t, "messages"); n != 1 {
		t.Errorf("%d messages", n)
	}
}
