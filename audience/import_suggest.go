package audience

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"postrider/audience/cell"
	"postrider/internal/pg"
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

// codeHeaders say that digits are no quantity.
var codeHeaders = words(`zip zipcode postcode postalcode plz postleitzahl codepostal cp cap индекс почтовыйиндекс phone phonenumber telephone tel mobile telefon handy téléphone
	teléfono telefono телефон мобильный id customerid customernumber kundennummer externalid iban vat vatid ssn sku`)

// suggest proposes a target for each column: at most one address; a full name or, without one, the parts of a name; else an attribute of the type of its values if the
// column has a header. The columns that our own error file adds are proposed for nothing.
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
			columns[i].Attribute = attributeName(columns[i].Header, i)
			columns[i].Type, columns[i].DateOrder = guessType(h, &counts[i])
		}
	}
	apart(columns)
}

// guessType is the type of a column's values.
func guessType(header string, count *valueCount) (FieldType, cell.Order) {
	t, order, _ := count.guess.Result()
	if t == cell.Number && codeHeaders[header] {
		t = cell.Text
	}
	return FieldType(t), order
}

// apart gives each suggested attribute a name of its own.
func apart(columns []Column) {
	used := map[string]bool{}
	for i := range columns {
		c := &columns[i]
		if c.Suggested != TargetAttribute {
			continue
		}
		for name, n := c.Attribute, 2; used[c.Attribute]; n++ {
			suffix := fmt.Sprintf("_%d", n)
			r := []rune(name)
			c.Attribute = string(r[:min(len(r), maxAttributeName-len(suffix))]) + suffix
		}
		used[c.Attribute] = true
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

// rememberedImports is how many of the latest imports are asked for their mappings.
const rememberedImports = 30

// pastImport is an import whose mapping a person settled.
type pastImport struct {
	Columns []Column
	Mapping Mapping
}

// suggestKnown lays over the suggestions what is known: how the same columns were mapped before, into whatever list, and the fields that exist.
func (s *Service) suggestKnown(ctx context.Context, found *sniffed) error {
	fields, err := s.ListFields(ctx)
	if err != nil {
		return err
	}
	past, err := pg.Many[pastImport](ctx, s.pool, "earlier mappings", `SELECT columns, mapping FROM imports WHERE mapping IS NOT NULL ORDER BY id DESC LIMIT $1`, rememberedImports)
	if err != nil {
		return err
	}
	if found.format.HasHeader {
		remember(found.columns, past)
	}
	suggestFields(found.columns, found.counts, fields)
	return nil
}

// remember suggests what was chosen before: all of it when a file had the same headers, else, for each column, what the latest one with its header became. Where the address is,
// the values of this file know better.
func remember(columns []Column, past []pastImport) {
	for _, p := range past {
		if sameHeaders(columns, p.Columns) {
			for i := range columns {
				p.apply(&columns[i], i)
			}
			apart(columns)
			return
		}
	}
	for i := range columns {
		h := foldHeader(columns[i].Header)
		if h == "" || columns[i].Suggested == TargetEmail {
			continue
		}
		for _, p := range past {
			if at := columnWithHeader(p.Columns, h); at >= 0 {
				p.applyUnlessEmail(&columns[i], at)
				break
			}
		}
	}
	apart(columns)
}

func sameHeaders(a, b []Column) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if foldHeader(a[i].Header) != foldHeader(b[i].Header) {
			return false
		}
	}
	return true
}

func columnWithHeader(columns []Column, folded string) int {
	for i, c := range columns {
		if foldHeader(c.Header) == folded {
			return i
		}
	}
	return -1
}

// apply suggests for c what the column at became.
func (p pastImport) apply(c *Column, at int) {
	c.Suggested, c.Attribute = "", ""
	for _, m := range p.Mapping.Columns {
		if m.Index == at && m.Target != TargetSkip {
			c.Suggested, c.Attribute, c.Remembered = m.Target, m.Attribute, true
			if m.Type != "" {
				c.Type = m.Type
			}
			if m.DateOrder != cell.Unknown {
				c.DateOrder = m.DateOrder
			}
		}
	}
	if c.Suggested != TargetAttribute {
		c.Type, c.DateOrder = "", cell.Unknown
	}
}

func (p pastImport) applyUnlessEmail(c *Column, at int) {
	for _, m := range p.Mapping.Columns {
		if m.Index == at && m.Target == TargetEmail {
			return
		}
	}
	p.apply(c, at)
}

// suggestFields gives attributes the types of the fields that exist, which a column finds by their name or label.
func suggestFields(columns []Column, counts []valueCount, fields []Field) {
	byHeader, byName := map[string]Field{}, map[string]Field{}
	for _, f := range fields {
		byName[f.Name] = f
		byHeader[foldHeader(f.Name)] = f
	}
	for _, f := range fields {
		if h := foldHeader(f.Label); h != "" {
			byHeader[h] = f
		}
	}
	for i := range columns {
		c := &columns[i]
		if c.Suggested != TargetAttribute {
			continue
		}
		f, ok := byName[c.Attribute]
		if !ok && c.Attribute == attributeName(c.Header, c.Index) { // nobody chose another name before
			f, ok = byHeader[foldHeader(c.Header)]
		}
		if !ok {
			continue
		}
		c.Attribute, c.Type = f.Name, f.Type
		if f.Type != FieldDate && f.Type != FieldDateTime {
			c.DateOrder = cell.Unknown
		} else if _, order, _ := counts[i].guess.Result(); c.DateOrder == cell.Unknown {
			c.DateOrder = order
		}
	}
	apart(columns)
}
