package daemon

import (
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
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// DovecotPassword is that of every user of a Dovecot that a test starts.
const DovecotPassword = "s3cret"

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
  args = password=` + DovecotPassword + `
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

// Dovecot is a running server. Any user may log in and has a mailbox of its own.
type Dovecot struct {
	Dir                      string
	IMAP, IMAPS, POP3, POP3S int            // ports on 127.0.0.1
	Roots                    *x509.CertPool // what its certificate is trusted by
	Owner                    *user.User     // of the mail
}

// StartDovecot starts a server with lines added to its configuration.
func StartDovecot(t testing.TB, more string) *Dovecot {
	t.Helper()
	binary := "/usr/sbin/dovecot"
	if _, err := os.Stat(binary); err != nil {
		t.Fatal("there is no dovecot: scripts/need.sh dovecot provides it")
	}
	d := &Dovecot{Dir: Folder(t)}
	d.Owner = Give(t, filepath.Join(d.Dir, "mail"), "mail")
	d.IMAP, d.IMAPS = FreePorts(t)
	d.POP3, d.POP3S = FreePorts(t)
	var cert, key string
	cert, key, d.Roots = certificate(t, d.Dir)
	conf := filepath.Join(d.Dir, "conf")
	Write(t, conf, fmt.Sprintf(dovecotConf, d.Dir, cert, key, d.Owner.Uid, d.Owner.Gid, d.IMAP, d.IMAPS, d.POP3, d.POP3S, more))
	Serve(t, filepath.Join(d.Dir, "log"), binary, "-F", "-c", conf)
	if strings.Contains(more, "ssl = no") {
		Listening(t, d.IMAP, d.POP3)
	} else {
		Listening(t, d.IMAP, d.IMAPS, d.POP3, d.POP3S)
	}
	return d
}

// Account makes the mailbox of a user and gives its folder, a maildir.
func (d *Dovecot) Account(t testing.TB, name string) string {
	t.Helper()
	root := filepath.Join(d.Dir, "mail", name)
	for _, sub := range []string{"", "cur", "new", "tmp"} {
		Give(t, filepath.Join(root, sub), d.Owner.Username)
	}
	return root
}

// certificate writes key and certificate for 127.0.0.1 into dir and gives what trusts it.
func certificate(t testing.TB, dir string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	noError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, priv.Public(), priv)
	noError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	noError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	noError(t, os.WriteFile(cert, certPEM, 0o644))
	noError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return cert, key, pool
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
