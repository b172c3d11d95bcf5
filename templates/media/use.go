package media

import (
	"context"
	"fmt"
	"strings"

	"postrider/internal/pg"
)

// listUses looks for the address of a file in everything that is, or was, sent: its hash is enough, whatever the host and the name in front and behind. What an
// issue of a newsletter says, edited or not, is that of its campaign. Text that a person has not saved anywhere cannot be seen.
func listUses(ctx context.Context, db pg.DB, f File) ([]Use, error) {
	return pg.Many[Use](ctx, db, "uses of "+what(f.ID), `
		WITH uses AS (
			SELECT 'template' AS kind, id, name, '' AS status, false AS sent FROM templates WHERE strpos(html, $1) > 0 OR strpos(text, $1) > 0
			UNION ALL
			SELECT 'campaign', c.id, c.name, c.status, c.status IN ('finished', 'cancelled') FROM campaigns c LEFT JOIN campaign_contents f ON f.campaign_id = c.id
			WHERE strpos(c.html, $1) > 0 OR strpos(c.text, $1) > 0 OR strpos(f.content::text, $1) > 0
				OR EXISTS (SELECT FROM campaign_variants v WHERE v.campaign_id = c.id AND (strpos(v.html, $1) > 0 OR strpos(v.text, $1) > 0))
			UNION ALL
			SELECT 'confirmation', l.id, l.name, '', false FROM list_confirmations m JOIN lists l ON l.id = m.list_id WHERE strpos(m.html, $1) > 0 OR strpos(m.text, $1) > 0
			UNION ALL
			SELECT 'newsletter', id, name, status, status = 'ended' FROM newsletters, LATERAL (SELECT definition -> 'content') AS x (c)
			WHERE strpos(c ->> 'html', $1) > 0 OR strpos(c ->> 'text', $1) > 0
		)
		SELECT kind, id, name, status, sent FROM uses ORDER BY sent, kind, id`, URLPath+f.HashText())
}

// mostNamed bounds how many uses a message names.
const mostNamed = 5

func named(uses []Use) string {
	var all []string
	for _, u := range uses[:min(len(uses), mostNamed)] {
		switch u.Kind {
		case "confirmation":
			all = append(all, fmt.Sprintf("the confirmation mail of list %q", u.Name))
		default:
			all = append(all, fmt.Sprintf("%s %q", u.Kind, u.Name))
		}
	}
	if more := len(uses) - mostNamed; more > 0 {
		all = append(all, fmt.Sprintf("%d more", more))
	}
	return strings.Join(all, ", ")
}
