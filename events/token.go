package events

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
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
	// Of the mail of a sign-up. CampaignID is the sign-up's id.
	Confirm       Kind = 6 // the page for confirming
	ConfirmReturn Kind = 7 // the local part of the envelope sender, and the left side of the Message-ID
	// FormShown says when a sign-up form was shown: CampaignID is the form's id, Seq the seconds since 2020.
	FormShown Kind = 8

	lastKind = FormShown
)

// Ref names a delivery, and in a Click token the link that was followed (0 in all others).
type Ref struct {
	CampaignID int64
	Seq        int32
	Link       int32
}

const (
	// 80 bits of MAC: guessing one needs 2^79 requests on average, and a guessed one only fakes an open.
	macSize = 10
	// kind-less payload of three varints, and the MAC.
	maxTokenBytes = 3*binary.MaxVarintLen64 + macSize
)

// Lower-case base32 (RFC 4648 §6) survives systems that fold the case of a local part, and needs no escape in a URL, a local part or an id-left.
var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Tokens makes and reads tokens under one secret key. Only NewTokens makes one.
type Tokens struct {
	keys *[lastKind + 1]cmacKey // by kind
}

// cmacKey makes AES-CMACs (RFC 4493) of messages of exactly one block, which is what each token signs. A message holds about eight tokens, and a block of AES
// takes a tenth of the time of an HMAC.
type cmacKey struct {
	block cipher.Block
	k1    [aes.BlockSize]byte
}

func newCMACKey(key []byte) (cmacKey, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return cmacKey{}, err
	}
	k := cmacKey{block: block}
	// Subkey K1, RFC 4493 §2.3: the encrypted zero block, doubled in GF(2^128).
	block.Encrypt(k.k1[:], k.k1[:])
	hi, lo := binary.BigEndian.Uint64(k.k1[:8]), binary.BigEndian.Uint64(k.k1[8:])
	binary.BigEndian.PutUint64(k.k1[:8], hi<<1|lo>>63)
	binary.BigEndian.PutUint64(k.k1[8:], lo<<1^hi>>63*0x87)
	return k, nil
}

// sum replaces the block by its MAC.
func (k *cmacKey) sum(block []byte) {
	subtle.XORBytes(block, block, k.k1[:])
	k.block.Encrypt(block, block)
}

// NewTokens takes the key of the installation. Changing the key turns every link in mail already sent into a dead one.
func NewTokens(key [32]byte) Tokens {
	t := Tokens{&[lastKind + 1]cmacKey{}}
	for kind := range t.keys {
		derive := hmac.New(sha256.New, key[:])
		derive.Write([]byte{byte(kind)})
		k, err := newCMACKey(derive.Sum(nil))
		if err != nil {
			panic(err) // only for a key of another length than that of a SHA-256
		}
		t.keys[kind] = k
	}
	return t
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
	var text [(maxTokenBytes*8 + 4) / 5]byte
	ref := Ref{campaignID, seq, int32(link)}
	work := make([]byte, maxTokenBytes+aes.BlockSize)
	b := binary.AppendUvarint(work[:0], uint64(campaignID))
	b = binary.AppendUvarint(b, uint64(uint32(seq)))
	if kind == Click {
		b = binary.AppendUvarint(b, uint64(link))
	}
	b = append(b, t.mac(work[maxTokenBytes:], kind, ref)...)
	encoded := text[:tokenEncoding.EncodedLen(len(b))]
	tokenEncoding.Encode(encoded, b)
	return string(encoded)
}

// mac signs what a token names, in a block that it is given. Each kind has its own key: whoever parses says which kind is expected.
func (t Tokens) mac(block []byte, kind Kind, ref Ref) []byte {
	binary.BigEndian.PutUint64(block, uint64(ref.CampaignID))
	binary.BigEndian.PutUint32(block[8:], uint32(ref.Seq))
	binary.BigEndian.PutUint32(block[12:], uint32(ref.Link))
	t.keys[kind].sum(block)
	return block[:macSize]
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
	if kind < Open || kind > lastKind || len(token) > tokenEncoding.EncodedLen(maxTokenBytes) {
		return Ref{}, false
	}
	token = strings.ToLower(token)
	b, err := tokenEncoding.DecodeString(token)
	if err != nil || len(b) <= macSize {
		return Ref{}, false
	}
	ref, ok := decodePayload(kind, b[:len(b)-macSize])
	// One delivery has exactly one token: what decodes to the same reference but is written in another way (line breaks, stray bits, long varints) is none.
	return ref, ok && hmac.Equal([]byte(t.sign(kind, ref.CampaignID, ref.Seq, int(ref.Link))), []byte(token))
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
