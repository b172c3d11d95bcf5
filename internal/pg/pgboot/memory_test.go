package pgboot

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBuffersAreAShareOfTheMemory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ meminfo, limit, want string }{
		{"", "", "256MB"},
		{"MemFree: 12 kB\nMemTotal:        4026532 kB\n", "", "491MB"},
		{"MemTotal:       32000000 kB\n", "max\n", "1024MB"},
		{"MemTotal:       32000000 kB\n", "2147483648\n", "256MB"},
		{"MemTotal:         500000 kB\n", "2147483648\n", "128MB"},
		{"MemTotal: many kB\n", "none", "256MB"},
	} {
		root := t.TempDir()
		for name, text := range map[string]string{"proc/meminfo": tt.meminfo, "sys/fs/cgroup/memory.max": tt.limit} {
			if text == "" {
				continue
			}
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := buffersFor(memory(root)); got != tt.want {
			t.Errorf("%q, %q: got %s, want %s", tt.meminfo, tt.limit, got, tt.want)
		}
	}
}
