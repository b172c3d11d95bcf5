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
	// sampleSize is how many of the newest subscribers are looked at for attribute names.
	sampleSize   = 1000
	maxMergeTags = 100
	maxExample   = 80
)

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// MergeTags lists the tags that every mail has, then one for each attribute seen in the newest subscribers, the most frequent first.
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
	type row struct{ Name, Example string }
	rows, err := pg.Many[row](ctx, s.pool, "attribute names", `
		SELECT a.key AS name, (array_agg(a.value::text) FILTER (WHERE a.value <> 'null'::jsonb))[1] AS example
		FROM (SELECT attributes FROM subscribers ORDER BY id DESC LIMIT $1) s, jsonb_each(s.attributes) a
		GROUP BY a.key HAVING count(*) FILTER (WHERE a.value <> 'null'::jsonb) > 0
		ORDER BY count(*) DESC, a.key LIMIT $2`, sampleSize, maxMergeTags)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Name != "first_name" {
			tags = append(tags, MergeTag{attributeTag(r.Name), r.Name, example(r.Example)})
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
