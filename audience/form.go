package audience

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Languages are those in which forms, the page for confirming and the mail that leads to it speak by themselves.
var Languages = []string{"en", "de", "fr", "es", "ru"}

// FieldName is the name of the form field that is the person's name; other fields of a form are custom fields.
const FieldName = "name"

// Limits of a form: characters of a line and of a text, fields, lists and origins.
const (
	maxFormLine    = 200
	maxFormText    = 4000
	maxFormFields  = 30
	maxFormLists   = 50
	maxFormOrigins = 50
	maxFormURL     = 2000
	maxPerHour     = 10_000
	defaultPerHour = 10
)

// Form is a public form by which people sign up. Slug is what its address ends in. Texts that are "" are the usual ones in the form's language.
type Form struct {
	ID   int64
	Slug string
	FormInput
	ListNames []string // in the order of ListIDs
	// Double says that one of the lists wants people to confirm.
	Double    bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// FormInput is what can be said about a form.
type FormInput struct {
	Name     string
	Enabled  bool
	Language string
	Title    string
	Intro    string
	Button   string
	// Consent is what people agree to; with ConsentRequired they have to tick it.
	Consent         string
	ConsentRequired bool
	// ListIDs are the lists in their order. With Choose people choose among them, else they get them all.
	ListIDs      []int64
	Choose       bool
	Fields       []FormField
	SuccessTitle string
	SuccessText  string
	RedirectURL  string // where people go then, instead of a page of ours; "" for that page
	// AllowedOrigins are the sites that may show the form in a frame and post to it by script.
	AllowedOrigins []string
	// MaxPerHour is how many sign-ups one network address may send in an hour; 0 is the default.
	MaxPerHour int
}

// FormField is something that a form asks besides the address.
type FormField struct {
	Name     string    `json:"name"`
	Label    string    `json:"label"`
	Type     FieldType `json:"type"`
	Required bool      `json:"required"`
}

// Title of the field for people.
func (f FormField) Title() string {
	if f.Label != "" {
		return f.Label
	}
	return f.Name
}

var slugPattern = regexp.MustCompile(`^[a-z0-9]{1,40}$`)

// ListForms gives all forms by name. They are at most some hundred.
func (s *Service) ListForms(ctx context.Context) ([]Form, error) {
	return loadForms(ctx, s.pool, "forms", `ORDER BY lower(f.name), f.id`)
}

// GetForm gives one form.
func (s *Service) GetForm(ctx context.Context, id int64) (Form, error) {
	return oneForm(ctx, s.pool, fmt.Sprintf("form %d", id), `WHERE f.id = $1`, id)
}

// FindForm gives the form of an address.
func (s *Service) FindForm(ctx context.Context, slug string) (Form, error) {
	if !slugPattern.MatchString(slug) {
		return Form{}, errs.New(errs.NotFound, "there is no such form")
	}
	return oneForm(ctx, s.pool, "form", `WHERE f.slug = $1`, slug)
}

// CreateForm makes a form, with an address that nobody guesses.
func (s *Service) CreateForm(ctx context.Context, in FormInput) (Form, error) {
	in, err := s.CheckForm(ctx, in)
	if err != nil {
		return Form{}, err
	}
	var f Form
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var id int64
		err := tx.QueryRow(ctx, `INSERT INTO forms (slug, name, created_at) VALUES ($1, $2, $3) RETURNING id`,
			strings.ToLower(rand.Text()[:12]), in.Name, s.clock()).Scan(&id)
		if err != nil {
			return formError(err, in.Name)
		}
		f, err = s.writeFormTx(ctx, tx, id, in)
		return err
	})
	return f, err
}

// UpdateForm replaces everything but the address.
func (s *Service) UpdateForm(ctx context.Context, id int64, in FormInput) (Form, error) {
	in, err := s.CheckForm(ctx, in)
	if err != nil {
		return Form{}, err
	}
	var f Form
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		f, err = s.writeFormTx(ctx, tx, id, in)
		return err
	})
	return f, err
}

// DeleteForm deletes a form. People who signed up by it stay, with its name in their evidence.
func (s *Service) DeleteForm(ctx context.Context, id int64) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM forms WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting form %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return noForm(id)
	}
	return nil
}

