package preflight

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// corpusWeb is what testdata/web.json says is at the addresses of the corpus.
func corpusWeb(t testing.TB) map[string]Probe {
	t.Helper()
	b, err := os.ReadFile("testdata/web.json")
	if err != nil {
		t.Fatal(err)
	}
	var web map[string]Probe
	if err := json.Unmarshal(b, &web); err != nil {
		t.Fatal(err)
	}
	return web
}

func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/mails/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		if out[strings.TrimSuffix(filepath.Base(f), ".eml")], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestCorpus: each mail says in its field X-Preflight-Expect what is wrong with it. That is found, and nothing else that blocks or warns.
func TestCorpus(t *testing.T) {
	t.Parallel()
	web, mails := corpusWeb(t), corpus(t)
	good, found := 0, map[string]bool{}
	for name, raw := range mails {
		m, err := parse(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []string{}
		if expect := m.get("X-Preflight-Expect"); expect != "nothing" {
			want = strings.Fields(expect)
		}
		r := Check(Input{Samples: []Sample{{Raw: raw}}, Probes: web})
		bad, all := []string{}, []string{}
		for _, f := range r.Findings {
			all = append(all, f.Code)
			found[f.Code] = true
			if f.Severity != Info {
				bad = append(bad, f.Code)
			}
			if f.Title == "" || f.Detail == "" || f.Count == 0 || !Known(f.Code) {
				t.Errorf("%s: %+v says too little", name, f)
			}
		}
		wantBad := slices.DeleteFunc(slices.Clone(want), func(code string) bool { return policyOf(code).severity == Info })
		slices.Sort(bad)
		slices.Sort(wantBad)
		if diff := cmp.Diff(wantBad, bad); diff != "" {
			t.Errorf("%s: %s%+v", name, diff, r.Findings)
		}
		for _, code := range want {
			if !slices.Contains(all, code) {
				t.Errorf("%s: %s is not found, but %v", name, code, all)
			}
		}
		if slices.Contains(all, "preheader_missing") != slices.Contains(want, "preheader_missing") && m.hasHTML && !slices.Contains(want, "empty_body") {
			t.Errorf("%s: the preheader is %q", name, readHTML(m.html).preheader)
		}
		if len(bad) == 0 {
			good++
		}
	}
	if len(mails) < 80 || good < 12 {
		t.Errorf("the corpus has %d mails, %d of them good", len(mails), good)
	}
	// What needs more than a mail of a file is tested elsewhere.
	elsewhere := regexp.MustCompile(`^(render_fails|message_large|clip_near|preheader_length|not_built|link_unchecked|cannot_start|no_warmup|one_provider|domain_unknown|(audience|merge|dns|forecast|spam)(_.*)?)$`)
	for _, p := range policies {
		if !found[p.code] && !elsewhere.MatchString(p.code) {
			t.Errorf("no mail of the corpus shows %s", p.code)
		}
	}
}

func TestThePolicyIsWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range policies {
		if seen[p.code] || p.title == "" || rank(p.severity) < 0 || p.severity != Info && (p.why == "" || p.remedy == "") {
			t.Errorf("%+v", p)
		}
		seen[p.code] = true
	}
	if len(support.Features) < 60 || support.Updated == "" || len(support.order) != len(support.Families) {
		t.Errorf("the support tables have %d features of %q", len(support.Features), support.Updated)
	}
}
