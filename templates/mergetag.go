package templates

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"postrider/internal/pg"
)

// MergeTag is something an author can put into a mail: Tag goes between {{ and }}.
type MergeTag struct {
	Tag, Label, Example string
}

const (
	// sampleSize is how many of the newest subscribers are looked at for examples.
	sampleSize = 1000
	maxExample = 80
)

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// MergeTags lists the tags that every mail has, then one for each custom field, those first that most of the newest subscribers have a value in.
func (s *Service) MergeTags(ctx context.Context) ([]MergeTag, error) {
	tags := []MergeTag{
		{"subscriber.email", "Email address", "ann@example.org"},
		{"subscriber.name", "Name", "Ann Example"},
		{"subscriber.first_name", "First name", "Ann"},
		{"unsubscribe_url", "Unsubscribe link", ""},
		{"preferences_url", "Link to the preference page", ""},
		{"organization", "Your organisation", ""},
		{"postal_address", "Your postal address", ""},
		{"campaign.name", "Name of the campaign", ""},
		{"campaign.subject", "Subject of the mail", ""},
	}
	type row struct{ Name, Label, Example string }
	rows, err := pg.Many[row](ctx, s.pool, "custom fields", `
		SELECT f.name, COALESCE(NULLIF(f.label, ''), f.name) AS label, COALESCE(e.example, '') AS example
		FROM fields f LEFT JOIN (
			SELECT a.key AS name, count(*) AS n, (array_agg(a.value::text))[1] AS example
			FROM (SELECT attributes FROM subscribers ORDER BY id DESC LIMIT $1) s, jsonb_each(s.attributes) a
			WHERE a.value <> 'null'::jsonb GROUP BY a.key) e ON e.name = f.name
		WHERE f.pending IS DISTINCT FROM 'deleting' ORDER BY e.n DESC NULLS LAST, f.name`, sampleSize)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Name != "first_name" {
			tags = append(tags, MergeTag{attributeTag(r.Name), r.Label, example(r.Example)})
		}
	}
	return tags, nil
}

// attributeTag writes the shortest tag that works for an attribute of any name.
func attributeTag(name string) string {
	switch {
	case plainName.MatchString(name) && builtin[name]:
		return "subscriber.attributes." + name
	case plainName.MatchString(name):
		return "subscriber." + name
	case strings.ContainsAny(name, "'"):
		return `subscriber.attributes["` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"]`
	}
	return `subscriber.attributes['` + name + `']`
}

// example shows a JSON value as a mail would, cut short.
func example(value string) string {
	var s string
	if json.Unmarshal([]byte(value), &s) != nil {
		s = value
	}
	if r := []rune(s); len(r) > maxExample {
		return string(r[:maxExample]) + "…"
	}
	return s
}
