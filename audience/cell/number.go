package cell

import (
	"strconv"
	"strings"
	"unicode"
)

// maxDigits is how many digits a number can have without losing some: numbers are binary fractions of 64 bits to most programs.
const maxDigits = 15

// appendNumber reads a number with a point or a comma before its fraction and, or not, something between its thousands: 1234.5, 1,234.5, 1.234,5, 1 234,5, 1'234.5. A single comma with
// exactly three digits behind it parts thousands, a single point begins a fraction.
func appendNumber(dst []byte, cell string) ([]byte, string) {
	digits, problem := "", ""
	s, negative := cutSign(cell)
	if isPlain(s) {
		digits = s
	} else if digits, problem = plainNumber(s); problem != "" {
		return dst, problem
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	mantissa, exponent, science := strings.Cut(strings.ToLower(fraction), "e")
	if science {
		return appendScience(dst, whole, mantissa, exponent, negative)
	}
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if len(whole)+len(fraction) > maxDigits {
		return dst, "the number has more than 15 digits, of which some would be lost: make the field a text"
	}
	if whole == "" && fraction == "" {
		return append(dst, '0'), ""
	}
	if negative {
		dst = append(dst, '-')
	}
	if whole == "" {
		whole = "0"
	}
	dst = append(dst, whole...)
	if fraction != "" {
		dst = append(append(dst, '.'), fraction...)
	}
	return dst, ""
}

// isPlain reports whether s is digits with at most one point inside.
func isPlain(s string) bool {
	points := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			points++
		case c < '0' || c > '9':
			return false
		}
	}
	return points <= 1 && len(s) > points && s[len(s)-1] != '.'
}

// cutSign takes the sign off; the minus of typographers is one.
func cutSign(s string) (rest string, negative bool) {
	for _, minus := range []string{"-", "\u2212", "\u2013"} {
		if r, ok := strings.CutPrefix(s, minus); ok {
			return strings.TrimLeftFunc(r, unicode.IsSpace), true
		}
	}
	return strings.TrimPrefix(s, "+"), false
}

func cutExponent(s string) (mantissa, exponent string, ok bool) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func appendScience(dst []byte, whole, fraction, exponent string, negative bool) ([]byte, string) {
	v, err := strconv.ParseFloat(whole+"."+fraction+"e"+exponent, 64)
	if err != nil || whole == "" || v > 1e300 {
		return dst, noNumber
	}
	if len(strings.Trim(whole+fraction, "0")) > maxDigits {
		return dst, "the number has more than 15 digits, of which some would be lost: make the field a text"
	}
	if negative {
		v = -v
	}
	if v == 0 {
		return append(dst, '0'), ""
	}
	if v < 1e21 && v > -1e21 && (v > 1e-9 || v < -1e-9) {
		return strconv.AppendFloat(dst, v, 'f', -1, 64), ""
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64), ""
}

const noNumber = "this is not a number"

// plainNumber makes 1234.5 of a number without its sign, or says why it is none.
func plainNumber(s string) (string, string) {
	if problem := strangers(s); problem != "" {
		return "", problem
	}
	mantissa, exponent, science := cutExponent(s)
	group, point := separators(mantissa)
	whole, fraction := mantissa, ""
	if point != 0 {
		i := strings.LastIndex(mantissa, string(point))
		whole, fraction = mantissa[:i], mantissa[i+len(string(point)):]
	}
	if group != 0 {
		parts := strings.Split(whole, string(group))
		for i, p := range parts {
			if i > 0 && len(p) != 3 || i == 0 && (len(p) == 0 || len(p) > 3) {
				return "", "the digits are not in groups of three: write the number as 1234.56"
			}
		}
		whole = strings.Join(parts, "")
	}
	if !isPlain(whole+".0") || fraction != "" && !isPlain(fraction) || strings.Contains(fraction, ".") || whole == "" && fraction == "" {
		return "", noNumber
	}
	out := whole
	if fraction != "" {
		out += "." + fraction
	}
	if science {
		if e := strings.TrimLeft(exponent, "+-"); e == "" || len(e) > 4 || !isPlain(e) || strings.Contains(e, ".") {
			return "", noNumber
		}
		if fraction == "" {
			out += "."
		}
		out += "e" + exponent
	}
	return out, ""
}

// strangers names what is in a number beside digits and what parts them.
func strangers(s string) string {
	for _, r := range s {
		switch {
		case r == '%' || r == '‰':
			return "there is a percent sign: write the number alone, or make the field a text"
		case unicode.Is(unicode.Sc, r):
			return "there is a currency sign: write the number alone, or make the field a text"
		case r == '(' || r == ')':
			return "write a negative number with a minus, not in brackets"
		case unicode.IsLetter(r) && r != 'e' && r != 'E':
			return noNumber
		}
	}
	return ""
}

// separators finds what parts the thousands of a number, and what begins its fraction; 0 is nothing.
func separators(s string) (group, point rune) {
	var seen []rune
	count := map[rune]int{}
	for _, r := range s {
		switch r {
		case '.', ',', ' ', '\u00a0', '\u2009', '\u202f', '\'', '\u2019', '_':
			if count[r]++; count[r] == 1 {
				seen = append(seen, r)
			}
		}
	}
	switch {
	case len(seen) == 0 || len(seen) > 2:
		return 0, 0
	case len(seen) == 2:
		if last := seen[1]; count[last] == 1 && (last == '.' || last == ',') {
			return seen[0], last
		}
		return 0, 0
	}
	only := seen[0]
	at := strings.IndexRune(s, only)
	switch {
	case count[only] > 1:
		return only, 0
	case only == '.':
		return 0, only
	case only == ',' && !(len(s)-at == 4 && at > 0 && at < 4 && s[0] != '0'):
		return 0, only
	}
	return only, 0
}
