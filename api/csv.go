package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/campaigns"
	"postrider/events"
	"postrider/internal/page"
)

// table is what a CSV file holds: its columns, and its rows one after another.
type table struct {
	columns []string
	rows    func(write func(cells ...any) error) error
}

// csvFile answers with a table as a file. It begins with a byte order mark, or spreadsheets take its text for Latin-1.
func (s *server) csvFile(name string, t table) *csvDownload {
	return &csvDownload{
		ContentType: "text/csv; charset=utf-8", Disposition: fmt.Sprintf("attachment; filename=%q", name+".csv"),
		Body: func(hc huma.Context) {
			if err := t.write(hc.BodyWriter()); err != nil {
				if hc.Context().Err() == nil {
					s.log.LogAttrs(hc.Context(), slog.LevelError, "table broke off", slog.String("request_id", requestOf(hc.Context()).id), slog.String("error", err.Error()))
				}
				panic(http.ErrAbortHandler) // or half a file would pass for a whole one
			}
		},
	}
}

func (t table) write(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180 §2
	if err := out.Write(t.columns); err != nil {
		return err
	}
	record := make([]string, len(t.columns))
	err := t.rows(func(cells ...any) error {
		for i, c := range cells {
			record[i] = csvCell(c)
		}
		return out.Write(record[:len(cells)])
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// csvCell writes a value for a cell.
func csvCell(v any) string {
	switch v := v.(type) {
	case string:
		return harmless(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	return harmless(fmt.Sprint(v))
}

// harmless keeps a spreadsheet from taking a text for a formula, which could send what else is in the sheet away: a name or a link is written by strangers. What begins like one, also
// after blanks or in full-width form, gets an apostrophe in front, by which spreadsheets know a text.
func harmless(text string) string {
	trimmed := strings.TrimLeft(text, " \t\r\n\v\f\u00a0\u3000\ufeff")
	if trimmed != "" && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20|%", []rune(trimmed)[0]) || strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "\r") || strings.HasPrefix(text, "\n") {
		return "'" + text
	}
	return text
}

var countColumns = []string{"recipients", "accepted", "delivered", "refused", "came_back", "failed", "unconfirmed", "skipped", "waiting", "complaints", "unsubscribes", "opened", "clicked"}

func countCells(o campaigns.OutcomeCounts) []any {
	return []any{o.Recipients, o.Accepted(), o.Delivered, o.Refused, o.CameBack, o.Failed, o.Unconfirmed, o.Skipped, o.Waiting, o.Complaints, o.Unsubscribes, o.Opened, o.Clicked}
}

// tallyColumns names the three columns of each figure that is told by who was behind it.
func tallyColumns(names ...string) (columns []string) {
	for _, name := range names {
		columns = append(columns, name+"_human", name+"_machine", name+"_unknown")
	}
	return columns
}

func tallyCells(tallies ...events.Tally) (cells []any) {
	for _, t := range tallies {
		cells = append(cells, t.Human, t.Machine, t.Unknown)
	}
	return cells
}

type statsTable struct {
	ID    int64  `path:"id" minimum:"1"`
	Table string `query:"table" required:"true" enum:"total,reasons,relays,providers,variants,links,timeline" doc:"Which figures; providers names all of them, variants are those of an A/B test"`
}

func (s *server) downloadStats(ctx context.Context, in *statsTable) (*csvDownload, error) {
	var t table
	var err error
	switch in.Table {
	case "links":
		t, err = s.linksTable(ctx, in.ID)
	case "timeline":
		t, err = s.timelineTable(ctx, in.ID)
	default:
		t, err = s.outcomesTable(ctx, in.ID, in.Table)
	}
	if err != nil {
		return nil, err
	}
	return s.csvFile(fmt.Sprintf("campaign-%d-%s", in.ID, in.Table), t), nil
}

func (s *server) outcomesTable(ctx context.Context, id int64, name string) (table, error) {
	o, err := s.deps.Campaigns.Outcomes(ctx, id, 0)
	if err != nil {
		return table{}, err
	}
	switch name {
	case "reasons":
		return table{columns: []string{"outcome", "reason", "count"}, rows: func(write func(...any) error) error {
			return eachRow(o.Reasons, write, func(r campaigns.ReasonCount) []any { return []any{r.Outcome, r.Reason, r.Count} })
		}}, nil
	case "relays":
		return table{columns: append([]string{"relay_id", "relay"}, countColumns...), rows: func(write func(...any) error) error {
			return eachRow(o.Relays, write, func(r campaigns.RelayOutcomes) []any {
				return append([]any{r.ID, r.Name}, countCells(r.OutcomeCounts)...)
			})
		}}, nil
	case "variants":
		return table{columns: append([]string{"variant"}, countColumns...), rows: func(write func(...any) error) error {
			return eachRow(o.Variants, write, func(v campaigns.VariantOutcomes) []any {
				return append([]any{variantCell(v.Variant)}, countCells(v.OutcomeCounts)...)
			})
		}}, nil
	case "providers":
		return table{columns: append([]string{"provider", "domains"}, countColumns...), rows: func(write func(...any) error) error {
			return eachRow(o.Providers, write, func(p campaigns.ProviderOutcomes) []any {
				return append([]any{p.Name, int64(p.Domains)}, countCells(p.OutcomeCounts)...)
			})
		}}, nil
	}
	return table{columns: append([]string{"as_of"}, countColumns...), rows: func(write func(...any) error) error {
		return write(append([]any{o.AsOf}, countCells(o.Total)...)...)
	}}, nil
}

func eachRow[T any](items []T, write func(...any) error, cells func(T) []any) error {
	for _, item := range items {
		if err := write(cells(item)...); err != nil {
			return err
		}
	}
	return nil
}

// variantCell is empty without a variant.
func variantCell(n int16) any {
	if n == 0 {
		return ""
	}
	return int64(n)
}

func (s *server) linksTable(ctx context.Context, id int64) (table, error) {
	links, err := s.deps.Campaigns.Links(ctx, id)
	return table{columns: append([]string{"link", "url", "variant"}, tallyColumns("clicks", "unique_clicks")...), rows: func(write func(...any) error) error {
		return eachRow(links, write, func(l campaigns.LinkStat) []any {
			return append([]any{int64(l.ID), l.URL, variantCell(l.Variant)}, tallyCells(l.Clicks, l.UniqueClicks)...)
		})
	}}, err
}

func (s *server) timelineTable(ctx context.Context, id int64) (table, error) {
	t, err := s.deps.Campaigns.Timeline(ctx, id)
	return table{columns: append([]string{"time", "sent", "bounced", "deferred"}, tallyColumns("opens", "clicks")...), rows: func(write func(...any) error) error {
		for i, at := range t.Times {
			if err := write(append([]any{time.Unix(at, 0), t.Sent[i], t.Bounced[i], t.Deferred[i]}, tallyCells(t.Opens[i], t.Clicks[i])...)...); err != nil {
				return err
			}
		}
		return nil
	}}, err
}

type listTable struct {
	ID    int64  `path:"id" minimum:"1"`
	Table string `query:"table" required:"true" enum:"campaigns,growth" doc:"Which figures; campaigns names all of them, newest first"`
}

func (s *server) downloadListStats(ctx context.Context, in *listTable) (*csvDownload, error) {
	growth, err := s.deps.Audience.Growth(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("list-%d-%s", in.ID, in.Table)
	if in.Table == "growth" {
		return s.csvFile(name, table{columns: []string{"week", "joined", "left", "suppressed"}, rows: func(write func(...any) error) error {
			for i, at := range growth.Times {
				if err := write(time.Unix(at, 0), growth.Joined[i], growth.Left[i], growth.Suppressed[i]); err != nil {
					return err
				}
			}
			return nil
		}}), nil
	}
	columns := append([]string{"campaign_id", "campaign", "started_at", "shared"}, countColumns...)
	return s.csvFile(name, table{columns: columns, rows: func(write func(...any) error) error {
		// Page by page, so that the file comes while the next campaigns are read.
		for q := (page.Query{}); ; {
			p, err := s.deps.Campaigns.ListStats(ctx, in.ID, q)
			if err != nil {
				return err
			}
			err = eachRow(p.Items, write, func(o campaigns.ListOutcomes) []any {
				return append([]any{o.CampaignID, o.CampaignName, o.StartedAt, o.Shared}, countCells(o.OutcomeCounts)...)
			})
			if err != nil || p.NextCursor == "" {
				return err
			}
			q.Cursor = p.NextCursor
		}
	}}), nil
}

func (s *server) downloadRelayStats(ctx context.Context, in *byID) (*csvDownload, error) {
	st, err := s.deps.Campaigns.RelayStats(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	columns := []string{"span", "since", "outcome", "reason", "count"}
	return s.csvFile(fmt.Sprintf("relay-%d", in.ID), table{columns: columns, rows: func(write func(...any) error) error {
		for _, span := range []struct {
			name string
			f    campaigns.RelayFigures
		}{{"24 hours", st.Day}, {"30 days", st.Month}} {
			if err := write(span.name, span.f.Since, "accepted", "", span.f.Accepted); err != nil {
				return err
			}
			if err := write(span.name, span.f.Since, "complaint", "", span.f.Complaints); err != nil {
				return err
			}
			for _, r := range span.f.Reasons {
				if err := write(span.name, span.f.Since, r.Outcome, r.Reason, r.Count); err != nil {
					return err
				}
			}
		}
		return nil
	}}), nil
}
