package media

import (
	"bytes"
	"encoding/binary"
	"errors"

	"postrider/internal/errs"
)

// Markers of ITU-T T.81, table B.1.
const (
	markSOI   = 0xd8
	markEOI   = 0xd9
	markSOS   = 0xda
	markAPP0  = 0xe0
	markAPP1  = 0xe1
	markAPP2  = 0xe2
	markAPP14 = 0xee
	markAPP15 = 0xef
	markCOM   = 0xfe
)

// mostScans is how many scans a JPEG may have. Programs write one, or about ten of a progressive one; each costs a decoder a walk through the whole image, however little is in it:
// of 25 million pixels about 26 ms.
const mostScans = 100

var errBroken = errors.New("the structure of the file is broken")

// stripped is a file without what it says about its making.
type stripped struct {
	body        []byte
	orientation int    // 1 when it stands upright
	profile     []byte // of a JPEG: the segments of its colour profile, as they are in body too
	animated    bool
}

// stripJPEG takes everything out that no decoder needs: Exif with its place and thumbnail, XMP, IPTC, comments, and what phones put behind the image (a second image, a
// film). The image itself is not touched. What stays is the density, the colour profile and Adobe's word about the colours.
func stripJPEG(b []byte) (stripped, error) {
	out := stripped{orientation: 1, body: make([]byte, 0, len(b))}
	out.body = append(out.body, 0xff, markSOI)
	exifSeen, scans := false, 0
	for at := 2; ; {
		mark, next, ok := jpegMarker(b, at)
		if !ok {
			return out, errBroken
		}
		if mark == markEOI {
			out.body = append(out.body, 0xff, markEOI)
			return out, nil
		}
		if next+2 > len(b) {
			return out, errBroken
		}
		end := next + int(binary.BigEndian.Uint16(b[next:]))
		if end < next+2 || end > len(b) {
			return out, errBroken
		}
		data := b[next+2 : end]
		if mark == markAPP1 && bytes.HasPrefix(data, []byte("Exif\x00\x00")) && !exifSeen {
			out.orientation, exifSeen = orientation(afterExif(data)), true
		}
		if kept := jpegKeeps(mark, data); kept != nil {
			segment := append(binary.BigEndian.AppendUint16([]byte{0xff, mark}, uint16(len(kept)+2)), kept...)
			out.body = append(out.body, segment...)
			if mark == markAPP2 {
				out.profile = append(out.profile, segment...)
			}
		}
		at = end
		if mark == markSOS {
			if scans++; scans > mostScans {
				return out, errs.InvalidField("file", "this JPEG is saved with too many passes (more than %d): open it in an image program and save it anew", mostScans)
			}
			at = jpegScanEnd(b, end)
			out.body = append(out.body, b[end:at]...)
		}
	}
}

// jpegMarker reads a marker, before which any number of 0xff may stand (T.81 §B.1.1.2), and says where what follows it begins.
func jpegMarker(b []byte, at int) (mark byte, next int, ok bool) {
	if at >= len(b) || b[at] != 0xff {
		return 0, 0, false
	}
	for at < len(b) && b[at] == 0xff {
		at++
	}
	if at >= len(b) || b[at] == 0 || b[at] == markSOI || b[at] == 1 || (b[at] >= 0xd0 && b[at] <= 0xd7) {
		return 0, 0, false
	}
	return b[at], at + 1, true
}

// jpegScanEnd finds the marker after the coded data; restarts are part of the data.
func jpegScanEnd(b []byte, at int) int {
	for ; at+1 < len(b); at++ {
		if b[at] == 0xff && b[at+1] != 0 && b[at+1] != 0xff && (b[at+1] < 0xd0 || b[at+1] > 0xd7) {
			return at
		}
	}
	return len(b)
}

// jpegKeeps gives what stays of the content of a segment, nil for nothing.
func jpegKeeps(mark byte, data []byte) []byte {
	switch {
	case mark == markAPP0 && bytes.HasPrefix(data, []byte("JFIF\x00")) && len(data) >= 14:
		kept := bytes.Clone(data[:14])
		kept[12], kept[13] = 0, 0 // no thumbnail
		return kept
	case mark == markAPP2 && bytes.HasPrefix(data, []byte("ICC_PROFILE\x00")), mark == markAPP14 && bytes.HasPrefix(data, []byte("Adobe")):
		return data
	case mark == markCOM, mark >= markAPP0 && mark <= markAPP15:
		return nil
	}
	return data
}

// withProfile puts the segments of a colour profile into a JPEG that was made anew.
func withProfile(jpeg, profile []byte) []byte {
	out := make([]byte, 0, len(jpeg)+len(profile))
	out = append(out, jpeg[:2]...)
	out = append(out, profile...)
	return append(out, jpeg[2:]...)
}
