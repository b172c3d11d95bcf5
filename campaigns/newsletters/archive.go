package newsletters

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
	"postrider/templates"
)

// Archive is what belongs to the public pages of a newsletter.
type Archive struct {
	// Language is BCP 47, "" when not said.
	Language string `json:"language,omitempty"`
	// SignUpURL is where people sign up. "" is the sign-up form of one of the lists, if there is one.
	SignUpURL string `json:"sign_up_url,omitempty"`
	// Indexed lets search engines list it.
	Indexed bool `json:"indexed,omitempty"`
}

// validate checks the settings, and writes the language as RFC 5646 §2.1.1 does.
func (a *Archive) validate(f *errs.Fields) {
	if a.Language != "" {
		if tag, err := language.Parse(a.Language); err != nil || len(a.Language) > 35 {
			f.Add("language", "%.100q is no language; write it like en, de-AT or zh-Hant", a.Language)
		} else {
			a.Language = tag.String()
		}
	}
	if a.SignUpURL != "" && !webAddress(a.SignUpURL) {
		f.Add("sign_up_url", "%.100q is no address of the web; write it like https://example.org/sign-up, or leave it out for the sign-up form of one of the lists", a.SignUpURL)
	}
}

const maxSlug = 60

var slugPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func validateSlug(slug string, f *errs.Fields) {
	if slug != "" && (len(slug) > maxSlug || !slugPattern.MatchString(slug)) {
		f.Add("slug", "use at most %d letters a to z, digits and single hyphens between them, such as garden-news; left out, it is made of the name", maxSlug)
	}
}

// slugOf makes what an address can end in of a name: letters without their accents, digits, and hyphens for what is between.
func slugOf(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == 'ß':
			b.WriteString("ss")
		case unicode.Is(unicode.Mn, r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= maxSlug-10 {
			break
		}
	}
	if slug := strings.Trim(b.String(), "-"); slug != "" {
		return slug
	}
	return "newsletter"
}

// freeSlug gives the slug of a name, with a number when others have it, or had it. Of two who save at once the constraint refuses one.
func freeSlug(ctx context.Context, db pg.DB, name string) (slug string, err error) {
	err = db.QueryRow(ctx, `
		SELECT c.slug FROM (SELECT CASE WHEN n = 1 THEN $1 ELSE $1 || '-' || n END AS slug, n FROM generate_series(1, 10000) n) c
		WHERE NOT EXISTS (SELECT FROM newsletters x WHERE x.slug = c.slug) AND NOT EXISTS (SELECT FROM newsletter_slugs x WHERE x.slug = c.slug) ORDER BY c.n LIMIT 1`, slugOf(name)).Scan(&slug)
	if err != nil {
		return "", fmt.Errorf("looking for an address for a newsletter: %w", err)
	}
	return slug, nil
}

// slugTaken refuses the former address of another newsletter: mail that went out leads there. id is the newsletter that wants it, 0 for a new one.
func slugTaken(ctx context.Context, db pg.DB, slug string, id int64) error {
	var by string
	err := db.QueryRow(ctx, `SELECT n.name FROM newsletter_slugs s JOIN newsletters n ON n.id = s.newsletter_id WHERE s.slug = $1 AND n.id <> $2`, slug, id).Scan(&by)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("looking at former addresses of newsletters: %w", err)
	}
	e := errs.InvalidField("slug", "mail of the newsletter %q links to the address %q, which it had before; choose another one", by, slug)
	e.Kind = errs.Conflict
	return e
}

// Public is a newsletter as everybody may see it.
type Public struct {
	Slug, Title, Description, Language string
	Note                               string // about a pause
	SignUpURL                          string // as it was given, else ""
	Form                               string // the slug of the sign-up form to use without SignUpURL, or ""
	Indexed                            bool
	UpdatedAt                          time.Time
}

// Public reads what is public of a newsletter, by its slug or one that it had before. One that is not public, or never ran, is not found.
func (s *Service) Public(ctx context.Context, slug string) (Public, error) {
	return pg.One[Public](ctx, s.d.Pool, fmt.Sprintf("public newsletter %.60q", slug), `
		SELECT n.slug, n.name AS title, COALESCE(n.definition ->> 'description', '') AS description, COALESCE(n.definition -> 'archive' ->> 'language', '') AS language,
			COALESCE(n.pause_note, '') AS note, COALESCE(n.definition -> 'archive' ->> 'sign_up_url', '') AS sign_up_url,
			COALESCE((SELECT f.slug FROM forms f JOIN form_lists fl ON fl.form_id = f.id JOIN newsletter_lists l ON l.list_id = fl.list_id
				WHERE l.newsletter_id = n.id AND NOT l.excluded AND f.enabled ORDER BY f.id LIMIT 1), '') AS form,
			COALESCE((n.definition -> 'archive' -> 'indexed')::bool, false) AS indexed, n.updated_at
		FROM newsletters n WHERE (n.slug = $1 OR n.id = (SELECT newsletter_id FROM newsletter_slugs WHERE slug = $1)) AND `+shown+` ORDER BY n.slug = $1 DESC LIMIT 1`, clean(slug))
}

// shown says of a newsletter n that everybody may see it.
const shown = `n.public AND n.activated_at IS NOT NULL`

