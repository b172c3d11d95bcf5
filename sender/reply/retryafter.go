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
	retryWords = regexp.MustCompile(`(?:` + waitWords + `)\D{0,40}?(\d{1,6})(?:\s*(?:-|to)\s*(\d{1,6}))?\s*(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|s\b|m\b|h\b)`)
	retryClock = regexp.MustCompile(`(?:` + waitWords + `)(\D{0,40}?)(\d{1,2}):(\d{2}):(\d{2})(\D{0,4})`)
	clockTime  = regexp.MustCompile(`\bat\b|^\s*(?:utc|gmt|am\b|pm\b|z\b|[+-])`)
)

// waitWords stand before a wait. "for" and "after" alone are not among them: "timed out after 30 seconds" asks for nothing.
const waitWords = `again|retry|resend|wait|back|delayed|deferred|blocked|suspended|locked|gr[ea]ylist\w*`

// retryAfter reads the wait out of texts such as "try again in 5 minutes", "greylisted for 300 seconds", "later (5 min)" and milter-greylist's "in
// 00:04:21". Of a range the longer end counts. A time of day is not a wait. The text is in lower case.
func retryAfter(text string) time.Duration {
	if !strings.ContainsAny(text, "0123456789") {
		return 0
	}
	if m := retryClock.FindStringSubmatch(text); m != nil {
		if clockTime.MatchString(m[1]) || clockTime.MatchString(m[5]) {
			return 0
		}
		return boundRetry(number(m[2])*time.Hour + number(m[3])*time.Minute + number(m[4])*time.Second)
	}
	m := retryWords.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	unit := time.Second
	switch m[3][0] {
	case 'm':
		unit = time.Minute
	case 'h':
		unit = time.Hour
	case 'd':
		unit = 24 * time.Hour
	}
	return boundRetry(max(number(m[1]), number(m[2])) * unit)
}

func number(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return time.Duration(n)
}

func boundRetry(d time.Duration) time.Duration { return min(d, maxRetryAfter) }
