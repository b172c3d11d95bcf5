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
		{"unknown field", "*|MMERGE5|*", "{{ subscriber.mmerge5 }}", false, "no field mmerge5 yet"},
		{"last name", "*|LNAME|*", "{{ subscriber.last_name }}", false, "no field last_name"},
		{"fields by number", "*|MERGE0|* *|MERGE1|* *|UPPER:MERGE1|*", "{{ subscriber.email }} {{ subscriber.first_name }} {{ subscriber.first_name | upcase }}", true, ""},
		{"last name by number", "*|MERGE2|*", "{{ subscriber.last_name }}", false, "no field last_name"},
		{"known field", "*|CITY|*", "{{ subscriber.city }}", true, ""},
		{"unsubscribe", `<a href="*|UNSUB|*">x</a>`, `<a href="{{ unsubscribe_url }}">x</a>`, true, ""},
		{"profile", "*|UPDATE_PROFILE|*", "{{ preferences_url }}", true, ""},
		{"address", "*|LIST:ADDRESS|*", "{{ postal_address }}", true, ""},
		{"address in HTML", "*|HTML:LIST_ADDRESS_HTML|*", "{{ postal_address }}", true, ""},
		{"archive", `<a href="*|ARCHIVE|*">`, `<a href="{% comment %}*|ARCHIVE|*{% endcomment %}">`, false, "no copy of every mail"},
		{"preview text", "*|MC_PREVIEW_TEXT|*", "{% comment %}*|MC_PREVIEW_TEXT|*{% endcomment %}", false, "preheader is a field"},
		{"year", "*|CURRENT_YEAR|*", `{{ "now" | date: "%Y" }}`, true, ""},
		{"date", "*|DATE:l, F j, Y|*", `{{ "now" | date: "%A, %B %-d, %Y" }}`, true, ""},
		{"date that has no equal", "*|DATE:jS F|*", "{% comment %}*|DATE:jS F|*{% endcomment %}", false, `letter 'S'`},
		{"condition", "*|IF:FNAME|*a*|ELSE:|*b*|END:IF|*", `{% if subscriber.first_name and subscriber.first_name != "" %}a{% else %}b{% endif %}`, true, ""},
		{"comparison", "*|IF:CITY=Oslo|*a*|ELSEIF:CITY != Rome|*b*|END:IF|*", `{% if subscriber.city == "Oslo" %}a{% elsif subscriber.city != "Rome" %}b{% endif %}`, true, ""},
		{"numbers", "*|IF:CITY &gt;= 20|*a*|END:IF|*", "{% if subscriber.city >= 20 %}a{% endif %}", true, ""},
		{"equal numbers", "*|IF:CITY=5|*a*|ELSEIF:CITY!=-1.5|*b*|END:IF|*", `{% if subscriber.city == 5 or subscriber.city == "5" %}a{% elsif subscriber.city != -1.5 and subscriber.city != "-1.5" %}b{% endif %}`, true, ""},
		{"digits that are no number", "*|IF:CITY=01234|*a*|END:IF|*", `{% if subscriber.city == "01234" %}a{% endif %}`, true, ""},
		{"empty", "*|IF:CITY=|*a*|ELSEIF:CITY!=|*b*|END:IF|*", `{% if subscriber.city == nil or subscriber.city == "" %}a{% elsif subscriber.city and subscriber.city != "" %}b{% endif %}`, true, ""},
		{"condition about an unknown field", "*|IF:BDAY=|*a*|END:IF|*", `{% if subscriber.bday == nil or subscriber.bday == "" %}a{% endif %}`, false, "no field bday"},
		{"a branch about an unknown field", "*|IF:CITY=X|*a*|ELSEIF:BDAY=Y|*b*|END:IF|*", `{% if subscriber.city == "X" %}a{% elsif subscriber.bday == "Y" %}b{% endif %}`, false, "no field bday"},
		{"a branch that cannot be read", "*|IF:CITY=X|*a*|ELSEIF:A B|*b*|ELSE:|*c*|END:IF|*", `{% if subscriber.city == "X" %}a{% elsif false %}b{% else %}c{% endif %}`, false, "shown to nobody"},
		{"not", "*|IFNOT:CITY=X|*a*|END:IF|*", `{% unless subscriber.city == "X" %}a{% endunless %}`, true, ""},
		{"not, with branches", "*|IFNOT:CITY=X|*a*|ELSEIF:CITY=Y|*b*|ELSEIF:CITY=Z|*c*|ELSE:|*d*|END:IF|*e", `{% unless subscriber.city == "X" %}a{% else %}{% if subscriber.city == "Y" %}b{% elsif subscriber.city == "Z" %}c{% else %}d{% endif %}{% endunless %}e`, true, ""},
		{"not, with a branch that cannot be read", "*|IFNOT:CITY=X|*a*|ELSEIF:A B|*b*|END:IF|*", `{% unless subscriber.city == "X" %}a{% else %}{% if false %}b{% endif %}{% endunless %}`, false, "shown to nobody"},
		{"never closed", "*|IF:CITY=X|*a", `{% if subscriber.city == "X" %}a{% endif %}`, false, "never closed"},
		{"closes nothing", "a*|END:IF|*", "a{% comment %}*|END:IF|*{% endcomment %}", false, "closes nothing"},
		{"groups", "*|INTERESTED:A:B|*x*|END:INTERESTED|*", "{% comment %}*|INTERESTED:A:B|*{% endcomment %}x{% comment %}*|END:INTERESTED|*{% endcomment %}", false, "groups are lists"},
		{"groups in a condition", "*|IF:CITY=X|**|GROUP:A|*x*|END:GROUP|**|END:IF|*", `{% if subscriber.city == "X" %}{% comment %}*|GROUP:A|*{% endcomment %}x{% comment %}*|END:GROUP|*{% endcomment %}{% endif %}`, false, "groups are lists"},
		{"items of a feed", `*|RSSITEMS:|*<a href="*|RSSITEM:URL|*">*|RSSITEM:TITLE|*</a> *|RSSITEM:DATE:d.m.Y|* *|RSSITEM:CONTENT_FULL|**|END:RSSITEMS|*.`,
			`{% for item in feed.items %}<a href="{{ item.url }}">{{ item.title }}</a> {{ item.published | date: "%d.%m.%Y" }} {{ item.html }}{% endfor %}.`, true, "newsletter"},
		{"some items of a feed", "*|FEEDBLOCK:https://a.test/|**|FEED:TITLE|**|FEEDITEMS:[$count=3]|**|IF:CITY=X|**|FEEDITEM:DESCRIPTION|**|END:IF|**|END:FEEDITEMS|**|END:FEEDBLOCK|*",
			`{% comment %}*|FEEDBLOCK:https://a.test/|*{% endcomment %}{{ feed.title }}{% for item in feed.items limit: 3 %}{% if subscriber.city == "X" %}{{ item.summary }}{% endif %}{% endfor %}{% comment %}*|END:FEEDBLOCK|*{% endcomment %}`, false, "newsletter"},
		{"an item outside of a feed", "*|RSSITEM:TITLE|*", "{% comment %}*|RSSITEM:TITLE|*{% endcomment %}", false, "between"},
		{"what feeds have not", "*|RSSITEMS:|**|RSSITEM:IMAGE|**|END:RSSITEMS|*", "{% for item in feed.items %}{% comment %}*|RSSITEM:IMAGE|*{% endcomment %}{% endfor %}", false, "item.image"},
		{"the end of another", "*|RSSITEMS:|*x*|END:IF|*y", "{% for item in feed.items %}x{% comment %}*|END:IF|*{% endcomment %}y{% endfor %}", false, "closes nothing"},
		{"upper case", "*|UPPER:CITY|*", "{{ subscriber.city | upcase }}", true, ""},
		{"editor", `<td class="x" mc:edit="body" mc:repeatable>y mc:edit="z"</td>`, `<td class="x">y mc:edit="z"</td>`, true, "editor"},
		{"Liquid that was none", "{{ x }} {% y %}", `{{ "{{" }} x }} {{ "{%" }} y %}`, true, "no merge tag"},
		{"injection", `*|IF:CITY="}}{% x %}|*a*|END:IF|*`, `{% comment %}*|IF:CITY=" x |*{% endcomment %}a{% comment %}*|END:IF|*{% endcomment %}`, false, "shown to everybody"},
		{"nonsense", "*|A B:C|*", "{% comment %}*|A B:C|*{% endcomment %}", false, "nothing like this"},
		{"nonsense that closes the mark", "*|{% endcomment %}x|*", "{% comment %}*| endcomment x|*{% endcomment %}", false, "nothing like this"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := mailchimp.Translate(mailchimp.Mail{HTML: "\n" + tc.in}, []string{"subscriber.email", "subscriber.first_name", "subscriber.city"})
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
			if ok != tc.ok || (tc.note == "") != (notes == "") || !strings.Contains(notes, tc.note) {
				t.Errorf("%+v", r.Report)
			}
		})
	}
}

