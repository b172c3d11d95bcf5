package listener

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// peers counts the connections that are open, together and of each peer. Nothing is kept of a peer that has left.
type peers struct {
	most, mostPerPeer int

	mu     sync.Mutex
	all    int
	byPeer map[string]int
}

// enter counts a connection, when there is room for it. peer "" is not counted by itself.
func (p *peers) enter(peer string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= p.most || peer != "" && p.byPeer[peer] >= p.mostPerPeer {
		return false
	}
	p.all++
	if peer != "" {
		p.byPeer[peer]++
	}
	return true
}

func (p *peers) leave(peer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.byPeer[peer]--; p.byPeer[peer] <= 0 {
		delete(p.byPeer, peer)
	}
}

// peerOf names whose connection it is: an IPv4 address, or the /64 that one customer has in IPv6.
func peerOf(addr net.Addr) string {
	tcp, is := addr.(*net.TCPAddr)
	if !is {
		return ""
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(ip, bits).Masked().String()
}

// port is one address that is listened on, with its connections.
type port struct {
	s       *Server
	lmtp    bool
	ln      net.Listener
	stopped chan struct{} // closed by stop

	mu       sync.Mutex
	stopping bool
	conns    map[*conn]struct{}
}

// acceptPause is how long a port waits when the system has nothing left for another connection.
const acceptPause = 200 * time.Millisecond

// accept gives the next connection that there is room for. Its error is net.ErrClosed when the port has stopped.
func (p *port) accept() (*conn, error) {
	for {
		nc, err := p.ln.Accept()
		if err == nil {
			if c := p.admit(nc); c != nil {
				return c, nil
			}
			continue
		}
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) && !errors.Is(err, syscall.ENOBUFS) && !errors.Is(err, syscall.ENOMEM) &&
			!errors.Is(err, syscall.ECONNABORTED) {
			return nil, err
		}
		select {
		case <-p.stopped:
		case <-time.After(acceptPause):
		}
	}
}

// admit counts a connection, or tells it that there is no room and gives nil.
func (p *port) admit(nc net.Conn) *conn {
	peer := ""
	if !p.lmtp {
		peer = peerOf(nc.RemoteAddr())
	}
	if !p.s.peers.enter(peer) {
		// The few bytes fit into the buffer of a fresh connection: nobody can hold this up.
		_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(nc, byCrowd.String()+"\r\n")
		_ = nc.Close()
		return nil
	}
	c := &conn{Conn: nc, p: p, peer: peer, end: time.Now().Add(p.s.limits.ConnectionAge)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = struct{}{}
	if p.stopping {
		_ = nc.SetReadDeadline(time.Unix(1, 0))
	}
	return c
}

// stop closes the address and makes every read fail from now on. Sessions end at their next read, hence after the answer to a complete message and before
// the end of an incomplete one. A second stop does nothing.
func (p *port) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return nil
	}
	p.stopping = true
	close(p.stopped)
	for c := range p.conns {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
	return p.ln.Close()
}

func (p *port) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopping
}

// conn is a connection of a port.
type conn struct {
	net.Conn
	p    *port
	peer string
	end  time.Time
	once sync.Once
}

// SetReadDeadline implements net.Conn; it extends no read while stopping, and none over the age of the connection.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	if c.p.stopping {
		return nil
	}
	if c.end.Before(t) {
		t = c.end
	}
	return c.Conn.SetReadDeadline(t)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		c.p.mu.Lock()
		delete(c.p.conns, c)
		c.p.mu.Unlock()
		c.p.s.peers.leave(c.peer)
		err = c.Conn.Close()
	})
	return err
}
