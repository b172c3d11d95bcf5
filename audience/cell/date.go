package cell

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// day is a date as it was read.
type day struct{ year, month, day int }

const noDate = "this is not a date: write it as 2026-01-31"

func appendDate(dst []byte, order Order, cell string) ([]byte, string) {
	d, _, problem := parseDate(order, cell)
	if problem != "" {
		return dst, problem
	}
	return d.append(dst), ""
}

func (d day) append(dst []byte) []byte {
	return time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).AppendFormat(dst, `"2006-01-02"`)
}

// appendDateTime reads a date with a time. Without a zone the time is that of UTC, and without a time it is midnight.
func appendDateTime(dst []byte, order Order, cell string) ([]byte, string) {
	if t, ok := unixTime(cell); ok {
		return t.AppendFormat(dst, `"`+time.RFC3339Nano+`"`), ""
	}
	d, rest, problem := parseDate(order, cell)
	if problem != "" {
		return dst, problem
	}
	clock, offset, problem := parseClock(rest)
	if problem != "" {
		return dst, problem
	}
	t := time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Add(clock - offset)
	return t.AppendFormat(dst, `"`+time.RFC3339Nano+`"`), ""
}

// unixTime reads seconds or milliseconds since 1970, of the years 2001 to 2100.
func unixTime(s string) (time.Time, bool) {
	if len(s) != 10 && len(s) != 13 {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if len(s) == 10 {
		n *= 1000
	}
	if err != nil || n < 1e12 || n > 4_102_444_800_000 {
		return time.Time{}, false
	}
	return time.UnixMilli(n).UTC(), true
}

// parseDate reads the date at the beginning of s. rest is what follows: nothing, or a time.
func parseDate(order Order, s string) (d day, rest string, problem string) {
	if s = strings.TrimSpace(s); len(s) > 100 {
		return d, "", noDate
	}
	if d, ok := isoDate(s); ok {
		return d, s[10:], d.check()
	}
	if d, ok, problem := serialDate(s); ok || problem != "" {
		return d, "", problem
	}
	parts, seps, rest := dateParts(s)
	if len(parts) != 3 {
		return d, "", noDate
	}
	if d, problem = assemble(order, parts, seps); problem != "" {
		return d, "", problem
	}
	return d, rest, d.check()
}

// isoDate is a short way for 2006-01-02, alone or before a time, which programs write.
func isoDate(s string) (day, bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' || len(s) > 10 && s[10] != 'T' && s[10] != ' ' {
		return day{}, false
	}
	var n [3]int
	for i, at := range [...][2]int{{0, 4}, {5, 7}, {8, 10}} {
		for _, c := range []byte(s[at[0]:at[1]]) {
			if c < '0' || c > '9' {
				return day{}, false
			}
			n[i] = 10*n[i] + int(c-'0')
		}
	}
	return day{n[0], n[1], n[2]}, true
}

// serialDate reads dates in digits alone: 20260131, and the number of a day with which spreadsheets write 1927 to 2100.
func serialDate(s string) (d day, ok bool, problem string) {
	whole, fraction, _ := strings.Cut(s, ".")
	if !isPlain(whole) || strings.Trim(fraction, "0123456789") != "" || len(s) > 30 {
		return d, false, ""
	}
	n, _ := strconv.Atoi(whole) // eight digits at most
	switch {
	case len(whole) == 8 && fraction == "" && s == whole:
		d = day{n / 10000, n / 100 % 100, n % 100}
		return d, true, d.check()
	case len(whole) == 5 && n > 9861 && n < 73051:
		t := time.Date(1899, 12, 30+n, 0, 0, 0, 0, time.UTC)
		return day{t.Year(), int(t.Month()), t.Day()}, true, ""
	}
	return d, false, ""
}

// part is a piece of a date: a number with so many digits, or a month by name.
type part struct{ n, digits, month int }

// dateParts takes the first three numbers or names of months, with the separators behind the first and second. Names of weekdays in front, "of", "de", ordinal dots and the like are
// passed over.
func dateParts(s string) (parts []part, seps []rune, rest string) {
	for len(s) > 0 && len(parts) < 3 {
		word, sep, behind := cutWord(s)
		if len(behind) == len(s) { // something else than digits, letters and separators
			return nil, nil, ""
		}
		s = behind
		p, ok := partOf(word)
		switch {
		case ok:
			parts, seps = append(parts, p), append(seps, sep)
		case word == "" || filler(word, len(parts)):
			if len(seps) > 0 && sep != ' ' {
				seps[len(seps)-1] = sep
			}
		default:
			return nil, nil, ""
		}
	}
	return parts, seps, s
}

