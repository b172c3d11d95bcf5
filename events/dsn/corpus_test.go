package dsn

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bounceCorpus finds the folder of real bounces that may lie beside the project; it is not a part of it.
func bounceCorpus(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv("POSTRIDER_CORPORA"); dir != "" {
		return filepath.Join(dir, "bounces")
	}
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		found := filepath.Join(dir, "shared", "corpora", "bounces")
		if _, err := os.Stat(found); err == nil {
			return found
		}
	}
	tb.Skip("the corpus of bounces is not here")
	return ""
}

type expected struct {
	Recipient    string `json:"recipient"`
	Reason       string `json:"reason"`
	Hard         bool   `json:"hard"`
	FeedbackType string `json:"feedback_type"`
}

// ourWords are our reasons for each of the corpus's. Ours are coarser; where two are given, the corpus has one word for what are two things to us.
var ourWords = map[string][]string{
	"userunknown": {"user_unknown"}, "hasmoved": {"user_unknown"},
	"filtered":    {"user_unknown"}, // "user unknown" that may be the word of a filter: never hard
	"hostunknown": {"domain_not_found"}, "notaccept": {"domain_not_found"},
	"mailboxfull": {"mailbox_full"}, "suspend": {"mailbox_disabled"},
	"rejected": {"sender_rejected"}, "norelaying": {"relay_denied"},
	"blocked": {"blocked"}, "badreputation": {"reputation", "rate_limited"},
	"authfailure": {"authentication"}, "requireptr": {"authentication"},
	"policyviolation": {"policy"}, "securityerror": {"policy"},
	"spamdetected": {"spam_content"}, "virusdetected": {"spam_content"}, "contenterror": {"content"}, "notcompliantrfc": {"content"},
	"mesgtoobig": {"size"}, "exceedlimit": {"size"},
	"speeding": {"rate_limited"}, "toomanyconn": {"too_many_connections", "rate_limited"},
	"expired": {"network"}, "networkerror": {"network"}, "failedstarttls": {"tls_required"},
	"systemerror": {"system"}, "systemfull": {"system"}, "mailererror": {"system"}, "syntaxerror": {"protocol"},
	"onhold": {"unknown", "system"}, "undefined": {"unknown"},
}

// wrong are samples of which the corpus says what its own words refute, or what follows no rule that could be told. They count as agreement where we say what
// is argued here.
var wrong = map[string]string{
	"arf-24.eml":              "the recipient is not undisclosed: Microsoft names it in X-HmXmrOriginalRecipient",
	"lhost-amavis-03.eml":     "the diagnostic says SPAM",
	"lhost-exim-46.eml":       "\"Missing reverse DNS\" is requireptr in the other samples",
	"lhost-sendmail-10.eml":   "\"may not be mail exchanger\" is about the name of the client, as requireptr is in the other samples",
	"lhost-opensmtpd-12.eml":  "it is a warning that the message is still tried: nothing is final",
	"lhost-postfix-05.eml":    "a 450, which is temporary",
	"lhost-postfix-80.eml":    "it says that our domain is on a block list; to suppress the person for that is what must never happen",
	"lhost-powermta-03.eml":   "the words are \"User Unknown\"",
	"lhost-sendmail-21.eml":   "\"Connection refused\" is the network's; nobody blocks us",
	"lhost-v5sendmail-04.eml": "the transcript names two unknown hosts and two recipients; the corpus has one of them",
	"lhost-postfix-74.eml":    "Yahoo's TSS04 is \"rejected\" here and \"badreputation\" in lhost-qmail-19: it asks to send more slowly",
	"rhost-yahooinc-02.eml":   "as above",
	"rhost-aol-06.eml":        "a malformed answer of a name server is networkerror in lhost-postfix-17, with the same words",
}

// score counts the recipients that the corpus expects, those of them that agree, and those that nobody expects.
type score struct{ recipients, found, hard, reason, extra int }

// compare counts how far a report agrees with what is expected, and says where it does not.
func (s *score) compare(want []expected, got Report) (misses []string) {
	rest := slices.Clone(got.Recipients)
	for _, w := range want {
		s.recipients++
		i := slices.IndexFunc(rest, func(r Recipient) bool { return sameRecipient(w.Recipient, r.Address) })
		if i < 0 {
			misses = append(misses, "no "+w.Recipient+" ("+w.Reason+")")
			continue
		}
		r := rest[i]
		rest = slices.Delete(rest, i, i+1)
		s.found++
		if r.Hard == w.Hard {
			s.hard++
		} else {
			misses = append(misses, "hard of "+w.Recipient+" ("+w.Reason+" is "+r.Reason+")")
		}
		if sameReason(w, r) {
			s.reason++
		} else {
			misses = append(misses, w.Reason+" is "+r.Reason+" "+string(r.Kind)+": "+r.Diagnostic)
		}
	}
	for _, r := range rest {
		misses = append(misses, "too much: "+r.Address)
	}
	s.extra += len(rest)
	return misses
}

