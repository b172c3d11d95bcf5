package media

import (
	"encoding/binary"
	"slices"
)

// pngKept are the chunks that say what an image looks like (PNG, third edition, §11.3). The others say who made it, where, when and with what.
var pngKept = []string{"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "bKGD", "hIST", "pHYs", "sPLT", "cICP", "mDCV", "cLLI", "acTL", "fcTL", "fdAT"}

// stripPNG takes texts, Exif, times and everything unknown out, and what stands behind the end.
func stripPNG(b []byte) (stripped, error) {
	const signature = 8
	if len(b) < signature {
		return stripped{}, errBroken
	}
	out := stripped{orientation: 1, body: append(make([]byte, 0, len(b)), b[:signature]...)}
	for at := signature; len(b)-at >= 12; {
		size := binary.BigEndian.Uint32(b[at:])
		if uint64(size) > uint64(len(b)-at-12) {
			return out, errBroken
		}
		end, name := at+12+int(size), string(b[at+4:at+8])
		if slices.Contains(pngKept, name) {
			out.body = append(out.body, b[at:end]...)
		}
		out.animated = out.animated || name == "acTL"
		if name == "IEND" {
			return out, nil
		}
		at = end
	}
	return out, errBroken
}