func (s *Service) writeFormTx(ctx context.Context, tx pgx.Tx, id int64, in FormInput) (Form, error) {
	fields, err := json.Marshal(in.Fields)
	if err != nil {
		return Form{}, fmt.Errorf("writing form %d: %w", id, err)
	}
	tag, err := tx.Exec(ctx, `
		UPDATE forms SET name = $2, enabled = $3, language = $4, title = $5, intro = $6, button = $7, consent = $8, consent_required = $9, choose = $10,
			fields = $11, success_title = $12, success_text = $13, redirect_url = $14, allowed_origins = $15, max_per_hour = $16, updated_at = $17
		WHERE id = $1`, id, in.Name, in.Enabled, in.Language, in.Title, in.Intro, in.Button, in.Consent, in.ConsentRequired, in.Choose,
		fields, in.SuccessTitle, in.SuccessText, in.RedirectURL, in.AllowedOrigins, in.MaxPerHour, s.clock())
	if err != nil {
		return Form{}, formError(err, in.Name)
	}
	if tag.RowsAffected() == 0 {
		return Form{}, noForm(id)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM form_lists WHERE form_id = $1`, id); err != nil {
		return Form{}, fmt.Errorf("writing form %d: %w", id, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO form_lists (form_id, list_id, position) SELECT $1, l, n FROM unnest($2::bigint[]) WITH ORDINALITY AS x (l, n)`, id, in.ListIDs)
	if pg.Violation(err) == "form_lists_list_id_fkey" {
		return Form{}, errs.InvalidField("list_ids", "one of these lists does not exist")
	}
	if err != nil {
		return Form{}, fmt.Errorf("writing form %d: %w", id, err)
	}
	return oneForm(ctx, tx, fmt.Sprintf("form %d", id), `WHERE f.id = $1`, id)
}

// CheckForm gives the form as it would be stored; all that is wrong comes back at once, as fields.
func (s *Service) CheckForm(ctx context.Context, in FormInput) (FormInput, error) {
	known, err := s.ListFields(ctx)
	if err != nil {
		return in, err
	}
	var f errs.Fields
	in.Name = cleanLine(&f, "name", in.Name, maxFormLine)
	if in.Name == "" {
		f.Add("name", "a form needs a name, for you to know it by")
	}
	if in.Language == "" {
		in.Language = Languages[0]
	}
	if !slices.Contains(Languages, in.Language) {
		f.Add("language", "%q is not a language that forms speak: use %s", in.Language, strings.Join(Languages, ", "))
	}
	in.Title = cleanLine(&f, "title", in.Title, maxFormLine)
	in.Button = cleanLine(&f, "button", in.Button, maxFormLine)
	in.SuccessTitle = cleanLine(&f, "success_title", in.SuccessTitle, maxFormLine)
	in.Intro = cleanText(&f, "intro", in.Intro)
	in.Consent = cleanText(&f, "consent", in.Consent)
	in.SuccessText = cleanText(&f, "success_text", in.SuccessText)
	if in.Consent == "" {
		in.ConsentRequired = false
	}
	in.ListIDs = slices.Clone(in.ListIDs)
	if n := len(in.ListIDs); n == 0 || n > maxFormLists {
		f.Add("list_ids", "choose between 1 and %d lists", maxFormLists)
	}
	if len(in.ListIDs) != len(slices.Compact(slices.Sorted(slices.Values(in.ListIDs)))) {
		f.Add("list_ids", "a list is there twice")
	}
	in.Choose = in.Choose && len(in.ListIDs) > 1
	in.Fields = cleanFormFields(&f, in.Fields, known)
	in.RedirectURL = cleanRedirect(&f, in.RedirectURL)
	in.AllowedOrigins = cleanOrigins(&f, in.AllowedOrigins)
	if in.MaxPerHour == 0 {
		in.MaxPerHour = defaultPerHour
	}
	if in.MaxPerHour < 1 || in.MaxPerHour > maxPerHour {
		f.Add("max_per_hour", "use a number between 1 and %d", maxPerHour)
	}
	return in, f.Err("the form is not complete")
}

