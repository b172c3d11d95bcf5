package dsn

import (
	"regexp"
	"strings"
)

var (
	// quotedField is a line of a quoted header; it may be indented a little or marked as a quotation.
	quotedField = regexp.MustCompile(`^[ \t>]{0,4}([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:`)
	// copyMarker is a line that says that what follows is the message that comes back.
	copyMarker = regexp.MustCompile(`(?i)^[\s\-=*_#>.+]*(?:` +
		`(?:this is |below is |included is |below this line is |here is |following is |attached is )?a copy of (?:the|your) (?:original )?(?:message|mail|e-mail|header).*|` +
		`(?:the )?(?:headers? of the )?(?:original|returned|unsent|rejected|undelivered|bounced) (?:e-?mail|message)(?: header| headers| info| text| details)?(?: follows| is following| as follows| included below)?|` +
		`(?:message|original) headers?(?: follow| follows| of the message)?|` +
		`below this line is .*|` +
		`en-t\S+tes? de message d.origine|original mail as follows` +
		`)[\s\-=*_#>.:+]*$`)
)

// sureFields stand in the header of a message and not in an explanation of what went wrong.
var sureFields = map[string]bool{
	"received": true, "return-path": true, "mime-version": true, "dkim-signature": true, "x-received": true, "content-type": true,
	"delivered-to": true, "arc-seal": true, "x-mailer": true, "user-agent": true, "domainkey-signature": true, "content-transfer-encoding": true,
}

// statusFields stand in a report (RFC 3464 §2) and never in the header of a message.
var statusFields = map[string]bool{
	"reporting-mta": true, "received-from-mta": true, "final-recipient": true, "original-recipient": true, "action": true, "status": true, "remote-mta": true,
	"diagnostic-code": true, "last-attempt-date": true, "will-retry-until": true, "arrival-date": true,
}

// splitOriginal parts what a text says from the message that it quotes: at the first run of three header fields of which one is sure, or at a line that
// announces a copy when that comes first or no such run is there.
func splitOriginal(s string) (said, quoted string) {
	run, fields, sure, marker := -1, 0, false, -1
	for at := 0; at < len(s); {
		line := s[at:]
		if i := strings.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		short := clip(line, 200)
		m := quotedField.FindStringSubmatch(short)
		if m != nil && statusFields[strings.ToLower(m[1])] { // a report that lost its structure
			m, run = nil, -1
		}
		switch {
		case m != nil:
			if run < 0 {
				run = at
			}
			fields++
			sure = sure || sureFields[strings.ToLower(m[1])]
			if fields >= 3 && sure {
				return cutOriginal(s, run, marker)
			}
		case run >= 0 && short != "" && (short[0] == ' ' || short[0] == '\t' || short[0] == '>'): // folded
		default:
			run, fields, sure = -1, 0, false
			if marker < 0 && len(line) < 120 && copyMarker.MatchString(short) {
				marker = at
			}
		}
		at += len(line) + 1
	}
	if marker >= 0 && strings.TrimSpace(s[:marker]) != "" {
		return cutOriginal(s, -1, marker)
	}
	return s, ""
}

// cutOriginal cuts at the header that begins at run, or else behind the line at marker. What stands between the two belongs to what is said: some systems
// name the recipients there.
func cutOriginal(s string, run, marker int) (said, quoted string) {
	if run < 0 {
		_, rest, _ := strings.Cut(s[marker:], "\n")
		return s[:marker], unquote(rest)
	}
	return s[:run], unquote(s[run:])
}

// unquote takes off the indentation or the quotation marks of a quoted header.
func unquote(s string) string {
	s = strings.TrimLeft(s, "\n")
	n := len(s) - len(strings.TrimLeft(s, " \t>"))
	if n == 0 || n > 4 {
		return s
	}
	prefix := s[:n]
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimPrefix(line, prefix))
	}
	return b.String()
}
