package reply

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what a server may ask for; longer waits are its mistake
// or a trap, and the campaign's expiry decides anyway.
const maxRetryAfter = 24 * time.Hour

var (
	retryWords = regexp.MustCompile(`(?:again|retry|wait|back|delayed|greylist\w*|graylist\w*|for|after)\D{0,40}?(\d{1,6})\s*(seconds?|secs?|minutes?|mins?|hours?|hrs?|s\b|m\b|h\b)`)
	retryClock = regexp.MustCompile(`(?:again|retry|wait|back|delayed|greylist\w*)\D{0,40}?(\d{1,2}):(\d{2}):(\d{2})`)
)

// retryAfter reads the wait out of texts such as "try again in 5 minutes",
// "greylisted for 300 seconds" and milter-greylist's "in 00:04:21". The text is
// in lower case.
func retryAfter(text string) time.Duration {
	if !strings.ContainsAny(text, "0123456789") {
		return 0
	}
	if m := retryClock.FindStringSubmatch(text); m != nil {
		return boundRetry(number(m[1])*time.Hour + number(m[2])*time.Minute + number(m[3])*time.Second)
	}
	m := retryWords.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	unit := time.Second
	switch m[2][0] {
	case 'm':
		unit = time.Minute
	case 'h':
		unit = time.Hour
	}
	return boundRetry(number(m[1]) * unit)
}

func number(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return time.Duration(n)
}

func boundRetry(d time.Duration) time.Duration { return min(d, maxRetryAfter) }
