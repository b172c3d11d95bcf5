package presets

import (
	"fmt"
	"slices"
	"strings"

	"postrider/sender/reply"
)

// Question is what a person wants explained.
type Question struct {
	Text     string // anything that holds a reply, see [reply.Find]
	Provider string // an id or the name of a server; "" = unknown
	Stage    string // a [reply.Stage]; "" = what the text says
}

// QuestionError says which part of a [Question] cannot be used, in words for a person.
type QuestionError struct {
	Field string // text, provider or stage
	Text  string
}

func (e *QuestionError) Error() string { return e.Text }

// stages are those that a reply can be heard at.
var stages = []string{"greeting", "helo", "starttls", "auth", "mail", "rcpt", "data", "dot"}

// Stages are the words that [Question].Stage takes.
func Stages() []string { return slices.Clone(stages) }

// ExplainText finds the reply in a text and explains it. Its errors are a *[QuestionError].
func ExplainText(q Question) (Explanation, error) {
	key := strings.ToLower(strings.TrimSpace(q.Provider))
	if key != "" && !strings.Contains(key, ".") && find(func(p *Provider) bool { return p.ID == key }) == nil {
		return Explanation{}, &QuestionError{"provider", fmt.Sprintf("%.60q is no provider that is known; choose one of %s, or give the name of its server", q.Provider, ids())}
	}
	if q.Stage != "" && !slices.Contains(stages, q.Stage) {
		return Explanation{}, &QuestionError{"stage", fmt.Sprintf("%.60q is no stage; choose one of %s", q.Stage, strings.Join(stages, ", "))}
	}
	r, err := reply.Find(q.Text)
	if err != nil {
		return Explanation{}, &QuestionError{"text", err.Error()}
	}
	if q.Stage != "" {
		r.Stage = reply.Stage(q.Stage)
	}
	return Explain(key, r), nil
}

func ids() string {
	var all []string
	for _, p := range table {
		all = append(all, p.ID)
	}
	return strings.Join(all, ", ")
}
