package templates

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestBareFields(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want []string
	}{
		"shown":                                   {"{{ subscriber.city }}{{ subscriber.attributes.email | upcase }}", []string{"attributes.email", "city"}},
		"with a default":                          {"{{ subscriber.city | default: 'x' }}", nil},
		"asked about":                             {"{% if subscriber.city %}{{ subscriber.city }}{% endif %}", nil},
		"asked about another":                     {"{% if subscriber.name %}{{ subscriber.city }}{% endif %}", []string{"city"}},
		"given a name":                            {"{% assign c = subscriber.city %}{{ c }}", []string{"city"}},
		"given a name over two":                   {"{% assign c = subscriber.city | upcase %}{% assign d = c %}{{ d | append: '!' }}", []string{"city"}},
		"given a name with a default":             {"{% assign c = subscriber.city | default: 'x' %}{{ c }}", nil},
		"given a name and shown with a default":   {"{% assign c = subscriber.city %}{{ c | default: 'x' }}", nil},
		"given a name that is asked about":        {"{% assign c = subscriber.city %}{% if c %}{{ c }}{{ subscriber.city }}{% endif %}", nil},
		"given a name where it is asked about":    {"{% assign c = 'x' %}{% if subscriber.city %}{% assign c = subscriber.city %}{% endif %}{{ c }}", nil},
		"given a name and never shown":            {"{% assign c = subscriber.city %}", nil},
		"given another value":                     {"{% assign c = subscriber.city %}{% assign c = 'x' %}{{ c }}", nil},
		"given another value where it is missing": {"{% assign c = subscriber.city %}{% unless c %}{% assign c = 'x' %}{% endunless %}{{ c }}", nil},
		"given another value for some":            {"{% assign c = subscriber.city %}{% if subscriber.vip %}{% assign c = 'x' %}{% endif %}{{ c }}", []string{"city"}},
		"a loop over it":                          {"{% for t in subscriber.tags %}{{ t }}{{ subscriber.tags }}{% endfor %}", []string{"tags"}},
		"a loop over a name":                      {"{% assign l = subscriber.tags %}{% for t in l %}{{ t }}{% endfor %}", []string{"tags"}},
		"a loop that says what else":              {"{% for t in subscriber.tags %}{{ t }}{% else %}none{% endfor %}", nil},
		"a loop that is asked about":              {"{% if subscriber.tags %}{% for t in subscriber.tags %}{{ t }}{% endfor %}{% endif %}", nil},
		"an else of a condition in a loop":        {"{% for t in subscriber.tags %}{% if t %}x{% else %}y{% endif %}{% endfor %}", []string{"tags"}},
		"caught":                                  {"{% capture c %}{{ subscriber.city }}{% endcapture %}{{ c }}", []string{"city"}},
		"a comment":                               {"{% comment %}{% assign c = subscriber.city %}{% endcomment %}{% raw %}{{ subscriber.x }}{% endraw %}{{ c }}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := BareFields(Content{HTML: tc.in})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
