package mailchimp_test

import (
	"strings"
	"testing"

	"postrider/templates"
	"postrider/templates/mailchimp"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in, want string
		ok             bool
		note           string
	}{
		{"first name", "Hi *|FNAME|*", "Hi {{ subscriber.first_name }}", true, ""},
		{"case", "*|email|*", "{{ subscriber.email }}", true, ""},
		{"unknown field", "*|MMERGE5|*", "{{ subscriber.mmerge5 }}", true, "no field mmerge5 yet"},
		{"last name", "*|LNAME|*", "{{ subscriber.last_name }}", true, "no field last_name"},
		{"known field", "*|CITY|*", "{{ subscriber.city }}", true, ""},
		{"unsubscribe", `<a href="*|UNSUB|*">x</a>`, `<a href="{{ unsubscribe_url }}">x</a>`, true, ""},
		{"profile", "*|UPDATE_PROFILE|*", "{{ preferences_url }}", true, ""},
		{"address", "*|LIST:ADDRESS|*", "{{ postal_address }}", true, ""},
		{"address in HTML", "*|HTML:LIST_ADDRESS_HTML|*", "{{ postal_address }}", true, ""},
		{"archive", "*|ARCHIVE|*", "", false, "no copy of every mail"},
		{"preview text", "*|MC_PREVIEW_TEXT|*", "", false, "preheader is a field"},
		{"year", "*|CURRENT_YEAR|*", `{{ "now" | date: "%Y" }}`, true, ""},
		{"date", "*|DATE:l, F j, Y|*", `{{ "now" | date: "%A, %B %-d, %Y" }}`, true, ""},
		{"date that has no equal", "*|DATE:jS F|*", "", false, `letter 'S'`},
		{"condition", "*|IF:FNAME|*a*|ELSE:|*b*|END:IF|*", `{% if subscriber.first_name and subscriber.first_name != "" %}a{% else %}b{% endif %}`, true, ""},
		{"comparison", "*|IF:CITY=Oslo|*a*|ELSEIF:CITY != Rome|*b*|END:IF|*", `{% if subscriber.city == "Oslo" %}a{% elsif subscriber.city != "Rome" %}b{% endif %}`, true, ""},
		{"numbers", "*|IF:CITY &gt;= 20|*a*|END:IF|*", "{% if subscriber.city >= 20 %}a{% endif %}", true, ""},
		{"not", "*|IFNOT:CITY=X|*a*|END:IF|*", `{% unless subscriber.city == "X" %}a{% endunless %}`, true, ""},
		{"never closed", "*|IF:CITY=X|*a", `{% if subscriber.city == "X" %}a{% endif %}`, true, "never closed"},
		{"closes nothing", "a*|END:IF|*", "a", false, "closes nothing"},
		{"groups", "*|INTERESTED:A:B|*x*|END:INTERESTED|*", "x", false, "groups are lists"},
		{"groups in a condition", "*|IF:CITY=X|**|GROUP:A|*x*|END:GROUP|**|END:IF|*", `{% if subscriber.city == "X" %}x{% endif %}`, false, "groups are lists"},
		{"feeds", "*|RSSITEM:TITLE|*", "", false, "filled in by newsletters"},
		{"upper case", "*|UPPER:CITY|*", "{{ subscriber.city | upcase }}", true, ""},
		{"editor", `<td class="x" mc:edit="body" mc:repeatable>y mc:edit="z"</td>`, `<td class="x">y mc:edit="z"</td>`, true, "editor"},
		{"Liquid that was none", "{{ x }} {% y %}", `{{ "{{" }} x }} {{ "{%" }} y %}`, true, "no merge tag"},
		{"injection", `*|IF:CITY="}}{% x %}|*a*|END:IF|*`, "a", false, "cannot be read"},
		{"nonsense", "*|A B:C|*", "", false, "nothing like this"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := mailchimp.Translate(mailchimp.Mail{HTML: "\n" + tc.in}, []string{"subscriber.first_name", "subscriber.city"})
			if r.Mail.HTML != "\n"+tc.want {
				t.Errorf("got  %s\nwant %s", r.Mail.HTML, tc.want)
			}
			ok, notes := true, ""
			for _, n := range r.Report {
				if n.Part != "html" || n.Line != 2 {
					t.Errorf("%+v", n)
				}
				ok, notes = ok && n.Translated, notes+n.Text
			}
			if ok != tc.ok || (tc.note == "") != (notes == "") && tc.ok || !strings.Contains(notes, tc.note) {
				t.Errorf("%+v", r.Report)
			}
		})
	}
}

// Whatever comes in, what comes out is Liquid that compiles.
func FuzzTranslate(f *testing.F) {
	for _, s := range []string{"*|IF:A=B|*x*|ELSE:|*y*|END:IF|*", "*|IFNOT:A|**|ELSEIF:B|**|END:IF|*", "{{ *|FNAME|* }}", "*|DATE:d/m/Y|*", "<p mc:edit='x'>{%", "*|INTERESTED:A|**|ELSE:|**|END:IF|*", "*|ELSE:|*", "{{%", "{{{", "{*|A|*{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		r := mailchimp.Translate(mailchimp.Mail{Text: src}, nil)
		if len(src) > 10_000 {
			return
		}
		if _, err := templates.Compile(templates.Content{Text: r.Mail.Text}, templates.Options{}); err != nil {
			t.Fatalf("%q gave %q: %v", src, r.Mail.Text, err)
		}
	})
}
