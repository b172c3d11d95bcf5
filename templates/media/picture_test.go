package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"postrider/internal/errs"
)

// secretPlace is what must never be found in what is kept.
const secretPlace = "N52.5163 E13.3777"

// gradient is an image of which no corner is like another.
func gradient(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x * 255 / w), uint8(y * 255 / h), 90, 255})
		}
	}
	return img
}

func encoded(t testing.TB, kind string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case PNG:
		err = png.Encode(&b, img)
	case JPEG:
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 95})
	case GIF:
		err = gif.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif is a TIFF structure with an orientation and, behind it, a place.
func exif(order binary.AppendByteOrder, turn uint16) []byte {
	b := []byte("MM\x00*")
	if order.String() == "LittleEndian" {
		b = []byte("II*\x00")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	for _, e := range [][2]uint16{{0x010f, 7}, {orientationTag, turn}} { // Make first
		b = order.AppendUint16(b, e[0])
		b = order.AppendUint16(b, 3)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, e[1])
		b = order.AppendUint16(b, 0)
	}
	return append(order.AppendUint32(b, 0), secretPlace...)
}

func segment(mark byte, data string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, mark}, uint16(len(data)+2)), data...)
}

// photo is a JPEG as telephones make them.
func photo(t testing.TB, img image.Image, turn uint16, order binary.AppendByteOrder) []byte {
	t.Helper()
	plain := encoded(t, JPEG, img)
	b := append([]byte{}, plain[:2]...)
	b = append(b, segment(markAPP0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x01\x01abc")...)
	b = append(b, segment(markAPP1, "Exif\x00\x00"+string(exif(order, turn)))...)
	b = append(b, segment(markAPP1, "http://ns.adobe.com/xap/1.0/\x00"+secretPlace)...)
	b = append(b, segment(markAPP2, "ICC_PROFILE\x00\x01\x01"+strings.Repeat("-", 16)+"RGB XYZ ")...)
	b = append(b, segment(markAPP2, "MPF\x00"+secretPlace)...)
	b = append(b, segment(0xed, "Photoshop 3.0\x00"+secretPlace)...)
	b = append(b, segment(markCOM, secretPlace)...)
	b = append(b, plain[2:]...)
	return append(b, plain...) // and a second image behind
}

func near(a, b color.Color) bool {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	d := func(x, y uint32) bool { return max(x, y)-min(x, y) < 0x1800 }
	return d(ar, br) && d(ag, bg) && d(ab, bb)
}

func TestPhotosLoseWhereTheyWereTaken(t *testing.T) {
	t.Parallel()
	upright := gradient(48, 32)
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		raw := photo(t, upright, 1, order)
		p, err := prepare(raw)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(p.body, []byte(secretPlace)) || bytes.Contains(p.body, []byte("Exif")) {
			t.Error("the place is still there")
		}
		if !bytes.Contains(p.body, []byte("ICC_PROFILE")) {
			t.Error("the colour profile is gone")
		}
		// Not a bit of the image itself is another: all that is behind the tables is as it was.
		plain := encoded(t, JPEG, upright)
		if !bytes.HasSuffix(p.body, plain[2:]) {
			t.Error("the image was written anew")
		}
		again, err := prepare(p.body)
		if err != nil || !bytes.Equal(again.body, p.body) {
			t.Errorf("a second time it changes: %v", err)
		}
	}
}

func TestPhotosAreTurnedUpright(t *testing.T) {
	t.Parallel()
	for turn := uint16(1); turn <= 8; turn++ {
		p, err := prepare(photo(t, gradient(48, 32), turn, binary.BigEndian))
		if err != nil {
			t.Fatal(err)
		}
		got, err := jpeg.Decode(bytes.NewReader(p.body))
		if err != nil {
			t.Fatal(err)
		}
		want := image.Pt(48, 32)
		if turn >= 5 {
			want = image.Pt(32, 48)
		}
		if got.Bounds().Size() != want || p.width != want.X || p.height != want.Y {
			t.Errorf("orientation %d: %v, said %d × %d", turn, got.Bounds().Size(), p.width, p.height)
			continue
		}
		// Where the first pixel of the file, which is dark in red and green, has to be seen (Exif 2.32, table 5).
		x, y := want.X-1, want.Y-1
		corner := [][2]int{{0, 0}, {x, 0}, {x, y}, {0, y}, {0, 0}, {x, 0}, {x, y}, {0, y}}[turn-1]
		if c := got.At(corner[0], corner[1]); !near(c, color.NRGBA{5, 5, 90, 255}) {
			t.Errorf("orientation %d: %v is at %v", turn, c, corner)
		}
		if bytes.Contains(p.body, []byte(secretPlace)) || bytes.Contains(p.body, []byte("Exif")) || !bytes.Contains(p.body, []byte("ICC_PROFILE")) {
			t.Errorf("orientation %d: not the right segments are kept", turn)
		}
	}
}

func pngChunk(name, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func TestOtherImagesLoseItToo(t *testing.T) {
	t.Parallel()
	plainPNG, plainGIF := encoded(t, PNG, gradient(20, 10)), encoded(t, GIF, gradient(20, 10))
	const afterIHDR = 8 + 25
	dirtyPNG := bytes.Join([][]byte{plainPNG[:afterIHDR], pngChunk("tEXt", "Comment\x00"+secretPlace), pngChunk("eXIf", string(exif(binary.BigEndian, 1))), pngChunk("prVt", secretPlace),
		plainPNG[afterIHDR:], []byte(secretPlace)}, nil)
	trailer := len(plainGIF) - 1
	comment := append([]byte{gifExtension, gifComment, byte(len(secretPlace))}, secretPlace+"\x00"...)
	xmp := append([]byte{gifExtension, gifApplication, 11}, "XMP DataXMP"+string(rune(len(secretPlace)))+secretPlace+"\x00"...)
	dirtyGIF := bytes.Join([][]byte{plainGIF[:trailer], comment, xmp, {gifTrailer}, []byte(secretPlace)}, nil)
	for _, c := range []struct {
		kind         string
		dirty, clean []byte
	}{{PNG, dirtyPNG, plainPNG}, {GIF, dirtyGIF, plainGIF}} {
		p, err := prepare(c.dirty)
		if err != nil {
			t.Fatal(err)
		}
		if p.contentType != c.kind || !bytes.Equal(p.body, c.clean) || p.width != 20 || p.height != 10 || p.animated {
			t.Errorf("%s: %d bytes of %d, %+v", c.kind, len(p.body), len(c.clean), p.contentType)
		}
	}
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// extended makes of a simple WebP one with Exif (RFC 9649 §2.7).
func extended(t testing.TB, simple []byte, flags byte, turn uint16) []byte {
	t.Helper()
	c, err := webp.DecodeConfig(bytes.NewReader(simple))
	if err != nil {
		t.Fatal(err)
	}
	w, h := uint32(c.Width-1), uint32(c.Height-1)
	b := webpChunk([]byte("RIFF\x00\x00\x00\x00WEBP"), "VP8X", []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)})
	b = append(b, simple[12:]...)
	b = webpChunk(b, "EXIF", exif(binary.LittleEndian, turn))
	b = webpChunk(b, "XMP ", []byte(secretPlace))
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func TestWebP(t *testing.T) {
	t.Parallel()
	simple := testdata(t, "small.webp")
	t.Run("loses what it says about its making", func(t *testing.T) {
		t.Parallel()
		p, err := prepare(extended(t, simple, webpEXIF|webpXMP, 1))
		if err != nil || bytes.Contains(p.body, []byte("EXIF")) || bytes.Contains(p.body, []byte(secretPlace)) || p.body[20] != 0 {
			t.Errorf("%v, %d bytes", err, len(p.body))
		}
	})
	t.Run("keeps how to turn it and nothing else", func(t *testing.T) {
		t.Parallel()
		p, err := prepare(extended(t, simple, webpEXIF|webpXMP, 6))
		c, _ := webp.DecodeConfig(bytes.NewReader(simple))
		if err != nil || bytes.Contains(p.body, []byte(secretPlace)) || p.body[20] != webpEXIF || p.width != c.Height || p.height != c.Width {
			t.Errorf("%v, %d × %d", err, p.width, p.height)
		}
		again, err := stripWebP(p.body)
		if err != nil || again.orientation != 6 || !bytes.Equal(again.body, p.body) {
			t.Errorf("%v, %d", err, again.orientation)
		}
	})
	t.Run("animated is refused", func(t *testing.T) {
		t.Parallel()
		if _, err := prepare(extended(t, simple, webpAnimated, 1)); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "GIF") {
			t.Error(err)
		}
	})
	t.Run("simple stays as it is", func(t *testing.T) {
		t.Parallel()
		if p, err := prepare(simple); err != nil || !bytes.Equal(p.body, simple) {
			t.Error(err)
		}
	})
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	// A head that promises very many pixels, as decompression bombs have it.
	bomb := func(w, h uint32) []byte {
		head := string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)) + "\x08\x06\x00\x00\x00"
		return bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", head), pngChunk("IDAT", "x"), pngChunk("IEND", "")}, nil)
	}
	for name, c := range map[string]struct {
		body []byte
		word string
	}{
		"nothing":                {nil, "empty"},
		"SVG":                    {[]byte("\ufeff <svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"), "script"},
		"SVG with a declaration": {[]byte("<?xml version='1.0'?>\n<!-- x -->\n<SVG onload=alert(1)>"), "PNG"},
		"HTML":                   {[]byte("<!doctype html><script>alert(1)</script>"), "whatever its name says"},
		"HEIC":                   {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), "JPEG"},
		"AVIF":                   {[]byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00"), "JPEG"},
		"BMP":                    {[]byte("BM123456"), "PNG"},
		"a bomb":                 {bomb(60_000, 60_000), "pixels"},
		"a long bomb":            {bomb(MaxSide+1, 1), "pixels"},
		"a large bomb":           {bomb(6000, 5000), "25 million"},
		"no pixels":              {bomb(0, 5), "damaged"},
		"half a PNG":             {encoded(t, PNG, gradient(9, 9))[:60], "damaged"},
		"half a JPEG":            {encoded(t, JPEG, gradient(99, 99))[:900], "damaged"},
		"half a GIF":             {encoded(t, GIF, gradient(9, 9))[:90], "damaged"},
		"half a WebP":            {testdata(t, "small.webp")[:90], "damaged"},
		"half a PDF":             {[]byte("%PDF-1.7\n1 0 obj"), "cut off"},
	} {
		if _, err := prepare(c.body); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p, err := prepare([]byte("%PDF-1.7\n%%EOF\n")); err != nil || p.contentType != PDF || p.thumb != nil {
		t.Errorf("a PDF: %+v, %v", p, err)
	}
}

