package dkim

import (
	"bytes"
	"fmt"

	msgauth "github.com/emersion/go-msgauth/dkim"
)

// maxVerified bounds the work a captured message can cause.
const maxVerified = 5

// Result is the check of one DKIM-Signature field. Err is nil when it holds.
type Result struct {
	Domain     string
	HeaderKeys []string // h=, in order
	Err        error
}

// Verify checks the signatures of a message, at most five. lookupTXT answers for
// the names [RecordName] gives, one string per record. No signature gives no
// results and no error.
func Verify(raw []byte, lookupTXT func(string) ([]string, error)) ([]Result, error) {
	checks, err := msgauth.VerifyWithOptions(bytes.NewReader(raw), &msgauth.VerifyOptions{LookupTXT: lookupTXT, MaxVerifications: maxVerified})
	if err != nil && checks == nil {
		return nil, fmt.Errorf("checking DKIM signatures: %w", err)
	}
	results := make([]Result, len(checks))
	for i, v := range checks {
		results[i] = Result{Domain: v.Domain, HeaderKeys: v.HeaderKeys, Err: v.Err}
	}
	return results, nil
}
