package smtptest

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stage is where in the dialogue a script acts.
type Stage string

// The stages. AtBody is inside the message, after its first line has been read;
// AtDot after its end.
const (
	AtGreeting Stage = "greeting"
	AtHelo     Stage = "helo"
	AtStartTLS Stage = "starttls"
	AtAuth     Stage = "auth"
	AtMail     Stage = "mail"
	AtRcpt     Stage = "rcpt"
	AtData     Stage = "data"
	AtBody     Stage = "body"
	AtDot      Stage = "dot"
	AtRset     Stage = "rset"
)

// Script is one departure from accepting everything. The first script that
// matches and is not used up acts.
//
// Match is an address, or a prefix when it ends in "*", or "" for everyone. At
// AtMail it is compared with the sender, at AtRcpt to AtDot with the recipient;
// before MAIL only "" matches.
//
// Wait is waited for first (close it, or send once per use); Held gets a value when that
// begins. Then Reply is sent
// instead of the usual reply; "" keeps that, but with Drop the connection is closed
// without a word, or after Reply when one is given. A Reply may hold several lines
// separated by "\r\n". At AtBody any Reply ends the connection, as a server that
// shuts down does; the rest of the message is read and forgotten.
//
// With Accept, the message enters the ledger before Wait and Drop at AtDot: accepted,
// but the sender hears it late or never.
type Script struct {
	Match   string
	At      Stage
	Reply   string
	Drop    bool
	Accept  bool
	Wait    <-chan struct{}
	Held    chan<- struct{}
	Dribble time.Duration // the reply goes out one byte at a time, this far apart
	Endless bool          // the reply's first line, as one that goes on, for ever
	Times   int           // 0 is always
}

// scripts finds scripts by stage; exact addresses by map, so that large runs with
// many scripts stay fast. Finding takes no lock: a change makes a new table.
type scripts struct {
	adding sync.Mutex
	table  atomic.Pointer[scriptTable]
}

type scriptTable struct {
	exact  map[scriptKey][]*scriptState
	prefix map[Stage][]*scriptState
}

type scriptKey struct {
	at   Stage
	addr string
}

type scriptState struct {
	Script
	left atomic.Int64 // uses left, negative is unlimited
}

func newScripts(list []Script) *scripts {
	s := &scripts{}
	t := &scriptTable{exact: map[scriptKey][]*scriptState{}, prefix: map[Stage][]*scriptState{}}
	for _, sc := range list {
		t.add(sc)
	}
	s.table.Store(t)
	return s
}

func (s *scripts) add(sc Script) {
	s.adding.Lock()
	defer s.adding.Unlock()
	old := s.table.Load()
	t := &scriptTable{exact: maps.Clone(old.exact), prefix: maps.Clone(old.prefix)}
	t.add(sc)
	s.table.Store(t)
}

func (t *scriptTable) add(sc Script) {
	st := &scriptState{Script: sc}
	st.left.Store(-1)
	if sc.Times > 0 {
		st.left.Store(int64(sc.Times))
	}
	if sc.Match != "" && !strings.HasSuffix(sc.Match, "*") {
		key := scriptKey{sc.At, sc.Match}
		t.exact[key] = append(slices.Clip(t.exact[key]), st)
		return
	}
	st.Match = strings.TrimSuffix(sc.Match, "*")
	t.prefix[sc.At] = append(slices.Clip(t.prefix[sc.At]), st)
}

// find uses up and returns the script for an address at a stage, or nil.
func (s *scripts) find(at Stage, addr string) *Script {
	t := s.table.Load()
	if len(t.exact) > 0 && addr != "" {
		for _, st := range t.exact[scriptKey{at, addr}] {
			if st.use() {
				return &st.Script
			}
		}
	}
	for _, st := range t.prefix[at] {
		if strings.HasPrefix(addr, st.Match) && st.use() {
			return &st.Script
		}
	}
	return nil
}

func (st *scriptState) use() bool {
	for {
		left := st.left.Load()
		if left < 0 {
			return true
		}
		if left == 0 {
			return false
		}
		if st.left.CompareAndSwap(left, left-1) {
			return true
		}
	}
}
