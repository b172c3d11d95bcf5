package media

import (
	"encoding/binary"
	"slices"
)

// webpKept are the chunks of an image (RFC 9649 §2.5 to §2.7), without EXIF, XMP and unknown ones.
var webpKept = []string{"VP8 ", "VP8L", "VP8X", "ALPH", "ICCP", "ANIM", "ANMF"}

// Flags of VP8X (RFC 9649 §2.7.1).
const (
	webpAnimated = 0x02
	webpXMP      = 0x04
	webpEXIF     = 0x08
)

// stripWebP takes Exif and XMP out. Where the Exif says how to turn the image, that alone stays, for there is nothing here that writes WebP.
func stripWebP(b []byte) (stripped, error) {
	size := uint64(binary.LittleEndian.Uint32(b[4:])) + 8
	if size < 12 || size > uint64(len(b)) {
		return stripped{}, errBroken
	}
	b = b[:size]
	out := stripped{orientation: 1, body: append(make([]byte, 0, len(b)), b[:12]...)}
	flags := -1
	for at := 12; at < len(b); {
		if len(b)-at < 8 {
			return out, errBroken
		}
		name, n := string(b[at:at+4]), uint64(binary.LittleEndian.Uint32(b[at+4:]))
		if n > uint64(len(b)-at-8) {
			return out, errBroken
		}
		data := b[at+8 : at+8+int(n)]
		if name == "VP8X" && n >= 10 && flags < 0 {
			flags = len(out.body) + 8
		}
		if name == "EXIF" {
			out.orientation = orientation(afterExif(data))
		}
		if slices.Contains(webpKept, name) {
			out.body = webpChunk(out.body, name, data)
		}
		at += 8 + int(n) + int(n&1)
	}
	if flags >= 0 {
		out.animated = out.body[flags]&webpAnimated != 0
		out.body[flags] &^= webpXMP | webpEXIF
		if out.orientation != 1 {
			out.body[flags] |= webpEXIF
			out.body = webpChunk(out.body, "EXIF", orientationOnly(out.orientation))
		}
	} else {
		out.orientation = 1 // without VP8X nobody reads the Exif
	}
	binary.LittleEndian.PutUint32(out.body[4:], uint32(len(out.body)-8))
	return out, nil
}

func webpChunk(to []byte, name string, data []byte) []byte {
	to = append(to, name...)
	to = binary.LittleEndian.AppendUint32(to, uint32(len(data)))
	to = append(to, data...)
	if len(data)%2 == 1 {
		to = append(to, 0)
	}
	return to
}