func sameRecipient(want, got string) bool {
	return strings.EqualFold(want, got) || got == "" && strings.HasPrefix(want, "undisclosed-")
}

func sameReason(w expected, r Recipient) bool {
	switch w.Reason {
	case "feedback":
		return r.FeedbackType == w.FeedbackType
	case "vacation":
		return r.Kind == KindAutoReply
	}
	return slices.Contains(ourWords[w.Reason], r.Reason)
}

func readExpected(t *testing.T, dir string) map[string][]expected {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]expected
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestBounceCorpus prints how far the parser agrees with the decoder of the project that the samples come from.
func TestBounceCorpus(t *testing.T) {
	t.Parallel()
	dir := bounceCorpus(t)
	var all, argued score
	for name, want := range readExpected(t, dir) {
		got := Parse(readSample(t, filepath.Join(dir, "samples", name)))
		misses := all.compare(want, got)
		if wrong[name] != "" {
			n := len(want)
			argued = score{argued.recipients + n, argued.found + n, argued.hard + n, argued.reason + n, argued.extra}
			if len(misses) == 0 {
				t.Errorf("%s: the corpus is called wrong (%s), but we agree with it", name, wrong[name])
			}
			continue
		}
		argued.compare(want, got)
		for _, m := range misses {
			t.Logf("%s: %s", name, m)
		}
		ownFaultNeverSuppresses(t, name, want, got)
	}
	t.Logf("as it stands: %s", all)
	t.Logf("with the samples that are argued: %s", argued)
	if argued.extra > 0 || argued.percent(argued.found) < 98 || argued.percent(argued.hard) < 98 || argued.percent(argued.reason) < 95 {
		t.Errorf("agreement %s is below 98, 98 and 95 %%, or there are recipients that nobody expects", argued)
	}
}

func (s score) percent(n int) float64 { return 100 * float64(n) / float64(s.recipients) }

func (s score) String() string {
	return fmt.Sprintf("%d recipients, found %.1f %%, hard or soft %.1f %%, reason %.1f %%, %d too many", s.recipients, s.percent(s.found), s.percent(s.hard), s.percent(s.reason), s.extra)
}

// soft are the corpus's reasons that are never the fault of the recipient.
var soft = []string{"authfailure", "badreputation", "blocked", "contenterror", "exceedlimit", "expired", "failedstarttls", "mailboxfull", "mailererror", "mesgtoobig",
	"networkerror", "norelaying", "notcompliantrfc", "onhold", "policyviolation", "rejected", "requireptr", "securityerror", "spamdetected", "speeding", "syntaxerror",
	"systemerror", "systemfull", "toomanyconn", "virusdetected"}

func ownFaultNeverSuppresses(t *testing.T, name string, want []expected, got Report) {
	t.Helper()
	for _, w := range want {
		for _, r := range got.Recipients {
			if sameRecipient(w.Recipient, r.Address) && slices.Contains(soft, w.Reason) && (r.Hard || r.Follows() == ActionSuppress) {
				t.Errorf("%s: %s suppresses %s for %s (%s)", name, r.Follows(), r.Address, w.Reason, r.Diagnostic)
			}
		}
	}
}

func TestNotBounces(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob(filepath.Join(bounceCorpus(t), "not-bounces", "*.eml"))
	if err != nil || len(found) != 3 {
		t.Fatalf("%d messages that are no bounces, %v", len(found), err)
	}
	for _, path := range found {
		if r := Parse(readSample(t, path)); r.Kind != KindNone || len(r.Recipients) > 0 || r.Action != ActionNone {
			t.Errorf("%s is %s with %+v", filepath.Base(path), r.Kind, r.Recipients)
		}
	}
}

// TestCorpusWithAnyLineEnds parses each sample with LF, CRLF and CR.
func TestCorpusWithAnyLineEnds(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob(filepath.Join(bounceCorpus(t), "samples", "*.eml"))
	if err != nil || len(found) < 300 {
		t.Fatalf("%d samples, %v", len(found), err)
	}
	for _, path := range found {
		sameForAnyLineEnds(t, filepath.Base(path), readSample(t, path))
	}
}

func readSample(tb testing.TB, path string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}
