package dsn

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sameForAnyLineEnds checks that a message means the same with LF, CRLF and CR.
func sameForAnyLineEnds(t *testing.T, name string, raw []byte) {
	t.Helper()
	lf := bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	want := Parse(lf)
	for _, end := range []string{"\r\n", "\r"} {
		if diff := cmp.Diff(want, Parse(bytes.ReplaceAll(lf, []byte("\n"), []byte(end)))); diff != "" {
			t.Errorf("%s with %q differs (-LF +other):\n%s", name, end, diff)
		}
	}
}
