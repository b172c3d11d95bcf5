//go:build unix && !linux

package pgboot

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// procAttr makes the child its own session and drops privileges when the account asks for it. There is no parent-death signal here: the next
// start stops a server that was left behind.
func procAttr(acct account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: acct.credential()}
}

// serversIn gives the process that postmaster.pid names, if it is a Postgres started for this cluster.
func serversIn(cluster string) []int {
	pid := postmasterPID(cluster)
	if pid == 0 {
		return nil
	}
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil || !strings.Contains(string(out), "postgres") || !strings.Contains(string(out), cluster) {
		return nil
	}
	return []int{pid}
}
