package smtpconn

import (
	"bufio"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"net"
	"strings"
	"testing"
)

// scramServer knows one user and answers one session as RFC 5802 §5 says. It reports what it was told, "" when the proof was right.
type scramServer struct {
	hash     func() hash.Hash
	password string
	r        *bufio.Reader
	w        net.Conn
}

func (s *scramServer) line() string {
	line, err := s.r.ReadString('\n')
	if err != nil {
		return ""
	}
	return strings.TrimRight(line, "\r\n")
}

func (s *scramServer) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.w, format+"\r\n", args...)
}

func (s *scramServer) challenge(text string) string {
	s.say("334 %s", base64.StdEncoding.EncodeToString([]byte(text)))
	answer, err := base64.StdEncoding.DecodeString(s.line())
	if err != nil {
		return ""
	}
	return string(answer)
}

func (s *scramServer) mac(key []byte, text string) []byte {
	m := hmac.New(s.hash, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// serve runs a session up to the verdict and reports whether the proof was right.
func (s *scramServer) serve(mechanism string) (right bool, err error) {
	s.say("220 scram ESMTP")
	s.line()
	s.say("250-scram\r\n250 AUTH %s", mechanism)
	verb, initial, _ := strings.Cut(strings.TrimPrefix(s.line(), "AUTH "), " ")
	if verb != mechanism {
		return false, fmt.Errorf("AUTH %s", verb)
	}
	first := ""
	if initial == "" {
		first = s.challenge("")
	} else if b, err := base64.StdEncoding.DecodeString(initial); err == nil {
		first = string(b)
	}
	bare := strings.TrimPrefix(first, "n,,")
	_, nonce, _ := strings.Cut(bare, ",r=")
	const salt, rounds = "some-salt", 4096
	challenge := fmt.Sprintf("r=%sserver,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString([]byte(salt)), rounds)
	final := s.challenge(challenge)
	without, proof, _ := strings.Cut(final, ",p=")
	salted, err := pbkdf2.Key(s.hash, s.password, []byte(salt), rounds, s.hash().Size())
	if err != nil {
		return false, err
	}
	clientKey := s.mac(salted, "Client Key")
	stored := s.hash()
	stored.Write(clientKey)
	whole := bare + "," + challenge + "," + without
	signature := s.mac(stored.Sum(nil), whole)
	for i := range signature {
		signature[i] ^= clientKey[i]
	}
	if !strings.Contains(bare, "n=ann,") || base64.StdEncoding.EncodeToString(signature) != proof {
		s.say("535 5.7.8 wrong")
		return false, nil
	}
	s.challenge("v=" + base64.StdEncoding.EncodeToString(s.mac(s.mac(salted, "Server Key"), whole)))
	s.say("235 2.7.0 welcome")
	return true, nil
}

func TestScram(t *testing.T) {
	t.Parallel()
	for kind, newHash := range map[AuthKind]func() hash.Hash{AuthSCRAMSHA1: sha1.New, AuthSCRAMSHA256: sha256.New} {
		for password, right := range map[string]bool{"s3cret": true, "wr0ng": false} {
			t.Run(string(kind)+" "+password, func(t *testing.T) {
				t.Parallel()
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				verdict := make(chan error, 1)
				go func() {
					nc, err := ln.Accept()
					if err != nil {
						verdict <- err
						return
					}
					defer nc.Close()
					s := &scramServer{hash: newHash, password: "s3cret", r: bufio.NewReader(nc), w: nc}
					ok, err := s.serve(strings.ToUpper(string(kind)))
					if err == nil && ok != right {
						err = fmt.Errorf("the proof was right: %v", ok)
					}
					verdict <- err
					s.line() // QUIT
				}()
				d := Dialer{Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, Auth: kind, Username: "ann", Password: password}
				c, err := d.Dial(t.Context())
				if c != nil {
					c.Quit()
				}
				if (err == nil) != right {
					t.Errorf("dialing: %v", err)
				}
				if err := <-verdict; err != nil {
					t.Error(err)
				}
			})
		}
	}
}
