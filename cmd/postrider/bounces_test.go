package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"postrider/internal/daemon"
	"postrider/sender/smtptest"
)

// relayPostfix takes mail from this machine for everybody, and finds out later who is not there, as servers do that bounce. Readers of example.org are at
// the server that plays the outside world; one of them would be here, and is not. Bounces go where %[3]s says.
const relayPostfix = `
compatibility_level = 3.6
queue_directory = %[1]s/q
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
smtpd_recipient_restrictions = permit_mynetworks, reject
virtual_mailbox_base = %[4]s
virtual_mailbox_maps = inline:{ { @bounces.example.org = bounces/ } }
virtual_uid_maps = static:8
virtual_gid_maps = static:8
virtual_minimum_uid = 1
transport_maps = inline:{ { bounces.example.org = %[3]s } { %[2]s = virtual: } { example.org = smtp:[127.0.0.1]:%[5]d } }
`

const relayPostfixMaster = `
127.0.0.1:%d inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// relayExim does the same as Exim does it; bounces go to our port, by SMTP.
const relayExim = `
exim_path = %[1]s
primary_hostname = exim.example
spool_directory = %[2]s/spool
log_file_path = %[2]s/log/%%slog
pid_file_path = %[2]s/log/pid
local_interfaces = <; 127.0.0.1
daemon_smtp_ports = %[3]d
tls_advertise_hosts =
host_lookup =
dkim_verify_signers =
rfc1413_hosts =
deliver_drop_privilege = true
keep_environment =
never_users =
acl_smtp_rcpt = accept

begin acl
accept:
  accept

begin routers
bounces:
  driver = manualroute
  domains = bounces.example.org
  route_list = * 127.0.0.1
  self = send
  transport = to_us
readers:
  driver = manualroute
  domains = example.org
  local_parts = ! %[4]s
  route_list = * 127.0.0.1
  self = send
  transport = outside

begin transports
to_us:
  driver = smtp
  port = %[5]d
  allow_localhost
  hosts_try_dane =
outside:
  driver = smtp
  port = %[6]d
  allow_localhost
  hosts_try_dane =
