package listener

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateFresh is how often the files are looked at.
const certificateFresh = time.Minute

// certificate reads a certificate and its key again when their files have changed, as they do when they are renewed.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	logger            *slog.Logger

	mu       sync.Mutex
	looked   time.Time
	modified [2]time.Time
	current  *tls.Certificate
}

// get implements tls.Config.GetCertificate. Files that cannot be read leave the one before in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && c.now().Sub(c.looked) < certificateFresh {
		return c.current, nil
	}
	c.looked = c.now()
	err := c.load()
	if err != nil && c.current == nil {
		return nil, fmt.Errorf("--bounce-tls-cert, --bounce-tls-key: %w", err)
	}
	if err != nil {
		c.logger.Warn("the new certificate of the bounce listener cannot be read; the one before stays in use", "error", err)
	}
	return c.current, nil
}

func (c *certificate) load() error {
	var modified [2]time.Time
	for i, name := range []string{c.certFile, c.keyFile} {
		st, err := os.Stat(name)
		if err != nil {
			return err
		}
		modified[i] = st.ModTime()
	}
	if c.current != nil && modified == c.modified {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current, c.modified = &pair, modified
	return nil
}
