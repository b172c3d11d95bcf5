package templates

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pmezard/go-difflib/difflib"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// keptVersions is how many versions a template has. When there are more, the oldest goes, first of those without a note.
const keptVersions = 200

// Version is a template as it was after one save.
type Version struct {
	TemplateID                     int64
	Number                         int
	Name                           string
	Kind                           Kind
	LayoutID                       *int64
	InlineCSS                      bool
	Subject, Preheader, HTML, Text string
	Author, Note                   string
	At                             time.Time
}

type versionRow struct {
	TemplateID               int64
	Version                  int
	Name                     string
	Kind                     Kind
	LayoutID                 *int64
	InlineCSS                bool `db:"inline_css"`
	Subject, Preheader, Text string
	HTML                     string `db:"html"`
	Author, Note             string
	At                       time.Time
}

const versionColumns = `template_id, version, name, kind, layout_id, inline_css, subject, preheader, html, text, author, note, at`

func (r versionRow) version() Version {
	return Version{r.TemplateID, r.Version, r.Name, r.Kind, r.LayoutID, r.InlineCSS, r.Subject, r.Preheader, r.HTML, r.Text, r.Author, r.Note, r.At.UTC()}
}

func insertVersion(ctx context.Context, tx pgx.Tx, t Template, author, note string) error {
	_, err := tx.Exec(ctx, `INSERT INTO template_versions (`+versionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		t.ID, t.Version, t.Name, t.Kind, t.LayoutID, t.InlineCSS, t.Subject, t.Preheader, t.HTML, t.Text, author, note, t.UpdatedAt)
	if err != nil {
		return fmt.Errorf("keeping version %d of %s: %w", t.Version, what(t.ID), err)
	}
	return nil
}

