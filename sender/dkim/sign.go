package dkim

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"
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

// Signer signs messages for one sending domain through one relay. It is safe for
// concurrent use if its keys are, as those of [Backend.Prepare] and the standard library are.
type Signer struct {
	keys  []signingKey
	names *names
	now   func() time.Time
	// work holds *scratch. A pool here costs some nanoseconds a message and spares callers from carrying one.
	work sync.Pool
}

// scratch is what one message is signed in, used again for the next one.
type scratch struct {
	header    header
	canonical []byte // the body, then the header fields followed by the signature's own
	hashes    []byte // the tags that all signatures of a message share
	digest    [sha256.Size]byte
	text      []byte // a signature in base64
}

// mostKept bounds what a scratch holds on to after an unusually large message, in bytes.
const mostKept = 1 << 20

// New prepares a signer. Keys are used in the order given. ProfileSES needs an
// RSA key and leaves others out; an empty profile is ProfileDefault.
func New(keys []Key, profile Profile, now func() time.Time) (*Signer, error) {
	s := &Signer{now: now, work: sync.Pool{New: func() any { return new(scratch) }}}
	for _, k := range keys {
		if err := k.validate(); err != nil {
			return nil, err
		}
		if _, ed := k.Signer.Public().(ed25519.PublicKey); ed && profile == ProfileSES {
			continue
		}
		s.keys = append(s.keys, newSigningKey(k))
	}
	switch profile {
	case ProfileDefault, "":
		s.names = namesWithout()
	case ProfileSES:
		s.keys = s.keys[:min(len(s.keys), 1)]
		s.names = namesWithout("Message-ID", "Date")
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
	w := s.work.Get().(*scratch)
	signed, err := s.sign(dst, msg, w)
	if cap(w.canonical) <= mostKept {
		clear(w.header.fields) // they point into msg
		s.work.Put(w)
	}
	if err != nil {
		return dst, err
	}
	return signed, nil
}

func (s *Signer) sign(dst, msg []byte, w *scratch) ([]byte, error) {
	body, err := w.header.read(s.names, msg)
	if err != nil {
		return nil, err
	}
	w.canonical = appendRelaxedBody(w.canonical[:0], body)
	w.digest = sha256.Sum256(w.canonical)
	w.hashes = appendHashes(w.hashes[:0], s.names, &w.header, w.digest[:])
	w.canonical = w.header.appendRelaxed(w.canonical[:0], s.names)
	fields := len(w.canonical)
	now := s.now()
	for i := range s.keys {
		k := &s.keys[i]
		start := len(dst)
		dst = append(dst, k.start...)
		dst = appendTime(dst, now)
		dst = append(dst, w.hashes...)
		// A signature covers its own field too, with b= empty and without CRLF (RFC 6376 §3.7).
		w.canonical = appendRelaxedField(w.canonical[:fields], fieldInLower, dst[start+len(fieldName):])
		w.digest = sha256.Sum256(w.canonical)
		signature, err := k.Signer.Sign(rand.Reader, w.digest[:], k.opts)
		if err != nil {
			return nil, fmt.Errorf("signing with %s: %w", RecordName(k.Selector, k.Domain), err)
		}
		w.text = base64.StdEncoding.AppendEncode(w.text[:0], signature)
		dst = appendFolded(dst, w.text)
	}
	return dst, nil
}
