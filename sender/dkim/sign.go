package dkim

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"
)

// Profile says how a relay wants mail signed.
type Profile string

const (
	// ProfileDefault signs with every key given.
	ProfileDefault Profile = "default"
	// ProfileSES suits Amazon SES, which rewrites Message-ID and Date and takes
	// one DKIM-Signature only: RSA alone, without those two fields.
	ProfileSES Profile = "ses"
)

// Validity is how long a signature counts (x=). It outlasts the five days a
// relay may queue a message and ends the use of old mail for replays.
const Validity = 14 * 24 * time.Hour

// overSigned fields are named once more than they occur, so that a verifier
// fails a message to which one was added (RFC 6376 §8.15).
var overSigned = []string{
	"From", "To", "Cc", "Subject", "Date", "Reply-To", "Sender", "Message-ID", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post",
}

// signedIfPresent fields are named as often as they occur.
var signedIfPresent = []string{
	"In-Reply-To", "References", "List-Id", "List-Help", "List-Post", "List-Owner", "List-Archive",
	"Feedback-ID", "CFBL-Address", "CFBL-Feedback-ID", "Auto-Submitted", "Precedence",
}

// ErrNoHeader means that a message has no header to sign, or no From field.
var ErrNoHeader = errors.New("message to sign has no header with a From field")

// Signer signs messages for one sending domain through one relay. It is safe for
// concurrent use if its keys are, as the standard library's are.
type Signer struct {
	keys []Key
	over []string
	now  func() time.Time
}

// New prepares a signer. Keys are used in the order given. ProfileSES needs an
// RSA key and leaves others out; an empty profile is ProfileDefault.
func New(keys []Key, profile Profile, now func() time.Time) (*Signer, error) {
	s := &Signer{now: now}
	for _, k := range keys {
		if err := k.validate(); err != nil {
			return nil, err
		}
		if _, ed := k.Signer.Public().(ed25519.PublicKey); ed && profile == ProfileSES {
			continue
		}
		s.keys = append(s.keys, k)
	}
	switch profile {
	case ProfileDefault, "":
		s.over = overSigned
	case ProfileSES:
		s.keys = s.keys[:min(len(s.keys), 1)]
		for _, n := range overSigned {
			if n != "Message-ID" && n != "Date" {
				s.over = append(s.over, n)
			}
		}
	default:
		return nil, fmt.Errorf("unknown DKIM profile %q: use %s or %s", profile, ProfileDefault, ProfileSES)
	}
	if len(s.keys) == 0 {
		return nil, errors.New("no usable DKIM key: the profile needs an RSA key")
	}
	return s, nil
}

// Sign appends the DKIM-Signature fields for msg to dst, each complete with its
// CRLF; they go in front of msg. msg must have CRLF line ends. On error dst comes
// back as it was.
func (s *Signer) Sign(dst []byte, msg []byte) ([]byte, error) {
	start := len(dst)
	names, err := s.headerKeys(msg)
	if err != nil {
		return dst, err
	}
	for _, k := range s.keys {
		sig, err := signOne(k, names, s.now().Add(Validity), msg)
		if err != nil {
			return dst[:start], fmt.Errorf("signing with %s: %w", RecordName(k.Selector, k.Domain), err)
		}
		dst = append(dst, sig...)
	}
	return dst, nil
}

func signOne(k Key, names []string, expires time.Time, msg []byte) (string, error) {
	signer, err := msgauth.NewSigner(&msgauth.SignOptions{
		Domain: k.Domain, Selector: k.Selector, Signer: k.Signer, HeaderKeys: names, Expiration: expires,
		HeaderCanonicalization: msgauth.CanonicalizationRelaxed, BodyCanonicalization: msgauth.CanonicalizationRelaxed,
	})
	if err != nil {
		return "", err
	}
	_, werr := signer.Write(msg)
	if err := signer.Close(); err != nil { // Close always, it ends the signer's goroutine
		return "", err
	}
	if werr != nil {
		return "", werr
	}
	return signer.Signature(), nil
}

// headerKeys is the h= list for this message.
func (s *Signer) headerKeys(msg []byte) ([]string, error) {
	counts, err := s.count(msg)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, 2*len(s.over)+len(signedIfPresent))
	for i, n := range s.over {
		for range counts[i] + 1 {
			names = append(names, n)
		}
	}
	for i, n := range signedIfPresent {
		for range counts[len(s.over)+i] {
			names = append(names, n)
		}
	}
	return names, nil
}

// count counts the fields of s.over, then of signedIfPresent.
func (s *Signer) count(msg []byte) ([]int, error) {
	counts := make([]int, len(s.over)+len(signedIfPresent))
	rest := msg
	for {
		line, after, ok := bytes.Cut(rest, []byte("\r\n"))
		if !ok {
			return nil, ErrNoHeader
		}
		if len(line) == 0 {
			break
		}
		rest = after
		if name, _, ok := bytes.Cut(line, []byte(":")); ok && line[0] != ' ' && line[0] != '\t' {
			if i := s.index(strings.TrimRight(string(name), " \t")); i >= 0 {
				counts[i]++
			}
		}
	}
	if counts[0] == 0 { // From is the first of both lists
		return nil, ErrNoHeader
	}
	return counts, nil
}

func (s *Signer) index(name string) int {
	for i, n := range s.over {
		if strings.EqualFold(n, name) {
			return i
		}
	}
	for i, n := range signedIfPresent {
		if strings.EqualFold(n, name) {
			return len(s.over) + i
		}
	}
	return -1
}
