package peers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postrider/events/mailbox"
)

const (
	password = "s3cret"
	patience = time.Minute // bounds every wait of these tests
)

// dovecotConf serves maildirs over both protocols. %d are the ports of IMAP, IMAP over TLS, POP3 and POP3 over TLS.
const dovecotConf = `
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[2]s
ssl_key = <%[3]s
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:%[1]s/mail/%%u
mail_max_userip_connections = 3
first_valid_uid = 1
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = static
  args = password=` + password + `
}
userdb {
  driver = static
  args = uid=%[4]s gid=%[5]s home=%[1]s/mail/%%u
}
service imap-login {
  inet_listener imap {
    port = %[6]d
  }
  inet_listener imaps {
    port = %[7]d
    ssl = yes
  }
}
service pop3-login {
  inet_listener pop3 {
    port = %[8]d
  }
  inet_listener pop3s {
    port = %[9]d
    ssl = yes
  }
}
%[10]s
`

// dovecot is a running server. Any user may log in with the password and has a mailbox of its own.
type dovecot struct {
	dir   string
	ports map[string]int // by protocol and TLS
	roots *x509.CertPool
	owner *user.User
	n     int
	mu    sync.Mutex
}

// startDovecot starts a server with lines added to its configuration.
func startDovecot(t *testing.T, more string) *dovecot {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("Dovecot gives up root for users of its own: run these tests as root (make test does in a container)")
	}
	binary := "/usr/sbin/dovecot"
	if _, err := os.Stat(binary); err != nil {
		t.Fatal("there is no dovecot: scripts/need.sh dovecot provides it")
	}
	// A short path: the names of sockets must be.
	dir, err := os.MkdirTemp("", "dove")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	owner, err := user.Lookup("mail")
	if err != nil {
		t.Fatal(err)
	}
	d := &dovecot{dir: dir, owner: owner}
	check(t, os.Chmod(dir, 0o755))
	d.own(t, filepath.Join(dir, "mail"))
	cert, key, roots := certificate(t, dir)
	d.roots = roots
	p := freePorts(t, 4)
	d.ports = map[string]int{
		mailbox.IMAP + mailbox.TLSStartTLS: p[0], mailbox.IMAP + mailbox.TLSNone: p[0], mailbox.IMAP + mailbox.TLSImplicit: p[1],
		mailbox.POP3 + mailbox.TLSStartTLS: p[2], mailbox.POP3 + mailbox.TLSNone: p[2], mailbox.POP3 + mailbox.TLSImplicit: p[3],
	}
	conf := filepath.Join(dir, "conf")
	check(t, os.WriteFile(conf, fmt.Appendf(nil, dovecotConf, dir, cert, key, owner.Uid, owner.Gid, p[0], p[1], p[2], p[3], more), 0o644))
	d.serve(t, binary, conf)
	if strings.Contains(more, "ssl = no") {
		p = []int{p[0], p[2]}
	}
	for _, port := range p {
		until(t, "port "+strconv.Itoa(port), func() bool {
			c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		})
	}
	return d
}

// serve runs the server in a process group of its own and ends the group with the test.
func (d *dovecot) serve(t *testing.T, binary, conf string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(binary, "-F", "-c", conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			b, _ := os.ReadFile(filepath.Join(d.dir, "log"))
			t.Logf("dovecot said:\n%s%s", said.String(), b)
		}
	})
}

// own makes a folder of the server's user.
func (d *dovecot) own(t *testing.T, path string) {
	t.Helper()
	check(t, os.MkdirAll(path, 0o755))
	uid, _ := strconv.Atoi(d.owner.Uid)
	gid, _ := strconv.Atoi(d.owner.Gid)
	check(t, os.Chown(path, uid, gid))
}

// account is one mailbox at the server.
type account struct {
	d    *dovecot
	name string
}

func (d *dovecot) account(t *testing.T, name string) account {
	t.Helper()
	root := filepath.Join(d.dir, "mail", name)
	d.own(t, root)
	for _, sub := range []string{"cur", "new", "tmp"} {
		d.own(t, filepath.Join(root, sub))
	}
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
	root := filepath.Join(a.d.dir, "mail", a.name)
	tmp := filepath.Join(root, "tmp", name)
	check(t, os.WriteFile(tmp, []byte(raw), 0o644))
	uid, _ := strconv.Atoi(a.d.owner.Uid)
	gid, _ := strconv.Atoi(a.d.owner.Gid)
	check(t, os.Chown(tmp, uid, gid))
	check(t, os.Rename(tmp, filepath.Join(root, "new", name)))
}

// holds gives the subjects in a folder, sorted, with a mark behind those that were marked as seen. Folder "" is the inbox.
func (a account) holds(t *testing.T, folder string) []string {
	t.Helper()
	root := filepath.Join(a.d.dir, "mail", a.name)
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
		if err := os.Remove(filepath.Join(a.d.dir, "mail", a.name, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// input is a mailbox that reads the account.
func (a account) input(protocol, tls string) mailbox.Input {
	secret := password
	return mailbox.Input{Name: a.name + " by " + protocol + " " + tls, Protocol: protocol, Host: "127.0.0.1", Port: a.d.ports[protocol+tls], TLS: tls, Username: a.name, Password: &secret}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freePorts are ports on loopback that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		defer func() { _ = ln.Close() }()
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still waiting for %s after %s", what, patience)
		}
	}
}

// certificate writes key and certificate for 127.0.0.1 into dir and gives what trusts it.
func certificate(t *testing.T, dir string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, priv.Public(), priv)
	check(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	check(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	check(t, os.WriteFile(cert, certPEM, 0o644))
	check(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return cert, key, pool
}