`

// postfixRelay starts a Postfix and gives its port. absent is the reader whom it does not find, bounces the transport of what comes back, maildirs where it may put it,
// outside the port of everybody else's server.
func postfixRelay(t *testing.T, absent, bounces, maildirs string, outside int) int {
	dir := daemon.Folder(t)
	port, _ := daemon.FreePorts(t)
	daemon.Give(t, filepath.Join(dir, "data"), "postfix")
	etc := filepath.Join(dir, "etc")
	daemon.Write(t, filepath.Join(etc, "main.cf"), fmt.Sprintf(relayPostfix, dir, absent, bounces, maildirs, outside))
	daemon.Write(t, filepath.Join(etc, "master.cf"), fmt.Sprintf(relayPostfixMaster, port))
	must(t, os.Mkdir(filepath.Join(dir, "q"), 0o755))
	daemon.Run(t, nil, "postfix", "-c", etc, "check")
	daemon.Serve(t, filepath.Join(dir, "log"), daemon.PostfixMaster, "-c", etc, "-d")
	daemon.Listening(t, port)
	return port
}

// eximRelay starts an Exim and gives its port.
func eximRelay(t *testing.T, absent string, bounces, outside int) int {
	dir := daemon.Folder(t)
	port, _ := daemon.FreePorts(t)
	for _, sub := range []string{"", "spool", "log"} {
		daemon.Give(t, filepath.Join(dir, sub), "Debian-exim")
	}
	// It starts itself again to write a bounce, as its own user, who cannot reach the cache of root.
	exim, conf := filepath.Join(dir, "exim4"), filepath.Join(dir, "conf")
	daemon.Run(t, nil, "install", "-m", "755", daemon.Exim(t), exim)
	local, _, _ := strings.Cut(absent, "@")
	daemon.Write(t, conf, fmt.Sprintf(relayExim, exim, dir, port, local, bounces, outside))
	daemon.Serve(t, filepath.Join(dir, "log", "mainlog"), exim, "-C", conf, "-bdf")
	daemon.Listening(t, port)
	return port
}

// TestBouncesOfRealServersComeBack: a campaign goes to Postfix and one to Exim, which take it and find out later that readers do not exist. What they
// write about it comes to the bounce domain's listener, by LMTP and by SMTP; each delivery is found, and exactly the people are suppressed who are not there.
func TestBouncesOfRealServersComeBack(t *testing.T) {
	t.Parallel()
	far := outsideWorld(t, 0, 4)
	r := &run{t: t, dir: scratch(t), people: 4, connections: 2}
	socket := filepath.Join(r.dir, "lmtp")
	p := r.program("serve", "--bounce-listen", "127.0.0.1:0", "--bounce-lmtp", "unix:"+socket, "--bounce-hostname", "mx.example.org")
	listener := p.logged(t, "bounces are taken", "smtp")
	_, port, err := net.SplitHostPort(listener)
	must(t, err)
	var bounces int
	_, err = fmt.Sscan(port, &bounces)
	must(t, err)

	absent := readers(0)[3]
	sink := postfixRelay(t, absent, "lmtp:unix:"+socket, t.TempDir(), far.Port())
	r.campaign, err = prepareBench(t.Context(), r.api, &demoScreen{w: io.Discard}, benchSetup{people: 4, sink: fmt.Sprintf("127.0.0.1:%d", sink), connections: 2, dkim: "off"})
	must(t, err)
	r.startOnly()
	r.wantBounces("Postfix", "listener", readers(0), "user_unknown", "unknown user")

	sink = eximRelay(t, readers(4)[3], bounces, far.Port())
	r.campaign = r.another(4, sink)
	r.startOnly()
	r.wantBounces("Exim", "listener", readers(4), "domain_not_found", "Unrouteable address") // which Exim says of unknown users and of unknown domains alike

	// The doctor sees that the listener takes bounces.
	cmd := exec.Command(os.Args[0], "doctor", "--offline", "--json", "--data-dir", filepath.Join(r.dir, "serve"), "--bounce-listen", listener, "--bounce-lmtp", "unix:"+socket)
	cmd.Env = append(os.Environ(), runAsProgram+"=1", "DATABASE_URL=", "POSTRIDER_SECRET_KEY="+testKey)
	out, _ := cmd.Output()
	for _, where := range []string{listener, "unix:" + socket} {
		if want := fmt.Sprintf(`{"check":"bounce listener %s","status":"ok","text":"takes bounces to bounces.example.org"}`, where); !strings.Contains(string(out), want) {
			t.Errorf("the doctor does not say %s:\n%s", want, out)
		}
	}
	must(t, p.end(syscall.SIGTERM))
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is left")
	}
	if log := p.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "@example.org") {
		t.Errorf("the log:\n%s", log)
	}
}

// readers are four of the people who are mailed.
func readers(i int) [4]string {
	return [4]string{benchAddress(i), benchAddress(i + 1), benchAddress(i + 2), benchAddress(i + 3)}
}

// outsideWorld is everybody else's server: of each four readers it does not know the second, and the third has a full mailbox.
func outsideWorld(t *testing.T, first ...int) *smtptest.Server {
	t.Helper()
	var replies []smtptest.Option
	for _, at := range first {
		who := readers(at)
		replies = append(replies, smtptest.WithReply(who[1], smtptest.AtRcpt, "550 5.1.1 <"+who[1]+">: Recipient address rejected: User unknown in virtual mailbox table"),
			smtptest.WithReply(who[2], smtptest.AtRcpt, "552 5.2.2 <"+who[2]+">: Recipient address rejected: Mailbox is full"))
	}
	return smtptest.Start(t, replies...)
}

// TestBouncesInAMailboxComeBack: what Postfix writes is put into a mailbox of Dovecot, which the program reads by IMAP, and then by POP3.
func TestBouncesInAMailboxComeBack(t *testing.T) {
	t.Parallel()
	d := daemon.StartDovecot(t, "")
	d.Account(t, "bounces")
	far := outsideWorld(t, 0, 4)
	r := &run{t: t, dir: scratch(t), people: 4, connections: 2}
	p := r.program("serve")
	sink := postfixRelay(t, readers(0)[3], "virtual:", filepath.Join(d.Dir, "mail"), far.Port())
	mailbox := object{"name": "Bounces", "protocol": "imap", "host": "127.0.0.1", "port": d.IMAP, "tls": "none", "username": "bounces", "password": daemon.DovecotPassword}
	var err error
	r.campaign, err = prepareBench(t.Context(), r.api, &demoScreen{w: io.Discard}, benchSetup{people: 4, sink: fmt.Sprintf("127.0.0.1:%d", sink), connections: 2, dkim: "off"})
	must(t, err)
	var box created
	must(t, r.api.call(t.Context(), http.MethodPost, "/mailboxes", mailbox, &box))
	r.startOnly()
	r.wantBounces("IMAP", fmt.Sprintf("mailbox %d", box.ID), readers(0), "user_unknown", "unknown user")
	r.await(func() bool {
		return len(maildir(t, d, "bounces/.Postrider*")) == 3 && len(maildir(t, d, "bounces")) == 0
	})

	must(t, r.api.call(t.Context(), http.MethodPost, fmt.Sprintf("/mailboxes/%d/pause", box.ID), nil, nil))
	mailbox["name"], mailbox["protocol"], mailbox["port"] = "Bounces again", "pop3", d.POP3
	must(t, r.api.call(t.Context(), http.MethodPost, "/mailboxes", mailbox, &box))
	sink = postfixRelay(t, readers(4)[3], "virtual:", filepath.Join(d.Dir, "mail"), far.Port())
	r.campaign = r.another(4, sink)
	r.startOnly()
	r.await(func() bool { return len(maildir(t, d, "bounces")) == 3 })
	must(t, r.api.call(t.Context(), http.MethodPost, fmt.Sprintf("/mailboxes/%d/check", box.ID), nil, nil))
	r.wantBounces("POP3", fmt.Sprintf("mailbox %d", box.ID), readers(4), "user_unknown", "unknown user")
	must(t, p.end(syscall.SIGTERM))
	if log := p.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "@example.org") || strings.Contains(log, daemon.DovecotPassword) {
		t.Errorf("the log:\n%s", log)
	}
}

// maildir gives the messages in folders of Dovecot.
func maildir(t *testing.T, d *daemon.Dovecot, folder string) (files []string) {
	t.Helper()
	for _, sub := range []string{"new", "cur"} {
		found, err := filepath.Glob(filepath.Join(d.Dir, "mail", folder, sub, "*"))
		must(t, err)
		files = append(files, found...)
	}
	return files
}

// logged gives an attribute of a line of the log.
func (c *child) logged(t *testing.T, msg, attribute string) string {
	t.Helper()
	for line := range strings.Lines(c.log.String()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == msg {
			return fmt.Sprint(fields[attribute])
		}
	}
	t.Fatalf("no %q in the log:\n%s", msg, &c.log)
	return ""
}

// another makes a campaign to four more readers through another relay.
func (r *run) another(first, port int) int64 {
	r.t.Helper()
	var list, relay, campaign created
	must(r.t, r.api.call(r.t.Context(), http.MethodPost, "/lists", object{"name": "More"}, &list))
	must(r.t, importBenchPart(r.t.Context(), r.api, &demoScreen{w: io.Discard}, list.ID, first, first+4))
	must(r.t, r.api.call(r.t.Context(), http.MethodPost, "/relays", object{"name": "Another", "kind": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", "auth": "none",
		"max_connections": 2, "dkim": "off"}, &relay))
	must(r.t, r.api.call(r.t.Context(), http.MethodPost, "/campaigns", object{"name": "Another", "subject": "Hello", "html": benchHTML(), "from_name": "The Library Garden",
		"from_email": "garden@" + benchDomain, "relay_id": relay.ID, "list_ids": []int64{list.ID}}, &campaign))
	return campaign.ID
}

// bounced is what came back about a delivery.
type bounced struct {
	Email   string
	State   string
	Seq     int
	Reports []struct {
		ID                           int64
		Source, Kind, Reason, Action string
		Address, Status, Diagnostic  string
		MatchedBy                    string `json:"matched_by"`
		Hard, Applied                bool
	}
}

func (r *run) deliveries() map[string]bounced {
	r.t.Helper()
	var page struct{ Items []bounced }
	must(r.t, r.api.call(r.t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d/deliveries", r.campaign), nil, &page))
	all := map[string]bounced{}
	for _, d := range page.Items {
		must(r.t, r.api.call(r.t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d/deliveries/%d", r.campaign, d.Seq), nil, &d))
		all[d.Email] = d
	}
	return all
}

// wantBounces waits until the campaign's bounces are there. Of the four readers the first is there, the second is not known outside, the third has a full
// mailbox, and the fourth is not known to the relay itself, which says so in words of its own.
func (r *run) wantBounces(server, source string, readers [4]string, reason, words string) {
	r.t.Helper()
	var got map[string]bounced
	r.await(func() bool {
		got = r.deliveries()
		n := 0
		for _, d := range got {
			if d.State == "bounced" && len(d.Reports) > 0 {
				n++
			}
		}
		return n >= 3
	})
	suppressed := map[string]string{}
	var page struct {
		Items []struct{ Email, Reason, Detail string }
	}
	must(r.t, r.api.call(r.t.Context(), http.MethodGet, "/suppressions", nil, &page))
	for _, s := range page.Items {
		suppressed[s.Email] = s.Reason + ": " + s.Detail
	}
	if d := got[readers[0]]; d.State != "sent" || len(d.Reports) != 0 || suppressed[readers[0]] != "" {
		r.t.Errorf("%s, who is there: %+v, suppressed: %q", server, d, suppressed[readers[0]])
	}
	for i, want := range map[int]struct {
		reason string
		hard   bool
		words  string
	}{1: {"user_unknown", true, "User unknown"}, 2: {"mailbox_full", false, "Mailbox is full"}, 3: {reason, true, words}} {
		d := got[readers[i]]
		if d.State != "bounced" || len(d.Reports) != 1 {
			r.t.Errorf("%s, reader %d: %+v", server, i, d)
			continue
		}
		report := d.Reports[0]
		if report.Source != source || report.Kind != "bounce" || report.Reason != want.reason || report.Hard != want.hard || report.MatchedBy != "return_path" ||
			report.Address != readers[i] || !report.Applied || !strings.Contains(report.Diagnostic, want.words) {
			r.t.Errorf("%s, reader %d: %+v", server, i, report)
		}
		if why := suppressed[readers[i]]; want.hard != strings.HasPrefix(why, "bounce: ") || !strings.Contains(why, want.words) && want.hard {
			r.t.Errorf("%s, reader %d is suppressed because of %q", server, i, why)
		}
		var kept struct{ Raw string }
		must(r.t, r.api.call(r.t.Context(), http.MethodGet, fmt.Sprintf("/reports/%d", report.ID), nil, &kept))
		if !strings.HasPrefix(kept.Raw, "Return-Path: <>") || !strings.Contains(kept.Raw, "message/delivery-status") {
			r.t.Errorf("%s, reader %d: the evidence is %.500q", server, i, kept.Raw)
		}
	}
}
