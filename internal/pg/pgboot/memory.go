package pgboot

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Of a machine's memory the server keeps an eighth for pages of tables, within these bounds in bytes. A quarter is the usual advice for a machine that has nothing else to do
// (PostgreSQL documentation, §20.4.1); here the program itself runs beside it, and the system keeps pages too.
const (
	fewestBuffers = 128 << 20
	mostBuffers   = 1 << 30
	usualBuffers  = 256 << 20 // where nobody says how much memory there is
)

// sharedBuffers gives the setting of that name for this machine.
func sharedBuffers() string { return buffersFor(memory("/")) }

func buffersFor(memory int64) string {
	bytes := int64(usualBuffers)
	if memory > 0 {
		bytes = min(max(memory/8, fewestBuffers), mostBuffers)
	}
	return fmt.Sprintf("%dMB", bytes>>20)
}

// memory is how much memory the machine has, or the container may use, in bytes: the less of both. 0 is not known. root is the folder of the file system.
func memory(root string) int64 {
	var all int64
	if text, err := os.ReadFile(filepath.Join(root, "proc/meminfo")); err == nil {
		for line := range strings.Lines(string(text)) {
			if kb, ok := strings.CutPrefix(line, "MemTotal:"); ok {
				n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")), 10, 64)
				all = n << 10
			}
		}
	}
	// What control group v2 allows; "max" is no limit.
	text, err := os.ReadFile(filepath.Join(root, "sys/fs/cgroup/memory.max"))
	if limit, e := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && e == nil && limit > 0 && (all == 0 || limit < all) {
		return limit
	}
	return all
}