// cleanText is cleanLine for a text with several lines: other control characters are taken out.
func cleanText(f *errs.Fields, field, s string) string {
	if !utf8.ValidString(s) {
		f.Add(field, "this is not valid UTF-8")
		return ""
	}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n")
	for i := range lines {
		lines[i] = oneLine(lines[i])
	}
	s = strings.TrimSpace(strings.Join(lines, "\n"))
	if n := utf8.RuneCountInString(s); n > maxFormText {
		f.Add(field, "this has %d characters; at most %d are allowed", n, maxFormText)
	}
	return s
}

func cleanFormFields(f *errs.Fields, fields []FormField, known []Field) []FormField {
	if len(fields) > maxFormFields {
		f.Add("fields", "there are %d fields; at most %d are allowed", len(fields), maxFormFields)
		return nil
	}
	out, seen := make([]FormField, 0, len(fields)), map[string]bool{}
	for i, field := range fields {
		at := fmt.Sprintf("fields[%d]", i)
		field.Label = cleanLine(f, at+".label", field.Label, maxFormLine)
		k := slices.IndexFunc(known, func(k Field) bool { return k.Name == field.Name })
		switch {
		case seen[field.Name]:
			f.Add(at+".name", "%q is asked twice", field.Name)
		case field.Name == FieldName:
			field.Type = FieldText
		case k < 0:
			f.Add(at+".name", "there is no custom field %q", field.Name)
		case !askable(known[k]):
			f.Add(at+".name", "a form cannot ask for %q, which is of the type %s", field.Name, known[k].Type)
		default:
			field.Type = known[k].Type
			if field.Label == "" {
				field.Label = known[k].Label
			}
		}
		seen[field.Name] = true
		out = append(out, field)
	}
	return out
}

// askable says whether a person can be asked for a field by a form.
func askable(f Field) bool { return f.Type != FieldDateTime && f.Type != FieldList }

// FormFieldChoices gives what a form can ask for: first the name, then custom fields.
func (s *Service) FormFieldChoices(ctx context.Context) ([]Field, error) {
	known, err := s.ListFields(ctx)
	if err != nil {
		return nil, err
	}
	known = slices.DeleteFunc(known, func(f Field) bool { return !askable(f) || f.Name == FieldName })
	return append([]Field{{Name: FieldName, Type: FieldText}}, known...), nil
}

// cleanRedirect takes an absolute address: where people go is decided here and never by a request.
func cleanRedirect(f *errs.Fields, raw string) string {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return ""
	}
	u, err := url.Parse(raw)
	// Its scheme and name stand in a header field among others.
	if err != nil || strings.Trim(strings.ToLower(u.Host), hostCharacters) != "" || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || len(raw) > maxFormURL || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		f.Add("redirect_url", "write the whole address, such as https://example.org/thanks")
	}
	return raw
}

// hostCharacters are those of a name, an address and a port.
const hostCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]"

