package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
)

var (
	demoFirst = []string{"Anna", "Björn", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hiroshi", "Ines", "Jürgen", "Katya", "Lucía", "Mehmet", "Nadia", "Oluwaseun",
		"Pétra", "Quentin", "Rosa", "Søren", "Tamara", "Ugo", "Vera", "Wanda", "Xavier", "Yusuf", "Zoë"}
	demoLast = []string{"Andersson", "Baker", "Çelik", "Dubois", "Eriksen", "Fischer", "García", "Hopper", "Ivanova", "Jansen", "Kowalski", "Lovelace", "Müller",
		"Novák", "Okafor", "Petrov", "Quirke", "Rossi", "Schmidt", "Tanaka"}
	demoCities = []string{"Berlin", "Lisbon", "Kraków", "Lagos", "Kyoto", "Tromsø", "São Paulo", "Izmir"}
)

// demoFile is the sample list: people rows in all, some of them broken on purpose, in the way in which real files are. The same people come out at every
// call.
func demoFile(people int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	var buf bytes.Buffer
	buf.WriteString("\ufeff") // as spreadsheets write it
	w := csv.NewWriter(&buf)
	w.Comma = ';'
	_ = w.Write([]string{"E-mail", "Full name", "City", "Note"}) // a bytes.Buffer takes everything
	for i := 1; i <= people; i++ {
		first, last := demoFirst[rnd.IntN(len(demoFirst))], demoLast[rnd.IntN(len(demoLast))]
		row := []string{demoAddress(i), first + " " + last, demoCities[rnd.IntN(len(demoCities))], ""}
		if i%90 == 0 {
			row[3] = "prefers\ntwo lines; and a semicolon"
		}
		_ = w.Write(row)
	}
	w.Flush()
	return buf.Bytes()
}

// demoAddress gives the address of row i. The built-in inbox refuses those that begin with bounce for good and those that begin with defer for the time being.
func demoAddress(i int) string {
	switch {
	case i%97 == 13:
		return fmt.Sprintf("reader%04d.example.org", i) // no @
	case i%97 == 31:
		return ""
	case i%97 == 53:
		return fmt.Sprintf("reader %04d@example.org", i)
	case i%50 == 7:
		return fmt.Sprintf("bounce%04d@example.net", i)
	case i%80 == 11:
		return fmt.Sprintf("defer%04d@example.net", i)
	case i%60 == 17:
		return fmt.Sprintf("Reader%04d@bücher.example", i)
	}
	return fmt.Sprintf("reader%04d@example.org", i)
}

const demoSubject = `{{ subscriber.first_name | default: "Hello" }}, the autumn letter is here`

const demoHTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<style>
  body { margin: 0; background: #f2f4f8; font-family: -apple-system, "Segoe UI", Roboto, Arial, sans-serif; color: #1d2433; }
  .card { max-width: 600px; margin: 0 auto; background: #ffffff; border-radius: 12px; overflow: hidden; }
  .band { background: #33569a; color: #ffffff; padding: 32px; }
  .body { padding: 32px; font-size: 16px; line-height: 1.6; }
  .button { display: inline-block; background: #33569a; color: #ffffff; text-decoration: none; padding: 12px 24px; border-radius: 8px; }
  @media (prefers-color-scheme: dark) { body { background: #14171d; color: #e7eaf0; } .card { background: #1d222b; } }
</style>
</head>
<body>
<div style="padding: 24px 12px;">
  <div class="card">
    <div class="band"><h1 style="margin: 0; font-size: 26px;">The autumn letter</h1></div>
    <div class="body">
      <p>Dear {{ subscriber.first_name | default: "reader" }},</p>
      <p>the garden behind the library opens its gates once more before the winter{% if subscriber.city %}, and there is a place for you even if
      {{ subscriber.city }} is far{% endif %}. We have planted four hundred bulbs, mended the bench and found out who eats the apples.</p>
      <p><a class="button" href="https://example.org/autumn?from=letter">Read the story</a></p>
      <p>On Saturday we make soup. <a href="https://example.org/soup">Tell us whether you come</a>, or have a look at
      <a href="https://example.org/pictures">the pictures</a>.</p>
      <p>Yours,<br>the people of the garden</p>
    </div>
  </div>
</div>
</body>
</html>
`
