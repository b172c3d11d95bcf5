package pgboot

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// procAttr makes the child its own session, so that a Ctrl-C in the terminal reaches only Postrider, which stops the server when it has drained;
// lets the kernel signal it when its parent dies; and drops privileges when the account asks for it.
func procAttr(acct account, deathSignal syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: deathSignal, Credential: acct.credential()}
}

// serversIn lists the Postgres processes whose working directory is the cluster: the postmaster, and its children also when it has died before
// them. A process we may not look at belongs to another user and so cannot serve a 0700 directory of ours.
func serversIn(cluster string) []int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, dir := range dirs {
		cwd, err := os.Readlink(dir + "/cwd")
		if err != nil || cwd != cluster {
			continue
		}
		comm, err := os.ReadFile(dir + "/comm")
		if err != nil || strings.TrimSpace(string(comm)) != "postgres" {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