// cleanOrigins makes origins as browsers send them.
func cleanOrigins(f *errs.Fields, raw []string) []string {
	out := []string{}
	if len(raw) > maxFormOrigins {
		f.Add("allowed_origins", "there are %d sites; at most %d are allowed", len(raw), maxFormOrigins)
		return out
	}
	for i, o := range raw {
		u, err := url.Parse(strings.TrimSuffix(strings.TrimSpace(o), "/"))
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
			strings.Trim(strings.ToLower(u.Host), hostCharacters) != "" || len(u.Host) > 260 {
			f.Add(fmt.Sprintf("allowed_origins[%d]", i), "write only scheme and name, such as https://www.example.org")
			continue
		}
		origin := u.Scheme + "://" + strings.ToLower(u.Host)
		if !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	return out
}

func formError(err error, name string) error {
	if pg.Violation(err) == "forms_name" {
		e := errs.Because(errs.Conflict, err, "there is a form %q already", name)
		e.Fields = []errs.Field{{Name: "name", Message: "there is a form of this name already"}}
		return e
	}
	return fmt.Errorf("writing form: %w", err)
}

func noForm(id int64) error { return errs.New(errs.NotFound, "there is no form %d", id) }

type formRow struct {
	ID              int64
	Slug            string
	Name            string
	Enabled         bool
	Language        string
	Title           string
	Intro           string
	Button          string
	Consent         string
	ConsentRequired bool
	Choose          bool
	Fields          []FormField
	SuccessTitle    string
	SuccessText     string
	RedirectURL     string
	AllowedOrigins  []string
	MaxPerHour      int
	CreatedAt       time.Time
	UpdatedAt       time.Time
	ListIDs         []int64
	ListNames       []string
	Double          bool
}

func (r formRow) form() Form {
	return Form{
		ID: r.ID, Slug: r.Slug, ListNames: r.ListNames, Double: r.Double, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		FormInput: FormInput{
			Name: r.Name, Enabled: r.Enabled, Language: r.Language, Title: r.Title, Intro: r.Intro, Button: r.Button, Consent: r.Consent, ConsentRequired: r.ConsentRequired,
			ListIDs: r.ListIDs, Choose: r.Choose, Fields: r.Fields, SuccessTitle: r.SuccessTitle, SuccessText: r.SuccessText, RedirectURL: r.RedirectURL,
			AllowedOrigins: r.AllowedOrigins, MaxPerHour: r.MaxPerHour,
		},
	}
}

func loadForms(ctx context.Context, db pg.DB, what, rest string, args ...any) ([]Form, error) {
	rows, err := pg.Many[formRow](ctx, db, what, `
		SELECT f.id, f.slug, f.name, f.enabled, f.language, f.title, f.intro, f.button, f.consent, f.consent_required, f.choose,
			-- What can still be asked: a field may have been deleted or be of another type since.
			(SELECT COALESCE(jsonb_agg(x.field ORDER BY x.n), '[]') FROM jsonb_array_elements(f.fields) WITH ORDINALITY AS x (field, n)
				WHERE x.field ->> 'name' = '`+FieldName+`' OR EXISTS (
					SELECT FROM fields k WHERE k.name = x.field ->> 'name' AND k.type = x.field ->> 'type' AND k.pending IS NULL)) AS fields,
			f.success_title, f.success_text,
			f.redirect_url, f.allowed_origins, f.max_per_hour, f.created_at, f.updated_at, l.list_ids, l.list_names, l.double
		FROM forms f CROSS JOIN LATERAL (
			SELECT COALESCE(array_agg(l.id ORDER BY fl.position), '{}') AS list_ids, COALESCE(array_agg(l.name ORDER BY fl.position), '{}') AS list_names,
				COALESCE(bool_or(l.opt_in = 'double'), false) AS double
			FROM form_lists fl JOIN lists l ON l.id = fl.list_id WHERE fl.form_id = f.id) l `+rest, args...)
	if err != nil {
		return nil, err
	}
	forms := make([]Form, len(rows))
	for i, r := range rows {
		forms[i] = r.form()
	}
	return forms, nil
}

func oneForm(ctx context.Context, db pg.DB, what, rest string, args ...any) (Form, error) {
	forms, err := loadForms(ctx, db, what, rest, args...)
	if err != nil {
		return Form{}, err
	}
	if len(forms) == 0 {
		return Form{}, errs.New(errs.NotFound, "there is no such form")
	}
	return forms[0], nil
}

// PreviewForm gives a form as it would be, without storing it. It takes one that has no name or list yet.
func (s *Service) PreviewForm(ctx context.Context, in FormInput) (Form, error) {
	if in.Name == "" {
		in.Name = "preview"
	}
	lists := in.ListIDs
	if len(in.ListIDs) == 0 {
		in.ListIDs = []int64{0}
	}
	in, err := s.CheckForm(ctx, in)
	if err != nil {
		return Form{}, err
	}
	f := Form{FormInput: in, ListNames: []string{}}
	f.ListIDs = []int64{}
	rows, err := pg.Many[struct {
		ID   int64
		Name string
	}](ctx, s.pool, "lists", `SELECT l.id, l.name FROM unnest($1::bigint[]) WITH ORDINALITY AS x (id, n) JOIN lists l ON l.id = x.id ORDER BY x.n`, lists)
	for _, l := range rows {
		f.ListIDs, f.ListNames = append(f.ListIDs, l.ID), append(f.ListNames, l.Name)
	}
	return f, err
}
