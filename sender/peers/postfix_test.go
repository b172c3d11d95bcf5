package peers

import (
	"fmt"
	"path/filepath"
	"testing"

	"postrider/internal/daemon"
)

// postfixMain takes mail from who has logged in, for one domain, into one maildir.
const postfixMain = `
compatibility_level = 3.6
queue_directory = %[1]s/q
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
mynetworks =
alias_maps =
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = %[2]s
smtpd_tls_key_file = %[3]s
smtpd_tls_session_cache_database =
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = peers.example
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
virtual_mailbox_domains = reader.example
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:%[4]s
virtual_gid_maps = static:%[5]s
virtual_minimum_uid = 1
`

// postfixMaster is the services that this takes, none of them in a chroot.
const postfixMaster = `
127.0.0.1:%d inet n - n - - smtpd
127.0.0.1:%d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`

const postfixSASL = `pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: %s
`

func startPostfix(t *testing.T) *peer {
	t.Helper()
	dir := daemon.Folder(t)
	p := &peer{maildir: filepath.Join(dir, "mail", "all")}
	cert, key, pool := certificate(t, dir)
	p.authorities = pool
	p.startTLS, p.implicit = daemon.FreePorts(t)
	owner := daemon.Give(t, filepath.Join(dir, "mail"), "mail")
	daemon.Give(t, filepath.Join(dir, "data"), "postfix")
	daemon.Write(t, filepath.Join(dir, "etc", "main.cf"), fmt.Sprintf(postfixMain, dir, cert, key, owner.Uid, owner.Gid))
	daemon.Write(t, filepath.Join(dir, "etc", "master.cf"), fmt.Sprintf(postfixMaster, p.startTLS, p.implicit))
	users := filepath.Join(dir, "users")
	// Debian looks for this file beside main.cf, whatever cyrus_sasl_config_path says.
	daemon.Write(t, filepath.Join(dir, "etc", "sasl", "smtpd.conf"), fmt.Sprintf(postfixSASL, users))
	daemon.Run(t, []byte(password), "saslpasswd2", "-p", "-c", "-f", users, "-u", realm, login)
	daemon.Run(t, nil, "chown", "postfix", users)
	daemon.Run(t, nil, "mkdir", filepath.Join(dir, "q"))
	daemon.Run(t, nil, "postfix", "-c", filepath.Join(dir, "etc"), "check")
	daemon.Serve(t, filepath.Join(dir, "log"), daemon.PostfixMaster, "-c", filepath.Join(dir, "etc"), "-d")
	p.listening(t)
	return p
}
