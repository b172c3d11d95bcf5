package newsletters

import (
	"strings"
	"testing"

	"postrider/internal/errs"
	"postrider/templates"
)

// A mail in which nothing of the document stands is no mail: the field that it shows has another name.
func TestAMailShowsItsDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fill := Templates{templates.New(b.pool, b.clock.now)}
	for name, tc := range map[string]struct {
		html     string
		document map[string]any
		want     string // of the error, "" for none
	}{
		"a field":              {"<p>{{ data.price }}</p>", map[string]any{"price": 12.5}, ""},
		"a field of two":       {"<p>{{ data.title }} {{ data.price }}</p>", map[string]any{"price": 12.5}, ""},
		"a loop":               {"{% for o in data.offers %}<b>{{ o.name }}</b>{% endfor %}", map[string]any{"offers": []any{map[string]any{"name": "Oak"}}}, ""},
		"a decision":           {"{% if data.sale %}<p>Sale</p>{% endif %}", map[string]any{"sale": true}, ""},
		"another name":         {"<h1>{{ data.title }}</h1>", map[string]any{"price": 12.5, "offers": []any{}}, "it has offers, price"},
		"an empty list":        {"{% for o in data.offers %}x{% endfor %}", map[string]any{"offers": []any{}}, "it has offers"},
		"nothing":              {"<h1>{{ data.title }}</h1>", map[string]any{}, "it has none"},
		"no place for it":      {"<p>Hello</p>", map[string]any{"price": 1}, "it has price"},
		"very many of it":      {"<p>Hello</p>", map[string]any{strings.Repeat("ä", 4000): 1}, "…"},
		"no document, a draft": {"<p>Hello {{ data.title }}</p>", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fill.Fill(t.Context(), Content{Subject: "S", HTML: tc.html}, Gathered{Fetched: Fetched{Document: tc.document}})
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (!errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), tc.want) || len(err.Error()) > 1000):
				t.Errorf("it gave %v", err)
			}
		})
	}
}
