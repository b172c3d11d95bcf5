package api

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/audience"
	"postrider/campaigns"
)

type evidenceJSON struct {
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent"`
	FormID    *int64 `json:"form_id"`
	Form      string `json:"form" doc:"The sign-up form, by the name that it had then"`
	Text      string `json:"text" doc:"What the form said that people agree to"`
	Page      string `json:"page" doc:"The address of the page that the form was on"`
	Note      string `json:"note"`
}

type consentJSON struct {
	ListID   int64         `json:"list_id"`
	ListName string        `json:"list_name" doc:"Empty when the list is gone"`
	Status   string        `json:"status" enum:"subscribed,unconfirmed,unsubscribed"`
	Source   string        `json:"source"`
	ImportID *int64        `json:"import_id"`
	Import   string        `json:"import" doc:"The name of the import's file"`
	Evidence *evidenceJSON `json:"evidence"`
	Since    time.Time     `json:"since"`
	Until    *time.Time    `json:"until" doc:"null for what holds now"`
}

// TransformSchema says in the OpenAPI document that evidence can be null.
func (consentJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "evidence")
}

func encodeEvidence(e *audience.Evidence) *evidenceJSON {
	if e == nil {
		return nil
	}
	return &evidenceJSON{IP: e.IP, UserAgent: e.UserAgent, FormID: idOrNull(e.FormID), Form: e.Form, Text: e.Text, Page: e.Page, Note: e.Note}
}

func (s *server) listConsents(ctx context.Context, in *byID) (*answer[itemsJSON[consentJSON]], error) {
	v, err := s.deps.Audience.ListConsents(ctx, in.ID)
	return replyItems(v, err, func(c audience.Consent) consentJSON {
		return consentJSON{ListID: c.ListID, ListName: c.ListName, Status: c.Status, Source: c.Source, ImportID: c.ImportID, Import: c.Import, Evidence: encodeEvidence(c.Evidence),
			Since: c.Since, Until: c.Until}
	})
}

type momentJSON struct {
	Kind         string        `json:"kind" enum:"message,excluded,open,click,bounce,complaint,unsubscribe,consent,import,preference,suppression,bulk,created"`
	At           time.Time     `json:"at"`
	Ref          string        `json:"ref" doc:"Unique among those of the kind"`
	Status       string        `json:"status" doc:"Of a message its state, of a consent that on the list, of a suppression added or lifted, of a bulk action what it did"`
	Source       string        `json:"source"`
	Reason       string        `json:"reason"`
	Detail       string        `json:"detail" doc:"A server's words, a comment, a note, names of what changed"`
	Actor        string        `json:"actor" doc:"human, machine or unknown; of a suppression who added or lifted it"`
	CampaignID   *int64        `json:"campaign_id"`
	CampaignName string        `json:"campaign_name"`
	Seq          *int32        `json:"seq" doc:"Of the delivery in the campaign"`
	Message      *int64        `json:"message" doc:"The id under /messages of a message that a program sent"`
	URL          *string       `json:"url" doc:"Of a click: the link as the content has it"`
	ListID       *int64        `json:"list_id"`
	ListName     string        `json:"list_name"`
	ImportID     *int64        `json:"import_id"`
	ImportName   string        `json:"import_name"`
	BulkID       *int64        `json:"bulk_id"`
	Evidence     *evidenceJSON `json:"evidence" doc:"Of a consent"`
	Address      string        `json:"address" doc:"Of a message its recipient; of a suppression what is suppressed, @example.org for a domain"`
}

// TransformSchema says in the OpenAPI document that evidence can be null.
func (momentJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "evidence")
}

type timelineQuery struct {
	PageOf
	Kind []string `query:"kind,explode" maxItems:"13" doc:"Only these kinds; may be given several times"`
}

func (s *server) subscriberTimeline(ctx context.Context, in *timelineQuery) (*answer[pageJSON[momentJSON]], error) {
	p, err := s.deps.Campaigns.PersonTimeline(ctx, in.ID, in.Kind, in.query())
	if err != nil {
		return nil, err
	}
	urls, err := s.momentURLs(ctx, p.Items)
	if err != nil {
		return nil, err
	}
	return replyPage(p, nil, func(m campaigns.Moment) momentJSON {
		out := momentJSON{Kind: m.Kind, At: m.At, Ref: m.Ref, Status: m.Status, Source: m.Source, Reason: m.Reason, Detail: m.Detail, Actor: m.Actor, CampaignID: idOrNull(m.CampaignID), Message: idOrNull(m.Message),
			CampaignName: m.CampaignName, ListID: idOrNull(m.ListID), ListName: m.ListName, ImportID: idOrNull(m.ImportID), ImportName: m.ImportName, BulkID: idOrNull(m.BulkID),
			Address: m.Address}
		if m.Seq != 0 {
			out.Seq = &m.Seq
		}
		if m.Kind == campaigns.MomentClick {
			out.URL = orNull(urls[m.CampaignID][int(m.Link)])
		}
		var e audience.Evidence
		if len(m.Evidence) > 0 && json.Unmarshal(m.Evidence, &e) == nil {
			out.Evidence = encodeEvidence(&e)
		}
		return out
	})
}

// momentURLs finds the URLs that clicks stand for.
func (s *server) momentURLs(ctx context.Context, moments []campaigns.Moment) (map[int64]map[int]string, error) {
	urls := map[int64]map[int]string{}
	for _, m := range moments {
		if m.Kind != campaigns.MomentClick || m.CampaignName == "" || urls[m.CampaignID] != nil {
			continue
		}
		links, err := s.deps.Campaigns.Links(ctx, m.CampaignID)
		if err != nil {
			return nil, err
		}
		urls[m.CampaignID] = map[int]string{}
		for _, l := range links {
			urls[m.CampaignID][l.ID] = l.URL
		}
	}
	return urls, nil
}

