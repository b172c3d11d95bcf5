package smtptest

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

const badLogin = "535 5.7.8 Username and Password not accepted"

// auth handles PLAIN, LOGIN, CRAM-MD5 and XOAUTH2.
func (c *conn) auth(arg string) error {
	mech, initial, _ := strings.Cut(arg, " ")
	ok, err := false, error(nil)
	switch strings.ToUpper(mech) {
	case "PLAIN":
		ok, err = c.plain(initial)
	case "LOGIN":
		ok, err = c.login()
	case "CRAM-MD5":
		ok, err = c.cramMD5()
	case "XOAUTH2":
		ok, err = c.xoauth2(initial)
	default:
		return c.reply("504 5.5.4 unrecognized authentication type")
	}
	if err != nil {
		return err
	}
	if !ok {
		return c.answer(AtAuth, "", badLogin)
	}
	if err := c.answer(AtAuth, "", "235 2.7.0 accepted"); err != nil {
		return err
	}
	c.authed = true
	return nil
}

// ask sends a challenge and decodes the response.
func (c *conn) ask(challenge string) (string, error) {
	if err := c.reply("334 " + base64.StdEncoding.EncodeToString([]byte(challenge))); err != nil {
		return "", err
	}
	line, err := c.line()
	if err != nil {
		return "", err
	}
	return decode(line), nil
}

// decode is the plain form of a response; what is not base64 never logs in.
func decode(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(b)
}

func (c *conn) check(user, password string) bool {
	want, ok := c.s.cfg.Users[user]
	return ok && want == password
}

func (c *conn) plain(initial string) (bool, error) {
	resp := decode(initial)
	if initial == "" {
		var err error
		if resp, err = c.ask(""); err != nil {
			return false, err
		}
	}
	parts := strings.Split(resp, "\x00")
	return len(parts) == 3 && c.check(parts[1], parts[2]), nil
}

func (c *conn) login() (bool, error) {
	user, err := c.ask("Username:")
	if err != nil {
		return false, err
	}
	password, err := c.ask("Password:")
	return c.check(user, password), err
}

func (c *conn) cramMD5() (bool, error) {
	const challenge = "<1.2@smtptest>"
	resp, err := c.ask(challenge)
	if err != nil {
		return false, err
	}
	user, digest, _ := strings.Cut(resp, " ")
	password, ok := c.s.cfg.Users[user]
	mac := hmac.New(md5.New, []byte(password))
	mac.Write([]byte(challenge))
	return ok && digest == hex.EncodeToString(mac.Sum(nil)), nil
}

// xoauth2 reads "user=U^Aauth=Bearer T^A^A"; after a wrong token the client gets
// the error as a challenge first, as Gmail does.
func (c *conn) xoauth2(initial string) (bool, error) {
	user, token := "", ""
	for _, f := range strings.Split(decode(initial), "\x01") {
		if v, ok := strings.CutPrefix(f, "user="); ok {
			user = v
		}
		if v, ok := strings.CutPrefix(f, "auth=Bearer "); ok {
			token = v
		}
	}
	if c.check(user, token) {
		return true, nil
	}
	_, err := c.ask(`{"status":"400","schemes":"Bearer"}`)
	return false, err
}
