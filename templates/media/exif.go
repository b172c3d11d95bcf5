package media

import (
	"bytes"
	"encoding/binary"
)

const orientationTag = 0x0112

// orientation reads how an image has to be turned from a TIFF structure (Exif 2.32 §4.6.4): 1 to 8, and 1 for whatever cannot be read.
func orientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == orientationTag && order.Uint16(entries[2:]) == 3 { // a SHORT, which stands in the entry itself
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// orientationOnly is a TIFF structure that says how to turn an image, and nothing else.
func orientationOnly(v int) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	b[19] = byte(v)
	return b
}

// afterExif cuts off the word that stands before the TIFF structure in JPEG, and by habit in some WebP.
func afterExif(b []byte) []byte { return bytes.TrimPrefix(b, []byte("Exif\x00\x00")) }
