package events

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"math"
	"strings"

	"postrider/internal/errs"
)

// Kind is what a token is for. A token of one kind is never valid as another.
type Kind byte

// The kinds. Their values are signed into mail that is out in the world: never renumber them.
const (
	Open        Kind = 1 // the pixel
	Click       Kind = 2 // a link; carries its number
	Unsubscribe Kind = 3 // the unsubscribe page and RFC 8058 one-click
	ReturnPath  Kind = 4 // the local part of the envelope sender
	MessageID   Kind = 5 // the left side of the Message-ID
)

// Ref names a delivery, and in a Click token the link that was followed (0 in all others).
type Ref struct {
	CampaignID int64
	Seq        int32
	Link       int32
}

const (
	// 80 bits of HMAC: guessing one needs 2^79 requests on average, and a guessed one only fakes an open.
	macSize = 10
	// kind-less payload of three varints, and the MAC.
	maxTokenBytes = 3*binary.MaxVarintLen64 + macSize
)

// Lower-case base32 (RFC 4648 §6) survives systems that fold the case of a local part, and needs no escape in a URL, a local part or an id-left.
var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Tokens makes and reads tokens under one secret key. Only NewTokens makes one.
type Tokens struct {
	key *macKey
}

// macKey is the key as HMAC wants it (RFC 2104 §2), padded to a block of the hash and combined with its two constants. A message holds about eight tokens of
// a few bytes each, for which two hashes over buffers on the stack take half as long as a crypto/hmac that is kept.
type macKey struct{ inner, outer [sha256.BlockSize]byte }

// NewTokens takes the key of the installation. Changing the key turns every link in mail already sent into a dead one.
func NewTokens(key [32]byte) Tokens {
	k := &macKey{}
	copy(k.inner[:], key[:])
	copy(k.outer[:], key[:])
	for i := range k.inner {
		k.inner[i] ^= 0x36
		k.outer[i] ^= 0x5c
	}
	return Tokens{k}
}

// Delivery makes the token of a delivery for any kind but Click.
func (t Tokens) Delivery(kind Kind, campaignID int64, seq int32) string {
	return t.sign(kind, campaignID, seq, 0)
}

// Link makes the Click token of link n (from 1) in a delivery.
func (t Tokens) Link(campaignID int64, seq int32, n int) string {
	return t.sign(Click, campaignID, seq, n)
}

func (t Tokens) sign(kind Kind, campaignID int64, seq int32, link int) string {
	var a [maxTokenBytes]byte
	b := binary.AppendUvarint(a[:0], uint64(campaignID))
	b = binary.AppendUvarint(b, uint64(uint32(seq)))
	if kind == Click {
		b = binary.AppendUvarint(b, uint64(link))
	}
	b = t.appendMAC(b, kind, b)
	var text [(maxTokenBytes*8 + 4) / 5]byte
	encoded := text[:tokenEncoding.EncodedLen(len(b))]
	tokenEncoding.Encode(encoded, b)
	return string(encoded)
}

// The kind is signed but not sent: whoever parses says which kind is expected.
func (t Tokens) appendMAC(dst []byte, kind Kind, payload []byte) []byte {
	var in [sha256.BlockSize + 1 + maxTokenBytes]byte
	n := copy(in[:], t.key.inner[:])
	in[n] = byte(kind)
	n += 1 + copy(in[n+1:], payload)
	digest := sha256.Sum256(in[:n])
	var out [sha256.BlockSize + sha256.Size]byte
	n = copy(out[:], t.key.outer[:])
	copy(out[n:], digest[:])
	digest = sha256.Sum256(out[:])
	return append(dst, digest[:macSize]...)
}

// Parse reads a token that must be of the kind. Upper case is accepted. Anything that we did not make is NotFound, without a word about what
// is wrong with it.
func (t Tokens) Parse(kind Kind, token string) (Ref, error) {
	ref, ok := t.parse(kind, token)
	if !ok {
		return Ref{}, errs.New(errs.NotFound, "this link is not valid")
	}
	return ref, nil
}

func (t Tokens) parse(kind Kind, token string) (Ref, bool) {
	if len(token) > tokenEncoding.EncodedLen(maxTokenBytes) {
		return Ref{}, false
	}
	token = strings.ToLower(token)
	b, err := tokenEncoding.DecodeString(token)
	// Decoding ignores line breaks and stray bits at the end; one delivery has exactly one token, so only what encodes back is one.
	if err != nil || len(b) <= macSize || tokenEncoding.EncodeToString(b) != token {
		return Ref{}, false
	}
	payload, mac := b[:len(b)-macSize], b[len(b)-macSize:]
	if !hmac.Equal(mac, t.appendMAC(nil, kind, payload)) {
		return Ref{}, false
	}
	return decodePayload(kind, payload)
}

func decodePayload(kind Kind, b []byte) (Ref, bool) {
	campaign, n := binary.Uvarint(b)
	if n <= 0 || campaign > math.MaxInt64 {
		return Ref{}, false
	}
	b = b[n:]
	seq, n := binary.Uvarint(b)
	if n <= 0 || seq > math.MaxInt32 {
		return Ref{}, false
	}
	b = b[n:]
	ref := Ref{CampaignID: int64(campaign), Seq: int32(seq)}
	if kind == Click {
		link, n := binary.Uvarint(b)
		if n <= 0 || link > math.MaxInt32 {
			return Ref{}, false
		}
		ref.Link, b = int32(link), b[n:]
	}
	return ref, len(b) == 0
}
