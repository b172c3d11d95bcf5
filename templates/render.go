package templates

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"postrider/internal/errs"
)

// renderer is one Render under way.
type renderer struct {
	c    *Compiled
	vars Vars
	st   renderState
	bind map[string]any
}

// Render fills the mail in for one person. dst is overwritten and its buffers are used again. An error is about this one mail: errs.Invalid
// with the field and line.
//
// When neither part shows the unsubscribe link, a footer with organisation, postal address and that link is added to both, unless Vars.Confirm or Vars.NoFooter is set.
func (c *Compiled) Render(dst *Rendered, v Vars, u URLs) error {
	r := &renderer{c: c, vars: v}
	r.st = renderState{urls: u, vars: &r.vars, unsub: v.UnsubscribeURL}
	if r.st.unsub == "" {
		r.st.unsub = u.Unsubscribe()
	}
	subject, err := r.part(nil, c.subject, nil)
	if err != nil {
		return inField("subject", err)
	}
	dst.Subject = headerText(string(subject))
	if r.vars.Campaign.Subject == "" {
		r.vars.Campaign.Subject = dst.Subject
	}
	if dst.Text, err = r.part(dst.Text[:0], c.text, dst.TextTo); err != nil {
		return inField("text", err)
	}
	if dst.HTML, err = r.part(dst.HTML[:0], c.html, dst.HTMLTo); err != nil {
		return inField("html", err)
	}
	streamed := dst.TextTo != nil && c.text != nil && c.text.ops != nil
	if c.textGenerated && !streamed {
		dst.Text = bytes.TrimRight(dst.Text, " \n")
		if len(dst.Text) > 0 {
			dst.Text = append(dst.Text, '\n')
		}
	}
	if c.text == nil || r.st.unsubSeen || v.bare() {
		return nil
	}
	if streamed {
		dst.Text = appendTextFooter(append(dst.Text[:0], '\n'), &r.st)
		dst.TextTo.Personal(dst.Text)
		dst.Text = dst.Text[:0]
		return nil
	}
	dst.Text = appendTextFooter(dst.Text, &r.st)
	return nil
}

func (r *renderer) part(buf []byte, p *part, to PartWriter) ([]byte, error) {
	if p == nil {
		return buf, nil
	}
	r.st.reset()
	if p.tmpl == nil {
		return p.engine.runFast(buf, p.ops, to, &r.st, r.bindings)
	}
	r.st.part = p
	return p.engine.run(buf, p.tmpl, r.bindings())
}

// campaignValue is {{ campaign }}.
type campaignValue struct {
	Name    string `liquid:"name"`
	Subject string `liquid:"subject"`
}

// bindings gives the names that the engine knows. The engine copies them before it changes any.
func (r *renderer) bindings() map[string]any {
	if r.bind == nil {
		r.bind = map[string]any{
			"subscriber": personValue{&r.vars.Subscriber}, "unsubscribe_url": r.st.unsub, "preferences_url": r.st.preferences(),
			"organization": r.vars.Organization, "postal_address": r.vars.PostalAddress, "data": r.vars.Data, stateName: &r.st,
		}
		if c := r.vars.Confirm; c != nil {
			r.bind["confirm_url"], r.bind["list_names"], r.bind["days"] = c.URL, strings.Join(c.ListNames, ", "), c.Days
		}
	}
	r.bind["campaign"] = campaignValue(r.vars.Campaign)
	return r.bind
}

// RenderLink gives the target of link n for one person, when that person clicks. It is NotFound when there is no such link or when the filled-in
// target is not an absolute http, https, mailto or tel URL.
func (c *Compiled) RenderLink(n int, v Vars) (string, error) {
	if n < 1 || n > len(c.links) {
		return "", errs.New(errs.NotFound, "this link leads nowhere: the mail has no link %d", n)
	}
	r := &renderer{c: c, vars: v}
	r.st = renderState{urls: noURLs{}, vars: &r.vars, unsub: v.UnsubscribeURL}
	b, err := r.part(nil, c.links[n-1].target, nil)
	if err != nil {
		return "", errs.Because(errs.NotFound, err, "this link leads nowhere: it cannot be filled in")
	}
	url := strings.TrimSpace(strings.Map(dropControls, string(b)))
	if scheme, _ := schemeOf(url); scheme == "" || !linkSchemes(scheme, "") {
		return "", errs.New(errs.NotFound, "this link leads nowhere: its address is not complete")
	}
	return url, nil
}

// StaticLink gives the target of link n when it is the same for everybody; ok is false when it is not, or when RenderLink would refuse it.
func (c *Compiled) StaticLink(n int) (url string, ok bool) {
	if n < 1 || n > len(c.links) || hasLiquid(c.links[n-1].URL) {
		return "", false
	}
	url, err := c.RenderLink(n, Vars{})
	return url, err == nil
}

func dropControls(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// headerText makes one line of a subject: line breaks and other control characters become single spaces (RFC 5322 §2.2), and what is over 998
// bytes is cut off at a character.
func headerText(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexFunc(s, isControl) >= 0 {
		s = strings.Join(strings.FieldsFunc(s, isControl), " ")
	}
	s = strings.TrimSpace(s)
	if len(s) > maxSubject {
		s = s[:maxSubject]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}

func isControl(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

// appendSpecial writes what the server puts into a mail: click address n, the pixel, the hidden link, the footer.
func appendSpecial(b []byte, st *renderState, n int, html bool) []byte {
	switch {
	case n > 0 && html:
		return appendHTML(b, st.urls.Click(n))
	case n > 0:
		return append(b, st.urls.Click(n)...)
	case n == specialPixel:
		b = append(b, `<img src="`...)
		b = appendHTML(b, st.urls.Open())
		return append(b, `" width="1" height="1" alt="" style="border:0">`...)
	case n == specialCanary:
		b = append(b, `<a href="`...)
		b = appendHTML(b, st.urls.Click(0))
		return append(b, `" style="display:none" aria-hidden="true" tabindex="-1"></a>`...)
	case n == specialFooter && !st.unsubSeen && !st.vars.bare():
		return appendHTMLFooter(b, st)
	}
	return b
}

func appendHTMLFooter(b []byte, st *renderState) []byte {
	b = append(b, `<div style="margin:24px 0;text-align:center;font:12px/1.5 sans-serif;color:#666">`...)
	for _, line := range []string{st.vars.Organization, st.vars.PostalAddress} {
		if line = strings.TrimSpace(line); line != "" {
			b = appendHTML(b, strings.ReplaceAll(line, "\n", ", "))
			b = append(b, "<br>"...)
		}
	}
	b = append(b, `<a href="`...)
	b = appendHTML(b, guardPlain(st.unsub))
	return append(b, `" style="color:#666">Unsubscribe</a></div>`...)
}

func guardPlain(url string) string {
	if scheme, rest := schemeOf(url); !linkSchemes(scheme, rest) {
		return "#"
	}
	return url
}

func appendTextFooter(b []byte, st *renderState) []byte {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	b = append(b, "\n-- \n"...)
	for _, line := range []string{st.vars.Organization, st.vars.PostalAddress} {
		if line = strings.TrimSpace(line); line != "" {
			b = append(b, line...)
			b = append(b, '\n')
		}
	}
	b = append(b, "Unsubscribe: "...)
	b = append(b, st.unsub...)
	return append(b, '\n')
}
