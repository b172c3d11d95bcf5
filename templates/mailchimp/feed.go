package mailchimp

import (
	"regexp"
	"slices"
	"strings"
)

// ofItem and ofFeed are what the tags of feeds are here.
var (
	ofItem = map[string]string{
		"TITLE": "item.title", "URL": "item.url", "DESCRIPTION": "item.summary", "CONTENT": "item.html", "CONTENT_FULL": "item.html", "AUTHOR": "item.author",
		"DATE": `item.published | date: "%Y-%m-%d"`, "CATEGORIES": `item.categories | join: ", "`,
	}
	ofFeed = map[string]string{"TITLE": "feed.title", "URL": "feed.url", "DESCRIPTION": "feed.description"}
)

const byNewsletters = "feeds are filled in by newsletters: use this in one"

func isFeed(name string) bool {
	return strings.HasPrefix(name, "RSS") || strings.HasPrefix(name, "FEED")
}

var itemCount = regexp.MustCompile(`(?i)\$count\s*=\s*([1-9]\d{0,2})\b`)

// feed translates the tags of RSS mails: loops over the items, and what is shown of an item and of the feed.
func (t *translator) feed(source, verb, arg string) {
	name, format, _ := strings.Cut(arg, ":")
	name = strings.ToUpper(strings.TrimSpace(name))
	isItem := verb == "RSSITEM" || verb == "FEEDITEM"
	switch {
	case verb == "RSSITEMS" || verb == "FEEDITEMS":
		limit := ""
		if m := itemCount.FindStringSubmatch(arg); m != nil {
			limit = " limit: " + m[1]
		}
		t.open = append(t.open, block{closing: "{% endfor %}", feed: true})
		t.put(source, "{% for item in feed.items"+limit+" %}", true, byNewsletters)
	case verb == "FEEDBLOCK":
		t.open = append(t.open, block{feed: true})
		t.put(source, "", false, "the address of the feed is a setting of the newsletter; what was in this is shown as it is")
	case isItem && !slices.ContainsFunc(t.open, func(b block) bool { return b.feed && b.closing != "" }):
		t.put(source, "", false, "it shows an item, and stands between no tags that go over the items of a feed: write {% for item in feed.items %} before it and {% endfor %} behind it")
	case isItem && name == "DATE" && format != "":
		if f, ok := t.dateFormat(source, format); ok {
			t.put(source, `{{ item.published | date: "`+f+`" }}`, true, "")
		}
	case isItem && ofItem[name] != "":
		t.put(source, "{{ "+ofItem[name]+" }}", true, "")
	case isItem:
		t.put(source, "", false, `items have a title, url, summary, html, author, published, categories and an image: <img src="{{ item.image }}" alt="">`)
	case (verb == "RSSFEED" || verb == "FEED") && ofFeed[name] != "":
		t.put(source, "{{ "+ofFeed[name]+" }}", true, byNewsletters)
	default:
		t.put(source, "", false, byNewsletters+", with {% for item in feed.items %}{{ item.title }}{% endfor %}")
	}
}
