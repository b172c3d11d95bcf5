// Package migrations brings a database to the schema this program is written for: our own numbered SQL files (goose), then the job queue's
// tables (River). Files go forward only and are never edited once they are part of a release.
package migrations

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
)

//go:embed *.sql
var files embed.FS

// Fingerprint identifies the schema: it changes when a file or the queue's latest version does. It is lower-case hex, 16 characters.
func Fingerprint() (string, error) {
	sum := sha256.New()
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", fmt.Errorf("listing the migrations: %w", err)
	}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("reading migration %s: %w", name, err)
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(b))
		sum.Write(b)
	}
	latest, err := latestRiver()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "river %d\n", latest)
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}
