package segment

func (b *builder) list(n Node) term {
	t := term{from: "subscriptions s", id: "s.subscriber_id", where: []string{"s.list_id = " + b.arg(n.ListID, "bigint")}, not: n.Op == "is_not"}
	switch n.Status {
	case "any":
	case "":
		t.where = append(t.where, "s.status = 'subscribed'")
	default:
		t.where = append(t.where, "s.status = "+b.arg(n.Status, "text"))
	}
	return t
}

// consent is about subscriptions that hold, and since when they do.
func (b *builder) consent(n Node) term {
	t := term{from: "subscriptions s", id: "s.subscriber_id", where: []string{"s.status = 'subscribed'"}}
	if n.ListID != 0 {
		t.where = append(t.where, "s.list_id = "+b.arg(n.ListID, "bigint"))
	}
	if n.Source != "" {
		t.where = append(t.where, "s.source = "+b.arg(n.Source, "text"))
	}
	if n.ImportID != 0 {
		t.where = append(t.where, "s.import_id = "+b.arg(n.ImportID, "bigint"))
	}
	if n.FormID != 0 {
		t.where = append(t.where, "s.evidence @> jsonb_build_object('form_id', "+b.arg(n.FormID, "bigint")+")")
	}
	if n.Op != "" {
		t.where = append(t.where, b.within("s.updated_at", n, b.time)...)
	}
	return t
}

// suppressed knows addresses and whole domains, whose keys begin with an at sign. The domains are few or none; only where there is one is everybody compared with them.
func (b *builder) suppressed(n Node) term {
	reason := ""
	if n.Reason != "" {
		reason = " AND x.reason = " + b.arg(n.Reason, "text")
	}
	const domain = "substring(u.email_key FROM '@[^@]*$')"
	return term{
		expr: "((SELECT true FROM suppressions x WHERE x.email_key IN (u.email_key, " + domain + ")" + reason + " LIMIT 1) IS NOT NULL)",
		wide: "u.id IN (SELECT u.id FROM suppressions x JOIN subscribers u ON u.email_key = x.email_key WHERE true" + reason +
			" UNION ALL SELECT u.id FROM suppressions x JOIN subscribers u ON " + domain + " = x.email_key" +
			" WHERE (SELECT true FROM suppressions WHERE email_key LIKE '@%' LIMIT 1)" + reason + ")",
	}
}

func (b *builder) wish(n Node) string {
	switch n.Wish {
	case "paused":
		return "COALESCE(u.paused_until > " + b.time(b.c.At) + ", false)"
	case "no_tracking":
		return "u.no_tracking"
	}
	return "(u.frequency IS NOT DISTINCT FROM " + b.arg(n.Wish, "text") + ")"
}

func (b *builder) imported(n Node) term {
	id := b.arg(n.ImportID, "bigint")
	brought := "COALESCE(u.import_id = " + id + ", false)"
	ranged := "SELECT u.id FROM import_ranges r JOIN subscribers u ON u.id BETWEEN r.first_id AND r.last_id WHERE r.import_id = " + id + " AND u.import_id = " + id
	if n.How == "brought" {
		return term{expr: brought, wide: "u.id IN (" + ranged + ")"}
	}
	return term{
		expr: "(" + brought + " OR (SELECT true FROM import_changes i WHERE i.import_id = " + id + " AND i.subscriber_id = u.id) IS NOT NULL)",
		wide: "u.id IN (" + ranged + " UNION ALL SELECT i.subscriber_id FROM import_changes i WHERE i.import_id = " + id + ")",
	}
}
