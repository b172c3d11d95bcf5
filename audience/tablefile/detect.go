package tablefile

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// model is what text of some languages looks like: how often letters are met, and whether words are made of them alone.
type model struct {
	common string // small letters that are met, the most frequent first
	rare   string // others, and punctuation
	// whole: words are written in these letters alone, so that one next to a letter of ASCII is wrong; otherwise most letters of a word are ASCII.
	whole bool
	// bonus is for what is met more often than the others, where guesses are even.
	bonus float64
}

// The models. Names of people and places weigh as much as sentences do, since these are tables.
var (
	western  = model{common: "éñüáöíóúäèçßåøãêôàœæ", rare: "ëïîâûùìòõÿýðþ€–’‘“”«»°§·ºª¿¡®©™…", bonus: 0.5}
	central  = model{common: "áéíóöúüąęłńśźżčřšžůýěőűćďťňăâîşţđ", rare: "äôľĺŕßë„”–’€"}
	turkish  = model{common: "ışğçöü", rare: "İâîû’"}
	cyrillic = model{common: "оаеинтрсвлкмдпуяьзыбгчйжхшюцщэфёъ", rare: "їієґў№«»–—“”…", whole: true, bonus: 0.2}
	greek    = model{common: "αοιετσνηρκπλυμςίάόέδγθωήφχβύώξζψ", rare: "ϊϋΐΰ’–", whole: true}
	hebrew   = model{common: "יוהלאמרבתשנדכםעקןחפטגזצסךףץ", rare: "ְִֵֶַָֹּׁׂ״׳–", whole: true}
	arabic   = model{common: "اليمنرتبدعسحفهوةقكأجشصخطىزضثغذظإآئءؤ", rare: "پچژگ،؛؟ًٌٍَُِّْـ", whole: true}
	kana     = model{whole: true}
	hangul   = model{whole: true}
	han      = model{whole: true}
)

// commonHan are characters of names, places and everyday words, simplified and traditional.
const commonHan = "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长" +
	"王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤" +
	"北京上海广州深圳市省区县路街号名姓电话邮箱地址公司客户先生女士這來國個時說們為後過還發當會學對開經頭動兩長張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭葉蘇呂盧鐘譚陸範賈鄒龍賀顧龔萬錢嚴湯廣電話郵區縣號臺灣台北高雄美麗志明華偉芳娜敏静丽强磊军洋勇艳杰娟涛超秀霞平刚桂英文雅慧婷俊宏"

// Detect guesses the encoding of a text from its beginning; whole says that the beginning is all of it. The answer is UTF8 for a text with nothing but ASCII.
func Detect(head []byte, whole bool) string {
	switch {
	case bytes.HasPrefix(head, []byte(BOM)):
		return UTF8BOM
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return UTF16LE
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return UTF16BE
	}
	if name := detectUTF16(head); name != "" {
		return name
	}
	if validPrefix(head, whole) || mostlyUTF8(head) {
		return UTF8
	}
	return guessTable(head)
}

// detectUTF16 tells UTF-16 by its zeros: ASCII among it, such as addresses and line ends, has one in each second byte.
func detectUTF16(head []byte) string {
	head = head[:len(head)&^1]
	if len(head) < 4 {
		return ""
	}
	var even, odd int
	for i := 0; i < len(head); i += 2 {
		if head[i] == 0 && head[i+1] != 0 {
			even++
		}
		if head[i+1] == 0 && head[i] != 0 {
			odd++
		}
	}
	pairs := len(head) / 2
	switch {
	case odd > pairs/4 && even*20 < odd:
		return UTF16LE
	case even > pairs/4 && odd*20 < even:
		return UTF16BE
	}
	return ""
}

// validPrefix reports whether a text is UTF-8; the beginning of one may end inside a character.
func validPrefix(head []byte, whole bool) bool {
	if utf8.Valid(head) {
		return true
	}
	if !whole {
		for cut := 1; cut < utf8.UTFMax && cut <= len(head); cut++ {
			tail := head[len(head)-cut:]
			if utf8.RuneStart(tail[0]) {
				return !utf8.FullRune(tail) && utf8.Valid(head[:len(head)-cut])
			}
		}
	}
	return false
}

// fewBroken is how many lines must be there for a single one that is not UTF-8 to pass as an accident.
const fewBroken = 20

// mostlyUTF8 tells a file with a few broken bytes from one in another encoding: of the lines with letters beyond ASCII more are UTF-8 than are not, or it is one line of
// many. The first line, which is the header, must be UTF-8.
func mostlyUTF8(head []byte) bool {
	var good, bad, lines int
	for len(head) > 0 {
		line, rest, ended := bytes.Cut(head, []byte("\n"))
		if !ended && lines > 0 {
			break // perhaps cut inside a character
		}
		head = rest
		lines++
		switch {
		case !utf8.Valid(line):
			if bad++; lines == 1 {
				return false
			}
		case bytes.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }):
			good++
		}
	}
	return good > bad || bad == 1 && lines >= fewBroken
}

