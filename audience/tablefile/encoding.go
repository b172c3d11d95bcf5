package tablefile

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"postrider/internal/errs"
)

// Names of the encodings that need no table.
const (
	UTF8    = "utf-8"
	UTF8BOM = "utf-8-bom" // with a byte order mark
	UTF16LE = "utf-16le"
	UTF16BE = "utf-16be"
)

// Encoding is a way to write text as bytes. Name is that of the IANA in lower case, Label is for people.
type Encoding struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// known is an encoding with its decoder, and the letters by which its texts are told (detect.go).
type known struct {
	Encoding
	decoder encoding.Encoding // nil is UTF-8
	model   *model            // nil is never guessed
}

// table is all encodings, in the order in which they are offered and, where guesses are even, preferred.
func table() []known {
	utf16 := func(e unicode.Endianness) encoding.Encoding { return unicode.UTF16(e, unicode.UseBOM) }
	return []known{
		{Encoding{UTF8, "UTF-8"}, nil, nil},
		{Encoding{UTF8BOM, "UTF-8 with byte order mark"}, nil, nil},
		{Encoding{UTF16LE, "UTF-16 little-endian"}, utf16(unicode.LittleEndian), nil},
		{Encoding{UTF16BE, "UTF-16 big-endian"}, utf16(unicode.BigEndian), nil},
		{Encoding{"windows-1252", "Windows-1252 (Western)"}, charmap.Windows1252, &western},
		{Encoding{"windows-1251", "Windows-1251 (Cyrillic)"}, charmap.Windows1251, &cyrillic},
		{Encoding{"windows-1250", "Windows-1250 (Central European)"}, charmap.Windows1250, &central},
		{Encoding{"windows-1254", "Windows-1254 (Turkish)"}, charmap.Windows1254, &turkish},
		{Encoding{"windows-1253", "Windows-1253 (Greek)"}, charmap.Windows1253, &greek},
		{Encoding{"windows-1255", "Windows-1255 (Hebrew)"}, charmap.Windows1255, &hebrew},
		{Encoding{"windows-1256", "Windows-1256 (Arabic)"}, charmap.Windows1256, &arabic},
		{Encoding{"windows-1257", "Windows-1257 (Baltic)"}, charmap.Windows1257, nil},
		{Encoding{"windows-1258", "Windows-1258 (Vietnamese)"}, charmap.Windows1258, nil},
		{Encoding{"koi8-r", "KOI8-R (Russian)"}, charmap.KOI8R, &cyrillic},
		{Encoding{"koi8-u", "KOI8-U (Ukrainian)"}, charmap.KOI8U, nil},
		{Encoding{"ibm866", "CP866 (Cyrillic, DOS)"}, charmap.CodePage866, &cyrillic},
		{Encoding{"x-mac-cyrillic", "Mac Cyrillic"}, charmap.MacintoshCyrillic, &cyrillic},
		{Encoding{"macintosh", "Mac Roman (Western)"}, charmap.Macintosh, &western},
		{Encoding{"ibm850", "CP850 (Western, DOS)"}, charmap.CodePage850, &western},
		{Encoding{"ibm437", "CP437 (American, DOS)"}, charmap.CodePage437, nil},
		{Encoding{"ibm852", "CP852 (Central European, DOS)"}, charmap.CodePage852, &central},
		{Encoding{"iso-8859-1", "ISO-8859-1 (Western)"}, charmap.ISO8859_1, nil},
		{Encoding{"iso-8859-2", "ISO-8859-2 (Central European)"}, charmap.ISO8859_2, &central},
		{Encoding{"iso-8859-3", "ISO-8859-3 (South European)"}, charmap.ISO8859_3, nil},
		{Encoding{"iso-8859-4", "ISO-8859-4 (North European)"}, charmap.ISO8859_4, nil},
		{Encoding{"iso-8859-5", "ISO-8859-5 (Cyrillic)"}, charmap.ISO8859_5, &cyrillic},
		{Encoding{"iso-8859-6", "ISO-8859-6 (Arabic)"}, charmap.ISO8859_6, nil},
		{Encoding{"iso-8859-7", "ISO-8859-7 (Greek)"}, charmap.ISO8859_7, nil},
		{Encoding{"iso-8859-8", "ISO-8859-8 (Hebrew)"}, charmap.ISO8859_8, nil},
		{Encoding{"iso-8859-9", "ISO-8859-9 (Turkish)"}, charmap.ISO8859_9, nil},
		{Encoding{"iso-8859-10", "ISO-8859-10 (Nordic)"}, charmap.ISO8859_10, nil},
		{Encoding{"iso-8859-13", "ISO-8859-13 (Baltic)"}, charmap.ISO8859_13, nil},
		{Encoding{"iso-8859-14", "ISO-8859-14 (Celtic)"}, charmap.ISO8859_14, nil},
		{Encoding{"iso-8859-15", "ISO-8859-15 (Western, with €)"}, charmap.ISO8859_15, nil},
		{Encoding{"iso-8859-16", "ISO-8859-16 (Romanian)"}, charmap.ISO8859_16, nil},
		{Encoding{"shift_jis", "Shift JIS (Japanese)"}, japanese.ShiftJIS, &kana},
		{Encoding{"euc-jp", "EUC-JP (Japanese)"}, japanese.EUCJP, &kana},
		{Encoding{"gb18030", "GB18030 (Chinese, simplified)"}, simplifiedchinese.GB18030, &han},
		{Encoding{"big5", "Big5 (Chinese, traditional)"}, traditionalchinese.Big5, &han},
		{Encoding{"euc-kr", "EUC-KR (Korean)"}, korean.EUCKR, &hangul},
	}
}

