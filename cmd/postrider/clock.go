package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// clock gives the time by which the services work: the machine's, moved by what the clock file says. A year of schedules can be gone through in minutes like that.
// Leases and the pace of connections go by the machine's own clock, which other processes see too.
func (c config) clock() (func() time.Time, error) {
	if c.ClockFile == "" {
		return time.Now, nil
	}
	m := &movedClock{path: c.ClockFile}
	if err := m.read(); err != nil {
		return nil, err
	}
	return m.now, nil
}

// movedClock is ahead of the machine's clock, or behind it. Its file may change at any time.
type movedClock struct {
	path string

	mu     sync.Mutex
	by     time.Duration
	readAt time.Time
}

// clockFileFor is how long a change of the file may stay unseen.
const clockFileFor = 100 * time.Millisecond

func (m *movedClock) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Sub(m.readAt) > clockFileFor {
		_ = m.read() // a file that is being written is read the next time
	}
	return now.Add(m.by)
}

// read takes the file's word. The caller holds mu, or is alone.
func (m *movedClock) read() error {
	b, err := os.ReadFile(m.path)
	if err != nil {
		return fmt.Errorf("the clock file: %w", err)
	}
	by, err := time.ParseDuration(strings.TrimSpace(string(b)))
	if err != nil {
		return fmt.Errorf("the clock file %s must hold a duration such as 24h: %w", m.path, err)
	}
	m.by, m.readAt = by, time.Now()
	return nil
}
