package presets

import (
	"errors"
	"strings"
	"testing"

	"postrider/sender/reply"
)

func TestExplainText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		q     Question
		field string
		want  reply.Reason
		stage reply.Stage
	}{
		"a line":              {Question{Text: "550 5.1.1 User unknown"}, "", reply.ReasonUserUnknown, ""},
		"of a provider":       {Question{Text: "535 Authentication Failed", Provider: " Zoho "}, "", reply.ReasonAuthFailed, reply.StageAuth},
		"of a server":         {Question{Text: "554 5.2.2 mailbox full; STOREDRV", Provider: "smtp.office365.com"}, "", reply.ReasonQuotaExhausted, ""},
		"of a strange server": {Question{Text: "452 4.2.2 full", Provider: "mx.example.org"}, "", reply.ReasonMailboxFull, ""},
		"at a stage":          {Question{Text: "550 5.1.1 User unknown", Stage: "mail"}, "", reply.ReasonSenderRejected, reply.StageMail},
		"garbage":             {Question{Text: "hello"}, "text", "", ""},
		"nothing":             {Question{}, "text", "", ""},
		"unknown provider":    {Question{Text: "550 no", Provider: "pigeon"}, "provider", "", ""},
		"unknown stage":       {Question{Text: "550 no", Stage: "lunch"}, "stage", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := ExplainText(tc.q)
			var wrong *QuestionError
			if errors.As(err, &wrong) != (tc.field != "") || (wrong != nil && (wrong.Field != tc.field || strings.TrimSpace(wrong.Text) == "")) {
				t.Fatalf("%v", err)
			}
			if e.Class.Reason != tc.want || e.Reply.Stage != tc.stage {
				t.Errorf("%+v", e)
			}
		})
	}
}
