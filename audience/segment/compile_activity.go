package segment

// activity counts people only: what machines did, or what may have been one, is left out. Who follows a link has read the mail, whether images were loaded or not.
func (b *builder) activity(n Node) term {
	if n.Event == "not_opened" {
		return b.notOpened(n)
	}
	t := term{from: "events e", id: "e.subscriber_id", what: "DISTINCT e.campaign_id"}
	at, campaign := "e.at", "e.campaign_id"
	switch n.Event {
	case "sent":
		t.from, t.id, t.what, at, campaign = "deliveries d", "d.subscriber_id", "*", "d.updated_at", "d.campaign_id"
		t.where = append(t.where, "d.state = 2")
	case "opened":
		t.where = append(t.where, "e.actor = 'human'")
	case "clicked":
		t.where = append(t.where, "e.actor = 'human'", "e.kind = 'click'")
	}
	if n.CampaignID != 0 {
		t.where = append(t.where, campaign+" = "+b.arg(n.CampaignID, "bigint"))
	}
	if n.Link != 0 {
		t.where = append(t.where, "e.link = "+b.arg(n.Link, "bigint"))
	}
	t.where = append(t.where, b.since(at, n.Days)...)
	if n.AtLeast > 1 {
		t.least = b.arg(n.AtLeast, "bigint")
	}
	return t
}

// untrackedSQL asks of a delivery d whether its person is subscribed to a list of the campaign that is not tracked, as the claim does. Such lists are few or none; only where
// there is one is each delivery looked at.
const untrackedSQL = `((SELECT true FROM lists WHERE no_tracking LIMIT 1) IS NOT NULL AND (SELECT true FROM campaign_lists cl JOIN lists l ON l.id = cl.list_id

	JOIN subscriptions s ON s.list_id = l.id WHERE cl.campaign_id = d.campaign_id AND l.no_tracking AND s.subscriber_id = d.subscriber_id AND s.status = 'subscribed' LIMIT 1) IS NOT NULL)`

// notOpened is about mail of which it would be known: of whoever is not tracked nothing says that they did not read it.
func (b *builder) notOpened(n Node) term {
	sent, opened := n, n
	sent.Event, opened.Event, opened.AtLeast = "sent", "opened", 0
	s, o := b.activity(sent), b.activity(opened)
	s.where = append(s.where, "(SELECT c.track_opens FROM campaigns c WHERE c.id = d.campaign_id)", "NOT "+untrackedSQL)
	rest := " AND NOT u.no_tracking AND NOT " + o.key() + ")"
	return term{expr: "(" + s.key() + rest, wide: "(" + s.set() + rest}
}