// dropOldVersions keeps the newest version whatever it is called.
func dropOldVersions(ctx context.Context, tx pgx.Tx, id int64) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM template_versions WHERE template_id = $1 AND version IN (
			SELECT version FROM template_versions WHERE template_id = $1 AND version < (SELECT max(version) FROM template_versions WHERE template_id = $1)
			ORDER BY note <> '', version
			LIMIT greatest(0, (SELECT count(*) FROM template_versions WHERE template_id = $1) - $2))`, id, keptVersions)
	if err != nil {
		return fmt.Errorf("dropping old versions of %s: %w", what(id), err)
	}
	return nil
}

// savedSince says who has saved a template since the version that somebody started from.
func savedSince(ctx context.Context, tx pgx.Tx, t Template, version int) error {
	v, err := getVersion(ctx, tx, t.ID, t.Version)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	by := ""
	if v.Author != "" {
		by = " by " + v.Author
	}
	return errs.New(errs.Conflict, "the template was saved%s at %s, as version %d; yours began with version %d. Look at what changed, and save again with version %d",
		by, t.UpdatedAt.Format("2006-01-02 15:04 UTC"), t.Version, version, t.Version)
}

func getVersion(ctx context.Context, db pg.DB, id int64, number int) (Version, error) {
	r, err := pg.One[versionRow](ctx, db, fmt.Sprintf("version %d of %s", number, what(id)),
		`SELECT `+versionColumns+` FROM template_versions WHERE template_id = $1 AND version = $2`, id, number)
	return r.version(), err
}

// Versions gives the versions of a template without their sources, newest first.
func (s *Service) Versions(ctx context.Context, id int64, q page.Query) (page.Page[Version], error) {
	before := 0
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return page.Page[Version]{}, err
		}
	}
	if _, err := s.Get(ctx, id); err != nil {
		return page.Page[Version]{}, err
	}
	rows, err := pg.Many[versionRow](ctx, s.pool, "versions", `
		SELECT template_id, version, name, kind, layout_id, inline_css, subject, '' AS preheader, '' AS html, '' AS text, author, note, at FROM template_versions
		WHERE template_id = $1 AND ($2 = 0 OR version < $2) ORDER BY version DESC LIMIT $3`, id, before, q.Size()+1)
	if err != nil {
		return page.Page[Version]{}, err
	}
	all := make([]Version, len(rows))
	for i, r := range rows {
		all[i] = r.version()
	}
	return page.Cut(all, q, func(v Version) string { return page.Encode(v.Number) }), nil
}

// GetVersion gives one version with its sources, or NotFound.
func (s *Service) GetVersion(ctx context.Context, id int64, number int) (Version, error) {
	return getVersion(ctx, s.pool, id, number)
}

// Restore saves an old version anew, as the newest one. What it needs must still be there: its layout, its snippets.
func (s *Service) Restore(ctx context.Context, id int64, number int, author string) (Template, error) {
	v, err := s.GetVersion(ctx, id, number)
	if err != nil {
		return Template{}, err
	}
	return s.Update(ctx, id, Input{
		Name: v.Name, Kind: v.Kind, LayoutID: v.LayoutID, KeepCSS: !v.InlineCSS, Subject: v.Subject, Preheader: v.Preheader, HTML: v.HTML, Text: v.Text,
		Author: author, Note: fmt.Sprintf("restored from version %d", number),
	})
}

// Difference is what changed between two versions. To 0 is what nobody has saved.
type Difference struct {
	From, To int
	Parts    []PartDifference
}

// PartDifference is one part that changed: name, kind, subject, preheader, html or text.
type PartDifference struct {
	Part  string
	Hunks []Hunk
}

// Hunk is some lines that changed, with three around them. Starts are lines from 1.
type Hunk struct {
	FromStart, ToStart int
	Lines              []DiffLine
}

// DiffLine is a line that stayed (" "), went ("-") or came ("+").
type DiffLine struct{ Op, Text string }

// Diff compares two versions; from 0 is the version before to, or nothing for the first.
func (s *Service) Diff(ctx context.Context, id int64, from, to int) (Difference, error) {
	b, err := s.GetVersion(ctx, id, to)
	if err != nil {
		return Difference{}, err
	}
	if from == 0 {
		from, err = s.before(ctx, id, to)
		if err != nil {
			return Difference{}, err
		}
	}
	var a Version
	if from != 0 {
		if a, err = s.GetVersion(ctx, id, from); err != nil {
			return Difference{}, err
		}
	}
	return compare(a, b), nil
}

// DiffUnsaved compares a version with what somebody has written and not saved: what saving it over that version would change.
func (s *Service) DiffUnsaved(ctx context.Context, id int64, from int, in Input) (Difference, error) {
	a, err := s.GetVersion(ctx, id, from)
	if err != nil {
		return Difference{}, err
	}
	return compare(a, Version{Name: strings.TrimSpace(in.Name), Kind: in.Kind.OrHTML(), Subject: in.Subject, Preheader: in.Preheader, HTML: in.HTML, Text: in.Text}), nil
}

func compare(a, b Version) Difference {
	d := Difference{From: a.Number, To: b.Number, Parts: []PartDifference{}}
	for _, p := range []struct{ name, a, b string }{
		{"name", a.Name, b.Name}, {"kind", string(a.Kind), string(b.Kind)}, {"subject", a.Subject, b.Subject}, {"preheader", a.Preheader, b.Preheader}, {"html", a.HTML, b.HTML}, {"text", a.Text, b.Text},
	} {
		if p.a != p.b {
			d.Parts = append(d.Parts, PartDifference{p.name, hunks(diffLines(p.a), diffLines(p.b))})
		}
	}
	return d
}

func (s *Service) before(ctx context.Context, id int64, version int) (int, error) {
	var n int
	err := s.pool.QueryRow(ctx, `SELECT version FROM template_versions WHERE template_id = $1 AND version < $2 ORDER BY version DESC LIMIT 1`, id, version).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for the version before %d of %s: %w", version, what(id), err)
	}
	return n, nil
}

func diffLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// maxDiffLines bounds what is compared line by line, after the lines that both begin and end with: the time for it can grow with the square.
const maxDiffLines = 5000

func hunks(a, b []string) []Hunk {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	around := 3
	from := max(0, head-around)
	endA, endB := min(len(a), len(a)-tail+around), min(len(b), len(b)-tail+around)
	var groups [][]difflib.OpCode
	if partA, partB := a[from:endA], b[from:endB]; len(partA)+len(partB) <= maxDiffLines {
		groups = difflib.NewMatcher(partA, partB).GetGroupedOpCodes(around)
	} else {
		groups = [][]difflib.OpCode{{{Tag: 'r', I1: head - from, I2: len(a) - tail - from, J1: head - from, J2: len(b) - tail - from}}}
	}
	out := []Hunk{}
	for _, g := range groups {
		h := Hunk{FromStart: from + g[0].I1 + 1, ToStart: from + g[0].J1 + 1}
		for _, op := range g {
			if op.Tag == 'e' {
				h.Lines = appendLines(h.Lines, " ", a[from+op.I1:from+op.I2])
				continue
			}
			h.Lines = appendLines(h.Lines, "-", a[from+op.I1:from+op.I2])
			h.Lines = appendLines(h.Lines, "+", b[from+op.J1:from+op.J2])
		}
		out = append(out, h)
	}
	return out
}

func appendLines(to []DiffLine, op string, lines []string) []DiffLine {
	for _, l := range lines {
		to = append(to, DiffLine{op, l})
	}
	return to
}
