package media

// Extensions and separators of GIF89a, §12 to §26.
const (
	gifExtension   = 0x21
	gifImage       = 0x2c
	gifTrailer     = 0x3b
	gifComment     = 0xfe
	gifApplication = 0xff
)

// stripGIF takes comments and the blocks of programs out, and what stands behind the end. How often the frames are repeated stays.
func stripGIF(b []byte) (stripped, error) {
	if len(b) < 13 {
		return stripped{}, errBroken
	}
	at := 13 + colorTable(b[10])
	if at > len(b) {
		return stripped{}, errBroken
	}
	out := stripped{orientation: 1, body: append(make([]byte, 0, len(b)), b[:at]...)}
	frames := 0
	for at < len(b) {
		end, keep := at, true
		switch b[at] {
		case gifTrailer:
			out.body = append(out.body, gifTrailer)
			return out, nil
		case gifExtension:
			if len(b)-at < 3 {
				return out, errBroken
			}
			keep = gifKeeps(b[at+1], b[at+2:])
			end = gifBlocks(b, at+2)
		case gifImage:
			if len(b)-at < 11 {
				return out, errBroken
			}
			frames++
			end = gifBlocks(b, at+10+colorTable(b[at+9])+1)
		default:
			return out, errBroken
		}
		if end > len(b) {
			return out, errBroken
		}
		if keep {
			out.body = append(out.body, b[at:end]...)
		}
		out.animated = frames > 1
		at = end
	}
	return out, errBroken
}

func colorTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// gifBlocks gives the place after a row of sub-blocks (§15), beyond the end when they are cut off.
func gifBlocks(b []byte, at int) int {
	for at < len(b) && b[at] != 0 {
		at += 1 + int(b[at])
	}
	return at + 1
}

func gifKeeps(label byte, blocks []byte) bool {
	if label == gifComment {
		return false
	}
	if label != gifApplication {
		return true
	}
	if len(blocks) < 12 {
		return false
	}
	program := string(blocks[1:12])
	return program == "NETSCAPE2.0" || program == "ANIMEXTS1.0" || program == "ICCRGBG1012"
}
