package events

import (
	"encoding/hex"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"postrider/internal/errs"
)

var testKey = [32]byte{1, 2, 3, 4, 5}

var allKinds = []Kind{Open, Click, Unsubscribe, ReturnPath, MessageID, Confirm, ConfirmReturn, FormShown}

func makeToken(t Tokens, kind Kind, ref Ref) string {
	if kind == Click {
		return t.Link(ref.CampaignID, ref.Seq, int(ref.Link))
	}
	return t.Delivery(kind, ref.CampaignID, ref.Seq)
}

func TestTokensRoundTrip(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(testKey)
	shape := regexp.MustCompile(`^[a-z2-7]+$`)
	for range 2000 {
		ref := Ref{CampaignID: rand.Int64() >> rand.IntN(63), Seq: rand.Int32() >> rand.IntN(31)}
		for _, kind := range allKinds {
			want := ref
			if kind == Click {
				want.Link = rand.Int32N(1000)
			}
			token := makeToken(tokens, kind, want)
			if !shape.MatchString(token) || len(token) > 58 {
				t.Fatalf("token %q does not fit a local part with a prefix", token)
			}
			for _, form := range []string{token, strings.ToUpper(token)} {
				got, err := tokens.Parse(kind, form)
				if err != nil || got != want {
					t.Fatalf("Parse(%d, %q) = %+v, %v; want %+v", kind, form, got, err, want)
				}
			}
		}
	}
}

// The examples of RFC 4493 §4 and NIST SP 800-38B. Only the zero block of the second key begins with a set bit, so that both ways of doubling are seen.
func TestCMACOfOneBlock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ key, message, subkey, want string }{
		{"2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a", "fbeed618357133667c85e08f7236a8de", "070a16b46b4d4144f79bdd9dd04a287c"},
		{"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "6bc1bee22e409f96e93d7e117393172a", "cad1ed03299eedac2e9a99808621502f", "28a7023f452e8f82bd4bf28d8c37c35c"},
	} {
		k, err := newCMACKey(unhex(t, test.key))
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(k.k1[:]); got != test.subkey {
			t.Errorf("subkey %s, want %s", got, test.subkey)
		}
		block := unhex(t, test.message)
		k.sum(block)
		if got := hex.EncodeToString(block); got != test.want {
			t.Errorf("MAC %s, want %s", got, test.want)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTokensAreNotInterchangeable(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(testKey)
	for _, made := range allKinds {
		token := makeToken(tokens, made, Ref{CampaignID: 7, Seq: 9})
		for _, asked := range allKinds {
			_, err := tokens.Parse(asked, token)
			if made == asked && err != nil {
				t.Errorf("kind %d: %v", made, err)
			}
			if made != asked && !errs.Is(err, errs.NotFound) {
				t.Errorf("a token of kind %d was taken as kind %d (%v)", made, asked, err)
			}
		}
	}
	other := NewTokens([32]byte{9})
	if _, err := other.Parse(Open, tokens.Delivery(Open, 7, 9)); err == nil {
		t.Error("a token of another key was taken")
	}
}

func TestTokensRejectEveryChange(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(testKey)
	token := tokens.Link(123456, 98765, 12)
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	for i := range token {
		for _, c := range alphabet {
			if changed := token[:i] + string(c) + token[i+1:]; changed != token {
				if ref, err := tokens.Parse(Click, changed); err == nil {
					t.Fatalf("%q was taken as %+v", changed, ref)
				}
			}
		}
	}
	for _, changed := range []string{"", token[:len(token)-1], token + "a", token + "\n", token[:4] + "\r\n" + token[4:], token + "=", " " + token, strings.Repeat("a", 5000)} {
		if _, err := tokens.Parse(Click, changed); !errs.Is(err, errs.NotFound) {
			t.Errorf("%.40q gave %v", changed, err)
		}
	}
}

func TestTokenLengths(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(testKey)
	if got := len(tokens.Delivery(ReturnPath, 1000, 1_000_000)); got > 24 {
		t.Errorf("an everyday token has %d characters", got)
	}
	// RFC 5321 §4.5.3.1.1: 64 octets for a local part, a few of which the prefix takes.
	if got := len(tokens.Delivery(ReturnPath, math.MaxInt64, math.MaxInt32)); got > 40 {
		t.Errorf("the longest return path token has %d characters", got)
	}
}

func FuzzTokensParse(f *testing.F) {
	tokens := NewTokens(testKey)
	for _, kind := range allKinds {
		f.Add(byte(kind), makeToken(tokens, kind, Ref{CampaignID: 3, Seq: 4, Link: 5}))
	}
	f.Add(byte(Open), "")
	f.Add(byte(Click), "aaaaaaaaaaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, kind byte, token string) {
		ref, err := tokens.Parse(Kind(kind), token)
		if err != nil {
			if ref != (Ref{}) || !errs.Is(err, errs.NotFound) {
				t.Fatalf("%+v, %v", ref, err)
			}
			return
		}
		if again := makeToken(tokens, Kind(kind), ref); again != strings.ToLower(token) {
			t.Fatalf("%q was taken as %+v, whose token is %q", token, ref, again)
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	tokens := NewTokens(testKey)
	token := tokens.Link(1000, 123456, 3)
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			tokens.Link(1000, 123456, 3)
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := tokens.Parse(Click, token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
