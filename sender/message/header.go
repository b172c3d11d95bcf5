package message

import (
	"net"
	"net/url"
	"strings"
)

// appendHeader writes all fields up to MIME-Version.
func (c *Composer) appendHeader(dst []byte, m *Message) ([]byte, error) {
	fixed, err := m.Fixed, error(nil)
	if fixed == nil {
		if fixed, err = Fix(m); err != nil {
			return nil, err
		}
	}
	dst = append(dst, fixed.block...)
	if dst, err = c.appendMailbox(dst, "To", m.ToName, m.ToEmail); err != nil {
		return nil, err
	}
	if dst, err = c.appendText(dst, "Subject", m.Subject); err != nil {
		return nil, err
	}
	if dst, err = appendIdentity(dst, m); err != nil {
		return nil, err
	}
	if dst, err = appendUnsubscribe(dst, m); err != nil {
		return nil, err
	}
	return c.appendExtra(dst, m.Extra)
}

// appendIdentity writes Date and Message-ID.
func appendIdentity(dst []byte, m *Message) ([]byte, error) {
	if m.Date.IsZero() {
		return nil, &HeaderError{"Date", ErrMissing}
	}
	if y := m.Date.Year(); y < 1900 || y > 9999 { // RFC 5322 §3.3
		return nil, &HeaderError{"Date", ErrInvalid}
	}
	dst = append(dst, "Date: "...)
	dst = m.Date.AppendFormat(dst, "Mon, 02 Jan 2006 15:04:05 -0700")
	id := bare(m.MessageID)
	if id == "" {
		return nil, &HeaderError{"Message-ID", ErrMissing}
	}
	if err := token("Message-ID", id, 250); err != nil {
		return nil, err
	}
	left, right, ok := strings.Cut(id, "@")
	if !ok || !isDotAtom(left) || !isDotAtom(right) {
		return nil, &HeaderError{"Message-ID", ErrInvalid}
	}
	dst = append(dst, "\r\nMessage-ID: <"...)
	dst = append(dst, id...)
	return append(dst, ">\r\n"...), nil
}

// appendUnsubscribe writes List-Unsubscribe (RFC 2369) and, with a URL,
// List-Unsubscribe-Post (RFC 8058 §3.1). The field folds between its URIs only:
// many readers do not take white space out of a URI.
func appendUnsubscribe(dst []byte, m *Message) ([]byte, error) {
	const name = "List-Unsubscribe"
	if m.ListUnsubscribeURL == "" && m.ListUnsubscribeMailto == "" {
		return dst, nil
	}
	dst = append(dst, name...)
	dst = append(dst, ": <"...)
	if u := m.ListUnsubscribeURL; u != "" {
		if err := checkURL(name, u); err != nil {
			return nil, err
		}
		dst = append(dst, u...)
		dst = append(dst, '>')
	}
	if mt := m.ListUnsubscribeMailto; mt != "" {
		if !strings.HasPrefix(mt, "mailto:") {
			mt = "mailto:" + mt
		}
		if err := token(name, mt, 900); err != nil {
			return nil, err
		}
		if strings.ContainsAny(mt, ",\"\\") || !strings.Contains(mt, "@") {
			return nil, &HeaderError{name, ErrInvalid}
		}
		if m.ListUnsubscribeURL != "" {
			sep := ", <"
			if len(name)+len(m.ListUnsubscribeURL)+len(mt)+8 > foldAt {
				sep = ",\r\n <"
			}
			dst = append(dst, sep...)
		}
		dst = append(dst, mt...)
		dst = append(dst, '>')
	}
	dst = append(dst, "\r\n"...)
	if m.ListUnsubscribeURL != "" {
		dst = append(dst, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...)
	}
	return dst, nil
}

// checkURL accepts https everywhere and http to loopback addresses, so that the
// whole path can be tried on one machine. A comma must be percent-encoded: it
// separates URIs in the field.
func checkURL(name, raw string) error {
	if err := token(name, raw, 900); err != nil {
		return err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || strings.ContainsAny(raw, ",\"\\") {
		return &HeaderError{name, ErrInvalid}
	}
	if u.Scheme == "https" {
		return nil
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	if u.Scheme == "http" && (host == "localhost" || (ip != nil && ip.IsLoopback())) {
		return nil
	}
	return &HeaderError{name, ErrInsecureURL}
}

// appendListFields writes List-Id, Feedback-ID and the auto-reply hints.
func appendListFields(dst []byte, m *Message) ([]byte, error) {
	if id := bare(m.ListID); id != "" {
		if err := token("List-Id", id, 255); err != nil { // RFC 2919 §2
			return nil, err
		}
		if !isDotAtom(id) {
			return nil, &HeaderError{"List-Id", ErrInvalid}
		}
		dst = append(dst, "List-Id: <"...)
		dst = append(dst, id...)
		dst = append(dst, ">\r\n"...)
	}
	if m.ListArchive != "" {
		if err := checkURL("List-Archive", m.ListArchive); err != nil {
			return nil, err
		}
		dst = append(dst, "List-Archive: <"...)
		dst = append(dst, m.ListArchive...)
		dst = append(dst, ">\r\n"...)
	}
	if m.FeedbackID != "" {
		if err := token("Feedback-ID", m.FeedbackID, 500); err != nil {
			return nil, err
		}
		dst = append(dst, "Feedback-ID: "...)
		dst = append(dst, m.FeedbackID...)
		dst = append(dst, "\r\n"...)
	}
	if m.Precedence {
		dst = append(dst, "Precedence: bulk\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n"...)
	}
	return dst, nil
}

// appendExtra writes the caller's own fields.
func (c *Composer) appendExtra(dst []byte, extra []Header) ([]byte, error) {
	var err error
	for i, h := range extra {
		if err := checkName(h.Name); err != nil {
			return nil, err
		}
		for _, before := range extra[:i] {
			if strings.EqualFold(before.Name, h.Name) {
				return nil, &HeaderError{h.Name, ErrDuplicate}
			}
		}
		if dst, err = c.appendText(dst, h.Name, h.Value); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// CheckExtra reports whether a field can be sent as an extra header, so that
// settings can be refused when they are saved and not at the first recipient.
func CheckExtra(h Header) error {
	if err := checkName(h.Name); err != nil {
		return err
	}
	return checkControl(h.Name, h.Value)
}

func checkName(name string) error {
	if name == "" || len(name) > 70 {
		return &HeaderError{"(extra)", ErrInvalid}
	}
	for i := range len(name) { // ftext, RFC 5322 §3.6.8, less what readers trip over
		if !isAtext(name[i]) {
			return &HeaderError{"(extra)", ErrInvalid}
		}
	}
	if isReserved(name) {
		return &HeaderError{name, ErrReserved}
	}
	return nil
}

// isReserved reports fields that identify, address, route or frame the message.
func isReserved(name string) bool {
	n := strings.ToLower(name)
	switch n {
	case "from", "sender", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id",
		"mime-version", "list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id",
		"precedence", "x-auto-response-suppress", "return-path", "received", "dkim-signature",
		"authentication-results", "delivered-to":
		return true
	}
	return strings.HasPrefix(n, "content-") || strings.HasPrefix(n, "resent-") || strings.HasPrefix(n, "arc-")
}
