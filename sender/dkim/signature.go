package dkim

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"strconv"
	"time"
)

// lineLength is how long the lines of a DKIM-Signature field are at most, but for a domain or selector that is longer (RFC 5322 §2.1.1).
const lineLength = 78

// The name of the field, as sent and as signed.
const (
	fieldName    = "DKIM-Signature:"
	fieldInLower = "dkim-signature:"
)

// signingKey is a key with what is the same in all of its signatures.
type signingKey struct {
	Key
	start string // the field up to the time
	opts  crypto.SignerOpts
}

func newSigningKey(k Key) signingKey {
	// RFC 8463 §3: Ed25519 signs the hash as if it were the message.
	algorithm, opts := "rsa-sha256", crypto.SignerOpts(crypto.SHA256)
	if _, ed := k.Signer.Public().(ed25519.PublicKey); ed {
		algorithm, opts = "ed25519-sha256", crypto.Hash(0)
	}
	domain, selector := " d="+k.Domain+";", " s="+k.Selector+";"
	if len(domain)+len(selector) > lineLength {
		domain += "\r\n"
	}
	return signingKey{Key: k, opts: opts, start: fieldName + " v=1; a=" + algorithm + "; c=relaxed/relaxed;\r\n" + domain + selector + "\r\n t="}
}

// appendTime appends the tags that say when the signature was made and when it ends.
func appendTime(dst []byte, now time.Time) []byte {
	dst = strconv.AppendInt(dst, now.Unix(), 10)
	dst = append(dst, "; x="...)
	dst = strconv.AppendInt(dst, now.Add(Validity).Unix(), 10)
	return append(dst, ";\r\n"...)
}

// appendHashes appends what is the same for all keys of a message, from h= to the empty b=.
func appendHashes(dst []byte, n *names, h *header, bodyHash []byte) []byte {
	const list = " h="
	dst = append(dst, list...)
	dst = h.appendList(dst, n, len(list))
	dst = append(dst, ";\r\n bh="...)
	dst = base64.StdEncoding.AppendEncode(dst, bodyHash)
	return append(dst, ";\r\n b="...)
}

// appendFolded appends base64 text that follows " b=", and the end of the field.
func appendFolded(dst, text []byte) []byte {
	room := lineLength - len(" b=")
	for len(text) > room {
		dst = append(dst, text[:room]...)
		dst = append(dst, "\r\n "...)
		text, room = text[room:], lineLength-1
	}
	dst = append(dst, text...)
	return append(dst, crlf...)
}