// manyPasses is a gray progressive JPEG (T.81 annex G) of w × h pixels: a scan for what is dark or bright, and scans for the rest in which there is next to nothing.
func manyPasses(w, h uint16, scans int) []byte {
	size := string(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, h), w))
	oneCode := func(class byte) string { return string(class) + "\x01" + strings.Repeat("\x00", 15) + "\x00" } // the bit 0 stands for 0
	b := []byte{0xff, markSOI}
	b = append(b, segment(0xdb, "\x00"+strings.Repeat("\x01", 64))...)
	b = append(b, segment(0xc2, "\x08"+size+"\x01\x01\x11\x00")...)
	b = append(b, segment(0xc4, oneCode(0)+oneCode(0x10))...)
	blocks := (int(w) + 7) / 8 * ((int(h) + 7) / 8)
	data := make([]byte, (blocks+7)/8)
	for i := range scans {
		band := "\x01\x3f" // all but the first coefficient
		if i == 0 {
			band = "\x00\x00"
		}
		b = append(b, segment(markSOS, "\x01\x01\x00"+band+"\x00")...)
		b = append(b, data...)
	}
	return append(b, 0xff, markEOI)
}

// A decoder goes through all blocks for each scan, and a scan needs only a few bytes: without a bound a small file kept one busy for hours.
func TestJPEGsWithVeryManyPassesAreRefused(t *testing.T) {
	t.Parallel()
	for _, scans := range []int{2, 10, mostScans} {
		if p, err := prepare(manyPasses(80, 40, scans)); err != nil || p.width != 80 || p.height != 40 {
			t.Errorf("%d scans: %d × %d, %v", scans, p.width, p.height, err)
		}
	}
	for _, scans := range []int{mostScans + 1, 20_000} {
		if _, err := prepare(manyPasses(80, 40, scans)); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "passes") {
			t.Errorf("%d scans: %v", scans, err)
		}
	}
}

