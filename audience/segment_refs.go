package audience

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"postrider/audience/segment"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// namesSQL finds the things that definitions name by id, and what they are called.
var namesSQL = map[string]string{
	segment.RefList:     `SELECT id, name FROM lists WHERE id = ANY ($1)`,
	segment.RefCampaign: `SELECT id, name FROM campaigns WHERE id = ANY ($1)`,
	segment.RefImport:   `SELECT id, filename FROM imports WHERE id = ANY ($1)`,
	segment.RefForm:     `SELECT id, name FROM forms WHERE id = ANY ($1)`,
	segment.RefSegment:  `SELECT id, name FROM segments WHERE id = ANY ($1)`,
}

// segmentNames reads the names of everything that definitions name.
func segmentNames(ctx context.Context, db pg.DB, nodes ...segment.Node) (segment.Names, error) {
	names := segment.Names{Fields: map[string]string{}}
	fields, err := listFields(ctx, db)
	if err != nil {
		return names, err
	}
	for _, f := range fields {
		names.Fields[f.Name] = f.Label
	}
	for what, to := range map[string]*map[int64]string{segment.RefList: &names.Lists, segment.RefCampaign: &names.Campaigns, segment.RefImport: &names.Imports,
		segment.RefForm: &names.Forms, segment.RefSegment: &names.Segments} {
		if *to, err = namesByID(ctx, db, namesSQL[what], refIDs(what, nodes...)); err != nil {
			return names, err
		}
	}
	return names, nil
}

// refIDs gives the ids of a kind that definitions name, each once.
func refIDs(what string, nodes ...segment.Node) []int64 {
	var ids []int64
	for _, n := range nodes {
		for _, r := range n.Refs() {
			if r.What == what && !slices.Contains(ids, r.ID) {
				ids = append(ids, r.ID)
			}
		}
	}
	return ids
}

func namesByID(ctx context.Context, db pg.DB, sql string, ids []int64) (map[int64]string, error) {
	names := map[int64]string{}
	if len(ids) == 0 {
		return names, nil
	}
	rows, err := db.Query(ctx, sql, ids)
	if err != nil {
		return nil, fmt.Errorf("reading names: %w", err)
	}
	var (
		id   int64
		name string
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		names[id] = name
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading names: %w", err)
	}
	return names, nil
}

// there is what definitions may name.
type there struct {
	context segment.Context
	// pending has the fields that a job is changing, and how.
	pending map[string]string
	byID    map[string]map[int64]string
}

// whatThereIs reads the fields, and what a definition names.
func whatThereIs(ctx context.Context, db pg.DB, n segment.Node) (there, error) {
	k := there{pending: map[string]string{}, byID: map[string]map[int64]string{}}
	fields, err := listFields(ctx, db)
	if err != nil {
		return k, err
	}
	for _, f := range fields {
		k.pending[f.Name] = f.Pending
	}
	// Forms are not among these: whom one that was deleted brought is kept with their consent.
	for _, what := range []string{segment.RefList, segment.RefCampaign, segment.RefImport} {
		if k.byID[what], err = namesByID(ctx, db, namesSQL[what], refIDs(what, n)); err != nil {
			return k, err
		}
	}
	k.context, err = contextOf(ctx, db, fields)
	return k, err
}

// check looks whether a definition fits what there is. Nobody meets a condition about a thing that is gone, and so everybody whom it was to leave out would be in.
func (k there) check(n segment.Node) error {
	if err := segment.Check(n, k.context.Fields); err != nil {
		return err
	}
	for _, r := range n.Refs() {
		if r.What == segment.RefField && k.pending[r.Name] != "" {
			return errs.InvalidField("definition"+r.At, "the field %q is being changed (%s): wait until that is done", r.Name, k.pending[r.Name])
		}
		if byID, ok := k.byID[r.What]; ok {
			if _, ok := byID[r.ID]; !ok {
				return errs.InvalidField("definition"+r.At, "there is no %s %d", r.What, r.ID)
			}
		}
	}
	return nil
}

func savedSegments(ctx context.Context, db pg.DB) (map[int64]segment.Saved, error) {
	rows, err := pg.Many[segmentRow](ctx, db, "segments", selectSegments)
	if err != nil {
		return nil, err
	}
	all := make(map[int64]segment.Saved, len(rows))
	for _, r := range rows {
		n, err := segment.ParseStored(r.Definition)
		if err != nil {
			return nil, fmt.Errorf("reading segment %d: %w", r.ID, err)
		}
		all[r.ID] = segment.Saved{Name: r.Name, Node: n}
	}
	return all, nil
}

// namedByNone is a Conflict when a segment names something, which called says what it is.
func namedByNone(ctx context.Context, db pg.DB, called string, is func(segment.Ref) bool) error {
	all, err := savedSegments(ctx, db)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if slices.ContainsFunc(all[id].Node.Refs(), is) {
			return errs.New(errs.Conflict, "the segment %q uses %s: take it out there, and delete it then", all[id].Name, called)
		}
	}
	return nil
}

// checkUsers gives the segments that name another one, by way of others too. It is Invalid when one of them has become too large with it.
func checkUsers(ctx context.Context, db pg.DB, id int64) ([]int64, error) {
	all, err := savedSegments(ctx, db)
	if err != nil {
		return nil, err
	}
	uses := map[int64]bool{id: true}
	for before := 0; before < len(uses); {
		before = len(uses)
		for user, s := range all {
			if slices.ContainsFunc(refIDs(segment.RefSegment, s.Node), func(ref int64) bool { return uses[ref] }) {
				uses[user] = true
			}
		}
	}
	delete(uses, id)
	users := slices.Sorted(maps.Keys(uses))
	for _, user := range users {
		_, err := segment.Expand(all[user].Node, func(id int64) (segment.Saved, bool) { s, ok := all[id]; return s, ok })
		var e *errs.E
		if errors.As(err, &e) {
			return nil, errs.InvalidField("definition", "the segment %q uses this one, and could not any more: %s", all[user].Name, e.Public)
		}
	}
	return users, nil
}

// CampaignUnusedTx is a Conflict when a segment asks about a campaign.
func CampaignUnusedTx(ctx context.Context, tx pgx.Tx, id int64) error {
	return namedByNone(ctx, tx, "this campaign", func(r segment.Ref) bool { return r.What == segment.RefCampaign && r.ID == id })
}

// HoldDefinitionsTx keeps segments and the types of fields as they are until the end of the transaction.
func HoldDefinitionsTx(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, segmentLock); err != nil {
		return fmt.Errorf("waiting for changes of segments: %w", err)
	}
	return nil
}

// NobodyIsChosenTx is a Conflict while the audience of a campaign other than one is being written: what its segments ask about must not go away meanwhile. It takes some minutes at
// most.
func NobodyIsChosenTx(ctx context.Context, tx pgx.Tx, except int64) error {
	var campaign string
	err := tx.QueryRow(ctx, `SELECT name FROM campaigns WHERE freeze_after IS NOT NULL AND id <> $1 ORDER BY id LIMIT 1`, except).Scan(&campaign)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for campaigns whose audience is being written: %w", err)
	}
	return errs.New(errs.Conflict, "the people of the campaign %q are just being chosen, perhaps by this: try again in some minutes", campaign)
}
