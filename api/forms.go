package api

import (
	"context"
	"time"

	"postrider/audience"
)

type formJSON struct {
	ID              int64           `json:"id"`
	Slug            string          `json:"slug" doc:"What the address of its page ends in: /s/SLUG"`
	URL             string          `json:"url"`
	Name            string          `json:"name"`
	Enabled         bool            `json:"enabled"`
	Language        string          `json:"language" enum:"en,de,fr,es,ru"`
	Title           string          `json:"title"`
	Intro           string          `json:"intro"`
	Button          string          `json:"button"`
	Consent         string          `json:"consent"`
	ConsentRequired bool            `json:"consent_required"`
	ListIDs         []int64         `json:"list_ids"`
	ListNames       []string        `json:"list_names" doc:"In the order of list_ids"`
	Choose          bool            `json:"choose"`
	Fields          []formFieldJSON `json:"fields"`
	SuccessTitle    string          `json:"success_title"`
	SuccessText     string          `json:"success_text"`
	RedirectURL     string          `json:"redirect_url"`
	AllowedOrigins  []string        `json:"allowed_origins"`
	MaxPerHour      int             `json:"max_per_hour"`
	Double          bool            `json:"double" doc:"One of the lists wants people to confirm by a mail"`
	CreatedAt       time.Time       `json:"created_at"`
	UpdatedAt       time.Time       `json:"updated_at"`
}

type formFieldJSON struct {
	Name     string `json:"name" doc:"A custom field, or name for the person's name"`
	Label    string `json:"label"`
	Type     string `json:"type" enum:"text,number,boolean,date"`
	Required bool   `json:"required"`
}

type formFieldInputJSON struct {
	Name     string `json:"name" doc:"A custom field of the type text, number, boolean or date, or name for the person's name"`
	Label    string `json:"label" required:"false" doc:"Left out: that of the custom field"`
	Required bool   `json:"required" required:"false"`
}

type formInputJSON struct {
	Name            string               `json:"name" doc:"For yourself; people do not see it. Their evidence holds it"`
	Enabled         *bool                `json:"enabled" required:"false" doc:"Left out: true"`
	Language        string               `json:"language" required:"false" enum:"en,de,fr,es,ru" doc:"In which the page speaks by itself. Left out: en"`
	Title           string               `json:"title" required:"false"`
	Intro           string               `json:"intro" required:"false"`
	Button          string               `json:"button" required:"false"`
	Consent         string               `json:"consent" required:"false" doc:"What people agree to; it is kept as evidence"`
	ConsentRequired bool                 `json:"consent_required" required:"false" doc:"They have to tick it"`
	ListIDs         []int64              `json:"list_ids"`
	Choose          bool                 `json:"choose" required:"false" doc:"People choose among the lists; otherwise they get them all"`
	Fields          []formFieldInputJSON `json:"fields" required:"false"`
	SuccessTitle    string               `json:"success_title" required:"false"`
	SuccessText     string               `json:"success_text" required:"false"`
	RedirectURL     string               `json:"redirect_url" required:"false" doc:"Where people go afterwards, instead of the page with these texts"`
	AllowedOrigins  []string             `json:"allowed_origins" required:"false" doc:"Sites that may show the form in a frame and post to it by script, such as https://www.example.org"`
	MaxPerHour      int                  `json:"max_per_hour" required:"false" doc:"Sign-ups from one network address. Left out or 0: 10"`
}

// FormCountsJSON is exported because huma passes over what a type embeds that is not.
type FormCountsJSON struct {
	SignUps   int64 `json:"sign_ups" doc:"How often it was sent"`
	Done      int64 `json:"done" doc:"On the lists at once, with nothing to confirm"`
	Confirmed int64 `json:"confirmed"`
	Pending   int64 `json:"pending"`
	Expired   int64 `json:"expired"`
	Failed    int64 `json:"failed" doc:"The mail was refused or came back"`
	Declined  int64 `json:"declined" doc:"They said that it was not them, or were deleted"`
	Unsent    int64 `json:"unsent" doc:"No mail was sent: the address is never mailed, or had enough of them"`
	Refused   int64 `json:"refused" doc:"From robots and crowded network addresses; not among sign_ups"`
}

type formDayJSON struct {
	Day time.Time `json:"day" doc:"Its beginning, UTC"`
	FormCountsJSON
}

type formStatsJSON struct {
	Total FormCountsJSON `json:"total"`
	Days  []formDayJSON  `json:"days" doc:"The last 30, oldest first, by the day on which people signed up"`
}

type formPreviewJSON struct {
	HTML string `json:"html" doc:"The page as people would see it; its button does nothing"`
}

type formFieldChoicesJSON struct {
	Items []formFieldChoiceJSON `json:"items"`
}

type formFieldChoiceJSON struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Type  string `json:"type" enum:"text,number,boolean,date"`
}

type formsJSON struct {
	Items []formJSON `json:"items"`
}

