// Package pgboot starts a private Postgres for people who set no DATABASE_URL, so that one binary is enough to try Postrider and to run it.
//
// The server belongs to one data directory and to the process that started it. It listens on a unix socket in a 0700 directory only, runs as an
// unprivileged user when Postrider runs as root, and ends with its parent. Under DataDir live:
//
//	cluster/          the Postgres data directory, owned by the user Postgres runs as
//	run/              the socket, when its path is short enough for a socket address
//	postgres.log      what the server says, at most two files of about 8 MiB
//	postrider.lock    held while a process of ours uses the directory
//
// Two things an operator has to know. A signal to the terminal's process group does not reach the server, because it has its own session; a
// service manager that signals every process of the service at once (systemd's KillMode=control-group) makes Postgres refuse new connections
// while Postrider drains, so units want KillMode=mixed. And on systems without a parent-death signal (macOS) the server outlives a killed
// Postrider until the next start, which stops it first.
//
// Linux, macOS and other Unix systems are supported; Windows is not.
package pgboot
