package media

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"postrider/internal/errs"
)

// Bounds of a file and of the image in it. A decoder needs up to 16 bytes for each pixel (a progressive JPEG with full colour), so that 25 million are 400 MB for a moment,
// and there is one such moment at a time in a process.
const (
	MaxBytes     = 20 << 20
	MaxPixels    = 25_000_000
	MaxSide      = 16_384
	thumbSide    = 320
	thumbQuality = 82
	turnQuality  = 92
)

// prepared is a file as it is kept.
type prepared struct {
	contentType   string
	body          []byte
	width, height int // 0 for a document
	animated      bool
	thumb         []byte // JPEG or PNG; nil for a document
	thumbType     string
}

// prepare makes of what was uploaded what is kept. Invalid says what is wrong with it.
func prepare(b []byte) (prepared, error) {
	kind, err := sniff(b)
	if err != nil {
		return prepared{}, err
	}
	if kind == PDF {
		if !bytes.Contains(b[max(0, len(b)-1024):], []byte("%%EOF")) {
			return prepared{}, errs.InvalidField("file", "the PDF has no end: the file is cut off")
		}
		return prepared{contentType: PDF, body: b}, nil
	}
	return preparePicture(kind, b)
}

func preparePicture(kind string, b []byte) (prepared, error) {
	var out prepared
	clean, err := map[string]func([]byte) (stripped, error){PNG: stripPNG, JPEG: stripJPEG, GIF: stripGIF, WebP: stripWebP}[kind](b)
	if errs.Is(err, errs.Invalid) {
		return out, err
	}
	if err != nil {
		return out, unreadable(kind, err)
	}
	if kind == WebP && clean.animated {
		return out, errs.InvalidField("file", "animated WebP is shown by few mail programs: save it as GIF")
	}
	if err := checkSize(kind, clean.body); err != nil {
		return out, err
	}
	img, err := decode(kind, clean.body)
	if err != nil {
		return out, unreadable(kind, err)
	}
	out = prepared{contentType: kind, body: clean.body, animated: clean.animated}
	img = turned(img, clean.orientation)
	if kind == JPEG && clean.orientation != 1 {
		// Mail programs differ in whether they heed the Exif, which is gone now anyway: the image itself has to stand upright.
		if out.body, err = encodeTurned(img, clean.profile); err != nil {
			return out, err
		}
	}
	size := img.Bounds().Size()
	out.width, out.height = size.X, size.Y
	out.thumb, out.thumbType, err = thumbnail(img)
	return out, err
}

// checkSize refuses an image by what its head says, before there is memory for its pixels.
func checkSize(kind string, b []byte) error {
	config, err := map[string]func(*bytes.Reader) (image.Config, error){
		PNG:  func(r *bytes.Reader) (image.Config, error) { return png.DecodeConfig(r) },
		JPEG: func(r *bytes.Reader) (image.Config, error) { return jpeg.DecodeConfig(r) },
		GIF:  func(r *bytes.Reader) (image.Config, error) { return gif.DecodeConfig(r) },
		WebP: func(r *bytes.Reader) (image.Config, error) { return webp.DecodeConfig(r) },
	}[kind](bytes.NewReader(b))
	if err != nil {
		return unreadable(kind, err)
	}
	if config.Width < 1 || config.Height < 1 {
		return errs.InvalidField("file", "the image has no pixels")
	}
	if config.Width > MaxSide || config.Height > MaxSide || config.Width*config.Height > MaxPixels {
		return errs.InvalidField("file", "the image is %d × %d pixels, and at most %d million, %d on a side, are taken: scale it down; mails are shown about 600 wide",
			config.Width, config.Height, MaxPixels/1_000_000, MaxSide)
	}
	return nil
}

// decode reads the image; of a GIF the first frame, on the whole canvas.
func decode(kind string, b []byte) (image.Image, error) {
	r := bytes.NewReader(b)
	switch kind {
	case PNG:
		return png.Decode(r)
	case JPEG:
		return jpeg.Decode(r)
	case WebP:
		return webp.Decode(r)
	}
	config, err := gif.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	frame, err := gif.Decode(r)
	if err != nil {
		return nil, err
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, config.Width, config.Height))
	draw.Draw(canvas, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return canvas, nil
}

func unreadable(kind string, err error) error {
	e := errs.InvalidField("file", "this begins like a %s and cannot be read as one: it is damaged or cut off", names[kind])
	e.Err = err
	return e
}

// turned gives the image as it is meant to be seen (Exif 2.32 §4.6.4, Orientation).
func turned(img image.Image, orientation int) image.Image {
	if orientation == 1 {
		return img
	}
	size := img.Bounds().Size()
	w, h := size.X, size.Y
	tw, th := w, h
	if orientation >= 5 {
		tw, th = h, w
	}
	if gray, ok := img.(*image.Gray); ok {
		out := image.NewGray(image.Rect(0, 0, tw, th))
		turnPixels(out.Pix, gray.Pix, 1, w, h, tw, gray.Stride, orientation)
		return out
	}
	from := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(from, from.Bounds(), img, img.Bounds().Min, draw.Src)
	out := image.NewNRGBA(image.Rect(0, 0, tw, th))
	turnPixels(out.Pix, from.Pix, 4, w, h, tw, from.Stride, orientation)
	return out
}

// turnPixels copies pixels of some bytes each; the target is tw wide and has no gaps.
func turnPixels(to, from []byte, bytes, w, h, tw, stride, orientation int) {
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			at := (ty*tw + tx) * bytes
			copy(to[at:at+bytes], from[y*stride+x*bytes:])
		}
	}
}

// encodeTurned writes a JPEG anew. A profile for ink does not fit what is written, which has light; the decoder made it so.
func encodeTurned(img image.Image, profile []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: turnQuality}); err != nil {
		return nil, fmt.Errorf("writing the turned image: %w", err)
	}
	if len(profile) == 0 || !profileFits(img, profile) {
		return out.Bytes(), nil
	}
	return withProfile(out.Bytes(), profile), nil
}

// profileFits compares the colour space that a profile is for (ICC.1:2022 §7.2.6) with that of the image.
func profileFits(img image.Image, profile []byte) bool {
	const head = 4 + 14 // marker and length, "ICC_PROFILE", number and count
	if len(profile) < head+20 {
		return false
	}
	space := string(profile[head+16 : head+20])
	if _, gray := img.(*image.Gray); gray {
		return space == "GRAY"
	}
	return space == "RGB "
}

// thumbnail makes a small image: PNG where one can see through it, else JPEG.
func thumbnail(img image.Image) (body []byte, contentType string, err error) {
	size := img.Bounds().Size()
	w, h := size.X, size.Y
	if longest := max(w, h); longest > thumbSide {
		w, h = max(1, w*thumbSide/longest), max(1, h*thumbSide/longest)
	}
	small := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	var out bytes.Buffer
	if opaque(small) {
		contentType, err = JPEG, jpeg.Encode(&out, small, &jpeg.Options{Quality: thumbQuality})
	} else {
		contentType, err = PNG, png.Encode(&out, small)
	}
	if err != nil {
		return nil, "", fmt.Errorf("making the thumbnail: %w", err)
	}
	return out.Bytes(), contentType, nil
}

func opaque(img *image.NRGBA) bool {
	for i := 3; i < len(img.Pix); i += 4 {
		if img.Pix[i] != 0xff {
			return false
		}
	}
	return true
}