// Encodings are all that can be read, those that are met most first.
func Encodings() []Encoding {
	var out []Encoding
	for _, k := range table() {
		out = append(out, k.Encoding)
	}
	return out
}

// EncodingLabel is what an encoding is called to people; "" when the name is unknown.
func EncodingLabel(name string) string {
	for _, k := range table() {
		if k.Name == name {
			return k.Label
		}
	}
	return ""
}

// decode gives text in UTF-8. Bytes that mean nothing become U+FFFD. What is UTF-8 already comes back as the same reader.
func decode(r io.Reader, name string) (io.Reader, error) {
	if name == "" {
		return r, nil
	}
	for _, k := range table() {
		if k.Name != name {
			continue
		}
		switch m := k.decoder.(type) {
		case nil:
			return r, nil
		case *charmap.Charmap:
			return newByteDecoder(r, m), nil
		default:
			return transform.NewReader(r, m.NewDecoder()), nil
		}
	}
	return nil, errs.New(errs.Invalid, "the encoding %q is not known", name)
}

// Decode gives a text in UTF-8, see decode. The beginning of a text may end inside a character; whole says that it does not.
func Decode(text []byte, name string, whole bool) ([]byte, error) {
	r, err := decode(bytes.NewReader(text), name)
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", name, err)
	}
	if !whole {
		out = bytes.TrimSuffix(out, replacement)
	}
	return out, nil
}

// byteDecoder decodes encodings of one byte for each character, four times as fast as the general way.
type byteDecoder struct {
	r     io.Reader
	table [256]string
	buf   []byte // unread bytes are buf[pos:end]
	pos   int
	end   int
	err   error
}

func newByteDecoder(r io.Reader, m *charmap.Charmap) *byteDecoder {
	d := &byteDecoder{r: r, buf: make([]byte, 32<<10)}
	for i := range 256 {
		d.table[i] = string(m.DecodeByte(byte(i)))
	}
	return d
}

func (d *byteDecoder) Read(p []byte) (n int, err error) {
	if d.pos == d.end {
		if d.err != nil {
			return 0, d.err
		}
		d.pos = 0
		d.end, d.err = d.r.Read(d.buf)
	}
	for d.pos < d.end && n < len(p) {
		c := d.buf[d.pos]
		if c < utf8.RuneSelf {
			p[n] = c
			n++
			d.pos++
			continue
		}
		s := d.table[c]
		if n+len(s) > len(p) {
			if n == 0 {
				return 0, io.ErrShortBuffer
			}
			break
		}
		n += copy(p[n:], s)
		d.pos++
	}
	return n, nil
}
