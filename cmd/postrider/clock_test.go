package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheClockIsMovedByItsFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clock")
	write := func(text string) {
		t.Helper()
		must(t, os.WriteFile(file, []byte(text), 0o600))
	}
	write("48h\n")
	m := &movedClock{path: file}
	must(t, m.read())
	ahead := func() time.Duration { return time.Until(m.now()).Round(time.Minute) }
	if got := ahead(); got != 48*time.Hour {
		t.Errorf("the clock is %v ahead, want 48h", got)
	}
	for _, step := range []struct {
		text string
		want time.Duration
	}{{"72h", 72 * time.Hour}, {"-1h", -time.Hour}, {"no duration", -time.Hour}} {
		write(step.text)
		m.readAt = time.Time{}
		if got := ahead(); got != step.want {
			t.Errorf("with %q in its file the clock is %v ahead, want %v", step.text, got, step.want)
		}
	}
}

func TestAClockFileThatSaysNothingKeepsTheProgramFromStarting(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clock")
	if _, err := (config{ClockFile: file}).clock(); err == nil {
		t.Error("a clock file that is not there was taken")
	}
	must(t, os.WriteFile(file, []byte("tomorrow"), 0o600))
	if _, err := (config{ClockFile: file}).clock(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("the error %v does not name the file", err)
	}
}