type exportQuery struct {
	ID     int64  `path:"id" minimum:"1"`
	Format string `query:"format" enum:"json,zip" default:"json" doc:"zip holds the same as JSON, as CSV files and as a page to read"`
}

// fileDownload is the output of a handler that answers with a file.
type fileDownload struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        func(huma.Context)
}

func (s *server) exportSubscriber(ctx context.Context, in *exportQuery) (*fileDownload, error) {
	data, err := s.deps.Campaigns.ExportPerson(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &fileDownload{ContentType: "application/json", Disposition: fmt.Sprintf("attachment; filename=\"person-%d.json\"", in.ID)}
	write := writePersonJSON
	if in.Format == "zip" {
		out.ContentType, out.Disposition, write = "application/zip", fmt.Sprintf("attachment; filename=\"person-%d.zip\"", in.ID), writePersonZIP
	}
	out.Body = func(hc huma.Context) {
		if err := write(hc.BodyWriter(), data); err != nil && hc.Context().Err() == nil {
			s.log.LogAttrs(hc.Context(), slog.LevelError, "export broke off", slog.String("request_id", requestOf(hc.Context()).id), slog.String("error", err.Error()))
			panic(http.ErrAbortHandler) // or half a file would pass for a whole one
		}
	}
	return out, nil
}

// personObject is the data as one JSON object with a list of objects for each section.
func personObject(data campaigns.PersonData) map[string]any {
	out := map[string]any{"email": data.Email, "exported_at": data.ExportedAt}
	for _, section := range data.Sections {
		rows := make([]map[string]any, len(section.Rows))
		for i, row := range section.Rows {
			rows[i] = make(map[string]any, len(row))
			for j, v := range row {
				rows[i][section.Columns[j]] = v
			}
		}
		out[section.Name] = rows
	}
	return out
}

func writePersonJSON(w io.Writer, data campaigns.PersonData) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(personObject(data))
}

func writePersonZIP(w io.Writer, data campaigns.PersonData) error {
	z := zip.NewWriter(w)
	file := func(name string) (io.Writer, error) {
		return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: data.ExportedAt})
	}
	f, err := file("person.json")
	if err == nil {
		err = writePersonJSON(f, data)
	}
	for _, section := range data.Sections {
		if err != nil {
			return err
		}
		if f, err = file(section.Name + ".csv"); err == nil {
			err = writeSectionCSV(f, section)
		}
	}
	if err != nil {
		return err
	}
	if f, err = file("read-me.html"); err == nil {
		err = personPage.Execute(f, data)
	}
	if err != nil {
		return err
	}
	return z.Close()
}

func writeSectionCSV(w io.Writer, section campaigns.PersonSection) error {
	out := csv.NewWriter(w)
	if err := out.Write(section.Columns); err != nil {
		return err
	}
	for _, row := range section.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = harmless(cellText(v))
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cellText writes a value for people.
func cellText(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// personPage shows the data without anything else being needed. Nothing in it can be script: html/template sees to that.
var personPage = template.Must(template.New("person").Funcs(template.FuncMap{"cell": cellText}).Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>What is kept about {{.Email}}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}table{border-collapse:collapse;font-size:.9rem;display:block;overflow-x:auto}
th,td{border:1px solid #bbb;padding:.25rem .5rem;text-align:left;vertical-align:top}caption{text-align:left}</style>
<h1>What is kept about {{.Email}}</h1>
<p>As of {{cell .ExportedAt}}. The same is in person.json, and each table in a CSV file of its own.</p>
{{range .Sections}}<h2>{{.Name}}</h2>
{{if .Rows}}<table><thead><tr>{{range .Columns}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>{{range .Rows}}<tr>{{range .}}<td>{{cell .}}</td>{{end}}</tr>{{end}}</tbody></table>{{if .Cut}}<p>There is more than fits here.</p>{{end}}
{{else}}<p>Nothing.</p>{{end}}{{end}}</html>
`))

type erasureInputJSON struct {
	Email string `json:"email"`
}

type erasureJSON struct {
	ErasedAt time.Time         `json:"erased_at"`
	Places   []erasedPlaceJSON `json:"places" doc:"Where something was removed or emptied"`
}

type erasedPlaceJSON struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

type erasureRecordJSON struct {
	ErasedAt time.Time `json:"erased_at"`
	ErasedBy string    `json:"erased_by"`
}

func (s *server) erase(ctx context.Context, in *with[erasureInputJSON]) (*answer[erasureJSON], error) {
	v, err := s.deps.Audience.Erase(ctx, in.Body.Email, actor(ctx))
	return reply(v, err, func(e audience.Erasure) erasureJSON {
		return erasureJSON{ErasedAt: e.ErasedAt, Places: each(e.Places, func(p audience.ErasedPlace) erasedPlaceJSON { return erasedPlaceJSON(p) })}
	})
}

func (s *server) listErasures(ctx context.Context, in *Paging) (*answer[pageJSON[erasureRecordJSON]], error) {
	p, err := s.deps.Audience.ListErasures(ctx, in.query())
	return replyPage(p, err, func(e audience.ErasureRecord) erasureRecordJSON {
		return erasureRecordJSON{ErasedAt: e.ErasedAt.UTC(), ErasedBy: e.ErasedBy}
	})
}
