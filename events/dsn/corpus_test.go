package dsn

import (
	"encoding/json"
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

// ourWord is our reason for each of the corpus's. Ours are coarser.
var ourWord = map[string]string{
	"userunknown": "user_unknown", "hasmoved": "user_unknown", "filtered": "user_unknown",
	"hostunknown": "domain_not_found", "notaccept": "domain_not_found",
	"mailboxfull": "mailbox_full", "suspend": "mailbox_disabled",
	"rejected": "sender_rejected", "norelaying": "relay_denied",
	"blocked": "blocked", "badreputation": "blocked",
	"authfailure": "authentication", "requireptr": "authentication",
	"policyviolation": "policy", "securityerror": "policy",
	"spamdetected": "spam_content", "virusdetected": "spam_content", "contenterror": "content", "notcompliantrfc": "content",
	"mesgtoobig": "size", "exceedlimit": "size",
	"speeding": "rate_limited", "toomanyconn": "too_many_connections",
	"expired": "network", "networkerror": "network", "failedstarttls": "tls_required",
	"systemerror": "system", "systemfull": "system", "mailererror": "system", "syntaxerror": "protocol",
	"onhold": "unknown", "undefined": "unknown",
}

type score struct{ recipients, found, hard, reason int }

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
	s.recipients += len(rest)
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
	return r.Reason == ourWord[w.Reason]
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