// PublicIssue is an issue that was sent, for everybody to see. Content is as it was frozen, before it is filled in for a person.
type PublicIssue struct {
	Date      schedule.Date
	Content   templates.Content
	Image     string
	SentAt    time.Time
	UpdatedAt time.Time
}

type publicRow struct {
	LocalDate                      time.Time
	Subject, Preheader, HTML, Text string
	Image                          string
	SentAt, UpdatedAt              time.Time
}

func (r publicRow) issue() PublicIssue {
	return PublicIssue{
		Date: schedule.DateOf(r.LocalDate), Content: templates.Content{Subject: r.Subject, Preheader: r.Preheader, HTML: r.HTML, Text: r.Text}, Image: r.Image, SentAt: r.SentAt, UpdatedAt: r.UpdatedAt,
	}
}

// publicIssues are those that went out, or are on their way, newest first. What was called back is not shown. Of an A/B test it is the winner, and before there is one the first variant. body leaves HTML and text out when it is not asked for.
func publicIssues(ctx context.Context, db pg.DB, body bool, where string, args ...any) ([]PublicIssue, error) {
	text := `'' AS html, '' AS text`
	if body {
		text = `COALESCE(v.content ->> 'html', '') AS html, COALESCE(v.content ->> 'text', '') AS text`
	}
	rows, err := pg.Many[publicRow](ctx, db, "public issues", `
		SELECT i.local_date, COALESCE(v.content ->> 'subject', '') AS subject, COALESCE(v.content ->> 'preheader', '') AS preheader, `+text+`,
			COALESCE((SELECT x.item ->> 'image' FROM newsletter_issue_items ii JOIN newsletter_items x ON x.newsletter_id = i.newsletter_id AND x.key = ii.key
				WHERE ii.issue_id = i.id AND x.item ->> 'image' <> '' ORDER BY ii.position LIMIT 1), '') AS image,
			i.started_at AS sent_at, GREATEST(c.frozen_at, i.started_at, t.decided_at) AS updated_at
		FROM newsletter_issues i JOIN newsletters n ON n.id = i.newsletter_id JOIN campaign_contents c ON c.campaign_id = i.campaign_id
			LEFT JOIN campaign_ab_tests t ON t.campaign_id = i.campaign_id,
			LATERAL (SELECT COALESCE(c.content -> 'variants' -> (t.winner - 1), c.content) AS content) v
		WHERE `+shown+` AND i.state IN ('sending', 'sent') AND i.reason_code <> 'cancelled' AND i.started_at IS NOT NULL AND `+where, args...)
	if err != nil {
		return nil, err
	}
	out := make([]PublicIssue, len(rows))
	for k, r := range rows {
		out[k] = r.issue()
	}
	return out, nil
}

// PublicIssues gives a page of the issues of a public newsletter, newest first, without HTML and text.
func (s *Service) PublicIssues(ctx context.Context, slug string, q page.Query) (page.Page[PublicIssue], error) {
	before := "9999-12-31"
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return page.Page[PublicIssue]{}, err
		}
		if _, err := schedule.ParseDate(before); err != nil {
			return page.Page[PublicIssue]{}, errs.InvalidField("cursor", "this is no cursor of this list; begin anew without one")
		}
	}
	is, err := publicIssues(ctx, s.d.Pool, false, `n.slug = $1 AND i.local_date < $2::date ORDER BY i.local_date DESC LIMIT $3`, clean(slug), before, q.Size()+1)
	if err != nil {
		return page.Page[PublicIssue]{}, err
	}
	return page.Cut(is, q, func(i PublicIssue) string { return page.Encode(i.Date.String()) }), nil
}

// PublicIssue gives an issue by its date, and its neighbours, nil where there are none.
func (s *Service) PublicIssue(ctx context.Context, slug, date string) (i PublicIssue, newer, older *PublicIssue, err error) {
	d, err := schedule.ParseDate(date)
	if err != nil || d.String() != date {
		return i, nil, nil, errs.New(errs.NotFound, "there is no issue of %.40q", date)
	}
	for _, part := range []struct {
		body  bool
		where string
		into  func(PublicIssue)
	}{
		{true, `i.local_date = $2::date`, func(x PublicIssue) { i = x }},
		{false, `i.local_date > $2::date ORDER BY i.local_date LIMIT 1`, func(x PublicIssue) { newer = &x }},
		{false, `i.local_date < $2::date ORDER BY i.local_date DESC LIMIT 1`, func(x PublicIssue) { older = &x }},
	} {
		found, err := publicIssues(ctx, s.d.Pool, part.body, `n.slug = $1 AND `+part.where, clean(slug), date)
		if err != nil {
			return i, nil, nil, err
		}
		if len(found) > 0 {
			part.into(found[0])
		} else if part.body {
			return i, nil, nil, errs.New(errs.NotFound, "there is no issue of %s", date)
		}
	}
	return i, newer, older, nil
}

// clean makes a text from an address one that the database takes; nothing has the name that is left then.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// archiveURL is where an issue will be for everybody to see: "" when the newsletter is not public, or nobody has said how this service is reached.
func (s *Service) archiveURL(ctx context.Context, n Newsletter, i Issue) (string, error) {
	if !n.Public || s.d.PublicURL == nil {
		return "", nil
	}
	origin, err := s.d.PublicURL(ctx)
	if err != nil || origin == "" {
		return "", err
	}
	return strings.TrimSuffix(origin, "/") + "/a/" + n.Slug + "/" + i.Date.String(), nil
}
