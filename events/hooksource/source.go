package hooksource

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/events/hooks"
	"postrider/internal/errs"
)

const maxName = 100

// Source is a webhook that is set up at a provider.
type Source struct {
	ID       int64
	Provider hooks.Provider
	Name     string
	// Path is where the provider sends to, from the root of the public address. "": the secret in it cannot be read with the key of this installation.
	Path   string
	HasKey bool // the signing key has been entered

	Received, Reports, Refused int64
	LastReceivedAt             *time.Time
	LastError                  *string
	LastErrorAt                *time.Time
	CreatedAt, UpdatedAt       time.Time

	Topics []Topic // of SES, oldest first

	secret    string
	sealedKey []byte
}

// Topic is a topic of Amazon SNS that wants to send to a source.
type Topic struct {
	ARN         string
	AskedAt     time.Time
	AcceptedAt  *time.Time // nil: it waits for a person
	ConfirmedAt *time.Time // nil: it does not send
	Problem     *string
}

// Input is what a person sets.
type Input struct {
	Name     string
	Provider hooks.Provider // of an update: empty or as it is
	// SigningKey is the key to check with. nil keeps the stored one, "" takes it away.
	SigningKey *string
}

func (in Input) clean() (Input, error) {
	var wrong errs.Fields
	if !in.Provider.Known() {
		wrong.Add("provider", "must be one of %s", providerWords())
		return in, wrong.Err("this webhook cannot be set up")
	}
	in.Name = strings.TrimSpace(in.Name)
	if in.Name == "" {
		in.Name = in.Provider.Name()
	}
	if !utf8.ValidString(in.Name) || strings.ContainsFunc(in.Name, func(r rune) bool { return r < ' ' }) || utf8.RuneCountInString(in.Name) > maxName {
		wrong.Add("name", "must be one line of at most %d characters", maxName)
	}
	if in.SigningKey != nil {
		key := strings.TrimSpace(*in.SigningKey)
		in.SigningKey = &key
		if key != "" {
			if err := hooks.CheckKey(in.Provider, key); err != nil {
				wrong.Add("signing_key", "%s", err.Error())
			}
		}
	}
	return in, wrong.Err("this webhook cannot be set up like this")
}

func providerWords() string {
	words := make([]string, 0, 8)
	for _, p := range hooks.Providers() {
		words = append(words, string(p))
	}
	return strings.Join(words, ", ")
}

func pathOf(p hooks.Provider, id int64, secret string) string {
	return fmt.Sprintf("/hooks/%s/%d/%s", p, id, secret)
}