func (in formInputJSON) form() audience.FormInput {
	out := audience.FormInput{
		Name: in.Name, Enabled: in.Enabled == nil || *in.Enabled, Language: in.Language, Title: in.Title, Intro: in.Intro, Button: in.Button, Consent: in.Consent,
		ConsentRequired: in.ConsentRequired, ListIDs: in.ListIDs, Choose: in.Choose, SuccessTitle: in.SuccessTitle, SuccessText: in.SuccessText,
		RedirectURL: in.RedirectURL, AllowedOrigins: in.AllowedOrigins, MaxPerHour: in.MaxPerHour,
	}
	for _, f := range in.Fields {
		out.Fields = append(out.Fields, audience.FormField{Name: f.Name, Label: f.Label, Required: f.Required})
	}
	return out
}

func encodeForm(publicURL string) func(audience.Form) formJSON {
	return func(f audience.Form) formJSON {
		return formJSON{
			ID: f.ID, Slug: f.Slug, URL: publicURL + formPath + f.Slug, Name: f.Name, Enabled: f.Enabled, Language: f.Language, Title: f.Title, Intro: f.Intro, Button: f.Button,
			Consent: f.Consent, ConsentRequired: f.ConsentRequired, ListIDs: f.ListIDs, ListNames: f.ListNames, Choose: f.Choose,
			Fields: each(f.Fields, func(x audience.FormField) formFieldJSON {
				return formFieldJSON{Name: x.Name, Label: x.Label, Type: string(x.Type), Required: x.Required}
			}),
			SuccessTitle: f.SuccessTitle, SuccessText: f.SuccessText, RedirectURL: f.RedirectURL, AllowedOrigins: f.AllowedOrigins, MaxPerHour: f.MaxPerHour,
			Double: f.Double, CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt,
		}
	}
}

// replyForm answers with a form and its address.
func (s *server) replyForm(ctx context.Context, f audience.Form, err error) (*answer[formJSON], error) {
	if err != nil {
		return nil, err
	}
	public, err := s.deps.Settings.PublicURL(ctx)
	return reply(f, err, encodeForm(public))
}

func (s *server) listForms(ctx context.Context, _ *nothing) (*answer[formsJSON], error) {
	forms, err := s.deps.Audience.ListForms(ctx)
	if err != nil {
		return nil, err
	}
	public, err := s.deps.Settings.PublicURL(ctx)
	return reply(forms, err, func(forms []audience.Form) formsJSON { return formsJSON{Items: each(forms, encodeForm(public))} })
}

func (s *server) getForm(ctx context.Context, in *byID) (*answer[formJSON], error) {
	f, err := s.deps.Audience.GetForm(ctx, in.ID)
	return s.replyForm(ctx, f, err)
}

func (s *server) createForm(ctx context.Context, in *with[formInputJSON]) (*answer[formJSON], error) {
	f, err := s.deps.Audience.CreateForm(ctx, in.Body.form())
	return s.replyForm(ctx, f, err)
}

func (s *server) updateForm(ctx context.Context, in *onID[formInputJSON]) (*answer[formJSON], error) {
	f, err := s.deps.Audience.UpdateForm(ctx, in.ID, in.Body.form())
	return s.replyForm(ctx, f, err)
}

func (s *server) deleteForm(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Audience.DeleteForm(ctx, in.ID))
}

func (s *server) previewForm(ctx context.Context, in *with[formInputJSON]) (*answer[formPreviewJSON], error) {
	f, err := s.deps.Audience.PreviewForm(ctx, in.Body.form())
	if err != nil {
		return nil, err
	}
	html, err := newSignUps(&pages{server: s}).previewForm(ctx, f)
	return reply(html, err, func(html string) formPreviewJSON { return formPreviewJSON{HTML: html} })
}

func (s *server) getFormStats(ctx context.Context, in *byID) (*answer[formStatsJSON], error) {
	st, err := s.deps.Audience.FormStats(ctx, in.ID)
	return reply(st, err, func(st audience.FormStats) formStatsJSON {
		return formStatsJSON{Total: FormCountsJSON(st.Total), Days: each(st.Days, func(d audience.FormDay) formDayJSON {
			return formDayJSON{Day: d.Day, FormCountsJSON: FormCountsJSON(d.FormCounts)}
		})}
	})
}

// listFormFields gives what a form can ask for: the name, and custom fields of the types that a person can fill in.
func (s *server) listFormFields(ctx context.Context, _ *nothing) (*answer[formFieldChoicesJSON], error) {
	fields, err := s.deps.Audience.FormFieldChoices(ctx)
	return reply(fields, err, func(fields []audience.Field) formFieldChoicesJSON {
		return formFieldChoicesJSON{Items: each(fields, func(f audience.Field) formFieldChoiceJSON {
			return formFieldChoiceJSON{Name: f.Name, Label: f.Label, Type: string(f.Type)}
		})}
	})
}
