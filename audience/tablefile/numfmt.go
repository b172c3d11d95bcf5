package tablefile

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// style is what the number format of a cell says about a number.
type style struct {
	kind  styleKind
	width int // of styleZeros
}

type styleKind byte

const (
	styleNumber styleKind = iota
	styleDate
	styleDateTime
	styleTime
	styleZeros // filled up with zeros: postal codes
)

// builtinStyle are the formats that are not written into workbooks (ECMA-376 part 1 §18.8.30, with those of East Asia).
func builtinStyle(id int) style {
	switch {
	case id >= 14 && id <= 17, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return style{kind: styleDate}
	case id == 22:
		return style{kind: styleDateTime}
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id >= 45 && id <= 47, id == 55, id == 56:
		return style{kind: styleTime}
	}
	return style{}
}

// styleOf reads a number format such as "dd/mm/yyyy;@". Only its first section counts, which is that of positive numbers.
func styleOf(code string) style {
	var day, clock bool
	plain := true
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			code = code[:i]
			continue
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return style{}
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return style{}
			}
			if inner := strings.ToLower(code[i+1 : i+end]); inner != "" && strings.Trim(inner, "hms") == "" {
				clock = true
			}
			i += end
		case 'y', 'Y', 'd', 'D', 'e':
			day = true
		case 'h', 'H', 's', 'S':
			clock = true
		case 'G', 'g': // General, and the era of Japanese dates
			if len(code) >= i+7 && strings.EqualFold(code[i:i+7], "general") {
				return style{}
			}
		case 'm', 'M': // months or minutes; alone, as in "mmm", months
			if !clock {
				day = day || !strings.ContainsAny(code, "hHsS")
			}
		case 'E':
			return style{}
		}
		if i < len(code) && code[i] != '0' {
			plain = false
		}
	}
	switch {
	case day && clock:
		return style{kind: styleDateTime}
	case day:
		return style{kind: styleDate}
	case clock:
		return style{kind: styleTime}
	case plain && len(code) > 1 && len(code) < 20:
		return style{kind: styleZeros, width: len(code)}
	}
	return style{}
}

// appendNumber writes a number as it is meant: without the noise of binary fractions, dates in ISO 8601. What is no number stays as it is.
func appendNumber(dst, raw []byte, st style, base1904 bool) []byte {
	raw = bytes.TrimSpace(raw)
	if st.kind == styleNumber && isShortInteger(raw) {
		return append(dst, raw...)
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return append(dst, raw...)
	}
	switch st.kind {
	case styleDate, styleDateTime, styleTime:
		if out, ok := appendTime(dst, v, st.kind, base1904); ok {
			return out
		}
	case styleZeros:
		if v >= 0 && v < 1e15 && v == math.Trunc(v) {
			digits := strconv.FormatInt(int64(v), 10)
			dst = append(dst, strings.Repeat("0", max(0, st.width-len(digits)))...)
			return append(dst, digits...)
		}
	}
	// Excel keeps 15 digits and stores 17.
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 14, 64), 64)
	if err != nil {
		rounded = v
	}
	if rounded == 0 {
		return append(dst, '0')
	}
	if abs := math.Abs(rounded); abs < 1e-9 || abs >= 1e21 {
		return strconv.AppendFloat(dst, rounded, 'g', -1, 64)
	}
	return strconv.AppendFloat(dst, rounded, 'f', -1, 64)
}

// isShortInteger finds what needs no conversion.
func isShortInteger(raw []byte) bool {
	digits := bytes.TrimPrefix(raw, []byte("-"))
	if len(digits) == 0 || len(digits) > 15 || digits[0] == '0' && len(raw) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// appendTime writes the serial number of a day as a date or time. Day 1 is 1900-01-01, and because Excel believes in 1900-02-29, days before that are one less than they seem;
// in the system of 1904 day 0 is 1904-01-01.
func appendTime(dst []byte, v float64, kind styleKind, base1904 bool) ([]byte, bool) {
	if v < 0 || v >= 2958466 {
		return dst, false
	}
	ms := int64(math.Round(v * 86400e3))
	if ms%1000 >= 999 || ms%1000 == 1 { // noise of the fraction
		ms = (ms + 500) / 1000 * 1000
	}
	days, inDay := ms/86400e3, ms%86400e3
	if kind == styleTime {
		hours := ms / 3600e3
		dst = appendPadded(dst, hours)
		return appendMinutes(dst, inDay), true
	}
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case base1904:
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days == 60 || days == 0: // a day that never was; a time without a day
		return dst, false
	case days < 60:
		epoch = epoch.AddDate(0, 0, 1)
	}
	t := epoch.Add(time.Duration(days) * 24 * time.Hour)
	if base1904 || days > 100_000 { // a Duration ends after 292 years
		t = epoch.AddDate(0, 0, int(days))
	}
	dst = t.AppendFormat(dst, "2006-01-02")
	if kind == styleDateTime || inDay != 0 {
		dst = append(dst, 'T')
		dst = appendPadded(dst, inDay/3600e3)
		dst = appendMinutes(dst, inDay)
	}
	return dst, true
}

func appendPadded(dst []byte, n int64) []byte {
	if n < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, n, 10)
}

// appendMinutes writes ":04:05", with a fraction when there is one.
func appendMinutes(dst []byte, ms int64) []byte {
	dst = appendPadded(append(dst, ':'), ms/60e3%60)
	dst = appendPadded(append(dst, ':'), ms/1000%60)
	if f := ms % 1000; f != 0 {
		dst = append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	}
	return dst
}

// unescapeExcel resolves "_x000D_", which stands for characters that XML cannot hold (ECMA-376 part 1 §22.9.2.19), in place.
func unescapeExcel(b []byte) []byte {
	from := bytes.Index(b, []byte("_x"))
	if from < 0 {
		return b
	}
	out := b[:from]
	for rest := b[from:]; len(rest) > 0; {
		if len(rest) >= 7 && rest[0] == '_' && rest[1] == 'x' && rest[6] == '_' {
			if n, err := strconv.ParseUint(string(rest[2:6]), 16, 16); err == nil {
				out, rest = utf8.AppendRune(out, rune(n)), rest[7:]
				continue
			}
		}
		out, rest = append(out, rest[0]), rest[1:]
	}
	return out
}
