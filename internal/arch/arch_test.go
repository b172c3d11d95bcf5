// Package arch holds the rule of the house that imports go one way, as a test.
package arch

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "postrider/"

// allowed says for each package which packages of ours it may import. "x/..." stands for a folder and all below it. A package that is not listed may
// import nothing of ours.
var allowed = map[string][]string{
	"internal/pg":          {"internal/errs"},
	"internal/page":        {"internal/errs"},
	"internal/addr":        {"internal/errs"},
	"internal/settings":    {"internal/pg", "internal/errs", "internal/addr"},
	"internal/auth":        {"internal/pg", "internal/errs", "internal/addr", "internal/settings", "internal/page"},
	"internal/idempotency": {"internal/pg", "internal/errs"},
	"internal/oauth":       {"internal/errs", "internal/addr"},
	"internal/pg/pgtest":   {"internal/pg/pgboot", "migrations"},
	"sender/smtpconn":      {"sender/reply"},
	"sender/dkim":          {"sender/dkim/libcrypto"},
	"sender/presets":       {"sender/reply"},
	"audience":             {"audience/...", "internal/pg", "internal/errs", "internal/page", "internal/addr"},
	"audience/tablefile":   {"internal/errs"},
	"audience/segment":     {"internal/errs", "internal/addr"},
	"templates":            {"internal/pg", "internal/errs", "internal/page"},
	"templates/media":      {"internal/pg", "internal/errs", "internal/page", "internal/secret"},
	"events/dsn":           {"sender/reply"},
	"events/listener":      {"events", "internal/errs"},
	"events/outgoing":      {"internal/pg", "internal/errs", "internal/page", "internal/safehttp", "internal/secret"},
	"internal/safehttp":    {"internal/errs"},
	"sender":               {"sender/...", "internal/pg", "internal/errs", "internal/page", "internal/addr", "internal/oauth", "internal/secret"},
	"events/mailbox":       {"events", "sender/presets", "internal/pg", "internal/errs", "internal/addr", "internal/oauth", "internal/secret"},
	"events":               {"audience", "events/...", "internal/pg", "internal/errs", "internal/page"},
	"events/hooks":         {"events", "sender/reply"},
	"events/hooksource":    {"events", "events/hooks", "internal/pg", "internal/errs", "internal/secret"},
	"campaigns/preflight":  {"internal/safehttp", "internal/errs"},
	"campaigns": {"campaigns/abtest", "campaigns/journal", "campaigns/preflight", "audience", "events", "events/dsn", "templates", "sender", "sender/message", "sender/presets", "sender/reply",
		"sender/smtpconn", "sender/dkim", "internal/pg", "internal/errs", "internal/page", "internal/addr", "internal/settings"},
	"campaigns/confirm":     {"audience", "events", "templates", "sender", "sender/message", "sender/presets", "sender/reply", "sender/smtpconn", "internal/errs", "internal/settings"},
	"campaigns/feed":        {"templates", "internal/errs"},
	"campaigns/sources":     {"campaigns/feed", "internal/safehttp", "internal/pg", "internal/errs"},
	"campaigns/schedule":    {"internal/errs"},
	"campaigns/newsletters": {"campaigns", "campaigns/feed", "campaigns/schedule", "campaigns/sources", "templates", "sender", "internal/pg", "internal/errs", "internal/page"},
	"api": {"audience", "campaigns", "campaigns/feed", "campaigns/newsletters", "campaigns/schedule", "campaigns/confirm", "events", "events/hooks", "events/hooksource",
		"events/mailbox", "events/outgoing", "templates", "templates/mailchimp", "sender", "sender/dkim", "sender/presets", "templates/media", "internal/auth", "internal/settings", "internal/idempotency", "internal/errs", "internal/oauth", "internal/page", "internal/addr", "campaigns/preflight"},
	"cmd/postrider": {"..."},
}

func permits(rules []string, imported string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool {
		if rule == "..." {
			return true
		}
		if dir, ok := strings.CutSuffix(rule, "/..."); ok {
			return imported == dir || strings.HasPrefix(imported, dir+"/")
		}
		return rule == imported
	})
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	all := packages(t)
	if len(all) < 20 {
		t.Fatalf("only %d packages were found; this test looks in the wrong place", len(all))
	}
	for _, p := range all {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			imported, ours := strings.CutPrefix(imp, module)
			if ours && !permits(allowed[name], imported) {
				t.Errorf("%s must not import %s (docs/architecture.md says why; the rule is in internal/arch)", name, imported)
			}
		}
	}
}

func TestTheRuleCanBeBroken(t *testing.T) {
	t.Parallel()
	if permits(allowed["audience"], "campaigns") || permits(allowed["api"], "internal/pg") || permits(allowed["sender/reply"], "internal/errs") {
		t.Error("the rules permit what they are there to forbid")
	}
	if !permits(allowed["sender"], "sender/reply") || !permits(allowed["cmd/postrider"], "api") {
		t.Error("the rules forbid what the design needs")
	}
}
