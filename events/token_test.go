package events

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"postrider/internal/errs"
)

var testKey = [32]byte{1, 2, 3, 4, 5}

var allKinds = []Kind{Open, Click, Unsubscribe, ReturnPath, MessageID}

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

func TestTokensCarryAnHMAC(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(testKey)
	for _, kind := range allKinds {
		for n := range maxTokenBytes - macSize + 1 {
			payload := make([]byte, n)
			for i := range payload {
				payload[i] = byte(rand.Uint32())
			}
			h := hmac.New(sha256.New, testKey[:])
			h.Write(append([]byte{byte(kind)}, payload...))
			if got, want := tokens.appendMAC(nil, kind, payload), h.Sum(nil)[:macSize]; !bytes.Equal(got, want) {
				t.Fatalf("kind %d, %d bytes: %x; want the HMAC %x", kind, n, got, want)
			}
		}
	}
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