// cutWord cuts the run of digits or of letters that begins s, and the separators behind it. sep is the first that is no space, else a space; "T" between digits is one.
func cutWord(s string) (word string, sep rune, rest string) {
	digits := s != "" && '0' <= s[0] && s[0] <= '9'
	end := strings.IndexFunc(s, func(r rune) bool {
		if digits {
			return r < '0' || r > '9'
		}
		return !unicode.IsLetter(r) && !unicode.IsMark(r)
	})
	if end < 0 {
		return s, ' ', ""
	}
	word, s, sep = s[:end], s[end:], ' '
	for i, r := range s {
		switch {
		case unicode.IsSpace(r):
		case sep == ' ' && (r == '.' || r == '/' || r == '-' || r == ',' || r == '\u2013' || r == '年' || r == '月' || r == '日'):
			sep = r
		default:
			return word, sep, s[i:]
		}
	}
	return word, sep, ""
}

func partOf(word string) (part, bool) {
	if word == "" {
		return part{}, false
	}
	if '0' <= word[0] && word[0] <= '9' {
		n, err := strconv.Atoi(word)
		return part{n: n, digits: len(word)}, err == nil && len(word) <= 4
	}
	m := monthNamed(fold(word))
	return part{month: m}, m > 0
}

// filler finds words in dates that say nothing.
func filler(word string, at int) bool {
	switch w := fold(word); w {
	case "of", "de", "del", "di", "den", "le", "el", "il", "do", "st", "nd", "rd", "th", "er", "º", "ª":
		return true
	default:
		return at == 0 && weekday(w)
	}
}

func weekday(w string) bool {
	for _, name := range strings.Fields(`mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag
		mo di mi do fr sa so lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo пн вт ср чт пт сб вс`) {
		if w == name {
			return true
		}
	}
	return false
}

// months are the beginnings of the names of months in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Russian and Ukrainian. A longer beginning is looked
// for first.
var months = [...]string{
	1:  "jan jän ene gen janv sty led янв січ",
	2:  "feb fév fev febr lut úno фев лют",
	3:  "mar mär mrz maa mrt marz mars bře мар бер",
	4:  "apr avr abr kwi dub апр кві",
	5:  "may mai maj mei mag kvě maggio mayo май мая тра",
	6:  "jun juin giu cze čer июн чер",
	7:  "jul juil lug lip čvc červenc июл лип",
	8:  "aug août aou ago sie srp авг сер",
	9:  "sep sept set wrz zář сен вер",
	10: "oct okt ott out paź říj окт жов",
	11: "nov lis ноя лис",
	12: "dec dez déc dic gru pro дек гру",
}

// monthNamed gives the month whose name begins so, 0 when there is none.
func monthNamed(word string) int {
	best, length := 0, 0
	for m := 1; m <= 12; m++ {
		for _, start := range strings.Fields(months[m]) {
			if strings.HasPrefix(word, start) && len(start) > length && len(word) < 24 {
				best, length = m, len(start)
			}
		}
	}
	return best
}

// assemble decides which part is the day, the month and the year.
func assemble(order Order, p []part, seps []rune) (d day, problem string) {
	names := 0
	for _, x := range p {
		if x.month > 0 {
			names++
		}
	}
	switch {
	case names > 1:
		return d, noDate
	case p[0].month > 0:
		return day{year(p[2]), p[0].month, p[1].n}, ""
	case p[1].month > 0 && p[0].digits > 2:
		return day{year(p[0]), p[1].month, p[2].n}, ""
	case p[1].month > 0:
		return day{year(p[2]), p[1].month, p[0].n}, ""
	case names == 1:
		return d, noDate
	case p[0].digits == 4 || p[0].digits == 3:
		return day{year(p[0]), p[1].n, p[2].n}, ""
	}
	switch {
	case order == YMD && p[2].digits <= 2:
		return day{year(p[0]), p[1].n, p[2].n}, ""
	case order == MDY:
		return dayMonth(p[1], p[0], p[2], "month, day, year")
	case order == DMY || seps[0] == '.':
		return dayMonth(p[0], p[1], p[2], "day, month, year")
	case p[0].n > 12 && p[1].n <= 12, p[0].n <= 12 && p[0].n == p[1].n:
		return dayMonth(p[0], p[1], p[2], "")
	case p[1].n > 12 && p[0].n <= 12:
		return dayMonth(p[1], p[0], p[2], "")
	case p[0].n > 12:
		return d, "this is not a date: neither of its first two numbers is a month"
	}
	return d, "this can be read in two ways, with the day or the month first: choose the order for the column"
}

func dayMonth(d, m, y part, order string) (day, string) {
	if m.n < 1 || m.n > 12 {
		return day{}, "there is no month " + strconv.Itoa(m.n) + ", read as " + order + ": choose another order for the column, or mend the date"
	}
	return day{year(y), m.n, d.n}, ""
}

