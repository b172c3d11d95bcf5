package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postrider/events/mailbox"
	"postrider/internal/daemon"
)

// dovecot is a running server.
type dovecot struct {
	*daemon.Dovecot
	ports map[string]int // by protocol and TLS
	n     int
	mu    sync.Mutex
}

// startDovecot starts a server with lines added to its configuration.
func startDovecot(t *testing.T, more string) *dovecot {
	t.Helper()
	d := daemon.StartDovecot(t, more)
	return &dovecot{Dovecot: d, ports: map[string]int{
		mailbox.IMAP + mailbox.TLSStartTLS: d.IMAP, mailbox.IMAP + mailbox.TLSNone: d.IMAP, mailbox.IMAP + mailbox.TLSImplicit: d.IMAPS,
		mailbox.POP3 + mailbox.TLSStartTLS: d.POP3, mailbox.POP3 + mailbox.TLSNone: d.POP3, mailbox.POP3 + mailbox.TLSImplicit: d.POP3S,
	}}
}

// account is one mailbox at the server.
type account struct {
	d    *dovecot
	name string
}

func (d *dovecot) account(t *testing.T, name string) account {
	t.Helper()
	d.Account(t, name)
	return account{d, name}
}

// deliver puts messages into the inbox, as a mail server does. A message is its subject; the rest is the same.
func (a account) deliver(t *testing.T, subjects ...string) {
	t.Helper()
	for _, subject := range subjects {
		a.deliverRaw(t, "From: mailer-daemon@example.org\r\nTo: bounces@example.org\r\nSubject: "+subject+"\r\n\r\nIt could not be delivered.\r\n.hidden\r\n")
	}
}

func (a account) deliverRaw(t *testing.T, raw string) {
	t.Helper()
	a.d.mu.Lock()
	a.d.n++
	name := fmt.Sprintf("%d.M%06d.test", time.Now().Unix(), a.d.n)
	a.d.mu.Unlock()
	root := filepath.Join(a.d.Dir, "mail", a.name)
	tmp := filepath.Join(root, "tmp", name)
	check(t, os.WriteFile(tmp, []byte(raw), 0o644))
	uid, _ := strconv.Atoi(a.d.Owner.Uid)
	gid, _ := strconv.Atoi(a.d.Owner.Gid)
	check(t, os.Chown(tmp, uid, gid))
	check(t, os.Rename(tmp, filepath.Join(root, "new", name)))
}

// holds gives the subjects in a folder, sorted, with a mark behind those that were marked as seen. Folder "" is the inbox.
func (a account) holds(t *testing.T, folder string) []string {
	t.Helper()
	root := filepath.Join(a.d.Dir, "mail", a.name)
	if folder != "" {
		root = filepath.Join(root, "."+folder)
	}
	var subjects []string
	for _, sub := range []string{"new", "cur"} {
		files, err := filepath.Glob(filepath.Join(root, sub, "*"))
		check(t, err)
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				return nil // it is being moved
			}
			_, rest, _ := strings.Cut(string(b), "Subject: ")
			subject, _, _ := strings.Cut(rest, "\r\n")
			if _, flags, ok := strings.Cut(filepath.Base(f), ":2,"); ok && strings.Contains(flags, "S") {
				subject += " (seen)"
			}
			subjects = append(subjects, subject)
		}
	}
	return sorted(subjects)
}

// forgetUIDs has the server number all messages anew, as after a restore from a backup. Nobody may be connected.
func (a account) forgetUIDs(t *testing.T) {
	t.Helper()
	for _, name := range []string{"dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache", "dovecot.index.log.2"} {
		if err := os.Remove(filepath.Join(a.d.Dir, "mail", a.name, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// input is a mailbox that reads the account.
func (a account) input(protocol, tls string) mailbox.Input {
	secret := daemon.DovecotPassword
	return mailbox.Input{Name: a.name + " by " + protocol + " " + tls, Protocol: protocol, Host: "127.0.0.1", Port: a.d.ports[protocol+tls], TLS: tls, Username: a.name, Password: &secret}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
