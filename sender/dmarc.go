package sender

import (
	"context"
	"strings"
)

// dmarcRecord is a DMARC policy record and where it was found.
type dmarcRecord struct {
	domain string // without "_dmarc."
	text   string
	tags   map[string]string
}

// dmarcWalk is what a DNS tree walk found (RFC 9989 §4.10).
type dmarcWalk struct {
	start   string
	records []dmarcRecord // valid ones, from the longest name to the shortest
	// doubled are the records of names with more than one, all of which count for nothing.
	doubled []dmarcRecord
}

// mostLabels is what a name is shortened to after the first question of a walk, which bounds a walk to eight of them (RFC 9989 §4.10, step 4).
const mostLabels = 7

// walkDMARC looks for DMARC records at a domain and above it, down to the top level. An error means that one of the names could not be asked about, so
// that nothing is known for certain.
func walkDMARC(ctx context.Context, dns Resolver, domain string) (dmarcWalk, error) {
	walk := dmarcWalk{start: domain}
	for _, at := range walkNames(domain) {
		txts, err := lookupTXT(ctx, dns, "_dmarc."+at)
		if err != nil {
			return walk, err
		}
		found := dmarcRecords(at, txts)
		if len(found) > 1 {
			walk.doubled = append(walk.doubled, found...)
		}
		if len(found) != 1 {
			continue
		}
		walk.records = append(walk.records, found[0])
		if psd := found[0].tags["psd"]; psd == "y" || psd == "n" {
			break
		}
	}
	return walk, nil
}

// walkNames are the names that a walk asks about, the domain itself first.
func walkNames(domain string) []string {
	labels := strings.Split(domain, ".")
	names := []string{domain}
	for i := max(1, len(labels)-mostLabels); i < len(labels); i++ {
		names = append(names, strings.Join(labels[i:], "."))
	}
	return names
}

// dmarcRecords picks the records that begin with the version tag, whose value is case-sensitive (RFC 9989 §4.7).
func dmarcRecords(domain string, txts []string) []dmarcRecord {
	var found []dmarcRecord
	for _, txt := range txts {
		first, _, _ := strings.Cut(txt, ";")
		name, value, _ := strings.Cut(first, "=")
		if strings.EqualFold(strings.TrimSpace(name), "v") && strings.TrimSpace(value) == "DMARC1" {
			tags := parseTags(txt)
			tags["psd"] = strings.ToLower(tags["psd"])
			found = append(found, dmarcRecord{domain: domain, text: txt, tags: tags})
		}
	}
	return found
}

// organisation gives the organisational domain: two names are aligned in relaxed mode when theirs is the same (RFC 9989 §4.10.2).
func (w dmarcWalk) organisation() string {
	for _, r := range w.records {
		switch {
		case r.tags["psd"] == "n":
			return r.domain
		case r.tags["psd"] == "y" && r.domain != w.start:
			return oneBelow(w.start, r.domain)
		}
	}
	if len(w.records) > 0 {
		return w.records[len(w.records)-1].domain
	}
	return w.start
}

// oneBelow gives the name with one label more than parent on the way to domain.
func oneBelow(domain, parent string) string {
	rest := strings.TrimSuffix(domain, "."+parent)
	return rest[strings.LastIndexByte(rest, '.')+1:] + "." + parent
}

// dmarcPolicy is the policy that receivers apply to a domain.
type dmarcPolicy struct {
	record dmarcRecord
	value  string // none, quarantine or reject
	// ignored means that the record is broken in a way that receivers treat as no DMARC at all.
	ignored bool
}

// policy discovers the policy for mail from the domain where the walk started (RFC 9989 §4.10.1); false means that there is none. The domain is taken to
// exist: its own "np" never applies to a domain that mail is sent from.
func (w dmarcWalk) policy() (dmarcPolicy, bool) {
	for _, domain := range []string{w.start, w.organisation()} {
		if r, ok := w.at(domain); ok {
			return r.policyFor(w.start), true
		}
	}
	for _, r := range w.records {
		if r.tags["psd"] == "y" {
			return r.policyFor(w.start), true
		}
	}
	return dmarcPolicy{}, false
}

func (w dmarcWalk) at(domain string) (dmarcRecord, bool) {
	for _, r := range w.records {
		if r.domain == domain {
			return r, true
		}
	}
	return dmarcRecord{}, false
}

func (r dmarcRecord) policyFor(domain string) dmarcPolicy {
	value := strings.ToLower(r.tags["p"])
	broken := !isDMARCPolicy(value)
	for _, tag := range []string{"sp", "np"} {
		other, there := r.tags[tag]
		other = strings.ToLower(other)
		broken = broken || there && !isDMARCPolicy(other)
		if tag == "sp" && there && r.domain != domain {
			value = other
		}
	}
	if broken {
		// With an address for reports the record counts as p=none, without one as nothing.
		return dmarcPolicy{record: r, value: "none", ignored: !strings.Contains(strings.ToLower(r.tags["rua"]), "mailto:")}
	}
	return dmarcPolicy{record: r, value: value}
}

func isDMARCPolicy(value string) bool {
	return value == "none" || value == "quarantine" || value == "reject"
}

// strict reports whether an alignment mode ("adkim", "aspf") asks for the very same domain.
func (p dmarcPolicy) strict(mode string) bool { return strings.EqualFold(p.record.tags[mode], "s") }
