package preflight

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What mail programs show of a subject, in characters: phones about 40, others about 70.
const (
	phoneSubject = 40
	longSubject  = 120
)

// subject looks at the line that decides whether the mail is opened.
func (c *checker) subject(m message) {
	s := m.sent.get("Subject")
	at := func(code, note string) { c.out.at(code, Where{Part: "subject", Selector: s, Note: note}) }
	if squeeze(s) == "" {
		c.out.get("subject_empty").people(m.sample.Person)
		c.out.at("subject_empty", Where{Part: "subject"})
		return
	}
	if note := oddCharacters(s); note != "" {
		at("subject_characters", note)
	}
	switch n := utf8.RuneCountInString(s); {
	case n > longSubject:
		c.out.say("subject_very_long", "subject", "The subject has %d characters; phones show about %d of them, other mail programs about 70.", n, phoneSubject)
	case n > phoneSubject:
		c.out.say("subject_cut", "subject", "The subject has %d characters; phones show about %d of them, other mail programs about 70.", n, phoneSubject)
	}
	if note := shouts(s); note != "" {
		at("subject_shouts", note)
	}
	lower := strings.ToLower(strings.TrimSpace(s))
	for _, prefix := range []string{"re:", "fw:", "fwd:", "aw:", "wg:", "tr:", "rv:", "sv:", "vs:", "antw:"} {
		if strings.HasPrefix(lower, prefix) {
			at("subject_fake_reply", prefix)
		}
	}
}

// oddCharacters says what invisible characters a line holds. Those that belong to an emoji or to a script that needs them are fine.
func oddCharacters(s string) string {
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case unicode.IsControl(r):
			return "a control character"
		case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return "a character that turns the direction of writing"
		case r == 0x200d || r == 0x200c:
			if !joins(runes, i) {
				return "a zero-width character"
			}
		case r == 0x200b || r == 0x2060 || r == 0xfeff || r == 0xad || r == 0x180e || r >= 0xe0000 && r <= 0xe007f && !flagged(runes, i):
			return "a zero-width character"
		case r == 0xfffd:
			return "the sign for a character that was lost"
		}
	}
	return ""
}

// joins reports whether a joiner stands between what it can join: parts of an emoji, or letters of the scripts of Asia.
func joins(runes []rune, i int) bool {
	if i == 0 || i == len(runes)-1 {
		return false
	}
	before := runes[i-1]
	return before > 0x2000 || before >= 0x0590 && before <= 0x109f
}

// flagged reports whether a tag character follows the flag that it is a part of (England, Scotland, Wales).
func flagged(runes []rune, i int) bool {
	for i--; i >= 0; i-- {
		if runes[i] == 0x1f3f4 {
			return true
		}
		if runes[i] < 0xe0000 {
			return false
		}
	}
	return false
}

// shouts says how a subject does, "" when it does not. Single words in capitals are names and acronyms.
func shouts(s string) string {
	upper, lower, words := 0, 0, 0
	for w := range strings.FieldsSeq(s) {
		letters := 0
		for _, r := range w {
			switch {
			case unicode.IsUpper(r):
				upper++
				letters++
			case unicode.IsLower(r):
				lower++
				letters++
			}
		}
		if letters > 1 {
			words++
		}
	}
	if upper >= 8 && words >= 2 && upper > 4*lower {
		return "nearly all of it is in capitals"
	}
	if strings.Contains(s, "!!") || strings.Contains(s, "$$") || strings.Count(s, "!") > 2 {
		return "rows of exclamation marks"
	}
	return ""
}

// preheader looks at what the inbox shows after the subject.
func (c *checker) preheader(m message) {
	if !m.plain.hasHTML {
		return
	}
	switch n := utf8.RuneCountInString(m.doc.preheader); {
	case n == 0:
		c.out.at("preheader_missing", Where{Part: "preheader"})
	case n > 140:
		c.out.say("preheader_length", "preheader", "The preheader has %d characters; mail programs show 40 to 140.", n)
	case n < 20:
		c.out.say("preheader_length", "preheader", "The preheader has only %d characters: mail programs fill up with the first words of the mail.", n)
	}
}
