package preflight

import (
	"fmt"
	"strings"
)

// Weights of images in bytes from which on they are heavy: one, and all together.
const (
	heavyImage  = 1 << 20
	heavyImages = 2 << 20
)

// images looks at each image, without asking anybody.
func (c *checker) images(m message) {
	big := 0
	for _, i := range m.doc.images {
		w := Where{Part: "html", Line: i.line, Selector: i.src}
		if i.tiny || c.own(i.src) && i.hidden {
			continue
		}
		big++
		switch {
		case i.link >= 0 && m.doc.links[i.link].text == "":
			c.out.at("image_link_no_alt", w)
		case !i.hasAlt:
			c.out.at("image_no_alt", w)
		}
		if !i.sized {
			c.out.at("image_no_size", w)
		}
		c.imageSource(m, i, w)
	}
	letters := 0
	for _, r := range m.doc.visible {
		if r > ' ' {
			letters++
		}
	}
	if big > 0 && letters < fewWords && !(big == 1 && letters > fewWords/2) {
		c.out.say("image_only", "html", "Images in the mail: %d, letters: %d. Many mail programs load no images until asked, and filters distrust mail without words.", big, letters)
	}
}

func (c *checker) imageSource(m message, i image, w Where) {
	lower := strings.ToLower(i.src)
	switch {
	case lower == "":
		w.Note = "it has no address"
		c.out.at("image_private", w)
	case strings.HasPrefix(lower, "data:"):
		w.Selector, w.Note = i.src[:min(len(i.src), 40)], fmt.Sprintf("%d bytes", len(i.src))
		c.out.at("image_data", w)
	case strings.HasPrefix(lower, "cid:"):
		if !m.plain.inline[i.src[4:]] {
			w.Note = "the message has no such part"
			c.out.at("image_private", w)
		}
	case !isWeb(lower):
		w.Note = "it is not on a web server"
		c.out.at("image_private", w)
	case c.own(i.src) && c.in.Facts.Local:
	case private(hostOf(i.src)):
		c.out.at("image_private", w)
	case strings.HasPrefix(lower, "http:"):
		c.out.at("image_http", w)
	}
}

// imageStates says what is known of the images where they are.
func (c *checker) imageStates(m message) {
	total, seen := int64(0), map[string]bool{}
	for _, i := range m.doc.images {
		p, ok := c.in.Probes[i.src]
		if !ok || seen[i.src] {
			continue
		}
		seen[i.src] = true
		w := Where{Part: "html", Line: i.line, Selector: i.src, Note: p.says()}
		switch v := p.verdict(); {
		case v == probeBroken:
			c.out.at("image_broken", w)
			continue
		case v == probePrivate:
			c.out.at("image_private", w)
			continue
		case v == probeUnsure:
			c.out.at("link_unsure", w)
			continue
		case p.Type != "" && !strings.HasPrefix(p.Type, "image/"):
			w.Note = "what is there is no image but " + p.Type
			c.out.at("image_broken", w)
			continue
		}
		total += max(p.Bytes, 0)
		if p.Bytes > heavyImage {
			w.Note = fmt.Sprintf("%.1f MB", float64(p.Bytes)/1e6)
			c.out.at("image_heavy", w)
		}
	}
	c.report.Sizes.Images = int(total)
	if total > heavyImages {
		c.out.say("images_heavy", "html", "The images have %.1f MB together. On a phone the mail takes seconds to load.", float64(total)/1e6)
	}
}

// What Gmail shows of an HTML part in bytes, and from when on it is near. Its figure is of about 102 kB; what counts is the part as it is sent.
const (
	gmailClips = 102 << 10
	gmailNear  = 90 << 10
	largeMail  = 1 << 20
)

func (c *checker) measure(m message) {
	s := &c.report.Sizes
	s.HTML, s.Message = max(s.HTML, m.sent.htmlBytes), max(s.Message, m.sent.size)
	if s.LeastHTML == 0 || m.sent.htmlBytes < s.LeastHTML {
		s.LeastHTML = m.sent.htmlBytes
	}
}

// sizes judges the largest of the samples.
func (c *checker) sizes() {
	s := c.report.Sizes
	differs := ""
	if s.HTML-s.LeastHTML > 1<<10 {
		differs = fmt.Sprintf(" (%d kB for others)", s.LeastHTML>>10)
	}
	switch {
	case s.HTML > gmailClips:
		c.out.say("clipped", "html", "The HTML has %d kB as it is sent%s. Gmail shows the first 102 kB; the rest, with the unsubscribe link and the pixel, is behind a link.", s.HTML>>10, differs)
	case s.HTML > gmailNear:
		c.out.say("clip_near", "html", "The HTML has %d kB as it is sent%s; Gmail cuts off at 102 kB.", s.HTML>>10, differs)
	}
	if s.Message > largeMail {
		c.out.say("message_large", "message", "The message has %.1f MB. Large messages send slowly, are refused by some, and fill mailboxes.", float64(s.Message)/1e6)
	}
}