// The meaning of a condition is that of Mailchimp, for numbers, texts and what is missing.
func TestTranslatedConditionsHold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in     string
		points any
		want   string
	}{
		{"*|IF:POINTS=5|*a*|ELSE:|*b*|END:IF|*", 5.0, "a"}, {"*|IF:POINTS=5|*a*|ELSE:|*b*|END:IF|*", "5", "a"}, {"*|IF:POINTS=5|*a*|ELSE:|*b*|END:IF|*", 6.0, "b"}, {"*|IF:POINTS=5|*a*|ELSE:|*b*|END:IF|*", nil, "b"},
		{"*|IF:POINTS!=5|*a*|ELSE:|*b*|END:IF|*", 5.0, "b"}, {"*|IF:POINTS!=5|*a*|ELSE:|*b*|END:IF|*", "5", "b"}, {"*|IF:POINTS!=5|*a*|ELSE:|*b*|END:IF|*", nil, "a"},
		{"*|IFNOT:POINTS=5|*a*|ELSEIF:POINTS=5|*b*|END:IF|*", "5", "b"}, {"*|IFNOT:POINTS=5|*a*|ELSEIF:POINTS=5|*b*|END:IF|*", 4.0, "a"},
		{"*|IF:POINTS=|*a*|ELSE:|*b*|END:IF|*", nil, "a"}, {"*|IF:POINTS=|*a*|ELSE:|*b*|END:IF|*", "", "a"}, {"*|IF:POINTS=|*a*|ELSE:|*b*|END:IF|*", "x", "b"},
		{"*|IF:POINTS!=|*a*|ELSE:|*b*|END:IF|*", nil, "b"}, {"*|IF:POINTS!=|*a*|ELSE:|*b*|END:IF|*", 1.0, "a"},
	} {
		c, err := templates.Compile(templates.Content{Text: mailchimp.Translate(mailchimp.Mail{Text: tc.in}, nil).Mail.Text}, templates.Options{})
		if err != nil {
			t.Fatal(err)
		}
		v := templates.Vars{NoFooter: true, UnsubscribeURL: "https://a.test/", Subscriber: templates.Person{Attributes: map[string]any{}}}
		if tc.points != nil {
			v.Subscriber.Attributes["points"] = tc.points
		}
		var r templates.Rendered
		if err := c.Render(&r, v, nil); err != nil || string(r.Text) != tc.want {
			t.Errorf("%s for %v: %s, %v", tc.in, tc.points, r.Text, err)
		}
	}
}

// Whatever comes in, what comes out is Liquid that compiles.
func FuzzTranslate(f *testing.F) {
	for _, s := range []string{"*|IF:A=B|*x*|ELSE:|*y*|END:IF|*", "*|IFNOT:A|**|ELSEIF:B|**|END:IF|*", "{{ *|FNAME|* }}", "*|DATE:d/m/Y|*", "<p mc:edit='x'>{%", "*|INTERESTED:A|**|ELSE:|**|END:IF|*", "*|ELSE:|*", "*|RSSITEMS:|**|ELSE:|**|RSSITEM:TITLE|**|END:RSSITEMS|*", "*|IFNOT:A|**|ELSEIF:B|**|ELSE:|**|ELSEIF:D D|**|END:IF|*", "*|RSSITEMS:[$count=99999]|*", "*|{% endcomment %}|*", "{{%", "{{{", "{*|A|*{"} {
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