// Bounds of what a guess looks at: lines with bytes over 0x7F, and bytes of them.
const maxGuessBytes = 64 << 10

// guessTable takes the encoding in which the text looks most like language.
func guessTable(head []byte) string {
	sample := interesting(head)
	best, bestScore := "windows-1252", -1e9
	for _, k := range table() {
		if k.model == nil {
			continue
		}
		text, err := k.decoder.NewDecoder().Bytes(sample)
		if err != nil {
			continue
		}
		_, single := k.decoder.(*charmap.Charmap)
		if s := k.model.score(string(text), single); s > bestScore+1e-9 {
			best, bestScore = k.Name, s
		}
	}
	return best
}

// interesting gives the lines that have bytes beyond ASCII, up to a bound.
func interesting(head []byte) []byte {
	var out []byte
	for len(head) > 0 && len(out) < maxGuessBytes {
		line, rest, ended := bytes.Cut(head, []byte("\n"))
		if !ended && len(out) > 0 {
			break
		}
		head = rest
		if bytes.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) {
			out = append(append(out, line[:min(len(line), maxGuessBytes)]...), '\n')
		}
	}
	return out
}

// score is the mean of what the characters beyond ASCII say for the model, from about -10 to 3.
func (m *model) score(text string, single bool) float64 {
	var sum float64
	n := 0
	prev, before := '\n', '\n'
	foreign := 0 // run of letters beyond ASCII
	for _, r := range text {
		if r < utf8.RuneSelf {
			if m.whole && isASCIILetter(r) && m.has(prev) {
				sum -= 2
			}
			before, prev, foreign = prev, r, 0
			continue
		}
		n++
		sum += m.weight(r, single)
		if unicode.IsLetter(r) {
			foreign++
			sum += m.context(r, prev, before, foreign)
		} else {
			foreign = 0
		}
		before, prev = prev, r
	}
	if n == 0 {
		return -1e6
	}
	return m.bonus + sum/float64(n)
}

func isASCIILetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

func (m *model) has(r rune) bool {
	small := unicode.ToLower(r)
	return r >= utf8.RuneSelf && (strings.ContainsRune(m.common, small) || strings.ContainsRune(m.rare, small) && unicode.IsLetter(r))
}

// weight is what one character says.
func (m *model) weight(r rune, single bool) float64 {
	switch {
	case r == utf8.RuneError, r < 0xa0, unicode.Is(unicode.Co, r):
		return -10
	case m == &han || m == &kana || m == &hangul:
		return m.wide(r)
	}
	small := unicode.ToLower(r)
	if at := strings.IndexRune(m.common, small); at >= 0 {
		return 4 - 3*float64(at)/float64(len(m.common))
	}
	switch {
	case strings.ContainsRune(m.rare, r), strings.ContainsRune(m.rare, small):
		return 1
	case unicode.IsLetter(r) && single:
		return -3
	case r == 0xa0:
		return 0
	}
	return -4
}

// wide is weight for the encodings of East Asia. Many bytes make some character there, so that only the common ones speak for it.
func (m *model) wide(r rune) float64 {
	switch {
	case m == &kana && unicode.In(r, unicode.Hiragana, unicode.Katakana) && r < 0xff00:
		return 3
	case m == &hangul && unicode.Is(unicode.Hangul, r):
		return 2
	case strings.ContainsRune(commonHan, r):
		return 3
	case unicode.Is(unicode.Han, r) && m != &hangul:
		return 0
	case r >= 0x3000 && r < 0x3020, r >= 0xff01 && r < 0xff5f:
		return 1
	}
	return -4
}

// context is what the letters before say: capitals do not follow small letters and seldom capitals, nothing follows a final letter of Hebrew, and in languages with letters of ASCII several others in a row are not met.
func (m *model) context(r, prev, before rune, foreign int) float64 {
	sum := 0.0
	if unicode.IsUpper(r) && unicode.IsLower(prev) {
		sum -= 3
	}
	if unicode.IsUpper(r) && unicode.IsUpper(prev) {
		sum -= 0.5
	}
	if unicode.IsLower(r) && unicode.IsUpper(prev) && unicode.IsUpper(before) {
		sum--
	}
	if strings.ContainsRune("ךםןףץ", prev) { // letters that end words
		sum -= 4
	}
	switch {
	case m.whole && isASCIILetter(prev):
		sum -= 2
	case !m.whole && isASCIILetter(prev):
		sum++
	case !m.whole && foreign > 2:
		sum -= 3
	}
	return sum
}
