package confirm

import (
	"bytes"
	"strings"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/templates"
)

// sampleEmail is whom test messages and previews are about.
const sampleEmail = "jane.doe@example.com"

// words are the usual mail in one language. Body and Ignore are Liquid.
type words struct{ subject, hello, body, button, link, days, ignore string }

// usual are the mails that go out where nobody wrote another. They name the lists and nothing that somebody filled in.
var usual = map[string]words{
	"en": {
		subject: "Please confirm: {{ list_names }}", hello: "Hello,",
		body:   "somebody, probably you, entered this address to get mail from us: {{ list_names }}. Please confirm that you want it.",
		button: "Yes, I want it", link: "If the button does not work, open this address:", days: "The link works for {{ days }} days.",
		ignore: "If that was not you, ignore this message: nothing more will come. The link also leads to where you can tell us.",
	},
	"de": {
		subject: "Bitte bestätigen: {{ list_names }}", hello: "Guten Tag,",
		body:   "jemand, wahrscheinlich Sie, hat diese Adresse eingetragen, um Post von uns zu bekommen: {{ list_names }}. Bitte bestätigen Sie, dass Sie das möchten.",
		button: "Ja, das möchte ich", link: "Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:", days: "Der Link gilt {{ days }} Tage.",
		ignore: "Wenn Sie das nicht waren, beachten Sie diese Nachricht nicht: Es kommt nichts weiter. Über den Link können Sie es uns auch sagen.",
	},
	"fr": {
		subject: "Veuillez confirmer : {{ list_names }}", hello: "Bonjour,",
		body:   "quelqu’un, sans doute vous, a saisi cette adresse pour recevoir nos messages : {{ list_names }}. Veuillez confirmer que vous le souhaitez.",
		button: "Oui, je le souhaite", link: "Si le bouton ne fonctionne pas, ouvrez cette adresse :", days: "Le lien est valable {{ days }} jours.",
		ignore: "Si ce n’était pas vous, ne tenez pas compte de ce message : vous ne recevrez rien d’autre. Le lien vous permet aussi de nous le dire.",
	},
	"es": {
		subject: "Confirme, por favor: {{ list_names }}", hello: "Hola:",
		body:   "alguien, probablemente usted, ha escrito esta dirección para recibir nuestros mensajes: {{ list_names }}. Confirme, por favor, que lo desea.",
		button: "Sí, lo deseo", link: "Si el botón no funciona, abra esta dirección:", days: "El enlace es válido durante {{ days }} días.",
		ignore: "Si no ha sido usted, no haga caso de este mensaje: no recibirá nada más. El enlace también le permite decírnoslo.",
	},
	"ru": {
		subject: "Пожалуйста, подтвердите: {{ list_names }}", hello: "Здравствуйте!",
		body:   "Кто-то, вероятно вы, указал этот адрес, чтобы получать наши письма: {{ list_names }}. Пожалуйста, подтвердите, что вы этого хотите.",
		button: "Да, подтверждаю", link: "Если кнопка не работает, откройте этот адрес:", days: "Ссылка действует {{ days }} дн.",
		ignore: "Если это были не вы, не обращайте внимания на это письмо: больше ничего не придёт. По ссылке можно также сообщить нам об этом.",
	},
}

// Usual gives the mail that goes out in a language where nobody wrote another: a start for one's own.
func Usual(language string) templates.Content {
	w, known := usual[language]
	if !known {
		language, w = "en", usual["en"]
	}
	html := strings.NewReplacer("LANG", language, "HELLO", w.hello, "BODY", w.body, "BUTTON", w.button, "LINK", w.link, "DAYS", w.days, "IGNORE", w.ignore).Replace(usualHTML)
	text := w.hello + "\n\n" + w.body + "\n\n{{ confirm_url }}\n\n" + w.days + "\n\n" + w.ignore +
		"\n{% if organization != \"\" %}\n-- \n{{ organization }}\n{% endif %}{% if postal_address != \"\" %}{{ postal_address }}\n{% endif %}"
	return templates.Content{Subject: w.subject, HTML: html, Text: text}
}

const usualHTML = `<!doctype html>
<html lang="LANG">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
body { margin: 0; padding: 24px 16px; background: #f4f5f7; color: #1c2430; font: 16px/1.55 -apple-system, "Segoe UI", Roboto, sans-serif }
.card { max-width: 520px; margin: 0 auto; padding: 28px; background: #ffffff; border: 1px solid #dfe3e8; border-radius: 12px }
.button { display: inline-block; padding: 12px 24px; background: #1f5fbf; border-radius: 8px; color: #ffffff; font-weight: 600; text-decoration: none }
.small { color: #5a6675; font-size: 14px; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) {
  body { background: #14181d; color: #e8ecf1 }
  .card { background: #1d232a; border-color: #2f3842 }
  .small { color: #9aa7b5 }
}
</style>
</head>
<body>
<div class="card">
<p>HELLO</p>
<p>BODY</p>
<p style="margin:28px 0"><a class="button" href="{{ confirm_url }}">BUTTON</a></p>
<p class="small">LINK<br><a href="{{ confirm_url }}">{{ confirm_url }}</a></p>
<p class="small">DAYS IGNORE</p>
<p class="small" style="white-space:pre-line">{{ organization }}<br>{{ postal_address }}</p>
</div>
</body>
</html>
`

// source gives the mail of a list, in the language of the form that was filled in where the list says none.
func source(o audience.OptInInput, language string) templates.Content {
	if o.HTML == "" && o.Text == "" {
		if o.Language != "" {
			language = o.Language
		}
		return Usual(language)
	}
	return templates.Content{Subject: o.Subject, HTML: o.HTML, Text: o.Text}
}

// check refuses a mail that cannot be made, or in which people would look for the link in vain.
func check(in audience.OptInInput) error {
	content := source(in, "")
	c, err := templates.Compile(content, templates.Options{})
	if err != nil {
		return err
	}
	const url = "https://example.org/c/token"
	var r templates.Rendered
	if err := c.Render(&r, templates.Vars{Subscriber: templates.Person{Email: sampleEmail}, Confirm: &templates.ConfirmVars{URL: url, ListNames: []string{"News"}, Days: 7}}, noURLs{}); err != nil {
		return err
	}
	var f errs.Fields
	if content.HTML != "" && !bytes.Contains(r.HTML, []byte(url)) {
		f.Add("html", "the message must hold the link: {{ confirm_url }}, as in <a href=\"{{ confirm_url }}\">Confirm</a>")
	}
	if content.Text != "" && !bytes.Contains(r.Text, []byte(url)) {
		f.Add("text", "the message must hold the link: {{ confirm_url }}")
	}
	if strings.TrimSpace(r.Subject) == "" {
		f.Add("subject", "the subject is empty")
	}
	return f.Err("the message is not complete")
}

// noURLs is what a mail without tracking and without unsubscribe link asks for nothing.
type noURLs struct{}

func (noURLs) Open() string        { return "" }
func (noURLs) Click(int) string    { return "" }
func (noURLs) Unsubscribe() string { return "" }
func (noURLs) Preferences() string { return "" }
