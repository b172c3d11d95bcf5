package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// eximConf takes mail from who has logged in and puts it into one maildir. It runs as
// its own user from the start, which is all that a daemon with a configuration of its
// own may do.
const eximConf = `
exim_path = %[8]s
primary_hostname = exim.example
spool_directory = %[1]s/spool
log_file_path = %[1]s/log/%%slog
pid_file_path = %[1]s/log/pid
local_interfaces = <; 127.0.0.1
daemon_smtp_ports = %[4]d : %[5]d
tls_on_connect_ports = %[5]d
tls_certificate = %[2]s
tls_privatekey = %[3]s
tls_advertise_hosts = *
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
pipelining_advertise_hosts = *
chunking_advertise_hosts = *
host_lookup =
dkim_verify_signers =
rfc1413_hosts =
deliver_drop_privilege = true
keep_environment =
never_users =
acl_smtp_rcpt = rcpt

begin acl
rcpt:
  accept authenticated = *
  deny

begin routers
all:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = %[1]s/mail
  maildir_format
  user = %[6]s
  group = %[7]s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{news@peers.example}}{eq{$auth3}{s3cret}}}}
  server_set_id = $auth2
`

// eximBinary is the installed one, or the one that scripts/need.sh has unpacked:
// Debian does not let Exim and Postfix be installed together.
func eximBinary(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/usr/sbin/exim4", filepath.Join(cache, "postrider-test", "exim4", "usr/sbin/exim4")} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("there is no exim4: scripts/need.sh exim provides it")
	return ""
}

func startExim(t *testing.T) *peer {
	t.Helper()
	dir := folder(t)
	p := &peer{maildir: filepath.Join(dir, "mail")}
	cert, key, pool := certificate(t, dir)
	p.authorities = pool
	p.startTLS, p.implicit = freePorts(t)
	owner := give(t, dir, "Debian-exim")
	for _, sub := range []string{"mail", "spool", "log"} {
		give(t, filepath.Join(dir, sub), "Debian-exim")
	}
	conf := filepath.Join(dir, "conf")
	exim := eximBinary(t)
	write(t, conf, fmt.Sprintf(eximConf, dir, cert, key, p.startTLS, p.implicit, owner.Uid, owner.Gid, exim))
	serve(t, filepath.Join(dir, "log", "mainlog"), exim, "-C", conf, "-bdf")
	p.listening(t)
	return p
}
