package listener

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func read(in io.Reader, most, flood int64) (text, rest string, err error) {
	var to bytes.Buffer
	r := bufio.NewReaderSize(in, 16)
	err = readData(&to, r, most, flood)
	left, _ := io.ReadAll(r)
	return to.String(), string(left), err
}

func TestReadDataEndsAtCRLFDotCRLFOnly(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 15)
	tests := map[string]string{ // what is sent before the end, and what is kept
		"":                                 "",
		"a\r\n":                            "a\r\n",
		"..a\r\n...\r\n":                   ".a\r\n..\r\n",
		".a\r\n":                           "a\r\n",
		"a\n.\n":                           "a\n.\n",
		"a\n.\r\nb\r\n":                    "a\n.\r\nb\r\n",
		"a\r.\rb\r\n":                      "a\r.\rb\r\n",
		"a\r.\r\nb\r\n":                    "a\r.\r\nb\r\n",
		"a\r\n.\nb\r\n":                    "a\r\n\nb\r\n",
		"a\r\n.\rb\r\n":                    "a\r\n\rb\r\n",
		"a\r\r\n":                          "a\r\r\n",
		"\x00\xff\r\n":                     "\x00\xff\r\n",
		long + "\r\n":                      long + "\r\n", // the CR is the last byte that the buffer holds
		long + "\r\n..\r\n":                long + "\r\n.\r\n",
		long + "x.\r\n":                    long + "x.\r\n", // a dot at the start of a buffer, but not of a line
		long + "x\n.\r\n" + "\r\n":         long + "x\n.\r\n" + "\r\n",
		strings.Repeat("y", 1000) + "\r\n": strings.Repeat("y", 1000) + "\r\n",
	}
	for sent, want := range tests {
		if !strings.HasSuffix(sent, "\r\n") && sent != "" {
			sent, want = sent+"\r\n", want+"\r\n"
		}
		for name, in := range map[string]io.Reader{"at once": strings.NewReader(sent + ".\r\nQUIT\r\n"), "by bytes": iotest.OneByteReader(strings.NewReader(sent + ".\r\nQUIT\r\n"))} {
			text, rest, err := read(in, 10_000, 10_000)
			if err != nil || text != want || rest != "QUIT\r\n" {
				t.Errorf("%q %s: %q, then %q, %v; want %q", sent, name, text, rest, err, want)
			}
		}
	}
}

func TestReadDataIsBounded(t *testing.T) {
	t.Parallel()
	if _, rest, err := read(strings.NewReader("12345678\r\n.\r\nQUIT"), 10, 100); err != nil || rest != "QUIT" {
		t.Errorf("a message of the largest size: %v, then %q", err, rest)
	}
	if text, rest, err := read(strings.NewReader("123456789\r\n.\r\nQUIT"), 10, 100); !errors.Is(err, errTooLarge) || rest != "QUIT" || len(text) > 10 {
		t.Errorf("a larger one: %v, kept %q, then %q", err, text, rest)
	}
	if text, _, err := read(strings.NewReader(strings.Repeat("x", 1000)), 10, 100); !errors.Is(err, errFlood) || len(text) > 10 {
		t.Errorf("an endless one: %v, kept %q", err, text)
	}
	if _, _, err := read(strings.NewReader("abc\r\n."), 10, 100); !errors.Is(err, io.EOF) {
		t.Errorf("one that breaks off: %v", err)
	}
}