func TestThumbnails(t *testing.T) {
	t.Parallel()
	clear := gradient(800, 400)
	clear.SetNRGBA(5, 5, color.NRGBA{})
	for y := range 100 {
		for x := range 100 {
			clear.SetNRGBA(x, y, color.NRGBA{})
		}
	}
	for _, c := range []struct {
		img  image.Image
		kind string
		size image.Point
	}{
		{gradient(800, 400), JPEG, image.Pt(320, 160)}, {gradient(10, 4000), JPEG, image.Pt(1, 320)}, {gradient(30, 20), JPEG, image.Pt(30, 20)}, {clear, PNG, image.Pt(320, 160)},
	} {
		p, err := prepare(encoded(t, PNG, c.img))
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := image.DecodeConfig(bytes.NewReader(p.thumb))
		if err != nil || p.thumbType != c.kind || got.Width != c.size.X || got.Height != c.size.Y {
			t.Errorf("%v: %s of %d × %d, %v", c.size, p.thumbType, got.Width, got.Height, err)
		}
	}
}

func TestAnimation(t *testing.T) {
	t.Parallel()
	frame := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Black, color.White})
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame, frame, frame}, Delay: []int{5, 5, 5}, LoopCount: 0}); err != nil {
		t.Fatal(err)
	}
	p, err := prepare(b.Bytes())
	if err != nil || !p.animated || !bytes.Equal(p.body, b.Bytes()) {
		t.Errorf("%v, %v: %d of %d bytes", err, p.animated, len(p.body), b.Len())
	}
}

// Whatever is uploaded, it is refused or comes out as something that can be shown, that says nothing it should not, and that comes out the same a second time.
func FuzzPrepare(f *testing.F) {
	f.Add(photo(f, gradient(9, 7), 6, binary.LittleEndian))
	f.Add(encoded(f, PNG, gradient(9, 7)))
	f.Add(encoded(f, GIF, gradient(9, 7)))
	f.Add(testdata(f, "small.webp"))
	f.Add(extended(f, testdata(f, "small.webp"), webpEXIF, 8))
	f.Add([]byte("%PDF-1.7\n%%EOF"))
	f.Add(manyPasses(9, 7, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := prepare(b)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if p.contentType != PDF && (p.width < 1 || p.height < 1 || p.width*p.height > MaxPixels || len(p.thumb) == 0) {
			t.Fatalf("%d × %d, thumbnail of %d bytes", p.width, p.height, len(p.thumb))
		}
		again, err := prepare(p.body)
		if err != nil {
			t.Fatalf("what is kept cannot be read: %v", err)
		}
		if !bytes.Equal(again.body, p.body) {
			t.Fatal("a second time it changes")
		}
	})
}
