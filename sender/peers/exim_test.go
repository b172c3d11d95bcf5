package peers

import (
	"fmt"
	"path/filepath"
	"testing"

	"postrider/internal/daemon"
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

func startExim(t *testing.T) *peer {
	t.Helper()
	dir := daemon.Folder(t)
	p := &peer{maildir: filepath.Join(dir, "mail")}
	cert, key, pool := certificate(t, dir)
	p.authorities = pool
	p.startTLS, p.implicit = daemon.FreePorts(t)
	owner := daemon.Give(t, dir, "Debian-exim")
	for _, sub := range []string{"mail", "spool", "log"} {
		daemon.Give(t, filepath.Join(dir, sub), "Debian-exim")
	}
	conf := filepath.Join(dir, "conf")
	exim := daemon.Exim(t)
	daemon.Write(t, conf, fmt.Sprintf(eximConf, dir, cert, key, p.startTLS, p.implicit, owner.Uid, owner.Gid, exim))
	daemon.Serve(t, filepath.Join(dir, "log", "mainlog"), exim, "-C", conf, "-bdf")
	p.listening(t)
	return p
}
