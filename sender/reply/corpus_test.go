package reply

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// bounceCorpus finds the folder of real bounces that may lie beside the project; it is not a part of it.
func bounceCorpus(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if found := filepath.Join(dir, "shared", "corpora", "bounces"); exists(found) {
			return found
		}
	}
	t.Skip("the corpus of bounces is not here")
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

type expectedBounce struct {
	Reason string `json:"reason"`
	Hard   bool   `json:"hard"`
}

var diagnostic = regexp.MustCompile(`(?im)^diagnostic-code:[ \t]*(?:smtp|x-[a-z0-9-]+);[ \t]*((?:.*\n?)(?:[ \t]+.*\n?)*)`)

// The reasons that are never a person's fault. "filtered" is not among them: it stands for "user unknown" said after DATA.
var neverThePerson = []string{"authfailure", "badreputation", "blocked", "contenterror", "exceedlimit", "expired", "mailboxfull", "mailererror", "mesgtoobig",
	"networkerror", "norelaying", "notcompliantrfc", "onhold", "policyviolation", "rejected", "requireptr", "securityerror", "spamdetected", "speeding",
	"syntaxerror", "systemerror", "systemfull", "toomanyconn", "virusdetected", "failedstarttls"}

// Where the corpus says hard and we bounce without suppressing, and why.
var notCertain = map[string]string{
	"rhost-outlook-03.eml":  "the relay could not reach the domain",
	"rhost-outlook-08.eml":  "\"mailbox unavailable\" is the stock phrase of RFC 5321 for anything",
	"lhost-sendmail-32.eml": "as above",
	"lhost-sendmail-37.eml": "as above",
	"rhost-gsuite-01.eml":   "\"address rejected\" with the code for other errors",
	"lhost-postfix-80.eml":  "it says that our domain is on a block list",
	"lhost-postfix-05.eml":  "a temporary reply",
}

func TestBounceCorpus(t *testing.T) {
	t.Parallel()
	dir := bounceCorpus(t)
	raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]expectedBounce
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for name, want := range all {
		found := diagnostics(t, filepath.Join(dir, "samples", name))
		if len(found) != len(want) {
			continue
		}
		for i, r := range found {
			if r.Code != 0 && len(r.Text) > 5 {
				judged++
				judgeSample(t, name, want[i], r)
			}
		}
	}
	if judged < 150 {
		t.Errorf("only %d replies were judged", judged)
	}
}

func judgeSample(t *testing.T, name string, want expectedBounce, r Reply) {
	c := Classify(r)
	switch {
	case slices.Contains(neverThePerson, want.Reason) && (c.Action == ActionSuppress || c.Fault == FaultRecipient):
		t.Errorf("%s: %s blames the person for %s: %+v", name, r, want.Reason, c)
	case want.Hard && c.Action != ActionSuppress && notCertain[name] == "":
		t.Errorf("%s: %s is %s, but %+v", name, r, want.Reason, c)
	}
}

// diagnostics are the replies of a bounce message, one for each recipient; the zero Reply where there is none.
func diagnostics(t *testing.T, path string) []Reply {
	t.Helper()
	eml, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(eml), "\r\n", "\n"), "\r", "\n")
	text = strings.ReplaceAll(text, "=\n", "")
	var out []Reply
	for _, m := range diagnostic.FindAllStringSubmatch(text, -1) {
		r, err := Find(m[1])
		if err != nil {
			r = Reply{}
		}
		out = append(out, r)
	}
	return out
}
