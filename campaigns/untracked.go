package campaigns

import (
	"context"
	"fmt"

	"postrider/audience"
	"postrider/internal/pg"
)

// Whether somebody is tracked is decided when their mail is claimed, and not kept. Whoever asks later goes by what they and their lists say then.

// untrackedLists gives those of the lists that are not tracked: their people are not, whatever other list they are on.
func untrackedLists(ctx context.Context, db pg.DB, listIDs []int64) ([]int64, error) {
	return collectIDs(ctx, db, `SELECT id FROM lists WHERE no_tracking AND id = ANY ($1) ORDER BY id`, listIDs)
}

// untrackedSQL is a boolean SQL expression: is the person not tracked, by their own choice or that of one of the lists? Its parameters begin at $first. Such people and lists are few or none, and only where there is such a
// list is each person looked for on it.
func untrackedSQL(person string, lists []int64, first int) (string, []any) {
	own := fmt.Sprintf(`(SELECT true FROM subscribers n WHERE n.id = %s AND n.no_tracking) IS NOT NULL`, person)
	if len(lists) == 0 {
		return `(` + own + `)`, nil
	}
	return `(` + own + ` OR ` + audience.SubscribedSQL(person, fmt.Sprintf("$%d", first)) + `)`, []any{lists}
}
