package audience

import (
	"strings"
	"unicode"
)

// Headers that say what a column holds, folded by foldHeader. Full names are preferred to parts of names.
var (
	emailHeaders = words(`email emails mail emailaddress mailaddress emailadresse mailadresse eadresse adresseemail adressemail courriel adressecourriel
		correo correoelectronico email1 emailid useremail contactemail primaryemail subscriberemail emailaddress1 direccióndecorreo correoe postaelettronica
		indirizzoemail email_adres emailadres mejl epost epostadress sähköposti sahkoposti eposta почта элпочта электроннаяпочта адрес_почты
		адресэлектроннойпочты имейл емейл емайл мейл пошта електроннапошта електроннаадреса adresemail адресemail epostaadresi 邮箱 电子邮件 电子邮箱
		メール メールアドレス 이메일`)
	nameHeaders = words(`name fullname names yourname displayname contactname subscribername nom nomcomplet nombre nombrecompleto nomecompleto nome
		vollständigername naam navn namn nimi imię imienazwisko имяифамилия имяфамилия фио полноеимя ім'я піб імя adsoyad 姓名 名前 氏名 이름`)
	namePartHeaders = words(`firstname fname givenname forename vorname prénom prenom primernombre имя voornaam fornavn förnamn ad lastname lname surname
		familyname nachname familienname nomdefamille apellido apellidos cognome фамилия прізвище achternaam etternavn efternamn soyad nazwisko`)
)

func words(s string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		set[foldHeader(w)] = true
	}
	return set
}

// foldHeader keeps the letters and digits of a header in lower case, so that "E-Mail Address" is "emailaddress".
func foldHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// suggest proposes a target for each column: at most one address; a full name or, without one, the parts of a name; else an attribute if the column has a
// header. The columns that our own error file adds are proposed for nothing.
func suggest(columns []Column, counts []valueCount) {
	email := suggestEmail(columns, counts)
	full := false
	for i, c := range columns {
		full = full || i != email && nameHeaders[foldHeader(c.Header)]
	}
	for i := range columns {
		h := foldHeader(columns[i].Header)
		switch {
		case i == email:
			columns[i].Suggested = TargetEmail
		case nameHeaders[h], !full && namePartHeaders[h]:
			columns[i].Suggested = TargetName
		case h != "" && columns[i].Header != errorRowHeader && columns[i].Header != errorReasonHeader:
			columns[i].Suggested = TargetAttribute
		}
	}
}

// suggestEmail finds the column of addresses by header and values together; -1 if there is none.
func suggestEmail(columns []Column, counts []valueCount) int {
	best, bestScore := -1, 0.5
	for i, c := range columns {
		score := 0.0
		if emailHeaders[foldHeader(c.Header)] {
			score++
		}
		if counts[i].values > 0 {
			score += 2 * float64(counts[i].addresses) / float64(counts[i].values)
		}
		if score > bestScore {
			best, bestScore = i, score
		}
	}
	return best
}
