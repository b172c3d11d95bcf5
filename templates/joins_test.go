package templates

import "testing"

func TestJoins(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"\u06cc\u200c\u062e": true, "\U0001F469\u200d\u2764": true, "\u0d4d\u200d": true, "a\u200cb": false, "\u034f\u200c": false, "\u00a0\u200c": false, " \u200dx": false} {
		if got := Joins([]rune(text), 1); got != want {
			t.Errorf("%+q: %v", text, got)
		}
	}
	if Joins([]rune("\u200dx"), 0) {
		t.Error("a joiner at the start joins nothing")
	}
}
