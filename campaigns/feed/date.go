package feed

import (
	"regexp"
	"strings"
	"time"
)

// layouts of dates, after the names of weekdays and zones have been put in order.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	"2006-01-02 15:04", "2006-01-02", "2006-01", "2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04 -0700", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 2006", "2 Jan 06 15:04:05 -0700",
	"2 Jan 06 15:04 -0700", "2 January 2006 15:04:05 -0700", "2 January 2006 15:04:05", "2 January 2006", "Jan 2 15:04:05 2006", "Jan 2 15:04:05 -0700 2006", "Jan 2, 2006 15:04:05 -0700",
	"January 2, 2006 15:04:05 -0700", "January 2, 2006", "Jan 2, 2006", "2006/01/02 15:04:05", "2006/01/02", "20060102T150405Z0700", "20060102",
}

var (
	weekday = regexp.MustCompile(`(?i)^(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?\.?,?\s+`)
	zone    = regexp.MustCompile(`\s\(?([A-Za-z]{1,5})\)?$`)
	comment = regexp.MustCompile(`\s*\([^)]*\)$`)
	offset  = regexp.MustCompile(`(GMT|UTC)\s*([+-]\d\d):?(\d\d)$`)
	colon   = regexp.MustCompile(` ([+-]\d\d):(\d\d)$`)
)

// zones are those that RFC 5322 §4.3 knows, and frequent ones of Europe. Any other name is taken for UTC, as it has it.
var zones = map[string]string{
	"EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700", "CET": "+0100", "CEST": "+0200", "EET": "+0200", "EEST": "+0300",
	"BST": "+0100", "MSK": "+0300", "WEST": "+0100", "JST": "+0900", "AEST": "+1000", "AEDT": "+1100",
}

// parseDate reads a date as feeds write it; zero when it cannot, or when it is outside of the years that make sense.
func parseDate(s string) time.Time {
	s = strings.Join(strings.Fields(cut(s, 100)), " ")
	s = weekday.ReplaceAllString(s, "")
	s = offset.ReplaceAllString(s, "$2$3")
	s = colon.ReplaceAllString(s, " $1$2")
	if comment.MatchString(s) && strings.ContainsAny(s, "+-") {
		s = comment.ReplaceAllString(s, "")
	}
	if m := zone.FindStringSubmatchIndex(s); m != nil {
		off, ok := zones[strings.ToUpper(s[m[2]:m[3]])]
		if !ok {
			off = "+0000"
		}
		s = s[:m[0]] + " " + off
	}
	s = strings.Replace(s, " Sept ", " Sep ", 1)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return plausible(t)
		}
	}
	return time.Time{}
}

func plausible(t time.Time) time.Time {
	if t.Year() < 1990 || t.Year() > 2200 {
		return time.Time{}
	}
	return t.UTC()
}
