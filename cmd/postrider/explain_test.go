package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"postrider/sender"
	"postrider/sender/presets"
)

func TestExplanationIsPrinted(t *testing.T) {
	t.Parallel()
	e, err := presets.ExplainText(presets.Question{Text: "550-5.7.26 This mail is unauthenticated\n550 5.7.26 see help", Provider: "gmail", Stage: "dot"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printExplanation(&out, e); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"550 5.7.26 This mail is unauthenticated see help  (to dot)", "authentication, permanent", "Gmail", "Ours", "never held against the person", "SPF"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	raw, err := json.Marshal(explainJSON(e))
	if err != nil || !strings.Contains(string(raw), `"action":"fail"`) || !strings.Contains(string(raw), `"retry_after_seconds":0`) {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestDoctorNamesTheStepThatFailed(t *testing.T) {
	t.Parallel()
	got := failedStep(sender.TestReport{Steps: []sender.TestStep{{Step: "connect", OK: true}, {Step: "greeting", OK: true}, {Step: "auth", Detail: "535 no"}}, Remedy: "Make an app password."})
	if want := `it fails at "auth": 535 no (connect, greeting went well) — Make an app password.`; got != want {
		t.Errorf("%q", got)
	}
}