// year fills up years of two digits as spreadsheets do: 00 to 29 are of this century.
func year(p part) int {
	switch {
	case p.digits > 2 || p.month > 0:
		return p.n
	case p.n < 30:
		return 2000 + p.n
	}
	return 1900 + p.n
}

// check finds days that do not exist.
func (d day) check() string {
	t := time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC)
	switch {
	case d.year == 0 && d.month == 0 && d.day == 0:
		return "0000-00-00 is no date: leave the cell empty"
	case d.year < 1000 || d.year > 9999:
		return "the year " + strconv.Itoa(d.year) + " is not possible: " + noDate
	case d.month < 1 || d.month > 12 || t.Day() != d.day || int(t.Month()) != d.month:
		return "there is no such day in the calendar"
	}
	return ""
}

const noTime = "the time cannot be read: write it as 2026-01-31 15:04, with a zone such as Z or +02:00 where it is not UTC"

// parseClock reads what follows a date: a time, with a zone or without.
func parseClock(s string) (clock, offset time.Duration, problem string) {
	s = strings.TrimSpace(strings.Trim(strings.TrimSpace(s), ",."))
	for _, w := range []string{"T", "t", "г.", "г", "um ", "at ", "à ", "в "} {
		if r, ok := strings.CutPrefix(s, w); ok {
			s = strings.TrimLeft(r, " .,")
			break
		}
	}
	if s == "" {
		return 0, 0, ""
	}
	digits := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != ':' && r != '.' && r != ',' })
	if digits < 0 {
		digits = len(s)
	}
	clock, ok := clockOf(strings.TrimRight(s[:digits], ".,"))
	if !ok {
		return 0, 0, noTime
	}
	rest := strings.ToLower(strings.TrimSpace(s[digits:]))
	for _, half := range []string{"am", "pm", "a.m.", "p.m."} {
		r, found := strings.CutPrefix(rest, half)
		if !found {
			continue
		}
		if clock < time.Hour || clock >= 13*time.Hour {
			return 0, 0, noTime
		}
		if clock >= 12*time.Hour {
			clock -= 12 * time.Hour
		}
		if half[0] == 'p' {
			clock += 12 * time.Hour
		}
		rest = strings.TrimSpace(r)
	}
	for _, word := range []string{"uhr", "h"} {
		rest = strings.TrimSpace(strings.TrimPrefix(rest, word))
	}
	offset, ok = zone(rest)
	if !ok {
		return 0, 0, noTime
	}
	return clock, offset, ""
}

// clockOf reads 15:04, 15:04:05 and 15:04:05.999.
func clockOf(s string) (time.Duration, bool) {
	fields := strings.Split(s, ":")
	if len(fields) < 2 || len(fields) > 3 {
		return 0, false
	}
	seconds, fraction := "0", ""
	if len(fields) == 3 {
		seconds, fraction, _ = strings.Cut(strings.ReplaceAll(fields[2], ",", "."), ".")
	}
	var n [3]int
	for i, f := range []string{fields[0], fields[1], seconds} {
		v, err := strconv.Atoi(f)
		if err != nil || len(f) > 2 || v > [...]int{23, 59, 59}[i] {
			return 0, false
		}
		n[i] = v
	}
	d := time.Duration(n[0])*time.Hour + time.Duration(n[1])*time.Minute + time.Duration(n[2])*time.Second
	if fraction != "" {
		if strings.Trim(fraction, "0123456789") != "" {
			return 0, false
		}
		micros, _ := strconv.Atoi((fraction + "000000")[:6]) // six digits
		d += time.Duration(micros) * time.Microsecond
	}
	return d, true
}

// zone reads an offset from UTC.
func zone(s string) (time.Duration, bool) {
	s, _, _ = strings.Cut(s, "[") // of Java, behind the offset
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "utc"); ok {
		s = rest
	} else if rest, ok := strings.CutPrefix(s, "gmt"); ok {
		s = rest
	}
	if s == "" || s == "z" {
		return 0, true
	}
	sign := time.Duration(1)
	switch {
	case strings.HasPrefix(s, "-"):
		sign = -1
	case !strings.HasPrefix(s, "+"):
		return 0, false
	}
	s = strings.ReplaceAll(s[1:], ":", "")
	n, err := strconv.Atoi(s)
	if err != nil || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	hours, minutes := n, 0
	switch len(s) {
	case 4:
		hours, minutes = n/100, n%100
	case 1, 2:
	default:
		return 0, false
	}
	if hours > 15 || minutes > 59 {
		return 0, false
	}
	return sign * (time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute), true
}
