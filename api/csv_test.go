package api

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTablesHoldNoFormula(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=cmd|' /C calc'!A0", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "|x", "%x", "\tharmless",
	} {
		if got := harmless(text); got != "'"+text {
			t.Errorf("%q stays %q", text, got)
		}
	}
	for _, text := range []string{"", "example.org", "Ada = Lovelace", "a-b", "'=1", " ", "1=1", "\U0001f600"} {
		if got := harmless(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestTablesAreFilesThatSpreadsheetsRead(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 8, 0, 0, 0, time.FixedZone("", 7200))
	name := "A \"quoted\",\r\nname; ünïcode"
	var b bytes.Buffer
	err := table{columns: []string{"name", "n", "at", "yes"}, rows: func(write func(...any) error) error {
		return errors.Join(write(name, int64(-5), at, true), write("=HYPERLINK(\"x\")", int64(1_000_000), at, false))
	}}.write(&b)
	if err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(b.String(), "\ufeff")
	if !marked || !strings.Contains(text, "yes\r\n") {
		t.Errorf("%q", b.String())
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	// The reader makes one line end of CR LF inside a cell.
	want := [][]string{{"name", "n", "at", "yes"}, {strings.ReplaceAll(name, "\r", ""), "-5", "2026-05-01T06:00:00Z", "true"}, {"'=HYPERLINK(\"x\")", "1000000", "2026-05-01T06:00:00Z", "false"}}
	if err != nil || !slices.EqualFunc(rows, want, slices.Equal[[]string]) {
		t.Errorf("%q (%v)", rows, err)
	}
}

// A file that broke off must not pass for a whole one: the error comes through.
func TestTablesThatBreakOff(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	err := table{columns: []string{"a"}, rows: func(write func(...any) error) error {
		_ = write("x")
		return broken
	}}.write(&bytes.Buffer{})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
