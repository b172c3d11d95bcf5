package media

import (
	"bytes"
	"strings"
	"unicode"

	"postrider/internal/errs"
)

// Content types that are kept. Everything else is refused.
const (
	PNG  = "image/png"
	JPEG = "image/jpeg"
	GIF  = "image/gif"
	WebP = "image/webp"
	PDF  = "application/pdf"
)

// extensions are what the names of files end in, in addresses.
var extensions = map[string]string{PNG: ".png", JPEG: ".jpg", GIF: ".gif", WebP: ".webp", PDF: ".pdf"}

// names are what people call them.
var names = map[string]string{PNG: "PNG image", JPEG: "JPEG photo", GIF: "GIF image", WebP: "WebP image", PDF: "PDF document"}

// sniff says what a file is by its content; its name and what the browser says about it are not asked.
func sniff(b []byte) (string, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return PNG, nil
	case bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}):
		return JPEG, nil
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return GIF, nil
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return WebP, nil
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return PDF, nil
	}
	return "", refuse(b)
}

// refuse says why a file of another kind is not taken, and what to do instead.
func refuse(b []byte) error {
	head := strings.ToLower(string(b[:min(len(b), 1024)]))
	text := strings.TrimLeftFunc(strings.TrimPrefix(head, "\ufeff"), unicode.IsSpace)
	brand := ""
	if len(b) >= 12 && string(b[4:8]) == "ftyp" {
		brand = string(b[8:12])
	}
	switch {
	case len(b) == 0:
		return errs.InvalidField("file", "the file is empty")
	case strings.HasPrefix(text, "<svg"), strings.HasPrefix(text, "<?xml") && strings.Contains(text, "<svg"), strings.HasPrefix(text, "<!doctype svg"):
		return errs.InvalidField("file", "SVG is not taken: Gmail, Outlook and most other mail programs do not show it, and it can hold script. Export the drawing as PNG, twice as wide as it is shown")
	case brand == "heic" || brand == "heix" || brand == "mif1" || brand == "hevc":
		return errs.InvalidField("file", "this is a HEIC photo, which mail programs do not show: save it as JPEG")
	case brand == "avif" || brand == "avis":
		return errs.InvalidField("file", "this is an AVIF image, which most mail programs do not show: save it as JPEG or PNG")
	case strings.HasPrefix(head, "bm"), strings.HasPrefix(head, "ii*\x00"), strings.HasPrefix(head, "mm\x00*"):
		return errs.InvalidField("file", "BMP and TIFF are not shown by mail programs: save the image as PNG or JPEG")
	}
	return errs.InvalidField("file", "this is no PNG, JPEG, GIF, WebP or PDF, whatever its name says")
}
