package dsn

import (
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// processorTime is what parsing costs this thread, the least of three runs: what else the machine does shall not count.
func processorTime(t *testing.T, raw []byte) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	used := func() time.Duration {
		const thread = 1 // RUSAGE_THREAD
		var u syscall.Rusage
		if err := syscall.Getrusage(thread, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	var runs []time.Duration
	for range 3 {
		start := used()
		Parse(raw)
		runs = append(runs, used()-start)
	}
	return slices.Min(runs)
}

// TestHostileMessagesAreReadInLinearTime: eight times the size may take about eight times as long, and nothing is slow.
func TestHostileMessagesAreReadInLinearTime(t *testing.T) {
	const small, big = 32 << 10, 256 << 10
	larger := hostile(big)
	for name, text := range hostile(small) {
		one, eight := processorTime(t, []byte(text)), processorTime(t, []byte(larger[name]))
		if limit := 20*one + 100*time.Millisecond; eight > limit {
			t.Errorf("%s: %v for 32 KB, but %v for 256 KB", name, one, eight)
		}
		if eight > 3*time.Second {
			t.Errorf("%s: 256 KB take %v", name, eight)
		}
	}
}
