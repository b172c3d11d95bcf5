package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg/pgboot"
	"postrider/sender/sink"
)

// count takes the result from the sink's ledger and from what the service lists.
func (r *killRun) count(ctx context.Context) (killResult, error) {
	res := killResult{Messages: r.Messages, Kills: r.Kills, Connections: r.Connections, Seed: r.Seed, Seconds: round(time.Since(r.began).Seconds(), 1)}
	listed, err := unconfirmed(ctx, r.api, r.campaign)
	if err != nil {
		return res, err
	}
	res.Unconfirmed = len(listed)
	counts, err := sink.ReadLedger(r.ledger)
	if err != nil {
		return res, err
	}
	res.Lost, res.Duplicates = judgeLedger(counts, r.Messages, listed)
	dead, err := r.unconfirmedByNode(ctx)
	if err != nil {
		return res, err
	}
	for _, n := range dead {
		res.MaxUnconfirmedPerKill = max(res.MaxUnconfirmedPerKill, n)
		listed = listed[min(n, len(listed)):]
	}
	if len(listed) > 0 {
		return res, fmt.Errorf("%d of the unconfirmed belong to no process", len(listed))
	}
	return res, nil
}

// unconfirmed lists who is in doubt, page by page as anybody would.
func unconfirmed(ctx context.Context, api *client, campaignID int64) (listed []string, err error) {
	path := fmt.Sprintf("/campaigns/%d/deliveries?state=unconfirmed&limit=200", campaignID)
	for at := path; ; {
		var page struct {
			Items      []struct{ Email string }
			NextCursor *string `json:"next_cursor"`
		}
		if err := api.call(ctx, http.MethodGet, at, nil, &page); err != nil {
			return nil, err
		}
		for _, d := range page.Items {
			listed = append(listed, d.Email)
		}
		if page.NextCursor == nil {
			return listed, nil
		}
		at = path + "&cursor=" + url.QueryEscape(*page.NextCursor)
	}
}

// unconfirmedByNode asks the database which process left how many in doubt: each start is a node of its own.
func (r *killRun) unconfirmedByNode(ctx context.Context) ([]int, error) {
	databaseURL, ok := pgboot.Attach(r.databaseDir())
	if !ok {
		return nil, errors.New("the database of the run is gone")
	}
	db, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, fmt.Errorf("looking at the ledger: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
	rows, err := db.Query(ctx, `SELECT count(*)::int FROM deliveries WHERE campaign_id = $1 AND state = 6 AND node_id IS NOT NULL GROUP BY node_id`, r.campaign)
	if err != nil {
		return nil, fmt.Errorf("looking at the ledger: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// judgeLedger counts what an independent ledger says. Whoever is listed as unconfirmed may have the message or not; everybody else has it exactly once.
func judgeLedger(counts map[string]int, people int, unconfirmed []string) (lost, duplicates int) {
	doubt := map[string]bool{}
	for _, to := range unconfirmed {
		doubt[to] = true
	}
	for i := range people {
		switch n := counts[benchAddress(i)]; {
		case n > 1:
			duplicates++
		case n == 0 && !doubt[benchAddress(i)]:
			lost++
		}
	}
	return lost, duplicates
}
