package feed

import (
	"bytes"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"postrider/internal/errs"
)

var declared = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)

// decode makes UTF-8 of a document: by its byte order mark, else by what the server and the document say (RFC 7303 §3), as far as that can be true, else UTF-8, else
// windows-1252. What cannot stand in XML is taken out.
func decode(body []byte, contentType string) ([]byte, error) {
	text, err := encodingOf(body, contentType).NewDecoder().Bytes(body)
	if err != nil {
		return nil, errs.Because(errs.Invalid, err, "the letters of the feed cannot be read: it is in another encoding than it says")
	}
	if len(text) > 2*MaxBody {
		return nil, errs.New(errs.TooLarge, "the feed is larger than %d MB", MaxBody>>20)
	}
	text = bytes.TrimPrefix(bytes.ToValidUTF8(text, []byte("\uFFFD")), []byte("\uFEFF"))
	return bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, text), nil
}

func encodingOf(body []byte, contentType string) encoding.Encoding {
	switch {
	case bytes.HasPrefix(body, []byte{0xEF, 0xBB, 0xBF}):
		return unicode.UTF8
	case bytes.HasPrefix(body, []byte{0xFF, 0xFE}), bytes.HasPrefix(body, []byte{'<', 0, '?', 0}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(body, []byte{0xFE, 0xFF}), bytes.HasPrefix(body, []byte{0, '<', 0, '?'}):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	var names []string
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		names = append(names, params["charset"])
	}
	if m := declared.FindSubmatch(body[:min(len(body), 400)]); m != nil {
		names = append(names, string(m[1]))
	}
	for _, name := range names {
		if e, err := htmlindex.Get(strings.TrimSpace(name)); err == nil && name != "" && believable(e, body) {
			return e
		}
	}
	if utf8.Valid(body) {
		return unicode.UTF8
	}
	return charmap.Windows1252
}

// believable tells an encoding that a document cannot be in. A document with other than ASCII letters that is valid UTF-8 is nothing else, whatever a server says by default.
func believable(e encoding.Encoding, body []byte) bool {
	name, err := htmlindex.Name(e)
	switch {
	case err != nil || name == "replacement" || strings.HasPrefix(name, "utf-16"):
		return false // a document in UTF-16 was told by its first bytes
	case name == "utf-8":
		return utf8.Valid(body)
	case strings.HasPrefix(name, "windows-") || strings.HasPrefix(name, "iso-8859"):
		return !utf8.Valid(body) || ascii(body)
	}
	return true
}

func ascii(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r > '~' })
}
