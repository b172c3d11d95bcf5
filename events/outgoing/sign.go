package outgoing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// secretPrefix marks a symmetric secret of Standard Webhooks; base64 of the key follows.
const secretPrefix = "whsec_"

// newSecret makes a secret of 32 random bytes. The standard wants 24 to 64.
func newSecret() string {
	key := make([]byte, 32)
	rand.Read(key)
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// signature gives the header field webhook-signature: a version and a MAC for each secret, with a space between. The secret that is used first stands first.
func signature(secrets []string, id string, at time.Time, body string) (string, error) {
	signed := id + "." + strconv.FormatInt(at.Unix(), 10) + "." + body
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
		if err != nil {
			return "", fmt.Errorf("a stored secret of a webhook is not base64") // err would quote a part of it
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(signed))
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " "), nil
}
