package smtpconn

import (
	"bufio"
	"strings"
	"testing"

	"github.com/wneessen/go-mail/smtp"
)

func serverInfo(mechs ...string) *smtp.ServerInfo {
	return &smtp.ServerInfo{Name: "mail.example", Auth: mechs}
}

func TestReadReply(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   string
		code int
		text string
	}{
		"one line":         {"250 ok\r\n", 250, "ok"},
		"several":          {"550-5.1.1 a\r\n550-\r\n550 b\r\n", 550, "5.1.1 a\nb"},
		"code only":        {"250\r\n", 250, ""},
		"LF only":          {"250 ok\n", 250, "ok"},
		"8-bit":            {"550 caf\xe9\r\n", 550, "caf\xe9"},
		"garbage":          {"hello\r\n", 0, ""},
		"code out of area": {"650 x\r\n", 0, ""},
		"codes differ":     {"250-a\r\n550 b\r\n", 0, ""},
		"no separator":     {"250x\r\n", 0, ""},
		"cut off":          {"250-a\r\n", 0, ""},
		"endless":          {strings.Repeat("250-a line that goes on\r\n", 4000), 0, ""},
		"endless line":     {"250 " + strings.Repeat("x", 100000), 0, ""},
	}
	for name, tc := range tests {
		c := &Conn{r: bufio.NewReader(strings.NewReader(tc.in))}
		code, text, err := c.readReply()
		if code != tc.code || string(text) != tc.text || (err != nil) != (tc.code == 0) {
			t.Errorf("%s: %d %q %v", name, code, text, err)
		}
	}
}
